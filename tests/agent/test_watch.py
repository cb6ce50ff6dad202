"""Whatever somebody changes on a host by hand is an event; what the agent does itself is told by others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import Queue

import pytest

from contract.namespaces import ip, namespace_thread, open_door
from contract.ovs_door import DATAPATH, ovs_door
from netweft.agent.events import Events
from netweft.agent.monitor import Monitor
from netweft.agent.networking import NetworkingError
from netweft.agent.ovsdb_watch import OvsdbWatch
from netweft.agent.resolver import Resolver
from netweft.agent.watch import Watch
from netweft.core.host import Address, Bridge, GuestPort, Host, Nic, OvsBridge, OvsPort
from netweft.core.steps import CreateOvsBridge, CreateOvsPort, SetOvsPort
from netweft.lab.processes import run

MAC = "02:00:00:00:00:01"

PATIENCE = 30.0
"""Seconds within which a change is to be seen."""


def nothing() -> bool:
    return False


@contextmanager
def watching(door: object) -> Iterator[Events]:
    """The threads of a real host, in the calling thread's namespace."""
    events = Events()
    watch = Watch(door, events, nothing, lambda: 0)  # type: ignore[arg-type] # a door, real or not
    monitor = Monitor(events, nothing, nothing, watch.stir)
    try:
        yield events
    finally:
        monitor.close()
        watch.close()


def settle(events: Events) -> int:
    """Wait until nothing is told any more; the number of the last event."""
    last = 0
    while page := events.page(last, 1.0).events:
        last = page[-1].id
    return last


def is_told(events: Events, after: int) -> bool:
    """Whether the host is told to have changed, in good time."""
    while page := events.page(after, PATIENCE).events:
        if any(event.kind == "host" for event in page):
            return True
        after = page[-1].id
    return False


def ip6(words: str) -> None:
    run(["ip", "-6", *words.split()])


BY_HAND: dict[str, Callable[[Path], None]] = {
    "the MTU": lambda _: ip("link set eth0 mtu 1400"),
    "a link that is switched off": lambda _: ip("link set br0 down"),
    "a port that left its bridge": lambda _: ip("link set eth0 nomaster"),
    "STP": lambda _: ip("link set br0 type bridge stp_state 1"),
    "an option": lambda _: ip("link set br0 type bridge forward_delay 500"),
    "an address": lambda _: ip("address add 198.51.100.7/24 dev br0"),
    "a route": lambda _: ip("route add 203.0.113.0/24 dev br0"),
    "a rule": lambda _: ip("rule del from 203.0.113.0/24 table 77"),
    "a rule of IPv6": lambda _: ip6("rule add from 2001:db8::/48 table 77 protocol 110"),
    "router advertisements": lambda _: Path("/proc/sys/net/ipv6/conf/br0/accept_ra").write_text("0"),
    "the resolvers": lambda folder: (folder / "resolv.conf").write_text("nameserver 192.0.2.77\n"),
    "a mark": lambda _: ip("link set br0 alias somebody"),
    "a port of a guest": lambda _: ip("link set guest0 nomaster"),
}


@pytest.mark.parametrize("what", BY_HAND)
def test_what_somebody_changes_is_told(tmp_path: Path, what: str) -> None:
    with namespace_thread() as thread:
        on(thread, lambda: _change_one(tmp_path, BY_HAND[what]))


def _change_one(folder: Path, change: Callable[[Path], None]) -> None:
    door = open_door(folder, {"eth0": MAC})
    ip(
        "link add br0 up type bridge",
        "link set br0 alias netweft:n1",
        "link set eth0 master br0 up",
        "link add guest0 type veth peer name inside0",
        "link set guest0 alias netweft:guest:v1 master br0 up",
        "rule add from 203.0.113.0/24 table 77 protocol 110",
    )
    Resolver(path=folder / "resolv.conf", saved=folder / "saved").write(("192.0.2.53",))
    with watching(door) as events:
        last = settle(events)
        change(folder)
        assert is_told(events, last)


def on(thread: ThreadPoolExecutor, work: Callable[[], None]) -> None:
    thread.submit(work).result()


