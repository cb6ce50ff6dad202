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
from netweft.engine.jobs.host_watch import Host, Intervals
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
def watching(fleet: Fleet) -> Iterator[Monitor]:
    """A watch that remembers nothing, as that of an engine that has just started."""
    monitor = Monitor(fleet.agents, intervals=Intervals(is_spread=False))
    monitor.watch(fleet.db)
    try:
        yield monitor
    finally:
        monitor.close()


def are_seen(monitor: Monitor, count: int) -> bool:
    """Whether so many hosts have answered."""
    return sum(host.looked > 0 for host in monitor._hosts.values()) == count


def carrier_of(fleet: Fleet, nic: str, number: int = 1) -> bool:
    """What the engine knows of it."""
    return bool(fleet.data(number).host.nics[nic].carrier)


def test_an_engine_that_starts_takes_nothing_in_that_it_knows(fleet: Fleet) -> None:
    before = taken(fleet)
    with watching(fleet) as monitor:
        fleet.until(lambda: are_seen(monitor, 2))
        assert taken(fleet) == before
        fleet.simulate(carrier={"eth1": False})
        fleet.until(lambda: not carrier_of(fleet, "eth1"))
    assert taken(fleet) > before


def test_other_neighbours_are_taken_in_when_they_come(fleet: Fleet) -> None:
    moved = (Neighbour(chassis="x", system_name="sw-9", port="p1"),)
    with watching(fleet) as monitor:
        fleet.until(lambda: are_seen(monitor, 2))
        fleet.simulate(neighbours={"eth1": moved})
        fleet.until(lambda: (fleet.data().neighbours or {})["eth1"] == moved)
        assert text_of((fleet.data(2).neighbours or {})["eth1"]) == "port Gi1/0/3 of sw-1b"
        fleet.simulate(lacks=("lldpd",))
        fleet.until(lambda: fleet.data().neighbours is None)


def test_an_event_after_which_all_is_as_it_was_changes_nothing(fleet: Fleet) -> None:
    with watching(fleet) as monitor:
        fleet.until(lambda: are_seen(monitor, 2))
        host = monitor._hosts[fleet.id()]
        event = host.event
        before = taken(fleet)
        fleet.simulate(carrier={"eth2": True})
        fleet.until(lambda: host.event > event)
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
        with watching(fleet) as monitor:
            fleet.until(lambda: are_seen(monitor, 2))
            fleet.simulate(2, carrier={"eth1": False})
            fleet.until(lambda: not carrier_of(fleet, "eth1", 2))


def test_no_host_has_a_thread(fleet: Fleet) -> None:
    """Nor more than a few have all of them together."""
    add_hosts(fleet, f"https://127.0.0.1:{fleet.process.port}/sim-1")  # where they are not, so they are asked often
    with watching(fleet) as monitor:
        fleet.until(lambda: are_seen(monitor, 2) and all(one.silent_since for one in others(fleet, monitor)))
        names = [thread.name for thread in threading.enumerate() if thread.name.startswith(("watch", "monitor"))]
    assert len(names) < MANY / 4, names


def others(fleet: Fleet, monitor: Monitor) -> list[Host]:
    return [host for host_id, host in monitor._hosts.items() if host_id not in fleet.process.ids.values()]


def add_hosts(fleet: Fleet, url: str) -> None:
    """Hosts whose agents are said to be there."""
    with fleet.db.write() as tx:
        cluster_id = tx.scalar(sa.select(hosts.c.cluster_id).where(hosts.c.id == fleet.id()))
        for number in range(MANY):
            one = f"00000000-0000-4000-8000-{number:012}"
            names = {"id": one, "name": f"other-{number}", "address": f"other-{number}.example", "agent_url": url}
            state = {"cluster_id": cluster_id, "status": "non_responsive", "dirty": False, "created_at": utc_now()}
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
