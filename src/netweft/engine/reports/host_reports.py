"""Storing and evaluating hosts' reports: the only path that updates NICs, links, guests and statuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from netweft.core.guest_protocol import GuestState
from netweft.core.host_health import LINK_GRACE, health
from netweft.core.host_limits import limits_of
from netweft.core.nic_view import NicView, nic_views
from netweft.core.protocol import HostReport, Phase
from netweft.core.sync import locate_networks
from netweft.engine import audit, queue
from netweft.engine.actor import SYSTEM
from netweft.engine.audit import Severity
from netweft.engine.commands import snapshots
from netweft.engine.commands.hosts import PREPARING, finish_maintenance, set_status
from netweft.engine.db import Tx, announce, lock, new_id, utc_now
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.events import events
from netweft.engine.model.host_networks import HostChangeRow, host_bonds
from netweft.engine.model.hosts import HostNicRow, HostRow, host_nics, host_reports, hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.vms import ThisRun, VmRow, vms
from netweft.engine.operations import functions, host_changes, host_drifts, host_labels, ports, vnic_sync
from netweft.engine.operations.host_changes import Kept
from netweft.engine.operations.network_status import attachments_changed
from netweft.engine.operations.rollouts import TOPIC
from netweft.engine.payloads import OnVm
from netweft.engine.reports.adoption import take_over
from netweft.engine.statements import Among, Statement, inserting

HOST_DOWN, HOST_DETECTED = 12, 13
NON_OPERATIONAL: Mapping[str, int] = {"NETWORK_UNREACHABLE": 519, "NETWORK_INTERFACE_IS_DOWN": 603}
NIC_UP, NIC_DOWN, SLAVE_UP, SLAVE_DOWN = 609, 610, 611, 612
VM_DOWN, VM_DOWN_ERROR = 61, 119
"""Event codes (oVirt: VDS_FAILURE, VDS_DETECTED, VDS_SET_NONOPERATIONAL_NETWORK, VDS_SET_NONOPERATIONAL_IFACE_DOWN,
HOST_INTERFACE_STATE_UP ...).
"""

VM_FOUND, VM_TWICE = 20_155, 20_158
"""Event codes of our own."""

_REPORTED_STATUSES = ("up", "unknown", "powering_down", "suspended")
"""Statuses of a virtual machine that a report may change; in any other, a job does."""

_ENDS = {"powering_down": "the guest was shut down", "suspended": "its saved memory no longer exists"}
"""Why a virtual machine has ended, by the status that it had."""

AUTO_STATUSES = frozenset({"up", "non_operational", "non_responsive", "unassigned", "down"})
"""Statuses that a report may change; a host in maintenance or being installed is left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeReport:
    """A report and when it was requested: it does not contain later changes."""

    host_id: str
    report: HostReport
    asked_at: datetime


def take_report(tx: Tx, spec: TakeReport) -> None:
    """Store a host's report and evaluate it. Repeating it changes nothing; raises NotFoundError when the host was
    removed.

    A report from the middle of a change is ignored: what is missing in it may be there a moment later.
    """
    host = lock(tx, hosts, spec.host_id)
    if spec.report.change is not None and not spec.report.change.phase.is_final:
        return
    views = nic_views(spec.report.host)
    _store(tx, host, spec)
    _sync_nics(tx, host, views)
    has_others = _end_changes(tx, host, spec.report)
    if spec.report.generation > host.generation:  # it was assigned after the backup of this database was made
        take_over(tx, host, spec.report)
    _take_in_guests(tx, host, spec)
    vnic_sync.review(tx, host.id, spec.report)
    host_drifts.record_drift(tx, host.id, spec.report)
    evaluate_status(tx, spec.host_id, spec.report)
    if has_others:  # after the evaluation with the requirements until now, as when a job records its change
        attachments_changed(tx, host.id)


def _store(tx: Tx, host: HostRow, spec: TakeReport) -> None:
    values = {
        "report": msgspec.json.encode(spec.report),
        "taken_at": utc_now(),
        "tag": spec.report.tag,
        "capabilities": spec.report.capabilities,
        "limits": limits_of(spec.report.host, spec.report.capabilities.lacks),
        "asked_at": spec.asked_at,
        **_identities(spec.report),
    }
    if not _REPLACE_REPORT.first(tx, id=host.id, **values):
        _ADD_REPORT.run(tx, host_id=host.id, **values)
    if host.dirty != spec.report.dirty:
        tx.execute(sa.update(hosts).where(hosts.c.id == host.id).values(dirty=spec.report.dirty))


