"""The audit log: events for users."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import Index, String

from netweft.engine.model.records import Growing, Id, LongText, Record, stored


class EventRow(Record, frozen=True):
    """An event."""

    # Growing numbers, as clients ask for "those after N"; never reused, even after the newest was removed.
    id: Growing
    code: int
    severity: Annotated[str, String(8)]
    time: datetime
    correlation_id: Annotated[str, String(64)]
    origin: Annotated[str, String(255)]
    user_name: Annotated[str, String(255)]
    removed: bool
    description: LongText = ""
    custom_id: int | None = None
    user_id: Id | None = None
    # No foreign keys: an event outlives the objects that it is about.
    data_center_id: Id | None = None
    cluster_id: Id | None = None
    host_id: Id | None = None
    network_id: Id | None = None
    vm_id: Id | None = None
    template_id: Id | None = None
    job_id: Id | None = None
    # The changes of the desired state, a line each; null when there are none.
    changes: tuple[str, ...] | None = None


events = stored(
    "events",
    EventRow,
    sqlite_autoincrement=True,
)

Index("ix_events_correlation_id", events.c.correlation_id)
Index("ix_events_code", events.c.code)
Index("ix_events_network_id", events.c.network_id)
