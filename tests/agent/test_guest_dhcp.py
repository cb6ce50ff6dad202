"""DHCP for guests: served by the host that they run on, to its guests only."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

import waiting
from netweft.agent.events import Events
from netweft.agent.guest_dhcp import GuestDhcp
from netweft.agent.guest_dhcp_filters import SERVER_MAC
from netweft.agent.guests import GuestError
from netweft.agent.guests.namespace import NamespaceGuests
from netweft.agent.host_guests import Guests
from netweft.agent.ovsdb import Ovsdb
from netweft.agent.processes import start_time
from netweft.core.guest_protocol import GuestNic, GuestSpec, Lease
from netweft.core.host import OvsBridge
from netweft.core.steps import CreateOvsBridge
from netweft.lab.agents import run_inside
from netweft.lab.namespaces import inside, ip
from observed import observed
from ovs_host import entered, namespace, private_ovs

if TYPE_CHECKING:
    from collections.abc import Iterator

ON_EVENT = """\
#!/bin/sh
# The script of udhcpc(8): one line for each event.
echo "$1 $ip $serverid $router $dns $mtu $lease $staticroutes" >>"$EVENTS"
case $1 in bound|renew) ip -4 address replace "$ip/$mask" dev "$interface" ;; esac
"""

ON_EVENT6 = """\
#!/bin/sh
# The same of dhcpcd(8): what router advertisements tell, and what DHCPv6 does.
case $reason in
ROUTERADVERT) echo "$reason $nd1_flags $nd1_mtu $nd1_lifetime $nd1_prefix_information1_flags" \
    "$nd1_prefix_information1_prefix $nd1_rdnss1_servers" ;;
