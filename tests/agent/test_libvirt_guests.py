"""Virtual machines as guests: their links, their connectivity, and the events at their end."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from xml.etree import ElementTree as ET

import libvirt
import pytest

import waiting
from libvirt_host import Console, console, private_libvirt, tiny_guest, with_nic
from netweft.agent.capabilities import read_capabilities
from netweft.agent.guest_dhcp import GuestDhcp
from netweft.agent.guests import libvirt_xml
from netweft.agent.guests.libvirt import LibvirtGuests
from netweft.agent.guests.libvirt_xml import domain_name
from netweft.agent.guests.veth import host_end
from netweft.agent.ovsdb import Ovsdb
from netweft.core.guest_protocol import GuestNic, GuestSpec, Lease, Rate
from netweft.core.host import Host, OvsBridge
from netweft.core.steps import CreateOvsBridge
from netweft.lab import libvirt as lab_libvirt
from netweft.lab.libvirt import Libvirt
from netweft.lab.namespaces import ip
from netweft.lab.processes import Process, inside_namespace
from observed import observed
from ovs_host import entered, namespace, ovs_host

SECONDS = 30.0
"""Time limit of awaited conditions."""


@dataclass
class Place:
    """A host with libvirt and the bridges ``one`` and ``two``, and the driver of its agent."""

    folder: Path
    namespace: str
    libvirt: Libvirt
    ovsdb: Ovsdb | None
    driver: LibvirtGuests
    ended: dict[str, Event]

    def restart_agent(self) -> None:
        self.driver.close()
        self.driver = self._driver()

    def _driver(self) -> LibvirtGuests:
        driver = LibvirtGuests(self.folder / "guests", self.ovsdb, self.libvirt.uri)
        driver.watch(lambda guest: self.ended[guest].set())
        return driver

    @classmethod
    @contextmanager
    def on(cls, folder: Path, name: str, daemon: Libvirt, ovsdb: Ovsdb | None) -> Iterator[Place]:
        guests = LibvirtGuests(folder / "guests", ovsdb, daemon.uri)
        place = cls(folder, name, daemon, ovsdb, guests, defaultdict(Event))
        guests.watch(lambda guest: place.ended[guest].set())
        try:
            yield place
        finally:
            for state in place.driver.list():
                place.driver.stop(state.id)
            place.driver.close()

    def observe(self) -> Host:
        return observed(self.folder, self.ovsdb)

    def interface(self, spec: GuestSpec) -> ET.Element:
        """The first vNIC as libvirt has it."""
        connection = libvirt.open(self.libvirt.uri)
        try:
            found = ET.fromstring(connection.lookupByName(domain_name(spec.id)).XMLDesc()).find("devices/interface")
        finally:
            connection.close()
        assert found is not None
        return found


@pytest.fixture
def on_linux(tmp_path: Path) -> Iterator[Place]:
    with namespace() as name, entered(name), private_libvirt(name) as daemon:
        for bridge in ("one", "two"):
            ip("", "link", "add", bridge, "up", "type", "bridge")
        with Place.on(tmp_path, name, daemon, None) as place:
            yield place


@pytest.fixture
def on_ovs(tmp_path: Path) -> Iterator[Place]:
    with ovs_host() as (name, ovsdb), private_libvirt(name, open_vswitch=Path(ovsdb.path).parent) as daemon:
        ovsdb.execute([CreateOvsBridge(OvsBridge(name=bridge, datapath="netdev")) for bridge in ("one", "two")])
        with Place.on(tmp_path, name, daemon, ovsdb) as place:
            yield place


@pytest.fixture(params=["on_linux", "on_ovs"])
def place(request: pytest.FixtureRequest) -> Place:
    place: Place = request.getfixturevalue(request.param)
    return place


any_bridge = pytest.mark.parametrize("place", ["on_ovs"], indirect=True)
"""For tests that do not depend on the kind of bridge; each boot of a guest takes long."""


def make_nic(number: int, **fields: object) -> GuestNic:
    nic = GuestNic(id=str(uuid.uuid4()), name=f"nic{number}", mac=f"02:00:00:00:00:{number:02x}", bridge="one")
    return replace(nic, **fields)  # type: ignore[arg-type] # the tests name real fields


eventually = partial(waiting.eventually, seconds=SECONDS)


def reaches(line: Console, address: str) -> bool:
    return line.run(f"ping -c 1 -W 1 {address}").status == 0


def test_two_guests_on_one_network_reach_each_other_and_not_a_third(place: Place) -> None:
    bridges = {1: "one", 2: "one", 3: "two"}
    specs = {n: tiny_guest(make_nic(n, bridge=bridges[n]), addresses=(f"192.0.2.{n}/24",)) for n in bridges}
    for spec in specs.values():
        place.driver.start(spec)
    with ExitStack() as stack:
        lines = {number: stack.enter_context(console(place.libvirt.uri, spec)) for number, spec in specs.items()}
        assert eventually(lambda: reaches(lines[1], "192.0.2.2"))
        assert not reaches(lines[1], "192.0.2.3")
        # A third one changes to their network while it runs, and is unlinked later.
        place.driver.update(with_nic(specs[3], bridge="one"))
        assert eventually(lambda: reaches(lines[3], "192.0.2.1"))
        place.driver.update(with_nic(specs[3], bridge="one", linked=False))
        assert not reaches(lines[3], "192.0.2.1")
        place.driver.update(with_nic(specs[3], bridge=""))
        assert not reaches(lines[3], "192.0.2.1")
        place.driver.update(with_nic(specs[3], bridge="one"))
        assert eventually(lambda: reaches(lines[3], "192.0.2.1"))


def test_addresses_of_guests_are_learnt_from_traffic(on_linux: Place) -> None:
    nic = make_nic(1)
    spec = tiny_guest(nic, addresses=("192.0.2.1/24",))
    on_linux.driver.start(spec)
    ip("", "address", "add", "192.0.2.9/24", "dev", "one")
    with console(on_linux.libvirt.uri, spec) as line:
        assert eventually(lambda: reaches(line, "192.0.2.9"))
    assert on_linux.driver.addresses() == {nic.id: ("192.0.2.1",)}
    assert read_capabilities(None, [on_linux.driver], "h").libvirt_version == on_linux.driver.version()
    assert on_linux.driver.version().count(".") == 2


def test_isolated_guests_do_not_reach_each_other(place: Place) -> None:
    specs = [tiny_guest(make_nic(n, isolated=True), addresses=(f"192.0.2.{n}/24",)) for n in (1, 2)]
    for spec in specs:
        place.driver.start(spec)
    ip("", "address", "add", "192.0.2.9/24", "dev", "one")
    ip("", "link", "set", "one", "up")
    with console(place.libvirt.uri, specs[0]) as first, console(place.libvirt.uri, specs[1]) as second:
        for line in (first, second):
            assert eventually(lambda line=line: reaches(line, "192.0.2.9"))  # type: ignore[misc] # a default binds it
        assert not reaches(first, "192.0.2.2")


def test_a_vnic_is_plugged_in_used_and_unplugged(place: Place) -> None:
    first, second = make_nic(1), make_nic(2, bridge="two")
    spec = tiny_guest(first)
    place.driver.start(spec)
    ip("", "address", "add", "192.0.2.9/24", "dev", "two")
    ip("", "link", "set", "two", "up")
    with console(place.libvirt.uri, spec) as line:
        place.driver.update(replace(spec, nics=(first, second)))
        assert eventually(lambda: line.run("ip address add 192.0.2.1/24 dev eth1 && ip link set eth1 up").status == 0)
        assert line.run("cat /sys/class/net/eth1/address").output == second.mac
        assert eventually(lambda: reaches(line, "192.0.2.9"))
        place.driver.update(spec)
        assert line.run("ls /sys/class/net").output.split() == ["eth0", "lo"]
    assert {port.vnic for port in place.observe().guest_ports.values()} == {first.id}


def test_a_vnic_that_the_guest_releases_during_a_repeated_request_is_unplugged(
    on_linux: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    detach = libvirt.virDomain.detachDeviceAlias

    def detach_late(domain: libvirt.virDomain, alias: str, flags: int) -> int:
        """Simulates a guest that releases the vNIC between the query and this request."""
        detach(domain, alias, flags)
        assert eventually(lambda: alias not in domain.XMLDesc())
        result: int = detach(domain, alias, flags)
        return result

    monkeypatch.setattr(libvirt.virDomain, "detachDeviceAlias", detach_late)
    spec = tiny_guest(make_nic(1))
    on_linux.driver.start(spec)
    with console(on_linux.libvirt.uri, spec):
        on_linux.driver.update(replace(spec, nics=()))
    assert on_linux.observe().guest_ports == {}


@any_bridge
def test_the_end_of_a_guest_is_detected_at_once_and_its_ports_are_removed(place: Place) -> None:
    spec = tiny_guest(make_nic(1))
    place.driver.start(spec)
    with console(place.libvirt.uri, spec) as line:
        line.send("poweroff -f\n")
        assert place.ended[spec.id].wait(SECONDS)
    assert [state.status for state in place.driver.list()] == ["down"]
    assert place.observe().guest_ports == {}
    place.driver.stop(spec.id)
    assert place.driver.list() == []


@any_bridge
def test_a_paused_guest_has_its_vnics_and_runs_after_the_next_put(place: Place) -> None:
    spec = tiny_guest(make_nic(1))
    place.driver.start(replace(spec, paused=True))
    assert is_paused(place, spec)
    place.restart_agent()
    place.driver.update(replace(spec, paused=True))
    assert is_paused(place, spec)
    place.driver.update(spec)
    assert not is_paused(place, spec)
    place.driver.update(spec)
    place.driver.update(replace(spec, paused=True))  # has no effect on a running guest
    assert not is_paused(place, spec)
    assert [state.status for state in place.driver.list()] == ["up"]


def is_paused(place: Place, spec: GuestSpec) -> bool:
    with connected(place) as connection:
        return connection.lookupByUUIDString(spec.id).state()[0] == libvirt.VIR_DOMAIN_PAUSED


def test_stopping_a_guest_sends_no_end_event(on_linux: Place) -> None:
    spec, other = tiny_guest(make_nic(1)), tiny_guest(make_nic(2))
    on_linux.driver.start(spec)
    on_linux.driver.start(other)
    on_linux.driver.stop(spec.id)
    for process in guests_of(on_linux):
        process.send(9)
    assert on_linux.ended[other.id].wait(SECONDS)
    assert not on_linux.ended[spec.id].is_set()


@any_bridge
def test_guests_continue_over_a_restart_of_the_agent(place: Place) -> None:
    spec, brief = tiny_guest(make_nic(1), addresses=("192.0.2.1/24",)), tiny_guest(make_nic(2))
    place.driver.start(spec)
    place.driver.start(brief)
    with console(place.libvirt.uri, spec) as line:
        up = float(line.run("cut -d' ' -f1 /proc/uptime").output)
        place.driver.close()
        with console(place.libvirt.uri, brief) as other:
            other.send("poweroff -f\n")
            assert eventually(lambda: len(guests_of(place)) == 1)
        place.restart_agent()
        assert place.ended[brief.id].wait(SECONDS)
        assert {state.id: state.status for state in place.driver.list()} == {spec.id: "up", brief.id: "down"}
        assert float(line.run("cut -d' ' -f1 /proc/uptime").output) > up
        place.driver.update(with_nic(spec, bridge="two"))
        assert {port.bridge for port in place.observe().guest_ports.values()} == {"two"}


@contextmanager
def connected(place: Place) -> Iterator[libvirt.virConnect]:
    connection = libvirt.open(place.libvirt.uri)
    try:
        yield connection
    finally:
        connection.close()


def runs(place: Place, spec: GuestSpec) -> bool:
    with connected(place) as connection:
        state, _ = connection.lookupByName(domain_name(spec.id)).state()
    return bool(state == libvirt.VIR_DOMAIN_RUNNING)


def cut_off(place: Place, spec: GuestSpec) -> None:
    """Leave the state of an agent that was killed before it resumed a started guest."""
    (place.folder / "guests" / f"{spec.id}.starting").touch()


def test_an_interrupted_start_is_completed_by_the_next_agent(on_linux: Place) -> None:
    on_linux.driver.close()
    spec = tiny_guest(make_nic(1))
    with connected(on_linux) as connection:
        connection.createXML(libvirt_xml.domain(spec, "qemu", frozenset()), libvirt.VIR_DOMAIN_START_PAUSED)
    cut_off(on_linux, spec)
    on_linux.restart_agent()
    assert eventually(lambda: runs(on_linux, spec))
    assert [state.status for state in on_linux.driver.list()] == ["up"]
    assert {port.bridge for port in on_linux.observe().guest_ports.values()} == {"one"}
    assert not list((on_linux.folder / "guests").glob("*.starting"))


def test_an_interrupted_resume_is_completed_by_the_next_agent(on_linux: Place) -> None:
    spec = tiny_guest(make_nic(1))
    on_linux.driver.start(spec)
    on_linux.driver.suspend(spec.id)
    on_linux.driver.close()
    image = str(on_linux.folder / "guests" / f"{spec.id}.saved")
    with connected(on_linux) as connection:
        connection.restoreFlags(image, connection.saveImageGetXMLDesc(image), libvirt.VIR_DOMAIN_SAVE_PAUSED)
    cut_off(on_linux, spec)
    on_linux.restart_agent()
    assert eventually(lambda: runs(on_linux, spec))
    assert eventually(lambda: [state.status for state in on_linux.driver.list()] == ["up"])
    assert not Path(image).exists(), "with disks that have changed since, this memory must never come back"


def test_an_interrupted_start_that_cannot_be_completed_is_stopped(on_linux: Place) -> None:
    on_linux.driver.close()
    spec = tiny_guest(make_nic(1))
    with connected(on_linux) as connection:
        connection.createXML(libvirt_xml.domain(spec, "qemu", frozenset()), libvirt.VIR_DOMAIN_START_PAUSED)
    ip("", "link", "delete", "one")
    cut_off(on_linux, spec)
    on_linux.restart_agent()
    assert eventually(lambda: [state.status for state in on_linux.driver.list()] == ["down"])
    assert guests_of(on_linux) == []


def test_a_guest_is_suspended_even_if_its_ports_cannot_be_removed(on_ovs: Place) -> None:
    spec = tiny_guest(make_nic(1))
    on_ovs.driver.start(spec)
    assert on_ovs.ovsdb
    socket, on_ovs.ovsdb.path = on_ovs.ovsdb.path, str(on_ovs.folder / "none")
    try:
        on_ovs.driver.suspend(spec.id)
    finally:
        on_ovs.ovsdb.path = socket
    assert [state.status for state in on_ovs.driver.list()] == ["suspended"]


def guests_of(place: Place) -> list[Process]:
    """The processes of a host's virtual machines."""
    processes = inside_namespace(Path("/run/netns") / place.namespace)
    return [one for one in processes if any("qemu-system" in program for program in one.command[:1])]


