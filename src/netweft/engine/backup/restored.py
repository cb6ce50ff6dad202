"""Adapting a database that was restored from a backup: hosts and jobs have changed since."""

from __future__ import annotations

import sqlalchemy as sa

from netweft.engine import audit, queue
from netweft.engine.actor import SYSTEM
from netweft.engine.audit import Severity
from netweft.engine.db import Tx
from netweft.engine.model.jobs import jobs
from netweft.engine.operations.unfinished import leave

RESTORED = 20_153
"""An event code of our own."""


def end_unfinished(tx: Tx, created: str) -> None:
    """End what was under way when the backup was made: nothing of it may be done again, as nobody knows what has been
    done since. Hosts tell how their changes ended and which guests they run. ``created``: when the backup was made.
    """
    text = f"This was under way when the backup of {created} was made, which has been restored: look how it ended."
    running = sa.and_(jobs.c.status == queue.Status.STARTED, jobs.c.external.is_(False))
    for job_id in list(tx.scalars(sa.select(jobs.c.id).where(running))):
        queue.abandon(tx, job_id, text)
    leave(tx, sa.true(), text)
    text = f"The engine was restored from the backup of {created}. Hosts report what has changed since."
    audit.record(tx, SYSTEM, RESTORED, text, Severity.WARNING)
