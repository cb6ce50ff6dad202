"""Reads of networks, and of who uses them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa

from netweft.core.intent import IpAssignment
from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.host_networks import attachments, host_changes
from netweft.engine.model.hosts import hosts
from netweft.engine.model.networks import NetworkRow, networks
from netweft.engine.model.records import Record
from netweft.engine.model.templates import template_vnics, templates
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.noun import Narrow, Noun, ObjectType, searched
from netweft.engine.queries.references import Ref
from netweft.engine.statements import Among, Answer, Statement, rows


class NetworkDetails(NetworkRow, frozen=True, kw_only=True):
    """A network, and the name of its data centre."""

    data_center_name: str


def in_cluster(test: Callable[[Any], sa.ColumnElement[bool]]) -> sa.ColumnElement[bool]:
    """For a search: that a network is attached to a cluster whose name passes a test."""
    return sa.exists(
        sa.select(clusters.c.id)
        .join(cluster_networks, cluster_networks.c.cluster_id == clusters.c.id)
        .where(cluster_networks.c.network_id == networks.c.id, test(clusters.c.name))
    )


NETWORKS = Noun(
    networks,
    NetworkDetails,
    "network",
    sa.select(networks, data_centers.c.name.label("data_center_name")).join(
        data_centers, data_centers.c.id == networks.c.data_center_id
    ),
    searched(
        networks,
        datacenter=data_centers.c.name,
        cluster=in_cluster,
        label=networks.c.label,
        mtu=networks.c.mtu,
        stp=networks.c.stp,
        vlanid=networks.c.vlan_id,
        datacenter__name=data_centers.c.name,
        cluster__name=in_cluster,
    ),
    object_type=ObjectType.NETWORK,
    parent="data_center_id",
)
get = NETWORKS.get
ON_PROVIDERS = networks.c.provider_id.is_not(None)
"""The condition on networks that providers have them."""


class Names(Record, frozen=True):
    """The names of a network."""

    name: str
    host_side_name: str


class Carrier(Record, frozen=True):
    """A host that has a network attached, and its addresses there."""

    id: str
    name: str
    assignments: tuple[IpAssignment, ...]


def namesakes(tx: Tx, data_center_id: str, name: str, host_side_name: str, *, besides: str = "") -> list[Names]:
    """Both names of the networks of a data centre, ``besides`` left out, that have one of these as either."""
    ids = {"data_center_id": data_center_id, "besides": besides}
    return _NAMESAKES.all(tx, name=name, host_side_name=host_side_name, **ids)


def ask_namesakes(tx: Tx, data_center: Ref, name: str, host_side_name: str) -> Answer[Names]:
    """:func:`namesakes` for who asks more at once; its data centre need not be looked for before."""
    place = {"data_center_id": data_center.id} if data_center.id else {"data_center_name": data_center.name}
    statement = _NAMESAKES if data_center.id else _NAMESAKES_BY_NAME
    return statement.ask(tx, name=name, host_side_name=host_side_name, besides="", **place)


def _called(column: sa.Column[str], data_center_id: sa.ColumnElement[str]) -> sa.Select[Any]:
    return sa.select(networks.c.name, networks.c.host_side_name).where(
        networks.c.data_center_id == data_center_id,
        column.in_((sa.bindparam("name"), sa.bindparam("host_side_name"))),
        networks.c.id != sa.bindparam("besides"),
    )


# Two looks, each through the index of its name, where one with OR would go through the whole data centre.
def _called_either(data_center_id: sa.ColumnElement[str]) -> Statement[Names]:
    columns = (networks.c.name, networks.c.host_side_name)
    return Statement(sa.union(*(_called(column, data_center_id) for column in columns)), record=Names)


_NAMESAKES = _called_either(sa.bindparam("data_center_id"))
_NAMESAKES_BY_NAME = _called_either(
    sa.select(data_centers.c.id).where(data_centers.c.name == sa.bindparam("data_center_name")).scalar_subquery()
)


def managed_clusters(tx: Tx, network_id: str) -> list[str]:
    """Names of the clusters whose management network it is."""
    return list(
        tx.scalars(
            sa.select(clusters.c.name)
            .join(cluster_networks, cluster_networks.c.cluster_id == clusters.c.id)
            .where(cluster_networks.c.network_id == network_id, cluster_networks.c.management)
        )
    )


def clusters_with(tx: Tx, network_id: str) -> list[str]:
    """Ids of the clusters that it is attached to, in an order that is always the same."""
    return list(
        tx.scalars(
            sa.select(cluster_networks.c.cluster_id)
            .where(cluster_networks.c.network_id == network_id)
            .order_by(cluster_networks.c.cluster_id)
        )
    )


def hosts_carrying(tx: Tx, network_id: str, *, cluster_id: str = "") -> list[Carrier]:
    """The hosts (of one cluster, if given) that have it attached, by name."""
    query = (
        sa.select(hosts.c.id, hosts.c.name, attachments.c.assignments)
        .join(attachments, attachments.c.host_id == hosts.c.id)
        .where(attachments.c.network_id == network_id)
        .order_by(hosts.c.name)
    )
    return rows(tx, Carrier, query.where(hosts.c.cluster_id == cluster_id) if cluster_id else query)


def concerned(tx: Tx, network_ids: Collection[str]) -> dict[str, str]:
    """Names by id, in the order of names, of the hosts that carry one of the networks or are being given it."""
    query = sa.select(hosts.c.id, hosts.c.name).order_by(hosts.c.name)
    carrying = sa.select(attachments.c.host_id).where(attachments.c.network_id.in_(network_ids))
    coming = sa.select(host_changes.c.host_id, host_changes.c.candidate)
    pending = host_changes.c.state == "pending", host_changes.c.candidate.is_not(None)
    given = [
        host_id
        for host_id, candidate in tx.execute(coming.where(*pending))
        if any(one.network_id in network_ids for one in candidate.attachments)
    ]
    return dict(tx.execute(query.where(sa.or_(hosts.c.id.in_(carrying), hosts.c.id.in_(given)))).all())


def labels_of(tx: Tx, narrow: Narrow, network_ids: Collection[str]) -> dict[str, str]:
    """The labels of those of the networks that have one and may be seen."""
    query = sa.select(networks.c.id, networks.c.label).where(networks.c.id.in_(network_ids))
    return dict(tx.execute(narrow(ObjectType.NETWORK, query.where(networks.c.label.is_not(None)))).all())


def known_among(tx: Tx, network_ids: Collection[str]) -> set[str]:
    """Those of the ids that are networks'."""
    return set(_KNOWN.scalars(tx, ids=network_ids)) if network_ids else set()


