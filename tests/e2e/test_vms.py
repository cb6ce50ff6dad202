"""Real virtual machines on two hosts, through the API: vNICs plugged in and changed while they run, and their reported
state.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest

from e2e.site import CLUSTER, Site, site, wait
from libvirt_host import MEMORY, Console, tiny_linux
from netweft.agent.guests.veth import host_end

LAB = """
name: machines
guests: libvirt
engine: {{address: 10.{net}.1/24}}
hosts:
  alpha: {{address: 10.{net}.11/24, nics: {{eth0: {{access: 4094}}, eth1: {{}}}}}}
  beta: {{address: 10.{net}.12/24, nics: {{eth0: {{access: 4094}}, eth1: {{}}}}}}
"""
NETWORKS = {"blue": 100, "red": 200}
MACHINES = {"blue-a": ("alpha", "blue"), "blue-b": ("beta", "blue"), "red-b": ("beta", "red")}
"""On which host each machine starts, and on which network. All share a subnet: only the networks isolate them."""

PINGS = 40
"""Pings per second meanwhile."""


@dataclass
class Machine:
    id: str
    line: Console

    def reaches(self, address: str) -> bool:
        """Several attempts: switches learn, and an emulated VM may be slow."""
        return self.line.run(f"ping -c 4 -i 0.3 -W 2 {address} | grep -q 'bytes from'").status == 0

    @contextmanager
    def pinging(self, address: str) -> Iterator[list[int]]:
        """Ping meanwhile; afterwards the list has the numbers of requests and replies."""
        counts: list[int] = []
        self.line.run(f"ping -c {PINGS} -i 0.2 -W 5 {address} >/tmp/pings &")
        yield counts
        self.line.run("wait $!", timeout=90)
        counts.extend(map(int, re.findall(r"(\d+) packets", self.line.run("cat /tmp/pings").output)))


@pytest.fixture(scope="module")
def virtual() -> Iterator[Site]:
    """Two hosts with a libvirt each, and both networks on them."""
    folder = Path(tempfile.mkdtemp(prefix="nl"))  # sockets in it need a short name
    net = f"{secrets.randbelow(128)}.{secrets.randbelow(256)}"
    (folder / "lab.yaml").write_text(LAB.format(net=net))
    try:
        with site(folder, folder / "lab.yaml", f"10.{net}.1") as built:
            for network, vlan in NETWORKS.items():
                built.add_network(network, vlan)
            for host in built.place.hosts:
                assert built.outcome(built.attach(*NETWORKS, host=host))["status"] == "finished"
            yield built
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def machines(virtual: Site) -> Iterator[dict[str, Machine]]:
    """The three VMs, booted. Each test but the last restores them."""
    made = {name: start(virtual, name, number) for number, name in enumerate(MACHINES, 1)}
    found: dict[str, Machine] = {}
    try:
        for name, guest in made.items():
            found[name] = Machine(guest, Console(virtual.place.libvirt_uri(MACHINES[name][0]), guest))
        for machine in found.values():
            machine.line.wait_for_system(120)
        yield found
    finally:
        for machine in found.values():
            machine.line.close()
        for guest in made.values():
            if virtual.client.get(f"vms/{guest}")["status"] != "down":
                virtual.client.action(f"vms/{guest}/stop")
            virtual.client.remove(f"vms/{guest}")


def start(virtual: Site, name: str, number: int) -> str:
    host, network = MACHINES[name]
    client = virtual.client
    properties = tiny_linux(f"192.0.2.{number}/24")
    body = {"name": name, "cluster": {"name": CLUSTER}, "memory": MEMORY, "os": dict(properties)}
    guest = str(client.add("vms", body)["id"])
    client.add(f"vms/{guest}/nics", {"name": "nic1", "vnic_profile": {"id": profile(virtual, network)}})
    client.action(f"vms/{guest}/start", {"host": {"name": host}})
    return guest


def profile(virtual: Site, network: str) -> str:
    return str(virtual.client.find("vnicprofiles", network)["id"])


def links(virtual: Site, host: str) -> set[str]:
    """The links of the host's kernel: among others a tap for each plugged vNIC."""
    return {link["ifname"] for link in json.loads(virtual.place.run(host, "ip", "-j", "link").stdout)}


