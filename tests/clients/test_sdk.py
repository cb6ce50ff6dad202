"""The official SDK, unmodified, walks and changes everything through a real socket."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import ovirtsdk4
import pytest
from ovirtsdk4 import types as t

import waiting
from clients.conftest import USER, Site, until_up
from clients.recorder import API
from engine_process import PASSWORD, EngineProcess

pytestmark = pytest.mark.usefixtures("strict")

Sdk = ovirtsdk4.Connection
STATIC = t.BootProtocol.STATIC


@pytest.fixture(scope="module")
def networks(sdk: Sdk) -> dict[str, t.Network]:
    """Storage (VLAN 100) and tenants (VLAN 200) on cluster Default."""
    system = sdk.system_service()
    (data_center,) = system.data_centers_service().list(search="name=Default")
    made = {}
    for name, tag in (("storage", 100), ("tenants", 200)):
        network = t.Network(name=name, vlan=t.Vlan(id=tag), data_center=t.DataCenter(id=data_center.id))
        made[name] = system.networks_service().add(network)
        cluster_networks(sdk).add(t.Network(id=made[name].id, required=False))
    return made


def cluster_networks(sdk: Sdk, cluster: str = "Default") -> Any:
    service = sdk.system_service().clusters_service()
    return service.cluster_service(service.list(search=f"name={cluster}")[0].id).networks_service()


def host_named(sdk: Sdk, name: str = "sim-1") -> Any:
    service = sdk.system_service().hosts_service()
    return service.host_service(service.list(search=f"name={name}")[0].id)


def nic_named(host: Any, name: str) -> t.HostNic:
    return next(nic for nic in host.nics_service().list() if nic.name == name)


def attachment(network: str, nic: str, address: str = "") -> t.NetworkAttachment:
    ip = t.Ip(address=address, netmask="255.255.255.0", version=t.IpVersion.V4)
    return t.NetworkAttachment(
        network=t.Network(name=network),
        host_nic=t.HostNic(name=nic),
        ip_address_assignments=[t.IpAddressAssignment(assignment_method=STATIC, ip=ip)] if address else None,
    )


until = partial(waiting.until, seconds=60)


@pytest.fixture
def bare_host(sdk: Sdk) -> Iterator[Any]:
    """sim-1, which has only its management network again afterwards."""
    host = host_named(sdk)
    yield host
    kept = [a for a in host.network_attachments_service().list() if sdk.follow_link(a.network).name != "ovirtmgmt"]
    bonds = [t.HostNic(id=nic.id) for nic in host.nics_service().list() if nic.bonding]
    host.setup_networks(removed_network_attachments=kept, removed_bonds=bonds, commit_on_success=True)


# Sessions


def test_in_and_out(site: Site) -> None:
    connection = site.connect()
    assert connection.test()
    api = connection.system_service().get()
    assert (api.product_info.version.major, api.product_info.version.minor) >= (4, 4)
    assert api.summary.hosts.total == 2
    token = connection.authenticate()
    second = site.connect(username=None, password=None, token=token)
    assert second.test()
    second.close(logout=False)
    connection.close()
    last = site.connect(username=None, password=None, token=token)
    with pytest.raises(ovirtsdk4.AuthError):
        last.system_service().networks_service().list()
    last.close(logout=False)
    wrong = site.connect(password="not the password")
    with pytest.raises(ovirtsdk4.AuthError, match="access_denied"):
        wrong.system_service().get()
    wrong.close(logout=False)
    assert not wrong.test()


def test_over_tls_with_the_certificate_of_the_engine(tmp_path: Path) -> None:
    with EngineProcess(tmp_path, options=("--simulated-hosts", "1")) as engine:
        connection = ovirtsdk4.Connection(
            url=engine.url + API, username=USER, password=PASSWORD, ca_file=str(engine.ca)
        )
        until_up(connection, ("sim-1",))
        assert [nic.name for nic in host_named(connection).nics_service().list()][:2] == ["eth0", "eth1"]
        connection.close()
        distrusting = ovirtsdk4.Connection(url=engine.url + API, username=USER, password=PASSWORD)
        with pytest.raises(ovirtsdk4.Error, match="certificate"):
            distrusting.system_service().get()


def test_a_fence_agent_keeps_its_session_by_cookie(site: Site) -> None:
    """Basic authentication at first, with a filtered view, then the cookie alone; regular expressions read the XML."""
    address = site.recorder.url.partition("//")[2]
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    door = http.client.HTTPConnection(address)
    always = {"Version": "4", "Content-type": "application/xml", "Accept": "application/xml", "Filter": "true"}

    def get(path: str, **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
        door.request("GET", API + path, headers={**always, "Prefer": "persistent-auth", **headers})
        answer = door.getresponse()
        return answer.status, answer.read().decode(), answer.headers

    status, _, headers = get("/vms/?search=name%3Dnothing")
    assert (status, headers["WWW-Authenticate"]) == (401, 'Basic realm="RESTAPI"')
    status, body, headers = get("/vms/?search=name%3Dnothing", Authorization=f"Basic {basic}")
    assert (status, "<vms/>" in body) == (200, True)
    cookie = headers["Set-Cookie"].partition(";")[0]
    assert cookie.startswith("JSESSIONID=")
    status, body, _ = get("/networks", Cookie=cookie)
    assert (status, "<name>ovirtmgmt</name>\n" in body) == (200, True)
    assert get("/networks", Authorization="Basic " + base64.b64encode(b"admin@internal:no").decode())[0] == 401
    door.close()


def test_correlation_ids(site: Site, sdk: Sdk) -> None:
    networks = sdk.system_service().networks_service()
    networks.list(query={"correlation_id": "from query"}, headers={"X-Other": "1"})
    assert site.recorder.seen[-1].answered["correlation-id"] == "fromquery"
    networks.list(headers={"Correlation-Id": "x" * 50})
    assert site.recorder.seen[-1].answered["correlation-id"] == "x" * 36
    networks.list()
    assert len(site.recorder.seen[-1].answered["correlation-id"]) == 36
    (data_center,) = sdk.system_service().data_centers_service().list(search="name=Default")
    made = networks.add(
        t.Network(name="traced", data_center=t.DataCenter(id=data_center.id)), headers={"Correlation-Id": "trace-1"}
    )
    found = sdk.system_service().events_service().list(search="correlation_id=trace-1")
    assert {event.code for event in found} >= {942}
    assert {event.correlation_id for event in found} == {"trace-1"}
    networks.network_service(made.id).remove()


# One noun after the other


def test_data_centers_clusters_and_their_networks(sdk: Sdk) -> None:
    system = sdk.system_service()
    data_centers, clusters = system.data_centers_service(), system.clusters_service()
    north = data_centers.add(t.DataCenter(name="north", description="d", local=False))
    one = data_centers.data_center_service(north.id)
    assert one.update(t.DataCenter(comment="cold")).comment == "cold"
    made = clusters.add(
        t.Cluster(
            name="edge",
            description="at the edge",
            cpu=t.Cpu(architecture=t.Architecture.X86_64, type="Intel Nehalem Family"),
            data_center=t.DataCenter(name="north"),
            switch_type=t.SwitchType.OVS,
        )
    )
    cluster = clusters.cluster_service(made.id)
    assert (cluster.get().switch_type, sdk.follow_link(made.data_center).name) == (t.SwitchType.OVS, "north")
    assert [one.name for one in data_centers.list(search="Clusters.name=edge")] == ["north"]
    assert cluster.update(t.Cluster(comment="c")).comment == "c"

    network = one.networks_service().add(t.Network(name="disks", vlan=t.Vlan(id=7), usages=[]))
    attached = cluster.networks_service().add(
        t.Network(id=network.id, required=True, usages=[t.NetworkUsage.MIGRATION])
    )
    there = cluster.networks_service().network_service(attached.id)
    assert (there.get().required, t.NetworkUsage.MIGRATION in there.get().usages) == (True, True)
    changed = there.update(t.Network(required=False, usages=[t.NetworkUsage.DISPLAY]))
    assert (changed.required, changed.display, t.NetworkUsage.DISPLAY in changed.usages) == (False, True, True)
    assert {one.name for one in cluster.networks_service().list()} == {"ovirtmgmt", "disks"}
    there.update(t.Network(display=False, usages=[]))
    there.remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        there.get()
    one.networks_service().network_service(network.id).remove()
    cluster.remove()
    one.remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        one.get()


def test_networks_their_labels_and_profiles(sdk: Sdk) -> None:
    system = sdk.system_service()
    network = system.networks_service().add(
        t.Network(
            name="guests",
            description="for guests",
            mtu=1400,
            vlan=t.Vlan(id=77),
            usages=[t.NetworkUsage.VM],
            data_center=t.DataCenter(name="Default"),
            dns_resolver_configuration=t.DnsResolverConfiguration(name_servers=["192.0.2.53"]),
        )
    )
    one = system.networks_service().network_service(network.id)
    labels = one.network_labels_service()
    labels.add(t.NetworkLabel(id="blue"))
    assert [label.id for label in labels.list()] == ["blue"]
    labels.label_service("blue").remove()

    (default,) = one.vnic_profiles_service().list()
    assert (default.name, default.pass_through.mode) == ("guests", t.VnicPassThroughMode.DISABLED)
    profiles = system.vnic_profiles_service()
    made = profiles.add(
        t.VnicProfile(name="watched", network=t.Network(id=network.id), port_mirroring=True, description="p")
    )
    profile = profiles.profile_service(made.id)
    assert (profile.get().port_mirroring, sdk.follow_link(made.network).name) == (True, "guests")
    assert not profile.update(t.VnicProfile(port_mirroring=False)).port_mirroring
    below = one.vnic_profiles_service().add(t.VnicProfile(name="second"))
    assert {p.name for p in one.vnic_profiles_service().list()} == {"guests", "watched", "second"}
    one.vnic_profiles_service().profile_service(below.id).remove()
    profile.remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        profile.get()

    changed = one.update(t.Network(mtu=9000, vlan=t.Vlan(id=78), comment="c"))
    assert (changed.mtu, changed.vlan.id, changed.comment) == (9000, 78, "c")
    one.remove()
    assert system.networks_service().list(search="name=guests") == []


def test_mac_pools(sdk: Sdk) -> None:
    pools = sdk.system_service().mac_pools_service()
    (default,) = (pool for pool in pools.list() if pool.default_pool)
    assert default.ranges[0].to > default.ranges[0].from_
    ranges = [t.Range(from_="02:00:00:00:00:00", to="02:00:00:00:00:ff")]
    made = pools.add(t.MacPool(name="second", allow_duplicates=False, ranges=ranges))
    pool = pools.mac_pool_service(made.id)
    assert pool.update(t.MacPool(description="d", allow_duplicates=True)).allow_duplicates
    with pytest.raises(ovirtsdk4.Error, match="MAC pool cannot contain ranges which overlap with ranges in MAC pools"):
        pools.add(t.MacPool(name="third", ranges=ranges))
    pool.remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        pool.get()


@pytest.mark.usefixtures("networks")
def test_host_networks_by_setup_networks(site: Site, sdk: Sdk, bare_host: Any) -> None:
    host = bare_host
    host.setup_networks(
        modified_bonds=[
            t.HostNic(
                name="bond0",
                bonding=t.Bonding(
                    options=[t.Option(name="mode", value="4"), t.Option(name="miimon", value="100")],
                    slaves=[t.HostNic(name="eth2"), t.HostNic(name="eth3")],
                ),
            )
        ],
        modified_network_attachments=[attachment("storage", "bond0", "192.0.2.10"), attachment("tenants", "eth1")],
        check_connectivity=True,
    )
    bond = nic_named(host, "bond0")
    assert bond.bonding.options[0].type == "Dynamic link aggregation (802.3ad)"
    assert sorted(sdk.follow_link(slave).name for slave in bond.bonding.slaves) == ["eth2", "eth3"]
    vlan = nic_named(host, "bond0.100")
    assert (vlan.base_interface, vlan.vlan.id, vlan.ip.address, vlan.boot_protocol) == (
        "bond0", 100, "192.0.2.10", STATIC,
    )  # fmt: skip
    host.commit_net_config()
    host.sync_all_networks()
    host.refresh()
    attachments = host.network_attachments_service()
    by_network = {sdk.follow_link(a.network).name: a for a in attachments.list()}
    assert set(by_network) == {"ovirtmgmt", "storage", "tenants"}
    assert all(a.in_sync for a in by_network.values())
    (on_bond,) = host.nics_service().nic_service(bond.id).network_attachments_service().list()
    assert on_bond.id == by_network["storage"].id

    one = attachments.attachment_service(by_network["storage"].id)
    moved = one.get()
    v4 = next(a for a in moved.ip_address_assignments if a.ip.version == t.IpVersion.V4)
    v4.ip.address = "192.0.2.11"
    one.update(moved)
    assert nic_named(host, "bond0.100").ip.address == "192.0.2.11"
    attachments.attachment_service(by_network["tenants"].id).remove()
    assert len(attachments.list()) == 2
    assert host.unmanaged_networks_service().list() == []

    host.setup_networks(
        modified_network_attachments=[attachment("tenants", "eth1")], async_=True, query={"correlation_id": "later"}
    )
    assert site.recorder.seen[-1].status == 202
    until(lambda: len(attachments.list()) == 3)
    (job,) = sdk.system_service().jobs_service().list(search="correlation_id=later")
    assert job.status in {t.JobStatus.STARTED, t.JobStatus.FINISHED}


def test_hosts(sdk: Sdk) -> None:
    service = sdk.system_service().hosts_service()
    host = host_named(sdk, "sim-2")
    before = host.get()
    assert (before.status, before.spm.status, before.cluster.id != "") == (t.HostStatus.UP, t.SpmStatus.NONE, True)
    with pytest.raises(ovirtsdk4.Error, match=r"Cannot activate Host\. Host in Up status"):
        host.activate()
    host.deactivate()
    assert host.get().status == t.HostStatus.MAINTENANCE
    with pytest.raises(ovirtsdk4.Error, match="Host is already in Maintenance mode"):
        host.deactivate()
    assert host.update(t.Host(comment="rack 7")).comment == "rack 7"
    host.activate()
    until(lambda: host.get().status == t.HostStatus.UP)
    added = service.add(
        t.Host(
            name="waiting", address="192.0.2.9", cluster=t.Cluster(name="Default"), override_iptables=True,
        ),
        query={"activate": True},
    )  # fmt: skip
    assert added.status == t.HostStatus.INSTALLING
    waiting = service.host_service(added.id)
    waiting.remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        waiting.get()
    assert host_named(sdk, "sim-2").statistics_service().list() is not None
    nic = next(nic for nic in host.nics_service().list() if nic.name == "eth1")
    said = host.nics_service().nic_service(nic.id).link_layer_discovery_protocol_elements_service().list()
    assert [(one.name, one.type, one.oui) for one in said][4:] == [
        ("System Name", 5, None),
        ("System Description", 6, None),
        ("System Capabilities", 7, None),
        ("Management Address", 8, None),
        ("Port VLAN ID", 127, 0x0080C2),
        ("MTU", 127, 0x00120F),
    ]
    assert [(one.name, one.value) for one in said[4].properties] == [("system name", "sw-1b")]


def test_vms_and_their_nics(sdk: Sdk, networks: dict[str, t.Network], bare_host: Any) -> None:
    bare_host.setup_networks(modified_network_attachments=[attachment("tenants", "eth1")])
    service = sdk.system_service().vms_service()
    profile = next(p for p in sdk.system_service().vnic_profiles_service().list() if p.name == "tenants")
    made = service.add(
        t.Vm(name="myvm", memory=2**28, cluster=t.Cluster(name="Default"), template=t.Template(name="Blank"))
    )
    vm = service.vm_service(made.id)
    nics = vm.nics_service()
    nic = nics.add(
        t.Nic(
            name="nic1", interface=t.NicInterface.VIRTIO, vnic_profile=t.VnicProfile(id=profile.id), linked=True,
            mac=t.Mac(address="00:1a:4a:16:01:51"),
        )
    )  # fmt: skip
    assert (nic.mac.address, sdk.follow_link(nic.vm).name) == ("00:1a:4a:16:01:51", "myvm")
    with pytest.raises(ovirtsdk4.Error, match="MAC Address 00:1a:4a:16:01:51 is already in use by VM or snapshot"):
        nics.add(t.Nic(name="nic2", mac=t.Mac(address="00:1a:4a:16:01:51")))
    vm.start()
    assert (vm.get().status, sdk.follow_link(vm.get().host).name) == (t.VmStatus.UP, "sim-1")
    one = nics.nic_service(nic.id)
    one.deactivate()
    assert not one.get().plugged
    one.activate()
    assert one.get().plugged
    whole = one.get()
    whole.linked = False
    assert not one.update(whole).linked
    whole = one.get()
    whole.vnic_profile.id = None  # as the writer sends it: an href without an id means none
    assert one.update(whole).vnic_profile is None
    vm.suspend()
    assert (vm.get().status, vm.get().host) == (t.VmStatus.SUSPENDED, None)
    vm.start()
    vm.reboot()
    assert (vm.get().status, sdk.follow_link(vm.get().host).name) == (t.VmStatus.UP, "sim-1")
    vm.shutdown()
    assert vm.get().status == t.VmStatus.DOWN
    with pytest.raises(ovirtsdk4.Error, match="VM is not running"):
        vm.shutdown()
    vm.start()
    vm.stop()
    assert vm.get().status == t.VmStatus.DOWN
    with pytest.raises(ovirtsdk4.Error, match="VM is not running"):
        vm.stop()
    assert vm.update(t.Vm(description="d")).description == "d"
    one.remove()
    vm.remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        vm.get()
    assert networks


def test_labels_of_nics(sdk: Sdk, bare_host: Any) -> None:
    """A network comes to a host by the label that it has in common with a NIC, and goes with it."""
    system = sdk.system_service()
    (data_center,) = system.data_centers_service().list(search="name=Default")
    made = system.networks_service().add(
        t.Network(name="labelled", vlan=t.Vlan(id=300), data_center=t.DataCenter(id=data_center.id))
    )
    cluster_networks(sdk).add(t.Network(id=made.id, required=False))
    network = system.networks_service().network_service(made.id)
    network.network_labels_service().add(t.NetworkLabel(id="blue"))
    labels = bare_host.nics_service().nic_service(nic_named(bare_host, "eth2").id).network_labels_service()
    labels.add(t.NetworkLabel(id="blue"))
    assert [label.id for label in labels.list()] == ["blue"]

    def carried() -> bool:
        return made.id in [a.network.id for a in bare_host.network_attachments_service().list()]

    until(carried)
    labels.label_service("blue").remove()
    until(lambda: not carried())
    assert labels.list() == []
    network.remove()


def test_parameters_of_network_filters(sdk: Sdk, networks: dict[str, t.Network]) -> None:
    system = sdk.system_service()
    profile = next(p for p in system.vnic_profiles_service().list() if p.network.id == networks["tenants"].id)
    made = system.vms_service().add(
        t.Vm(name="filtered", cluster=t.Cluster(name="Default"), template=t.Template(name="Blank"))
    )
    vm = system.vms_service().vm_service(made.id)
    nic = vm.nics_service().add(t.Nic(name="nic1", vnic_profile=t.VnicProfile(id=profile.id)))
    parameters = vm.nics_service().nic_service(nic.id).network_filter_parameters_service()
    added = parameters.add(t.NetworkFilterParameter(name="IP", value="192.0.2.10"))
    one = parameters.parameter_service(added.id)
    assert one.update(t.NetworkFilterParameter(name="IP", value="192.0.2.11")).value == "192.0.2.11"
    assert [(p.name, p.value) for p in parameters.list()] == [("IP", "192.0.2.11")]
    one.remove()
    assert parameters.list() == []
    vm.remove()


def test_a_machine_moves_to_another_host(sdk: Sdk, networks: dict[str, t.Network], bare_host: Any) -> None:
    """Not to one that lacks its network; to one that has it, with what it carries."""
    bare_host.setup_networks(modified_network_attachments=[attachment("tenants", "eth1")])
    other = host_named(sdk, "sim-2")
    system = sdk.system_service()
    profile = next(p for p in system.vnic_profiles_service().list() if p.network.id == networks["tenants"].id)
    made = system.vms_service().add(
        t.Vm(name="mover", cluster=t.Cluster(name="Default"), template=t.Template(name="Blank"))
    )
    vm = system.vms_service().vm_service(made.id)
    nic = vm.nics_service().add(t.Nic(name="nic1", vnic_profile=t.VnicProfile(id=profile.id)))
    vm.start()
    target = t.Host(id=other.get().id)
    with pytest.raises(ovirtsdk4.Error, match="sim-2"):
        vm.migrate(host=target)
    other.setup_networks(modified_network_attachments=[attachment("tenants", "eth1")])
    vm.migrate(host=target)
    until(lambda: (vm.get().status, vm.get().host.id) == (t.VmStatus.UP, target.id))
    assert vm.nics_service().nic_service(nic.id).get().plugged
    vm.stop()
    vm.remove()
    kept = [a for a in other.network_attachments_service().list() if a.network.id == networks["tenants"].id]
    other.setup_networks(removed_network_attachments=kept, commit_on_success=True)


def test_jobs_events_and_templates(sdk: Sdk) -> None:
    system = sdk.system_service()
    jobs = system.jobs_service()
    made = jobs.add(t.Job(description="a backup", external=True, auto_cleared=True))
    job = jobs.job_service(made.id)
    step = job.steps_service().add(
        t.Step(
            description="copy", external=True, status=t.StepStatus.STARTED, type=t.StepEnum.EXECUTING,
            job=t.Job(id=made.id),
        )
    )  # fmt: skip
    assert [one.id for one in job.steps_service().list()] == [step.id]
    job.steps_service().step_service(step.id).end(succeeded=True)
    job.end(succeeded=True)
    assert job.get().status == t.JobStatus.FINISHED

    events = system.events_service()
    added = events.add(t.Event(description="hello", custom_id=42, origin="backup", severity=t.LogSeverity.NORMAL))
    assert events.event_service(added.id).get().description == "hello"
    (newest,) = events.list(max=1)
    assert newest.id == added.id
    assert events.list(from_=int(newest.id)) == []
    later = events.add(t.Event(description="again", custom_id=43, origin="backup", severity=t.LogSeverity.WARNING))
    assert [event.id for event in events.list(from_=int(newest.id))] == [later.id]
    (blank,) = system.templates_service().list(search="name=Blank")
    assert blank.version.version_number == 1
    assert system.templates_service().template_service(blank.id).nics_service().list() == []


def test_limits_of_traffic(sdk: Sdk) -> None:
    system = sdk.system_service()
    (data_center,) = system.data_centers_service().list(search="name=Default")
    service = system.data_centers_service().data_center_service(data_center.id).qoss_service()
    qos = service.add(t.Qos(name="slow", type=t.QosType.NETWORK, inbound_average=10, inbound_peak=20, inbound_burst=30))
    one = service.qos_service(qos.id)
    assert (one.get().inbound_average, one.get().type) == (10, t.QosType.NETWORK)
    (network,) = system.networks_service().list(search="name=ovirtmgmt")
    profiles = system.vnic_profiles_service()
    profile = profiles.add(t.VnicProfile(name="slow", network=t.Network(id=network.id), qos=t.Qos(id=qos.id)))
    assert sdk.follow_link(profile.qos).name == "slow"
    changed = one.update(t.Qos(inbound_average=11, description="d"))
    assert (changed.inbound_average, changed.inbound_peak, changed.description) == (11, 20, "d")
    profiles.profile_service(profile.id).remove()
    one.remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        one.get()


def test_templates_and_their_nics(sdk: Sdk, networks: dict[str, t.Network]) -> None:
    system = sdk.system_service()
    vms, templates = system.vms_service(), system.templates_service()
    profile = next(p for p in system.vnic_profiles_service().list() if p.network.id == networks["tenants"].id)
    source = vms.add(t.Vm(name="source", cluster=t.Cluster(name="Default"), template=t.Template(name="Blank")))
    vms.vm_service(source.id).nics_service().add(t.Nic(name="nic1", vnic_profile=t.VnicProfile(id=profile.id)))
    made = templates.add(t.Template(name="mold", vm=t.Vm(id=source.id), description="d"))
    template = templates.template_service(made.id)
    nics = template.nics_service()
    assert [(nic.name, nic.vnic_profile.id) for nic in nics.list()] == [("nic1", profile.id)]
    added = nics.add(t.Nic(name="nic2", interface=t.NicInterface.VIRTIO, linked=False))
    assert nics.nic_service(added.id).update(t.Nic(name="nic3")).name == "nic3"
    copy = vms.add(t.Vm(name="copy", cluster=t.Cluster(name="Default"), template=t.Template(name="mold")))
    assert {nic.name for nic in vms.vm_service(copy.id).nics_service().list()} == {"nic1", "nic3"}
    vms.vm_service(copy.id).remove()
    nics.nic_service(added.id).remove()
    assert template.update(t.Template(comment="c")).comment == "c"
    template.remove()
    vms.vm_service(source.id).remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        template.get()


def test_users_roles_and_permissions(sdk: Sdk, networks: dict[str, t.Network]) -> None:
    system = sdk.system_service()
    (admin,) = system.users_service().list(search='usrname="admin@internal"')
    assert (admin.user_name, admin.principal) == ("admin@internal", "admin")
    roles = {role.name: role for role in system.roles_service().list()}
    permits = system.roles_service().role_service(roles["NetworkAdmin"].id).permits_service().list()
    assert "create_storage_pool_network" in {permit.name for permit in permits}
    permissions = system.networks_service().network_service(networks["tenants"].id).permissions_service()
    made = permissions.add(t.Permission(user=t.User(id=admin.id), role=t.Role(name="VnicProfileUser")))
    one = permissions.permission_service(made.id)
    assert sdk.follow_link(one.get().role).name == "VnicProfileUser"
    assert made.id in {permission.id for permission in permissions.list()}
    one.remove()
    assert made.id not in {permission.id for permission in permissions.list()}
    assert system.permissions_service().list()


# Reading


def test_following_links(sdk: Sdk, networks: dict[str, t.Network], bare_host: Any) -> None:
    bare_host.setup_networks(modified_network_attachments=[attachment("storage", "eth1")])
    system = sdk.system_service()
    found = system.networks_service().list(search="name=tenants", follow="vnic_profiles")
    assert [profile.name for profile in found[0].vnic_profiles] == ["tenants"]
    (host,) = system.hosts_service().list(
        search="name=sim-1 and cluster=Default", follow="nics.network_attachments,network_attachments",
        all_content=False,
    )  # fmt: skip
    assert {a.network.id for a in host.network_attachments} >= {networks["storage"].id}
    assert {nic.name for nic in host.nics} >= {"eth0", "eth1.100"}
    (network,) = system.networks_service().list(search="name=storage")
    assert sdk.follow_link(network.data_center).name == "Default"
    assert [p.name for p in sdk.follow_link(network.vnic_profiles)] == ["storage"]


def test_every_search_that_is_seen_in_the_field(sdk: Sdk, networks: dict[str, t.Network]) -> None:
    system = sdk.system_service()
    of = {
        "networks": system.networks_service(),
        "data_centers": system.data_centers_service(),
        "clusters": system.clusters_service(),
        "hosts": system.hosts_service(),
        "vms": system.vms_service(),
        "templates": system.templates_service(),
        "users": system.users_service(),
        "events": system.events_service(),
        "jobs": system.jobs_service(),
    }
    of["vms"].add(t.Vm(name="seen", cluster=t.Cluster(name="Default"), template=t.Template(name="Blank")))
    spaced = t.Network(name="two words שלום", data_center=t.DataCenter(name="Default"))
    of["networks"].add(spaced)
    blank = of["templates"].list()[0]
    everything = len(of["networks"].list())
    searches: list[tuple[str, str, int]] = [
        ("networks", "name=tenants", 1),
        ("networks", 'name="tenants"', 1),
        ("networks", 'name = "TENANTS"', 1),
        ("networks", 'name="two words שלום"', 1),
        ("networks", 'name="tenants" and datacenter="Default"', 1),
        ("networks", "name=tenants and datacenter=Default", 1),
        ("networks", "name=ten*", 1),
        ("networks", f"id={networks['tenants'].id}", 1),
        ("networks", "", everything),
        ("networks", "page 1", everything),
        ("networks", "sortby name", everything),
        ("networks", "sortby name desc page 2", 0),
        ("data_centers", "Clusters.name=Default", 1),
        ("data_centers", 'name="nowhere"', 0),
        ("clusters", "datacenter=Default", 1),
        ("hosts", "status=up", 2),
        ("hosts", "cluster=Default", 2),
        ("hosts", "datacenter=Default and name=sim-2", 1),
        ("vms", 'name="seen" and cluster="Default"', 1),
        ("vms", "tag=nothing", 0),
        ("vms", "status=down", 1),
        ("templates", 'name="Blank" and cluster="Default"', 1),
        ("templates", "name=Blank and datacenter=Default", 1),
        ("templates", "vm.name=seen", 1),
        ("templates", f"id={blank.id}", 1),
        ("users", 'usrname="admin@internal"', 1),
        ("users", "name=nobody", 0),
        ("events", "type=885", 0),
        ("events", "type=842 or type=841 or type=888", 0),
        ("events", "type=839 or type=887 and host.name=sim-1", 0),
        ("events", "correlation_id=nothing", 0),
        ("events", "message=*nothing*of*this*", 0),
        ("jobs", "correlation_id=nothing", 0),
    ]
    for noun, search, expected in searches:
        assert len(of[noun].list(search=search)) == expected, f"{noun}: {search}"
    assert of["events"].list(search='message="*Network tenants*"')
    assert of["events"].list(search="host.name=sim-1")
    assert of["networks"].list(search="name=TENANTS", case_sensitive=True) == []
    of["networks"].network_service(of["networks"].list(search='name="two words שלום"')[0].id).remove()
    of["vms"].vm_service(of["vms"].list(search="name=seen")[0].id).remove()


def test_pages(sdk: Sdk) -> None:
    service = sdk.system_service().vms_service()
    for number in range(3):
        service.add(t.Vm(name=f"page-{number}", cluster=t.Cluster(name="Default"), template=t.Template(name="Blank")))
    found: list[str] = []
    while batch := service.list(search=f"name=page-* page {len(found) + 1}", max=1):
        found += [vm.name for vm in batch]
    assert sorted(found) == ["page-0", "page-1", "page-2"]
    assert len(service.list(max=2)) == 2
    for vm in service.list(search="name=page-*"):
        service.vm_service(vm.id).remove()


def test_many_at_once(sdk: Sdk) -> None:
    """Futures over several collections, as inventories ask."""
    system = sdk.system_service()
    services = (
        system.clusters_service(), system.data_centers_service(), system.hosts_service(), system.mac_pools_service(),
        system.networks_service(), system.templates_service(), system.vms_service(), system.vnic_profiles_service(),
    )  # fmt: skip
    futures = [service.list(wait=False) for service in services]
    assert all(isinstance(future.wait(), list) for future in futures)


def test_faults_as_clients_read_them(sdk: Sdk, networks: dict[str, t.Network]) -> None:
    system = sdk.system_service()
    taken = t.Network(name="tenants", data_center=t.DataCenter(name="Default"))
    with pytest.raises(
        ovirtsdk4.Error, match="is already used by an existing logical network in the same data-center"
    ) as e:
        system.networks_service().add(taken)
    assert (e.value.code, e.value.fault.reason) == (409, "Operation Failed")
    with pytest.raises(ovirtsdk4.Error, match="required") as e:
        system.networks_service().add(t.Network(description="no name"))
    assert (e.value.code, e.value.fault.reason) == (400, "Incomplete parameters")
    with pytest.raises(ovirtsdk4.NotFoundError) as missing:
        system.vms_service().vm_service("nothing").get()
    assert missing.value.fault is None
    with pytest.raises(ovirtsdk4.Error) as e:
        host_named(sdk).setup_networks(modified_network_attachments=[attachment("tenants", "eth9")])
    assert "eth9" in e.value.fault.detail
    pools = system.mac_pools_service()
    pool = pools.add(t.MacPool(name="tiny", ranges=[t.Range(from_="02:11:00:00:00:00", to="02:11:00:00:00:00")]))
    cluster = system.clusters_service().add(
        t.Cluster(name="tiny", data_center=t.DataCenter(name="Default"), mac_pool=t.MacPool(id=pool.id))
    )
    vm = system.vms_service().add(
        t.Vm(name="greedy", cluster=t.Cluster(id=cluster.id), template=t.Template(name="Blank"))
    )
    nics = system.vms_service().vm_service(vm.id).nics_service()
    nics.add(t.Nic(name="nic1"))
    with pytest.raises(ovirtsdk4.Error, match="Not enough MAC addresses left in MAC Address Pool"):
        nics.add(t.Nic(name="nic2"))
    system.vms_service().vm_service(vm.id).remove()
    system.clusters_service().cluster_service(cluster.id).remove()
    pools.mac_pool_service(pool.id).remove()
    assert networks


# Whole entities sent back


def entities(sdk: Sdk) -> dict[str, Any]:
    """A service of each kind of thing that can be changed."""
    system = sdk.system_service()
    host = host_named(sdk)
    network = system.networks_service().list(search="name=storage")[0]
    vm = system.vms_service().list(search="name=whole")[0]
    vm_service = system.vms_service().vm_service(vm.id)
    nic = vm_service.nics_service().list()[0]
    on_host = host.network_attachments_service().list()[0]
    default = system.clusters_service().list()[0]
    return {
        "data_center": system.data_centers_service().data_center_service(network.data_center.id),
        "cluster": system.clusters_service().cluster_service(default.id),
        "network": system.networks_service().network_service(network.id),
        "cluster network": cluster_networks(sdk).network_service(network.id),
        "vnic profile": system.vnic_profiles_service().profile_service(nic.vnic_profile.id),
        "mac pool": system.mac_pools_service().mac_pool_service(default.mac_pool.id),
        "host": host,
        "attachment": host.network_attachments_service().attachment_service(on_host.id),
        "vm": vm_service,
        "nic": vm_service.nics_service().nic_service(nic.id),
    }


@pytest.mark.usefixtures("networks")
def test_whole_entities_sent_back(site: Site, sdk: Sdk, bare_host: Any) -> None:
    bare_host.setup_networks(modified_network_attachments=[attachment("storage", "eth1", "192.0.2.30")])
    vms = sdk.system_service().vms_service()
    vm = vms.vm_service(
        vms.add(t.Vm(name="whole", cluster=t.Cluster(name="Default"), template=t.Template(name="Blank"))).id
    )
    profile = next(p for p in sdk.system_service().vnic_profiles_service().list() if p.name == "tenants")
    vm.nics_service().add(t.Nic(name="nic1", vnic_profile=t.VnicProfile(id=profile.id)))
    for kind, service in entities(sdk).items():
        whole = service.get()
        before = site.recorder.seen[-1].answer
        service.update(whole)
        service.get()
        assert site.recorder.seen[-1].answer == before, kind
    for kind, service in entities(sdk).items():
        if kind in {"attachment", "cluster network", "nic"}:
            continue  # they have no text of their own; their changes are shown above
        whole = service.get()
        before = site.recorder.seen[-1].answer
        whole.description = whole.description if kind == "host" else f"{kind} described"
        whole.comment = "said by a test" if kind not in {"mac pool", "vnic profile"} else None
        service.update(whole)
        service.get()
        after = site.recorder.seen[-1].answer
        changed = set(after.splitlines()) - set(before.splitlines())
        assert 1 <= len(changed) <= 2, f"{kind}: {changed}"
        assert all("<description>" in line or "<comment>" in line for line in changed), changed
    vm.remove()
