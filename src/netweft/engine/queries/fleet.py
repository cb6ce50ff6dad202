"""Reads the whole fleet as the things that its file holds (:mod:`netweft.core.fleet`), with as many queries in any
fleet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import sqlalchemy as sa

from netweft.core.host import NicFacts
from netweft.core.intent import IpAssignment
from netweft.core.network_filters import FILTERS
from netweft.core.roles import ROLES
from netweft.core.rules.mac_pool import mac_text
from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import ClusterNetworkRow, cluster_networks
from netweft.engine.model.clusters import ClusterRow, clusters
from netweft.engine.model.data_centers import DataCenterRow, data_centers
from netweft.engine.model.host_networks import (
    AttachmentRow,
    HostBondRow,
    NicLabelRow,
    attachments,
    host_bonds,
    nic_labels,
)
from netweft.engine.model.hosts import HostRow, host_nics, host_reports, hosts
from netweft.engine.model.mac_pools import MacPoolRow, MacRangeRow, mac_pools, mac_ranges
from netweft.engine.model.networks import NetworkRow, networks
from netweft.engine.model.providers import NETWORKS, ProviderRow, providers
from netweft.engine.model.qos import VNIC_LIMITS, QosRow, qoss
from netweft.engine.model.subnets import SubnetRow, subnets
from netweft.engine.model.vnic_profiles import VnicProfileRow, vnic_profiles
from netweft.engine.noun import Narrow, ObjectType
from netweft.engine.statements import rows

_HOST_LIMITS = ("linkshare", "upperlimit", "realtime")
_QOS_FIELDS = {"linkshare": "link_share", "upperlimit": "upper_limit", "realtime": "real_time"}


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that the file holds: its noun, the names of what it is in and its own, its id (empty for what has
    none), and what its fields hold.
    """

    noun: str
    names: tuple[str, ...]
    id: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Names:
    """The names, with those of what it is in, of whatever others refer to, by ids."""

    pools: Mapping[str, str]
    providers: Mapping[str, str]
    data_centers: Mapping[str, str]
    qoss: Mapping[str, str]
    networks: Mapping[str, tuple[str, str]]
    profiles: Mapping[str, tuple[str, str]]
    clusters: Mapping[str, str]
    hosts: Mapping[str, str]


def things(tx: Tx, narrow: Narrow) -> Iterator[Thing]:
    """All that may be seen; what refers to something else says nothing of what may not be."""
    pools = rows(tx, MacPoolRow, narrow(ObjectType.MAC_POOL, sa.select(mac_pools)))
    known_providers = rows(
        tx, ProviderRow, narrow(ObjectType.PROVIDER, sa.select(providers).where(providers.c.purpose == NETWORKS))
    )
    centers = rows(tx, DataCenterRow, narrow(ObjectType.DATA_CENTER, sa.select(data_centers)))
    limits = rows(tx, QosRow, _of(narrow, ObjectType.DATA_CENTER, qoss, qoss.c.data_center_id, data_centers))
    known = rows(tx, NetworkRow, narrow(ObjectType.NETWORK, sa.select(networks)))
    profiles = rows(tx, VnicProfileRow, narrow(ObjectType.VNIC_PROFILE, sa.select(vnic_profiles)))
    known_clusters = rows(tx, ClusterRow, narrow(ObjectType.CLUSTER, sa.select(clusters)))
    known_hosts = rows(tx, HostRow, narrow(ObjectType.HOST, sa.select(hosts)))
    center_names = {row.id: row.name for row in centers}
    network_names = {row.id: (center_names[row.data_center_id], row.name) for row in known}
    names = _Names(
        pools={row.id: row.name for row in pools},
        providers={row.id: row.name for row in known_providers},
        data_centers=center_names,
        qoss={row.id: row.name for row in limits},
        networks=network_names,
        profiles={row.id: (network_names[row.network_id][1], row.name) for row in profiles},
        clusters={row.id: row.name for row in known_clusters},
        hosts={row.id: row.name for row in known_hosts},
    )
    yield from _mac_pools(tx, pools)
    yield from map(_provider, known_providers)
    yield from (Thing("datacenter", (row.name,), row.id, _texts(row)) for row in centers)
    yield from (_qos(row, names) for row in limits)
    yield from (_network(row, names) for row in known)
    yield from _subnets(tx, narrow, names)
    yield from (_profile(row, names) for row in profiles)
    yield from (_cluster(row, names) for row in known_clusters)
    yield from _cluster_networks(tx, narrow, names)
    yield from (_host(row, names) for row in known_hosts)
    yield from _host_networks(tx, narrow, names)


