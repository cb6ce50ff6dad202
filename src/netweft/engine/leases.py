"""Which engines there are, and which of them watches which host: rows, and the database's clock.

Each replica gives signs of life; one that has given none for :data:`TAKE_OVER` seconds is struck off, by whoever
notices, and with its row go its leases. Each replica takes its fair share of the hosts that nobody has, and gives up
what it has beyond that when another comes.

A lease saves work, and nothing depends on it: that two replicas watch a host for a moment changes nothing, and what
keeps a host from being changed by two at once are jobs (:func:`netweft.engine.queue.hold`). Hence a lease is let go
first, and the watching ends then. On SQLite, which is for one engine, there are none, and it watches all hosts.
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
"""Seconds between a replica's signs of life."""
TAKE_OVER = 10.0
"""Seconds without one after which it counts as dead."""
TOPIC = "leases"
"""What rings when replicas or leases are others than before."""
_BATCH = 200
"""Leases that are taken in one transaction, so that no row is locked for long."""


def show_life(tx: Tx, replica: str) -> None:
    """Sign of life of a replica: its first, the first after it was struck off, or another one."""
    if _BEAT.first(tx, id=replica) is None:
        name = f"{socket.gethostname()} {os.getpid()}"[:255]
        insert_if_absent(tx, replicas, id=replica, name=name, heartbeat=Moment())
        announce(tx, TOPIC, replicas=True)


_BEAT = Statement(
    update(replicas).where(replicas.c.id == bindparam("id")).values(heartbeat=Moment()).returning(replicas.c.id)
)


def leave(tx: Tx, replica: str) -> None:
    """A replica ends in good order: its hosts are free at once."""
    tx.execute(delete(replicas).where(replicas.c.id == replica))
    announce(tx, TOPIC, replicas=True)


def strike_off(tx: Tx, *, silent_for: float = TAKE_OVER) -> int:
    """Strike off the replicas that have given no sign of life for so many seconds; returns how many there were."""
    dead = select(replicas.c.id).where(replicas.c.heartbeat <= Moment(-silent_for))
    ids = list(tx.scalars(dead.with_for_update(skip_locked=True)))
    if ids:
        tx.execute(delete(replicas).where(replicas.c.id.in_(ids)))
        announce(tx, TOPIC, replicas=True)
    return len(ids)


def share(db: Database, replica: str) -> None:
    """See to it that a replica has its fair share of the hosts, as far as others leave it."""
    while db.run(_share, replica) == _BATCH:
        pass


class _Counts(Record, frozen=True):
    """What a replica takes its share by; ``free``: whether there are hosts that no replica has."""

    is_there: bool
    replicas: int
    hosts: int
    mine: int
    free: bool


def _share(tx: Tx, replica: str) -> int:
    """The number of leases that were taken, at most a batch."""
    counts = _COUNTS.ask(tx, replica=replica).one()
    if not counts.is_there:
        return 0  # struck off: it takes nothing before its next sign of life
    fair = -(-counts.hosts // counts.replicas)
    if counts.mine > fair:
        _GIVE_UP.run(tx, replica=replica, count=counts.mine - fair)
        announce(tx, TOPIC, replicas=True)
    elif counts.mine < fair and counts.free:
        taken = len(_TAKE.all(tx, replica=replica, count=min(fair - counts.mine, _BATCH)))
        if taken:
            announce(tx, TOPIC, replicas=True)
        return taken
    return 0


def is_of(replica: str) -> ColumnElement[bool]:
    """Whether a row of hosts is one that the replica watches; of the empty one all are (SQLite)."""
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
# Who takes locks the hosts, so that no two wait for each other; what a command works on just now is taken later.
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
