"""Hosts whose report has not changed: whether the stored one must be evaluated again nevertheless.

The evaluation depends on more than the report: machines that were started or lost since, vNICs that are out of sync,
links that have been down for long enough, changes without a known outcome, hosts that were unreachable.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from netweft.core.host_health import LINK_GRACE
from netweft.core.protocol import HostReport
from netweft.engine.db import Tx, utc_now
from netweft.engine.model.host_networks import host_changes
from netweft.engine.model.hosts import host_nics, host_reports, hosts
from netweft.engine.model.vms import vms
from netweft.engine.model.vnics import vnics
from netweft.engine.reports.host_reports import TakeReport, take_report
from netweft.engine.statements import Statement

_MARGIN = 120.0
"""Seconds beyond :data:`LINK_GRACE` in which a host with a link that is down is evaluated again: two polls or more."""
_IN_SIGHT = ("up", "non_operational", "maintenance", "installing", "install_failed")
"""Statuses of hosts that an unchanged report does not change."""

_UNSETTLED = [sa.literal(status) for status in ("unknown", "powering_down")]
"""Statuses of virtual machines that the next report of their host may end."""

_REPORT = msgspec.json.Decoder(HostReport)


def stored_tag(tx: Tx, host_id: str) -> tuple[str, bool]:
    """The tag of the stored report, empty when there is none; and whether it must be evaluated again although it has
    not changed.
    """
    since = utc_now() - timedelta(seconds=LINK_GRACE + _MARGIN)
    row = _KNOWN.first(tx, id=host_id, since=since)
    if row is None:
        return "", False
    status, tag, asked_at, is_open = row
    return ("", False) if asked_at is None else (tag, status not in _IN_SIGHT or bool(is_open))


def evaluate_again(tx: Tx, host_id: str, tag: str, asked_at: datetime) -> None:
    """Evaluate the stored report again, which was still current at ``asked_at``. Does nothing when its tag is another:
    a newer one has been stored meanwhile.
    """
    content = tx.scalar(
        sa.select(host_reports.c.report).where(host_reports.c.host_id == host_id, host_reports.c.tag == tag)
    )
    if content is not None:
        report = replace(_REPORT.decode(content), tag=tag)
        take_report(tx, TakeReport(host_id=host_id, report=report, asked_at=asked_at))


_MOVED = sa.exists().where(
    sa.or_(vms.c.host_id == hosts.c.id, vms.c.saved_host_id == hosts.c.id),
    sa.or_(vms.c.status.in_(_UNSETTLED), vms.c.changed_at >= host_reports.c.asked_at),
)
_UNSYNCED = (
    sa.exists()
    .where(vms.c.host_id == hosts.c.id, vms.c.status == "up")
    .where(vnics.c.vm_id == vms.c.id, vnics.c.plugged, ~vnics.c.synced)
)
_PENDING = sa.exists().where(host_changes.c.host_id == hosts.c.id, host_changes.c.state == "pending")
_DOWN = sa.exists().where(host_nics.c.host_id == hosts.c.id, host_nics.c.down_since > sa.bindparam("since"))
_KNOWN = Statement(
    sa.select(
        hosts.c.status,
        host_reports.c.tag,
        host_reports.c.asked_at,
        sa.or_(_MOVED, _UNSYNCED, _PENDING, _DOWN),
    )
    .join(host_reports, host_reports.c.host_id == hosts.c.id)
    .where(hosts.c.id == sa.bindparam("id"))
)
