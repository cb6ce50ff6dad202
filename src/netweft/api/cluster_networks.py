"""Networks of clusters: which a cluster has, whether it requires them, and their roles there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UnsetType

from netweft.api import networks as networks_api
from netweft.api.follow import loads_link
from netweft.api.request_fields import require_visible, required_ref
from netweft.api.routes import READ, Call, Routes, many
from netweft.api.schema import keep, or_default, reference
from netweft.api.search import LISTED, listed
from netweft.api.types import Cluster, ClusterNetwork
from netweft.core.keep import KEEP, Keep
from netweft.core.roles import Role
from netweft.engine.access import visibility
from netweft.engine.access.objects import ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.cluster_networks import (
    AttachNetwork,
    UpdateClusterNetwork,
    attach_network,
    detach_network,
    update_cluster_network,
)
from netweft.engine.db import Tx
from netweft.engine.queries import cluster_networks as queries
from netweft.engine.queries.cluster_networks import CLUSTER_NETWORKS, ClusterNetworkDetails
from netweft.engine.queries.grouping import grouped

routes = Routes("clusters")

_ROLES = frozenset(Role)


def show(row: ClusterNetworkDetails) -> ClusterNetwork:
    """The network, and what it is in the cluster."""
    network = networks_api.show(row)
    values = {name: getattr(network, name) for name in network.__struct_fields__}
    roles = queries.roles_of(row)
    usages = ["vm"] if row.vm_network else []
    values |= {
        "href": f"/clusters/{row.cluster_id}/networks/{row.id}",
        "display": Role.DISPLAY in roles,
        "required": row.required,
        "status": row.status,
        "usages": [*usages, *(role.value for role in Role if role in roles)],
        "cluster": reference(Cluster, row.cluster_id),
    }
    return ClusterNetwork(**values)


@loads_link(Cluster, "networks")
def load_for_clusters(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, list[ClusterNetwork]]:
    """The networks of each cluster."""
    statement = visibility.of_noun(tx, call.actor, CLUSTER_NETWORKS, queries.in_clusters(ids))
    found = grouped(CLUSTER_NETWORKS.all(tx, statement.order_by(*CLUSTER_NETWORKS.order)), "cluster_id")
    return {cluster_id: [show(row) for row in rows] for cluster_id, rows in found.items()}


@routes.get("/clusters/{cluster_id}/networks", many(ClusterNetwork), needs=READ, queries=LISTED)
def list_networks_of_cluster(call: Call[None]) -> list[ClusterNetwork]:
    """Networks of one cluster."""
    cluster_id = call.ids["cluster_id"]
    with call.read() as tx:
        require_visible(tx, call, ObjectType.CLUSTER, cluster_id)
        return [show(row) for row in listed(tx, call, CLUSTER_NETWORKS, queries.in_clusters((cluster_id,)))]


@routes.get("/clusters/{cluster_id}/networks/{network_id}", ClusterNetwork, needs=READ)
def get_network_of_cluster(call: Call[None]) -> ClusterNetwork:
    """One network of a cluster."""
    with call.read() as tx:
        require_visible(tx, call, ObjectType.CLUSTER, call.ids["cluster_id"])
        require_visible(tx, call, ObjectType.NETWORK, call.ids["network_id"])
        return show(queries.get(tx, call.ids["cluster_id"], call.ids["network_id"]))


@routes.post("/clusters/{cluster_id}/networks", ClusterNetwork, needs=ActionGroup.ASSIGN_CLUSTER_NETWORK)
def post_network_of_cluster(call: Call[ClusterNetwork]) -> ClusterNetwork:
    """Attach a network, by id or name, to a cluster."""
    body = call.body
    roles = _roles(body)
    if roles is KEEP:
        roles = frozenset({Role.DISPLAY}) if or_default(body.display, False) else frozenset()
    spec = AttachNetwork(
        cluster_id=call.ids["cluster_id"],
        network=required_ref(body, "Network"),
        required=keep(body.required),
        roles=roles,
    )
    network_id = call.run(attach_network, call.actor, spec)
    with call.read() as tx:
        return show(queries.get(tx, spec.cluster_id, network_id))


@routes.put("/clusters/{cluster_id}/networks/{network_id}", ClusterNetwork, needs=ActionGroup.CONFIGURE_CLUSTER_NETWORK)
def put_network_of_cluster(call: Call[ClusterNetwork]) -> ClusterNetwork:
    """Change whether a cluster requires a network, and its roles there; fields of the network itself are
    ignored.
    """
    cluster_id, network_id = call.ids["cluster_id"], call.ids["network_id"]
    body = call.body
    roles = _roles(body)
    if roles is KEEP and not isinstance(body.display, UnsetType):
        roles = _with_display(call, enabled=body.display)
    spec = UpdateClusterNetwork(cluster_id=cluster_id, network_id=network_id, required=keep(body.required), roles=roles)
    call.run(update_cluster_network, call.actor, spec)
    with call.read() as tx:
        return show(queries.get(tx, cluster_id, network_id))


@routes.delete("/clusters/{cluster_id}/networks/{network_id}", needs=ActionGroup.ASSIGN_CLUSTER_NETWORK)
def delete_network_of_cluster(call: Call[None]) -> None:
    """Detach a network from a cluster."""
    call.run(detach_network, call.actor, call.ids["cluster_id"], call.ids["network_id"])


def _roles(body: ClusterNetwork) -> frozenset[Role] | Keep:
    """The roles among the usages of a request; the usage ``vm`` is the network's own."""
    if not isinstance(body.usages, UnsetType):
        return frozenset(Role(usage) for usage in body.usages if usage in _ROLES)
    return KEEP


def _with_display(call: Call[Any], *, enabled: bool) -> frozenset[Role]:
    """The roles that the network has, with or without the display role (the element ``display`` is older than
    ``usages``).
    """
    with call.read() as tx:
        before = queries.roles_of(queries.get(tx, call.ids["cluster_id"], call.ids["network_id"]))
    return before | {Role.DISPLAY} if enabled else before - {Role.DISPLAY}
