"""Timers of hosts' drift: differences that are ignored until a time count after it, and clusters whose policy says so
have their hosts synchronized. Any replica does it: to do it twice changes nothing.
"""

from __future__ import annotations

import sqlalchemy as sa

from netweft.core.drift_healing import Healing
from netweft.core.errors import NetweftError, NotFoundError
from netweft.engine.db import Database, Tx, lock, utc_now
from netweft.engine.jobs import drift_healing
from netweft.engine.model.hosts import host_differences, hosts
from netweft.engine.operations.host_drifts import record_drift

EVERY = 5.0
"""Seconds between looks."""

_HEALING = Healing()


def watch(db: Database, healing: Healing = _HEALING) -> None:
    """Count differences that are no longer ignored, then synchronize hosts by their clusters' policies."""
    over = sa.select(host_differences.c.host_id).distinct().where(host_differences.c.ignored_until <= utc_now())
    with db.read() as tx:
        host_ids = list(tx.scalars(over))
    for host_id in host_ids:
        db.run(_record_drift, host_id)
    with db.read() as tx:
        drifting = drift_healing.hosts_to_heal(tx)
    for host_id in drifting:
        if db.run(drift_healing.begin_attempt, host_id, healing):
            try:
                db.run(drift_healing.heal_host, host_id)
            except NetweftError as error:
                db.run(drift_healing.record_not_healed, host_id, error.text)


def _record_drift(tx: Tx, host_id: str) -> None:
    try:
        lock(tx, hosts, host_id)
    except NotFoundError:
        return
    record_drift(tx, host_id)