@any_bridge
def test_guests_continue_over_a_restart_of_libvirt(place: Place) -> None:
    spec = tiny_guest(make_nic(1))
    place.driver.start(spec)
    place.driver.update(with_nic(spec, bridge="two"))
    assert place.libvirt.process
    place.libvirt.process.send(15)
    assert eventually(lambda: place.driver.list()[0].error != "")
    assert [state.status for state in place.driver.list()] == ["up"]
    assert {port.bridge for port in place.observe().guest_ports.values()} == {"two"}
    switch = Path(place.ovsdb.path).parent if place.ovsdb else None
    again = lab_libvirt.start(place.libvirt.folder, place.namespace, open_vswitch=switch)
    try:
        assert eventually(lambda: place.driver.list()[0].error == "")
        assert {port.bridge for port in place.observe().guest_ports.values()} == {"two"}
        with console(place.libvirt.uri, spec) as line:
            line.send("poweroff -f\n")
            assert place.ended[spec.id].wait(SECONDS)
    finally:
        place.driver.stop(spec.id)
        again.stop()


def test_guests_are_plugged_into_a_recreated_bridge(on_linux: Place) -> None:
    spec = tiny_guest(make_nic(1), addresses=("192.0.2.1/24",))
    on_linux.driver.start(spec)
    ip("", "link", "delete", "one")
    ip("", "link", "add", "one", "up", "type", "bridge")
    assert {port.bridge for port in on_linux.observe().guest_ports.values()} == {""}
    on_linux.driver.repair()
    assert {port.bridge for port in on_linux.observe().guest_ports.values()} == {"one"}