def _identities(report: HostReport) -> dict[str, str]:
    """The names that external network systems have for the host. Without a southbound database it is no chassis."""
    chassis = report.host.chassis
    is_chassis = chassis is not None and bool(chassis.remote)
    return {
        "hostname": report.capabilities.hostname[:_KNOWN_BY_MAX].casefold(),
        "system_id": chassis.system_id[:_KNOWN_BY_MAX] if chassis and is_chassis else "",
        "ovn_remote": chassis.remote if chassis and is_chassis else "",
    }


_KNOWN_BY_MAX = 255
"""Characters of a name or id that are stored and compared."""
_ID: sa.BindParameter[str] = sa.bindparam("id")
_REPLACE_REPORT = Statement(
    sa.update(host_reports).where(host_reports.c.host_id == _ID).returning(host_reports.c.host_id),
    [
        "report",
        "taken_at",
        "tag",
        "capabilities",
        "limits",
        "asked_at",
        "hostname",
        "system_id",
        "ovn_remote",
    ],
)
_ADD_REPORT = inserting(host_reports)


def _sync_nics(tx: Tx, host: HostRow, views: Mapping[str, NicView]) -> None:
    """Add rows for new NICs, remove those of missing ones, and record events for links that went up or down."""
    known = {row.name: row for row in _NICS.all(tx, id=host.id)}
    gone = [row.id for name, row in known.items() if name not in views]
    if gone:
        tx.execute(sa.delete(host_nics).where(host_nics.c.id.in_(gone)))
    new = [name for name in views if name not in known]
    if new:
        bonds = dict(_BONDS.all(tx, id=host.id))
        rows = [
            {
                "id": bonds.get(name) or new_id(),
                "host_id": host.id,
                "name": name,
                "down_since": None if views[name].is_up else utc_now(),
            }
            for name in new
        ]
        for values in rows:
            _ADD_NIC.run(tx, **values)
    for name, row in known.items():
        if name in views and views[name].is_up != (row.down_since is None):
            _link_changed(tx, host, views[name], row)


_NICS = Statement(sa.select(host_nics).where(host_nics.c.host_id == _ID), record=HostNicRow)
_ADD_NIC = inserting(host_nics)
_BONDS = Statement(sa.select(host_bonds.c.name, host_bonds.c.id).where(host_bonds.c.host_id == _ID))


def _link_changed(tx: Tx, host: HostRow, view: NicView, row: HostNicRow) -> None:
    since = None if view.is_up else utc_now()
    tx.execute(sa.update(host_nics).where(host_nics.c.id == row.id).values(down_since=since))
    if view.kind == "vlan":
        return  # its base has the same event
    state, severity = ("UP", Severity.NORMAL) if view.is_up else ("DOWN", Severity.WARNING)
    if view.master:
        code = SLAVE_UP if view.is_up else SLAVE_DOWN
        text = f"Slave {view.name} of bond {view.master} on host {host.name}, changed state to {state.lower()}."
    else:
        code = NIC_UP if view.is_up else NIC_DOWN
        text = f"Interface {view.name} on host {host.name}, changed state to {state.lower()}."
    audit.record(tx, SYSTEM, code, text, severity, host=host.id, cluster=host.cluster_id)


def _end_changes(tx: Tx, host: HostRow, report: HostReport) -> bool:
    """End changes whose job ended without their outcome, by the host's report. Returns whether the host has other
    networks than before.
    """
    has_others = False
    kept = host_changes.Kept(observed=report.host)
    for row in host_changes.pending(tx, host.id):
        if host_changes.is_being_brought(tx, row):
            continue
        change = report.change
        if report.generation < row.generation:
            _record_refused(tx, host, row, kept, "The request never reached the host.")
        elif change is None or (change.generation, change.request) != (row.generation, row.job_id):
            _record_refused(tx, host, row, kept, "The host has applied a later change.")
        elif change.phase is Phase.ROLLED_BACK:
            _record_refused(tx, host, row, kept, change.error, host_changes.ROLLED_BACK)
        else:
            has_others |= host_changes.record_applied(tx, host.id, row.generation, kept)
            host_changes.amend_job(tx, row.job_id, queue.Status.FINISHED)
            code = host_changes.PERSISTED if row.candidate is None else host_changes.SETUP
            text = f"Network changes were applied on host {host.name}, as it reports after it was unreachable."
            audit.record(tx, SYSTEM, code, text, host=host.id, cluster=host.cluster_id, job=row.job_id)
    return has_others


