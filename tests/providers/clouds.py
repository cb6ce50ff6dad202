"""Networks of each kind, native ones and those of providers, on hosts with real agents that are chassis of an OVN."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from e2e.site import CLUSTER, Site, site, wait
from netweft.agent.ovsdb_tables import GUEST_KEY
from netweft.client import ApiError
from netweft.lab.agents import host_folder
from netweft.lab.openvswitch import OpenVSwitch
from netweft.lab.processes import run
from providers.neutron import Neutron
from providers.ovn import Ovn, chassis_of
from providers.test_neutron import connect

LAB = """
name: clouds
guests: {guests}
engine: {{address: 10.77.{number}.1/24}}
hosts:
  {names[0]}: {{address: 10.77.{number}.11/24, nics: {{eth0: {{access: 4094}}, eth1: {{}}}}}}
  {names[1]}: {{address: 10.77.{number}.12/24, nics: {{eth0: {{access: 4094}}, eth1: {{}}}}}}
"""
PROVIDERS = ("neutron", "ovn")
KINDS = ("native", *PROVIDERS)
NIC = "nic1"
_tags = count(200)


@contextmanager
def chassis_site(ovn: Ovn, guests: str, number: int, names: tuple[str, str]) -> Iterator[Site]:
    """Two hosts that are chassis of the OVN. ``guests``: the driver of their guests; ``number``: of the lab, from 0;
    ``names``: of the hosts, unique in all labs, as Neutron keeps removed hosts.
    """
    folder = Path(tempfile.mkdtemp(prefix="nl"))  # sockets in it need a short name
    try:
        (folder / "lab.yaml").write_text(LAB.format(guests=guests, number=number, names=names))
        with site(folder, folder / "lab.yaml", f"10.77.{number}.1") as built, ExitStack() as chassis:
            for host_number, (name, host) in enumerate(built.place.hosts.items(), start=21 + 10 * number):
                place = folder / "lab" / "hosts" / name / "ovs"
                switch = OpenVSwitch(folder=place, namespace=host.namespace, processes=())
                chassis.enter_context(chassis_of(name, switch, ovn.central, ovn.wires, f"10.99.0.{host_number}"))
            wait("all chassis", lambda: set(names).issubset(ovn.central.chassis()))
            yield built
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Where networks are. ``provider_id``: the provider's id here, empty for native networks; ``ports``: descriptions
    of its ports.
    """

    hosts: Site
    ports: Callable[[], set[str]]
    provider_id: str = ""

    @contextmanager
    def network(self, name: str, cidr: str = "") -> Iterator[str]:
        """Add a network of the cluster, on all hosts, with a subnet that has DHCP; returns its id."""
        client = self.hosts.client
        place = {"external_provider": {"id": self.provider_id}} if self.provider_id else {"vlan": {"id": next(_tags)}}
        made = client.add("networks", {"name": name, "data_center": {"name": "Default"}, **place})["id"]
        if self.provider_id:
            wait("the network", lambda: self.state(made)["state"] == "ok")
        if cidr:
            gateway = cidr.replace("0/24", "1")  # without one OVN serves no DHCP for Neutron
            client.addition(
                "POST", f"networks/{made}/subnets", {"name": name, "cidr": cidr, "gateway": gateway, "dhcp": True}
            )
        cluster = client.find("clusters", CLUSTER)["id"]
        client.add(f"clusters/{cluster}/networks", {"id": made, "required": False})
        with self._on_hosts(name):
            yield str(made)
        client.remove(f"networks/{made}")

    @contextmanager
    def _on_hosts(self, name: str) -> Iterator[None]:
        attached_to = () if self.provider_id else tuple(self.hosts.place.hosts)
        for host in attached_to:
            assert self.hosts.outcome(self.hosts.attach(name, host=host))["status"] == "finished"
        yield
        for host in attached_to:
            self.hosts.detach(name, host=host)

    def state(self, network: str) -> dict[str, Any]:
        """The state of a network on its provider, according to the engine."""
        return dict(self.hosts.client.addition("GET", f"networks/{network}")["provision"])


@contextmanager
def cloud_of(kind: str, hosts: Site, ovn: Ovn, neutron: Neutron) -> Iterator[Cloud]:
    """One of KINDS; it is restored when the block ends."""
    if kind == "native":
        yield native(hosts)
        return
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


def native(hosts: Site) -> Cloud:
    """Networks on the hosts' own switches, without a provider."""

    def ports() -> set[str]:
        sockets = [host_folder(hosts.place.folder, name) / "ovs" / "db.sock" for name in hosts.place.hosts]
        listed = [run(["ovs-vsctl", f"--db=unix:{one}", "--columns=external_ids", "list", "Port"]) for one in sockets]
        return {found for one in listed for found in re.findall(f"{GUEST_KEY}=([^,}}]+)", one)}

    return Cloud(hosts=hosts, ports=ports)


def _is_removed(hosts: Site, provider: str) -> bool:
    try:
        hosts.client.remove(f"openstacknetworkproviders/{provider}")
    except ApiError:
        return False
    return True


@contextmanager
def machine(hosts: Site, name: str, *networks: str) -> Iterator[str]:
    """Add a VM with a vNIC (nic1, nic2 ...) on each network; returns its id."""
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


def addresses(hosts: Site, machine_id: str) -> list[str]:
    """The addresses of the VM's first vNIC."""
    nics = hosts.client.addition("GET", f"vms/{machine_id}/nics")
    return [one["address"] for nic in nics if nic["name"] == NIC for one in nic["addresses"]]
