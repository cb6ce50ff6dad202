"""What users see of a job while it runs: its progress and its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, insert, update

from netweft.core.errors import NotFoundError
from netweft.engine.db import Tx, announce, new_id, utc_now
from netweft.engine.model.jobs import job_steps, jobs
from netweft.engine.queue import Status
from netweft.engine.statements import Statement


def show_progress(tx: Tx, job_id: str, progress: Mapping[str, Any]) -> None:
    """Replace what users see of a running job: ``phase``, ``deadline`` (RFC 3339), ``seconds_left``, ``steps`` (a text
    each), ``message``.
    """
    _SHOW.run(tx, id=job_id, progress=dict(progress), last_updated=utc_now())
    announce(tx, f"job:{job_id}", replicas=True)


_SHOW = Statement(update(jobs).where(jobs.c.id == bindparam("id")), ("progress", "last_updated"))


def add_step(
    tx: Tx,
    job_id: str,
    description: str,
    *,
    step_type: str = "executing",
    parent_id: str | None = None,
    external: bool = False,
) -> str:
    """Begin a step of a job and return its id. ``step_type`` in oVirt's words: ``validating``, ``executing``,
    ``finalizing`` ...
    """
    step_id, now = new_id(), utc_now()
    _ADD_STEP.run(
        tx,
        id=step_id,
        job_id=job_id,
        parent_id=parent_id,
        type=step_type,
        description=description,
        status=Status.STARTED,
        external=external,
        start_time=now,
    )
    _TOUCH.run(tx, id=job_id, last_updated=now)
    return step_id


_ADD_STEP = Statement(
    insert(job_steps).inline(),
    ("id", "job_id", "parent_id", "type", "description", "status", "external", "start_time"),
)
_TOUCH = Statement(update(jobs).where(jobs.c.id == bindparam("id")), ("last_updated",))


def finish_step(tx: Tx, step_id: str, *, succeeded: bool = True) -> None:
    """End a step; raises NotFoundError when there is none."""
    status = Status.FINISHED if succeeded else Status.FAILED
    done = tx.execute(update(job_steps).where(job_steps.c.id == step_id).values(status=status, end_time=utc_now()))
    if not done.rowcount:
        raise NotFoundError(f"There is no step {step_id}.")
