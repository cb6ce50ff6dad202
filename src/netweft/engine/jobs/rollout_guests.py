"""Moving the guests that a change would cut off away from its host before, and back after it, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from msgspec.structs import replace

from netweft.core.errors import BusyError, HostError, NotFoundError, ValidationError
from netweft.core.migration import AT_ONCE
from netweft.engine import audit, queue
from netweft.engine.audit import Severity
from netweft.engine.commands import migrations
from netweft.engine.commands.host_plans import cut_off_by, plan_of
from netweft.engine.db import Tx
from netweft.engine.job_context import JobContext
from netweft.engine.jobs.apply_host import actor_of
from netweft.engine.model.rollouts import GuestMove, rollout_hosts
from netweft.engine.model.vms import VmRow, vms
from netweft.engine.operations.rollouts import set_host
from netweft.engine.queries import host_networks as queries
from netweft.engine.queries.rollouts import HostOfRollout, held_of, row_of
from netweft.engine.statements import rows

NOT_BACK = 20_199
"""An event code of our own."""


def cut_off(tx: Tx, one: HostOfRollout) -> list[GuestMove]:
    """The running guests that the change of the host interrupts for longer than a moment."""
    held = held_of(tx, (one.host_id,), besides=(one.rollout_id,))
    data = queries.load_one(tx, one.host_id, held=held)
    try:
        found = plan_of(tx, data, data.intent)
    except HostError:  # no plan leads there, which the host itself is to say
        return []
    return [GuestMove(id=row.id, name=row.name) for row in cut_off_by(tx, found)]


def guests_of(one: HostOfRollout) -> list[GuestMove]:
    """The guests of a host that are being moved, or were; copies to be changed."""
    return [replace(guest) for guest in one.guests]


def stored(tx: Tx, one: HostOfRollout) -> tuple[GuestMove, ...]:
    """The same, as currently stored."""
    return tx.scalar(sa.select(rollout_hosts.c.guests).where(row_of(one))) or ()


def move(job: JobContext, one: HostOfRollout, *, back: bool) -> bool:
    """Begin and follow migrations away from the host, or back to it; returns whether all have ended. The guest's
    ``reason`` says why one has not left.
    """
    guests = guests_of(one)
    with job.db.read() as tx:
        waiting, under_way = _left(tx, one, guests, back=back)
    for guest in waiting[: max(0, AT_ONCE - under_way)]:
        try:
            guest.job = job.write(_begin, guest.id, one.host_id if back else "")
        except BusyError:  # something else is under way with it: it is asked again
            continue
        except (ValidationError, NotFoundError) as error:
            guest.reason = error.text
    job.write(_store, one, guests)
    return not (waiting or under_way)


def _left(tx: Tx, one: HostOfRollout, guests: Sequence[GuestMove], *, back: bool) -> tuple[list[GuestMove], int]:
    """Those whose migration has yet to begin, and the number of running migrations."""
    known = {row.id: row for row in rows(tx, VmRow, sa.select(vms).where(vms.c.id.in_([one.id for one in guests])))}
    waiting, under_way = [], 0
    for guest in guests:
        row = known.get(guest.id)
        if row is None or row.status not in {"up", "migrating"} or guest.reason:
            continue
        if row.status == "migrating":
            under_way += 1
        elif (row.host_id == one.host_id) == back:
            guest.job = ""
        elif guest.job and (ended := queue.outcome(tx, guest.job)):
            guest.reason = ended.error or "It has returned to its previous host."
        else:
            waiting.append(guest)
    return waiting, under_way


def _begin(tx: Tx, job: JobContext, vm_id: str, host_id: str) -> str:
    return migrations.move_away(tx, actor_of(job), vm_id, host_id)


def _store(tx: Tx, _job: JobContext, one: HostOfRollout, guests: Sequence[GuestMove]) -> None:
    set_host(tx, one, guests=guests)


def record_who_stays(tx: Tx, job: JobContext, one: HostOfRollout) -> None:
    """An event with the guests that were moved away from a host whose change has failed: they are not moved back."""
    names = ", ".join(guest.name for guest in guests_of(one) if not guest.reason)
    if names:
        text = f"These VMs were moved away from host {one.host_name} for its change, and stay where they are: {names}."
        audit.record(tx, actor_of(job), NOT_BACK, text, Severity.WARNING, host=one.host_id)


def record_who_stayed_away(tx: Tx, job: JobContext, one: HostOfRollout) -> None:
    """An event for each guest that could not be moved back."""
    for guest in stored(tx, one):
        if guest.reason:
            text = f"VM {guest.name} was not moved back to host {one.host_name} after its change. {guest.reason}"
            audit.record(tx, actor_of(job), NOT_BACK, text, Severity.WARNING, vm=guest.id, host=one.host_id)
