"""Reads of rollouts: the definitions that hosts keep until a rollout reaches them, and the states of rollouts."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from netweft.core.rollout import OPEN, HostProgress, HostState
from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.hosts import hosts
from netweft.engine.model.rollouts import Held, RolloutHostRow, RolloutRow, rollout_hosts, rollouts
from netweft.engine.noun import Noun
from netweft.engine.statements import Among, Statement, rows


def held_of(tx: Tx, host_ids: Collection[str], besides: Collection[str] = ()) -> dict[str, Held]:
    """The former definitions that hosts keep, without hosts that keep none. ``besides``: ids of rollouts that count as
    if they had reached the hosts.
    """
    found: dict[str, Held] = {}
    for rollout_id, host_id, before in _HELD.all(tx, ids=host_ids):
        if rollout_id in besides:
            continue
        found[host_id] = found[host_id].over(before) if host_id in found else before
    return found


_HELD = Statement(
    sa.select(rollout_hosts.c.rollout_id, rollout_hosts.c.host_id, rollout_hosts.c.before)
    .join(rollouts, rollouts.c.id == rollout_hosts.c.rollout_id)
    .where(Among(rollout_hosts.c.host_id, "ids"), rollout_hosts.c.held)
    .order_by(rollouts.c.number)
)


ROLLOUTS = Noun(
    rollouts,
    RolloutRow,
    "rollout",
    search={
        "reason": rollouts.c.reason,
        "id": rollouts.c.id,
        "number": rollouts.c.number,
        "status": rollouts.c.status,
        "user": rollouts.c.owner_name,
        "correlation_id": rollouts.c.correlation_id,
        "created_at": rollouts.c.created_at,
        "ended_at": rollouts.c.ended_at,
    },
    order=(rollouts.c.number.desc(),),
    owner="owner_id",
)
"""The newest first."""
find = ROLLOUTS.find
get = ROLLOUTS.get


class HostOfRollout(RolloutHostRow, frozen=True, kw_only=True):
    """A host of a rollout, with its current state, and its cluster's rollout policy."""

    host_name: str
    host_status: str
    cluster_id: str
    cluster_name: str
    soak: int
    evacuates: bool
    on_failure: str


def row_of(one: HostOfRollout) -> sa.ColumnElement[bool]:
    """The condition that selects a host's row of a rollout."""
    return sa.and_(rollout_hosts.c.rollout_id == one.rollout_id, rollout_hosts.c.host_id == one.host_id)


def hosts_of(tx: Tx, rollout_ids: Collection[str]) -> list[HostOfRollout]:
    """The hosts of rollouts, in the order in which they change."""
    return _HOSTS.all(tx, ids=rollout_ids)


_HOSTS_OF = (
    sa.select(
        rollout_hosts,
        hosts.c.name.label("host_name"),
        hosts.c.status.label("host_status"),
        hosts.c.cluster_id,
        clusters.c.name.label("cluster_name"),
        clusters.c.rollout_soak.label("soak"),
        clusters.c.rollout_evacuates.label("evacuates"),
        clusters.c.rollout_on_failure.label("on_failure"),
    )
    .join(hosts, hosts.c.id == rollout_hosts.c.host_id)
    .join(clusters, clusters.c.id == hosts.c.cluster_id)
)
_HOSTS = Statement(
    _HOSTS_OF.where(Among(rollout_hosts.c.rollout_id, "ids")).order_by(
        rollout_hosts.c.rollout_id, rollout_hosts.c.wave, hosts.c.name
    ),
    record=HostOfRollout,
)


def positions_of(tx: Tx, rollout_id: str, states: Collection[HostState] = tuple(HostState)) -> list[HostProgress]:
    """Where the hosts of a rollout are that are in one of these states."""
    return [
        HostProgress(host_id=host_id, wave=wave, state=HostState(state), status=status, canary=canary)
        for host_id, wave, state, canary, status in _POSITIONS.all(tx, id=rollout_id, states=states)
    ]


_POSITIONS = Statement(
    sa.select(
        rollout_hosts.c.host_id, rollout_hosts.c.wave, rollout_hosts.c.state, rollout_hosts.c.canary, hosts.c.status
    )
    .join(hosts, hosts.c.id == rollout_hosts.c.host_id)
    .where(rollout_hosts.c.rollout_id == sa.bindparam("id"), Among(rollout_hosts.c.state, "states"))
    .order_by(rollout_hosts.c.wave, hosts.c.name)
)


def some_of(tx: Tx, rollout_id: str, host_ids: Collection[str]) -> list[HostOfRollout]:
    """Some of the hosts of a rollout, in the order in which they change."""
    return _SOME.all(tx, id=rollout_id, ids=host_ids)


_SOME = Statement(
    _HOSTS_OF.where(rollout_hosts.c.rollout_id == sa.bindparam("id"), Among(rollout_hosts.c.host_id, "ids")).order_by(
        rollout_hosts.c.wave, hosts.c.name
    ),
    record=HostOfRollout,
)


def all_open(tx: Tx) -> list[RolloutRow]:
    """Rollouts that may continue, oldest first."""
    return rows(
        tx,
        RolloutRow,
        sa.select(rollouts).where(rollouts.c.status.in_(sorted(OPEN))).order_by(rollouts.c.number),
    )


def states_of(tx: Tx, rollout_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """How many hosts of each rollout are in which state."""
    found: dict[str, dict[str, int]] = {}
    for rollout_id, state, many in tx.execute(_STATES.where(rollout_hosts.c.rollout_id.in_(rollout_ids))):
        found.setdefault(rollout_id, {})[state] = many
    return found


_STATES = sa.select(rollout_hosts.c.rollout_id, rollout_hosts.c.state, sa.func.count()).group_by(
    rollout_hosts.c.rollout_id, rollout_hosts.c.state
)
