"""Reads of vNIC profiles, QoS and MAC pools with how much each is used, for lists of many."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.mac_pools import mac_addresses, mac_ranges
from netweft.engine.model.networks import networks
from netweft.engine.model.qos import QosRow, qoss
from netweft.engine.model.records import Record
from netweft.engine.model.templates import template_vnics
from netweft.engine.model.vnic_profiles import VnicProfileRow, vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.noun import Narrow, Noun, ObjectType
from netweft.engine.queries.grouping import grouped
from netweft.engine.statements import rows


class ProfileLine(VnicProfileRow, frozen=True, kw_only=True):
    """A vNIC profile with the names of what it is on, and how many virtual machines and templates use it."""

    network_name: str
    data_center_id: str
    data_center_name: str
    qos_name: str | None
    failover_name: str | None
    vms: int
    templates: int


_OTHER = vnic_profiles.alias("failover")


def _users(column: sa.Column[str], profile: sa.Column[str]) -> sa.ScalarSelect[int]:
    """How many of what the column names have the profile."""
    return sa.select(sa.func.count(column.distinct())).where(profile == vnic_profiles.c.id).scalar_subquery()


PROFILES = Noun(
    vnic_profiles,
    ProfileLine,
    "vNIC profile",
    sa.select(
        vnic_profiles,
        networks.c.name.label("network_name"),
        networks.c.data_center_id,
        data_centers.c.name.label("data_center_name"),
        qoss.c.name.label("qos_name"),
        _OTHER.c.name.label("failover_name"),
        _users(vnics.c.vm_id, vnics.c.profile_id).label("vms"),
        _users(template_vnics.c.template_id, template_vnics.c.profile_id).label("templates"),
    ).select_from(
        vnic_profiles.join(networks, networks.c.id == vnic_profiles.c.network_id)
        .join(data_centers, data_centers.c.id == networks.c.data_center_id)
        .outerjoin(qoss, qoss.c.id == vnic_profiles.c.qos_id)
        .outerjoin(_OTHER, _OTHER.c.id == vnic_profiles.c.failover_id)
    ),
    {
        "name": vnic_profiles.c.name,
        "network": networks.c.name,
        "qos": qoss.c.name,
        "datacenter": data_centers.c.name,
        "description": vnic_profiles.c.description,
        "id": vnic_profiles.c.id,
        "network.id": vnic_profiles.c.network_id,
        "qos.id": vnic_profiles.c.qos_id,
    },
    order=(vnic_profiles.c.name, networks.c.name, vnic_profiles.c.id),
    object_type=ObjectType.VNIC_PROFILE,
)


class QosLine(QosRow, frozen=True, kw_only=True):
    """A QoS with its data centre's name, and how many profiles and networks have it."""

    data_center_name: str
    profiles: int
    networks: int


def _having(column: sa.Column[str]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).where(column == qoss.c.id).scalar_subquery()


QOSS = Noun(
    qoss,
    QosLine,
    "QoS",
    sa.select(
        qoss,
        data_centers.c.name.label("data_center_name"),
        _having(vnic_profiles.c.qos_id).label("profiles"),
        _having(networks.c.qos_id).label("networks"),
    ).select_from(qoss.join(data_centers, data_centers.c.id == qoss.c.data_center_id)),
    {
        "name": qoss.c.name,
        "type": qoss.c.type,
        "datacenter": data_centers.c.name,
        "description": qoss.c.description,
        "id": qoss.c.id,
    },
    parent="data_center_id",
)


class _Used(Record, frozen=True):
    pool_id: str
    used: int


def used_of(tx: Tx, pool_ids: Collection[str]) -> dict[str, int]:
    """How many addresses of its ranges each pool has given; one that has given none is not there."""
    inside = mac_addresses.c.address.between(mac_ranges.c.first, mac_ranges.c.last)
    query = (
        sa.select(mac_addresses.c.pool_id, sa.func.count().label("used"))
        .join(mac_ranges, sa.and_(mac_ranges.c.pool_id == mac_addresses.c.pool_id, inside))
        .where(mac_addresses.c.pool_id.in_(pool_ids))
        .group_by(mac_addresses.c.pool_id)
    )
    return {row.pool_id: row.used for row in rows(tx, _Used, query)}


class ClusterOfPool(Record, frozen=True):
    """A cluster that takes its addresses from a pool."""

    pool_id: str
    id: str
    name: str


def clusters_of(tx: Tx, narrow: Narrow, pool_ids: Collection[str]) -> dict[str, list[ClusterOfPool]]:
    """The clusters of each pool that may be seen, by name."""
    query = sa.select(clusters.c.mac_pool_id.label("pool_id"), clusters.c.id, clusters.c.name)
    query = query.where(clusters.c.mac_pool_id.in_(pool_ids)).order_by(clusters.c.name)
    return grouped(rows(tx, ClusterOfPool, narrow(ObjectType.CLUSTER, query)), "pool_id")
