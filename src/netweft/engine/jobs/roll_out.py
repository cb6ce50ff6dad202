"""Rolling a change out to several hosts: first to a few, which are watched for a while, then to the rest in waves.

The next step follows from the stored states of the hosts (:func:`netweft.core.rollout.next_move`), so that another
engine can continue after one ends in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from netweft.core.errors import BusyError, NetweftError, ValidationError
from netweft.core.rollout import (
    DEFAULT_SOAK,
    PROBING_MAX,
    Health,
    HostState,
    Move,
    Next,
    Status,
    counted,
    decisive,
    new_problem,
    next_move,
)
from netweft.engine import audit, queue
from netweft.engine.audit import Severity
from netweft.engine.db import Database, Tx, lock, utc_now
from netweft.engine.job_context import JobContext, PostponedError
from netweft.engine.jobs import rollout_guests
from netweft.engine.jobs.apply_host import actor_of
from netweft.engine.model.hosts import hosts
from netweft.engine.model.rollouts import RolloutRow, rollout_hosts, rollouts
from netweft.engine.model.vms import vms
from netweft.engine.model.vnics import vnics
from netweft.engine.operations import host_changes, vnic_sync
from netweft.engine.operations import rollouts as operations
from netweft.engine.operations.rollout_undo import add_newcomers, former, require_revertible, undo
from netweft.engine.operations.rollouts import Task, set_host
from netweft.engine.payloads import RollOut
from netweft.engine.queries import rollouts as queries
from netweft.engine.queries.rollout_health import health_of
from netweft.engine.queries.rollout_peers import lost_peers
from netweft.engine.queries.rollouts import HostOfRollout

SUCCEEDED, FAILED, REVERTED, NOT_REVERTED, WAITS = 20_194, 20_195, 20_196, 20_197, 20_198
"""Event codes of our own."""

_SILENT = "It no longer responds."

EVERY = 10.0
"""Seconds between checks for rollouts that may continue, as their hosts are back."""

_LONG = 2.0
"""Seconds; for longer pauses the job is put back into the queue."""


def run(job: JobContext) -> None:
    """The job ``roll_out``. Raises PostponedError while the first hosts are watched for long, or the engine stops;
    other errors halt the rollout.
    """
    rollout_id = RollOut.of(job.job).rollout_id
    try:
        _continue(job, rollout_id)
    except queue.LostError:
        raise
    except NetweftError as error:
        job.write(_stop, rollout_id, error.text)
        raise


def _continue(job: JobContext, rollout_id: str) -> None:
    reported = ""
    while True:
        with job.db.read() as tx:
            row = queries.find(tx, rollout_id)
            if row is None:
                return
            move, about = _next_move(tx, row)
            chosen = queries.some_of(tx, rollout_id, about) if about else []
            phase = counted(queries.states_of(tx, (rollout_id,)).get(rollout_id, {}))
        if phase != reported:
            job.progress(phase=phase)
            reported = phase
        pause = _do(job, row, move, chosen)
        if pause is None:
            return
        if pause > _LONG:
            raise PostponedError(_LONG)
        job.pause(pause)


def _next_move(tx: Tx, row: RolloutRow) -> Next:
    """The next move; reads only the hosts that decide it, if there are any."""
    status = Status(row.status)
    positions = queries.positions_of(tx, row.id, decisive(status)) or queries.positions_of(tx, row.id)
    return next_move(status, positions)


def _stop(tx: Tx, job: JobContext, rollout_id: str, reason: str) -> None:
    """Halt a rollout that cannot continue."""
    row = lock(tx, rollouts, rollout_id)
    if row.status in {Status.RUNNING, Status.REVERTING}:
        operations.end(tx, rollout_id, Status.HALTED, reason)
        text = f"The rollout '{row.reason}' was halted: {reason}"
        audit.record(tx, actor_of(job), FAILED, text, Severity.ERROR, job=job.job.id)


def _do(job: JobContext, row: RolloutRow, move: Move, chosen: Sequence[HostOfRollout]) -> float | None:
    """Make a move. Returns the seconds until the next one, None when nothing is left to do now."""
    pause: float | None = 0.0
    match move:
        case Move.CHECK_RESULTS:
            pause = _end_jobs(job, chosen, row)
        case Move.WATCH:
            pause = _watch(job, chosen, row)
        case Move.CHANGE:
            # Evacuated guests need other hosts that are not changed at the same time.
            together = chosen[:1] if any(one.evacuates for one in chosen) else chosen
            started = [job.write(_reach, row, one) for one in together]
            pause = 0.0 if any(started) else job.patience.rollout
        case Move.TAKE_BACK:
            for one in chosen:
                job.write(_revert, row, one)
        case Move.FAIL:
            job.write(_fail, row.id, chosen)
        case Move.WAIT:
            pause = 0.0 if job.write(_is_resolved, row.id, chosen) else None
        case Move.END:
            job.write(_end, row.id)
            pause = None
    return pause


def _reach(tx: Tx, job: JobContext, row: RolloutRow, one: HostOfRollout) -> bool:
    """Begin with a host: evacuate the guests that the change would cut off, if its cluster wants that, or change it at
    once. Returns whether that has begun.
    """
    here = rollout_guests.cut_off(tx, one) if one.evacuates else []
    if not here:
        return _change(tx, job, row, one)
    guests = {guest.id: guest for guest in (*rollout_guests.guests_of(one), *here)}  # also those of an earlier try
    set_host(tx, one, state=HostState.EVACUATING, guests=tuple(guests.values()), error="")
    return True


def _change(tx: Tx, job: JobContext, row: RolloutRow, one: HostOfRollout) -> bool:
    """Apply the change to a host. A host whose networks are being set up must finish that first; returns whether the
    change was requested or is not necessary.
    """
    if not _is_member(tx, one) or not _may_move(tx, row.id, Status.RUNNING):
        return True
    try:
        host_changes.require_idle(tx, one.host_id, one.host_name)
    except BusyError:
        return False
    health = health_of(tx, (one,))[one.host_id]
    task = Task(applies=one.applies, labels=one.labels, lost=one.lost)
    set_host(tx, one, held=False, state=HostState.CHANGING, error="", health=health)
    set_host(tx, one, job_id=_ask(tx, job, one, task, row.reason))
    return True


def _revert(tx: Tx, job: JobContext, row: RolloutRow, one: HostOfRollout) -> None:
    """Restore a host's former networks."""
    if not _is_member(tx, one) or not _may_move(tx, row.id, Status.REVERTING):
        return
    held = former(tx, row, one)
    rollout_guests.record_who_stays(tx, job, one)
    lost = tuple(network.id for network in held.networks if not (network.label and network.cluster_id))
    task = Task(applies=one.applies, labels=one.labels, lost=lost)
    set_host(tx, one, held=True, before=held, state=HostState.REVERTING, error="", guests=())
    reason = f"this was reverted: {row.reason}"
    set_host(tx, one, job_id=_ask(tx, job, one, task, reason))


