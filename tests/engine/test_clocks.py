"""Replicas whose clocks differ go by the database's: nothing is taken from one that is alive, and it is told."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import waiting
from databases import ON_POSTGRESQL
from engine_process import PASSWORD, EngineProcess
from netweft.client import ApiError, Client
from netweft.engine import claims, queue
from netweft.engine.actor import SYSTEM
from netweft.engine.clock import OFF, Clock
from netweft.engine.db import Database, Tx, utc_now
from netweft.engine.jobs.clock_watch import AGREES, DIFFERS, ClockWatch
from netweft.engine.model.events import events
from netweft.engine.model.jobs import jobs

PATIENCE = 60.0
APART = 60
"""Seconds, twice what a replica may be silent for before it counts as dead."""
LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


until = partial(waiting.until, seconds=PATIENCE)


def elsewhere(seconds: int) -> dict[str, str]:
    """The environment of a program on a machine whose clock is ahead by so many seconds."""
    assert LIBRARY is not None, "libfaketime is not installed (Debian: faketime)"
    return {"LD_PRELOAD": str(LIBRARY), "FAKETIME": f"{seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@contextmanager
def replicas(tmp_path: Path, url: str, seconds: int) -> Iterator[tuple[EngineProcess, EngineProcess]]:
    """Two engines on one PostgreSQL, the second, which does not run yet, on a machine with another clock."""
    first = EngineProcess(tmp_path / "first", options=("--database", url, "--simulated-hosts", "1"))
    environment = elsewhere(seconds)
    second = EngineProcess(tmp_path / "second", options=("--database", url), environment=environment, anew=True)
    with first:
        second.data.mkdir(mode=0o700)
        shutil.copy(first.data / "secret.key", second.data)
        with first.client() as client:
            until(lambda: client.list("hosts", search="name=sim-1 and status=up"))
        try:
            yield first, second
        finally:
            second.stop()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that does nothing meanwhile, as one on a machine that hangs."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def agent_of(engine: EngineProcess) -> int:
    (pid,) = engine.children()
    return pid


def set_up(client: Client, network: str) -> str:
    """Ask for a network on the host, without waiting; returns the job's id."""
    client.add("networks", {"name": network, "vlan": {"id": 100}, "data_center": {"name": "Default"}})
    cluster = client.find("clusters", "Default")["id"]
    client.add(f"clusters/{cluster}/networks", {"name": network, "required": False})
    attachment = {"network": {"name": network}, "host_nic": {"name": "eth1"}}
    host = client.find("hosts", "sim-1")["id"]
    body = {"async": True, "modified_network_attachments": [attachment]}
    asked = client.action(f"hosts/{host}/setupnetworks", body)
    return str(asked["job"]["id"])


def row(db: Database, job_id: str) -> Any:
    with db.read() as tx:
        return tx.execute(sa.select(jobs).where(jobs.c.id == job_id)).one()


@ON_POSTGRESQL
@pytest.mark.parametrize("seconds", [APART, -APART])
def test_nothing_is_taken_over_from_a_replica_that_is_alive(
    db: Database, database_url: str, tmp_path: Path, seconds: int
) -> None:
    with replicas(tmp_path, database_url, seconds) as (first, second), first.client() as client:
        with stopped(agent_of(first)):
            job_id = set_up(client, "storage")
            holder = until(lambda: row(db, job_id).claimed_by)
            second.start()
            beaten = row(db, job_id).heartbeat
            until(lambda: row(db, job_id).heartbeat - beaten > timedelta(seconds=4 * queue.HEARTBEAT))
            assert (row(db, job_id).claimed_by, row(db, job_id).attempts) == (holder, 1)
        ended = queue.wait_for(db, job_id, PATIENCE)
        assert ended is not None
        assert ended.status == queue.Status.FINISHED, ended
        with second.client() as there:
            is_told(there, second, seconds)
            works(there)
            crosses(first, second)


def is_told(client: Client, engine: EngineProcess, seconds: int) -> None:
    """The replica whose clock differs says so wherever somebody may look."""
    way = "ahead of" if seconds > 0 else "behind"
    found = until(lambda: client.list("events", search=f"type={DIFFERS}"))
    assert len(found) == 1
    told = re.search(rf"is (\d+) s {way} the database's", found[0]["description"])
    assert told is not None, found
    assert int(told[1]) == pytest.approx(APART, abs=2), "on a slow machine, time passes between the two looks"
    with engine.door() as door:
        health = door.get("/health")
        assert health.status_code == 200
        assert way in health.json()["warnings"][0]
        lines = [line for line in door.get("/metrics").text.splitlines() if line.startswith("netweft_clock")]
    assert float(lines[0].split()[1]) == pytest.approx(seconds, abs=2)
    assert way in engine.log.read_text()


