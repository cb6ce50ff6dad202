"""Effect of killed engines on a fleet: three replicas on one PostgreSQL, one of which is killed every five seconds
while hosts are set up. Nothing may be lost or done twice, and others take over the work soon.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice, product
from pathlib import Path
from typing import Any

from api_rate import login
from figures import Figure
from sqlalchemy import func, select

from databases import postgresql_databases
from engine_process import EngineProcess
from netweft.engine.db import Database, new_id
from netweft.engine.model.host_networks import attachments, host_changes
from netweft.engine.model.hosts import hosts
from netweft.engine.model.jobs import jobs
from netweft.engine.model.replicas import host_leases, replicas

HOSTS, APPLIES, REPLICAS, CLIENTS = 300, 1000, 3, 8
KILL_EVERY = 5.0
LIMIT = 900.0
"""Seconds after which an unfinished change counts as lost."""
_API = "/ovirt-engine/api"
_AGAIN = {409, 503}
"""An earlier change of the host is under way, or the database does not answer: ask again."""


def measure(count: str = str(HOSTS), applies: str = str(APPLIES)) -> list[Figure]:
    """The lines for this number of hosts and changes."""
    with tempfile.TemporaryDirectory() as folder, postgresql_databases() as postgres:
        url = postgres.empty()
        options = ("--insecure-http", "--database", url, "--processes", str(REPLICAS), "--simulated-hosts", count)
        with EngineProcess(Path(folder) / "data", options=options) as engine:
            db = Database(url)
            try:
                return _figures(_Run(engine, db, login(engine.address), int(count), int(applies)))
            finally:
                db.close()


@dataclass
class _Run:
    engine: EngineProcess
    db: Database
    token: str
    count: int
    applies: int
    deadline: float = field(default_factory=lambda: time.monotonic() + LIMIT)
    takeovers: list[float] = field(default_factory=list)

    def rows(self, statement: Any) -> list[Any]:
        with self.db.read() as tx:
            return list(tx.execute(statement))

    def number(self, statement: Any) -> int:
        return int(self.rows(statement)[0][0])

    def until(self, statement: Any, desired: int) -> bool:
        """Wait until the database has this number of rows; whether that happened in time."""
        while self.number(statement) != desired:
            if time.monotonic() > self.deadline:
                return False
            time.sleep(0.2)
        return True

    def post(self, path: str, body: object, correlation: str) -> tuple[int, Any]:
        """One request, on a connection of its own. Raises OSError, HTTPException when the engine is killed."""
        connection = http.client.HTTPConnection(self.engine.address, timeout=60)
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Correlation-Id": correlation,
        }
        try:
            connection.request("POST", _API + path, json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def apply(self, host_id: str, network_id: str) -> str:
        """Request a network on a host, and repeat it until it is known to be accepted; returns its correlation id."""
        correlation = new_id()
        attachment = {"network": {"id": network_id}, "host_nic": {"name": "eth1"}}
        body = {"async": True, "modified_network_attachments": [attachment]}
        asked = select(func.count()).where(jobs.c.correlation_id == correlation)
        while time.monotonic() < self.deadline and not self.number(asked):
            try:
                status, told = self.post(f"/hosts/{host_id}/setupnetworks", body, correlation)
            except (OSError, http.client.HTTPException):
                time.sleep(0.2)  # it was killed: the database tells whether the request was stored
                continue
            if status in _AGAIN:
                time.sleep(0.5)
            elif status >= 400:
                raise RuntimeError(f"{status}: {told}")
        return correlation


def _figures(run: _Run) -> list[Figure]:
    networks = _networks(run)
    if not run.until(select(func.count()).where(hosts.c.status == "up"), run.count):
        raise RuntimeError("the hosts are not up")
    host_ids = [row.id for row in run.rows(select(hosts.c.id).order_by(hosts.c.name))]
    pairs = list(islice(((host, network) for network, host in product(networks, host_ids)), run.applies))
    run.deadline, begun = time.monotonic() + LIMIT, time.monotonic()
    with _killing(run), ThreadPoolExecutor(CLIENTS) as clients:
        asked = list(clients.map(lambda pair: run.apply(*pair), pairs))
        running = select(func.count()).where(jobs.c.correlation_id.in_(asked), jobs.c.status == "started")
        run.until(running, 0)
    seconds = time.monotonic() - begun
    lost, doubled = _lost_and_doubled(run, pairs, asked)
    what = f"{len(pairs):,} changes of {run.count} hosts, {REPLICAS} engines, one killed every {KILL_EVERY:.0f} s"
    worst = max(run.takeovers, default=0.0)
    sys.stderr.write(
        f"{what}: {seconds:.0f} s, {len(run.takeovers)} engines died, taken over in"
        f" {statistics.median(run.takeovers or [0]):.1f} s (median), {worst:.1f} s (longest)\n"
    )
    return [
        Figure(what=f"{what}: lost", ours=lost, unit="", goal="0"),
        Figure(what="the same: done twice", ours=doubled, unit="", goal="0"),
        Figure(what="the same: until what a dead engine did is others', longest", ours=worst, unit="s", goal="15 s"),
        Figure(what="the same: all changes", ours=seconds, unit="s", goal="-"),
    ]


def _networks(run: _Run) -> list[str]:
    clusters = f"/clusters/{run.rows(select(hosts.c.cluster_id).limit(1))[0][0]}/networks" if _has_hosts(run) else ""
    made = []
    for number in range(-(-run.applies // run.count)):
        body = {"name": f"net{number}", "vlan": {"id": 100 + number}, "data_center": {"name": "Default"}}
        made.append(run.post("/networks", body, new_id())[1]["id"])
        run.post(clusters, {"id": made[-1], "required": False}, new_id())
    return made


def _has_hosts(run: _Run) -> bool:
    """Whether the simulated hosts have joined: the cluster is theirs."""
    while not run.number(select(func.count()).select_from(hosts)):
        if time.monotonic() > run.deadline:
            raise RuntimeError("no hosts have joined")
        time.sleep(0.2)
    return True


def _lost_and_doubled(run: _Run, pairs: list[tuple[str, str]], asked: list[str]) -> tuple[int, int]:
    """Requested changes that are missing, as jobs or on hosts, and those that exist more than once."""
    per_request = dict(
        run.rows(
            select(jobs.c.correlation_id, func.count())
            .where(jobs.c.correlation_id.in_(asked), jobs.c.kind == "apply_host")
            .group_by(jobs.c.correlation_id)
        )
    )
    finished = run.number(select(func.count()).where(jobs.c.correlation_id.in_(asked), jobs.c.status == "finished"))
    there = [tuple(row) for row in run.rows(select(attachments.c.host_id, attachments.c.network_id))]
    lost = max(len(asked) - finished, len(set(pairs) - set(there)))
    changes = run.number(
        select(func.count())
        .select_from(host_changes.join(jobs, jobs.c.id == host_changes.c.job_id))
        .where(jobs.c.correlation_id.in_(asked))
    )
    doubled = sum(count - 1 for count in per_request.values()) + (len(there) - len(set(there)))
    return lost, doubled + max(changes - len(asked), 0)


@contextmanager
def _killing(run: _Run) -> Iterator[None]:
    """Kill the engine that has run the longest every few seconds, until the block ends. The last one is not killed:
    where an engine takes longer to start than it lives, none would serve.
    """
    over = threading.Event()

    def kill() -> None:
        while not over.wait(KILL_EVERY):
            alive = {int(row.name.split()[-1]): row.id for row in run.rows(select(replicas))}
            serving = [pid for pid in run.engine.children("serve") if pid in alive]
            if len(serving) > 1:
                victim = min(serving, key=_started)
                os.kill(victim, signal.SIGKILL)
                watching = threading.Thread(target=_time_takeover, args=(run, alive[victim]))
                watching.start()
                watches.append(watching)

    watches: list[threading.Thread] = []
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        over.set()
        killer.join()
        for watching in watches:
            watching.join()


def _time_takeover(run: _Run, replica: str) -> None:
    """Seconds until no host and no running job belongs to a dead replica."""
    begun = time.monotonic()
    held = select(
        select(func.count()).select_from(host_leases).where(host_leases.c.replica_id == replica).scalar_subquery()
        + select(func.count()).where(jobs.c.claimed_by == replica, jobs.c.status == "started").scalar_subquery()
    )
    if run.until(held, 0):
        run.takeovers.append(time.monotonic() - begun)


def _started(pid: int) -> int:
    """When a process started, in ticks since the machine did (proc(5), field 22)."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
