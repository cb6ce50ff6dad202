"""Work that leaves the engine, as rows: requested in a command's transaction, done by a worker of any replica, shown
under ``/jobs``.

Jobs of one lock key (``host:<id>``) run one at a time, oldest first; those of a host where it is watched
(:mod:`netweft.engine.leases`). A running job shows signs of life; when its replica dies, another takes it over, so a
job must be safe to repeat. What a lost replica still says about a job is refused (:class:`LostError`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import Float, and_, bindparam, delete, insert, select, update

from netweft.core.errors import NetweftError, NotFoundError
from netweft.engine import leases
from netweft.engine.actor import Actor
from netweft.engine.clock import Moment
from netweft.engine.db import Database, Tx, announce, new_id, utc_now
from netweft.engine.model.jobs import job_steps, jobs
from netweft.engine.statements import Statement

HEARTBEAT = leases.HEARTBEAT
"""Seconds between a running job's signs of life, which go with those of its replica."""
ATTEMPTS_MAX = 5
"""How many replicas may die while running one job before it is abandoned, so that it does not kill them all."""
ASKED_MAX = 2 * ATTEMPTS_MAX
"""How many may die before even querying its outcome is abandoned."""
KEPT = timedelta(days=7)
"""How long finished jobs are kept."""
WORK = "jobs"
"""The topic announced when there is a job to claim."""
_POLL = 2.0
"""Seconds between polls while waiting for a job, in case an announcement was lost."""


class Status(StrEnum):
    """A job's status, in oVirt's terms (``started`` also while it is queued)."""

    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"
    ABORTED = "aborted"


