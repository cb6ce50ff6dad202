"""Reverting a rollout: the columns of networks, their roles and QoS that it changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from netweft.core.roles import ROLES
from netweft.core.rollout import HostState, Status
from netweft.core.rules import check
from netweft.core.rules import rollout as rules
from netweft.core.rules.host_consistency import NIC_WIDE_RULES
from netweft.engine import audit
from netweft.engine.actor import Actor
from netweft.engine.changes import changes, line
from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.networks import networks
from netweft.engine.model.qos import qoss
from netweft.engine.model.rollouts import Held, NetworkInCluster, RolloutRow, rollout_hosts
from netweft.engine.operations import host_rules, port_profiles, vnic_sync
from netweft.engine.operations.rollouts import host_row
from netweft.engine.queries import rollouts as queries
from netweft.engine.queries.cluster_hosts import in_clusters
from netweft.engine.queries.network_views import QOS_LIMITS, networks_among
from netweft.engine.queries.networks import concerned
from netweft.engine.queries.rollouts import HostOfRollout

TAKEN_BACK = 20_189
"""An event code of our own."""

_OF_NETWORK = ("vlan_id", "mtu", "stp", "port_isolation", "name_servers", "qos_id", "label")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A changed column: its row, old and new value. ``network``: the network that it belongs to."""

    table: sa.Table
    where: tuple[sa.ColumnElement[bool], ...]
    column: str
    old: Any
    new: Any
    network: NetworkInCluster


def require_revertible(tx: Tx, action: str, row: RolloutRow) -> None:
    """Raise ValidationError when a rollout cannot be reverted: because of its status, because its objects were changed
    again or removed, or because a rule would be violated on a host. Locks its networks and the hosts that carry them.
    """
    check(action, rules.may_be_reverted(Status(row.status), row.irreversible))
    watched = host_rules.watch(tx, action, row.before.ids())
    check(action, rules.is_unchanged_since(row.reason, _changed_again(tx, row)))
    tried = tx.begin_nested()
    try:
        _write_back(tx, row)
        host_rules.check_hosts(tx, watched, NIC_WIDE_RULES)
    finally:
        tried.rollback()


def _changed_again(tx: Tx, row: RolloutRow) -> list[str]:
    """The names of networks that were changed again after the rollout, or whose former QoS was removed."""
    found = set()
    for one in _changes(row):
        is_gone = one.column == "qos_id" and one.old and not tx.scalar(sa.select(qoss.c.id).where(qoss.c.id == one.old))
        if is_gone or _now(tx, one) != one.new:
            found.add(one.network.name)
    return sorted(found)


def add_newcomers(tx: Tx, row: RolloutRow) -> None:
    """Add hosts that got the networks since, already with the change: they are reverted with the others."""
    positions = queries.positions_of(tx, row.id)
    members = {one.host_id for one in positions}
    before = row.before
    wave = max((one.wave for one in positions), default=0) + 1
    new = [host_id for host_id in concerned(tx, before.ids()) if host_id not in members]
    for host in in_clusters(tx, new):
        held = Held(networks=tuple(one for one in before.networks if one.cluster_id == host.cluster_id))
        values = host_row(row.id, host.id, wave, held, state=HostState.CHANGED, is_held=False)
        tx.execute(sa.insert(rollout_hosts), values)


def former(tx: Tx, row: RolloutRow, one: HostOfRollout) -> Held:
    """The definitions of a host that is reverted: its networks as they are now, without the rollout's changes."""
    before, after, held = row.before, row.after, one.before
    now = {each.id: each for each in networks_among(tx, (), before.ids()) if each.cluster_id == one.cluster_id}
    made = {each.id: each for each in after.networks if each.cluster_id == one.cluster_id}
    kept = tuple(
        replace(now.get(old.id, old), **changes(made[old.id], old))
        for old in before.networks
        if old.cluster_id == one.cluster_id
    )
    return Held(networks=kept or held.networks, cluster=held.cluster, attachments=held.attachments)


def undo(tx: Tx, actor: Actor, row: RolloutRow) -> None:
    """Restore the columns that a rollout changed, except those that were changed again. Running vNICs on the networks
    are out of sync until their hosts, which have been reverted, report.
    """
    _write_back(tx, row)
    before = {one.id: one for one in row.before.networks}
    vnic_sync.mark_on(tx, before)
    for network_id, network in sorted(before.items()):
        port_profiles.want_again(tx, actor, network_id)
        lines = [line(one.column, one.new, one.old) for one in _changes(row) if one.network.id == network_id]
        text = f"A change of network {network.name} was reverted on its hosts: {row.reason}."
        where = network.data_center_id
        audit.record(tx, actor, TAKEN_BACK, text, network=network_id, data_center=where, changes=lines)


def _write_back(tx: Tx, row: RolloutRow) -> None:
    for one in sorted(
        _changes(row), key=lambda one: one.old is True
    ):  # a role is released before another network gets it
        if _now(tx, one) == one.new:
            tx.execute(sa.update(one.table).where(*one.where).values({one.column: one.old}))


def _now(tx: Tx, one: _Change) -> object:
    return tx.scalar(sa.select(one.table.c[one.column]).where(*one.where).with_for_update())


def _changes(row: RolloutRow) -> Iterator[_Change]:
    before, after = row.before, row.after
    later = {(one.cluster_id, one.id): one for one in after.networks}
    for old in before.networks:
        new = later[old.cluster_id, old.id]
        # A network that got another QoS is to have its own again; the limits of neither have changed.
        for table, where, columns in _places(old, has_same_qos=old.qos_id == new.qos_id):
            for column in columns:
                was, is_now = getattr(old, column), getattr(new, column)
                if was != is_now:
                    yield _Change(table=table, where=where, column=column, old=was, new=is_now, network=old)


def _places(
    one: NetworkInCluster, *, has_same_qos: bool
) -> Iterator[tuple[sa.Table, tuple[sa.ColumnElement[bool], ...], Sequence[str]]]:
    """The tables that a network's row came from."""
    yield networks, (networks.c.id == one.id,), _OF_NETWORK
    here = cluster_networks.c.cluster_id == one.cluster_id, cluster_networks.c.network_id == one.id
    yield cluster_networks, here, ROLES
    if has_same_qos:
        yield qoss, (qoss.c.id == one.qos_id,), QOS_LIMITS
