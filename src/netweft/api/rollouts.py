"""``/netweft/v1/rollouts``: changes that go out to several hosts, and halting, resuming and taking back one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from netweft.api.collections import Collection
from netweft.api.host_plans import HostName
from netweft.api.routes import ADDITIONS, Call, Routes
from netweft.core.rollout import Status, counted
from netweft.core.rules.rollout import may_be_reverted
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.rollouts import halt_rollout, resume_rollout, revert_rollout
from netweft.engine.db import Tx
from netweft.engine.model.rollouts import RolloutRow
from netweft.engine.queries import rollouts as queries
from netweft.engine.queries.grouping import grouped
from netweft.engine.queries.rollouts import HostOfRollout

routes = Routes("rollouts", ADDITIONS)

_PATH = "/rollouts/{rollout_id}"


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


def _show_all(tx: Tx, rows: Sequence[RolloutRow]) -> list[Rollout]:
    states = queries.states_of(tx, [row.id for row in rows])
    return [Rollout(**facts_of(row, states)) for row in rows]


def _show_with_hosts(tx: Tx, rows: Sequence[RolloutRow]) -> list[RolloutWithHosts]:
    ids = [row.id for row in rows]
    states, found = queries.states_of(tx, ids), grouped(queries.hosts_of(tx, ids), "rollout_id")
    return [RolloutWithHosts(**facts_of(row, states), hosts=[_host(each) for each in found[row.id]]) for row in rows]


Collection(routes, queries.ROLLOUTS, Rollout, _PATH, show_all=_show_all).reads("Rollouts, newest first.", "")
WITH_HOSTS = Collection(routes, queries.ROLLOUTS, RolloutWithHosts, _PATH, show_all=_show_with_hosts)
WITH_HOSTS.reads("", "One rollout with its hosts.")


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
        WITH_HOSTS.row(tx, call)  # nobody changes what they do not see
    call.run(command, call.actor, WITH_HOSTS.id(call))
    return WITH_HOSTS.get(call)