def _record_refused(
    tx: Tx, host: HostRow, row: HostChangeRow, kept: Kept, error: str, error_code: str = host_changes.LOST
) -> None:
    host_changes.record_refused(tx, host.id, row.generation, error, kept)
    host_changes.amend_job(tx, row.job_id, queue.Status.FAILED, error, error_code)
    code = host_changes.PERSIST_FAILED if row.candidate is None else host_changes.SETUP_FAILED
    text = f"Failed to apply changes on host {host.name}, as it reports after it was unreachable: {error}"
    audit.record(tx, SYSTEM, code, text, Severity.ERROR, host=host.id, cluster=host.cluster_id, job=row.job_id)


def _take_in_guests(tx: Tx, host: HostRow, spec: TakeReport) -> None:
    """Machines that should run here but do not have ended by themselves; those of unknown status run again."""
    states = {guest.id: guest for guest in spec.report.guests}
    for vm in _CHANGEABLE.all(tx, id=host.id, statuses=_REPORTED_STATUSES, before=spec.asked_at):
        guest = states.get(vm.id)
        status = guest.status if guest else ""
        if status == "suspended":
            if vm.status != "suspended":
                record_guest(tx, vm.id, status, host.id)
        elif status == "up":
            if vm.status in {"unknown", "suspended"}:
                record_guest(tx, vm.id, status, host.id)
        elif vm.status != "powering_down" or guest:  # else its job is removing it
            _record_end(tx, host, vm, guest)
    _find_running(tx, host, spec)
    _clear_up(tx, host, [guest for guest in spec.report.guests if guest.status == "down"])


_CHANGEABLE = Statement(
    sa.select(vms).where(
        sa.or_(vms.c.host_id == _ID, vms.c.saved_host_id == _ID),
        Among(vms.c.status, "statuses"),
        vms.c.changed_at < sa.bindparam("before"),
    ),
    record=VmRow,
)


def _find_running(tx: Tx, host: HostRow, spec: TakeReport) -> None:
    """Virtual machines that run here although their status is down: they were started after the backup that the
    database was restored from. One that is up on another host is left to administrators, with one event: to stop either
    could be to stop the wrong one.
    """
    running = [guest.id for guest in spec.report.guests if guest.status == "up" and not guest.error]
    for vm in _FOUND.all(tx, ids=running, id=host.id, before=spec.asked_at) if running else ():
        if vm.status == "down":
            record_guest(tx, vm.id, "up", host.id)
            code, severity = VM_FOUND, Severity.WARNING
            text = f"VM {vm.name} was found running on Host {host.name}."
        else:
            code, severity = VM_TWICE, Severity.ERROR
            other = tx.scalar(sa.select(hosts.c.name).where(hosts.c.id == vm.host_id))
            text = (
                f"VM {vm.name} runs on Host {host.name} as well as on Host {other}, its host. Stop it on "
                f"{host.name} by hand."
            )
        audit.record(tx, SYSTEM, code, text, severity, vm=vm.id, host=host.id, cluster=vm.cluster_id)


_REPORTED_TWICE = sa.exists().where(
    events.c.code == VM_TWICE, events.c.vm_id == vms.c.id, events.c.host_id == _ID, events.c.time > vms.c.changed_at
)
_RUNS_ELSEWHERE = sa.and_(
    sa.or_(vms.c.status == "up", vms.c.status == "powering_down"), vms.c.host_id != _ID, ~_REPORTED_TWICE
)
_FOUND = Statement(
    sa.select(vms).where(
        Among(vms.c.id, "ids"),
        vms.c.changed_at < sa.bindparam("before"),
        sa.or_(vms.c.status == "down", _RUNS_ELSEWHERE),
    ),
    record=VmRow,
)


def record_guest(tx: Tx, vm_id: str, status: str, host_id: str | None = None, reason: str = "") -> None:
    """Store that a virtual machine is up or suspended on a host, or down."""
    places = {
        "host_id": host_id if status == "up" else None,
        "saved_host_id": host_id if status == "suspended" else None,
    }
    values: dict[str, Any] = {"status": status, "status_reason": reason, "changed_at": utc_now(), **places}
    if status == "down":
        values["this_run"] = ThisRun()
    tx.execute(sa.update(vms).where(vms.c.id == vm_id).values(values))
    if status == "down":
        snapshots.end_stateless(tx, vm_id)