def _of(
    narrow: Narrow, object_type: ObjectType, table: sa.Table, column: sa.ColumnElement[Any], owners: sa.Table
) -> sa.Select[Any]:
    """What belongs to things of a type, by the column that says to which."""
    return narrow(object_type, sa.select(table).join(owners, owners.c.id == column))


class _Described(Protocol):
    @property
    def description(self) -> str: ...
    @property
    def comment(self) -> str: ...


def _texts(row: _Described) -> dict[str, Any]:
    return {"description": row.description, "comment": row.comment}


def _mac_pools(tx: Tx, pools: list[MacPoolRow]) -> Iterator[Thing]:
    ranges = defaultdict(list)
    for one in rows(tx, MacRangeRow, sa.select(mac_ranges).order_by(mac_ranges.c.first)):
        ranges[one.pool_id].append({"from": mac_text(one.first), "to": mac_text(one.last)})
    for row in pools:
        values = {"ranges": ranges[row.id], "allow_duplicates": row.allow_duplicates, **_texts(row)}
        yield Thing("macpool", (row.name,), row.id, values)


def _provider(row: ProviderRow) -> Thing:
    values = {
        "type": row.type,
        "url": row.url,
        "authentication": row.requires_authentication,
        "authentication_url": row.authentication_url,
        "login": row.username,
        "tenant": row.tenant_name,
        "project": row.project_name,
        "user_domain": row.user_domain_name,
        "project_domain": row.project_domain_name,
        "ca": row.certificate or None,
        "plugin_remote": row.plugin_remote or None,
        "plugin_mappings": row.plugin_mappings,
        "read_only": row.read_only,
        "auto_sync": row.auto_sync,
    }
    return Thing("provider", (row.name,), row.id, values | _texts(row))


def _qos(row: QosRow, names: _Names) -> Thing:
    limits = {name: getattr(row, name) for name in VNIC_LIMITS}
    limits |= {name: getattr(row, f"outbound_average_{name}") for name in _HOST_LIMITS}
    values = {"type": row.type, **limits, **_texts(row)}
    return Thing("qos", (names.data_centers[row.data_center_id], row.name), row.id, values)


def _network(row: NetworkRow, names: _Names) -> Thing:
    values = {
        "vlan": row.vlan_id,
        "mtu": row.mtu,
        "vm": row.vm_network,
        "stp": row.stp,
        "port_isolation": row.port_isolation,
        "dns": row.name_servers,
        **_named("qos", row.qos_id, names.qoss),
        "label": row.label,
        **_named("provider", row.provider_id, names.providers),
        **_named("physical_network", row.physical_network_id, {key: name for key, (_, name) in names.networks.items()}),
        "physical_name": None if row.physical_network_id else row.physical_network or None,
    }
    return Thing("network", names.networks[row.id], row.id, values | _texts(row))


def _named(field: str, other: str | None, known: Mapping[str, Any]) -> dict[str, Any]:
    """A field with the name of something else; no field where that may not be seen."""
    if other is None:
        return {field: None}
    return {field: known[other]} if other in known else {}


def _subnets(tx: Tx, narrow: Narrow, names: _Names) -> Iterator[Thing]:
    statement = _of(narrow, ObjectType.NETWORK, subnets, subnets.c.network_id, networks)
    for row in rows(tx, SubnetRow, statement.order_by(subnets.c.created_at, subnets.c.name)):
        values = {
            "cidr": row.cidr,
            "gateway": row.gateway or None,
            "pools": msgspec.to_builtins(row.allocation_pools),
            "dns": row.dns_servers,
            "routes": msgspec.to_builtins(row.host_routes),
            "dhcp": row.dhcp,
            "description": row.description,
        }
        yield Thing("subnet", (*names.networks[row.network_id], row.name), row.id, values)


def _profile(row: VnicProfileRow, names: _Names) -> Thing:
    failovers = {key: {"network": network, "profile": name} for key, (network, name) in names.profiles.items()}
    values = {
        "port_mirroring": row.port_mirroring,
        "pass_through": "enabled" if row.passthrough else "disabled",
        "migratable": row.migratable,
        **_named("failover", row.failover_id, failovers if row.failover_id else {}),
        "network_filter": FILTERS[row.network_filter_id].name if row.network_filter_id else None,
        **_named("qos", row.qos_id, names.qoss),
        "properties": dict(sorted(row.custom_properties.items())),
    }
    return Thing("profile", (*names.networks[row.network_id], row.name), row.id, values | _texts(row))


