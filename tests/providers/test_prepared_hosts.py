"""Hosts that the engine makes chassis of an OVN, since their cluster has its provider: their ovn-controllers are not
configured by hand.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from e2e.site import CLUSTER, Site, site, wait
from netweft.lab.agents import GUEST_PREFIX
from netweft.lab.namespaces import offload_no_checksums
from netweft.lab.openvswitch import OpenVSwitch
from netweft.lab.processes import run
from providers.clouds import LAB, NIC, Cloud, addresses, cloud_of, machine
from providers.guests import Guest, reach_each_other
from providers.neutron import Neutron
from providers.ovn import Ovn, ovn_controller

HOSTS = ("gamma", "delta")
NUMBER = 3
"""Of the lab, another one than those of other modules."""


@pytest.fixture
def hosts() -> Iterator[Site]:
    """Two hosts with an ovn-controller that only has the host's name, which it cannot detect in a namespace."""
    folder = Path(tempfile.mkdtemp(prefix="nl"))  # sockets in it need a short name
    try:
        (folder / "lab.yaml").write_text(LAB.format(guests="namespace", number=NUMBER, names=HOSTS))
        with site(folder, folder / "lab.yaml", f"10.77.{NUMBER}.1") as built, ExitStack() as stack:
            for name in HOSTS:
                switch = switch_of(built, name)
                switch.vsctl("set", "Open_vSwitch", ".", f"external_ids:hostname={name}")
                stack.enter_context(ovn_controller(switch))
            yield built
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def cloud(hosts: Site, ovn: Ovn, neutron: Neutron) -> Iterator[Cloud]:
    """The OVN as the default provider of the hosts' cluster, so that they become chassis."""
    with cloud_of("ovn", hosts, ovn, neutron) as made:
        plugin = {"agent_configuration": {"address": ovn.central.southbound}}
        hosts.client.update(f"openstacknetworkproviders/{made.provider_id}", plugin)
        give(hosts, made.provider_id)
        yield made
        give(hosts)
        wait("no host is a chassis of ours", lambda: not any(keys(hosts, name)["ovn-remote"] for name in HOSTS))
        ids = {hosts.host_id(name) for name in HOSTS}
        wait("OVN knows them no more", lambda: not ids & set(registered(ovn).values()))


def switch_of(hosts: Site, name: str) -> OpenVSwitch:
    folder = hosts.place.folder / "hosts" / name / "ovs"
    return OpenVSwitch(folder=folder, namespace=hosts.place.hosts[name].namespace, processes=())


def give(hosts: Site, *providers: str) -> None:
    """The default provider of the cluster, or none."""
    cluster = hosts.client.find("clusters", CLUSTER)["id"]
    hosts.client.update(f"clusters/{cluster}", {"external_network_providers": [{"id": one} for one in providers]})


def keys(hosts: Site, name: str) -> dict[str, str]:
    """The settings of a host's ovn-controller; empty for missing ones."""
    database = f"--db=unix:{switch_of(hosts, name).socket}"
    desired = ("system-id", "ovn-remote", "ovn-encap-ip", "ovn-bridge-mappings")
    command = ["ovs-vsctl", "--timeout=20", database, "--if-exists", "get", "Open_vSwitch", "."]
    return {key: run([*command, f"external_ids:{key}"]).strip().strip('"') for key in desired}


def registered(ovn: Ovn) -> dict[str, str]:
    """The chassis in OVN, by the names of their hosts."""
    names = ovn.central.sbctl("--bare", "--columns=hostname,name", "list", "Chassis").split()
    return dict(zip(names[::2], names[1::2], strict=True))


@contextmanager
def wired_network(cloud: Cloud, wire: str, cidr: str) -> Iterator[str]:
    """Add a network of the provider on the physical network of a network of hosts, with DHCP; returns its id."""
    client = cloud.hosts.client
    where = {"external_provider": {"id": cloud.provider_id}, "external_provider_physical_network": {"id": wire}}
    made = str(client.add("networks", {"name": "wired", "data_center": {"name": "Default"}, **where})["id"])
    wait("the network", lambda: cloud.state(made)["state"] == "ok")
    subnet = {"name": "wired", "cidr": cidr, "gateway": cidr.replace("0/24", "1"), "dhcp": True}
    client.addition("POST", f"networks/{made}/subnets", subnet)
    cluster = client.find("clusters", CLUSTER)["id"]
    client.add(f"clusters/{cluster}/networks", {"id": made, "required": False})
    yield made
    client.remove(f"networks/{made}")