def ports(virtual: Site, host: str) -> set[str]:
    """The ports of the host's switches."""
    return set(of_ovs(virtual, host, "Port", "name"))


def of_ovs(virtual: Site, host: str, table: str, column: str, *names: str) -> list[str]:
    """A column of a host's Open vSwitch, of the records with these names or of all."""
    database = virtual.place.folder / "hosts" / host / "ovs" / "db.sock"
    command = ("ovs-vsctl", f"--db=unix:{database}", f"--columns={column}", "-f", "json", "list", table, *names)
    return [str(row[0]) for row in json.loads(virtual.place.run(host, *command).stdout)["data"]]


def tap(virtual: Site, machine: Machine) -> str:
    """The link of a machine's first vNIC."""
    return host_end(virtual.client.list(f"vms/{machine.id}/nics")[0]["id"])


def tags(virtual: Site, host: str, machine: Machine) -> list[str]:
    """The access VLAN of a machine's port."""
    return of_ovs(virtual, host, "Port", "tag", tap(virtual, machine))


def policed(virtual: Site, host: str, machine: Machine) -> str:
    """The limit of what a VM sends, in kbit/s."""
    (rate,) = of_ovs(virtual, host, "Interface", "ingress_policing_rate", tap(virtual, machine))
    return rate


def status(virtual: Site, machine: Machine) -> str:
    return str(virtual.client.get(f"vms/{machine.id}")["status"])


def test_vms_of_one_network_communicate_and_a_vnic_changes_its_network(
    virtual: Site, machines: dict[str, Machine]
) -> None:
    here = machines["blue-a"]
    assert here.reaches("192.0.2.2")
    assert not here.reaches("192.0.2.3")
    (device,) = virtual.client.list(f"vms/{here.id}/reporteddevices")
    assert device["mac"] == virtual.client.list(f"vms/{here.id}/nics")[0]["mac"]
    host = virtual.client.get(f"hosts/{virtual.host_id('alpha')}")
    assert re.fullmatch(r"\d+(\.\d+){2}", host["libvirt_version"]["full_version"])
    before = ports(virtual, "alpha")
    for number, name in enumerate(("blue-b", "red-b"), 2):
        machines[name].line.run(f"ip address add 198.18.0.{number}/24 dev eth0")
    nics = f"vms/{here.id}/nics"
    body = {"name": "nic2", "vnic_profile": {"id": profile(virtual, "blue")}}
    nic = virtual.client.add(nics, body)["id"]
    up = "while ! ip link set eth1 up; do sleep 0.2; done 2>/dev/null; ip address add 198.18.0.1/24 dev eth1"
    assert here.line.run(up).status == 0
    assert here.reaches("198.18.0.2")
    assert not here.reaches("198.18.0.3")

    virtual.client.update(f"{nics}/{nic}", {"vnic_profile": {"id": profile(virtual, "red")}})
    assert here.line.run("ip address show dev eth1 | grep -q 198.18.0.1").status == 0, "it was not plugged in anew"
    assert here.reaches("198.18.0.3")
    assert not here.reaches("198.18.0.2")
    assert here.reaches("192.0.2.2")

    virtual.client.action(f"{nics}/{nic}/deactivate")
    virtual.client.remove(f"{nics}/{nic}")
    assert here.line.run("while ip link show eth1; do sleep 0.2; done >/dev/null 2>&1").status == 0
    assert ports(virtual, "alpha") == before