*) echo "$reason $new_dhcp6_ia_na1_ia_addr1 $new_dhcp6_name_servers" ;;
esac >>"$EVENTS"
"""

SETTINGS6 = """\
duid ll
ipv6only
ia_na
option dhcp6_name_servers
env EVENTS={events}
"""

PATIENCE = 30.0
DHCP_PORTS = {67, 68, 546, 547}


until = partial(waiting.until, seconds=PATIENCE)


@dataclass
class Client:
    """A DHCP client that runs in a guest until it is stopped."""

    process: subprocess.Popen[bytes]
    events: Path

    def got(self, kind: str) -> list[str]:
        """The words of its last event of a kind, without that: address, server, ...; empty when there was none."""
        lines = self.events.read_text().splitlines() if self.events.exists() else []
        return next((line.split()[1:] for line in reversed(lines) if line.split()[0] == kind), [])

    def wait_for(self, kind: str) -> list[str]:
        until(lambda: self.got(kind))
        return self.got(kind)

    def renew(self) -> list[str]:
        """Renew the lease; returns the acknowledged address."""
        self.events.unlink()
        self.process.send_signal(signal.SIGUSR1)
        return self.wait_for("renew")

    def is_refused(self) -> bool:
        """Whether it has given up: three requests, a second apart."""
        until(lambda: self.events.exists() and "leasefail" in self.events.read_text())
        return not self.got("bound")

    def stop(self) -> None:
        # Killed, dhcpcd would leave the processes that do without its rights behind.
        self.process.terminate()
        self.process.wait(timeout=30)


@dataclass
class Host:
    """A host whose guests are namespaces, itself a namespace, too."""

    name: str
    folder: Path
    ovsdb: Ovsdb | None = None
    clients: list[Client] = field(default_factory=list)
    driver: NamespaceGuests = field(init=False)
    dhcp: GuestDhcp = field(init=False)

    def __post_init__(self) -> None:
        self.driver = NamespaceGuests(self.folder / "guests", self.ovsdb)
        self.dhcp = GuestDhcp(self.folder / "dhcp")

    def apply(self) -> None:
        """Apply the servers, as the agent does repeatedly."""
        with entered(self.name):
            assert self.dhcp.apply(lambda: [nic for state in self.driver.list() for nic in state.nics]) == []

    def start(self, number: int, **fields: object) -> GuestSpec:
        """Run a guest with the address 192.0.2.NUMBER."""
        nic = vnic(number, **fields)
        spec = GuestSpec(id=str(uuid.uuid4()), name=f"vm{number}", driver="namespace", memory=0, nics=(nic,))
        with entered(self.name):
            self.driver.start(spec)
        self.apply()
        return spec

    def change(self, guest: GuestSpec, **fields: object) -> None:
        nic = replace(guest.nics[0], **fields)  # type: ignore[arg-type] # the tests name real fields
        with entered(self.name):
            self.driver.update(replace(guest, nics=(nic,)))
        self.apply()

    def stop(self, guest: GuestSpec) -> None:
        with entered(self.name):
            self.driver.stop(guest.id)
        self.apply()

    def ask(self, guest: GuestSpec, *more: str) -> Client:
        return self.ask_in(f"nwg-{guest.id}", *more)

    def ask_in(self, space: str, *more: str) -> Client:
        """Run a DHCP client on ``nic1`` of a namespace."""
        script, events = self.folder / "on-event", self.folder / f"events-{len(self.clients)}"
        script.write_text(ON_EVENT)
        script.chmod(0o755)
        options = [word for name in ("mtu", "dns", "router", "staticroutes", "lease") for word in ("-O", name)]
        command = ["udhcpc", "-f", "-t", "3", "-T", "1", "-A", "1", "-i", "nic1", "-s", str(script), *options, *more]
        command = ["ip", "netns", "exec", space, "env", f"EVENTS={events}", *command]
        null = subprocess.DEVNULL
        self.clients.append(Client(subprocess.Popen(command, stdin=null, stdout=null, stderr=null), events))
        return self.clients[-1]

    def ask6(self, guest: GuestSpec) -> Client:
        """Run a client of IPv6 in a guest."""
        folder = self.folder / f"six-{len(self.clients)}"
        for name in ("run", "lib"):
            (folder / name).mkdir(parents=True)
        events, script, settings = folder / "events", folder / "on-event", folder / "settings"
        script.write_text(ON_EVENT6)
        script.chmod(0o755)
        settings.write_text(SETTINGS6.format(events=events))
        mounts = f"mount --bind {folder}/run /run/dhcpcd && mount --bind {folder}/lib /var/lib/dhcpcd"
        then = f"mkdir -p /run/dhcpcd /var/lib/dhcpcd && {mounts} && exec dhcpcd -B -f {settings} -c {script} nic1"
        command = [*inside(f"nwg-{guest.id}"), "unshare", "--mount", "--propagation", "private", "sh", "-c", then]
        null = subprocess.DEVNULL
        self.clients.append(Client(subprocess.Popen(command, stdin=null, stdout=null, stderr=null), events))
        return self.clients[-1]

    def servers(self) -> list[int]:
        """The process ids of its dnsmasqs."""
        return [int(path.read_text().split()[0]) for path in sorted(self.folder.glob("dhcp/*.server"))]

    def close(self) -> None:
        for client in self.clients:
            client.stop()
        for state in self.driver.list():
            with entered(self.name):
                self.driver.stop(state.id)
        self.apply()
        assert self.servers() == []


def lease(number: int) -> Lease:
    return Lease(
        address=f"192.0.2.{number}/24",
        server="192.0.2.2",
        gateway="192.0.2.1",
        dns_servers=("192.0.2.53",),
        routes=(("10.0.0.0/8", "192.0.2.9"),),
    )


def lease6(number: int) -> Lease:
    return Lease(address=f"2001:db8::{number}/64", dns_servers=("2001:db8::53",))


def vnic(number: int, **fields: object) -> GuestNic:
    mac = f"02:00:00:00:00:{number:02x}"
    nic = GuestNic(id=str(uuid.uuid4()), name="nic1", mac=mac, bridge="br0", mtu=1400, leases=(lease(number),))
    return replace(nic, **fields)  # type: ignore[arg-type] # the tests name real fields


@contextmanager
def linux_host(folder: Path) -> Iterator[Host]:
    with namespace() as name:
        ip(name, "link", "add", "br0", "up", "type", "bridge")
        host = Host(name, folder)
        yield host
        host.close()


@contextmanager
def ovs_host(folder: Path) -> Iterator[Host]:
    with namespace() as name, private_ovs(name) as switch:
        ovsdb = Ovsdb(str(switch.socket))
        with entered(name):
            ovsdb.execute([CreateOvsBridge(OvsBridge(name="br0", datapath="netdev"))])
        host = Host(name, folder, ovsdb)
        yield host
        host.close()


KINDS = {"linux": linux_host, "ovs": ovs_host}


@pytest.fixture(params=KINDS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    with KINDS[request.param](tmp_path) as host:
        yield host


@pytest.fixture
def linux(tmp_path: Path) -> Iterator[Host]:
    with linux_host(tmp_path) as host:
        yield host


@dataclass
class Wire:
    """Two hosts with Linux bridges, connected by another bridge, and the DHCP frames on it."""

    one: Host
    two: Host
    name: str
    heard: list[tuple[int, int]] = field(default_factory=list)

    def listen(self) -> None:
        """Record the UDP ports of each DHCP frame from now on."""
        with entered(self.name):
            ears = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        Thread(target=self._hear, args=(ears,), daemon=True).start()

    def _hear(self, ears: socket.socket) -> None:
        while True:
            frame = ears.recv(2048)
            at = {b"\x08\x00": 34, b"\x86\xdd": 54}.get(frame[12:14], 1 << 16)
            ports = int.from_bytes(frame[at : at + 2]), int.from_bytes(frame[at + 2 : at + 4])
            if set(ports) <= DHCP_PORTS:
                self.heard.append(ports)


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    with ExitStack() as stack:
        name = stack.enter_context(namespace())
        ip(name, "link", "add", "br0", "up", "type", "bridge")
        hosts = []
        for folder in ("one", "two"):
            (tmp_path / folder).mkdir()
            host = stack.enter_context(linux_host(tmp_path / folder))
            ip(name, "link", "add", folder, "up", "master", "br0", "type", "veth", "peer", "eth0", "netns", host.name)
            ip(host.name, "link", "set", "eth0", "up", "master", "br0")
            hosts.append(host)
        yield Wire(*hosts, name)


def test_a_guest_gets_the_options_of_its_subnet(host: Host) -> None:
    got = host.ask(host.start(7)).wait_for("bound")
    assert got[:6] == ["192.0.2.7", "192.0.2.2", "192.0.2.1", "192.0.2.53", "1400", "3600"]
    assert got[6:] == ["10.0.0.0/8", "192.0.2.9", "0.0.0.0/0", "192.0.2.1"]


def test_a_subnet_without_gateway_sends_no_router(linux: Host) -> None:
    bare = Lease(address="192.0.2.7/24", server="192.0.2.1")
    client = linux.ask(linux.start(7, leases=(bare,)))
    assert client.wait_for("bound") == ["192.0.2.7", "192.0.2.1", "1400", "3600"]
    assert client.events.read_text().splitlines()[-1] == "bound 192.0.2.7 192.0.2.1   1400 3600 "


def test_guests_of_one_network_each_get_their_own(host: Host) -> None:
    clients = {number: host.ask(host.start(number)) for number in (7, 8, 9)}
    assert {number: client.wait_for("bound")[0] for number, client in clients.items()} == {
        number: f"192.0.2.{number}" for number in clients
    }
    assert len(host.servers()) == 1


def test_networks_with_the_same_subnet_are_independent(linux: Host) -> None:
    ip(linux.name, "link", "add", "br1", "up", "type", "bridge")
    one, two = linux.start(7), linux.start(8, bridge="br1", leases=(lease(7),))
    assert [linux.ask(guest).wait_for("bound")[0] for guest in (one, two)] == ["192.0.2.7", "192.0.2.7"]
    assert len(linux.servers()) == 2


def test_vlans_of_one_bridge_are_independent(tmp_path: Path) -> None:
    with ovs_host(tmp_path) as host:
        one, two = host.start(7, tag=100), host.start(8, tag=200, leases=(lease(7),))
        assert [host.ask(guest).wait_for("bound")[0] for guest in (one, two)] == ["192.0.2.7", "192.0.2.7"]


def test_a_network_with_two_subnets(host: Host) -> None:
    other = Lease(address="198.51.100.8/25", server="198.51.100.1", dns_servers=("198.51.100.53",))
    one, two = host.start(7), host.start(8, leases=(other,))
    assert host.ask(one).wait_for("bound")[:2] == ["192.0.2.7", "192.0.2.2"]
    assert host.ask(two).wait_for("bound")[:3] == ["198.51.100.8", "198.51.100.1", "198.51.100.53"]
    assert len(host.servers()) == 1


def test_an_address_of_two_guests_is_served_to_none(linux: Host) -> None:
    """The first server does not know yet that the address has another owner; its other guests are still served."""
    bystander, former = linux.start(6), linux.start(7)
    nics = [nic for guest in (bystander, former) for nic in guest.nics] + [vnic(8, leases=(lease(7),))]
    with entered(linux.name):
        (problem,) = linux.dhcp.apply(lambda: nics)
    assert problem == "Two vNICs on br0 are to have 192.0.2.7/24: none is served."
    assert linux.ask(bystander).wait_for("bound")[0] == "192.0.2.6"
    assert linux.ask(former).is_refused()


def test_isolated_guests_do_not_meet_at_the_server(linux: Host) -> None:
    one, two = linux.start(7, isolated=True), linux.start(8, isolated=True)
    for guest, other in ((one, 8), (two, 7)):
        linux.ask(guest).wait_for("bound")
        ip(f"nwg-{guest.id}", "neighbour", "replace", f"192.0.2.{other}", "lladdr", SERVER_MAC, "dev", "nic1")
    assert run_inside(f"nwg-{one.id}", ["ping", "-n", "-c", "2", "-W", "1", "192.0.2.8"]).returncode


def test_a_lease_removed_with_its_server_leaves_no_filters(linux: Host) -> None:
    guest = linux.start(7)
    (server,) = linux.servers()
    os.kill(server, signal.SIGKILL)
    until(lambda: not start_time(server))
    linux.change(guest, leases=())
    port = next(link for link in links(linux) if link.startswith("nwg"))
    assert run_inside(linux.name, ["tc", "filter", "show", "dev", port, "ingress"]).stdout == ""


def test_each_guest_is_answered_by_its_own_host_and_no_dhcp_leaves_it(wire: Wire) -> None:
    guests = [(wire.one, wire.one.start(7)), (wire.two, wire.two.start(8))]
    wire.listen()
    clients = [host.ask(guest) for host, guest in guests]
    assert [client.wait_for("bound")[0] for client in clients] == ["192.0.2.7", "192.0.2.8"]
    assert [client.renew()[0] for client in clients] == ["192.0.2.7", "192.0.2.8"]
    assert wire.heard == []


def test_other_machines_are_not_answered(wire: Wire) -> None:
    """Neither another machine with the MAC address of a guest, nor a guest of another host with it."""
    wire.one.start(7)
    wire.two.start(8)
    mac = "02:00:00:00:00:07"
    with namespace() as machine:
        ip(wire.name, "link", "add", "x", "up", "master", "br0", "type", "veth", "peer", "nic1", "netns", machine)
        ip(machine, "link", "set", "nic1", "up", "address", mac)
        asking = wire.one.ask_in(machine), wire.two.ask(wire.two.start(9, mac=mac, leases=()))
        assert [client.is_refused() for client in asking] == [True, True]


def test_a_guest_without_lease_is_not_answered(host: Host) -> None:
    host.start(7)
    assert host.ask(host.start(8, leases=())).is_refused()


def test_a_guest_that_requests_another_address_gets_its_own(linux: Host) -> None:
    linux.start(7)
    assert linux.ask(linux.start(8), "-r", "192.0.2.7").wait_for("bound")[0] == "192.0.2.8"


def test_a_clone_does_not_get_the_address_of_its_original(linux: Host) -> None:
    """Both send the same client id, which is on their common disk image."""
    same = "-x", "0x3d:ff00112233"
    original = linux.ask(linux.start(7), *same)
    assert original.wait_for("bound")[0] == "192.0.2.7"
    clone = linux.start(8)
    asking = linux.ask(clone, *same)
    assert asking.wait_for("bound")[0] == "192.0.2.8"
    assert original.renew()[0] == "192.0.2.7"
    asking.stop()
    linux.stop(clone)
    assert original.renew()[0] == "192.0.2.7"


def test_an_address_that_was_freed_is_served_to_its_next_owner(linux: Host) -> None:
    guest = linux.start(7)
    assert linux.ask(guest).wait_for("bound")[0] == "192.0.2.7"
    linux.stop(guest)
    assert linux.ask(linux.start(8, leases=(lease(7),))).wait_for("bound")[0] == "192.0.2.7"


def test_a_restarted_server_acknowledges_earlier_leases(host: Host) -> None:
    client = host.ask(host.start(7))
    client.wait_for("bound")
    (before,) = host.servers()
    os.kill(before, signal.SIGKILL)
    until(lambda: not start_time(before))
    host.apply()
    assert host.servers() != [before]
    assert client.renew()[:2] == ["192.0.2.7", "192.0.2.2"]


def test_a_migrated_guest_is_served_on_its_new_host(wire: Wire) -> None:
    """It keeps its lease: on the new host it renews it at a server that did not give it."""
    guest = wire.one.start(7)
    assert wire.one.ask(guest).wait_for("bound")[0] == "192.0.2.7"
    wire.one.stop(guest)
    assert wire.one.servers() == []
    there = wire.two.start(7, id=guest.nics[0].id)
    assert wire.two.ask(there, "-r", "192.0.2.7").wait_for("bound")[:2] == ["192.0.2.7", "192.0.2.2"]


def test_a_changed_address_applies_at_the_next_renewal(host: Host) -> None:
    guest = host.start(7)
    client = host.ask(guest)
    client.wait_for("bound")
    host.change(guest, leases=(lease(9),))
    client.events.unlink()
    client.process.send_signal(signal.SIGUSR1)
    assert client.wait_for("bound")[0] == "192.0.2.9"


def test_a_guest_without_leases_is_no_longer_served(host: Host) -> None:
    guest = host.start(7)
    host.ask(guest).wait_for("bound")
    host.change(guest, leases=())
    assert host.servers() == []
    assert host.ask(guest).is_refused()


def test_deleted_filters_and_links_are_restored(host: Host) -> None:
    guest = host.start(7)
    (filters,) = [link for link in links(host) if link.startswith("nwg")]
    run_inside(host.name, ["tc", "qdisc", "delete", "dev", filters, "ingress"])
    host.apply()
    host.ask(guest).wait_for("bound")
    (server,) = [link for link in links(host) if link.startswith("nwd")]
    ip(host.name, "link", "delete", server)
    host.apply()
    assert host.ask(guest).wait_for("bound")[0] == "192.0.2.7"


def test_a_new_agent_continues_with_running_servers(host: Host) -> None:
    host.start(7)
    before = host.servers()
    host.dhcp = GuestDhcp(host.folder / "dhcp")
    host.apply()
    assert host.servers() == before
    host.start(8)
    assert len(host.servers()) == 1


def test_links_of_dhcp_servers_are_not_observed(host: Host) -> None:
    guest = host.start(7, leases=())
    with entered(host.name):
        before = observed(host.folder, host.ovsdb)
    host.change(guest, leases=(lease(7),))
    assert any(link.startswith("nwd") for link in links(host))
    with entered(host.name):
        assert observed(host.folder, host.ovsdb) == before


def test_a_missing_dnsmasq_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dhcp = GuestDhcp(tmp_path)
    assert dhcp.check([vnic(7)]) == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert dhcp.check([vnic(7, leases=())]) == ""
    assert "install the package dnsmasq-base" in dhcp.check([vnic(7)])


def test_a_guest_that_cannot_be_served_is_not_started(linux: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    guests = Guests([linux.driver], Events(), linux.dhcp)
    spec = GuestSpec(id=str(uuid.uuid4()), name="vm7", driver="namespace", memory=0, nics=(vnic(7),))
    with monkeypatch.context() as without:
        without.setenv("PATH", str(linux.folder))
        with pytest.raises(GuestError, match="Guest vm7 cannot get its addresses by DHCP: this host has no dnsmasq"):
            guests.put(spec)
    assert guests.list() == []
    with entered(linux.name):
        guests.put(spec)
    assert linux.ask(spec).wait_for("bound")[0] == "192.0.2.7"
    with entered(linux.name):
        guests.stop(spec.id)
    assert linux.servers() == []


def test_a_failure_to_serve_is_reported_once(linux: Host) -> None:
    events = Events()
    guests = Guests([linux.driver], events, linux.dhcp)
    linux.start(7)
    two = GuestSpec(id=str(uuid.uuid4()), name="two", driver="namespace", memory=0, nics=(vnic(8, leases=(lease(7),)),))
    with entered(linux.name):
        guests.put(two)
        guests.serve_dhcp()
        told = [event.detail for event in events.page(0, 0).events if "are to have" in event.detail]
        guests.stop(two.id)
    assert told == ["Two vNICs on br0 are to have 192.0.2.7/24: none is served."]
    assert len(linux.servers()) == 1


def links(host: Host) -> list[str]:
    return [
        line.split()[1].rstrip(":").split("@")[0]
        for line in run_inside(host.name, ["ip", "-o", "link"]).stdout.splitlines()
    ]


def test_a_guest_gets_its_ipv6_address(host: Host) -> None:
    """The router advertisements of the host announce no default router."""
    guest = host.start(7, leases=(lease(7), lease6(7)))
    client = host.ask6(guest)
    assert client.wait_for("BOUND6") == ["2001:db8::7", "2001:db8::53"]
    flags, mtu, lifetime, prefix_flags, prefix, *servers = client.wait_for("ROUTERADVERT")
    assert (flags, mtu, lifetime) == ("MO", "1400", "0")
    assert (prefix, prefix_flags, servers) == ("2001:db8::", "L", ["2001:db8::53"])
    assert host.ask(guest).wait_for("bound")[0] == "192.0.2.7"


def test_ipv6_is_served_by_the_own_host_only(wire: Wire) -> None:
    guests = [(wire.one, wire.one.start(7, leases=(lease6(7),))), (wire.two, wire.two.start(8, leases=(lease6(8),)))]
    wire.listen()
    clients = [host.ask6(guest) for host, guest in guests]
    assert [client.wait_for("BOUND6")[0] for client in clients] == ["2001:db8::7", "2001:db8::8"]
    assert wire.heard == []


def test_a_restarted_server_continues_with_ipv6(linux: Host) -> None:
    client = linux.ask6(linux.start(7, leases=(lease6(7),)))
    client.wait_for("BOUND6")
    (before,) = linux.servers()
    os.kill(before, signal.SIGKILL)
    until(lambda: not start_time(before))
    linux.apply()
    client.events.unlink()
    client.process.send_signal(signal.SIGUSR1)  # dhcpcd --renew
    assert client.wait_for("BOUND6")[0] == "2001:db8::7"
