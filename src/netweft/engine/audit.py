"""The audit log: the events of the API. Codes are oVirt's (``AuditLogType``)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypedDict, Unpack

from sqlalchemy import and_, delete, insert, or_

from netweft.engine.actor import Actor
from netweft.engine.db import Tx, announce, utc_now
from netweft.engine.model.events import events
from netweft.engine.statements import Statement

TOPIC = "events"
"""The topic announced when there is a new event (in this replica: others poll)."""
ORIGIN = "oVirt"
"""The origin of the engine's own events (clients filter by it)."""


KEPT = timedelta(days=30)
"""How long events are kept (oVirt: ``AuditLogAgingThreshold``)."""
CHANGES_KEPT = timedelta(days=90)
"""The same for events that list changes."""


class Severity(StrEnum):
    """oVirt's ``LogSeverity``."""

    NORMAL = "normal"
    WARNING = "warning"
    ERROR = "error"
    ALERT = "alert"


class About(TypedDict, total=False):
    """What an event is about, by ids; whose it is where it is not the engine's own; ``changes``: the changes of
    the desired state, a line each.
    """

    data_center: str | None
    cluster: str | None
    host: str | None
    network: str | None
    vm: str | None
    template: str | None
    job: str | None
    origin: str
    custom_id: int | None
    changes: Sequence[str]


def record(
    tx: Tx, actor: Actor, code: int, text: str, severity: Severity = Severity.NORMAL, **about: Unpack[About]
) -> None:
    """Add an event."""
    _ADD.run(tx, **_row(actor, code, text, severity, about))
    announce(tx, TOPIC)


def record_numbered(
    tx: Tx, actor: Actor, code: int, text: str, severity: Severity = Severity.NORMAL, **about: Unpack[About]
) -> int:
    """Add an event, and return its id."""
    added = _ADD_NUMBERED.ask(tx, **_row(actor, code, text, severity, about))
    announce(tx, TOPIC)
    (event_id,) = added.one()
    return int(event_id)


def _row(actor: Actor, code: int, text: str, severity: Severity, about: About) -> dict[str, Any]:
    return {
        "code": code,
        "severity": severity,
        "description": text,
        "time": utc_now(),
        "correlation_id": actor.correlation_id,
        "origin": about.get("origin", ORIGIN),
        "custom_id": about.get("custom_id"),
        "user_id": actor.user_id,
        "user_name": actor.name,
        "data_center_id": about.get("data_center"),
        "cluster_id": about.get("cluster"),
        "host_id": about.get("host"),
        "network_id": about.get("network"),
        "vm_id": about.get("vm"),
        "template_id": about.get("template"),
        "job_id": about.get("job"),
        "changes": list(about["changes"]) if "changes" in about else None,
        "removed": False,
    }


_COLUMNS = [column.name for column in events.columns if column is not events.c.id]
_ADD = Statement(insert(events).inline(), _COLUMNS)
_ADD_NUMBERED = Statement(insert(events).returning(events.c.id), _COLUMNS)


def sweep(tx: Tx) -> int:
    """Remove old events; returns how many."""
    now = utc_now()
    old = or_(events.c.time < now - CHANGES_KEPT, and_(events.c.time < now - KEPT, events.c.changes.is_(None)))
    return tx.execute(delete(events).where(old)).rowcount
