"""Attaching networks to clusters, changing their roles there, and detaching them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from netweft.core.errors import BusyError, Problem
from netweft.core.keep import KEEP, Keep, or_current
from netweft.core.roles import Role
from netweft.core.rules import check
from netweft.core.rules import cluster as cluster_rules
from netweft.core.rules import cluster_network as rules
from netweft.core.rules import network as network_rules
from netweft.core.rules import provider_network as provider_rules
from netweft.core.rules.cluster_network import HANDED_BACK
from netweft.engine import audit
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, lock
from netweft.engine.model.cluster_networks import ClusterNetworkRow, cluster_networks
from netweft.engine.model.clusters import ClusterRow, clusters
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.host_networks import host_changes as changes_of_hosts
from netweft.engine.model.hosts import hosts
from netweft.engine.model.networks import NetworkRow, networks
from netweft.engine.operations import (
    host_addresses,
    host_changes,
    host_labels,
    host_rules,
    network_status,
    port_profiles,
    rollouts,
)
from netweft.engine.operations.races import translate_constraint_errors
from netweft.engine.operations.rollouts import HostInputs, Task
from netweft.engine.queries import cluster_networks as queries
from netweft.engine.queries import clusters as cluster_queries
from netweft.engine.queries import networks as network_queries
from netweft.engine.queries import providers as provider_queries
from netweft.engine.queries.network_views import names_in_cluster
from netweft.engine.queries.references import Ref, resolve
from netweft.engine.statements import add

DISPLAY_MOVED = 1099
"""Event code (oVirt: NETWORK_UPDATE_DISPLAY_FOR_CLUSTER_WITH_ACTIVE_VM)."""

_ATTACH = "Cannot attach Network to Cluster."
_UPDATE = "Cannot update Network on Cluster."
_DETACH = "Cannot detach Network from Cluster."
_ROUTE_MOVED = "the default route moved to another network of the cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachNetwork:
    """A network for a cluster, and what it is to do there. A role that another network has moves. ``required``: kept,
    it is, unless it is a provider's (so oVirt).
    """

    cluster_id: str
    network: Ref
    required: bool | Keep = KEEP
    roles: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateClusterNetwork:
    """What changes of a network in a cluster.

    ``roles`` are all that it is to have there: one that is left out is given up.
    """

    cluster_id: str
    network_id: str
    required: bool | Keep = KEEP
    roles: frozenset[Role] | Keep = KEEP


def attach_network(tx: Tx, actor: Actor, spec: AttachNetwork) -> str:
    """Attach a network to a cluster of its data centre, and put it on the NICs there that have its label; returns its
    id.

    Needs ASSIGN_CLUSTER_NETWORK on the network. Raises NotFoundError, DeniedError, ValidationError.
    """
    data_center_id = cluster_queries.get(tx, spec.cluster_id).data_center_id
    # By name it is looked for in the cluster's data centre; by id it may be in another, and is refused then.
    network_id = resolve(tx, networks, spec.network, "network", networks.c.data_center_id == data_center_id)
    network = lock(tx, networks, network_id)  # before the cluster, as who gives it a port profile or removes it does
    cluster = lock(tx, clusters, spec.cluster_id)
    authorize.require(tx, actor, ActionGroup.ASSIGN_CLUSTER_NETWORK, ObjectRef(ObjectType.NETWORK, network_id))
    already_attached = rules.is_not_attached(network.name, cluster.name, is_attached=True)
    check(
        _ATTACH,
        cluster_rules.network_is_in_data_center(network.name, is_in=network.data_center_id == cluster.data_center_id),
        already_attached if queries.find(tx, cluster.id, network_id) else None,
    )
    port_profiles.check_cluster(tx, _ATTACH, network, cluster)
    required = or_current(spec.required, network.provider_id is None)
    _check_roles(tx, _ATTACH, cluster, network, frozenset(), spec.roles, required=required)
    reason = f"network {network.name} was attached to cluster {cluster.name}"
    following = _following(tx, cluster, network, frozenset(), spec.roles)
    inputs = _snapshot(tx, cluster.id, network_id, following)
    network_status.hold(tx, cluster.id)
    with translate_constraint_errors(_ATTACH, lambda _: already_attached):
        add_cluster_network(tx, cluster.id, network_id, required=required)
    _move_roles(tx, cluster.id, network_id, frozenset(), spec.roles)
    _warn_of_display(tx, actor, cluster, frozenset(), spec.roles)
    here = cluster_networks.c.cluster_id == cluster.id, cluster_networks.c.network_id == network_id
    lacking = host_labels.lacking(tx, *here)
    tasks = {host_id: Task(applies=host_id in following, labels=host_id in lacking) for host_id in following | lacking}
    rollouts.begin(tx, actor, inputs, tasks, reason)
    network_status.network_changed(tx, cluster.id, network_id)
    text = f"Network {network.name} was attached to cluster {cluster.name} by {actor.name}."
    lines = (f"attached to cluster {cluster.name}", *_lines(cluster, frozenset(), spec.roles))
    _record_event(tx, actor, 946, text, cluster, network_id, lines)
    return network_id


def add_cluster_network(
    tx: Tx, cluster_id: str, network_id: str, *, required: bool, roles: Collection[Role] = ()
) -> None:
    """Store that a cluster has a network, with roles that no other network has there. Asks no rule."""
    has = {role: role in roles for role in Role}
    row = ClusterNetworkRow(
        cluster_id=cluster_id, network_id=network_id, required=required, status="operational", **has
    )
    add(tx, cluster_networks, row)


def update_cluster_network(tx: Tx, actor: Actor, spec: UpdateClusterNetwork) -> None:
    """Change whether a cluster requires a network, and the network's roles there.

    Needs CONFIGURE_CLUSTER_NETWORK on the cluster or the network. Raises NotFoundError, DeniedError, ValidationError.
    """
    cluster = lock(tx, clusters, spec.cluster_id)
    network = network_queries.get(tx, spec.network_id)
    authorize.require(
        tx,
        actor,
        ActionGroup.CONFIGURE_CLUSTER_NETWORK,
        ObjectRef(ObjectType.CLUSTER, cluster.id),
        ObjectRef(ObjectType.NETWORK, network.id),
    )
    row = queries.find(tx, cluster.id, network.id)
    check(_UPDATE, rules.is_attached(network.name, cluster.name, is_attached=row is not None))
    row = queries.get(tx, cluster.id, network.id)
    before, required = queries.roles_of(row), or_current(spec.required, row.required)
    after = or_current(spec.roles, before)
    if (after, required) == (before, row.required):
        return
    check(_UPDATE, rules.management_is_not_unset(network.name, before, after))
    _check_roles(tx, _UPDATE, cluster, network, before, after, required=required)
    following = _following(tx, cluster, None, before, after)
    inputs = _snapshot(tx, cluster.id, network.id, following)
    watched = host_rules.watch(tx, _UPDATE, [network.id] if after - before else ())
    network_status.hold(tx, cluster.id)
    tx.execute(
        sa.update(cluster_networks)
        .where(cluster_networks.c.cluster_id == cluster.id, cluster_networks.c.network_id == network.id)
        .values(required=required, status=cluster_networks.c.status if required else "operational")
    )
    _move_roles(tx, cluster.id, network.id, before, after)
    host_rules.check_hosts(tx, watched)
    rollouts.begin(tx, actor, inputs, dict.fromkeys(following, Task()), _ROUTE_MOVED)
    _warn_of_display(tx, actor, cluster, before, after)
    network_status.network_changed(tx, cluster.id, network.id)
    text = f"Network {network.name} was changed in cluster {cluster.name} by {actor.name}."
    lines = _lines(cluster, before, after, row.required, required)
    _record_event(tx, actor, 1112, text, cluster, network.id, lines)


def detach_network(tx: Tx, actor: Actor, cluster_id: str, network_id: str) -> None:
    """Detach a network from a cluster, and take it off the hosts of that cluster.

    Needs ASSIGN_CLUSTER_NETWORK on the network. Raises NotFoundError, DeniedError, ValidationError.
    """
    cluster = lock(tx, clusters, cluster_id)
    row = queries.get(tx, cluster_id, network_id)
    authorize.require(tx, actor, ActionGroup.ASSIGN_CLUSTER_NETWORK, ObjectRef(ObjectType.NETWORK, network_id))
    check(
        _DETACH,
        rules.is_no_management_network(row.name, queries.roles_of(row)),
        network_rules.unused_by_vms(row.name, network_queries.vms_using(tx, network_id, cluster_id=cluster_id)),
        network_rules.unused_by_templates(
            row.name, network_queries.templates_using(tx, network_id, cluster_id=cluster_id)
        ),
    )
    detach_from_hosts(tx, actor, (cluster_id,), network_id, f"network {row.name} was detached from the cluster")
    text = f"Network {row.name} was detached from cluster {cluster.name} by {actor.name}."
    _record_event(tx, actor, 948, text, cluster, network_id, (f"detached from cluster {cluster.name}",))


def _record_event(
    tx: Tx, actor: Actor, code: int, text: str, cluster: ClusterRow, network_id: str, changed: Sequence[str]
) -> None:
    """An event of a network in a cluster, with what was changed."""
    where = cluster.data_center_id
    audit.record(tx, actor, code, text, cluster=cluster.id, network=network_id, data_center=where, changes=changed)


def _lines(cluster: ClusterRow, before: Collection[Role], after: Collection[Role], *required: bool) -> tuple[str, ...]:
    """What has changed of a network in a cluster, a line each. ``required``: before and after."""
    gained = [f"role {role} in cluster {cluster.name} given" for role in sorted(set(after) - set(before))]
    lost = [f"role {role} in cluster {cluster.name} taken" for role in sorted(set(before) - set(after))]
    words = ["required" if one else "optional" for one in dict.fromkeys(required)]
    became = [f"{' became '.join(words)} in cluster {cluster.name}"] if len(words) > 1 else []
    return (*gained, *lost, *became)


def detach_from_hosts(tx: Tx, actor: Actor, cluster_ids: Sequence[str], network_id: str, reason: str) -> None:
    """Take a network away from clusters and their hosts; its roles go back to the management networks. Asks no rule.

    The clusters' rows must be locked. Raises NotFoundError, BusyError while a host is being given the network.
    """
    following: dict[str, str] = {}
    inputs = []
    for cluster_id in cluster_ids:
        row = queries.get(tx, cluster_id, network_id)
        cluster = cluster_queries.get(tx, cluster_id)
        carrying = {one.id: one.name for one in network_queries.hosts_carrying(tx, network_id, cluster_id=cluster_id)}
        here = carrying | _following(tx, cluster, row, queries.roles_of(row), frozenset())
        inputs.append(_snapshot(tx, cluster_id, network_id, here))
        following |= here
    for cluster_id in cluster_ids:
        _detach(tx, actor, cluster_id, network_id)
    rollouts.begin(tx, actor, HostInputs.of(inputs), dict.fromkeys(following, Task()), reason)


def _detach(tx: Tx, actor: Actor, cluster_id: str, network_id: str) -> None:
    """Take a network away from a cluster; what its hosts have of it goes with the rows."""
    row, cluster = queries.get(tx, cluster_id, network_id), cluster_queries.get(tx, cluster_id)
    roles = queries.roles_of(row)
    network_status.hold(tx, cluster_id)
    queries.lock_to_remove(tx, cluster_id, network_id)
    _require_no_newcomer(tx, cluster_id, network_id, row.name)
    _move_roles(tx, cluster_id, network_id, roles, frozenset())
    _warn_of_display(tx, actor, cluster, roles, frozenset())
    tx.execute(
        sa.delete(cluster_networks).where(
            cluster_networks.c.cluster_id == cluster_id, cluster_networks.c.network_id == network_id
        )
    )
    here = sa.select(hosts.c.id).where(hosts.c.cluster_id == cluster_id)
    tx.execute(sa.delete(attachments).where(attachments.c.network_id == network_id, attachments.c.host_id.in_(here)))
    host_addresses.release(tx, network_id, here)


def _require_no_newcomer(tx: Tx, cluster_id: str, network_id: str, name: str) -> None:
    """Raise BusyError while a host of the cluster is being given the network: it would have it after all."""
    coming = (
        sa.select(hosts.c.name, changes_of_hosts.c.candidate)
        .join(hosts, hosts.c.id == changes_of_hosts.c.host_id)
        .where(
            hosts.c.cluster_id == cluster_id,
            changes_of_hosts.c.state == "pending",
            changes_of_hosts.c.candidate.is_not(None),
        )
    )
    for host, candidate in tx.execute(coming):
        if any(attachment.network_id == network_id for attachment in candidate.attachments):
            raise BusyError(
                f"Related operation is currently in progress: network {name} is being set up on Host {host}."
                " Try again later."
            )


def _check_roles(
    tx: Tx,
    action: str,
    cluster: ClusterRow,
    network: NetworkRow,
    before: Collection[Role],
    after: Collection[Role],
    *,
    required: bool,
) -> None:
    """The rules that attaching and updating share."""
    names = [host.name for host in cluster_queries.hosts_of(tx, cluster.id)] if Role.MANAGEMENT in after else []
    gained = frozenset(after) - frozenset(before)
    isolated = [network.name] if network.port_isolation else []
    check(
        action,
        rules.management_is_required(network.name, after, required=required),
        rules.management_moves_in_empty_cluster(before, after, names),
        rules.role_has_addresses(
            network.name, gained, queries.without_address(tx, cluster.id, network.id) if gained else ()
        ),
        rules.isolation_is_possible(
            network.name, port_isolation=network.port_isolation, switch_type=cluster.switch_type
        ),
        cluster_rules.version_carries_isolation(cluster.version, isolated),
        *_provider_problems(network, after, required=required),
    )


def _provider_problems(network: NetworkRow, roles: Collection[Role], *, required: bool) -> tuple[Problem | None, ...]:
    """What a network of a provider cannot be in a cluster."""
    if network.provider_id is None:
        return ()
    return (
        provider_rules.is_optional(network.name, required=required),
        provider_rules.has_no_role(network.name, sorted(roles)),
    )


def _move_roles(tx: Tx, cluster_id: str, network_id: str, before: Collection[Role], after: Collection[Role]) -> None:
    """Give a network its new roles: taken from whoever had them; what it gives up goes to the management network."""
    gained, lost = frozenset(after) - frozenset(before), frozenset(before) - frozenset(after)
    if not gained and not lost:
        return
    here = cluster_networks.c.cluster_id == cluster_id
    this = cluster_networks.c.network_id == network_id
    for role in gained:
        tx.execute(sa.update(cluster_networks).where(here, cluster_networks.c[role]).values({role: False}))
    changed = {**dict.fromkeys(gained, True), **dict.fromkeys(lost, False)}
    tx.execute(sa.update(cluster_networks).where(here, this).values(changed))
    back = dict.fromkeys(lost & HANDED_BACK, True)
    if back:
        tx.execute(sa.update(cluster_networks).where(here, cluster_networks.c.management).values(back))


def _warn_of_display(
    tx: Tx, actor: Actor, cluster: ClusterRow, before: Collection[Role], after: Collection[Role]
) -> None:
    """Tell when the display role moved while VMs run: their consoles stay where they were until they start again."""
    if (Role.DISPLAY in before) == (Role.DISPLAY in after):
        return
    running = sum(vm.status != "down" for vm in cluster_queries.vms_of(tx, cluster.id))
    if running:
        text = (
            f"The display network of cluster {cluster.name} changed while {running} VMs run. Their consoles move to it "
            "when they are started again."
        )
        audit.record(tx, actor, DISPLAY_MOVED, text, Severity.WARNING, cluster=cluster.id)


def _following(
    tx: Tx,
    cluster: ClusterRow,
    network: NetworkRow | None,
    before: Collection[Role],
    after: Collection[Role],
) -> dict[str, str]:
    """Names by id of the hosts of a cluster that follow as a network comes or goes, or its roles: all that carry
    something if the default route moves, and all that are set up if they map a physical network on account of it.
    """
    following: dict[str, str] = {}
    if (Role.DEFAULT_ROUTE in before) != (Role.DEFAULT_ROUTE in after):
        carrying = sa.select(attachments.c.host_id).distinct()
        here = sa.select(hosts.c.id, hosts.c.name).where(hosts.c.cluster_id == cluster.id, hosts.c.id.in_(carrying))
        following |= dict(tx.execute(here).all())
    if network is not None and _is_mapped(tx, cluster, network):
        following |= cluster_queries.set_up_in(tx, (cluster.id,))
    return following


def _is_mapped(tx: Tx, cluster: ClusterRow, network: NetworkRow) -> bool:
    """Whether hosts of the cluster map a physical network on account of it."""
    if network.provider_id is None or network.provider_id != cluster.provider_id or not network.physical_network:
        return False
    return bool(provider_queries.get(tx, network.provider_id).plugin_remote)


def _snapshot(tx: Tx, cluster_id: str, network_id: str, following: Collection[str]) -> HostInputs:
    """What hosts depend on before a network comes or goes, or its roles, and before who has these now loses them.

    Whoever works on a host locks its row first and the cluster's networks then: to be called before they are written.
    """
    host_changes.lock_hosts(tx, following)
    ids = names_in_cluster(tx, cluster_id).keys() if following else set()
    return rollouts.snapshot(tx, following, {network_id, *ids})