def test_a_vm_migrates_under_traffic(
    virtual: Site, machines: dict[str, Machine], record_property: Callable[[str, object], None]
) -> None:
    mover, other = machines["blue-a"], machines["blue-b"]
    boot = mover.line.run("cat /proc/sys/kernel/random/boot_id").output
    held = ports(virtual, "alpha")
    for host in ("beta", "alpha"):
        virtual.client.action(f"hosts/{virtual.host_id(host)}/enrollcertificate")  # libvirt's, QEMU's too
        mover.line.close()
        with other.pinging("192.0.2.1") as counts:
            virtual.client.action(f"vms/{mover.id}/migrate", {"host": {"name": host}})
            assert virtual.client.get(f"vms/{mover.id}")["host"]["id"] == virtual.host_id(host)
            assert ports(virtual, "alpha") < held or host == "alpha"
        record_property(f"pings sent and returned while it moved to {host}", counts)
        assert counts[1] > PINGS / 2
        assert other.reaches("192.0.2.1")
        mover.line = Console(virtual.place.libvirt_uri(host), mover.id)
        mover.line.wait_for_system(60)
    assert len(ports(virtual, "alpha")) == len(held)
    assert mover.line.run("cat /proc/sys/kernel/random/boot_id").output == boot
    assert not mover.reaches("192.0.2.3")


def test_a_vm_is_suspended_and_resumed(virtual: Site, machines: dict[str, Machine]) -> None:
    sleeper, other = machines["blue-a"], machines["blue-b"]
    boot = sleeper.line.run("cat /proc/sys/kernel/random/boot_id; echo remembered >/tmp/note").output
    assert other.reaches("192.0.2.1")
    held = ports(virtual, "alpha")
    sleeper.line.close()
    virtual.client.action(f"vms/{sleeper.id}/suspend")
    assert status(virtual, sleeper) == "suspended"
    assert ports(virtual, "alpha") < held
    assert not other.reaches("192.0.2.1")
    virtual.client.action(f"vms/{sleeper.id}/start")
    assert status(virtual, sleeper) == "up"
    assert ports(virtual, "alpha") == held
    sleeper.line = Console(virtual.place.libvirt_uri("alpha"), sleeper.id)
    sleeper.line.wait_for_system(60)
    assert sleeper.line.run("cat /proc/sys/kernel/random/boot_id /tmp/note").output == f"{boot}\nremembered"
    assert other.reaches("192.0.2.1")


def test_changes_of_network_and_limits_reach_running_vms(virtual: Site, machines: dict[str, Machine]) -> None:
    here, there, apart = machines["blue-a"], machines["blue-b"], machines["red-b"]
    client = virtual.client
    boot = here.line.run("cat /proc/sys/kernel/random/boot_id").output
    blue, red = (client.find("networks", name)["id"] for name in ("blue", "red"))
    assert tags(virtual, "alpha", here) == ["100"]
    client.update(f"networks/{blue}", {"vlan": {"id": 101}})
    for machine, host in ((here, "alpha"), (there, "beta")):
        wait("its port is in the other VLAN", lambda m=machine, h=host: tags(virtual, h, m) == ["101"])
        wait("it is in sync again", lambda m=machine: client.list(f"vms/{m.id}/nics")[0]["synced"] == "true")
    assert here.reaches("192.0.2.2")
    assert not here.reaches("192.0.2.3")

    centre = client.find("datacenters", "Default")["id"]
    limits = {f"{way}_{kind}": 8 for way in ("inbound", "outbound") for kind in ("average", "peak", "burst")}
    qos = client.add(f"datacenters/{centre}/qoss", {"name": "calm", "type": "network", **limits})["id"]
    client.update(f"vnicprofiles/{profile(virtual, 'red')}", {"qos": {"id": qos}})
    wait("its limit is in force", lambda: policed(virtual, "beta", apart) == "8000")
    client.update(f"datacenters/{centre}/qoss/{qos}", {"outbound_average": 4})
    wait("its other limit is in force", lambda: policed(virtual, "beta", apart) == "4000")
    client.remove(f"datacenters/{centre}/qoss/{qos}")
    wait("it has no limit any more", lambda: policed(virtual, "beta", apart) == "0")
    wait("it is in sync again", lambda: client.list(f"vms/{apart.id}/nics")[0]["synced"] == "true")

    (nic,) = client.list(f"vms/{apart.id}/nics")
    client.update(f"networks/{red}", {"mtu": 1400})
    wait("that is told", lambda: any(event["code"] == "11291" for event in client.list("events", max=50)))
    assert client.get(f"vms/{apart.id}/nics/{nic['id']}")["synced"] == "false"
    assert apart.line.run("cat /sys/class/net/eth0/mtu").output == "1500"
    for verb in ("deactivate", "activate"):
        client.action(f"vms/{apart.id}/nics/{nic['id']}/{verb}")
    assert apart.line.run("while ! grep 1400 /sys/class/net/eth0/mtu; do sleep 0.2; done").output.endswith("1400")
    assert client.get(f"vms/{apart.id}/nics/{nic['id']}")["synced"] == "true"
    assert here.line.run("cat /proc/sys/kernel/random/boot_id").output == boot


