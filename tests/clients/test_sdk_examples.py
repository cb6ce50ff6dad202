"""What the SDK's example scripts do, one after the other, as a newcomer tries them: the requests are theirs, the code
is ours. Their host is a simulated one, which joins by itself.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import ovirtsdk4
import pytest
from ovirtsdk4 import types as t

import waiting
from clients.conftest import Site

pytestmark = pytest.mark.usefixtures("strict")

Sdk = ovirtsdk4.Connection


until = partial(waiting.until, seconds=60)


def one(service: Any, search: str) -> Any:
    (found,) = service.list(search=search)
    return found


def test_the_examples_in_their_order(site: Site, sdk: Sdk) -> None:
    system = sdk.system_service()
    assert system.get().product_info.name
    assert system.get().summary.hosts.total == 2

    make_a_site(system)
    move_the_host(system)
    wire_it(system)
    run_a_machine(sdk)
    read_it(site, sdk)
    allow_it(system)
    take_it_down(system)


def make_a_site(system: Any) -> None:
    """add_data_center, add_cluster, add_logical_network, assign_network_to_cluster, list_cluster_networks,
    add_mac_pool, update_data_center.
    """
    centers, clusters, networks = system.data_centers_service(), system.clusters_service(), system.networks_service()
    made = centers.add(t.DataCenter(name="mydc", description="My data center", local=False))
    until(lambda: centers.data_center_service(made.id).get() is not None)
    clusters.add(
        t.Cluster(
            name="mycluster",
            description="My cluster",
            cpu=t.Cpu(architecture=t.Architecture.X86_64, type="Intel Conroe Family"),
            data_center=t.DataCenter(name="mydc"),
        )
    )
    networks.add(
        t.Network(
            name="mynetwork",
            description="My logical network",
            data_center=t.DataCenter(name="mydc"),
            vlan=t.Vlan(id="100"),
            usages=[t.NetworkUsage.VM],
            mtu=1500,
        )
    )
    network = one(networks, "name=mynetwork and datacenter=mydc")
    cluster = clusters.cluster_service(one(clusters, "name=mycluster").id)
    cluster.networks_service().add(network=t.Network(id=network.id, required=True))
    shown = {known.name: [str(usage) for usage in known.usages] for known in cluster.networks_service().list()}
    assert (set(shown), shown["mynetwork"]) == ({"ovirtmgmt", "mynetwork"}, ["vm"])
    pool = system.mac_pools_service().add(
        t.MacPool(name="mymacpool", ranges=[t.Range(from_="02:00:00:00:00:00", to="02:00:00:01:00:00")])
    )
    cluster.update(cluster=t.Cluster(mac_pool=t.MacPool(id=pool.id)))
    assert cluster.get().mac_pool.id == pool.id
    centers.data_center_service(made.id).update(t.DataCenter(description="Updated description"))
    assert one(centers, "name=mydc").description == "Updated description"


def move_the_host(system: Any) -> None:
    """change_host_cluster."""
    hosts = system.hosts_service()
    host = hosts.host_service(one(hosts, "name=sim-2").id)
    host.deactivate()
    until(lambda: host.get().status == t.HostStatus.MAINTENANCE)
    host.update(t.Host(cluster=t.Cluster(name="mycluster")))
    host.activate()
    # It has a required network to carry first.
    until(lambda: host.get().status in {t.HostStatus.NON_OPERATIONAL, t.HostStatus.UP})


def wire_it(system: Any) -> None:
    """add_bond, list_host_statistics."""
    hosts = system.hosts_service()
    host = hosts.host_service(one(hosts, "name=sim-2").id)
    host.setup_networks(
        modified_bonds=[
            t.HostNic(
                name="bond0",
                bonding=t.Bonding(
                    options=[t.Option(name="mode", value="1"), t.Option(name="miimon", value="100")],
                    slaves=[t.HostNic(name="eth1"), t.HostNic(name="eth2")],
                ),
            )
        ],
        modified_network_attachments=[
            t.NetworkAttachment(
                network=t.Network(name="mynetwork"),
                host_nic=t.HostNic(name="bond0"),
                ip_address_assignments=[
                    t.IpAddressAssignment(
                        assignment_method=t.BootProtocol.STATIC,
                        ip=t.Ip(address="192.0.2.10", netmask="255.255.255.0"),
                    )
                ],
                dns_resolver_configuration=t.DnsResolverConfiguration(name_servers=["192.0.2.53"]),
            )
        ],
    )
    host.commit_net_config()
    until(lambda: host.get().status == t.HostStatus.UP)
    assert all(value.datum is not None for stat in host.statistics_service().list() for value in stat.values)


def run_a_machine(sdk: Sdk) -> None:
    """add_vm, add_vm_nic, start_vm_with_cloud_init, get_vm_ip, stop_vm, start_vm."""
    system = sdk.system_service()
    vms = system.vms_service()
    vms.add(t.Vm(name="myvm", cluster=t.Cluster(name="mycluster"), template=t.Template(name="Blank")))
    machine = one(vms, "name=myvm")
    cluster = system.clusters_service().cluster_service(machine.cluster.id).get()
    center = one(system.data_centers_service(), f"Clusters.name={cluster.name}")
    networks = system.data_centers_service().data_center_service(center.id).networks_service().list()
    network = next(known for known in networks if known.name == "mynetwork")
    profile = next(known for known in system.vnic_profiles_service().list() if known.network.id == network.id)
    vm = vms.vm_service(machine.id)
    vm.nics_service().add(
        t.Nic(name="nic1", description="My network interface card", vnic_profile=t.VnicProfile(id=profile.id))
    )
    ip = t.Ip(address="192.0.2.100", netmask="255.255.255.0", gateway="192.0.2.1", version=t.IpVersion.V4)
    vm.start(
        use_cloud_init=True,
        vm=t.Vm(
            initialization=t.Initialization(
                user_name="root",
                host_name="myvm.example.com",
                nic_configurations=[
                    t.NicConfiguration(name="nic1", on_boot=True, boot_protocol=t.BootProtocol.STATIC, ip=ip)
                ],
                dns_servers="192.0.2.53",
            )
        ),
    )
    until(lambda: vm.get().status == t.VmStatus.UP)
    assert sdk.follow_link(vm.get().host).name == "sim-2"
    vm.reported_devices_service().list()
    vm.stop()
    until(lambda: vm.get().status == t.VmStatus.DOWN)
    vm.start()
    until(lambda: vm.get().status == t.VmStatus.UP)


def read_it(site: Site, sdk: Sdk) -> None:
    """list_vms, search_vms, page_vms, print_vm_mac_duplicates, follow_vm_links, connection_builder, poll_events,
    asynchronous_inventory, disable_compression.
    """
    system = sdk.system_service()
    vms = system.vms_service()
    assert [vm.name for vm in vms.list()] == ["myvm"]
    found = vms.list(search="name=MYVM", case_sensitive=False)
    assert [vm.name for vm in found] == ["myvm"]
    pages = 0
    while vms.list(search=f"page {pages + 1}", max=1):
        pages += 1
    assert pages == 1
    macs = Counter(nic.mac.address for vm in vms.list() for nic in vms.vm_service(vm.id).nics_service().list())
    assert set(macs.values()) == {1}
    assert sdk.follow_link(found[0].cluster).name == "mycluster"
    assert sdk.follow_link(found[0].template).name == "Blank"
    sdk.follow_link(found[0].permissions)
    events = system.events_service()
    newest = events.list(max=1)[0]
    assert events.list(from_=int(newest.id)) == []
    services = [getattr(system, f"{noun}_service")() for noun in INVENTORY]
    assert all(isinstance(future.wait(), list) for future in [service.list(wait=False) for service in services])
    plain = site.connect(compress=False)
    assert {host.name for host in plain.system_service().hosts_service().list()} == {"sim-1", "sim-2"}
    plain.close()


INVENTORY = (
    "clusters", "data_centers", "events", "hosts", "jobs", "mac_pools", "networks", "roles", "storage_domains", "tags",
    "templates", "users", "vms", "vnic_profiles",
)  # fmt: skip


def allow_it(system: Any) -> None:
    """assign_permission, on a network."""
    networks, users = system.networks_service(), system.users_service()
    network = networks.network_service(one(networks, "name=mynetwork").id)
    user = one(users, "usrname=admin@internal-authz")
    made = network.permissions_service().add(t.Permission(user=t.User(id=user.id), role=t.Role(name="VnicProfileUser")))
    assert made.id


def take_it_down(system: Any) -> None:
    """stop_vm, remove_vm, remove_host."""
    vms, hosts = system.vms_service(), system.hosts_service()
    vm = vms.vm_service(one(vms, "name=myvm").id)
    vm.stop()
    until(lambda: vm.get().status == t.VmStatus.DOWN)
    vm.remove()
    host = hosts.host_service(one(hosts, "name=sim-2").id)
    if host.get().status != t.HostStatus.MAINTENANCE:
        host.deactivate()
        until(lambda: host.get().status == t.HostStatus.MAINTENANCE)
    host.remove()
    assert [known.name for known in hosts.list()] == ["sim-1"]