def test_the_interface_has_the_documented_xml(on_linux: Place) -> None:
    nic = make_nic(
        1,
        model="e1000",
        mtu=1400,
        filter="vdsm-no-mac-spoofing",
        filter_parameters=(("IP", "192.0.2.1"), ("IP", "192.0.2.2")),
        isolated=True,
    )
    spec = tiny_guest(nic)
    on_linux.driver.start(spec)
    found = on_linux.interface(spec)
    assert found.get("type") == "bridge"
    values = {(part.tag, *sorted(part.items())) for part in found.iter()}
    assert {
        ("mac", ("address", nic.mac)),
        ("source", ("bridge", "one")),
        ("model", ("type", "e1000")),
        ("mtu", ("size", "1400")),
        ("link", ("state", "up")),
        ("port", ("isolated", "yes")),
        ("filterref", ("filter", "vdsm-no-mac-spoofing")),
        ("parameter", ("name", "IP"), ("value", "192.0.2.1")),
        ("parameter", ("name", "IP"), ("value", "192.0.2.2")),
        ("alias", ("name", f"ua-{nic.id}")),
    } <= values
    on_linux.driver.update(with_nic(spec, filter="allow-arp", filter_parameters=()))
    reference = on_linux.interface(spec).find("filterref")
    assert reference is not None
    assert reference.get("filter") == "allow-arp"


