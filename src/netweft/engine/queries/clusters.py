"""Reads of clusters."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import ClusterRow, clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.hosts import hosts
from netweft.engine.model.mac_pools import mac_pools
from netweft.engine.model.networks import networks
from netweft.engine.model.providers import providers
from netweft.engine.model.records import Record
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.noun import Noun, ObjectType, searched
from netweft.engine.statements import rows


class ClusterDetails(ClusterRow, frozen=True, kw_only=True):
    """A cluster, and the names of its data centre, MAC pool, management network and provider."""

    data_center_name: str
    mac_pool_name: str
    management_network_id: str | None
    management_network_name: str | None
    provider_name: str | None


def _select() -> sa.Select[Any]:
    management = cluster_networks.alias("management")
    return sa.select(
        clusters,
        data_centers.c.name.label("data_center_name"),
        mac_pools.c.name.label("mac_pool_name"),
        management.c.network_id.label("management_network_id"),
        networks.c.name.label("management_network_name"),
        providers.c.name.label("provider_name"),
    ).select_from(
        clusters.join(data_centers, data_centers.c.id == clusters.c.data_center_id)
        .join(mac_pools, mac_pools.c.id == clusters.c.mac_pool_id)
        .outerjoin(management, sa.and_(management.c.cluster_id == clusters.c.id, management.c.management))
        .outerjoin(networks, networks.c.id == management.c.network_id)
        .outerjoin(providers, providers.c.id == clusters.c.provider_id)
    )


CLUSTERS = Noun(
    clusters,
    ClusterDetails,
    "cluster",
    _select(),
    searched(clusters, datacenter=data_centers.c.name, datacenter__name=data_centers.c.name),
    object_type=ObjectType.CLUSTER,
    parent="data_center_id",
)
get = CLUSTERS.get


class Member(Record, frozen=True):
    """A host or VM of a cluster."""

    id: str
    name: str
    status: str


def hosts_of(tx: Tx, cluster_id: str) -> list[Member]:
    """Its hosts."""
    query = sa.select(hosts.c.id, hosts.c.name, hosts.c.status).where(hosts.c.cluster_id == cluster_id)
    return rows(tx, Member, query)


def set_up_in(tx: Tx, cluster_ids: Collection[str]) -> dict[str, str]:
    """Names by id, in the order of names, of the hosts of clusters whose networks have been set up."""
    is_set_up = hosts.c.status.not_in(("installing", "install_failed"))
    query = sa.select(hosts.c.id, hosts.c.name).where(hosts.c.cluster_id.in_(cluster_ids), is_set_up)
    return dict(tx.execute(query.order_by(hosts.c.name)).all())


def with_provider(tx: Tx, provider_id: str) -> dict[str, str]:
    """Names by id, in the order of names, of the clusters whose default provider it is."""
    query = sa.select(clusters.c.id, clusters.c.name).where(clusters.c.provider_id == provider_id)
    return dict(tx.execute(query.order_by(clusters.c.name)).all())


def data_centers_with_provider(tx: Tx, provider_id: str) -> dict[str, list[str]]:
    """The ids of the clusters whose default provider it is, by the id of their data centre."""
    query = sa.select(clusters.c.id, clusters.c.data_center_id).where(clusters.c.provider_id == provider_id)
    found: dict[str, list[str]] = {}
    for cluster_id, data_center_id in tx.execute(query.order_by(clusters.c.name)):
        found.setdefault(data_center_id, []).append(cluster_id)
    return found


def vms_of(tx: Tx, cluster_id: str) -> list[Member]:
    """Its VMs."""
    return rows(tx, Member, sa.select(vms.c.id, vms.c.name, vms.c.status).where(vms.c.cluster_id == cluster_id))


def vms_on_provider(tx: Tx, provider_id: str, cluster_ids: Collection[str]) -> list[str]:
    """Names of the running VMs of clusters that have a plugged vNIC on a network of a provider."""
    query = (
        sa.select(vms.c.name)
        .distinct()
        .join(vnics, vnics.c.vm_id == vms.c.id)
        .join(vnic_profiles, vnic_profiles.c.id == vnics.c.profile_id)
        .join(networks, networks.c.id == vnic_profiles.c.network_id)
        .where(vms.c.cluster_id.in_(cluster_ids), vms.c.status != "down", vnics.c.plugged)
    )
    return list(tx.scalars(query.where(networks.c.provider_id == provider_id).order_by(vms.c.name)))


def isolated_networks_of(tx: Tx, cluster_id: str) -> list[str]:
    """Names of its networks with port isolation."""
    return list(
        tx.scalars(
            sa.select(networks.c.name)
            .join(cluster_networks, cluster_networks.c.network_id == networks.c.id)
            .where(cluster_networks.c.cluster_id == cluster_id, networks.c.port_isolation)
        )
    )
