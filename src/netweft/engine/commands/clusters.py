"""Adding, changing and removing clusters."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from msgspec.structs import replace

from netweft.core.errors import Problem
from netweft.core.keep import KEEP, Keep
from netweft.core.roles import Role
from netweft.core.rules import check, fields
from netweft.core.rules import cluster as rules
from netweft.core.rules import data_center as data_center_rules
from netweft.core.rules import provider as provider_rules
from netweft.core.rules import rollout as rollout_rules
from netweft.core.rules.cluster_network import HANDED_BACK
from netweft.engine import audit
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.changes import Texts, changes, made, updated
from netweft.engine.commands.cluster_networks import UpdateClusterNetwork, add_cluster_network, update_cluster_network
from netweft.engine.commands.data_centers import MANAGEMENT_NETWORK
from netweft.engine.commands.hosts import follow
from netweft.engine.commands.setup_networks import sync_all_networks
from netweft.engine.db import Tx, lock, new_id
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import ClusterRow, clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.mac_pools import mac_pools
from netweft.engine.model.networks import NetworkRow, networks
from netweft.engine.model.providers import ProviderRow, providers
from netweft.engine.operations import host_rules
from netweft.engine.operations.mac_addresses import move_macs
from netweft.engine.operations.races import name_taken, translate_constraint_errors
from netweft.engine.queries import cluster_networks as cluster_network_queries
from netweft.engine.queries import clusters as queries
from netweft.engine.queries import data_centers as data_center_queries
from netweft.engine.queries import mac_pools as mac_pool_queries
from netweft.engine.queries import networks as network_queries
from netweft.engine.queries import providers as provider_queries
from netweft.engine.queries.clusters import ClusterDetails
from netweft.engine.queries.networks import NETWORKS
from netweft.engine.queries.references import Ref, resolve
from netweft.engine.statements import add

_ADD = "Cannot add Cluster."
_UPDATE = "Cannot edit Cluster."
_NAME_USED = "CLUSTER_CANNOT_DO_ACTION_NAME_IN_USE"
_REMOVE = "Cannot remove Cluster."

_REACHABLE = frozenset({"up", "maintenance", "non_operational"})
"""Statuses of hosts whose networks can be set up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fields(Texts):
    """``providers``: the default provider of external networks, or none. ``rollout_canaries``, ``rollout_wave``: hosts
    that a change reaches first, and at a time after those; ``rollout_soak``: seconds for which the first are watched,
    -1 for the engine's setting; ``rollout_evacuates``: guests that a change would cut off are moved to other
    hosts before.
    """

    switch_type: str | Keep = KEEP
    version: str | Keep = KEEP
    cpu_type: str | Keep = KEEP
    cpu_architecture: str | Keep = KEEP
    rollout_canaries: int | Keep = KEEP
    rollout_wave: int | Keep = KEEP
    rollout_soak: int | Keep = KEEP
    rollout_evacuates: bool | Keep = KEEP
    rollout_on_failure: str | Keep = KEEP
    providers: tuple[Ref, ...] | Keep = KEEP
    drift_healing: str | Keep = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCluster(_Fields):
    """A cluster to be.

    ``version``: when kept, that of the data centre; ``mac_pool``, ``management_network``: None for the default ones.
    """

    name: str
    data_center: Ref
    mac_pool: Ref | None = None
    management_network: Ref | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCluster(_Fields):
    """What changes of a cluster."""

    id: str
    data_center: Ref | Keep = KEEP
    mac_pool: Ref | Keep = KEEP
    management_network: Ref | Keep = KEEP


def add_cluster(tx: Tx, actor: Actor, spec: AddCluster) -> str:
    """Add a cluster whose management network has every role that a network can hand back; returns its id.

    Needs CREATE_CLUSTER on the data centre, and CONFIGURE_MAC_POOL on a pool that is not the default one.
    Raises NotFoundError, DeniedError, ValidationError.
    """
    data_center = data_center_queries.get(tx, resolve(tx, data_centers, spec.data_center, "data centre"))
    authorize.require(tx, actor, ActionGroup.CREATE_CLUSTER, ObjectRef(ObjectType.DATA_CENTER, data_center.id))
    pool_id = mac_pool_queries.default_id(tx)
    if spec.mac_pool is not None:
        pool_id = _usable_pool(tx, actor, spec.mac_pool)
    version = data_center.version if spec.version is KEEP else spec.version
    provider = _provider(tx, _ADD, () if spec.providers is KEEP else spec.providers)
    ids = {"id": new_id(), "data_center_id": data_center.id, "mac_pool_id": pool_id}
    cluster = made(ClusterRow, spec, **ids, version=version, provider_id=provider.id if provider else None)
    check(
        _ADD,
        *fields.texts_are_valid("Cluster", cluster, fields.SHORT_NAME_MAX),
        _policy_problem(cluster),
        data_center_rules.version_is_supported(version),
    )
    check(_ADD, rules.version_is_not_below_data_center(version, data_center.version))
    management = _management_network(tx, data_center.id, spec.management_network)
    _check_management_network(cluster, management)
    with translate_constraint_errors(_ADD, lambda _: name_taken("Cluster", spec.name, _NAME_USED)):
        add(tx, clusters, cluster)
    add_cluster_network(tx, cluster.id, management.id, required=True, roles=HANDED_BACK | {Role.MANAGEMENT})
    text = f"Cluster {cluster.name} was added by {actor.name}."
    audit.record(tx, actor, 809, text, cluster=cluster.id, data_center=data_center.id)
    return cluster.id