def _cluster(row: ClusterRow, names: _Names) -> Thing:
    values = {
        "data_center": names.data_centers[row.data_center_id],
        "switch_type": row.switch_type,
        **_named("mac_pool", row.mac_pool_id, names.pools),
        **_named("provider", row.provider_id, names.providers),
        "drift_healing": row.drift_healing,
        "rollout_canaries": row.rollout_canaries,
        "rollout_soak": row.rollout_soak,
        "rollout_wave": row.rollout_wave,
        "rollout_on_failure": row.rollout_on_failure,
        "rollout_evacuates": row.rollout_evacuates,
    }
    return Thing("cluster", (row.name,), row.id, values | _texts(row))


def _cluster_networks(tx: Tx, narrow: Narrow, names: _Names) -> Iterator[Thing]:
    statement = _of(narrow, ObjectType.CLUSTER, cluster_networks, cluster_networks.c.cluster_id, clusters)
    for row in rows(tx, ClusterNetworkRow, statement):
        if row.network_id in names.networks:
            values = {"required": row.required, "roles": sorted(role for role in ROLES if getattr(row, role))}
            place = names.clusters[row.cluster_id], names.networks[row.network_id][1]
            yield Thing("cluster network", place, row.network_id, values)


def _host(row: HostRow, names: _Names) -> Thing:
    values = {
        "cluster": names.clusters[row.cluster_id],
        "address": row.address,
        "ssh_port": row.ssh_port,
        "ssh_fingerprint": row.ssh_fingerprint,
    }
    return Thing("host", (row.name,), row.id, values | _texts(row))


def _host_networks(tx: Tx, narrow: Narrow, names: _Names) -> Iterator[Thing]:
    """What is wanted on hosts: bonds, labels and attachments."""
    for bond in rows(tx, HostBondRow, _of(narrow, ObjectType.HOST, host_bonds, host_bonds.c.host_id, hosts)):
        values = {"slaves": sorted(bond.slaves), "options": dict(sorted(bond.options.items()))}
        yield Thing("host bond", (names.hosts[bond.host_id], bond.name), bond.id, values)
    for label in rows(tx, NicLabelRow, _of(narrow, ObjectType.HOST, nic_labels, nic_labels.c.host_id, hosts)):
        yield Thing("host label", (names.hosts[label.host_id], label.label), "", {"nic": label.nic})
    for one in rows(tx, AttachmentRow, _of(narrow, ObjectType.HOST, attachments, attachments.c.host_id, hosts)):
        if one.network_id in names.networks:
            place = names.hosts[one.host_id], names.networks[one.network_id][1]
            yield Thing("host attachment", place, one.id, _attachment(one))


def _attachment(row: AttachmentRow) -> dict[str, Any]:
    found = {one.version: one for one in row.assignments if one.method != "none"}
    return {
        "nic": row.nic,
        "ipv4": _assignment(found[4]) if 4 in found else None,  # noqa: PLR2004 -- an IP version
        "ipv6": _assignment(found[6]) if 6 in found else None,  # noqa: PLR2004 -- the same
        "dns": row.dns,
        "qos": _filled({name: getattr(row.qos, field) for name, field in _QOS_FIELDS.items()}) if row.qos else None,
        "properties": dict(sorted(row.properties.items())),
    }


def _assignment(one: IpAssignment) -> dict[str, Any]:
    static = {name: getattr(one, name) or None for name in ("address", "prefix", "gateway")}
    return {"method": one.method, **(_filled(static) if one.method == "static" else {})}


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Nic:
    """A NIC, bond or VLAN device that a host has reported; of a NIC also what it is."""

    host: str
    name: str
    facts: NicFacts = NicFacts()  # noqa: RUF009 -- a value that does not change


class _Facts(msgspec.Struct, frozen=True):
    facts: NicFacts = NicFacts()


class _Nics(msgspec.Struct, frozen=True):
    nics: Mapping[str, _Facts] = {}


class _Report(msgspec.Struct, frozen=True):
    """What of a report says which NICs there are."""

    host: _Nics


_REPORT = msgspec.json.Decoder(_Report)


def nics(tx: Tx, narrow: Narrow) -> Iterator[Nic]:
    """The NICs, bonds and VLAN devices that the hosts which may be seen reported last."""
    reports = narrow(
        ObjectType.HOST,
        sa.select(host_reports.c.host_id, host_reports.c.report).join(hosts, hosts.c.id == host_reports.c.host_id),
    )
    facts = {host_id: _REPORT.decode(report).host.nics for host_id, report in tx.execute(reports)}
    names = narrow(
        ObjectType.HOST,
        sa.select(host_nics.c.host_id, host_nics.c.name, hosts.c.name)
        .join(hosts, hosts.c.id == host_nics.c.host_id)
        .order_by(hosts.c.name, host_nics.c.name),
    )
    for host_id, name, host in tx.execute(names):
        known = facts.get(host_id, {}).get(name, _Facts())
        yield Nic(host, name, known.facts)