def test_a_vm_shuts_down(virtual: Site, machines: dict[str, Machine]) -> None:
    machine = machines["red-b"]
    machine.line.run("while ! pidof acpid; do sleep 0.1; done")
    boot = machine.line.run("cat /proc/sys/kernel/random/boot_id").output
    virtual.client.action(f"vms/{machine.id}/reboot")
    machine.line.wait_for("@@@ ready", 60)
    machine.line.wait_for_system(60)
    assert machine.line.run("while ! pidof acpid; do sleep 0.1; done").status == 0
    assert machine.line.run("cat /proc/sys/kernel/random/boot_id").output != boot
    held = ports(virtual, "beta")
    virtual.client.action(f"vms/{machine.id}/shutdown")
    wait("it is down", lambda: status(virtual, machine) == "down", 30)
    wait("its port is gone", lambda: ports(virtual, "beta") < held)
    machine.line.close()
    virtual.client.action(f"vms/{machine.id}/start", {"host": {"name": "beta"}})
    machine.line = Console(virtual.place.libvirt_uri("beta"), machine.id)
    machine.line.wait_for_system(120)


def test_the_end_of_a_vm_is_detected_after_the_agent_was_killed(
    virtual: Site, machines: dict[str, Machine], record_property: Callable[[str, object], None]
) -> None:
    watcher, watched, ending = machines["blue-a"], machines["blue-b"], machines["red-b"]
    boot = watched.line.run("cat /proc/sys/kernel/random/boot_id").output
    assert watcher.reaches("192.0.2.2")
    with watcher.pinging("192.0.2.2") as counts:
        virtual.place.stop_agent("beta", kill=True)
        gone = ports(virtual, "beta")
        ending.line.send("poweroff -f\n")
        wait("its port is gone, without an agent", lambda: len(ports(virtual, "beta")) < len(gone))
        virtual.place.start_agent("beta")
        wait("the engine knows who ended", lambda: status(virtual, ending) == "down")
        wait("the host is up", lambda: virtual.status("beta") == "up")
        assert [status(virtual, one) for one in (watcher, watched)] == ["up", "up"]
    record_property("pings sent and returned while the agent was away", counts)
    assert counts[1] == counts[0] == PINGS
    assert watched.line.run("cat /proc/sys/kernel/random/boot_id").output == boot

    held = ports(virtual, "beta"), links(virtual, "beta")
    watched.line.send("poweroff -f\n")
    begun = monotonic()
    wait("the engine knows", lambda: status(virtual, watched) == "down")
    record_property("seconds from the machine's end to the engine's knowledge", round(monotonic() - begun, 2))
    wait("ports and taps are gone", lambda: ports(virtual, "beta") < held[0] and links(virtual, "beta") < held[1])
    assert virtual.client.get(f"vms/{watched.id}").get("host") is None
