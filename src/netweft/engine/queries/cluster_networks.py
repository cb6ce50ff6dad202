"""Reads of the networks of clusters, and of the roles they have there."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.core.roles import Role
from netweft.core.rules.cluster_network import Missing
from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.hosts import hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.records import Record
from netweft.engine.noun import Narrow, Noun, ObjectType
from netweft.engine.queries.networks import NETWORKS, NetworkDetails
from netweft.engine.statements import Statement, rows


class ClusterNetworkDetails(NetworkDetails, frozen=True, kw_only=True):
    """A network in a cluster."""

    cluster_id: str
    required: bool
    status: str
    management: bool
    display: bool
    migration: bool
    default_route: bool
    gluster: bool
    cluster_name: str


CLUSTER_NETWORKS = Noun(
    networks,
    ClusterNetworkDetails,
    "network",
    sa.select(
        networks,
        data_centers.c.name.label("data_center_name"),
        *(column for column in cluster_networks.c if column.name != "network_id"),
        clusters.c.name.label("cluster_name"),
    ).select_from(
        cluster_networks.join(networks, networks.c.id == cluster_networks.c.network_id)
        .join(data_centers, data_centers.c.id == networks.c.data_center_id)
        .join(clusters, clusters.c.id == cluster_networks.c.cluster_id)
    ),
    NETWORKS.search,
    object_type=ObjectType.NETWORK,
)


def in_clusters(cluster_ids: Collection[str]) -> sa.ColumnElement[bool]:
    """The condition on them of being in one of these clusters."""
    return cluster_networks.c.cluster_id.in_(cluster_ids)


class NetworkOfCluster(Record, frozen=True, kw_only=True):
    """Which network, and whether all hosts of the cluster are to have it."""

    network_id: str
    required: bool


def of_cluster(tx: Tx, narrow: Narrow, cluster_id: str) -> list[NetworkOfCluster]:
    """The networks of a cluster that may be seen, by name."""
    query = sa.select(cluster_networks.c.network_id, cluster_networks.c.required)
    query = query.join(networks, networks.c.id == cluster_networks.c.network_id)
    query = query.where(cluster_networks.c.cluster_id == cluster_id).order_by(networks.c.name, networks.c.id)
    return rows(tx, NetworkOfCluster, narrow(ObjectType.NETWORK, query))


def find(tx: Tx, cluster_id: str, network_id: str) -> ClusterNetworkDetails | None:
    """The network in a cluster, None when it is not attached to it."""
    here = cluster_networks.c.cluster_id == cluster_id, cluster_networks.c.network_id == network_id
    return next(iter(CLUSTER_NETWORKS.all(tx, CLUSTER_NETWORKS.select.where(*here))), None)


def get(tx: Tx, cluster_id: str, network_id: str) -> ClusterNetworkDetails:
    """The same; raises NotFoundError."""
    row = find(tx, cluster_id, network_id)
    if row is None:
        raise NotFoundError(f"There is no network with the id {network_id} in the cluster {cluster_id}.")
    return row


def lock_to_use(tx: Tx, cluster_id: str) -> None:
    """Keep the networks of a cluster attached to it until the transaction ends; whoever detaches one waits.

    To be called once the host that is to use them is locked, and before they are read.
    """
    _USE.all(tx, cluster_id=cluster_id)


_USE = Statement(
    sa.select(cluster_networks.c.network_id)
    .where(cluster_networks.c.cluster_id == sa.bindparam("cluster_id"))
    .order_by(cluster_networks.c.network_id)
    .with_for_update(read=True, key_share=True)
)


def lock_to_change(tx: Tx, network_ids: Collection[str]) -> None:
    """Wait for everybody who relies on the networks as they are (:func:`lock_to_use`), and keep others waiting."""
    tx.execute(
        sa.select(cluster_networks.c.network_id)
        .where(cluster_networks.c.network_id.in_(network_ids))
        .order_by(cluster_networks.c.cluster_id, cluster_networks.c.network_id)
        .with_for_update()
    ).all()


def lock_to_remove(tx: Tx, cluster_id: str, network_id: str) -> None:
    """Wait for everybody who relies on the network being attached (:func:`lock_to_use`), and keep others waiting."""
    tx.execute(
        sa.select(cluster_networks.c.network_id)
        .where(cluster_networks.c.cluster_id == cluster_id, cluster_networks.c.network_id == network_id)
        .with_for_update()
    ).all()


def roles_of(row: ClusterNetworkDetails) -> frozenset[Role]:
    """The roles of a network in a cluster."""
    return frozenset(role for role in Role if getattr(row, role))


def holder(tx: Tx, cluster_id: str, role: Role) -> str | None:
    """The id of the network that has the role in the cluster."""
    return tx.scalar(
        sa.select(cluster_networks.c.network_id).where(
            cluster_networks.c.cluster_id == cluster_id, cluster_networks.c[role]
        )
    )


def without_address(tx: Tx, cluster_id: str, network_id: str) -> list[Missing]:
    """The NICs of the cluster's hosts that carry the network and are to have no address on it, static or dynamic."""
    found = tx.execute(
        sa.select(attachments.c.nic, hosts.c.name, attachments.c.assignments)
        .join(hosts, hosts.c.id == attachments.c.host_id)
        .where(attachments.c.network_id == network_id, hosts.c.cluster_id == cluster_id)
    )
    return [
        Missing(nic=nic, host=host)
        for nic, host, assignments in found
        if not any(assignment.method != "none" for assignment in assignments)
    ]
