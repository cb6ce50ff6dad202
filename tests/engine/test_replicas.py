"""Several engines on one PostgreSQL, as programs: one dies without a word, and the others do what it did."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from databases import ON_POSTGRESQL
from engine_process import PASSWORD, EngineProcess
from netweft.client import Client
from netweft.engine import queue
from netweft.engine.db import Database
from netweft.engine.model.hosts import hosts
from netweft.engine.model.jobs import jobs
from netweft.engine.model.replicas import host_leases, replicas
from processes import is_running
from program import run_forked
from waiting import until

PATIENCE = 120.0
TAKEN_OVER = 30.0
"""Twice the seconds in which what a dead engine did is to be done by others: test machines have much else to do."""
API = "/ovirt-engine/api"


def shares(db: Database) -> Counter[str]:
    """How many hosts each replica watches."""
    with db.read() as tx:
        return Counter(tx.scalars(sa.select(host_leases.c.replica_id)))


def holder(db: Database, host_id: str) -> Any:
    with db.read() as tx:
        watching = sa.select(replicas).join(host_leases).where(host_leases.c.host_id == host_id)
        return tx.execute(watching).one()


def job(db: Database, job_id: str) -> Any:
    with db.read() as tx:
        return tx.execute(sa.select(jobs).where(jobs.c.id == job_id)).one()


def up(db: Database) -> int:
    with db.read() as tx:
        return int(tx.execute(sa.select(sa.func.count()).where(hosts.c.status == "up")).scalar_one())


def set_up(client: Client, host_id: str) -> str:
    """Ask for a network on a host, without waiting; returns the job's id."""
    client.add("networks", {"name": "storage", "vlan": {"id": 100}, "data_center": {"name": "Default"}})
    cluster = client.find("clusters", "Default")["id"]
    client.add(f"clusters/{cluster}/networks", {"name": "storage", "required": False})
    attachment = {"network": {"name": "storage"}, "host_nic": {"name": "eth1"}}
    body = {"async": True, "modified_network_attachments": [attachment]}
    return str(client.action(f"hosts/{host_id}/setupnetworks", body)["job"]["id"])


@ON_POSTGRESQL
def test_what_an_engine_did_that_dies_others_do(db: Database, database_url: str, tmp_path: Path) -> None:
    options = ("--database", database_url, "--processes", "3", "--simulated-hosts", "6")
    with EngineProcess(tmp_path / "data", options=options) as engine, engine.client() as client:
        until(lambda: up(db) == 6)
        until(lambda: sorted(shares(db).values()) == [2, 2, 2])
        host_id = client.find("hosts", "sim-1")["id"]
        before = holder(db, host_id)
        victim = int(before.name.split()[-1])
        assert victim in engine.children("serve")
        agents = engine.children("agent")
        for pid in agents:
            os.kill(pid, signal.SIGSTOP)
        try:
            job_id = set_up(client, host_id)
            until(lambda: job(db, job_id).claimed_by)
            assert job(db, job_id).claimed_by == before.id, "a job runs where its host is watched"
            os.kill(victim, signal.SIGKILL)
            until(lambda: job(db, job_id).attempts == 2, seconds=TAKEN_OVER)
            until(lambda: before.id not in shares(db) and shares(db).total() == 6, seconds=TAKEN_OVER)
        finally:
            for pid in agents:
                os.kill(pid, signal.SIGCONT)
        ended = queue.wait_for(db, job_id, PATIENCE)
        assert ended is not None
        assert ended.status == queue.Status.FINISHED, ended
        assert job(db, job_id).attempts == 2
        with engine.client() as there:
            carried = [one["network"]["id"] for one in there.list(f"hosts/{host_id}/networkattachments")]
            assert there.find("networks", "storage")["id"] in carried
        until(lambda: sorted(shares(db).values()) == [2, 2, 2])  # another was started for the dead one
        until(lambda: up(db) == 6)
        assert victim not in engine.children("serve")
        assert len(engine.children("serve")) == 3
    assert not shares(db), "who ends in good order gives up what it has"


@ON_POSTGRESQL
def test_what_one_process_has_done_the_others_know(db: Database, database_url: str, tmp_path: Path) -> None:
    """Each request goes over a connection of its own, so to any of the processes."""
    options = ("--database", database_url, "--processes", "3")
    with EngineProcess(tmp_path / "data", options=options) as engine:
        form = {"grant_type": "password", "username": "admin@internal", "password": PASSWORD, "scope": "ovirt-app-api"}

        def ask(method: str, path: str, **arguments: Any) -> Any:
            with engine.door() as door:
                return door.request(method, path, **arguments)

        until(lambda: len({row.name for row in alive(db)}) == 3)
        for number in range(12):
            token = ask("POST", "/ovirt-engine/sso/oauth/token", data=form).json()["access_token"]
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
            body = {"name": f"net{number}", "data_center": {"name": "Default"}}
            made = ask("POST", f"{API}/networks", headers=headers, json=body)
            assert made.status_code == 201, made.text
            assert ask("GET", f"{API}/networks/{made.json()['id']}", headers=headers).status_code == 200
            assert ask("POST", "/ovirt-engine/services/sso-logout", data={"token": token}).status_code == 200
            assert ask("GET", f"{API}/networks", headers=headers).status_code == 401
        wrong = [ask("POST", "/ovirt-engine/sso/oauth/token", data=form | {"password": "no"}) for _ in range(6)]
        assert any("Retry-After" in answer.headers for answer in wrong), "guessing is as slow as at one engine"
        serving = engine.children("serve")
        engine.kill()
        until(lambda: not any(is_running(pid) for pid in serving))  # nobody serves on whom nobody looks after


def alive(db: Database) -> list[Any]:
    with db.read() as tx:
        return list(tx.execute(sa.select(replicas)))


def test_several_processes_need_postgresql(tmp_path: Path) -> None:
    ended = run_forked(("serve", "--data", str(tmp_path / "data"), "--processes", "2"), os.environ, "")
    assert ended.code == 2
    assert "needs PostgreSQL" in ended.err
    assert not (tmp_path / "data").exists()


@ON_POSTGRESQL
def test_processes_that_cannot_start_end_it_with_a_reason(database_url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with EngineProcess(data, options=("--database", database_url)):
        pass
    (data / "secret.key").unlink()
    options = ("--listen", "127.0.0.1:0", "--database", database_url, "--processes", "2")
    ended = run_forked(("serve", "--data", str(data), *options), os.environ, "")
    assert ended.code == 1
    assert "secret.key is not the one" in ended.err
    assert "Traceback" not in ended.err
