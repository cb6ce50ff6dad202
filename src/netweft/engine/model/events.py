"""Events: what happened, for people, newest first."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from netweft.engine.model.base import ID_LENGTH, Utc, growing_number, metadata

events = Table(
    "events",
    metadata,
    # Growing numbers, as clients ask for "those after N"; never given again, also not after the newest was removed.
    growing_number("id"),
    Column("code", Integer, nullable=False),
    Column("severity", String(8), nullable=False),
    Column("description", Text, nullable=False),
    Column("time", Utc, nullable=False),
    Column("correlation_id", String(64), nullable=False),
    Column("origin", String(255), nullable=False),
    Column("custom_id", Integer),
    Column("user_id", String(ID_LENGTH)),
    Column("user_name", String(255), nullable=False),
    # No foreign keys: an event outlives what it tells of.
    Column("data_center_id", String(ID_LENGTH)),
    Column("cluster_id", String(ID_LENGTH)),
    Column("host_id", String(ID_LENGTH)),
    Column("network_id", String(ID_LENGTH)),
    Column("vm_id", String(ID_LENGTH)),
    Column("template_id", String(ID_LENGTH)),
    Column("job_id", String(ID_LENGTH)),
    Column("removed", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

Index("ix_events_correlation_id", events.c.correlation_id)
Index("ix_events_code", events.c.code)
