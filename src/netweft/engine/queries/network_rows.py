"""Reads of networks with the numbers of what they are on, for lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from netweft.core.roles import Role
from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.hosts import hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.providers import providers
from netweft.engine.model.qos import qoss
from netweft.engine.model.records import Record
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.noun import Narrow, ObjectType, Searchable
from netweft.engine.queries.networks import NETWORKS, NetworkDetails
from netweft.engine.statements import rows

Fields = Mapping[str, Any]


class CountedNetwork(NetworkDetails, frozen=True, kw_only=True):
    """A network, the names of its provider and QoS, and how many clusters, hosts, VMs, vNICs and profiles it is on."""

    provider_name: str | None
    qos_name: str | None
    clusters: int
    hosts: int
    vms: int
    vnics: int
    profiles: int


class _RoleRow(Record, frozen=True):
    network_id: str
    management: bool
    display: bool
    migration: bool
    default_route: bool
    gluster: bool


def counted(narrow: Narrow) -> Searchable[CountedNetwork]:
    """All networks that may be seen. What may not be seen is not counted."""
    counts = _counts(narrow)
    columns = (
        data_centers.c.name.label("data_center_name"),
        providers.c.name.label("provider_name"),
        qoss.c.name.label("qos_name"),
        *(count.label(name) for name, count in counts.items()),
    )
    statement = (
        sa.select(networks, *columns)
        .join(data_centers, data_centers.c.id == networks.c.data_center_id)
        .outerjoin(providers, providers.c.id == networks.c.provider_id)
        .outerjoin(qoss, qoss.c.id == networks.c.qos_id)
    )
    named = {"provider": providers.c.name, "qos": qoss.c.name, "vm": networks.c.vm_network}
    fields = {**NETWORKS.search, **named, **counts}
    return Searchable(narrow(ObjectType.NETWORK, statement), CountedNetwork, fields, NETWORKS.order)


def _counts(narrow: Narrow) -> dict[str, sa.ScalarSelect[int]]:
    on_profile = vnics.join(vms, vms.c.id == vnics.c.vm_id).join(
        vnic_profiles, vnic_profiles.c.id == vnics.c.profile_id
    )
    carrying = attachments.join(hosts, hosts.c.id == attachments.c.host_id)
    having = cluster_networks.join(clusters, clusters.c.id == cluster_networks.c.cluster_id)
    of_profile = vnic_profiles.c.network_id == networks.c.id
    number = sa.func.count()
    found = {
        "clusters": (ObjectType.CLUSTER, number, having, cluster_networks.c.network_id == networks.c.id),
        "hosts": (ObjectType.HOST, number, carrying, attachments.c.network_id == networks.c.id),
        "vms": (ObjectType.VM, sa.func.count(vms.c.id.distinct()), on_profile, of_profile),
        "vnics": (ObjectType.VM, number, on_profile, of_profile),
        "profiles": (ObjectType.VNIC_PROFILE, number, vnic_profiles, of_profile),
    }
    return {
        name: narrow(kind, sa.select(count).select_from(table).where(condition)).correlate(networks).scalar_subquery()
        for name, (kind, count, table, condition) in found.items()
    }


def roles_of(tx: Tx, narrow: Narrow, network_ids: Collection[str]) -> dict[str, list[str]]:
    """The roles that networks have in any cluster, in the order of :class:`Role`."""
    columns = [cluster_networks.c[role] for role in Role]
    statement = (
        sa.select(cluster_networks.c.network_id, *columns)
        .join(clusters, clusters.c.id == cluster_networks.c.cluster_id)
        .where(cluster_networks.c.network_id.in_(network_ids), sa.or_(*columns))
    )
    found: defaultdict[str, set[Role]] = defaultdict(set)
    for row in rows(tx, _RoleRow, narrow(ObjectType.CLUSTER, statement)):
        found[row.network_id] |= {role for role in Role if getattr(row, role)}
    return {network_id: [role.value for role in Role if role in roles] for network_id, roles in found.items()}