def _record_end(tx: Tx, host: HostRow, vm: VmRow, guest: GuestState | None) -> None:
    """A machine has ended; what is left of it on its host is cleared up."""
    why = _ENDS.get(vm.status, "the guest ended by itself")
    if vm.status == "powering_down" and vm.status_reason:
        why = vm.status_reason
    if guest and guest.error:
        why = guest.error
    bad = vm.status == "suspended" or (guest and guest.error)
    code, severity = (VM_DOWN_ERROR, Severity.ERROR) if bad else (VM_DOWN, Severity.NORMAL)
    record_guest(tx, vm.id, "down", reason=why)
    functions.release(tx, vm.id)
    ports.release(tx, vm.id)
    text = f"VM {vm.name} is down. Exit message: {why}."
    audit.record(tx, SYSTEM, code, text, severity, vm=vm.id, host=host.id, cluster=vm.cluster_id)


def _clear_up(tx: Tx, host: HostRow, ended: list[GuestState]) -> None:
    """Let the host forget guests that are not its own any more: they ended by themselves, or have gone to another host
    while its agent was away.
    """
    if not ended:
        return
    own = sa.or_(vms.c.host_id == host.id, vms.c.saved_host_id == host.id, vms.c.status == "migrating")
    kept = set(tx.scalars(sa.select(vms.c.id).where(vms.c.id.in_([guest.id for guest in ended]), own)))
    for guest in ended:
        if guest.id not in kept:
            payload = OnVm(vm_id=guest.id, host_id=host.id)
            text = f"Clearing up after VM {guest.name} on Host {host.name}"
            queue.enqueue_once(tx, SYSTEM, "clear_guest", f"vm:{guest.id}", text, payload)


def evaluate_status(tx: Tx, host_id: str, report: HostReport) -> None:
    """Say whether a host that answered is up, by the networks that its cluster requires. Repeated until nothing
    changes any more.
    """
    host = lock(tx, hosts, host_id)
    if host.status not in AUTO_STATUSES:
        finish_maintenance(tx, SYSTEM, host)
        return
    locations = locate_networks(report.host)
    found = health(_required(tx, host.cluster_id), locations, _long_down(tx, host_id), host.name)
    changed = set_status(tx, host, found.status, found.text)
    if not changed:
        return
    if found.status == "up":
        text, code, severity = f"Status of host {host.name} was set to Up.", HOST_DETECTED, Severity.NORMAL
        host_labels.propagate(tx, SYSTEM, "the host came up", host_id)
        announce(tx, TOPIC, replicas=True)
    else:
        text, code, severity = found.text, NON_OPERATIONAL[found.reason], Severity.ERROR
    audit.record(tx, SYSTEM, code, text, severity, host=host_id, cluster=host.cluster_id)


def _required(tx: Tx, cluster_id: str) -> dict[str, str]:
    return dict(_REQUIRED.all(tx, id=cluster_id))


_REQUIRED = Statement(
    sa.select(networks.c.id, networks.c.name)
    .join(cluster_networks, cluster_networks.c.network_id == networks.c.id)
    .where(
        cluster_networks.c.cluster_id == _ID,
        cluster_networks.c.required,
        cluster_networks.c.status == "operational",
    )
)


def _long_down(tx: Tx, host_id: str) -> set[str]:
    before = utc_now() - timedelta(seconds=LINK_GRACE)
    return set(_DOWN_BEFORE.scalars(tx, id=host_id, before=before))


_DOWN_BEFORE = Statement(
    sa.select(host_nics.c.name).where(host_nics.c.host_id == _ID, host_nics.c.down_since < sa.bindparam("before"))
)


def lose_host(tx: Tx, host_id: str, reason: str) -> None:
    """The host does not answer: what runs there is unknown. Raises NotFoundError when it is gone."""
    host = lock(tx, hosts, host_id)
    if host.status not in AUTO_STATUSES - {"non_responsive"} | {PREPARING}:
        return
    running = sa.and_(vms.c.host_id == host_id, vms.c.status.in_(("up", "powering_down")))
    lost = tx.execute(sa.update(vms).where(running).values(status="unknown", changed_at=utc_now())).rowcount
    if host.status != PREPARING:  # which it goes on to be: when it is back, its guests are to leave
        set_status(tx, host, "non_responsive", reason)
    elif not lost:
        return
    text = f"Host {host.name} is non responsive: {reason}"
    audit.record(tx, SYSTEM, HOST_DOWN, text, Severity.ERROR, host=host_id, cluster=host.cluster_id)
