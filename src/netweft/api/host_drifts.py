"""``/netweft/v1/hosts/{id}/drift``: how a host differs from what is wanted of it, by who has it; and below it the
answers to that beside synchronizing the host: adopt it, or ignore it for a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec

from netweft.api.host_setup import when_idle
from netweft.api.network_attachments import visible_host
from netweft.api.routes import ADDITIONS, READ, Call, Later, Routes
from netweft.core.compare import Difference
from netweft.engine.access import visibility
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands import drift_answers as answers
from netweft.engine.model.hosts import HostDifferenceRow
from netweft.engine.queries import host_drifts as queries

routes = Routes("hosts", ADDITIONS)

_Stored = Mapping[str, HostDifferenceRow]
"""What is stored of a host's differences, by their texts."""


class Ignored(msgspec.Struct, kw_only=True, frozen=True):
    """Who ignores a difference, why, since when, and until when (null: until it changes)."""

    user: str
    reason: str
    since: datetime
    until: datetime | None


class Differs(msgspec.Struct, kw_only=True, frozen=True):
    """One difference. ``what``: the thing and its field; ``wanted``, ``found``: null for nothing; ``text``: a line;
    ``since``: when it was first seen, null where the host differs in more than is stored; ``ignored``: null while it
    counts.
    """

    what: str
    wanted: str | None
    found: str | None
    text: str
    since: datetime | None
    ignored: Ignored | None


class DriftOf(msgspec.Struct, kw_only=True, frozen=True):
    """The differences of one network, NIC, bond or guest's vNIC; ``id``: of the attachment or vNIC, empty for a NIC."""

    id: str
    name: str
    differences: list[Differs]


class HostDrift(msgspec.Struct, kw_only=True, frozen=True):
    """How a host differs from its configuration, by its last report.

    ``networks``: differences of single networks. ``nics``: differences of NICs and bonds, which concern all networks on
    them. ``guest_ports``: differences of guests' ports. ``host``: all others. ``obstacle``: why no setup can correct
    them now, empty when one can. ``in_sync``: nothing differs, apart from ignored differences. ``since``: when a
    difference was first found.
    """

    in_sync: bool
    since: datetime | None
    reported_at: datetime | None
    networks: list[DriftOf]
    nics: list[DriftOf]
    guest_ports: list[DriftOf]
    host: list[Differs]
    obstacle: str


class IgnoreDrift(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to ignore. ``differences``: names of networks, NICs or bonds, fields (``what``), or lines (``text``); none
    for all differences. ``until``: null for as long as they stay as they are.
    """

    differences: tuple[str, ...] = ()
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    reason: str = ""


class CountDrift(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to stop ignoring, as in :class:`IgnoreDrift`; none for everything that is ignored."""

    differences: tuple[str, ...] = ()


class AdoptDrift(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to adopt. ``names``: of networks, NICs or bonds; none for all differences."""

    names: tuple[str, ...] = ()


class Adopted(msgspec.Struct, kw_only=True, frozen=True):
    """``changed``: whether there was anything to do."""

    changed: bool


@routes.get("/hosts/{host_id}/drift", HostDrift, needs=READ)
def get_drift(call: Call[None]) -> HostDrift:
    """How the host differs from its configuration."""
    return _drift(call)


@routes.post("/hosts/{host_id}/drift/ignore", IgnoreDrift, gives=HostDrift, needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def post_ignore(call: Call[IgnoreDrift]) -> HostDrift:
    """Ignore differences until a time, or until they change: they do not count as out of sync."""
    body = call.body
    spec = answers.IgnoreDrift(
        host_id=call.ids["host_id"], names=body.differences, until=body.until, reason=body.reason
    )
    call.run(answers.ignore_drift, call.actor, spec)
    return _drift(call)


@routes.post("/hosts/{host_id}/drift/count", CountDrift, gives=HostDrift, needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def post_count(call: Call[CountDrift]) -> HostDrift:
    """Stop ignoring differences."""
    call.run(answers.count_drift, call.actor, call.ids["host_id"], call.body.differences)
    return _drift(call)


@routes.post("/hosts/{host_id}/drift/adopt", AdoptDrift, gives=Adopted, needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def post_adopt(call: Call[AdoptDrift]) -> Adopted | Later:
    """Adopt the host's current state into its configuration, as far as attachments and bonds can express it."""
    host_id, names = call.ids["host_id"], call.body.names
    job_id = when_idle(call, host_id, lambda: call.run(answers.adopt_host_drift, call.actor, host_id, names))
    return Adopted(changed=False) if job_id is None else Later(job_id, lambda: Adopted(changed=True))


def _drift(call: Call[Any]) -> HostDrift:
    with call.read() as tx:
        data = visible_host(tx, call)
        since = queries.since(tx, data.row.id)
        stored = queries.differences_of(tx, data.row.id)
        drift = data.drift
        guests = queries.names_of_vnics(tx, visibility.narrow(tx, call.actor), drift.guest_ports)
    names = {one.id: data.networks[one.network_id].name for one in data.intent.attachments}
    ignored = {text for text, row in stored.items() if row.ignored_at is not None}
    return HostDrift(
        in_sync=not drift.counted(ignored),
        since=since,
        reported_at=data.reported_at,
        networks=[_of(one, names[one], found, stored) for one, found in drift.attachments.items()],
        nics=[_of("", name, found, stored) for name, found in drift.bases.items()],
        guest_ports=[_of(one, name, drift.guest_ports[one], stored) for one, name in guests.items()],
        host=_differences(drift.host, stored),
        obstacle=drift.obstacle,
    )


def _of(one: str, name: str, found: Iterable[Difference], stored: _Stored) -> DriftOf:
    return DriftOf(id=one, name=name, differences=_differences(found, stored))


def _differences(found: Iterable[Difference], stored: _Stored) -> list[Differs]:
    return [
        Differs(
            what=one.what,
            wanted=one.expected,
            found=one.actual,
            text=one.text,
            since=stored[one.text].since if one.text in stored else None,
            ignored=_ignored(stored.get(one.text)),
        )
        for one in found
    ]


def _ignored(row: HostDifferenceRow | None) -> Ignored | None:
    if row is None or row.ignored_at is None:
        return None
    return Ignored(user=row.ignored_by, reason=row.ignored_why, since=row.ignored_at, until=row.ignored_until)
