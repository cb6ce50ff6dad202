"""``GET /netweft/v1/matrix``: which networks which clusters have, a window of all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import msgspec

from netweft.api.routes import ADDITIONS, READ, Call, Routes
from netweft.api.search import PAGE_SIZE, searched, window
from netweft.api.values import Named
from netweft.core.roles import Role
from netweft.engine.access import visibility
from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import ClusterNetworkRow
from netweft.engine.noun import Narrow
from netweft.engine.queries import matrix as queries
from netweft.engine.queries.matrix import Counts, MatrixCluster, MatrixNetwork
from netweft.engine.queries.network_sync import out_of_sync
from netweft.engine.statements import rows

routes = Routes("matrix", ADDITIONS)

COLUMNS = 30
"""Clusters of a window when ``columns`` does not say."""


class NetworkOfMatrix(msgspec.Struct, kw_only=True, frozen=True):
    """A row. ``vlan``: null for untagged; ``external``: whether a provider has the network."""

    id: str
    name: str
    vlan: int | None
    vm_network: bool
    external: bool
    data_center: str


class ClusterOfMatrix(msgspec.Struct, kw_only=True, frozen=True):
    """A column. ``hosts``: how many the cluster has."""

    id: str
    name: str
    data_center: Named
    switch_type: str
    hosts: int


class Cell(msgspec.Struct, kw_only=True, frozen=True):
    """A network that is attached to a cluster. ``network``, ``cluster``: their ids; ``status``: operational, or
    non_operational when a host that is up lacks a network that is required; ``hosts``: how many of the cluster carry
    it, ``missing``: how many that are up lack it though it is required, ``out_of_sync``: on how many it is out of sync.
    """

    network: str
    cluster: str
    required: bool
    status: str
    roles: list[str]
    hosts: int
    missing: int
    out_of_sync: int


class Matrix(msgspec.Struct, kw_only=True, frozen=True):
    """A window of the matrix. There is a cell where a network is attached. ``networks_total``, ``clusters_total``: how
    many rows and columns match in all.
    """

    networks: list[NetworkOfMatrix]
    clusters: list[ClusterOfMatrix]
    cells: list[Cell]
    networks_total: int
    clusters_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    """Of hosts, by the ids of network and cluster."""

    carrying: Counts
    missing: Counts
    out_of_sync: Counts


@routes.get("/matrix", Matrix, needs=READ, queries=("datacenter", "networks", "clusters", "max", "columns"))
def get_matrix(call: Call[None]) -> Matrix:
    """Which networks which clusters have, require and use for what. ``max``: how many networks (100), ``columns``: how
    many clusters (30) at most; further ones by ``page`` in the search for either.
    """
    query, data_center = call.query, call.query.text("datacenter")
    with call.read() as tx:
        narrow = visibility.narrow(tx, call.actor)
        all_networks, row = searched(tx, query, queries.networks_in(narrow, data_center), "networks")
        all_clusters, column = searched(tx, query, queries.clusters_in(narrow, data_center), "clusters")
        found = rows(tx, MatrixNetwork, window(all_networks, query.size() or PAGE_SIZE, row))
        there = rows(tx, MatrixCluster, window(all_clusters, query.integer("columns") or COLUMNS, column))
        totals = queries.total(tx, all_networks), queries.total(tx, all_clusters)
        ids = [one.id for one in found], [one.id for one in there]
        cells = queries.cells(tx, *ids)
        numbers = _numbers(tx, narrow, *ids)
    return Matrix(
        networks=[_network(row) for row in found],
        clusters=[_cluster(row) for row in there],
        cells=[_cell(row, numbers) for row in cells],
        networks_total=totals[0],
        clusters_total=totals[1],
    )


def _numbers(tx: Tx, narrow: Narrow, network_ids: list[str], cluster_ids: list[str]) -> _Numbers:
    wrong = out_of_sync(tx, narrow, network_ids)
    return _Numbers(
        carrying=queries.carrying(tx, narrow, network_ids, cluster_ids),
        missing=queries.missing(tx, narrow, network_ids, cluster_ids),
        out_of_sync=Counter((one.network_id, one.cluster_id) for one in wrong),
    )


def _network(row: MatrixNetwork) -> NetworkOfMatrix:
    return NetworkOfMatrix(
        id=row.id,
        name=row.name,
        vlan=row.vlan_id,
        vm_network=row.vm_network,
        external=row.provider_id is not None,
        data_center=row.data_center_id,
    )


def _cluster(row: MatrixCluster) -> ClusterOfMatrix:
    data_center = Named(id=row.data_center_id, name=row.data_center_name)
    return ClusterOfMatrix(
        id=row.id, name=row.name, data_center=data_center, switch_type=row.switch_type, hosts=row.hosts
    )


def _cell(row: ClusterNetworkRow, numbers: _Numbers) -> Cell:
    here = row.network_id, row.cluster_id
    return Cell(
        network=row.network_id,
        cluster=row.cluster_id,
        required=row.required,
        status=row.status,
        roles=[role.value for role in Role if getattr(row, role)],
        hosts=numbers.carrying.get(here, 0),
        missing=numbers.missing.get(here, 0),
        out_of_sync=numbers.out_of_sync.get(here, 0),
    )