def test_what_somebody_changes_in_open_vswitch_is_told() -> None:
    with ovs_door({"eth0": MAC}) as (door, ovsdb):
        port = OvsPort(name="net0", owner="n1", bridge="sw0", tag=100)
        ovsdb.execute([CreateOvsBridge(OvsBridge(name="sw0", owner="base", datapath=DATAPATH)), CreateOvsPort(port)])
        with watching(door) as events:
            last = settle(events)
            ovsdb.execute([SetOvsPort(replace(port, tag=200))])
            assert is_told(events, last)


def test_open_vswitchs_database_tells_at_once_and_is_waited_for(tmp_path: Path) -> None:
    told: Queue[str] = Queue()
    place = tmp_path / "db.sock"
    watch = OvsdbWatch(str(place), 5, lambda: told.put("stirred"))
    try:
        with ovs_door({"eth0": MAC}) as (_, ovsdb):
            place.symlink_to(ovsdb.path)
            told.get(timeout=PATIENCE)
            ovsdb.execute([CreateOvsBridge(OvsBridge(name="sw0", owner="base", datapath=DATAPATH))])
            told.get(timeout=PATIENCE)
    finally:
        watch.close()


class Door:
    """A host that is what it is told to be."""

    def __init__(self) -> None:
        self.host = Host(guest_ports={"vnet0": GuestPort(name="vnet0", vnic="v0", bridge="br0")})
        self.error: Exception | None = None
        self.looks = 0

    def observe(self) -> Host:
        self.looks += 1
        if self.error:
            raise self.error
        return self.host

    def looked_at(self) -> None:
        """Return when a look has begun and ended since."""
        before = self.looks
        while self.looks < before + 2:
            time.sleep(0.01)


@pytest.fixture
def door() -> Door:
    return Door()


def test_what_guests_and_the_agent_do_is_no_news(door: Door) -> None:
    events, busy, worked = Events(), [True], [0]
    watch = Watch(door, events, lambda: busy[0], lambda: worked[0])  # type: ignore[arg-type] # a door
    try:
        busy[0] = False
        watch.stir()
        door.looked_at()
        new = GuestPort(name="vnet1", vnic="v1", bridge="br0")
        worked[0] += 1
        door.host = replace(door.host, guest_ports={**door.host.guest_ports, "vnet1": new})
        door.looked_at()
        for error in (NetworkingError("there is no Open vSwitch"), KeyError("a defect")):
            door.error = error
            door.looked_at()
        door.error = None
        assert events.page(1, 0).events == ()
        worked[0] += 1
        door.host = replace(door.host, guest_ports={"vnet1": replace(new, tag=7)})
        assert is_told(events, 1)
    finally:
        watch.close()


def test_what_is_changed_again_after_it_was_put_right_is_told(door: Door) -> None:
    """Although no look found the host as it was in between."""
    events = Events()
    watch = Watch(door, events, nothing, lambda: 0)  # type: ignore[arg-type] # a door
    try:
        door.looked_at()
        as_wanted, changed = door.host, replace(door.host, nics={"eth0": Nic(name="eth0", mac=MAC, mtu=1400)})
        door.host = changed
        assert is_told(events, 1)
        last = settle(events)
        watch.reported(as_wanted, 0)
        assert is_told(events, last)
        last = settle(events)
        door.looked_at()
        assert events.page(last, 0).events == (), "it is told once"
        watch.reported(changed, 0)
        door.looked_at()
        assert events.page(last, 0).events == ()
    finally:
        watch.close()


def test_what_breathes_is_no_news(door: Door) -> None:
    nic = Nic(name="eth0", mac="02:00:00:00:00:01", carrier=True)
    door.host = replace(door.host, nics={"eth0": nic}, bridges={"br0": Bridge(name="br0")})
    events = Events()
    watch = Watch(door, events, nothing, lambda: None)  # type: ignore[arg-type] # a door
    try:
        door.looked_at()
        lease = (Address(ip="192.0.2.7", prefix=24),)
        door.host = replace(door.host, nics={"eth0": replace(nic, carrier=False, dynamic=lease)}, unmanaged=("wg0",))
        door.looked_at()
        assert events.page(1, 0).events == ()
    finally:
        watch.close()
