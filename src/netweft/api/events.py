"""Events: what happened, newest first. Their ids grow, so that a client asks for those after the last that it knows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, select

from netweft.api.collections import one, same_fields
from netweft.api.request_fields import ref, required
from netweft.api.routes import READ, Call, Routes, is_number, many
from netweft.api.schema import E, or_default, or_unset, reference
from netweft.api.search import LISTED, Searchable, page
from netweft.api.types import Cluster, DataCenter, Event, Host, Template, User, Vm
from netweft.core.errors import NotFoundError
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.events import AddEvent, add_external_event, remove_event
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.events import EventRow, events
from netweft.engine.model.hosts import hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.templates import templates
from netweft.engine.model.vms import vms
from netweft.engine.statements import rows

routes = Routes("events")


def _name_of(table: Table, column: ColumnElement[Any]) -> Any:  # noqa: ANN401 (an expression)
    return select(table.c.name).where(table.c.id == column).scalar_subquery()


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

SEARCHABLE = Searchable(
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
    key=events.c.id.desc(),
    default=(events.c.id.desc(),),
)


def show(row: EventRow) -> Event:
    """An event."""

    def about(kind: type[E], entity_id: str | None) -> Any:  # noqa: ANN401 (a reference of that kind, or UNSET)
        return or_unset(None if entity_id is None else reference(kind, entity_id))

    user = about(User, row.user_id)
    if isinstance(user, User):
        user.name = row.user_name
    return Event(
        **same_fields(Event, row, "id"),
        id=str(row.id),
        href=f"/events/{row.id}",
        index=row.id,
        cluster=about(Cluster, row.cluster_id),
        data_center=about(DataCenter, row.data_center_id),
        host=about(Host, row.host_id),
        template=about(Template, row.template_id),
        user=user,
        vm=about(Vm, row.vm_id),
    )


def visible_events(call: Call[Any]) -> Select[Any]:
    """The events that are there; in the filtered view those that the user caused."""
    statement = select(events).where(events.c.removed.is_(False))
    return statement.where(events.c.user_id == call.actor.user_id) if call.actor.filtered else statement


@routes.get("/events", many(Event), needs=READ, queries=(*LISTED, "from"))
def list_events(call: Call[None]) -> list[Event]:
    """Events, newest first; with ``from`` those after that one."""
    statement = visible_events(call)
    after = call.query.integer("from")
    if after is not None:
        statement = statement.where(events.c.id > after)
    with call.read() as tx:
        return [show(row) for row in rows(tx, EventRow, page(tx, call, statement, SEARCHABLE))]


@routes.get("/events/{event_id}", Event, needs=READ)
def get_event(call: Call[None]) -> Event:
    """One event."""
    with call.read() as tx:
        number = _number(call)
        return show(one(tx, EventRow, visible_events(call).where(events.c.id == number), f"event {number}"))


_ABOUT = ("cluster", "data_center", "host", "template", "vm")


@routes.post("/events", Event, needs=ActionGroup.INJECT_EXTERNAL_EVENTS)
def post_event(call: Call[Event]) -> Event:
    """Add an event from an external system."""
    body = call.body
    custom_id = or_default(body.custom_id, -1)
    spec = AddEvent(
        description=required(body.description, "Event [description]"),
        origin=required(body.origin, "Event [origin]"),
        severity=required(body.severity, "Event [severity]"),
        custom_id=None if custom_id < 0 else custom_id,
        about={noun: target for noun in _ABOUT if (target := ref(getattr(body, noun)))},
    )
    event_id = call.run(add_external_event, call.actor, spec)
    with call.read() as tx:
        return show(one(tx, EventRow, select(events).where(events.c.id == event_id), f"event {event_id}"))


@routes.delete("/events/{event_id}", needs=ActionGroup.AUDIT_LOG_MANAGEMENT)
def delete_event(call: Call[None]) -> None:
    """Remove an event from the list."""
    call.run(remove_event, call.actor, _number(call))


def _number(call: Call[Any]) -> int:
    text = call.ids["event_id"]
    if not is_number(text):
        raise NotFoundError(f"There is no event {text[:60]}.")
    return int(text)
