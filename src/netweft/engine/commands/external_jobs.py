"""Jobs of other systems, which tell the engine what they are doing so that its users see it too."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert, select, update

from netweft.core.errors import MalformedError, NotFoundError
from netweft.core.rules import check
from netweft.core.rules import event as rules
from netweft.engine import job_progress
from netweft.engine.access import authorize
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, announce, new_id, utc_now
from netweft.engine.model.jobs import job_steps, jobs
from netweft.engine.queue import Status

KIND = "external"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddJob:
    """A job to show. ``auto_cleared``: it disappears by itself some days after its end."""

    description: str
    auto_cleared: bool = True


def add_job(tx: Tx, actor: Actor, spec: AddJob) -> str:
    """Show a job of another system; returns its id. Needs INJECT_EXTERNAL_TASKS on the system.

    Raises DeniedError, ValidationError.
    """
    authorize.require(tx, actor, ActionGroup.INJECT_EXTERNAL_TASKS)
    check("Cannot add External Job.", rules.description_is_valid(spec.description))
    job_id, now = new_id(), utc_now()
    tx.execute(
        insert(jobs).values(
            id=job_id,
            kind=KIND,
            lock_key=f"job:{job_id}",
            description=spec.description,
            status=Status.STARTED,
            owner_id=actor.user_id,
            owner_name=actor.name,
            correlation_id=actor.correlation_id,
            external=True,
            auto_cleared=spec.auto_cleared,
            start_time=now,
            last_updated=now,
            not_before=now,
            attempts=0,
        )
    )
    return job_id


def end_job(tx: Tx, actor: Actor, job_id: str, *, succeeded: bool, force: bool = False) -> None:
    """The job is over, and all its steps with it. ``force``: also when it was over before.

    Raises DeniedError, NotFoundError, MalformedError for a job of the engine's own, or one that is over.
    """
    status = _status(tx, actor, job_id)
    if status != Status.STARTED and not force:
        raise MalformedError(f"The job {job_id} has ended.", code="ACTION_TYPE_FAILED_JOB_ENDED")
    now, ended = utc_now(), Status.FINISHED if succeeded else Status.FAILED
    running = job_steps.c.job_id == job_id, job_steps.c.status == Status.STARTED
    tx.execute(update(job_steps).where(*running).values(status=ended, end_time=now))
    tx.execute(update(jobs).where(jobs.c.id == job_id).values(status=ended, end_time=now, last_updated=now))
    announce(tx, f"job:{job_id}", replicas=True)


def clear_job(tx: Tx, actor: Actor, job_id: str) -> None:
    """Take a job off the list. Raises as :func:`end_job` does, MalformedError also while it runs."""
    status = _status(tx, actor, job_id)
    if status == Status.STARTED:
        raise MalformedError(f"The job {job_id} has not ended.", code="ACTION_TYPE_FAILED_JOB_RUNS")
    tx.execute(jobs.delete().where(jobs.c.id == job_id))


def add_step(tx: Tx, actor: Actor, job_id: str, description: str, step_type: str, parent_id: str | None = None) -> str:
    """Begin a step of such a job; returns its id. Raises as :func:`end_job` does, and ValidationError."""
    status = _status(tx, actor, job_id)
    if status != Status.STARTED:
        raise MalformedError(f"The job {job_id} has ended.", code="ACTION_TYPE_FAILED_JOB_ENDED")
    check("Cannot add Step.", rules.description_is_valid(description))
    if parent_id is not None:
        _step(tx, job_id, parent_id)
    return job_progress.add_step(tx, job_id, description, step_type=step_type, parent_id=parent_id, external=True)


def end_step(tx: Tx, actor: Actor, job_id: str, step_id: str, *, succeeded: bool) -> None:
    """A step is over. Raises as :func:`end_job` does."""
    _status(tx, actor, job_id)
    _step(tx, job_id, step_id)
    job_progress.finish_step(tx, step_id, succeeded=succeeded)


def _status(tx: Tx, actor: Actor, job_id: str) -> str:
    """The status of a job of another system, locked."""
    authorize.require(tx, actor, ActionGroup.INJECT_EXTERNAL_TASKS)
    row = tx.execute(select(jobs.c.status, jobs.c.external).where(jobs.c.id == job_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no job {job_id}.")
    status, is_external = row
    if not is_external:
        text = f"The job {job_id} is the engine's own; only jobs of other systems are changed from outside."
        raise MalformedError(text, code="ACTION_TYPE_FAILED_JOB_NOT_EXTERNAL")
    return str(status)


def _step(tx: Tx, job_id: str, step_id: str) -> None:
    there = select(job_steps.c.id).where(job_steps.c.id == step_id, job_steps.c.job_id == job_id)
    if tx.execute(there).first() is None:
        raise NotFoundError(f"There is no step {step_id} of that job.")
