"""Changes on a host that are made by hand become events; the agent's own changes do not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import Queue

import pytest

from contract.namespaces import ip, namespace_thread, new_networking
from contract.ovs_networking import DATAPATH, ovs_networking
from netweft.agent.events import Events
from netweft.agent.monitor import Monitor
from netweft.agent.networking import Networking, NetworkingError
from netweft.agent.ovsdb_watch import OvsdbWatch
from netweft.agent.resolver import Resolver
from netweft.agent.watch import Watch
from netweft.core.host import Address, Bridge, GuestPort, Host, Nic, OvsBridge, OvsPort
from netweft.core.steps import CreateOvsBridge, CreateOvsPort, SetOvsPort
from netweft.lab.processes import run

MAC = "02:00:00:00:00:01"

PATIENCE = 30.0
"""Seconds within which a change must be detected."""

FAST = {"every": 0.2, "gap": 0.02}
"""Poll intervals of a watch; short, so that tests are fast."""


def nothing() -> bool:
    return False


@contextmanager
def watching(networking: Networking) -> Iterator[Events]:
    """The threads of a real host, in the calling thread's namespace."""
    events = Events()
    watch = Watch(networking, events, nothing, lambda: 0, **FAST)
    monitor = Monitor(events, nothing, nothing, watch.poll_soon)
    try:
        yield events
    finally:
        monitor.close()
        watch.close()


def last_event(events: Events) -> int:
    """Wait until no more events are added; returns the id of the last one."""
    last = 0
    while page := events.page(last, 1.0).events:
        last = page[-1].id
    return last


def has_changed(events: Events, after: int) -> bool:
    """Whether an event reports the change in time."""
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
def test_a_change_by_hand_is_an_event(tmp_path: Path, what: str) -> None:
    with namespace_thread() as thread:
        on(thread, lambda: _change_one(tmp_path, BY_HAND[what]))


def _change_one(folder: Path, change: Callable[[Path], None]) -> None:
    networking = new_networking(folder, {"eth0": MAC})
    ip(
        "link add br0 up type bridge",
        "link set br0 alias netweft:n1",
        "link set eth0 master br0 up",
        "link add guest0 type veth peer name inside0",
        "link set guest0 alias netweft:guest:v1 master br0 up",
        "rule add from 203.0.113.0/24 table 77 protocol 110",
    )
    Resolver(path=folder / "resolv.conf", saved=folder / "saved").write(("192.0.2.53",))
    with watching(networking) as events:
        last = last_event(events)
        change(folder)
        assert has_changed(events, last)


def on(thread: ThreadPoolExecutor, work: Callable[[], None]) -> None:
    thread.submit(work).result()


def test_a_change_of_open_vswitch_is_an_event() -> None:
    with ovs_networking({"eth0": MAC}) as (networking, ovsdb):
        port = OvsPort(name="net0", owner="n1", bridge="sw0", tag=100)
        ovsdb.execute([CreateOvsBridge(OvsBridge(name="sw0", owner="base", datapath=DATAPATH)), CreateOvsPort(port)])
        with watching(networking) as events:
            last = last_event(events)
            ovsdb.execute([SetOvsPort(replace(port, tag=200))])
            assert has_changed(events, last)


def test_changes_of_open_vswitchs_database_are_notified_and_reconnects_are_tried(tmp_path: Path) -> None:
    notifications: Queue[None] = Queue()
    place = tmp_path / "db.sock"
    watch = OvsdbWatch(str(place), 5, lambda: notifications.put(None))
    try:
        with ovs_networking({"eth0": MAC}) as (_, ovsdb):
            place.symlink_to(ovsdb.path)
            notifications.get(timeout=PATIENCE)
            ovsdb.execute([CreateOvsBridge(OvsBridge(name="sw0", owner="base", datapath=DATAPATH))])
            notifications.get(timeout=PATIENCE)
    finally:
        watch.close()


class FakeHost:
    """A host whose state a test sets."""

    def __init__(self) -> None:
        self.host = Host(guest_ports={"vnet0": GuestPort(name="vnet0", vnic="v0", bridge="br0")})
        self.error: Exception | None = None
        self.observed = 0

    def observe(self) -> Host:
        self.observed += 1
        if self.error:
            raise self.error
        return self.host

    def wait_for_poll(self) -> None:
        """Return when a poll has begun and ended since."""
        enough, deadline = self.observed + 2, time.monotonic() + PATIENCE
        while self.observed < enough:
            assert time.monotonic() < deadline, "the host is not polled"
            time.sleep(0.01)


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


def test_changes_by_the_agent_and_its_guests_are_no_events(host: FakeHost) -> None:
    events, busy, worked = Events(), [True], [0]
    watch = Watch(host, events, lambda: busy[0], lambda: worked[0], **FAST)  # type: ignore[arg-type] # as much as it uses
    try:
        busy[0] = False
        watch.poll_soon()
        host.wait_for_poll()
        new = GuestPort(name="vnet1", vnic="v1", bridge="br0")
        worked[0] += 1
        host.host = replace(host.host, guest_ports={**host.host.guest_ports, "vnet1": new})
        host.wait_for_poll()
        for error in (NetworkingError("there is no Open vSwitch"), KeyError("a defect")):
            host.error = error
            host.wait_for_poll()
        host.error = None
        assert events.page(1, 0).events == ()
        worked[0] += 1
        host.host = replace(host.host, guest_ports={"vnet1": replace(new, tag=7)})
        assert has_changed(events, 1)
    finally:
        watch.close()


def test_a_change_that_is_repeated_after_it_was_reverted_is_an_event(host: FakeHost) -> None:
    """Although no poll observed the reverted host."""
    events = Events()
    watch = Watch(host, events, nothing, lambda: 0, **FAST)  # type: ignore[arg-type] # as much as it uses
    try:
        host.wait_for_poll()
        as_reported, changed = host.host, replace(host.host, nics={"eth0": Nic(name="eth0", mac=MAC, mtu=1400)})
        host.host = changed
        assert has_changed(events, 1)
        last = last_event(events)
        watch.reported(as_reported, 0)
        assert has_changed(events, last)
        last = last_event(events)
        host.wait_for_poll()
        assert events.page(last, 0).events == (), "one event per report"
        watch.reported(changed, 0)
        host.wait_for_poll()
        assert events.page(last, 0).events == ()
    finally:
        watch.close()


def test_changes_of_state_alone_are_no_events(host: FakeHost) -> None:
    nic = Nic(name="eth0", mac="02:00:00:00:00:01", carrier=True)
    host.host = replace(host.host, nics={"eth0": nic}, bridges={"br0": Bridge(name="br0")})
    events = Events()
    watch = Watch(host, events, nothing, lambda: None, **FAST)  # type: ignore[arg-type] # as much as it uses
    try:
        host.wait_for_poll()
        lease = (Address(ip="192.0.2.7", prefix=24),)
        host.host = replace(host.host, nics={"eth0": replace(nic, carrier=False, dynamic=lease)}, unmanaged=("wg0",))
        host.wait_for_poll()
        assert events.page(1, 0).events == ()
    finally:
        watch.close()