def filters(place: Place) -> dict[str, str]:
    """The filters that libvirt applies, by link."""
    connection = libvirt.open(place.libvirt.uri)
    try:
        found = [ET.fromstring(one.XMLDesc()) for one in connection.listAllNWFilterBindings()]
    finally:
        connection.close()
    return {str(one.find("portdev").get("name")): str(one.find("filterref").get("filter")) for one in found}  # type: ignore[union-attr] # they have them


def test_filters_change_while_the_guest_runs(on_linux: Place) -> None:
    nic = make_nic(1)
    spec = tiny_guest(nic)
    on_linux.driver.start(spec)
    with console(on_linux.libvirt.uri, spec) as line:
        device = line.run("cat /sys/class/net/eth0/ifindex").output
        for name in ("no-mac-spoofing", "clean-traffic", ""):
            on_linux.driver.update(with_nic(spec, filter=name))
            assert filters(on_linux) == ({host_end(nic.id): name} if name else {})
        assert line.run("cat /sys/class/net/eth0/ifindex").output == device


@any_bridge
def test_a_guest_gets_its_address_by_dhcp(place: Place) -> None:
    """Open vSwitch removes the filters of a port once, when it detects the port; the agent restores them."""
    dhcp = GuestDhcp(place.folder / "dhcp")
    lease = Lease(address="192.0.2.7/24", server="192.0.2.2", gateway="192.0.2.1")
    spec = tiny_guest(make_nic(1, leases=(lease,)))
    place.driver.start(spec)
    try:
        with console(place.libvirt.uri, spec) as line:
            line.run("printf '#!/bin/sh\\necho $1 $ip $router' >/tmp/lease && chmod +x /tmp/lease")

            def is_served() -> bool:
                assert dhcp.apply(lambda: [nic for state in place.driver.list() for nic in state.nics]) == []
                client = line.run("udhcpc -n -q -t 2 -T 1 -i eth0 -s /tmp/lease 2>&1")
                return "bound 192.0.2.7 192.0.2.1" in client.output

            assert eventually(is_served)
    finally:
        dhcp.apply(list)


