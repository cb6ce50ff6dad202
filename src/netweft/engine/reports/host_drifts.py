"""Detects drift of hosts, and reports when it begins and when it ends."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from netweft.core.drift import first_of
from netweft.core.protocol import HostReport
from netweft.engine import audit
from netweft.engine.actor import SYSTEM
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, utc_now
from netweft.engine.model.hosts import host_drifts
from netweft.engine.model.vms import vms
from netweft.engine.operations import host_changes
from netweft.engine.queries import host_networks as queries
from netweft.engine.queries.host_networks import HostData
from netweft.engine.statements import Statement

HOST_DRIFTS, HOST_AS_WANTED = 20_010, 20_011
"""Event codes; of our own, as oVirt tells nobody when a host is changed by other hands."""

KEPT = 50
"""Differences that are kept for lists; who wants all of many looks at the host."""


def judge_drift(tx: Tx, host_id: str, report: HostReport | None = None) -> None:
    """Write down how the host differs from what is wanted of it, with an event when that begins and when it is over.

    ``report``: the host's last one, for callers who have it. What can only be told when a change of the host, or of its
    guests, has ended stays as it was: the report after that tells. Repeating it, or for a host that was removed,
    changes nothing.
    """
    if host_changes.pending(tx, host_id):
        return
    data = queries.load(tx, (host_id,), reports={host_id: report} if report else None).get(host_id)
    if data is None or data.report is None or not data.report.is_settled:
        return
    if data.row.status in {"installing", "install_failed"}:
        return
    lines = _without_travellers(tx, data).drift.lines()
    here = host_drifts.c.host_id == host_id
    known = _KNOWN.first(tx, host_id=host_id)
    if lines:
        kept = list(lines[:KEPT])
        if known is None:
            tx.execute(sa.insert(host_drifts).values(host_id=host_id, since=utc_now(), lines=kept))
            _tell(tx, data, HOST_DRIFTS, f"Host {data.row.name} is not as wanted: {first_of(lines)}.", Severity.WARNING)
        elif known.lines != kept:
            tx.execute(sa.update(host_drifts).where(here).values(lines=kept))
    elif known is not None:
        tx.execute(sa.delete(host_drifts).where(here))
        _tell(tx, data, HOST_AS_WANTED, f"Host {data.row.name} is as wanted again.", Severity.NORMAL)


_KNOWN = Statement(sa.select(host_drifts).where(host_drifts.c.host_id == sa.bindparam("host_id")))


def _without_travellers(tx: Tx, data: HostData) -> HostData:
    """Of the guests only those that are known to run here: one that arrives is plugged in in good time."""
    if data.report is None or not data.report.guests:
        return data
    here = set(tx.scalars(sa.select(vms.c.id).where(vms.c.host_id == data.row.id, vms.c.status == "up")))
    guests = tuple(guest for guest in data.report.guests if guest.id in here)
    return replace(data, report=replace(data.report, guests=guests), found={})


def _tell(tx: Tx, data: HostData, code: int, text: str, severity: Severity) -> None:
    audit.record(tx, SYSTEM, code, text, severity, host=data.row.id, cluster=data.row.cluster_id)
