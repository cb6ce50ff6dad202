"""Migrating the guests of a host that goes into maintenance (oVirt's MaintenanceVds): a few at a time, each to the host
that fits best.

The host is in maintenance when the last one has gone, whoever moved or stopped it
(:func:`netweft.engine.commands.hosts.finish_maintenance`). Those that cannot be moved now are reported, each with its
reason, and the host stays in preparation until users move or stop them, repeat the request, or activate it. Safe to
repeat: the attempts are stored in the job's progress.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa

from netweft.core.errors import BusyError, HostError, NotFoundError, ValidationError
from netweft.core.migration import AT_ONCE
from netweft.engine import audit, queue
from netweft.engine.audit import Severity
from netweft.engine.commands import migrations
from netweft.engine.commands.hosts import PREPARING, finish_maintenance
from netweft.engine.db import Tx, lock
from netweft.engine.job_context import JobContext, PostponedError
from netweft.engine.jobs.apply_host import actor_of
from netweft.engine.model.hosts import hosts
from netweft.engine.model.jobs import jobs
from netweft.engine.model.vms import vms
from netweft.engine.payloads import OnHost
from netweft.engine.queries.clusters import Member
from netweft.engine.statements import rows as rows_of

VM_STAYED, INCOMPLETE = 140, 602
"""Event codes (oVirt: VM_MIGRATION_FAILED_DURING_MOVE_TO_MAINTENANCE, USER_VDS_MAINTENANCE_MIGRATION_FAILED)."""

_AGAIN = 0.5
"""Seconds between checks of the migrations."""


@dataclass(slots=True, kw_only=True)
class _Guest:
    """The attempt to move a guest. ``job``: its migration; ``reason``: why it stayed, empty while it may still move."""

    name: str
    job: str = ""
    reason: str = ""


@dataclass(slots=True, kw_only=True)
class _Progress:
    """The progress for users, from which the next check continues. ``guests`` by id: also those that have left."""

    phase: str = ""
    guests: dict[str, _Guest] = field(default_factory=dict)


class IncompleteError(HostError):
    """Guests are left on the host, which goes on preparing for maintenance."""

    code = "VDS_MAINTENANCE_FAILED"


def run(job: JobContext) -> Mapping[str, Any]:
    """The job ``evacuate_host``. Raises IncompleteError; PostponedError while guests are migrating."""
    host_id = OnHost.of(job.job).host_id
    status, rows, progress = job.write(_state, host_id)
    if status == "maintenance":  # since the last guest left, or a worker died at this job's end
        return {}
    if status != PREPARING:
        return {"cancelled": True}
    _send_away(job, rows, progress)
    here = {row.id for row in rows}
    progress.phase = f"{len(progress.guests.keys() - here)} of {len(progress.guests)} guests have left"
    job.progress(**msgspec.to_builtins(progress))
    if job.write(_finish, host_id):
        return {}
    stuck = {guest.name: guest.reason for key, guest in progress.guests.items() if key in here and guest.reason}
    if len(stuck) < max(1, len(here)):
        raise PostponedError(_AGAIN)
    raise job.write(_give_up, host_id, stuck)


def _state(tx: Tx, job: JobContext, host_id: str) -> tuple[str | None, Sequence[Member], _Progress]:
    """The status of the host (None: it is removed), the guests on it, and what has been tried with each."""
    known = tx.execute(sa.select(jobs.c.progress).where(jobs.c.id == job.job.id)).scalar_one()
    progress = msgspec.convert(known or {}, _Progress)
    status = tx.execute(sa.select(hosts.c.status).where(hosts.c.id == host_id)).scalar_one_or_none()
    if status != PREPARING:
        return status, (), progress
    here = sa.select(vms.c.id, vms.c.name, vms.c.status).where(vms.c.host_id == host_id).order_by(vms.c.name)
    rows = rows_of(tx, Member, here)
    for row in rows:
        guest = progress.guests.setdefault(row.id, _Guest(name=row.name))
        ended = queue.outcome(tx, guest.job) if guest.job and row.status == "up" and not guest.reason else None
        if ended is not None:
            _record_stayed(tx, job, row, guest, ended.error or "It is back on the host.")
    return status, rows, progress


def _send_away(job: JobContext, rows: Sequence[Member], progress: _Progress) -> None:
    """Begin migrations, up to the number that may run at once."""
    under_way = sum(row.status == "migrating" for row in rows)
    for row in rows:
        guest = progress.guests[row.id]
        if under_way < AT_ONCE and row.status == "up" and not guest.job and not guest.reason:
            try:
                guest.job = job.write(_begin, row.id)
                under_way += 1
            except (ValidationError, BusyError, NotFoundError) as error:
                job.write(_record_stayed, row, guest, error.text)


def _begin(tx: Tx, job: JobContext, vm_id: str) -> str:
    return migrations.move_away(tx, actor_of(job), vm_id)


def _record_stayed(tx: Tx, job: JobContext, row: Member, guest: _Guest, reason: str) -> None:
    guest.reason = reason
    host_id = OnHost.of(job.job).host_id
    text = (
        f"Migration failed: {reason} while Host is in 'preparing for maintenance' state. Consider manual intervention:"
        f" stopping/migrating VM {row.name}, as the Host stays in this state while guests run on it."
    )
    audit.record(tx, actor_of(job), VM_STAYED, text, Severity.ERROR, vm=row.id, host=host_id, job=job.job.id)


def _finish(tx: Tx, job: JobContext, host_id: str) -> bool:
    return finish_maintenance(tx, actor_of(job), lock(tx, hosts, host_id))


def _give_up(tx: Tx, job: JobContext, host_id: str, stuck: Mapping[str, str]) -> IncompleteError:
    host = lock(tx, hosts, host_id)
    reasons = " ".join(f"{name}: {reason}" for name, reason in sorted(stuck.items()))
    text = (
        f"Host {host.name} cannot change into maintenance mode - not all guests could be moved. Stop or migrate them,"
        f" repeat the request, or activate the Host. {reasons}"
    )
    audit.record(tx, actor_of(job), INCOMPLETE, text, Severity.WARNING, host=host_id, job=job.job.id)
    return IncompleteError(text)
