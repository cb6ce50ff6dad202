"""Reads of rollouts: the definitions that hosts keep until a rollout reaches them, and the states of rollouts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from netweft.core.host_request import NetworkView
from netweft.core.intent import AttachmentIntent
from netweft.core.rollout import OPEN, HostProgress, HostState
from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.hosts import hosts
from netweft.engine.model.rollouts import RolloutHostRow, RolloutRow, rollout_hosts, rollouts
from netweft.engine.noun import Noun
from netweft.engine.queries.cluster_hosts import HostInCluster
from netweft.engine.queries.network_views import NetworkInCluster, views_of
from netweft.engine.statements import Among, Statement, rows

OF_GUESTS = ("vlan_id", "mtu", "port_isolation")
"""The columns of a network that vNICs of guests follow."""


class Definitions(msgspec.Struct, frozen=True, kw_only=True):
    """The definitions that hosts depend on: networks, a row for each cluster that has one, and by its id the columns of
    a cluster (those of :class:`HostInCluster`).
    """

    networks: list[NetworkInCluster] = []
    clusters: dict[str, dict[str, Any]] = {}

    def beside(self, earlier: dict[str, Any]) -> Definitions:
        """Merged with those of an earlier rollout, given as JSON, that are not among these."""
        other, mine = msgspec.convert(earlier, Definitions), {(one.cluster_id, one.id) for one in self.networks}
        networks = [*self.networks, *(one for one in other.networks if (one.cluster_id, one.id) not in mine)]
        return Definitions(networks=networks, clusters={**other.clusters, **self.clusters})

    def ids(self) -> set[str]:
        """The ids of all."""
        return {one.id for one in self.networks} | self.clusters.keys()


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The former definitions that a host keeps until a rollout reaches it: networks of its cluster, columns of the
    cluster, and attachments that it is to lose.
    """

    networks: list[NetworkInCluster] = []
    cluster: dict[str, Any] = {}
    attachments: list[AttachmentIntent] = []

    def over(self, newer: Held) -> Held:
        """These, extended by those of a newer change."""
        known = {one.id for one in self.networks}
        lost = {one.network_id for one in self.attachments}
        return Held(
            networks=[*self.networks, *(one for one in newer.networks if one.id not in known)],
            cluster={**newer.cluster, **self.cluster},
            attachments=[*self.attachments, *(one for one in newer.attachments if one.network_id not in lost)],
        )

    def views(self, cluster_id: str, views: Mapping[str, NetworkView]) -> Mapping[str, NetworkView]:
        """The networks of a host's cluster, with those that the host keeps."""
        return {**views, **views_of(cluster_id, self.networks)} if self.networks else views

    def rows(self, known: Sequence[NetworkInCluster]) -> Sequence[NetworkInCluster]:
        """The same as rows."""
        if not self.networks:
            return known
        kept = {one.id for one in self.networks}
        return [*self.networks, *(row for row in known if row.id not in kept)]

    def row(self, row: HostInCluster) -> HostInCluster:
        """The host, with what it keeps of its cluster."""
        return replace(row, **self.cluster) if self.cluster else row

    def kept_of(self, network_id: str | None) -> dict[str, Any]:
        """The columns for guests of a network that the host keeps; empty for any other."""
        rows = [one for one in self.networks if one.id == network_id]
        return {name: getattr(rows[0], name) for name in OF_GUESTS} if rows else {}

    def set_up(self, attachments: Sequence[AttachmentIntent]) -> tuple[AttachmentIntent, ...]:
        """The host's attachments, with those that it keeps."""
        lost = {one.network_id for one in self.attachments}
        return (*(one for one in attachments if one.network_id not in lost), *self.attachments)


NOTHING_HELD = Held()


def held_of(tx: Tx, host_ids: Collection[str], besides: Collection[str] = ()) -> dict[str, Held]:
    """The former definitions that hosts keep, without hosts that keep none. ``besides``: ids of rollouts that count as
    if they had reached the hosts.
    """
    found: dict[str, Held] = {}
    for rollout_id, host_id, before in _HELD.all(tx, ids=host_ids):
        if rollout_id in besides:
            continue
        one = msgspec.convert(before, Held)
        found[host_id] = found[host_id].over(one) if host_id in found else one
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