def ovs_columns(place: Place, table: str, nic: GuestNic, *columns: str) -> list[object]:
    """Columns of a vNIC's port or interface in Open vSwitch."""
    assert place.ovsdb
    command = ["ovs-vsctl", f"--db=unix:{place.ovsdb.path}", "-f", "json", f"--columns={','.join(columns)}"]
    result = subprocess.run([*command, "list", table, host_end(nic.id)], check=True, capture_output=True, text=True)
    found = json.loads(result.stdout)
    return [found["data"][0][found["headings"].index(column)] for column in columns]


def test_vlans_and_limits_change_on_open_vswitch_while_the_guest_runs(on_ovs: Place) -> None:
    nic = make_nic(1, tag=100)
    spec = tiny_guest(nic)
    on_ovs.driver.start(spec)
    with console(on_ovs.libvirt.uri, spec) as line:
        device = line.run("cat /sys/class/net/eth0/ifindex").output
        assert ovs_columns(on_ovs, "Port", nic, "tag", "trunks") == [100, ["set", []]]
        on_ovs.driver.update(with_nic(spec, tag=200, outbound=Rate(average=1000)))
        assert ovs_columns(on_ovs, "Port", nic, "tag", "trunks") == [200, ["set", []]]
        assert ovs_columns(on_ovs, "Interface", nic, "ingress_policing_rate") == [8000]
        on_ovs.driver.update(with_nic(spec, tag=300, trunks=(400, 500), outbound=Rate(average=500)))
        assert ovs_columns(on_ovs, "Port", nic, "tag", "trunks") == [300, ["set", [400, 500]]]
        assert ovs_columns(on_ovs, "Interface", nic, "ingress_policing_rate") == [4000]
        on_ovs.driver.update(with_nic(spec, tag=100))
        assert ovs_columns(on_ovs, "Port", nic, "tag", "trunks") == [100, ["set", []]]
        assert ovs_columns(on_ovs, "Interface", nic, "ingress_policing_rate") == [0]
        assert line.run("cat /sys/class/net/eth0/ifindex").output == device


