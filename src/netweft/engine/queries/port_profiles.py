"""Reads of port profiles: which networks fabrics carry, and their state there."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.functions import vnic_functions
from netweft.engine.model.networks import networks
from netweft.engine.model.port_profiles import PortProfileRow, RaisedMtuRow, port_profiles, raised_mtus
from netweft.engine.model.provider_hosts import provider_hosts
from netweft.engine.model.provider_objects import ProviderObjectRow, provider_objects
from netweft.engine.model.providers import providers
from netweft.engine.model.records import Record
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.queries.provider_objects import PROFILE
from netweft.engine.statements import Among, Statement, rows

INFINIBAND = "ufm"
"""The type of providers whose fabric is one of InfiniBand: guests drive its functions directly."""


class PortProfileDetails(PortProfileRow, frozen=True, kw_only=True):
    """A port profile, with the settings of its network that the fabric gets."""

    network_name: str
    data_center_id: str
    vlan_id: int | None
    mtu: int
    provider_name: str
    provider_type: str


_ALL = (
    sa.select(
        port_profiles,
        networks.c.name.label("network_name"),
        networks.c.data_center_id,
        networks.c.vlan_id,
        networks.c.mtu,
        providers.c.name.label("provider_name"),
        providers.c.type.label("provider_type"),
    )
    .join(networks, networks.c.id == port_profiles.c.network_id)
    .join(providers, providers.c.id == port_profiles.c.provider_id)
    .order_by(providers.c.name, networks.c.name, networks.c.id)
)


def find(tx: Tx, network_id: str, provider_id: str) -> PortProfileDetails | None:
    """The port profile of a network in a fabric, None when it has none there."""
    here = port_profiles.c.network_id == network_id, port_profiles.c.provider_id == provider_id
    return next(iter(rows(tx, PortProfileDetails, _ALL.where(*here))), None)


def of_network(tx: Tx, network_id: str) -> list[PortProfileDetails]:
    """The port profiles of a network, by the names of their providers."""
    return rows(tx, PortProfileDetails, _ALL.where(port_profiles.c.network_id == network_id))


def objects_of(tx: Tx, network_id: str) -> dict[str, ProviderObjectRow]:
    """Their state in the fabrics, by their providers."""
    here = provider_objects.c.kind == PROFILE, provider_objects.c.object_id == network_id
    return {row.provider_id: row for row in rows(tx, ProviderObjectRow, sa.select(provider_objects).where(*here))}


class Technology(Record, frozen=True):
    """A network of a cluster that a fabric carries. ``type``: of the provider."""

    cluster_id: str
    cluster_name: str
    network_id: str
    type: str


def technologies(tx: Tx, *which: sa.ColumnElement[bool]) -> list[Technology]:
    """What fabrics carry in clusters; ``which``: conditions on clusters."""
    query = (
        sa.select(
            clusters.c.id.label("cluster_id"),
            clusters.c.name.label("cluster_name"),
            port_profiles.c.network_id,
            providers.c.type,
        )
        .join(cluster_networks, cluster_networks.c.cluster_id == clusters.c.id)
        .join(port_profiles, port_profiles.c.network_id == cluster_networks.c.network_id)
        .join(providers, providers.c.id == port_profiles.c.provider_id)
        .order_by(clusters.c.name)
    )
    return rows(tx, Technology, query.where(*which))


def clusters_with(tx: Tx, network_id: str) -> dict[str, str]:
    """Names by id of the clusters that a network is attached to."""
    query = sa.select(clusters.c.id, clusters.c.name).join(
        cluster_networks, cluster_networks.c.cluster_id == clusters.c.id
    )
    query = query.where(cluster_networks.c.network_id == network_id).order_by(clusters.c.name)
    return dict(tx.execute(query).all())


def raised(tx: Tx, provider_id: str) -> list[RaisedMtuRow]:
    """Who raised the MTUs of classes of traffic of a fabric, the highest first."""
    query = sa.select(raised_mtus).where(raised_mtus.c.provider_id == provider_id)
    return rows(tx, RaisedMtuRow, query.order_by(raised_mtus.c.mtu.desc(), raised_mtus.c.system_class))


def networks_in(tx: Tx, provider_id: str) -> dict[str, str]:
    """Names by id of the networks that a fabric carries."""
    query = sa.select(networks.c.id, networks.c.name).join(port_profiles, port_profiles.c.network_id == networks.c.id)
    query = query.where(port_profiles.c.provider_id == provider_id).order_by(networks.c.name)
    return dict(tx.execute(query).all())


def vms_in(tx: Tx, provider_id: str) -> list[str]:
    """The names of virtual machines that have dynamic vNICs on networks that a fabric carries."""
    return list(tx.scalars(_on_cards().where(port_profiles.c.provider_id == provider_id)))


def vms_on(tx: Tx, network_id: str) -> list[str]:
    """The names of virtual machines that have dynamic vNICs on a network."""
    return list(tx.scalars(_on_cards().where(port_profiles.c.network_id == network_id)))


def _on_cards() -> sa.Select[str]:
    return (
        sa.select(vms.c.name)
        .distinct()
        .join(vnics, vnics.c.vm_id == vms.c.id)
        .join(vnic_functions, vnic_functions.c.vnic_id == vnics.c.id)
        .join(vnic_profiles, vnic_profiles.c.id == vnics.c.profile_id)
        .join(port_profiles, port_profiles.c.network_id == vnic_profiles.c.network_id)
        .where(sa.not_(vnic_profiles.c.passthrough))
        .order_by(vms.c.name)
    )


class Carrying(Record, frozen=True):
    """A port profile that is there. ``name``: of it in the fabric, ``server``: the UUID of a host that the fabric
    connects.
    """

    network_id: str
    type: str
    name: str
    high_performance: bool
    server: str


_CARRYING = (
    sa.select(
        port_profiles.c.network_id,
        providers.c.type,
        provider_objects.c.external_id.label("name"),
        port_profiles.c.high_performance,
        provider_hosts.c.name.label("server"),
    )
    .join(providers, providers.c.id == port_profiles.c.provider_id)
    .join(
        provider_objects,
        sa.and_(
            provider_objects.c.kind == PROFILE,
            provider_objects.c.object_id == port_profiles.c.network_id,
            provider_objects.c.provider_id == port_profiles.c.provider_id,
        ),
    )
    .join(provider_hosts, provider_hosts.c.provider_id == port_profiles.c.provider_id)
    .where(Among(port_profiles.c.network_id, "network_ids"), provider_objects.c.external_id != "")
)
_THERE = Statement(_CARRYING, record=Carrying)
_READY = Statement(_CARRYING.where(provider_objects.c.state == "ok"), record=Carrying)


def carrying(tx: Tx, network_ids: Collection[str], *, ready: bool) -> dict[str, dict[str, Carrying]]:
    """By which port profile fabrics carry networks: by the network's id, and by what the fabric knows the hosts there.
    ``ready``: only where the fabric has done all that is wanted; else it may have another VLAN, or another form.
    """
    found: dict[str, dict[str, Carrying]] = {}
    for row in (_READY if ready else _THERE).all(tx, network_ids=network_ids) if network_ids else []:
        found.setdefault(row.network_id, {})[row.server] = row
    return found


def unready(tx: Tx, network_ids: Collection[str]) -> dict[str, str]:
    """Why fabrics do not carry these networks as they are wanted yet, by the network's id."""
    found: dict[str, str] = {}
    for network_id, provider, error in _UNREADY.all(tx, network_ids=network_ids) if network_ids else ():
        found[network_id] = f"its port profile on {provider} is not ready: {error or 'it is being made'}"
    return found