def update_cluster(tx: Tx, actor: Actor, spec: UpdateCluster) -> None:
    """Change a cluster. Its hosts follow another switch type, and another provider that wants something of them;
    another MAC pool takes over the addresses of its vNICs.

    Needs EDIT_CLUSTER_CONFIGURATION on it, CONFIGURE_MAC_POOL on another pool, CONFIGURE_CLUSTER_NETWORK for another
    management network.
    Raises NotFoundError, DeniedError, ValidationError.
    """
    lock(tx, clusters, spec.id)
    before = queries.get(tx, spec.id)
    authorize.require(tx, actor, ActionGroup.EDIT_CLUSTER_CONFIGURATION, ObjectRef(ObjectType.CLUSTER, spec.id))
    after = updated(before, spec)
    if (
        spec.mac_pool is not KEEP
        and (pool_id := resolve(tx, mac_pools, spec.mac_pool, "MAC pool")) != before.mac_pool_id
    ):
        after = replace(after, mac_pool_id=_usable_pool(tx, actor, Ref(id=pool_id)))
    if spec.providers is not KEEP:
        provider = _provider(tx, _UPDATE, spec.providers)
        after = replace(after, provider_id=provider.id if provider else None)
    changed = changes(before, after)
    _check_update(tx, before, after, spec)
    if "mac_pool_id" in changed:
        macs = mac_pool_queries.macs_of_cluster(tx, spec.id)
        move_macs(tx, macs, before.mac_pool_id, after.mac_pool_id, action=_UPDATE)
    reasons = _reasons_to_follow(tx, before, after)
    watched = host_rules.watch_hosts(tx, _UPDATE, queries.set_up_in(tx, (spec.id,)) if reasons else {})
    if changed:
        with translate_constraint_errors(_UPDATE, lambda _: name_taken("Cluster", after.name, _NAME_USED)):
            tx.execute(sa.update(clusters).where(clusters.c.id == spec.id).values(changed))
        text = f"Cluster {after.name} was changed by {actor.name}."
        audit.record(tx, actor, 811, text, cluster=spec.id, data_center=before.data_center_id)
    if reasons:
        follow(tx, actor, watched, " and ".join(reasons))
    if spec.management_network is not KEEP:
        _move_management(tx, actor, before, spec.management_network)


def remove_cluster(tx: Tx, actor: Actor, cluster_id: str) -> None:
    """Remove a cluster without hosts and VMs.

    Needs DELETE_CLUSTER on it. Raises NotFoundError, DeniedError, ValidationError.
    """
    cluster = lock(tx, clusters, cluster_id)
    authorize.require(tx, actor, ActionGroup.DELETE_CLUSTER, ObjectRef(ObjectType.CLUSTER, cluster_id))
    check(
        _REMOVE,
        rules.has_no_hosts(cluster.name, [host.name for host in queries.hosts_of(tx, cluster_id)]),
        rules.has_no_vms(cluster.name, [vm.name for vm in queries.vms_of(tx, cluster_id)]),
    )
    authorize.forget(tx, cluster_id)
    with translate_constraint_errors(_REMOVE, lambda _: None):
        tx.execute(sa.delete(clusters).where(clusters.c.id == cluster_id))
    text = f"Cluster {cluster.name} was removed by {actor.name}."
    audit.record(tx, actor, 813, text, cluster=cluster_id, data_center=cluster.data_center_id)


def sync_cluster_networks(tx: Tx, actor: Actor, cluster_id: str) -> list[str]:
    """Put every network that is out of sync in sync on every host of a cluster that can be reached.

    Returns the ids of the jobs. Needs CONFIGURE_HOST_NETWORK on each of these hosts. Raises NotFoundError, DeniedError,
    BusyError, ValidationError.
    """
    queries.get(tx, cluster_id)
    reachable = [host.id for host in queries.hosts_of(tx, cluster_id) if host.status in _REACHABLE]
    jobs = [sync_all_networks(tx, actor, host_id) for host_id in sorted(reachable)]
    return [job_id for job_id in jobs if job_id]


