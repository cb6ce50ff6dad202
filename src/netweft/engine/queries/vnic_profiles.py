"""Reads of vNIC profiles, and of who uses them."""

from __future__ import annotations

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.networks import networks
from netweft.engine.model.subnets import AddressPool, subnets
from netweft.engine.model.templates import template_vnics, templates
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import VnicProfileRow, vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.noun import Noun, ObjectType, searched
from netweft.engine.queries.subnets import COLUMNS, FIRST_COME
from netweft.engine.statements import Statement


class VnicProfileDetails(VnicProfileRow, frozen=True, kw_only=True):
    """A vNIC profile, and what one asks about its network and data centre."""

    network_name: str
    port_isolation: bool
    data_center_id: str
    data_center_name: str
    provider_id: str | None


VNIC_PROFILES = Noun(
    vnic_profiles,
    VnicProfileDetails,
    "vNIC profile",
    sa.select(
        vnic_profiles,
        networks.c.name.label("network_name"),
        networks.c.port_isolation,
        networks.c.data_center_id,
        data_centers.c.name.label("data_center_name"),
        networks.c.provider_id,
    ).select_from(
        vnic_profiles.join(networks, networks.c.id == vnic_profiles.c.network_id).join(
            data_centers, data_centers.c.id == networks.c.data_center_id
        )
    ),
    searched(vnic_profiles, network=networks.c.name, datacenter=data_centers.c.name),
    object_type=ObjectType.VNIC_PROFILE,
    parent="network_id",
)
get = VNIC_PROFILES.get


class ProfileForCluster(VnicProfileRow, frozen=True, kw_only=True):
    """What decides whether a cluster's machines may use a profile: its columns, those of its network and of the cluster
    that matter, and whether the one is ``attached`` to the other. There is a row for each subnet of the network, or
    one without.
    """

    network_name: str
    vm_network: bool
    vlan_id: int | None
    cluster_name: str
    switch_type: str
    attached: bool
    subnet_id: str | None
    subnet_name: str | None
    cidr: str | None
    gateway: str | None
    allocation_pools: tuple[AddressPool, ...] | None
    dhcp_server: str | None


def for_cluster(tx: Tx, profile_id: str, cluster_id: str) -> ProfileForCluster | None:
    """What decides whether a cluster's machines may use a profile; None when there is no such profile or cluster."""
    return _FOR_CLUSTER.first(tx, id=profile_id, cluster_id=cluster_id)


def _for_cluster(cluster_id: sa.ColumnElement[str]) -> Statement[ProfileForCluster]:
    return Statement(
        sa.select(
            vnic_profiles,
            networks.c.name.label("network_name"),
            networks.c.vm_network,
            networks.c.vlan_id,
            clusters.c.name.label("cluster_name"),
            clusters.c.switch_type,
            sa.exists()
            .where(cluster_networks.c.network_id == networks.c.id, cluster_networks.c.cluster_id == clusters.c.id)
            .label("attached"),
            *COLUMNS,
        )
        .select_from(
            vnic_profiles.join(networks, networks.c.id == vnic_profiles.c.network_id)
            .join(clusters, clusters.c.id == cluster_id)
            .outerjoin(subnets, subnets.c.network_id == networks.c.id)
        )
        .where(vnic_profiles.c.id == sa.bindparam("id"))
        .order_by(*FIRST_COME),
        record=ProfileForCluster,
    )


_FOR_CLUSTER = _for_cluster(sa.bindparam("cluster_id"))
FOR_VM = _for_cluster(sa.select(vms.c.cluster_id).where(vms.c.id == sa.bindparam("vm_id")).scalar_subquery())
""":func:`for_cluster` for the cluster of a virtual machine, for who asks more at once."""


def served_by(tx: Tx, profile_id: str) -> list[str]:
    """Names of the profiles whose failover it is."""
    return list(tx.scalars(sa.select(vnic_profiles.c.name).where(vnic_profiles.c.failover_id == profile_id)))


def can_take_over(tx: Tx, data_center_id: str, profile_id: str) -> bool:
    """Whether it is a profile of the data centre without passthrough."""
    row = VNIC_PROFILES.find(tx, profile_id)
    return row is not None and row.data_center_id == data_center_id and not row.passthrough


def templates_using(tx: Tx, profile_id: str) -> list[str]:
    """Names of the templates with a vNIC that has the profile, by name."""
    return list(
        tx.scalars(
            sa.select(templates.c.name)
            .distinct()
            .join(template_vnics, template_vnics.c.template_id == templates.c.id)
            .where(template_vnics.c.profile_id == profile_id)
            .order_by(templates.c.name)
        )
    )


def vms_using(tx: Tx, profile_id: str) -> list[str]:
    """Names of the VMs with a vNIC that has the profile, by name."""
    return list(
        tx.scalars(
            sa.select(vms.c.name)
            .distinct()
            .join(vnics, vnics.c.vm_id == vms.c.id)
            .where(vnics.c.profile_id == profile_id)
            .order_by(vms.c.name)
        )
    )
