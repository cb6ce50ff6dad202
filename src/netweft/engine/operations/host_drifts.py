"""Detects drift of hosts, and records events when it begins, grows and ends. Ignored differences do not count until
they change, or their time is over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

import sqlalchemy as sa

from netweft.core.drift import Drift, first_of
from netweft.core.protocol import HostReport
from netweft.engine import audit
from netweft.engine.actor import SYSTEM, Actor
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, utc_now
from netweft.engine.model.hosts import HostDriftRow, host_differences, host_drifts
from netweft.engine.model.vms import vms
from netweft.engine.operations import host_changes
from netweft.engine.queries import host_networks as queries
from netweft.engine.queries.host_drifts import differences_of
from netweft.engine.queries.host_networks import HostData
from netweft.engine.statements import Statement, inserting

HOST_DRIFTS, HOST_IN_SYNC, HOST_DRIFTS_MORE = 20_010, 20_011, 20_030
"""Event codes of our own: oVirt has none for hosts that are changed by others."""

KEPT = 50
"""Differences that are stored for lists; the host itself shows all."""


def record_drift(tx: Tx, host_id: str, report: HostReport | None = None) -> None:
    """Store how the host differs from its desired state, with an event when differences begin, grow and end.

    ``report``: the host's last one, for callers who have it. During a change of the host or its guests nothing is
    stored: the report after it is evaluated. Repeating it, or for a host that was removed, changes nothing.
    """
    if host_changes.pending(tx, host_id):
        return
    data = queries.load(tx, (host_id,), reports={host_id: report} if report else None).get(host_id)
    if data is None or data.report is None or not data.report.is_settled:
        return
    if data.row.status in {"installing", "install_failed"}:
        return
    drift = _without_arriving_guests(tx, data).drift
    ignored = _keep_differences(tx, host_id, drift)
    _keep_drift(tx, data, list(drift.counted(ignored)))


def _keep_drift(tx: Tx, data: HostData, lines: list[str]) -> None:
    """Store the lines that count, for lists and metrics, and record the events."""
    here = host_drifts.c.host_id == data.row.id
    known = _KNOWN.first(tx, host_id=data.row.id)
    name = data.row.name
    if lines:
        kept = tuple(lines[:KEPT])
        if known is None:
            tx.execute(sa.insert(host_drifts).values(host_id=data.row.id, since=utc_now(), lines=kept))
            _record_event(tx, data, HOST_DRIFTS, f"Host {name} is out of sync: {first_of(lines)}.", Severity.WARNING)
        elif known.lines != kept:
            tx.execute(sa.update(host_drifts).where(here).values(lines=kept))
            reported = {_thing(line) for line in known.lines}
            new = [line for line in kept if _thing(line) not in reported]
            if new and len(known.lines) < KEPT:
                text = f"Further differences on Host {name}: {first_of(new)}."
                _record_event(tx, data, HOST_DRIFTS_MORE, text, Severity.WARNING)
    elif known is not None:
        tx.execute(sa.delete(host_drifts).where(here))
        _record_event(tx, data, HOST_IN_SYNC, f"Host {name} is in sync again.", Severity.NORMAL)


def _thing(line: str) -> str:
    """The property that a line is about: a line of which only the value has changed is not new."""
    return line.partition(", and is ")[0]


_KNOWN = Statement(sa.select(host_drifts).where(host_drifts.c.host_id == sa.bindparam("host_id")), record=HostDriftRow)


def _keep_differences(tx: Tx, host_id: str, drift: Drift) -> set[str]:
    """Store a row for each difference, remove the others; returns the texts of those that are ignored."""
    known = differences_of(tx, host_id)
    texts = {one.text for one in drift.differences()}
    gone = [row.key for text, row in known.items() if text not in texts]
    if gone:
        tx.execute(sa.delete(host_differences).where(_of(host_id), host_differences.c.key.in_(gone)))
    over = [row.key for row in known.values() if row.ignored_until is not None and row.ignored_until <= utc_now()]
    if over:
        count_again(tx, host_id, over)
    for text in [one.text for one in drift.differences() if one.text not in known][: max(0, KEPT - len(known))]:
        _ADD.run(tx, **_row(host_id, text))
    return {text for text, row in known.items() if row.ignored_at is not None and row.key not in over}


def _row(host_id: str, text: str) -> dict[str, object]:
    key = sha256(text.encode()).hexdigest()
    unset: Mapping[str, object] = {"ignored_at": None, "ignored_until": None, "ignored_by": "", "ignored_why": ""}
    return {"host_id": host_id, "key": key, "text": text, "since": utc_now(), **unset}


def _of(host_id: str) -> sa.ColumnElement[bool]:
    return host_differences.c.host_id == host_id


_ADD = inserting(host_differences)


def ignore(tx: Tx, actor: Actor, host_id: str, texts: Collection[str], until: datetime | None, why: str) -> None:
    """Ignore differences of a host, by their texts, until a time or until they change."""
    known = differences_of(tx, host_id)
    for text in texts:
        if text not in known:
            _ADD.run(tx, **_row(host_id, text))
    values = {"ignored_at": utc_now(), "ignored_until": until, "ignored_by": actor.name, "ignored_why": why}
    keys = [sha256(text.encode()).hexdigest() for text in texts]
    tx.execute(sa.update(host_differences).where(_of(host_id), host_differences.c.key.in_(keys)).values(**values))


def count_again(tx: Tx, host_id: str, keys: Collection[str]) -> None:
    """Count differences of a host that were ignored."""
    values = {"ignored_at": None, "ignored_until": None, "ignored_by": "", "ignored_why": ""}
    tx.execute(sa.update(host_differences).where(_of(host_id), host_differences.c.key.in_(keys)).values(**values))


def _without_arriving_guests(tx: Tx, data: HostData) -> HostData:
    """Without guests that are still migrating here: their vNICs are plugged in later."""
    if data.report is None or not data.report.guests:
        return data
    here = set(tx.scalars(sa.select(vms.c.id).where(vms.c.host_id == data.row.id, vms.c.status == "up")))
    guests = tuple(guest for guest in data.report.guests if guest.id in here)
    return replace(data, report=replace(data.report, guests=guests))


def _record_event(tx: Tx, data: HostData, code: int, text: str, severity: Severity) -> None:
    audit.record(tx, SYSTEM, code, text, severity, host=data.row.id, cluster=data.row.cluster_id)
