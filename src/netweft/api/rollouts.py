"""``/netweft/v1/rollouts``: changes that go out to several hosts, and halting, resuming and taking back one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, select

from netweft.api.collections import one
from netweft.api.host_plans import HostName
from netweft.api.routes import ADDITIONS, READ, Call, Routes, many
from netweft.api.search import LISTED, Searchable, page
from netweft.core.rollout import Status, counted
from netweft.core.rules.rollout import may_be_reverted
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.rollouts import halt_rollout, resume_rollout, revert_rollout
from netweft.engine.db import Tx
from netweft.engine.model.rollouts import RolloutRow, rollouts
from netweft.engine.queries import rollouts as queries
from netweft.engine.queries.rollouts import HostOfRollout
from netweft.engine.statements import rows

routes = Routes("rollouts", ADDITIONS)

SEARCHABLE = Searchable(
    {
        "reason": rollouts.c.reason,
        "id": rollouts.c.id,
        "number": rollouts.c.number,
        "status": rollouts.c.status,
        "user": rollouts.c.owner_name,
        "correlation_id": rollouts.c.correlation_id,
        "created_at": rollouts.c.created_at,
        "ended_at": rollouts.c.ended_at,
    },
    key=rollouts.c.number.desc(),
    default=(rollouts.c.number.desc(),),
)


class RolloutHost(msgspec.Struct, kw_only=True, frozen=True):
    """A host of a rollout. ``status``: of the host; ``state``: waiting, changing, watched, changed, failed, silent,
    reverting, reverted or stuck (could not be reverted), with its ``error``; ``keeps``: whether it keeps its
    configuration from before the rollout; ``wave``: hosts of the same one change at the same time; ``canary``: it is
    watched before the next wave begins.
    """

    host: HostName
    status: str
    cluster: str
    wave: int
    canary: bool
    state: str
    keeps: bool
    error: str
    changed_at: datetime | None
    job: str | None


class Rollout(msgspec.Struct, kw_only=True, frozen=True):
    """A change of several hosts, one after the other. ``status``: running, waiting (for unreachable hosts), halted,
    reverting, succeeded, reverted or superseded; ``reason``: what has changed; ``error``: why it was halted, or how it
    ended; ``irreversible``: why it cannot be reverted, null where it can; ``states``: the number of hosts in each
    state; ``progress``: the same as text.
    """

    id: str
    number: int
    status: str
    reason: str
    user: str
    error: str
    irreversible: str | None
    created_at: datetime
    ended_at: datetime | None
    states: dict[str, int]
    progress: str


class RolloutWithHosts(Rollout, kw_only=True, frozen=True):
    """A rollout with its hosts in the order in which they change."""

    hosts: list[RolloutHost]


class NoBody(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An empty body."""


def _visible(call: Call[Any]) -> Select[Any]:
    """All rollouts; in the filtered view those that the user began."""
    mine = rollouts.c.owner_id == call.actor.user_id
    return select(rollouts).where(mine) if call.actor.filtered else select(rollouts)


def _get(tx: Tx, call: Call[Any]) -> RolloutWithHosts:
    rollout_id = call.ids["rollout_id"]
    row = one(tx, RolloutRow, _visible(call).where(rollouts.c.id == rollout_id), f"rollout {rollout_id}")
    found = queries.hosts_of(tx, (row.id,))
    return RolloutWithHosts(**facts_of(row, queries.states_of(tx, (row.id,))), hosts=[_host(each) for each in found])


def facts_of(row: RolloutRow, states: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """What a :class:`Rollout` tells of a row."""
    here = dict(states.get(row.id, {}))
    problem = may_be_reverted(Status(row.status), row.irreversible)
    return {
        "id": row.id,
        "number": row.number,
        "status": row.status,
        "reason": row.reason,
        "user": row.owner_name,
        "error": row.error,
        "irreversible": problem.text if problem else None,
        "created_at": row.created_at,
        "ended_at": row.ended_at,
        "states": here,
        "progress": counted(here),
    }


def _host(each: HostOfRollout) -> RolloutHost:
    return RolloutHost(
        host=HostName(id=each.host_id, name=each.host_name),
        status=each.host_status,
        cluster=each.cluster_name,
        wave=each.wave,
        canary=each.canary,
        state=each.state,
        keeps=each.held,
        error=each.error,
        changed_at=each.changed_at,
        job=each.job_id,
    )


@routes.get("/rollouts", many(Rollout), needs=READ, queries=LISTED)
def list_rollouts(call: Call[None]) -> list[Rollout]:
    """Rollouts, newest first."""
    with call.read() as tx:
        found = rows(tx, RolloutRow, page(tx, call, _visible(call), SEARCHABLE))
        states = queries.states_of(tx, [row.id for row in found])
    return [Rollout(**facts_of(row, states)) for row in found]


@routes.get("/rollouts/{rollout_id}", RolloutWithHosts, needs=READ)
def get_rollout(call: Call[None]) -> RolloutWithHosts:
    """One rollout with its hosts."""
    with call.read() as tx:
        return _get(tx, call)


@routes.post(
    "/rollouts/{rollout_id}/halt", NoBody, gives=RolloutWithHosts, needs=ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK
)
def post_halt(call: Call[NoBody]) -> RolloutWithHosts:
    """Halt a rollout: no further hosts change; those that are changing finish."""
    return _done(call, halt_rollout)


@routes.post(
    "/rollouts/{rollout_id}/resume", NoBody, gives=RolloutWithHosts, needs=ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK
)
def post_resume(call: Call[NoBody]) -> RolloutWithHosts:
    """Resume a halted rollout; hosts that failed are retried first."""
    return _done(call, resume_rollout)


@routes.post(
    "/rollouts/{rollout_id}/revert", NoBody, gives=RolloutWithHosts, needs=ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK
)
def post_revert(call: Call[NoBody]) -> RolloutWithHosts:
    """Revert a rollout: on the changed hosts, last ones first, and then the change itself."""
    return _done(call, revert_rollout)


def _done(call: Call[NoBody], command: Callable[..., None]) -> RolloutWithHosts:
    with call.read() as tx:
        _get(tx, call)  # nobody changes what they do not see
    call.run(command, call.actor, call.ids["rollout_id"])
    with call.read() as tx:
        return _get(tx, call)