def works(client: Client) -> None:
    """Hosts are talked to with certificates, changed, and are not lost, by the replica with the other clock."""
    host = client.find("hosts", "sim-1")
    assert host["status"] == "up"
    client.action(f"hosts/{host['id']}/refresh")
    client.action(f"hosts/{host['id']}/commitnetconfig")
    vm = {"name": "vm", "cluster": {"name": "Default"}, "template": {"name": "Blank"}}
    added = client.add("vms", vm)
    client.action(f"vms/{added['id']}/start")
    for _ in range(2):
        client.action(f"hosts/{host['id']}/refresh")
        assert client.get(f"vms/{added['id']}")["status"] == "up"


def crosses(first: EngineProcess, second: EngineProcess) -> None:
    """Tokens of one are good for the other, and a virtual machine that one started the other does not take for
    ended.
    """
    for giver, taker in ((first, second), (second, first)):
        form = {"grant_type": "password", "username": "admin@internal", "password": PASSWORD, "scope": "ovirt-app-api"}
        with giver.door() as door:
            token = door.post("/ovirt-engine/sso/oauth/token", data=form).json()["access_token"]
        with taker.door() as door:
            answer = door.get("/ovirt-engine/api", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200
    with first.client() as here, second.client() as there:
        vm = here.find("vms", "vm")
        with pytest.raises(ApiError):
            here.action(f"vms/{vm['id']}/start")
        there.action(f"vms/{vm['id']}/stop")
        there.action(f"vms/{vm['id']}/start")
        host = here.find("hosts", "sim-1")
        for client in (here, there, here):
            client.action(f"hosts/{host['id']}/refresh")
            assert client.get(f"vms/{vm['id']}")["status"] == "up"


class SetByHand(Clock):
    """A clock that may be set by hand from some point on."""

    follows = True

    def follow(self, tx: Tx) -> None:
        if self.follows:
            super().follow(tx)


@ON_POSTGRESQL
def test_it_is_told_once_that_clocks_differ_and_once_that_they_agree_again(db: Database) -> None:
    clock = SetByHand()
    watch = ClockWatch(clock)
    watch.round(db)
    own = clock.now()
    assert abs(clock.difference) < OFF
    clock.follows = False
    for difference in (APART, APART, 0, 0):
        clock.set(own, 10, 10, own + timedelta(seconds=difference))
        watch.round(db)
    with db.read() as tx:
        assert list(tx.scalars(sa.select(events.c.code).order_by(events.c.id))) == [DIFFERS, AGREES]


def test_a_look_at_a_clock_is_as_good_as_its_answer_was_quick() -> None:
    clock = Clock()
    begun = time.monotonic()
    clock.set(NOW, begun - 1, begun + 1, NOW + timedelta(seconds=1))
    assert clock.difference == pytest.approx(0)
    assert NOW <= clock.now() < NOW + timedelta(seconds=PATIENCE)
    clock.set(NOW + timedelta(seconds=0.5), begun - 1, begun + 1, NOW)
    assert clock.now() <= NOW + timedelta(seconds=time.monotonic() - begun), "within what a slow answer leaves open"
    clock.set(NOW + timedelta(seconds=APART), begun - 1, begun + 1, NOW)
    assert clock.now() >= NOW + timedelta(seconds=APART), "set by somebody"
    assert clock.is_off
    assert "behind" in clock.message


def test_what_is_due_is_said_by_the_database(db: Database) -> None:
    """Whatever this machine's clock says: it is an hour ahead, or behind."""
    asked = db.run(queue.enqueue, SYSTEM, "work", "", "Doing work", delay=0.5)
    assert claims.claim_next(db, "one", frozenset({"work"})) is None
    job = until(lambda: claims.claim_next(db, "one", frozenset({"work"})))
    assert job.id == asked
    with db.read() as tx:
        beaten = tx.execute(sa.select(jobs.c.heartbeat)).scalar_one()
    assert abs(beaten - utc_now()) < timedelta(seconds=OFF)
