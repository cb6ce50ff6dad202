"""Port profiles of networks: which ones fabrics shall have. Parts of commands."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from netweft.core.rules import check
from netweft.core.rules import port_profile as rules
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, lock
from netweft.engine.model.clusters import ClusterRow, clusters
from netweft.engine.model.networks import NetworkRow
from netweft.engine.model.provider_objects import ProviderObjectRow, provider_objects
from netweft.engine.operations import provider_objects as objects
from netweft.engine.operations.provider_networks import reconcile
from netweft.engine.operations.provider_object_events import report
from netweft.engine.queries import port_profiles as queries
from netweft.engine.queries.provider_objects import PROFILE, but_ports

_GONE = "The fabric does not have this port profile any more."
THERE = frozenset({"name", "vlan_id", "mtu"})
"""What a fabric has of a network."""


def want(tx: Tx, actor: Actor, network_id: str, provider_id: str) -> str:
    """Have the fabric carry the network, with the current definitions of both. Returns the id of the job."""
    objects.want(tx, PROFILE, network_id, provider_id, network_id)
    return reconcile(tx, actor, provider_id)


def want_again(tx: Tx, actor: Actor, network_id: str) -> None:
    """Bring a change of the network to all fabrics that carry it."""
    for profile in queries.of_network(tx, network_id):
        want(tx, actor, network_id, profile.provider_id)


def release(tx: Tx, actor: Actor, network_id: str, provider_id: str) -> str:
    """Have the fabric carry the network no more. Returns the id of the job."""
    here = provider_objects.c.kind == PROFILE, provider_objects.c.object_id == network_id
    objects.release(tx, *here, provider_objects.c.provider_id == provider_id)
    return reconcile(tx, actor, provider_id)


def release_all(tx: Tx, actor: Actor, network_id: str) -> None:
    """Have no fabric carry the network any more."""
    for profile in queries.of_network(tx, network_id):
        release(tx, actor, network_id, profile.provider_id)


def compare(
    tx: Tx, actor: Actor, provider_id: str, before: Collection[ProviderObjectRow], there_are: Collection[str]
) -> None:
    """Compare the port profiles found on a fabric with ours; those that are missing are created again. ``before``:
    our objects when the fabric was queried.
    """
    asked = {(row.object_id, row.external_id) for row in before if row.kind == PROFILE and row.state == "ok"}
    known = {(row.object_id, row.external_id) for row in but_ports(tx, provider_id) if row.state == "ok"}
    again = sorted(object_id for object_id, _ in asked & known if object_id not in there_are)
    if again:
        profiles = provider_objects.c.kind == PROFILE, provider_objects.c.object_id.in_(again)
        which = (*profiles, provider_objects.c.provider_id == provider_id)
        report(tx, _GONE, *which)
        objects.lose(tx, *which)
        reconcile(tx, actor, provider_id)


def check_network(tx: Tx, action: str, before: NetworkRow, after: NetworkRow) -> None:
    """Raises ValidationError when a network that fabrics carry may not become that."""
    if (before.vlan_id, before.vm_network) == (after.vlan_id, after.vm_network) or not queries.of_network(
        tx, before.id
    ):
        return
    check(
        action,
        rules.network_is_for_guests(before.name, vm_network=after.vm_network),
        rules.network_has_vlan(before.name, after.vlan_id),
    )


def check_technology(tx: Tx, action: str, network: NetworkRow, provider_type: str) -> None:
    """Raises ValidationError when a cluster of a network has another technology than that of a provider that shall
    carry it.
    """
    here = queries.clusters_with(tx, network.id)
    for cluster_id in here:
        lock(tx, clusters, cluster_id)  # no other technology comes to it meanwhile
    _check(tx, action, network, {provider_type}, here)


def check_cluster(tx: Tx, action: str, network: NetworkRow, cluster: ClusterRow) -> None:
    """Raises ValidationError when a cluster that a network comes to has another technology than what carries it."""
    types = {profile.provider_type for profile in queries.of_network(tx, network.id)}
    if types:
        _check(tx, action, network, types, {cluster.id: cluster.name})


def _check(tx: Tx, action: str, network: NetworkRow, types: set[str], here: Mapping[str, str]) -> None:
    others = queries.technologies(tx, clusters.c.id.in_(here))
    for cluster_id, name in here.items():
        present = {one.type for one in others if one.cluster_id == cluster_id and one.network_id != network.id}
        check(action, rules.cluster_has_one_technology(name, network.name, types, present))
