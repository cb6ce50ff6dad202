"""Rehearsing a command: run it in a transaction, plan the changes of hosts that it would cause, and roll it back.

So the commands themselves make the plan, and every command can be planned. Its changes of the database are rolled back
with the transaction; its later work is planned from the jobs that it has enqueued.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Concatenate, NoReturn, ParamSpec, TypeVar

import sqlalchemy as sa

from netweft.core.errors import NetweftError, Problem, ValidationError
from netweft.core.host import Loss
from netweft.core.intent import HostIntent
from netweft.core.rollout import HAVE_CHANGED, TO_BE_REACHED, Status
from netweft.engine.actor import Actor
from netweft.engine.commands.host_plans import HostPlan, cut_off_by, plan_of, worst
from netweft.engine.commands.providers import change_provider
from netweft.engine.db import Database, Tx
from netweft.engine.model.host_networks import HostChangeRow, host_changes
from netweft.engine.model.jobs import JobRow, jobs
from netweft.engine.model.rollouts import Held
from netweft.engine.operations.host_labels import setup_by_labels
from netweft.engine.operations.rollout_undo import former
from netweft.engine.payloads import ApplyHost, PropagateLabels, RollOut, SaveProvider
from netweft.engine.queries import host_networks as queries
from netweft.engine.queries import rollouts
from netweft.engine.queries.host_networks import HostData
from netweft.engine.queries.rollouts import HostOfRollout
from netweft.engine.statements import rows

_APPLY, _LABELS, _ROLL_OUT, _PROVIDER = "apply_host", "propagate_labels", "roll_out", "save_provider"
_ACTION = "Cannot plan the request."

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A host that is to change. ``intent``: its future intent, None where that is impossible; ``problem``: the reason.
    ``wave``: of the rollout that reaches it, None where it changes at once. ``evacuates``: whether guests that the
    change cuts off are moved away before.
    """

    data: HostData
    reason: str
    intent: HostIntent | None = None
    problem: str = ""
    wave: int | None = None
    is_canary: bool = False
    evacuates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedHost:
    """The planned change of a host, and its reason. ``plan``: None where there is a ``problem``. ``wave``: of the
    rollout that reaches it, None where it changes at once. ``evacuated``: the guests that are moved to other hosts
    before, by name.
    """

    host_id: str
    name: str
    status: str
    reason: str
    plan: HostPlan | None = None
    problem: str = ""
    wave: int | None = None
    is_canary: bool = False
    evacuated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPlan:
    """The changes of hosts that a request would cause, in their order; ``others``: other jobs that it would start.
    ``id``: the same for the same steps on the same hosts.
    """

    hosts: tuple[PlannedHost, ...]
    others: tuple[str, ...]

    @property
    def loss(self) -> Loss:
        """The worst of all hosts."""
        return worst(one.plan.loss for one in self.hosts if one.plan)

    @property
    def id(self) -> str:
        """A digest of the planned changes."""
        lines = list(self.others)
        for one in self.hosts:
            lines += [one.host_id, one.problem]
            lines += [f"{step.text}: {step.loss.value}" for step in one.plan.steps] if one.plan else []
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """The changes of hosts that a command would cause. ``others``: descriptions of its other jobs."""

    hosts: tuple[Coming, ...]
    others: tuple[str, ...]


class RehearsedError(Exception):
    """Ends the transaction of a rehearsal, and the handler that called it."""

    def __init__(self, rehearsed: Rehearsed) -> None:
        super().__init__("a rehearsal has ended")
        self.rehearsed = rehearsed


class StalePlanError(ValidationError):
    """The changes of hosts would differ from the plan that the request refers to."""


