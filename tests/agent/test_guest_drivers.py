"""The contract of guest drivers, tested with each driver on each kind of bridge."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, Protocol

import pytest

from libvirt_host import console, private_libvirt, tiny_linux
from netweft.agent.guests import GuestError
from netweft.agent.guests.libvirt import LibvirtGuests
from netweft.agent.guests.namespace import NamespaceGuests
from netweft.agent.guests.simulated import SimulatedGuests
from netweft.agent.simulated_machine import Faults, SimulatedMachine
from netweft.core.guest_protocol import GuestNic, GuestSpec, GuestState
from netweft.core.host import Host, OvsBridge
from netweft.core.steps import CreateOvsBridge
from netweft.lab.namespaces import ip
from observed import observed
from ovs_host import entered, namespace, ovs_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netweft.agent.guests import Ended, GuestDriver
    from netweft.agent.ovsdb import Ovsdb


def ignore(_guest: str) -> None:
    """Ignores the end of a guest."""


class Place(Protocol):
    """A host with the bridges ``one`` and ``two``. ``suspends``: whether its guests can be suspended."""

    tags: bool
    suspends: bool
    changes_all: bool
    """Whether all properties of a plugged vNIC can change."""

    def driver(self, ended: Ended = ignore) -> GuestDriver:
        """The driver of a new agent."""

    def observe(self) -> Host: ...

    def wait_for_system(self, spec: GuestSpec) -> None:
        """Wait until a guest that was started handles requests to shut down."""


@dataclass
class Simulated:
    folder: Path
    tags: bool = True
    suspends: bool = True
    changes_all: bool = False

    def machine(self) -> SimulatedMachine:
        bridges = {name: OvsBridge(name=name) for name in ("one", "two")}
        return SimulatedMachine(self.folder / "machine.json", Host(ovs_bridges=bridges), Faults())

    def driver(self, ended: Ended = ignore) -> GuestDriver:
        driver = SimulatedGuests(self.machine())
        driver.watch(ended)
        return driver

    def observe(self) -> Host:
        return self.machine().observe()

    def wait_for_system(self, spec: GuestSpec) -> None: ...


@dataclass
class Real:
    folder: Path
    ovsdb: Ovsdb | None
    suspends: bool = False
    changes_all: bool = True

    @property
    def tags(self) -> bool:
        return self.ovsdb is not None

    def driver(self, ended: Ended = ignore) -> GuestDriver:
        driver = NamespaceGuests(self.folder / "guests", self.ovsdb)
        driver.watch(ended)
        return driver

    def observe(self) -> Host:
        return observed(self.folder, self.ovsdb)

    def wait_for_system(self, spec: GuestSpec) -> None: ...


@contextmanager
def simulated(folder: Path) -> Iterator[Place]:
    yield Simulated(folder)


@dataclass
class WithLibvirt(Real):
    """Virtual machines; they run a system, without which no vNIC can be unplugged."""

    suspends: bool = True
    changes_all: bool = False
    uri: str = ""
    made: list[LibvirtGuests] = field(default_factory=list)

    def driver(self, ended: Ended = ignore) -> GuestDriver:
        driver = LibvirtGuests(self.folder / "libvirt", self.ovsdb, self.uri)
        driver.watch(ended)
        self.made.append(driver)
        return driver

    def wait_for_system(self, spec: GuestSpec) -> None:
        with console(self.uri, spec) as line:
            line.run("while ! pidof acpid; do sleep 0.1; done")

    def close(self) -> None:
        for driver in self.made:
            driver.close()


@contextmanager
def libvirt_and_linux_bridges(folder: Path) -> Iterator[Place]:
    with namespace() as name, entered(name), private_libvirt(name) as libvirt:
        for bridge in ("one", "two"):
            ip("", "link", "add", bridge, "up", "type", "bridge")
        yield from with_libvirt(folder, None, libvirt.uri)


@contextmanager
def libvirt_and_ovs_bridges(folder: Path) -> Iterator[Place]:
    with ovs_host() as (name, ovsdb), private_libvirt(name, open_vswitch=Path(ovsdb.path).parent) as libvirt:
        ovsdb.execute([CreateOvsBridge(OvsBridge(name=name, datapath="netdev")) for name in ("one", "two")])
        yield from with_libvirt(folder, ovsdb, libvirt.uri)


def with_libvirt(folder: Path, ovsdb: Ovsdb | None, uri: str) -> Iterator[Place]:
    place = WithLibvirt(folder, ovsdb, uri=uri)
    try:
        yield place
        stop_all(place.driver())
    finally:
        place.close()


@contextmanager
def linux_bridges(folder: Path) -> Iterator[Place]:
    with namespace() as name, entered(name):
        for bridge in ("one", "two"):
            ip("", "link", "add", bridge, "up", "type", "bridge")
        place = Real(folder, None)
        yield place
        stop_all(place.driver())


@contextmanager
def ovs_bridges(folder: Path) -> Iterator[Place]:
    with ovs_host() as (_, ovsdb):
        ovsdb.execute([CreateOvsBridge(OvsBridge(name=name, datapath="netdev")) for name in ("one", "two")])
        place = Real(folder, ovsdb)
        yield place
        stop_all(place.driver())


def stop_all(driver: GuestDriver) -> None:
    for guest in driver.list():
        driver.stop(guest.id)


any_bridge = pytest.mark.parametrize(
    "place", [simulated, linux_bridges, ovs_bridges, libvirt_and_ovs_bridges], indirect=True
)
"""For tests that do not depend on the kind of bridge: libvirt, whose guests take long to boot, with one kind only."""


@pytest.fixture(params=[simulated, linux_bridges, ovs_bridges, libvirt_and_linux_bridges, libvirt_and_ovs_bridges])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with request.param(tmp_path) as place:
        yield place


def make_nic(number: int = 1, bridge: str = "one", **fields: object) -> GuestNic:
    nic = GuestNic(id=str(uuid.uuid4()), name=f"nic{number}", mac=f"02:00:00:00:00:{number:02x}", bridge=bridge)
    return replace(nic, **fields)  # type: ignore[arg-type] # the tests name real fields


def make_guest(driver: GuestDriver, *nics: GuestNic) -> GuestSpec:
    properties = tiny_linux() if driver.name == "libvirt" else {}
    spec = GuestSpec(id=str(uuid.uuid4()), name="web", driver=driver.name, memory=128 << 20, properties=properties)
    return replace(spec, nics=nics)


def plugged(place: Place) -> dict[str, tuple[str, int | None]]:
    """Bridge and VLAN by vNIC, of all that are in a bridge."""
    ports = place.observe().guest_ports.values()
    return {port.vnic: (port.bridge, port.tag) for port in ports if port.bridge}


def state_of(driver: GuestDriver, spec: GuestSpec) -> GuestState:
    return next(state for state in driver.list() if state.id == spec.id)


@any_bridge
def test_a_guest_exists_from_start_to_stop(place: Place) -> None:
    driver = place.driver()
    nics = (make_nic(1), make_nic(2, "two"))
    spec = make_guest(driver, *nics)
    assert driver.list() == []
    driver.start(spec)
    assert driver.list() == [GuestState(id=spec.id, name="web", driver=driver.name, status="up", nics=nics)]
    assert plugged(place) == {nics[0].id: ("one", None), nics[1].id: ("two", None)}
    driver.stop(spec.id)
    assert driver.list() == []
    assert place.observe().guest_ports == {}


@any_bridge
def test_known_addresses_are_reported(place: Place) -> None:
    driver = place.driver()
    nics = (make_nic(1, addresses=("192.0.2.7/24", "2001:db8::7/64")), make_nic(2))
    spec = make_guest(driver, *nics)
    driver.start(spec)
    # The host learns addresses of virtual machines from traffic only; there was none.
    assert driver.addresses() == ({} if driver.name == "libvirt" else {nics[0].id: ("192.0.2.7", "2001:db8::7")})
    assert bool(driver.version()) == (driver.name == "libvirt")
    driver.stop(spec.id)
    assert driver.addresses() == {}


@any_bridge
def test_repeating_changes_nothing(place: Place) -> None:
    driver = place.driver()
    spec = make_guest(driver, make_nic())
    driver.start(spec)
    before = place.observe()
    driver.update(spec)
    driver.start(spec)
    assert place.observe() == before
    assert place.observe().guest_ports == before.guest_ports
    for _ in range(2):
        driver.stop(spec.id)
    driver.stop("never-heard-of")
    assert driver.list() == []


def test_vnics_are_added_removed_and_moved_while_the_guest_runs(place: Place) -> None:
    driver = place.driver()
    first, second = make_nic(1), make_nic(2, "two")
    spec = make_guest(driver, first)
    driver.start(spec)
    changes: list[Callable[[], tuple[GuestNic, ...]]] = [
        lambda: (first, second),
        lambda: (replace(first, bridge="two"), second),
        lambda: (replace(first, bridge=""), second),
        lambda: (second,),
        lambda: (replace(second, bridge="one"), first),
        lambda: (),
        lambda: (first,),
    ]
    for change in changes:
        spec = replace(spec, nics=change())
        driver.update(spec)
        assert state_of(driver, spec).nics == spec.nics
        assert plugged(place) == {nic.id: (nic.bridge, None) for nic in spec.nics if nic.bridge}


def test_a_vnic_changes_its_vlan(place: Place) -> None:
    driver = place.driver()
    nic = make_nic(tag=100)
    spec = make_guest(driver, nic)
    if not place.tags:
        with pytest.raises(GuestError, match="is a Linux bridge"):
            driver.start(spec)
        return
    driver.start(spec)
    for bridge, tag in (("one", 100), ("one", 200), ("two", 300), ("two", None)):
        driver.update(replace(spec, nics=(replace(nic, bridge=bridge, tag=tag),)))
        assert plugged(place) == {nic.id: (bridge, tag)}


def test_a_guest_without_its_bridge_does_not_start(place: Place) -> None:
    driver = place.driver()
    with pytest.raises(GuestError, match="no bridge three"):
        driver.start(make_guest(driver, make_nic(1), make_nic(2, "three")))
    assert driver.list() == []
    assert place.observe().guest_ports == {}


@any_bridge
def test_a_refused_change_leaves_the_guest_as_it_was(place: Place) -> None:
    driver = place.driver()
    nic = make_nic(1)
    spec = make_guest(driver, nic)
    driver.start(spec)
    with pytest.raises(GuestError, match="no bridge three"):
        driver.update(replace(spec, nics=(replace(nic, bridge="two"), make_nic(2, "three"))))
    assert state_of(driver, spec).nics == (nic,)
    assert plugged(place) == {nic.id: ("one", None)}


@any_bridge
def test_a_new_agent_finds_the_guests(place: Place) -> None:
    nics = (make_nic(1), make_nic(2, "two"))
    spec = make_guest(place.driver(), *nics)
    place.driver().start(spec)
    assert [state.status for state in place.driver().list()] == ["up"]
    place.driver().update(replace(spec, nics=nics[1:]))
    assert plugged(place) == {nics[1].id: ("two", None)}
    place.driver().stop(spec.id)
    assert place.driver().list() == []
    assert place.observe().guest_ports == {}


@any_bridge
def test_fixed_properties_of_a_plugged_vnic_stay_and_are_reported(place: Place) -> None:
    driver = place.driver()
    first, second = make_nic(1), make_nic(2)
    spec = make_guest(driver, first, second)
    driver.start(spec)
    changed = replace(first, mtu=1400, mac="02:00:00:00:00:99", queues=2, bridge="two")
    driver.update(replace(spec, nics=(changed, second)))
    stayed = replace(first, bridge="two")
    assert state_of(driver, spec).nics == (changed if place.changes_all else stayed, second)
    assert plugged(place) == {first.id: ("two", None), second.id: ("one", None)}
    driver.update(replace(spec, nics=(second,)))
    driver.update(replace(spec, nics=(changed, second)))
    assert state_of(driver, spec).nics == (changed, second)


@any_bridge
def test_a_guest_shuts_down_on_request(place: Place) -> None:
    ended: Queue[str] = Queue()
    driver = place.driver(ended.put)
    spec = make_guest(driver, make_nic(1))
    driver.start(spec)
    place.wait_for_system(spec)
    driver.shutdown(spec.id)
    assert ended.get(timeout=30) == spec.id
    assert state_of(driver, spec).status == "down"
    assert place.observe().guest_ports == {}
    driver.stop(spec.id)
    assert driver.list() == []


@any_bridge
def test_a_suspended_guest_has_no_ports_and_resumes(place: Place) -> None:
    driver = place.driver()
    nics = (make_nic(1), make_nic(2, "two"))
    spec = make_guest(driver, *nics)
    driver.start(spec)
    if not place.suspends:
        with pytest.raises(GuestError, match="cannot be suspended"):
            driver.suspend(spec.id)
        assert state_of(driver, spec).status == "up"
        return
    driver.suspend(spec.id)
    again = place.driver()
    for one in (driver, again):
        assert one.list() == [GuestState(id=spec.id, name="web", driver=driver.name, status="suspended", nics=nics)]
    assert place.observe().guest_ports == {}
    with pytest.raises(GuestError, match="no bridge three"):
        again.start(replace(spec, nics=(replace(nics[0], bridge="three"), nics[1])))
    assert state_of(again, spec).status == "suspended"
    moved = (replace(nics[0], bridge="two"), nics[1])
    again.start(replace(spec, nics=moved))
    assert state_of(again, spec).status == "up"
    assert state_of(again, spec).nics == moved
    assert plugged(place) == {nics[0].id: ("two", None), nics[1].id: ("two", None)}
    again.suspend(spec.id)
    again.stop(spec.id)
    assert again.list() == []
