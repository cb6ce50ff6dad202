"""Reads of clusters with the numbers of what is in them, for lists."""

from __future__ import annotations

import sqlalchemy as sa

from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.hosts import host_drifts, hosts
from netweft.engine.model.mac_pools import mac_pools
from netweft.engine.model.networks import networks
from netweft.engine.model.vms import vms
from netweft.engine.noun import Narrow, ObjectType, Searchable
from netweft.engine.queries.clusters import CLUSTERS, ClusterDetails


class CountedCluster(ClusterDetails, frozen=True, kw_only=True):
    """A cluster, and how many hosts (``hosts_up``, ``hosts_out_of_sync``: of them), networks and VMs it has."""

    hosts: int
    hosts_up: int
    hosts_out_of_sync: int
    networks: int
    vms: int


def counted(narrow: Narrow) -> Searchable[CountedCluster]:
    """All clusters that may be seen. What may not be seen is not counted."""
    counts = _counts(narrow)
    statement = CLUSTERS.select.add_columns(*(count.label(name) for name, count in counts.items()))
    named = {
        "switch": clusters.c.switch_type,
        "macpool": mac_pools.c.name,
        "healing": clusters.c.drift_healing,
        "on_failure": clusters.c.rollout_on_failure,
    }
    fields = {**CLUSTERS.search, **named, **counts}
    return Searchable(narrow(ObjectType.CLUSTER, statement), CountedCluster, fields, CLUSTERS.order)


def _counts(narrow: Narrow) -> dict[str, sa.ScalarSelect[int]]:
    there = cluster_networks.alias()
    here = hosts.c.cluster_id == clusters.c.id
    of_networks = there.join(networks, networks.c.id == there.c.network_id)
    found = {
        "hosts": (ObjectType.HOST, hosts, here),
        "hosts_up": (ObjectType.HOST, hosts, sa.and_(here, hosts.c.status == "up")),
        "hosts_out_of_sync": (ObjectType.HOST, hosts.join(host_drifts, host_drifts.c.host_id == hosts.c.id), here),
        "networks": (ObjectType.NETWORK, of_networks, there.c.cluster_id == clusters.c.id),
        "vms": (ObjectType.VM, vms, vms.c.cluster_id == clusters.c.id),
    }
    return {
        name: narrow(kind, sa.select(sa.func.count()).select_from(table).where(condition))
        .correlate(clusters)
        .scalar_subquery()
        for name, (kind, table, condition) in found.items()
    }
