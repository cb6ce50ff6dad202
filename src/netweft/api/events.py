"""Events: what happened, newest first. Their ids grow, so that a client asks for those after the last that it knows."""

from __future__ import annotations

from typing import Any

from netweft.api.collections import Collection, same_fields
from netweft.api.request_fields import ref, required
from netweft.api.routes import Call, Routes, is_number
from netweft.api.schema import E, or_default, or_unset, reference
from netweft.api.search import LISTED, listed
from netweft.api.types import Cluster, DataCenter, Event, Host, Template, User, Vm
from netweft.core.errors import NotFoundError
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.events import AddEvent, add_external_event, remove_event
from netweft.engine.model.events import EventRow
from netweft.engine.queries import events as queries

routes = Routes("events")


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


class _Events(Collection[EventRow, Event]):
    """Events, whose ids are numbers."""

    def all(self, call: Call[Any]) -> list[Event]:
        later = queries.later_than(call.query.integer("from"))
        with call.read() as tx:
            return [show(row) for row in listed(tx, call, self.noun, *later)]

    def id(self, call: Call[Any]) -> str:
        return str(_number(call))


EVENTS = _Events(routes, queries.EVENTS, Event, "/events/{event_id}", show=show)
EVENTS.reads("Events, newest first; with ``from`` those after that one.", "One event.", queries=((*LISTED, "from"), ()))


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
    return EVENTS.one(call, str(call.run(add_external_event, call.actor, spec)))


@routes.delete("/events/{event_id}", needs=ActionGroup.AUDIT_LOG_MANAGEMENT)
def delete_event(call: Call[None]) -> None:
    """Remove an event from the list."""
    call.run(remove_event, call.actor, _number(call))


def _number(call: Call[Any]) -> int:
    text = call.ids["event_id"]
    if not is_number(text):
        raise NotFoundError(f"There is no event {text[:60]}.")
    return int(text)