def _ask(tx: Tx, job: JobContext, one: HostOfRollout, task: Task, reason: str) -> str:
    """Request a host's current desired state; vNICs of its guests are updated afterwards. Returns the job's id."""
    here = vnics.c.vm_id.in_(sa.select(vms.c.id).where(vms.c.host_id == one.host_id))
    changed = {network.id for network in one.before.networks}
    vnic_sync.mark_on(tx, changed, here)
    return operations.ask(tx, actor_of(job), one.host_id, task, reason, job.patience.confirm)


def _is_member(tx: Tx, one: HostOfRollout) -> bool:
    """Lock a host; returns whether it is still one of the rollout."""
    query = sa.select(hosts.c.id).where(hosts.c.id == one.host_id).with_for_update(key_share=True)
    return (
        tx.scalar(query) is not None
        and tx.scalar(sa.select(rollout_hosts.c.state).where(queries.row_of(one))) is not None
    )


def _may_move(tx: Tx, rollout_id: str, status: Status) -> bool:
    """Whether the rollout still has that status; locks it until the transaction ends."""
    return bool(lock(tx, rollouts, queries.get(tx, rollout_id).id).status == status)


def _end_jobs(job: JobContext, chosen: Sequence[HostOfRollout], row: RolloutRow) -> float:
    """Record the outcomes of the changes and migrations that have ended."""
    ended = [_has_ended(job, one, row) for one in chosen]
    return 0.0 if any(ended) else job.patience.rollout


def _has_ended(job: JobContext, one: HostOfRollout, row: RolloutRow) -> bool:
    if one.state in {HostState.EVACUATING, HostState.RETURNING}:
        is_back = one.state == HostState.RETURNING
        if not rollout_guests.move(job, one, back=is_back):
            return False
        return job.write(_record_return if is_back else _record_evacuation, row, one)
    with job.db.read() as tx:
        outcome = queue.outcome(tx, one.job_id or "")
    if outcome is not None:
        job.write(_record, row, one, outcome)
    return outcome is not None


