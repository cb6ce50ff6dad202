"""Jobs: work that leaves the engine, waiting, running or done, and the steps that users see of it."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table, Text, and_

from netweft.engine.model.base import ID_LENGTH, Json, Utc, growing_number, metadata, reference

jobs = Table(
    "jobs",
    metadata,
    growing_number(),  # the order in which jobs were asked for: ids are random, and clocks go back
    Column("id", String(ID_LENGTH), nullable=False, unique=True),
    Column("kind", String(64), nullable=False),
    Column("lock_key", String(128), nullable=False),
    Column("description", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("owner_id", String(ID_LENGTH)),
    Column("owner_name", String(255), nullable=False),
    Column("correlation_id", String(64), nullable=False),
    Column("external", Boolean, nullable=False),
    Column("auto_cleared", Boolean, nullable=False),
    Column("payload", Json),
    Column("progress", Json),
    Column("result", Json),
    Column("error", Text),
    Column("error_code", String(128)),
    Column("start_time", Utc, nullable=False),
    Column("end_time", Utc),
    Column("last_updated", Utc, nullable=False),
    Column("not_before", Utc, nullable=False),
    Column("claimed_by", String(ID_LENGTH)),
    Column("heartbeat", Utc),
    Column("attempts", Integer, nullable=False),
    sqlite_autoincrement=True,
)

Index("ix_jobs_open", jobs.c.status, jobs.c.lock_key, jobs.c.number)
Index("ix_jobs_correlation_id", jobs.c.correlation_id)

_waiting = and_(jobs.c.status == "started", jobs.c.claimed_by.is_(None))
# In their order, so that who looks for one to do stops at the first that it may have.
Index("ix_jobs_waiting", jobs.c.number, sqlite_where=_waiting, postgresql_where=_waiting)

_running = and_(jobs.c.status == "started", jobs.c.claimed_by.is_not(None))
# One job at a time for each lock key, whatever the replicas believe.
Index("uq_jobs_running", jobs.c.lock_key, unique=True, sqlite_where=_running, postgresql_where=_running)

job_steps = Table(
    "job_steps",
    metadata,
    growing_number(),
    Column("id", String(ID_LENGTH), nullable=False, unique=True),
    reference("job_id", "jobs.id", on_delete="CASCADE"),
    reference("parent_id", "job_steps.id", nullable=True, on_delete="CASCADE"),
    Column("type", String(32), nullable=False),
    Column("description", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("external", Boolean, nullable=False),
    Column("progress", Float),
    Column("start_time", Utc, nullable=False),
    Column("end_time", Utc),
    sqlite_autoincrement=True,
)