class LostError(NetweftError):
    """Another replica has taken the job over, presuming this one dead, or the job has ended: stop working on it."""

    status = 409
    code = "JOB_LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job that a worker has claimed."""

    id: str
    kind: str
    lock_key: str
    description: str
    payload: Mapping[str, Any]
    owner_id: str | None
    owner_name: str
    correlation_id: str
    attempts: int
    claimed_by: str
    claimed_at: datetime
    """By the database's clock: of jobs with one lock key, and of the replicas that had one by turns, the later the
    greater.
    """

    @property
    def actor(self) -> Actor:
        """The user who requested it, for what the job records."""
        return Actor(user_id=self.owner_id, name=self.owner_name, correlation_id=self.correlation_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a job ended. ``error_code`` is a message code as oVirt has them; ``result`` is what the job returned."""

    job_id: str
    status: Status
    error: str = ""
    error_code: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)


def enqueue(
    tx: Tx,
    actor: Actor,
    kind: str,
    key: str,
    description: str,
    payload: Mapping[str, Any] | msgspec.Struct | None = None,
    *,
    delay: float = 0.0,
    auto_cleared: bool = True,
) -> str:
    """Ask for a job, to begin once this transaction is committed (and ``delay`` seconds have passed); returns its id.

    ``kind`` names the function, ``key`` what it works on alone (empty: it gets in nobody's way), ``description`` is
    what users read, ``payload`` the parameters of its function (:mod:`netweft.engine.payloads`).
    """
    job_id, now = new_id(), utc_now()
    _ENQUEUE.run(
        tx,
        id=job_id,
        kind=kind,
        lock_key=key or f"job:{job_id}",
        description=description,
        status=Status.STARTED,
        owner_id=actor.user_id,
        owner_name=actor.name,
        correlation_id=actor.correlation_id,
        external=False,
        auto_cleared=auto_cleared,
        payload=msgspec.to_builtins(payload or {}),
        start_time=now,
        last_updated=now,
        delay=delay,
        attempts=0,
    )
    announce(tx, WORK, replicas=True)
    return job_id


_ENQUEUE = Statement(
    insert(jobs).values(not_before=Moment(bindparam("delay", type_=Float))).inline(),
    (
        *("id", "kind", "lock_key", "description", "status", "owner_id", "owner_name", "correlation_id", "external"),
        *("auto_cleared", "payload", "start_time", "last_updated", "attempts"),
    ),
)


def enqueue_once(
    tx: Tx, actor: Actor, kind: str, key: str, description: str, payload: msgspec.Struct | None = None
) -> str:
    """As :func:`enqueue`, but a job of the same kind and key that still waits for its turn is enough; returns the id of
    either.
    """
    waiting = select(jobs.c.id).where(
        jobs.c.kind == kind, jobs.c.lock_key == key, jobs.c.status == Status.STARTED, jobs.c.claimed_by.is_(None)
    )
    # Locked, so that it does not begin before this transaction has committed what it shall find.
    job_id = tx.execute(waiting.limit(1).with_for_update(skip_locked=True)).scalar()
    if job_id is None:
        return enqueue(tx, actor, kind, key, description, payload)
    announce(tx, WORK, replicas=True)
    return str(job_id)


Found: TypeAlias = "Mapping[str, Any] | msgspec.Struct"
"""What is kept of a job when it has ended."""
Result: TypeAlias = "Found | Callable[[Tx], None] | None"
"""What a job's function leaves at its end: what is to be kept of it; or what it has to record last, which is stored in
one transaction with its end.
"""


def finish(tx: Tx, job: Job, result: Result = None) -> None:
    """The job is done. Raises LostError when it is no longer this replica's; then nothing of this transaction may
    stand.
    """
    hold(tx, job)
    if callable(result):
        result(tx)
        result = None
    _end(tx, job.id, Status.FINISHED, error=None, code=None, result=result)


def fail(tx: Tx, job: Job, error: str, code: str, result: Mapping[str, Any] | None = None) -> None:
    """The job is over without success; the reason is for people to read. Raises LostError as :func:`finish` does."""
    hold(tx, job)
    _end(tx, job.id, Status.FAILED, error=error, code=code, result=result)


def hold(tx: Tx, job: Job) -> None:
    """Make sure that the job is still this replica's until the transaction ends; raises LostError.

    :meth:`netweft.engine.job_context.JobContext.write` does so in each transaction in which a job records what it did,
    so that a replica that was taken for dead overwrites nothing.
    """
    if _HOLDER.first(tx, id=job.id) != (job.claimed_by, Status.STARTED):
        raise LostError(f"Job {job.id} is not run by {job.claimed_by} any more.")


_HOLDER = Statement(select(jobs.c.claimed_by, jobs.c.status).where(jobs.c.id == bindparam("id")).with_for_update())


def amend(tx: Tx, job_id: str, status: Status, error: str = "", code: str = "") -> None:
    """What is now known of a job that ended as failed because nobody knew how what it did had ended."""
    here = and_(jobs.c.id == job_id, jobs.c.status == Status.FAILED)
    values = {"status": status, "error": error or None, "error_code": code or None, "last_updated": utc_now()}
    tx.execute(update(jobs).where(here).values(values))
    announce(tx, f"job:{job_id}", replicas=True)


def put_back(tx: Tx, job: Job, *, delay: float = 0.0) -> None:
    """Let another worker, or this one later, do the job: this replica stops, or the job has to wait. The attempt does
    not count.
    """
    hold(tx, job)
    later = Moment(delay)
    tx.execute(
        update(jobs).where(jobs.c.id == job.id).values(claimed_by=None, not_before=later, attempts=jobs.c.attempts - 1)
    )
    announce(tx, WORK, replicas=True)


def abandon(tx: Tx, job_id: str, error: str) -> None:
    """A job is over though nobody knows how far it came; whoever runs it, if anybody does, has lost it."""
    _end(tx, job_id, Status.FAILED, error=error, code=LostError.code, result=None)


def _end(
    tx: Tx,
    job_id: str,
    status: Status,
    *,
    error: str | None,
    code: str | None,
    result: Found | None,
) -> None:
    now = utc_now()
    ends = {"ended": job_id, "status": status, "end_time": now}
    # The payload is removed: passwords, though encrypted, are kept no longer than they are needed.
    _END.run(tx, **ends, last_updated=now, error=error, error_code=code, result=result or {}, payload={})
    _END_STEPS.run(tx, **ends)
    announce(tx, f"job:{job_id}", replicas=True)
    announce(tx, WORK, replicas=True)  # the next of the same key may begin


_END = Statement(
    update(jobs).where(jobs.c.id == bindparam("ended")),
    ("status", "end_time", "last_updated", "error", "error_code", "result", "payload"),
)
_END_STEPS = Statement(
    update(job_steps).where(job_steps.c.job_id == bindparam("ended"), job_steps.c.status == Status.STARTED),
    ("status", "end_time"),
)


def outcome(tx: Tx, job_id: str) -> Outcome | None:
    """How a job ended, None while it has not. Raises NotFoundError."""
    row = _OUTCOME.first(tx, id=job_id)
    if row is None:
        raise NotFoundError(f"There is no job {job_id}.")
    status, error, code, result = row
    if status == Status.STARTED:
        return None
    return Outcome(job_id=job_id, status=Status(status), error=error or "", error_code=code or "", result=result or {})


_OUTCOME = Statement(
    select(jobs.c.status, jobs.c.error, jobs.c.error_code, jobs.c.result).where(jobs.c.id == bindparam("id"))
)


def wait_for(db: Database, job_id: str, timeout: float) -> Outcome | None:
    """Wait until a job has ended, at most ``timeout`` seconds (then None). Not to be called inside a transaction."""
    deadline = time.monotonic() + timeout
    with db.listen(f"job:{job_id}") as news:
        while True:
            news.clear()
            with db.read() as tx:
                ended = outcome(tx, job_id)
            left = deadline - time.monotonic()
            if ended is not None or left <= 0:
                return ended
            news.wait(min(left, _POLL))


def sweep(tx: Tx) -> int:
    """Remove what ended long ago and need not be cleared by hand; returns how many jobs."""
    old = and_(jobs.c.status != Status.STARTED, jobs.c.auto_cleared.is_(True), jobs.c.end_time < utc_now() - KEPT)
    return tx.execute(delete(jobs).where(old)).rowcount


def newest(tx: Tx, kind: str, key: str) -> str | None:
    """The id of the job of this kind and lock key that was requested last, None when there is none."""
    of_kind = select(jobs.c.id).where(jobs.c.lock_key == key, jobs.c.kind == kind)
    return tx.execute(of_kind.order_by(jobs.c.number.desc()).limit(1)).scalar()


def busy_with(tx: Tx, key: str) -> str | None:
    """The id of the oldest job of a lock key that has not ended, None when the key is free."""
    unfinished = select(jobs.c.id).where(jobs.c.lock_key == key, jobs.c.status == Status.STARTED)
    return tx.execute(unfinished.order_by(jobs.c.number).limit(1)).scalar()