def rehearse(
    db: Database,
    correlation_id: str,
    command: Callable[Concatenate[Tx, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> NoReturn:
    """Run a command and roll it back. Raises RehearsedError, or whatever the command raises. ``correlation_id``: of the
    command's actor; no other request may use it.
    """

    def done(tx: Tx) -> NoReturn:
        first = _last_job(tx)
        command(tx, *args, **kwargs)
        raise RehearsedError(_rehearsed(tx, first, correlation_id))

    db.run(done)
    raise AssertionError("unreachable: the transaction ends by an error")


def run_as_planned(
    db: Database,
    correlation_id: str,
    plan_id: str,
    command: Callable[Concatenate[Tx, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run a command if its changes of hosts equal the plan with that id.

    Raises StalePlanError, or whatever the command raises.
    """

    def done(tx: Tx) -> T:
        first = _last_job(tx)
        result = command(tx, *args, **kwargs)
        plan = explain(tx, _rehearsed(tx, first, correlation_id))
        if plan.id != plan_id:
            text = f"The plan {plan_id[:40]} does not hold any more: it is {plan.id} now. Look at the plan again."
            raise StalePlanError("Cannot do what was planned.", (Problem("PLAN_IS_STALE", text),))
        return result

    return db.run(done)


def explain(tx: Tx, rehearsed: Rehearsed) -> RequestPlan:
    """The steps of each host, and what they affect."""
    return RequestPlan(hosts=tuple(_planned(tx, one) for one in rehearsed.hosts), others=rehearsed.others)


def _planned(tx: Tx, coming: Coming) -> PlannedHost:
    row, plan, problem = coming.data.row, None, coming.problem
    try:
        plan = plan_of(tx, coming.data, coming.intent) if coming.intent else None
    except NetweftError as error:  # no plan leads there, or nobody knows the host yet
        problem = error.text
    return PlannedHost(
        host_id=row.id,
        name=row.name,
        status=row.status,
        reason=coming.reason,
        plan=plan,
        problem=problem,
        wave=coming.wave,
        is_canary=coming.is_canary,
        evacuated=tuple(guest.name for guest in cut_off_by(tx, plan)) if plan and coming.evacuates else (),
    )


def _last_job(tx: Tx) -> int:
    return int(tx.scalar(sa.select(sa.func.max(jobs.c.number))) or 0)


def _rehearsed(tx: Tx, first: int, correlation_id: str) -> Rehearsed:
    """The changes by the jobs that were enqueued since."""
    mine = jobs.c.number > first, jobs.c.correlation_id == correlation_id
    found = rows(tx, JobRow, sa.select(jobs).where(*mine).order_by(jobs.c.number))
    applied = {row.id: ApplyHost.of(row).host_id for row in found if row.kind == _APPLY}
    labelled = [PropagateLabels.of(row) for row in found if row.kind == _LABELS]
    loaded = queries.load(tx, {*applied.values(), *(one.host_id for one in labelled)})
    rolled = [RollOut.of(row).rollout_id for row in found if row.kind == _ROLL_OUT]
    coming = _rolled_out(tx, rolled)
    for change in rows(tx, HostChangeRow, sa.select(host_changes).where(host_changes.c.job_id.in_(list(applied)))):
        data = loaded[change.host_id]
        intent = queries.intent_to_bring(data, change.candidate or data.intent)
        coming[change.host_id] = Coming(data=data, reason=change.reason, intent=intent)
    for job in labelled:
        if job.host_id not in coming and (one := _by_labels(tx, loaded[job.host_id], job.lost, job.reason)):
            coming[job.host_id] = one
    others = [row.description for row in found if row.kind not in {_APPLY, _LABELS, _ROLL_OUT}]
    for row in found:
        if row.kind == _PROVIDER:
            then = _when_provider_has_answered(tx, row)
            coming |= {one.data.row.id: one for one in then.hosts}
            others += then.others
    return Rehearsed(hosts=tuple(sorted(coming.values(), key=_turn)), others=tuple(others))


def _when_provider_has_answered(tx: Tx, row: JobRow) -> Rehearsed:
    """The changes of hosts by the job that saves a changed provider, once the provider has answered."""
    payload = SaveProvider.of(row)
    if payload.is_new:
        return Rehearsed(hosts=(), others=())
    actor = Actor(user_id=row.owner_id, name=row.owner_name, correlation_id=row.correlation_id)
    undone = tx.begin_nested()
    try:
        first = _last_job(tx)
        change_provider(tx, actor, payload.provider_id, payload.values)
        return _rehearsed(tx, first, row.correlation_id)
    except ValidationError as error:
        return Rehearsed(hosts=(), others=(f"{row.description}, which would be refused: {error.text}",))
    finally:
        undone.rollback()


def _turn(one: Coming) -> tuple[int, str]:
    """Hosts that change at once come first."""
    return -1 if one.wave is None else one.wave, one.data.row.name


def _rolled_out(tx: Tx, rollout_ids: Sequence[str]) -> dict[str, Coming]:
    """What rollouts bring to the hosts that they have yet to reach, or to take back, by host."""
    coming: dict[str, Coming] = {}
    for rollout_id in rollout_ids:
        row = rollouts.get(tx, rollout_id)
        takes_back = row.status == Status.REVERTING
        concerned = HAVE_CHANGED if takes_back else TO_BE_REACHED
        members = [one for one in rollouts.hosts_of(tx, (rollout_id,)) if one.state in concerned]
        held = rollouts.held_of(tx, {one.host_id for one in members}, besides=(rollout_id,))
        if takes_back:
            held |= {one.host_id: former(tx, row, one) for one in members}
        loaded = queries.load(tx, {one.host_id for one in members}, held=held)
        reason = f"this is reverted: {row.reason}" if takes_back else row.reason
        for one in members:
            found = _of_member(tx, one, loaded[one.host_id], reason, held)
            if found is not None:
                coming[one.host_id] = replace(
                    found,
                    wave=one.wave,
                    is_canary=one.canary and not takes_back,
                    evacuates=one.evacuates and not takes_back,
                )
    return coming


def _of_member(tx: Tx, one: HostOfRollout, data: HostData, reason: str, held: Mapping[str, Held]) -> Coming | None:
    """The planned change of a host of a rollout; None where it does not change."""
    found = _by_labels(tx, data, one.lost, reason, held) if one.labels else None
    if found is None and one.applies:
        return Coming(data=data, reason=reason, intent=queries.intent_to_bring(data, data.intent))
    return found


def _by_labels(
    tx: Tx, data: HostData, lost: Sequence[str], reason: str, held: Mapping[str, Held] | None = None
) -> Coming | None:
    """None where the host does not change."""
    try:
        candidate = setup_by_labels(tx, data.row.id, lost, _ACTION, held=held)
    except ValidationError as error:
        return Coming(data=data, reason=reason, problem=error.text)
    if candidate is None:
        return None
    return Coming(data=data, reason=reason, intent=queries.intent_to_bring(data, candidate))