def _record_evacuation(tx: Tx, job: JobContext, row: RolloutRow, one: HostOfRollout) -> bool:
    """The guests have left: change the host. It has failed if one could not be moved."""
    stay = [guest for guest in rollout_guests.stored(tx, one) if guest.reason]
    if stay:
        error = "; ".join(f"VM {guest.name} cannot be moved: {guest.reason}" for guest in stay)
        set_host(tx, one, state=HostState.FAILED, error=error)
        return True
    if not _may_move(tx, row.id, Status.RUNNING):
        set_host(tx, one, state=HostState.WAITING)
        return True
    return _reach(tx, job, row, one)  # guests that have arrived meanwhile are evacuated, too


def _record_return(tx: Tx, job: JobContext, _row: RolloutRow, one: HostOfRollout) -> bool:
    rollout_guests.record_who_stayed_away(tx, job, one)
    set_host(tx, one, state=HostState.CHANGED)
    return True


def _record(tx: Tx, job: JobContext, row: RolloutRow, one: HostOfRollout, outcome: queue.Outcome) -> None:
    takes_back = one.state == HostState.REVERTING
    if outcome.status is queue.Status.FINISHED:
        # Where its labels changed nothing, the change was not requested yet.
        if one.labels and one.applies and not outcome.result:
            set_host(tx, one, job_id=_ask(tx, job, one, Task(), row.reason))
        elif takes_back:
            set_host(tx, one, state=HostState.REVERTED)
        else:
            _begin_to_watch(tx, one)
        return
    was_up = one.health is None or one.health.status == "up"
    is_silent = outcome.error_code == host_changes.LOST and not was_up
    bad = HostState.STUCK if takes_back else HostState.SILENT if is_silent else HostState.FAILED
    set_host(tx, one, state=bad, error=outcome.error)


def _begin_to_watch(tx: Tx, one: HostOfRollout) -> None:
    before = _health_before(one)
    now = health_of(tx, (one,)).get(one.host_id, before)
    health = Health(status=before.status, drifting=before.drifting, lost=now.lost)
    set_host(tx, one, state=HostState.WATCHED, changed_at=utc_now(), error="", health=health)


def _health_before(one: HostOfRollout) -> Health:
    """How a host was that has changed."""
    if one.health is None:
        raise RuntimeError(f"{one.host_name} has not changed")
    return one.health


def _watch(job: JobContext, chosen: Sequence[HostOfRollout], row: RolloutRow) -> float:
    """Check hosts that have changed; those that were healthy for long enough are done."""
    with job.db.read() as tx:
        healths = health_of(tx, chosen)
        peers = lost_peers(tx, row.id, chosen)
        failed = sa.select(rollout_hosts.c.host_id).where(
            rollout_hosts.c.rollout_id == row.id, rollout_hosts.c.state == HostState.FAILED
        )
        is_over = row.status != Status.RUNNING or tx.scalar(failed.limit(1)) is not None
    left = 0.0
    for one in (one for one in chosen if one.host_id in healths):
        health = replace(healths[one.host_id], lost_peers=peers[one.host_id])
        wrong = new_problem(_health_before(one), health)
        if wrong:
            job.write(_set_one, one, HostState.FAILED, wrong)
        remaining = 0.0 if is_over else _soak_left(job, one)
        if health.lost_peers is None and _since_change(one) < PROBING_MAX:
            remaining = max(remaining, job.patience.rollout)
        if not wrong and remaining <= 0:
            job.write(_set_one, one, HostState.RETURNING if one.guests else HostState.CHANGED, "")
        left = max(left, remaining)
    return min(left, job.patience.rollout) if left <= _LONG else left


def _soak_left(job: JobContext, one: HostOfRollout) -> float:
    """Remaining seconds for which a host is watched."""
    soak = (job.patience.soak if one.soak == DEFAULT_SOAK else one.soak) if one.canary else 0.0
    return soak - _since_change(one)


def _since_change(one: HostOfRollout) -> float:
    """Seconds since the host was changed."""
    now = utc_now()
    return (now - (one.changed_at or now)).total_seconds()


