"""Reads of events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.events import EventRow, events
from netweft.engine.model.hosts import hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.templates import templates
from netweft.engine.model.vms import vms
from netweft.engine.noun import Noun
from netweft.engine.statements import rows


def _name_of(table: sa.Table, column: sa.ColumnElement[Any]) -> Any:  # noqa: ANN401 (an expression)
    return sa.select(table.c.name).where(table.c.id == column).scalar_subquery()


_NAMES = {
    noun: _name_of(table, events.c[column])
    for noun, table, column in (
        ("datacenter", data_centers, "data_center_id"),
        ("cluster", clusters, "cluster_id"),
        ("host", hosts, "host_id"),
        ("network", networks, "network_id"),
        ("vm", vms, "vm_id"),
        ("template", templates, "template_id"),
    )
}

EVENTS = Noun(
    events,
    EventRow,
    "event",
    sa.select(events).where(events.c.removed.is_(False)),
    {
        "message": events.c.description,
        "description": events.c.description,
        "id": events.c.id,
        "type": events.c.code,
        "code": events.c.code,
        "severity": events.c.severity,
        "time": events.c.time,
        "correlation_id": events.c.correlation_id,
        "correlationid": events.c.correlation_id,
        "origin": events.c.origin,
        "custom_id": events.c.custom_id,
        "usrname": events.c.user_name,
        "user.name": events.c.user_name,
        **{f"event_{name}": column for name, column in _NAMES.items()},
        **_NAMES,
        **{f"{name}.name": column for name, column in _NAMES.items()},
    },
    order=(events.c.id.desc(),),
    owner="user_id",
)
"""Those that nobody has removed, the newest first."""


def later_than(number: int | None) -> tuple[sa.ColumnElement[bool], ...]:
    """The condition of having come after the event with that number; none without one."""
    return () if number is None else (events.c.id > number,)


def last(tx: Tx) -> int:
    """The number of the newest event, 0 before the first."""
    return tx.scalar(sa.select(sa.func.max(events.c.id))) or 0


def following(tx: Tx, number: int, most: int) -> Sequence[EventRow]:
    """All events after that number, removed ones too, in their order."""
    return rows(tx, EventRow, sa.select(events).where(events.c.id > number).order_by(events.c.id).limit(most))


def changes_of(tx: Tx, network_id: str, before: datetime | None, most: int | None) -> list[EventRow]:
    """The events that tell of changes of a network, before a moment if one is given, the newest first."""
    query = sa.select(events).where(events.c.network_id == network_id, events.c.changes.is_not(None))
    if before is not None:
        query = query.where(events.c.time < before)
    return rows(tx, EventRow, query.order_by(events.c.id.desc()).limit(most))
