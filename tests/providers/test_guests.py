"""Virtual machines on networks of providers, through the API, on hosts with real agents: the whole way."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e.site import CLUSTER, Site, site, wait
from netweft.client import ApiError
from netweft.lab.agents import GUEST_PREFIX
from netweft.lab.namespaces import offload_no_checksums
from netweft.lab.openvswitch import OpenVSwitch
from providers.guests import Guest, reach_each_other
from providers.neutron import Neutron
from providers.ovn import Ovn, chassis_of
from providers.test_neutron import connect

LAB = """
name: clouds
guests: namespace
engine: {address: 10.77.0.1/24}
hosts:
  alpha: {address: 10.77.0.11/24, nics: {eth0: {access: 4094}, eth1: {}}}
  beta: {address: 10.77.0.12/24, nics: {eth0: {access: 4094}, eth1: {}}}
"""
HOSTS = ("alpha", "beta")
NIC = "nic1"


@pytest.fixture(scope="module")
def hosts(ovn: Ovn) -> Iterator[Site]:
    """Two hosts that are chassis of the OVN."""
    folder = Path(tempfile.mkdtemp(prefix="nl"))  # sockets in it need a short name
    try:
        (folder / "lab.yaml").write_text(LAB)
        with site(folder, folder / "lab.yaml", "10.77.0.1") as built, ExitStack() as chassis:
            for number, (name, host) in enumerate(built.place.hosts.items(), start=21):
                place = folder / "lab" / "hosts" / name / "ovs"
                switch = OpenVSwitch(folder=place, namespace=host.namespace, processes=())
                chassis.enter_context(chassis_of(name, switch, ovn.central, ovn.wires, f"10.99.0.{number}"))
            wait("all chassis", lambda: set(HOSTS).issubset(ovn.central.chassis()))
            yield built
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """A provider as the engine has it. ``provider_id``: its id here; ``ports``: the ids of all ports that it has."""

    hosts: Site
    provider_id: str
    ports: Callable[[], set[str]]

    @contextmanager
    def network(self, name: str, cidr: str = "") -> Iterator[str]:
        """A network of the provider in the cluster, with a subnet that serves DHCP; its id."""
        client = self.hosts.client
        body = {
            "name": name,
            "data_center": {"name": "Default"},
            "external_provider": {"id": self.provider_id},
        }
        made = client.add("networks", body)["id"]
        wait("the network", lambda: self.state(made)["state"] == "ok")
        if cidr:
            gateway = cidr.replace("0/24", "1")  # without one OVN serves no DHCP for Neutron
            client.addition(
                "POST", f"networks/{made}/subnets", {"name": name, "cidr": cidr, "gateway": gateway, "dhcp": True}
            )
        cluster = client.find("clusters", CLUSTER)["id"]
        client.add(f"clusters/{cluster}/networks", {"id": made, "required": False})
        yield str(made)
        client.remove(f"networks/{made}")

    def state(self, network: str) -> dict[str, Any]:
        """What the engine says of how the provider has a network."""
        return dict(self.hosts.client.addition("GET", f"networks/{network}")["provision"])


@pytest.fixture(params=["neutron", "ovn"])
def cloud(request: pytest.FixtureRequest, hosts: Site, ovn: Ovn, neutron: Neutron) -> Iterator[Cloud]:
    """Either of them; it has what it had before when the test ends."""
    kind = str(request.param)
    central = ovn.central
    address = neutron.url if kind == "neutron" else f"{central.northbound}?southbound={central.southbound}"
    made = hosts.client.add("openstacknetworkproviders", {"name": kind, "type": kind, "url": address})["id"]
    with connect(neutron.url) as there:

        def ports() -> set[str]:
            if kind == "neutron":
                return {str(one.id) for one in there.network.ports()}
            return set(central.nbctl("--bare", "--columns=name", "list", "Logical_Switch_Port").split())

        def networks() -> set[str]:
            return set(central.nbctl("--bare", "--columns=name", "list", "Logical_Switch").split())

        before = ports(), networks()
        yield Cloud(hosts=hosts, provider_id=str(made), ports=ports)
        wait("the provider is let go", lambda: _is_removed(hosts, str(made)))
        assert (ports(), networks()) == before


def _is_removed(hosts: Site, provider: str) -> bool:
    try:
        hosts.client.remove(f"openstacknetworkproviders/{provider}")
    except ApiError:
        return False
    return True


@contextmanager
def machine(hosts: Site, name: str, *networks: str) -> Iterator[str]:
    """A machine with a vNIC (nic1, nic2 ...) on each network; its id."""
    client = hosts.client
    made = str(client.add("vms", {"name": name, "cluster": {"name": CLUSTER}, "template": {"name": "Blank"}})["id"])
    try:
        for number, network in enumerate(networks, start=1):
            profile = client.list(f"networks/{network}/vnicprofiles")[0]["id"]
            client.add(f"vms/{made}/nics", {"name": f"nic{number}", "vnic_profile": {"id": profile}})
        yield made
    finally:
        if client.get(f"vms/{made}")["status"] != "down":
            client.action(f"vms/{made}/stop", {})
        client.remove(f"vms/{made}")


def started(hosts: Site, machine_id: str, host: str) -> Guest:
    hosts.client.action(f"vms/{machine_id}/start", {"vm": {"placement_policy": {"hosts": [{"name": host}]}}})
    wait("the machine is up", lambda: hosts.client.get(f"vms/{machine_id}")["status"] == "up")
    guest = Guest(f"{GUEST_PREFIX}{machine_id}", NIC)
    offload_no_checksums(guest.namespace, NIC)
    return guest


def addresses(hosts: Site, machine_id: str) -> list[str]:
    """Those that the engine gave to the machine's first vNIC."""
    nics = hosts.client.addition("GET", f"vms/{machine_id}/nics")
    return [one["address"] for nic in nics if nic["name"] == NIC for one in nic["addresses"]]


