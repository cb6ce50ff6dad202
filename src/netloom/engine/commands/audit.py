"""Writing down what happened, for people: the events of the API. Codes are oVirt's (``AuditLogType``)."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import delete, insert

from netloom.engine.actor import Actor
from netloom.engine.db import Tx, announce, utc_now
from netloom.engine.model.events import events
from netloom.engine.statements import Statement

TOPIC = "events"
"""What rings when there is a new event (in this replica: others look at intervals)."""
ORIGIN = "oVirt"
"""Who says so, where the event is the engine's own (clients filter by it)."""


KEPT = timedelta(days=30)
"""How long events are kept (oVirt: ``AuditLogAgingThreshold``)."""


class Severity(StrEnum):
    """oVirt's ``LogSeverity``."""

    NORMAL = "normal"
    WARNING = "warning"
    ERROR = "error"
    ALERT = "alert"


def record(
    tx: Tx,
    actor: Actor,
    code: int,
    text: str,
    severity: Severity = Severity.NORMAL,
    *,
    data_center: str | None = None,
    cluster: str | None = None,
    host: str | None = None,
    network: str | None = None,
    vm: str | None = None,
    template: str | None = None,
    job: str | None = None,
    origin: str = ORIGIN,
    custom_id: int | None = None,
) -> int:
    """Add an event and return its id; the rest of the arguments are ids of what it is about."""
    added = _RECORD.first(
        tx,
        code=code,
        severity=severity,
        description=text,
        time=utc_now(),
        correlation_id=actor.correlation_id,
        origin=origin,
        custom_id=custom_id,
        user_id=actor.user_id,
        user_name=actor.name,
        data_center_id=data_center,
        cluster_id=cluster,
        host_id=host,
        network_id=network,
        vm_id=vm,
        template_id=template,
        job_id=job,
        removed=False,
    )
    announce(tx, TOPIC)
    if added is None:
        raise RuntimeError("the database gave no number to an event")
    return int(added.id)


_RECORD = Statement(
    insert(events).returning(events.c.id), [column.name for column in events.columns if column is not events.c.id]
)


def sweep(tx: Tx) -> int:
    """Remove old events; returns how many."""
    return tx.execute(delete(events).where(events.c.time < utc_now() - KEPT)).rowcount
