"""Monitoring all hosts. A long poll for each host's next event reports changes at once. After an event, and after an
interval without any, the host is polled: it sends its report only if that differs from the stored one.

One thread serves all hosts, with a connection to each (:mod:`netweft.engine.jobs.host_watch`); a few more threads write
to the database. New hosts (at a start of the engine, after a power cut) are polled a few at a time, so that they
neither crowd each other out nor delay the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from threading import Thread
from typing import Any, TypeAlias

import sqlalchemy as sa

from netweft.engine.agents import Agents
from netweft.engine.db import Database
from netweft.engine.jobs.host_watch import EVERY, INTERVALS, Host, HostWatch, Intervals, WatchedHost
from netweft.engine.leases import is_of
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.hosts import hosts
from netweft.engine.reports.host_counters import take_counters
from netweft.engine.statements import Statement

__all__ = ["EVERY", "Monitor", "watched"]

_THREADS = 4
"""Threads that write to the database."""

_Rows: TypeAlias = list[WatchedHost]


class Monitor:
    """Monitors the hosts that a replica has leases of; all hosts when ``replica`` is empty. Several replicas may
    monitor the same host: storing a report twice changes nothing.
    """

    def __init__(self, agents: Agents, replica: str = "", intervals: Intervals = INTERVALS) -> None:
        self.replica = replica
        self._intervals = intervals
        self._agents = agents
        self._hosts: dict[str, Host] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._counted: dict[str, bytes] = {}
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="monitor")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._is_closed = False

    def watch(self, db: Database) -> None:
        """Monitor every host from now on, until it is removed or the monitor is closed."""
        rows, circumstances = watched(db, self.replica), _circumstances(db)
        if self._is_closed:
            return
        if self._loop is None:
            self._loop = asyncio.SelectorEventLoop()
            self._thread = Thread(target=_serve, args=(self._loop,), name="watch", daemon=True)
            self._thread.start()
            self._watch = HostWatch(self._agents, db, self._pool, self._counted, self._intervals)
        self._loop.call_soon_threadsafe(self._follow, rows, circumstances)
        self._agents.connections.let_go()
        self._store_counters(db)

    def round(self, db: Database) -> None:
        """Poll every host once, without monitoring it further."""
        self._update_hosts(watched(db, self.replica), _circumstances(db), is_evaluated=False)

        async def poll_all() -> None:
            watch = HostWatch(self._agents, db, self._pool, self._counted, self._intervals)
            await asyncio.gather(*(watch.once(host) for host in self._hosts.values()))

        asyncio.run(poll_all())
        self._store_counters(db)

    def close(self) -> None:
        """Stop watching."""
        self._is_closed = True
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._pool.shutdown()

    def _update_hosts(self, rows: _Rows, circumstances: Mapping[str, object], *, is_evaluated: bool) -> None:
        """Add and remove hosts. ``is_evaluated``: whether the reports of new ones count as evaluated."""
        for row in rows:
            around = (row.cluster_id, circumstances.get(row.cluster_id))
            if host := self._hosts.get(row.id):
                host.row, host.circumstances = row, around
            else:
                evaluated, counted = map(self._intervals.begun, (self._intervals.evaluate, self._intervals.count))
                self._hosts[row.id] = Host(row, around, around if is_evaluated else None, evaluated, counted)
        for host_id in self._hosts.keys() - {row.id for row in rows}:
            del self._hosts[host_id]

    def _follow(self, rows: _Rows, circumstances: Mapping[str, object]) -> None:
        """Called in the loop."""
        self._update_hosts(rows, circumstances, is_evaluated=True)
        for host_id in self._tasks.keys() - self._hosts.keys():
            self._tasks.pop(host_id).cancel()
        for host_id in self._hosts.keys() - self._tasks.keys():
            self._tasks[host_id] = asyncio.get_running_loop().create_task(self._watch.follow(self._hosts[host_id]))

    def _store_counters(self, db: Database) -> None:
        """Store the counters received since the last call, of all hosts at once."""
        counted = {}
        while self._counted:
            host_id, content = self._counted.popitem()
            counted[host_id] = content
        if counted:
            db.run(take_counters, counted)


def watched(db: Database, replica: str = "") -> _Rows:
    """The hosts that this replica monitors: those leased to it that have an agent and are not being installed."""
    with db.read_once() as tx:
        return _watched(replica).all(tx)


@cache
def _watched(replica: str) -> Statement[WatchedHost]:
    joined = sa.and_(
        is_of(replica), hosts.c.agent_url != "", hosts.c.status != "installing", hosts.c.status != "install_failed"
    )
    columns = (hosts.c.id, hosts.c.name, hosts.c.agent_url, hosts.c.status, hosts.c.cluster_id)
    return Statement(sa.select(*columns).where(joined), record=WatchedHost)


def _circumstances(db: Database) -> Mapping[str, object]:
    """By cluster, what besides its report decides on a host's status: the networks that are required there."""
    query = sa.select(cluster_networks.c.cluster_id, cluster_networks.c.network_id)
    query = query.where(cluster_networks.c.required, cluster_networks.c.status == "operational")
    found: dict[str, set[str]] = {}
    with db.read() as tx:
        for cluster_id, network_id in tx.execute(query):
            found.setdefault(cluster_id, set()).add(network_id)
    return found


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop until it is stopped, and end what runs in it."""
    try:
        loop.run_forever()
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(_ended(tasks))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _ended(tasks: Collection[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
