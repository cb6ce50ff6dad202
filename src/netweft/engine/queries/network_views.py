"""Networks as hosts need them: what they are in a host's cluster, their QoS, and the guests of a host that use them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from msgspec.structs import astuple

from netweft.core.host_request import NetworkView
from netweft.core.intent import HostQos, NetworkIntent
from netweft.core.roles import ROLES
from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.functions import vnic_functions
from netweft.engine.model.networks import networks
from netweft.engine.model.qos import qoss
from netweft.engine.model.rollouts import NetworkInCluster
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.statements import Among, Statement

QOS_LIMITS = ("outbound_average_linkshare", "outbound_average_upperlimit", "outbound_average_realtime")
"""Columns of the QoS of a network on hosts: link shares and Mbit/s."""


def networks_of_clusters(tx: Tx, cluster_ids: Collection[str]) -> list[tuple[object, ...]]:
    """The values of every network of the clusters with its roles and QoS: all of networks that a host's state depends
    on.
    """
    return [astuple(row) for row in networks_among(tx, cluster_ids, ())]


def networks_among(tx: Tx, cluster_ids: Collection[str], network_ids: Collection[str]) -> Sequence[NetworkInCluster]:
    """Every network of the clusters, and those that are named; a row for each cluster that has it, or one without
    cluster.
    """
    return _NETWORKS.all(tx, clusters=cluster_ids, networks=network_ids)


def _networks_among() -> sa.CompoundSelect[Any]:
    columns = [cluster_networks.c[name] for name in ("cluster_id", *ROLES)] + [qoss.c[name] for name in QOS_LIMITS]
    rows, is_there = sa.select(networks, *columns), cluster_networks.c.network_id == networks.c.id
    has_limits = qoss.c.id == networks.c.qos_id
    here = Among(cluster_networks.c.cluster_id, "clusters")
    of_others = sa.or_(cluster_networks.c.cluster_id.is_(None), ~here)
    # Two parts, each of which an index leads to: for one condition with OR SQLite reads all networks that there are.
    return sa.union_all(
        rows.select_from(networks.join(cluster_networks, is_there).outerjoin(qoss, has_limits)).where(here),
        rows.select_from(networks.outerjoin(cluster_networks, is_there).outerjoin(qoss, has_limits)).where(
            Among(networks.c.id, "networks"), of_others
        ),
    )


_NETWORKS = Statement(_networks_among(), record=NetworkInCluster)


def users_of(tx: Tx, host_ids: Collection[str]) -> dict[str, dict[str, list[str]]]:
    """Names of the running guests of each host by the network that a plugged vNIC of theirs is on. Those that have it
    by the host's virtual interface card have nothing of what is set up.
    """
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for host_id, network_id, name in _USERS.all(tx, ids=host_ids):
        found[host_id][network_id].append(name)
    return found


_USERS = Statement(
    sa.select(vms.c.host_id, vnic_profiles.c.network_id, vms.c.name)
    .distinct()
    .join(vnics, vnics.c.vm_id == vms.c.id)
    .join(vnic_profiles, vnic_profiles.c.id == vnics.c.profile_id)
    .outerjoin(
        vnic_functions, sa.and_(vnic_functions.c.vnic_id == vnics.c.id, vnic_functions.c.host_id == vms.c.host_id)
    )
    .where(Among(vms.c.host_id, "ids"), vnics.c.plugged, vms.c.status != "down")
    .where(sa.or_(vnic_functions.c.vnic_id.is_(None), vnic_profiles.c.passthrough))
    .order_by(vms.c.name)
)


def with_users(views: Mapping[str, NetworkView], users: Mapping[str, Sequence[str]]) -> Mapping[str, NetworkView]:
    """The networks with the guests of a host that use them."""
    known = users.keys() & views.keys()
    return {**views, **{network_id: replace(views[network_id], users=tuple(users[network_id])) for network_id in known}}


def views_of(cluster_id: str, rows: Sequence[NetworkInCluster]) -> dict[str, NetworkView]:
    """The networks from the view of a host of the cluster, by id."""
    managing = {row.id for row in rows if row.management}
    found: dict[str, NetworkView] = {}
    for row in rows:
        here = row.cluster_id == cluster_id
        if row.id in found and not here:
            continue
        found[row.id] = NetworkView(
            intent=_intent(row),
            in_cluster=here,
            roles=frozenset(role for role in ROLES if here and getattr(row, role)),
            is_management=row.id in managing,
            label=row.label or "",
            is_provided=row.provider_id is not None,
        )
    return found


def _intent(row: NetworkInCluster) -> NetworkIntent:
    """A network's columns as hosts need them."""
    return NetworkIntent(
        id=row.id,
        name=row.name,
        host_side_name=row.host_side_name,
        vlan=row.vlan_id,
        mtu=row.mtu,
        vm=row.vm_network,
        stp=row.stp,
        dns=tuple(row.name_servers),
        port_isolation=row.port_isolation,
        qos=_qos(row),
    )


def _qos(row: NetworkInCluster) -> HostQos | None:
    """The QoS of a network, out of its columns of that."""
    if row.qos_id is None:
        return None
    return HostQos(
        link_share=row.outbound_average_linkshare,
        upper_limit=row.outbound_average_upperlimit,
        real_time=row.outbound_average_realtime,
    )


def names_in_cluster(tx: Tx, cluster_id: str) -> dict[str, str]:
    """Names by id of the networks of a cluster."""
    query = sa.select(networks.c.id, networks.c.name).join(
        cluster_networks, cluster_networks.c.network_id == networks.c.id
    )
    return dict(tx.execute(query.where(cluster_networks.c.cluster_id == cluster_id)).all())