_KNOWN = Statement(sa.select(networks.c.id).where(Among(networks.c.id, "ids")))

_IPV6 = 6
"""The version of :class:`netweft.core.desired.IpAssignment`."""


def hosts_with_ipv6(tx: Tx, network_id: str) -> list[str]:
    """Names of the hosts that are to have IPv6 addresses on it, by name."""
    return [
        host.name
        for host in hosts_carrying(tx, network_id)
        if any(one.version == _IPV6 and one.method != "none" for one in host.assignments)
    ]


def vms_using(tx: Tx, network_id: str, *, cluster_id: str = "") -> list[str]:
    """Names of the VMs (of one cluster, if given) with a vNIC on it, by name."""
    query = (
        sa.select(vms.c.name)
        .distinct()
        .join(vnics, vnics.c.vm_id == vms.c.id)
        .join(vnic_profiles, vnic_profiles.c.id == vnics.c.profile_id)
        .where(vnic_profiles.c.network_id == network_id)
        .order_by(vms.c.name)
    )
    return list(tx.scalars(query.where(vms.c.cluster_id == cluster_id) if cluster_id else query))


def templates_using(tx: Tx, network_id: str, *, cluster_id: str = "") -> list[str]:
    """Names of the templates (of one cluster, if given) with a vNIC on it, by name."""
    query = (
        sa.select(templates.c.name)
        .distinct()
        .join(template_vnics, template_vnics.c.template_id == templates.c.id)
        .join(vnic_profiles, vnic_profiles.c.id == template_vnics.c.profile_id)
        .where(vnic_profiles.c.network_id == network_id)
        .order_by(templates.c.name)
    )
    return list(tx.scalars(query.where(templates.c.cluster_id == cluster_id) if cluster_id else query))


def by_name(tx: Tx, data_center_id: str, name: str) -> str | None:
    """The id of the network of that name, None when there is none."""
    return tx.scalar(
        sa.select(networks.c.id).where(networks.c.data_center_id == data_center_id, networks.c.name == name)
    )
