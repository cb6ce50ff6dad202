"""The watch over hosts: what is sent and taken in, and that no host keeps another waiting."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

import rows
from fleet import Fleet, running_fleet
from netweft.core.neighbours import Neighbour, text_of
from netweft.engine.db import Database, utc_now
from netweft.engine.jobs.host_watch import Intervals
from netweft.engine.jobs.monitor import Monitor
from netweft.engine.jobs.pace import Pace
from netweft.engine.model.hosts import host_reports, hosts
from netweft.engine.model.vms import vms
from netweft.engine.queries import host_counters

MANY = 40
"""Hosts, more than are reached at a time."""


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    """Nothing is due by chance."""
    with running_fleet(db, tmp_path, 2) as fleet:
        fleet.restart_monitor(is_spread=False)
        yield fleet


def taken(fleet: Fleet, number: int = 1) -> datetime:
    """When the report of a host was taken in last."""
    with fleet.db.read() as tx:
        query = sa.select(host_reports.c.taken_at).where(host_reports.c.host_id == fleet.id(number))
        return tx.execute(query).scalar_one()


@contextmanager
def watching(fleet: Fleet, **intervals: float) -> Iterator[None]:
    """The monitoring of an engine that has just started; the block begins when both hosts have been polled and wait to
    report events.
    """
    before = event_polls(fleet)
    monitor = Monitor(fleet.agents, intervals=Intervals(is_spread=False, **intervals))  # type: ignore[arg-type] # numbers
    monitor.watch(fleet.db)
    try:
        fleet.until(lambda: all(now > then for now, then in zip(event_polls(fleet), before, strict=True)))
        yield
    finally:
        monitor.close()


def event_polls(fleet: Fleet) -> list[int]:
    """The number of long polls for events that each host has received."""
    return [fleet.requests("/v1/events", number) for number in (1, 2)]


def carrier_of(fleet: Fleet, nic: str, number: int = 1) -> bool:
    """What the engine knows of it."""
    return bool(fleet.data(number).host.nics[nic].carrier)


def test_an_engine_that_starts_takes_nothing_in_that_it_knows(fleet: Fleet) -> None:
    before = taken(fleet)
    with watching(fleet):
        assert taken(fleet) == before
        fleet.simulate(carrier={"eth1": False})
        fleet.until(lambda: not carrier_of(fleet, "eth1"))
    assert taken(fleet) > before


def test_other_neighbours_are_taken_in_when_they_come(fleet: Fleet) -> None:
    moved = (Neighbour(chassis="x", system_name="sw-9", port="p1"),)
    with watching(fleet):
        fleet.simulate(neighbours={"eth1": moved})
        fleet.until(lambda: (fleet.data().neighbours or {})["eth1"] == moved)
        assert text_of((fleet.data(2).neighbours or {})["eth1"]) == "port Gi1/0/3 of sw-1b"
        fleet.simulate(lacks=("lldpd",))
        fleet.until(lambda: fleet.data().neighbours is None)


def test_an_event_after_which_all_is_as_it_was_changes_nothing(fleet: Fleet) -> None:
    with watching(fleet):
        polls, before = event_polls(fleet)[0], taken(fleet)
        fleet.simulate(carrier={"eth2": True})
        fleet.until(lambda: event_polls(fleet)[0] > polls)
    assert taken(fleet) == before


def test_a_machine_that_was_started_and_ended_since_is_known_to_have_ended(fleet: Fleet) -> None:
    """Although the host is what its report said before."""
    fleet.monitor.round(fleet.db)
    with fleet.db.write() as tx:
        vm_id = rows.add_vm(tx, fleet.data().row.cluster_id, "one")
        values = {"status": "up", "host_id": fleet.id(), "changed_at": utc_now()}
        tx.execute(sa.update(vms).where(vms.c.id == vm_id).values(values))
    fleet.monitor.round(fleet.db)
    with fleet.db.read() as tx:
        assert tx.execute(sa.select(vms.c.status).where(vms.c.id == vm_id)).scalar_one() == "down"


def test_hosts_that_say_nothing_keep_no_other_waiting(fleet: Fleet) -> None:
    """They take connections, and that is all: more of them than are reached at a time."""
    with socket.create_server(("127.0.0.1", 0), backlog=2 * MANY) as silent:
        add_hosts(fleet, f"https://127.0.0.1:{silent.getsockname()[1]}")
        with watching(fleet):
            fleet.simulate(2, carrier={"eth1": False})
            fleet.until(lambda: not carrier_of(fleet, "eth1", 2))


def test_no_host_has_a_thread(fleet: Fleet) -> None:
    """Nor more than a few have all of them together."""
    add_hosts(fleet, f"https://127.0.0.1:{fleet.process.port}/sim-1", status="up")  # another host is there
    with watching(fleet, lost_after=0.0):
        fleet.until(lambda: lost(fleet) == MANY)
        names = [thread.name for thread in threading.enumerate() if thread.name.startswith(("watch", "monitor"))]
    assert len(names) < MANY / 4, names


def lost(fleet: Fleet) -> int:
    """The number of hosts that do not respond."""
    query = sa.select(sa.func.count()).select_from(hosts).where(hosts.c.status == "non_responsive")
    with fleet.db.read() as tx:
        return tx.scalar(query) or 0


def add_hosts(fleet: Fleet, url: str, status: str = "non_responsive") -> None:
    """Add hosts whose agents are stored with this URL."""
    with fleet.db.write() as tx:
        cluster_id = tx.scalar(sa.select(hosts.c.cluster_id).where(hosts.c.id == fleet.id()))
        for number in range(MANY):
            one = f"00000000-0000-4000-8000-{number:012}"
            names = {"id": one, "name": f"other-{number}", "address": f"other-{number}.example", "agent_url": url}
            state = {"cluster_id": cluster_id, "status": status, "dirty": False, "created_at": utc_now()}
            tx.execute(sa.insert(hosts).values(**names, **state))


def test_counters_are_stored_for_all_hosts_at_once(fleet: Fleet) -> None:
    fleet.restart_monitor(is_spread=False, count=0.0)
    fleet.monitor.round(fleet.db)
    fleet.simulate(traffic={"eth1": 5})
    before = taken(fleet)
    fleet.monitor.round(fleet.db)
    with fleet.db.read() as tx:
        counted = host_counters.counters_of(tx, [fleet.id(1), fleet.id(2)])
    assert [counted[fleet.id(number)]["eth1"].tx_rate for number in (1, 2)] == [5, 0]
    assert taken(fleet) == before


def test_turns_are_taken_in_order_and_the_slow_lose_theirs() -> None:
    begun: list[int] = []

    async def take(pace: Pace, number: int, ends: asyncio.Event) -> None:
        async with pace.turn():
            begun.append(number)
            await ends.wait()

    async def play() -> tuple[int, int]:
        pace, never, now = Pace(2, hold=0.1), asyncio.Event(), asyncio.Event()
        now.set()
        slow = [asyncio.create_task(take(pace, number, never)) for number in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        at_once = len(begun)
        quick = [asyncio.create_task(take(pace, number, now)) for number in range(3, 9)]
        await asyncio.gather(*quick)
        never.set()
        await asyncio.gather(*slow)
        return at_once, len(begun)

    assert asyncio.run(play()) == (2, 9)
    assert begun == list(range(9))