def test_two_machines_on_two_hosts_have_what_the_engine_says_and_reach_each_other(hosts: Site, cloud: Cloud) -> None:
    before = cloud.ports()
    with cloud.network("red net", "192.0.2.0/24") as red, ExitStack() as stack:
        ids = [stack.enter_context(machine(hosts, f"vm-{host}", red)) for host in HOSTS]
        guests = [started(hosts, one, host) for one, host in zip(ids, HOSTS, strict=True)]
        assert len(cloud.ports() - before) == 2
        leases = [guest.lease() for guest in guests]
        assert [[lease["ip"]] for lease in leases] == [addresses(hosts, one) for one in ids]
        reach_each_other((guests[0], leases[0]["ip"]), (guests[1], leases[1]["ip"]))
        for one in ids:
            hosts.client.action(f"vms/{one}/stop", {})
        assert cloud.ports() == before


def test_a_native_network_and_one_of_a_provider_are_side_by_side(hosts: Site, cloud: Cloud) -> None:
    hosts.add_network("blue", 100)
    blue = hosts.client.find("networks", "blue")["id"]
    for host in HOSTS:
        job = hosts.attach("blue", host=host)
        assert hosts.outcome(job)["status"] == "finished"
    with cloud.network("red", "192.0.2.0/24") as red, ExitStack() as stack:
        ids = [stack.enter_context(machine(hosts, f"vm-{host}", red, blue)) for host in HOSTS]
        guests = [started(hosts, one, host) for one, host in zip(ids, HOSTS, strict=True)]
        leases = [guest.lease() for guest in guests]
        reach_each_other((guests[0], leases[0]["ip"]), (guests[1], leases[1]["ip"]))
        native = [Guest(guest.namespace, "nic2") for guest in guests]
        for number, guest in enumerate(native, start=1):
            guest.take(f"198.18.0.{number}/24")
        reach_each_other((native[0], "198.18.0.1"), (native[1], "198.18.0.2"))
    for host in HOSTS:
        hosts.detach("blue", host=host)
    hosts.client.remove(f"networks/{blue}")


def test_a_host_that_is_no_chassis_is_refused_by_name(hosts: Site, cloud: Cloud) -> None:
    with cloud.network("red") as red, machine(hosts, "vm", red) as one:
        wait("the engine knows the chassis", lambda: _fitting(hosts, one) == set(HOSTS))


def _fitting(hosts: Site, machine_id: str) -> set[str]:
    """The names of the hosts that a machine fits on."""
    return {one["name"] for one in hosts.client.addition("GET", f"vms/{machine_id}/placement")["fit"]}