def fit(cloud: Cloud, machine_id: str) -> bool:
    """Whether the VM can run on both hosts, after the provider was refreshed."""
    client = cloud.hosts.client
    client.action(f"openstacknetworkproviders/{cloud.provider_id}/testconnectivity", {})
    return {one["name"] for one in client.addition("GET", f"vms/{machine_id}/placement")["fit"]} == set(HOSTS)


def started(hosts: Site, machine_id: str, host: str) -> Guest:
    hosts.client.action(f"vms/{machine_id}/start", {"vm": {"placement_policy": {"hosts": [{"name": host}]}}})
    wait("the machine is up", lambda: hosts.client.get(f"vms/{machine_id}")["status"] == "up")
    made = Guest(f"{GUEST_PREFIX}{machine_id}", NIC)
    offload_no_checksums(made.namespace, NIC)
    return made


def drift(hosts: Site, name: str) -> dict[str, Any]:
    return dict(hosts.client.addition("GET", f"hosts/{hosts.host_id(name)}/drift"))


def test_vms_run_on_unprepared_hosts(hosts: Site, cloud: Cloud, ovn: Ovn) -> None:
    ids = {name: hosts.host_id(name) for name in HOSTS}
    wait("both are chassis by their ids", lambda: registered(ovn).items() >= ids.items())
    assert [keys(hosts, name)["ovn-encap-ip"] for name in HOSTS] == [f"10.77.{NUMBER}.11", f"10.77.{NUMBER}.12"]
    hosts.add_network("wire", 100)
    wire = str(hosts.client.find("networks", "wire")["id"])
    for name in HOSTS:
        assert hosts.outcome(hosts.attach("wire", host=name))["status"] == "finished"
    with wired_network(cloud, wire, "192.0.2.0/24") as wired, ExitStack() as stack:
        for name in HOSTS:
            wait("the mapping", lambda name=name: keys(hosts, name)["ovn-bridge-mappings"] == "wire:br-eth1")  # type: ignore[misc]
        machines = [stack.enter_context(machine(hosts, f"vm-{name}", wired)) for name in HOSTS]
        wait("the machines fit on both", lambda: fit(cloud, machines[0]))
        guests = [started(hosts, one, name) for one, name in zip(machines, HOSTS, strict=True)]
        leases = [guest.lease() for guest in guests]
        assert [[lease["ip"]] for lease in leases] == [addresses(hosts, one) for one in machines]
        reach_each_other((guests[0], leases[0]["ip"]), (guests[1], leases[1]["ip"]))
        _meddle_and_heal(hosts, ovn)
        _lead_astray(hosts, cloud, ovn)
        reach_each_other((guests[0], leases[0]["ip"]), (guests[1], leases[1]["ip"]))
    for name in HOSTS:
        hosts.detach("wire", host=name)
    hosts.client.remove(f"networks/{wire}")


def _meddle_and_heal(hosts: Site, ovn: Ovn) -> None:
    """Another setting of ovn-controller by hand: the host reports it, and is corrected on request."""
    name = HOSTS[0]
    switch_of(hosts, name).vsctl("set", "Open_vSwitch", ".", 'external_ids:ovn-remote="tcp:192.0.2.9:6642"')
    wait("it is seen", lambda: not drift(hosts, name)["in_sync"])
    assert "tcp:192.0.2.9:6642" in str(drift(hosts, name)["host"])
    hosts.client.action(f"hosts/{hosts.host_id(name)}/syncallnetworks", {})
    assert keys(hosts, name)["ovn-remote"] == ovn.central.southbound
    wait("it is as desired", lambda: drift(hosts, name)["in_sync"])


def _lead_astray(hosts: Site, cloud: Cloud, ovn: Ovn) -> None:
    """Point all hosts to a database that does not exist: the first rolls back, the other gets no request."""
    path = f"openstacknetworkproviders/{cloud.provider_id}"
    before = {name: hosts.change(name)[0] for name in HOSTS}
    hosts.client.update(path, {"agent_configuration": {"address": "tcp:127.0.0.1:1"}})

    def changed() -> list[str]:
        return [name for name in HOSTS if hosts.change(name)[0] > before[name]]

    wait("the change of the first", changed)
    (first,) = changed()
    wait("the way back", lambda: hosts.phase(first) == "rolled_back")
    wait("the rollout's halt", lambda: hosts.client.addition("GET", "rollouts")[0]["status"] == "halted")
    assert "tcp:127.0.0.1:1" in str(drift(hosts, first)["host"])
    assert changed() == [first]
    assert [keys(hosts, name)["ovn-remote"] for name in HOSTS] == [ovn.central.southbound] * 2
    hosts.client.update(path, {"agent_configuration": {"address": ovn.central.southbound}})
    for name in HOSTS:
        wait("it is as desired", lambda name=name: drift(hosts, name)["in_sync"])  # type: ignore[misc]