_UNREADY = Statement(
    sa.select(provider_objects.c.object_id.label("network_id"), providers.c.name, provider_objects.c.error)
    .join(providers, providers.c.id == provider_objects.c.provider_id)
    .where(
        provider_objects.c.kind == PROFILE,
        Among(provider_objects.c.object_id, "network_ids"),
        provider_objects.c.wanted == "present",
        provider_objects.c.state != "ok",
    )
    .order_by(providers.c.name.desc())
)


def types(tx: Tx, network_ids: Collection[str]) -> dict[str, str]:
    """The technology that carries each of these networks: the type of its providers, which is one."""
    query = sa.select(port_profiles.c.network_id, providers.c.type).distinct()
    query = query.join(providers, providers.c.id == port_profiles.c.provider_id)
    return dict(tx.execute(query.where(port_profiles.c.network_id.in_(network_ids))).all())


_CARRIED = Statement(
    sa.select(
        port_profiles.c.network_id,
        sa.or_(port_profiles.c.high_performance, providers.c.type == INFINIBAND).label("is_direct"),
    )
    .distinct()
    .join(providers, providers.c.id == port_profiles.c.provider_id)
    .where(Among(port_profiles.c.network_id, "network_ids"))
)


def carried(tx: Tx, network_ids: Collection[str]) -> dict[str, bool]:
    """Those of these networks that have a port profile; whether guests drive their dynamic vNICs by themselves, in one
    fabric at least.
    """
    found: dict[str, bool] = {}
    for network_id, is_direct in _CARRIED.all(tx, network_ids=network_ids) if network_ids else ():
        found[network_id] = found.get(network_id, False) or is_direct
    return found
