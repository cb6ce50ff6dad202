"""Reads of a window of the matrix of networks and clusters."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import ClusterNetworkRow, cluster_networks, missing_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.hosts import hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.records import Record
from netweft.engine.noun import Narrow, ObjectType, Searchable
from netweft.engine.queries.clusters import CLUSTERS
from netweft.engine.queries.networks import NETWORKS
from netweft.engine.statements import rows

Counts = Mapping[tuple[str, str], int]
"""By the ids of a network and a cluster."""


class MatrixNetwork(Record, frozen=True):
    """A row of the matrix."""

    id: str
    name: str
    vlan_id: int | None
    vm_network: bool
    provider_id: str | None
    data_center_id: str


class MatrixCluster(Record, frozen=True):
    """A column of the matrix; ``hosts``: how many it has."""

    id: str
    name: str
    switch_type: str
    data_center_id: str
    data_center_name: str
    hosts: int


class _Count(Record, frozen=True):
    network_id: str
    cluster_id: str
    many: int


class _Total(Record, frozen=True):
    many: int


def networks_in(narrow: Narrow, data_center: str) -> Searchable[MatrixNetwork]:
    """The networks that may be seen (of one data centre, by id or name, if given)."""
    columns = [networks.c[name] for name in MatrixNetwork.__struct_fields__]
    statement = sa.select(*columns).join(data_centers, data_centers.c.id == networks.c.data_center_id)
    wanted = narrow(ObjectType.NETWORK, _of(statement, data_center))
    return Searchable(wanted, MatrixNetwork, NETWORKS.search, NETWORKS.order)


def clusters_in(narrow: Narrow, data_center: str) -> Searchable[MatrixCluster]:
    """The clusters that may be seen (of one data centre, by id or name, if given)."""
    here = sa.select(sa.func.count()).select_from(hosts).where(hosts.c.cluster_id == clusters.c.id)
    statement = sa.select(
        clusters.c.id,
        clusters.c.name,
        clusters.c.switch_type,
        clusters.c.data_center_id,
        data_centers.c.name.label("data_center_name"),
        narrow(ObjectType.HOST, here).correlate(clusters).scalar_subquery().label("hosts"),
    ).join(data_centers, data_centers.c.id == clusters.c.data_center_id)
    wanted = narrow(ObjectType.CLUSTER, _of(statement, data_center))
    return Searchable(wanted, MatrixCluster, CLUSTERS.search, CLUSTERS.order)


def _of(statement: sa.Select[Any], data_center: str) -> sa.Select[Any]:
    if not data_center:
        return statement
    return statement.where(sa.or_(data_centers.c.id == data_center, data_centers.c.name == data_center))


def total(tx: Tx, statement: sa.Select[Any]) -> int:
    """How many rows a statement has."""
    everything = statement.order_by(None).subquery()
    return rows(tx, _Total, sa.select(sa.func.count().label("many")).select_from(everything))[0].many


def cells(tx: Tx, network_ids: Collection[str], cluster_ids: Collection[str]) -> list[ClusterNetworkRow]:
    """What networks are in clusters, where they are attached."""
    statement = sa.select(cluster_networks).where(
        cluster_networks.c.network_id.in_(network_ids), cluster_networks.c.cluster_id.in_(cluster_ids)
    )
    return rows(tx, ClusterNetworkRow, statement)


def carrying(tx: Tx, narrow: Narrow, network_ids: Collection[str], cluster_ids: Collection[str]) -> Counts:
    """How many hosts of each cluster carry each network."""
    statement = (
        sa.select(attachments.c.network_id, hosts.c.cluster_id, sa.func.count().label("many"))
        .join(hosts, hosts.c.id == attachments.c.host_id)
        .where(attachments.c.network_id.in_(network_ids), hosts.c.cluster_id.in_(cluster_ids))
        .group_by(attachments.c.network_id, hosts.c.cluster_id)
    )
    return _by_cell(tx, narrow(ObjectType.HOST, statement))


def missing(tx: Tx, narrow: Narrow, network_ids: Collection[str], cluster_ids: Collection[str]) -> Counts:
    """How many hosts of each cluster that are up lack a network that it requires."""
    lacking = missing_networks.c
    statement = (
        sa.select(lacking.network_id, lacking.cluster_id, sa.func.count().label("many"))
        .join(hosts, hosts.c.id == lacking.host_id)
        .where(lacking.network_id.in_(network_ids), lacking.cluster_id.in_(cluster_ids))
        .group_by(lacking.network_id, lacking.cluster_id)
    )
    return _by_cell(tx, narrow(ObjectType.HOST, statement))


def _by_cell(tx: Tx, statement: sa.Select[Any]) -> Counts:
    return {(row.network_id, row.cluster_id): row.many for row in rows(tx, _Count, statement)}
