"""Replicas of the engine, and which of them monitors which host: rows, with times by the database's clock.

Each replica sends heartbeats; one that has sent none for :data:`TAKE_OVER` seconds is removed by any other replica,
and its leases with it. Each replica takes its fair share of the hosts without a lease, and releases the excess when
another replica joins.

A lease only saves work: two replicas may monitor a host for a moment without harm, and jobs
(:func:`netweft.engine.queue.hold`) keep a host from being changed by two at once. Hence a lease is released first, and
monitoring ends afterwards. On SQLite, which serves one engine, there are none, and it monitors all hosts.
"""

from __future__ import annotations

import os
import socket

from sqlalchemy import ColumnElement, String, bindparam, delete, exists, func, literal, select, update
from sqlalchemy.dialects import postgresql

from netweft.engine.clock import Moment
from netweft.engine.db import Database, Tx, announce, insert_if_absent
from netweft.engine.model.hosts import hosts
from netweft.engine.model.records import Record
from netweft.engine.model.replicas import host_leases, replicas
from netweft.engine.statements import Statement

HEARTBEAT = 2.0
"""Seconds between a replica's heartbeats."""
TAKE_OVER = 10.0
"""Seconds without a heartbeat after which a replica counts as dead."""
TOPIC = "leases"
"""The topic announced when replicas or leases have changed."""
_BATCH = 200
"""Leases that are added in one transaction, so that no row is locked for long."""


def show_life(tx: Tx, replica: str) -> None:
    """Store a replica's heartbeat; adds its row when it is new or was removed."""
    if _BEAT.first(tx, id=replica) is None:
        name = f"{socket.gethostname()} {os.getpid()}"[:255]
        insert_if_absent(tx, replicas, id=replica, name=name, heartbeat=Moment())
        announce(tx, TOPIC, replicas=True)


_BEAT = Statement(
    update(replicas).where(replicas.c.id == bindparam("id")).values(heartbeat=Moment()).returning(replicas.c.id)
)


def leave(tx: Tx, replica: str) -> None:
    """Remove a replica that shuts down: its hosts are free at once."""
    tx.execute(delete(replicas).where(replicas.c.id == replica))
    announce(tx, TOPIC, replicas=True)


def remove_dead_replicas(tx: Tx, *, silent_for: float = TAKE_OVER) -> int:
    """Remove the replicas without a heartbeat for that many seconds; returns how many were removed."""
    dead = select(replicas.c.id).where(replicas.c.heartbeat <= Moment(-silent_for))
    ids = list(tx.scalars(dead.with_for_update(skip_locked=True)))
    if ids:
        tx.execute(delete(replicas).where(replicas.c.id.in_(ids)))
        announce(tx, TOPIC, replicas=True)
    return len(ids)


def share(db: Database, replica: str) -> None:
    """Give a replica its fair share of the hosts, as far as they are free."""
    while db.run(_share, replica) == _BATCH:
        pass


class _Counts(Record, frozen=True):
    """The numbers that decide a replica's share. ``free``: whether there are hosts without a lease."""

    is_there: bool
    replicas: int
    hosts: int
    mine: int
    free: bool


def _share(tx: Tx, replica: str) -> int:
    """The number of leases that were added, at most a batch."""
    counts = _COUNTS.ask(tx, replica=replica).one()
    if not counts.is_there:
        return 0  # it was removed: it takes nothing before its next heartbeat
    fair = -(-counts.hosts // counts.replicas)
    if counts.mine > fair:
        _GIVE_UP.run(tx, replica=replica, count=counts.mine - fair)
        announce(tx, TOPIC, replicas=True)
    elif counts.mine < fair and counts.free:
        count = len(_TAKE.all(tx, replica=replica, count=min(fair - counts.mine, _BATCH)))
        if count:
            announce(tx, TOPIC, replicas=True)
        return count
    return 0


def is_of(replica: str) -> ColumnElement[bool]:
    """Whether the replica monitors a row of hosts; an empty ``replica`` monitors all (SQLite)."""
    if not replica:
        return literal(value=True)
    return exists().where(host_leases.c.host_id == hosts.c.id, host_leases.c.replica_id == replica)


_REPLICA = bindparam("replica", type_=String)
_TAKEN = exists().where(host_leases.c.host_id == hosts.c.id)
_MINE = host_leases.c.replica_id == _REPLICA

_COUNTS = Statement(
    select(
        exists().where(replicas.c.id == _REPLICA).label("is_there"),
        select(func.count()).select_from(replicas).scalar_subquery().label("replicas"),
        select(func.count()).select_from(hosts).scalar_subquery().label("hosts"),
        select(func.count()).select_from(host_leases).where(_MINE).scalar_subquery().label("mine"),
        select(hosts.c.id).where(~_TAKEN).exists().label("free"),
    ),
    record=_Counts,
)
_GIVE_UP = Statement(
    delete(host_leases).where(
        host_leases.c.host_id.in_(
            select(host_leases.c.host_id).where(_MINE).order_by(host_leases.c.host_id).limit(bindparam("count"))
        )
    )
)
# Locks the hosts and skips locked ones, so that replicas do not wait for each other or for commands.
_TAKE = Statement(
    postgresql.insert(host_leases)
    .from_select(
        ["host_id", "replica_id"],
        select(hosts.c.id, _REPLICA)
        .where(~_TAKEN)
        .limit(bindparam("count"))
        .with_for_update(key_share=True, skip_locked=True, of=hosts),
    )
    .on_conflict_do_nothing()
    .returning(host_leases.c.host_id)
)
