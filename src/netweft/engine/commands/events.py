"""Adding events of other systems, and removing events from the list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from sqlalchemy import Table, update

from netweft.core.errors import NotFoundError
from netweft.core.rules import check
from netweft.core.rules import event as rules
from netweft.engine import audit
from netweft.engine.access import authorize
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.audit import Severity
from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.events import events
from netweft.engine.model.hosts import hosts
from netweft.engine.model.templates import templates
from netweft.engine.model.vms import vms
from netweft.engine.queries.references import Ref, resolve

_CODES = {Severity.NORMAL: 9801, Severity.WARNING: 9802, Severity.ERROR: 9803, Severity.ALERT: 9804}
"""Event codes of external events (oVirt: EXTERNAL_EVENT_NORMAL ...)."""


_Noun: TypeAlias = Literal["cluster", "data_center", "host", "template", "vm"]
_NOUNS: Mapping[_Noun, Table] = {
    "cluster": clusters,
    "data_center": data_centers,
    "host": hosts,
    "template": templates,
    "vm": vms,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AddEvent:
    """An event of another system, called ``origin``; ``custom_id`` is that system's number for it. ``about``: the
    things that it is about, by noun.
    """

    description: str
    origin: str
    severity: str
    custom_id: int | None = None
    about: Mapping[str, Ref] = field(default_factory=dict)


def add_external_event(tx: Tx, actor: Actor, spec: AddEvent) -> int:
    """Record it and return its id. Needs INJECT_EXTERNAL_EVENTS on the system. Raises NotFoundError, DeniedError,
    ValidationError.
    """
    authorize.require(tx, actor, ActionGroup.INJECT_EXTERNAL_EVENTS)
    check(
        "Cannot add External Event.",
        rules.origin_is_valid(spec.origin),
        rules.description_is_valid(spec.description),
        rules.custom_id_is_valid(spec.custom_id),
    )
    severity = Severity(spec.severity)
    about = audit.About(origin=spec.origin, custom_id=spec.custom_id)
    for noun, table in _NOUNS.items():
        if noun in spec.about:
            about[noun] = resolve(tx, table, spec.about[noun], noun.replace("_", " "))
    return audit.record_numbered(tx, actor, _CODES[severity], spec.description, severity, **about)


def remove_event(tx: Tx, actor: Actor, event_id: int) -> None:
    """Take an event off the list; it stays stored. Needs AUDIT_LOG_MANAGEMENT on the system. Raises NotFoundError."""
    authorize.require(tx, actor, ActionGroup.AUDIT_LOG_MANAGEMENT)
    shown = events.c.id == event_id, events.c.removed.is_(False)
    if not tx.execute(update(events).where(*shown).values(removed=True)).rowcount:
        raise NotFoundError(f"There is no event {event_id}.")
