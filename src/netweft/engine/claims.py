"""Which replica runs which job: claiming the next one, heartbeats, and taking over from dead replicas."""

from __future__ import annotations

from functools import cache

from sqlalchemy import and_, bindparam, exists, func, literal, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from netweft.engine import leases
from netweft.engine.clock import Moment
from netweft.engine.db import Database, Tx, announce, utc_now, violated
from netweft.engine.leases import TAKE_OVER
from netweft.engine.model.jobs import JobRow, jobs
from netweft.engine.model.replicas import host_leases, replicas
from netweft.engine.queue import WORK, Job, Status
from netweft.engine.statements import Statement

_STARTED = text(f"'{Status.STARTED}'")
"""A literal, as a partial index (``ix_jobs_waiting``) is used only for statements with its literal condition."""
_HOST_ID = len("host:") + 1
"""Where the id of a host begins in the lock key of its jobs, counted from 1."""


def claim(tx: Tx, replica: str, kinds: frozenset[str]) -> Job | None:
    """Claim the oldest job that is due; None when there is none. Jobs on a host that another replica monitors are left
    to it, unless they have waited longer than the detection of a dead replica takes.

    Raises IntegrityError (``uq_jobs_running``) when another replica claimed one of the same key at the same time:
    :func:`claim_next` retries.
    """
    row = _claimable(kinds).first(tx, replica=replica)
    if row is None:
        return None
    claimed = _CLAIM.ask(tx, job_id=row.id, claimed_by=replica, last_updated=utc_now(), attempts=row.attempts + 1)
    return Job(
        id=row.id,
        kind=row.kind,
        lock_key=row.lock_key,
        description=row.description,
        payload=row.payload or {},
        owner_id=row.owner_id,
        owner_name=row.owner_name,
        correlation_id=row.correlation_id,
        attempts=row.attempts + 1,
        claimed_by=replica,
        claimed_at=claimed.one()[0],
    )


_CLAIM = Statement(
    update(jobs).where(jobs.c.id == bindparam("job_id")).values(heartbeat=Moment()).returning(jobs.c.heartbeat),
    ("claimed_by", "last_updated", "attempts"),
)


@cache
def _claimable(kinds: frozenset[str]) -> Statement[JobRow]:
    other = jobs.alias("other")
    before = exists().where(
        other.c.status == Status.STARTED,
        other.c.lock_key == jobs.c.lock_key,
        or_(other.c.claimed_by.is_not(None), other.c.number < jobs.c.number),
    )
    # What stands behind "host:", so that the index is used; no other kind of key gives a host's id. A value that is
    # asked for, as PostgreSQL would read all leases for an EXISTS.
    watched_by = select(host_leases.c.replica_id).where(host_leases.c.host_id == func.substr(jobs.c.lock_key, _HOST_ID))
    is_ours = func.coalesce(watched_by.scalar_subquery(), bindparam("replica")) == bindparam("replica")
    return Statement(
        select(jobs)
        .where(
            jobs.c.status == _STARTED,
            jobs.c.claimed_by.is_(None),
            jobs.c.kind.in_([literal(kind) for kind in sorted(kinds)]),
            jobs.c.not_before <= Moment(),
            or_(is_ours, jobs.c.not_before <= Moment(-TAKE_OVER)),
            ~before,
        )
        .order_by(jobs.c.number)
        .limit(1)
        .with_for_update(skip_locked=True, of=jobs),
        record=JobRow,
    )


def claim_next(db: Database, replica: str, kinds: frozenset[str]) -> Job | None:
    """:func:`claim` in a transaction of its own, asking again when another replica was faster."""
    while True:
        try:
            return db.run(claim, replica, kinds)
        except IntegrityError as error:
            if violated(error) != "uq_jobs_running":
                raise


def beat(tx: Tx, replica: str, job_ids: list[str]) -> set[str]:
    """Sign of life of a replica's running jobs; returns those that are still its own. What a job of it has locked just
    now it does without.
    """
    if not job_ids:
        return set()
    mine = and_(jobs.c.id.in_(job_ids), jobs.c.claimed_by == replica, jobs.c.status == Status.STARTED)
    free = select(jobs.c.id).where(mine).with_for_update(skip_locked=True)
    tx.execute(update(jobs).where(jobs.c.id.in_(list(tx.scalars(free)))).values(heartbeat=Moment()))
    return set(tx.scalars(select(jobs.c.id).where(mine)))


def take_over(tx: Tx, *, silent_for: float = TAKE_OVER) -> int:
    """Put jobs of replicas that died back into the queue; returns how many there were.

    ``silent_for``: seconds since the last heartbeat of the replica and of the job; 0 for all, when no other replica
    can be alive (SQLite, at start).
    """
    removed = leases.remove_dead_replicas(tx, silent_for=silent_for)
    dead = and_(
        jobs.c.status == Status.STARTED,
        jobs.c.claimed_by.is_not(None),
        jobs.c.heartbeat <= Moment(-silent_for),
        ~exists().where(replicas.c.id == jobs.c.claimed_by),
    )
    found = tx.scalars(select(jobs.c.id).where(dead).with_for_update(skip_locked=True)).all()
    for job_id in found:
        tx.execute(update(jobs).where(jobs.c.id == job_id).values(claimed_by=None, last_updated=utc_now()))
    if found or removed:
        announce(tx, WORK, replicas=True)  # jobs of hosts that are free now may begin as well
    return len(found)
