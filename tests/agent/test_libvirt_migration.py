"""Guests that move from one host to another while they run."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, sleep

import pytest

from agent.rig import Engine, RefusedError
from libvirt_host import console, private_libvirt, tiny_guest
from netloom.agent.guests import GuestError
from netloom.agent.guests.libvirt import LibvirtGuests
from netloom.core.protocol import GuestNic, GuestSpec, GuestState, Migration
from netloom.lab.namespaces import ip
from ovs_host import namespace, standing_in

SECONDS = 30.0


@dataclass
class End:
    """A host: its address towards the other, its bridge, its agent's driver, whose work is done standing in it."""

    name: str
    address: str
    bridge: str
    uri: str
    driver: LibvirtGuests


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[tuple[End, End]]:
    """Two hosts with a cable between them, which is both the way of the guests' frames and that of their memory."""
    with ExitStack() as stack:
        names = [stack.enter_context(namespace()) for _ in range(2)]
        ip("", "link", "add", "eth0", "netns", names[0], "type", "veth", "peer", "name", "eth0", "netns", names[1])
        found = []
        for number, name in enumerate(names, 1):
            bridge, address = f"br{number}", f"198.51.100.{number}"
            ip(name, "link", "add", bridge, "up", "type", "bridge")
            ip(name, "link", "set", "eth0", "up", "master", bridge)
            ip(name, "address", "add", f"{address}/24", "dev", bridge)
            door = stack.enter_context(private_libvirt(name, listen=address))
            driver = LibvirtGuests(tmp_path / name, None, door.uri)
            stack.callback(driver.close)
            stack.callback(stop_all, name, driver)
            with standing_in(name):
                driver.watch(lambda _guest: None)  # its thread stays in this namespace
            found.append(End(name, address, bridge, door.uri, driver))
        yield found[0], found[1]


def stop_all(name: str, driver: LibvirtGuests) -> None:
    with standing_in(name):
        for state in driver.list():
            driver.stop(state.id)


def eventually(true: Callable[[], bool]) -> bool:
    deadline = monotonic() + SECONDS
    while not true():
        if monotonic() > deadline:
            return False
        sleep(0.05)
    return True


def guest_on(end: End, number: int) -> GuestSpec:
    mac = f"02:00:00:00:00:{number:02x}"
    nic = GuestNic(id=str(uuid.uuid4()), name="nic1", mac=mac, bridge=end.bridge)
    spec = tiny_guest(nic, addresses=(f"192.0.2.{number}/24",))
    with standing_in(end.name):
        end.driver.start(spec)
    return spec


def to(end: End, spec: GuestSpec, **fields: object) -> Migration:
    there = replace(spec, nics=(replace(spec.nics[0], bridge=end.bridge),))
    migration = Migration(target=f"qemu+tcp://{end.address}/system", spec=there)
    return replace(migration, **fields)  # type: ignore[arg-type] # the tests name real fields


def test_a_guest_moves_while_it_talks_to_another(
    ends: tuple[End, End], record_property: Callable[[str, object], None]
) -> None:
    here, there = ends
    spec, other = guest_on(here, 1), guest_on(here, 2)
    migration = to(there, spec, bandwidth=1000)
    with console(here.uri, other) as line:
        assert eventually(lambda: line.run("ping -c 1 -W 1 192.0.2.1").status == 0)
        line.run("ping -i 0.1 192.0.2.1 >/tmp/pings & echo $! >/tmp/ping")
        with standing_in(here.name):
            here.driver.migrate(spec.id, migration)
        assert [state.id for state in here.driver.list()] == [other.id]
        assert eventually(lambda: [state.id for state in there.driver.list()] == [spec.id])
        assert there.driver.list()[0].nics == migration.spec.nics
        sleep(1)
        line.run("kill -INT $(cat /tmp/ping); sleep 1")
        summary = line.run("grep transmitted /tmp/pings").output
        assert line.run("ping -c 3 -W 1 192.0.2.1").status == 0
    record_property("pings", summary)
    sent, received = map(int, re.findall(r"(\d+) packets", summary))
    assert received > sent / 2, summary
    with console(there.uri, spec) as line:
        line.send("poweroff -f\n")
        assert eventually(lambda: there.driver.list()[0].status == "down")


def test_a_guest_that_cannot_move_stays_as_it_was(ends: tuple[End, End]) -> None:
    here, there = ends
    spec = guest_on(here, 1)
    lost = to(there, spec)
    lost = replace(lost, spec=replace(lost.spec, nics=(replace(lost.spec.nics[0], bridge="nowhere"),)))
    with standing_in(here.name), pytest.raises(GuestError, match=r"stays on this host.*nowhere"):
        here.driver.migrate(spec.id, lost)
    assert [(state.id, state.status, state.migrating) for state in here.driver.list()] == [(spec.id, "up", False)]
    assert there.driver.list() == []


def test_the_engine_is_told_why_a_guest_stays(engine: Engine) -> None:
    spec = GuestSpec(id=str(uuid.uuid4()), name="web", driver="simulated", memory=1 << 20)
    engine.ask(GuestState, "PUT", f"/v1/guests/{spec.id}", spec)
    migration = Migration(target="qemu+tls://elsewhere.example/system", spec=spec)
    assert engine.ask(GuestState, "POST", f"/v1/guests/{spec.id}/migrate", migration).migrating
    assert eventually(lambda: any(event.kind == "migration" for event in engine.events().events))
    (told,) = [event for event in engine.events().events if event.kind == "migration"]
    assert (told.subject, "stays on this host" in told.detail) == (spec.id, True)
    with pytest.raises(RefusedError, match="does not run on this host"):
        engine.ask(GuestState, "POST", f"/v1/guests/{uuid.uuid4()}/migrate", migration)
