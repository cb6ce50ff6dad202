"""Jobs: work that leaves the engine, waiting, running or done, and the steps that users see of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import Index, String, and_

from netweft.engine.model.base import ID_LENGTH, Json
from netweft.engine.model.records import Growing, Id, LongText, Record, Refers, With, stored


class JobRow(Record, frozen=True):
    """A job."""

    # The order in which jobs were requested: ids are random, and clocks may go back.
    number: Growing
    id: Annotated[str, String(ID_LENGTH), With(unique=True)]
    kind: Annotated[str, String(64)]
    lock_key: Annotated[str, String(128)]
    status: Annotated[str, String(16)]
    owner_name: Annotated[str, String(255)]
    correlation_id: Annotated[str, String(64)]
    external: bool
    auto_cleared: bool
    start_time: datetime
    last_updated: datetime
    not_before: datetime
    attempts: int
    description: LongText = ""
    owner_id: Id | None = None
    payload: dict[str, Any] | None = None
    progress: Annotated[Any, Json] | None = None
    result: Annotated[Any, Json] | None = None
    error: LongText | None = None
    error_code: Annotated[str, String(128)] | None = None
    end_time: datetime | None = None
    claimed_by: Id | None = None
    heartbeat: datetime | None = None


jobs = stored(
    "jobs",
    JobRow,
    sqlite_autoincrement=True,
)

Index("ix_jobs_open", jobs.c.status, jobs.c.lock_key, jobs.c.number)
Index("ix_jobs_correlation_id", jobs.c.correlation_id)

_waiting = and_(jobs.c.status == "started", jobs.c.claimed_by.is_(None))
# In their order, so that a claim stops at the first job that it may have.
Index("ix_jobs_waiting", jobs.c.number, sqlite_where=_waiting, postgresql_where=_waiting)

_running = and_(jobs.c.status == "started", jobs.c.claimed_by.is_not(None))
# One running job for each lock key, enforced by the database.
Index("uq_jobs_running", jobs.c.lock_key, unique=True, sqlite_where=_running, postgresql_where=_running)


class JobStepRow(Record, frozen=True):
    """A step of a job."""

    number: Growing
    id: Annotated[str, String(ID_LENGTH), With(unique=True)]
    job_id: Annotated[str, Refers("jobs.id", on_delete="CASCADE")]
    type: Annotated[str, String(32)]
    status: Annotated[str, String(16)]
    external: bool
    start_time: datetime
    parent_id: Annotated[str, Refers("job_steps.id", on_delete="CASCADE")] | None = None
    description: LongText = ""
    progress: float | None = None
    end_time: datetime | None = None


job_steps = stored(
    "job_steps",
    JobStepRow,
    sqlite_autoincrement=True,
)