def _fail(tx: Tx, job: JobContext, rollout_id: str, failed: Sequence[HostOfRollout]) -> None:
    """Halt or begin to revert, by the policies of the failed hosts' clusters."""
    row = lock(tx, rollouts, rollout_id)
    if row.status != Status.RUNNING:
        return
    first = failed[0]
    why = f"Host {first.host_name}: {first.error or _SILENT}".removesuffix(".") + "."
    for one in failed:
        set_host(tx, one, state=HostState.FAILED, error=one.error or _SILENT)
        rollout_guests.record_who_stays(tx, job, one)
    status, what = Status.HALTED, "No further hosts are changed."
    if any(one.on_failure == "revert" for one in failed):
        try:
            require_revertible(tx, "It cannot be reverted.", row)
        except ValidationError as error:
            why = f"{why} {error.text}"
        else:
            status, what = Status.REVERTING, "It is being reverted."
            add_newcomers(tx, row)
    operations.end(tx, rollout_id, status, why)
    text = f"The rollout '{row.reason}' has failed. {why} {what}"
    audit.record(tx, actor_of(job), FAILED, text, Severity.ERROR, host=first.host_id, job=job.job.id)


def _is_resolved(tx: Tx, job: JobContext, rollout_id: str, missing: Sequence[HostOfRollout]) -> bool:
    """Whether the outcome of a silent host is known by now; else the rollout waits for the unreachable hosts."""
    row = lock(tx, rollouts, rollout_id)
    if row.status != Status.RUNNING or _resolve(tx, missing):
        return True
    names = ", ".join(one.host_name for one in missing)
    operations.end(tx, rollout_id, Status.WAITING, f"It waits for unreachable hosts: {names}.")
    text = f"The rollout '{row.reason}' waits for unreachable hosts: {names}."
    audit.record(tx, actor_of(job), WAITS, text, Severity.WARNING, job=job.job.id)
    return False


def _resolve(tx: Tx, missing: Sequence[HostOfRollout]) -> bool:
    """Determine from their reports whether silent hosts have changed; returns whether that is known of any."""
    is_known = False
    for one in missing:
        ended = host_changes.ended(tx, one.host_id, one.job_id or "") if one.state == HostState.SILENT else ""
        if ended == "applied":
            _begin_to_watch(tx, one)
        elif ended:
            set_host(tx, one, state=HostState.WAITING)
        is_known = is_known or bool(ended)
    return is_known


def _end(tx: Tx, job: JobContext, rollout_id: str) -> None:
    row = lock(tx, rollouts, rollout_id)
    if row.status == Status.RUNNING:
        operations.end(tx, rollout_id, Status.SUCCEEDED)
        text = f"The rollout '{row.reason}' has reached all its hosts."
        audit.record(tx, actor_of(job), SUCCEEDED, text, job=job.job.id)
    elif row.status == Status.REVERTING:
        undo(tx, actor_of(job), row)
        stuck = [one.host_name for one in queries.hosts_of(tx, (rollout_id,)) if one.state == HostState.STUCK]
        error = f"{row.error} These hosts could not be reverted: {', '.join(stuck)}." if stuck else row.error
        operations.end(tx, rollout_id, Status.REVERTED, error)
        code, severity = (NOT_REVERTED, Severity.ERROR) if stuck else (REVERTED, Severity.NORMAL)
        text = f"The rollout '{row.reason}' was reverted. {error}"
        audit.record(tx, actor_of(job), code, text, severity, job=job.job.id)


def _set_one(tx: Tx, _job: JobContext, one: HostOfRollout, state: HostState, error: str) -> None:
    set_host(tx, one, state=state, error=error)


def wake(db: Database) -> None:
    """Continue rollouts whose hosts are back, and those without a job."""
    with db.read() as tx:
        ready = [row.id for row in queries.all_open(tx) if _may_continue(tx, row)]
    for rollout_id in ready:
        db.run(_resume, rollout_id)


def _may_continue(tx: Tx, row: RolloutRow) -> bool:
    if row.status in {Status.RUNNING, Status.REVERTING}:
        return queue.busy_with(tx, operations.key_of(row.id)) is None
    if row.status != Status.WAITING:
        return False
    positions = queries.positions_of(tx, row.id)
    move, _ = next_move(Status.RUNNING, positions)
    silent = [one.host_id for one in positions if one.state is HostState.SILENT]
    known = (host_changes.ended(tx, one.host_id, one.job_id or "") for one in queries.some_of(tx, row.id, silent))
    return move is not Move.WAIT or any(known)


def _resume(tx: Tx, rollout_id: str) -> None:
    row = lock(tx, rollouts, queries.get(tx, rollout_id).id)
    if row.status == Status.WAITING:
        operations.end(tx, rollout_id, Status.RUNNING)
    if row.status in {Status.WAITING, Status.RUNNING, Status.REVERTING}:
        operations.enqueue(tx, operations.actor_of(row), rollout_id, row.reason)
