"""Taking back what a rollout changed: the columns of networks, roles, QoS, clusters and providers that hosts are made
from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from netweft.engine.actor import Actor
from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.networks import networks
from netweft.engine.model.providers import providers
from netweft.engine.model.qos import qoss
from netweft.engine.model.rollouts import RolloutRow
from netweft.engine.operations import port_profiles, vnic_sync
from netweft.engine.queries.network_views import QOS_LIMITS, ROLES, NetworkInCluster
from netweft.engine.queries.rollouts import Definitions

_OF_NETWORK = ("vlan_id", "mtu", "stp", "port_isolation", "name_servers", "qos_id", "label")
_OF_CLUSTER = ("switch_type", "provider_id")
_OF_PROVIDER = ("plugin_remote", "plugin_mappings")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A column that was changed: where, from what, to what. ``name``: of the thing, for people."""

    table: sa.Table
    where: tuple[sa.ColumnElement[bool], ...]
    column: str
    old: Any
    new: Any
    name: str


def changed_again(tx: Tx, row: RolloutRow) -> list[str]:
    """The names of the things that are not any more as a rollout made them."""
    return sorted({one.name for one in _changes(row) if _now(tx, one) != one.new})


def undo(tx: Tx, actor: Actor, row: RolloutRow) -> None:
    """Make what a rollout changed what it was. vNICs that run on the networks are out of sync until their hosts, which
    have been taken back, report.
    """
    changed = list(_changes(row))
    for one in sorted(changed, key=lambda one: one.old is True):  # a role is let go before another network has it
        tx.execute(sa.update(one.table).where(*one.where).values({one.column: one.old}))
    touched = {network.id for network in msgspec.convert(row.before, Definitions).networks}
    vnic_sync.mark_on(tx, touched)
    for network_id in sorted(touched):
        port_profiles.want_again(tx, actor, network_id)


def _now(tx: Tx, one: _Change) -> object:
    return tx.scalar(sa.select(one.table.c[one.column]).where(*one.where))


def _changes(row: RolloutRow) -> Iterator[_Change]:
    before, after = (msgspec.convert(one, Definitions) for one in (row.before, row.after))
    later = {(one.cluster_id, one.id): one for one in after.networks}
    for old in before.networks:
        new = later[old.cluster_id, old.id]
        # A network that got another QoS is to have its own again; the limits of neither have changed.
        for table, where, columns in _places(old, has_same_qos=old.qos_id == new.qos_id):
            for column in columns:
                was, is_now = getattr(old, column), getattr(new, column)
                if was != is_now:
                    yield _Change(table=table, where=where, column=column, old=was, new=is_now, name=old.name)
    for cluster_id, facts in before.clusters.items():
        yield from _of_cluster(cluster_id, facts, after.clusters[cluster_id])


def _places(
    one: NetworkInCluster, *, has_same_qos: bool
) -> Iterator[tuple[sa.Table, tuple[sa.ColumnElement[bool], ...], Sequence[str]]]:
    """The tables that a network's row came from."""
    yield networks, (networks.c.id == one.id,), _OF_NETWORK
    here = cluster_networks.c.cluster_id == one.cluster_id, cluster_networks.c.network_id == one.id
    yield cluster_networks, here, ROLES
    if has_same_qos:
        yield qoss, (qoss.c.id == one.qos_id,), QOS_LIMITS


def _of_cluster(cluster_id: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[_Change]:
    here = (clusters.c.id == cluster_id,)
    there = (providers.c.id == old["provider_id"],)
    same_provider = old["provider_id"] == new["provider_id"]
    places = [(clusters, here, _OF_CLUSTER), *([(providers, there, _OF_PROVIDER)] if same_provider else [])]
    for table, where, columns in places:
        for column in columns:
            if old[column] != new[column]:
                yield _Change(
                    table=table,
                    where=where,
                    column=column,
                    old=old[column],
                    new=new[column],
                    name=f"cluster {cluster_id}",
                )
