"""What of hosts' drift happens by time: what is ignored until a time counts after it."""

from __future__ import annotations

import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.engine.db import Database, Tx, lock, utc_now
from netweft.engine.model.hosts import host_differences, hosts
from netweft.engine.operations.host_drifts import judge_drift

EVERY = 5.0
"""Seconds between looks."""


def watch(db: Database) -> None:
    """Judge the hosts of which something was ignored until now. Any replica may; to do it twice changes nothing."""
    over = sa.select(host_differences.c.host_id).distinct().where(host_differences.c.ignored_until <= utc_now())
    with db.read() as tx:
        host_ids = list(tx.scalars(over))
    for host_id in host_ids:
        db.run(_judge, host_id)


def _judge(tx: Tx, host_id: str) -> None:
    try:
        lock(tx, hosts, host_id)
    except NotFoundError:
        return
    judge_drift(tx, host_id)