def _check_update(tx: Tx, before: ClusterRow, after: ClusterRow, spec: UpdateCluster) -> None:
    data_center_id = before.data_center_id
    if spec.data_center is not KEEP:
        data_center_id = resolve(tx, data_centers, spec.data_center, "data centre")
    check(
        _UPDATE,
        rules.data_center_is_kept(before.data_center_id, data_center_id),
        *fields.texts_are_valid("Cluster", after, fields.SHORT_NAME_MAX),
        _policy_problem(after),
        data_center_rules.version_is_supported(after.version),
    )
    if after.version != before.version:
        data_center = data_center_queries.get(tx, before.data_center_id)
        check(
            _UPDATE,
            rules.version_is_not_below_data_center(after.version, data_center.version),
            rules.version_carries_isolation(after.version, queries.isolated_networks_of(tx, before.id)),
        )
    if after.switch_type != before.switch_type:
        running = [vm.name for vm in queries.vms_of(tx, before.id) if vm.status != "down"]
        active = [host.name for host in queries.hosts_of(tx, before.id) if host.status != "maintenance"]
        check(
            _UPDATE,
            rules.switch_type_may_change(running_vms=running, active_hosts=active),
            rules.switch_carries_isolation(after.switch_type, queries.isolated_networks_of(tx, before.id)),
        )


def _policy_problem(row: ClusterRow) -> Problem | None:
    return rollout_rules.policy_is_valid(
        row.rollout_canaries, row.rollout_wave, row.rollout_soak, row.rollout_on_failure
    )


def _provider(tx: Tx, action: str, given: tuple[Ref, ...]) -> ProviderRow | None:
    """The default provider that a request names, if any, locked: it is not removed, nor changed, meanwhile."""
    check(action, rules.has_one_provider(len(given)))
    if not given:
        return None
    found = provider_queries.PROVIDERS.get(tx, resolve(tx, providers, given[0], "provider"))
    return lock(tx, providers, found.id)


def _reasons_to_follow(tx: Tx, before: ClusterRow, after: ClusterRow) -> list[str]:
    """What has changed that hosts have to follow. Raises ValidationError when they cannot leave their provider."""
    reasons = []
    if before.switch_type != after.switch_type:
        reasons.append(f"the switch type of cluster {after.name} is now {after.switch_type}")
    if before.provider_id != after.provider_id:
        old, new = (provider_queries.get(tx, one.provider_id) if one.provider_id else None for one in (before, after))
        if old and old.plugin_remote:
            running = queries.vms_on_provider(tx, old.id, (before.id,))
            check(_UPDATE, provider_rules.plugin_is_unused(old.name, running))
        if (old and old.plugin_remote) or (new and new.plugin_remote):
            reasons.append(f"the provider of cluster {after.name} is now {new.name if new else 'none'}")
    return reasons


def _usable_pool(tx: Tx, actor: Actor, ref: Ref) -> str:
    """The id of a MAC pool that the actor may use for a cluster: the default one, or one with CONFIGURE_MAC_POOL."""
    pool = mac_pool_queries.get(tx, resolve(tx, mac_pools, ref, "MAC pool"))
    if not pool.is_default:
        authorize.require(tx, actor, ActionGroup.CONFIGURE_MAC_POOL, ObjectRef(ObjectType.MAC_POOL, pool.id))
    return str(pool.id)


def _management_network(tx: Tx, data_center_id: str, ref: Ref | None) -> NetworkRow:
    """The network asked for, or the data centre's default management network. Raises ValidationError when there is no
    such default.

    The default (oVirt): the network of the well-known name, else the only network, else the only one that is a
    management network already.
    """
    if ref is not None:
        return network_queries.get(
            tx, resolve(tx, networks, ref, "network", networks.c.data_center_id == data_center_id)
        )
    inside = NETWORKS.select.where(networks.c.data_center_id == data_center_id)
    managing = sa.select(cluster_networks.c.network_id).where(cluster_networks.c.management)
    for query in (
        inside.where(networks.c.name == MANAGEMENT_NETWORK),
        inside,
        inside.where(networks.c.id.in_(managing)),
    ):
        found = NETWORKS.all(tx, query.limit(2))
        if len(found) == 1:
            return found[0]
    check(_ADD, rules.management_network_is_found(None))
    raise AssertionError("unreachable: the rule does not hold")


def _check_management_network(cluster: ClusterRow, network: NetworkRow) -> None:
    """Whether a new cluster can have the network. Raises ValidationError."""
    isolated = [network.name] if network.port_isolation else []
    check(
        _ADD,
        rules.network_is_in_data_center(network.name, is_in=network.data_center_id == cluster.data_center_id),
        rules.switch_carries_isolation(cluster.switch_type, isolated),
        rules.version_carries_isolation(cluster.version, isolated),
    )


def _move_management(tx: Tx, actor: Actor, cluster: ClusterDetails, ref: Ref) -> None:
    """Give the management role to a network of the cluster, if it does not have it already."""
    network_id = resolve(tx, networks, ref, "network", networks.c.data_center_id == cluster.data_center_id)
    if network_id == cluster.management_network_id:
        return
    row = cluster_network_queries.get(tx, cluster.id, network_id)
    roles = cluster_network_queries.roles_of(row) | {Role.MANAGEMENT}
    update_cluster_network(
        tx, actor, UpdateClusterNetwork(cluster_id=cluster.id, network_id=network_id, required=True, roles=roles)
    )