def test_the_port_of_open_vswitch_has_the_documented_xml(on_ovs: Place) -> None:
    spec = tiny_guest(make_nic(1, tag=100, trunks=(200, 300), port=str(uuid.uuid4())))
    on_ovs.driver.start(spec)
    found = on_ovs.interface(spec)
    port = found.find("virtualport")
    assert port is not None
    assert port.get("type") == "openvswitch"
    assert port.find("parameters").get("interfaceid") == spec.nics[0].port  # type: ignore[union-attr] # it has them
    tags = {tag.get("id"): tag.get("nativeMode") for tag in found.iterfind("vlan/tag")}
    assert tags == {"100": "untagged", "200": None, "300": None}


def test_limits_are_set_by_libvirt(on_ovs: Place) -> None:
    spec = tiny_guest(make_nic(1))
    on_ovs.driver.start(spec)
    on_ovs.driver.update(with_nic(spec, inbound=Rate(average=1000, peak=2000, burst=512), outbound=Rate(average=500)))
    bandwidth = on_ovs.interface(spec).find("bandwidth")
    assert bandwidth is not None
    limits = {part.tag: dict(part.items()) for part in bandwidth}
    assert limits == {"inbound": {"average": "1000", "peak": "2000", "burst": "512"}, "outbound": {"average": "500"}}


def test_a_stateless_guest_writes_to_an_overlay(on_linux: Place) -> None:
    disk = on_linux.folder / "disk"
    disk.write_bytes(bytes(1 << 20))
    spec = tiny_guest(make_nic(1))
    spec = replace(spec, properties={**spec.properties, "disk": str(disk), "stateless": "true"})
    on_linux.driver.start(spec)
    (state,) = on_linux.driver.list()
    assert state.status == "up"
    assert len(list(on_linux.folder.glob("disk*"))) == 2, "what it writes is in a file of its own"
    on_linux.driver.stop(spec.id)
    assert list(on_linux.folder.glob("disk*")) == [disk]
