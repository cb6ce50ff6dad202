"""``/netweft/v1/rows/profiles``, ``/rows/qoss`` and ``/rows/macpools``: vNIC profiles, QoS and MAC pools with how much
each is used: an addition of Netweft.
"""

from __future__ import annotations

import msgspec

from netweft.api.routes import ADDITIONS, API, READ, Call, Routes, many
from netweft.api.search import LISTED, listed
from netweft.api.values import Named, named
from netweft.core.network_filters import FILTERS
from netweft.core.rules.mac_pool import MacRange, mac_text
from netweft.core.rules.qos import LIMITS
from netweft.engine.access import visibility
from netweft.engine.model.mac_pools import MacPoolRow
from netweft.engine.queries import mac_pools as pool_queries
from netweft.engine.queries import policy_rows as queries
from netweft.engine.queries.policy_rows import ClusterOfPool, ProfileLine, QosLine

routes = Routes("rows", ADDITIONS)


class RowOfProfile(msgspec.Struct, kw_only=True, frozen=True):
    """A vNIC profile. ``href``: of it in oVirt's API; ``default``: made with its network; ``migratable``: of one with
    ``passthrough``; ``failover``: the profile used during a migration. ``vms``, ``templates``: how many have a vNIC
    with it.
    """

    id: str
    href: str
    name: str
    description: str
    default: bool
    network: Named
    data_center: Named
    qos: Named | None
    network_filter: Named | None
    failover: Named | None
    passthrough: bool
    migratable: bool
    port_mirroring: bool
    custom_properties: dict[str, str]
    vms: int
    templates: int


class RowOfQos(msgspec.Struct, kw_only=True, frozen=True):
    """A QoS. ``type``: ``network`` or ``hostnetwork``; ``limits``: those that it has, by oVirt's names. ``profiles``,
    ``networks``: how many have it.
    """

    id: str
    href: str
    name: str
    description: str
    type: str
    data_center: Named
    limits: dict[str, int]
    profiles: int
    networks: int


class MacSpan(msgspec.Struct, kw_only=True, frozen=True):
    """MAC addresses from ``first`` to ``last``, both included."""

    first: str
    last: str


class RowOfMacPool(msgspec.Struct, kw_only=True, frozen=True):
    """A MAC pool. ``size``: addresses of its ranges, of which ``used`` are in use; ``clusters``: those that use it."""

    id: str
    href: str
    name: str
    description: str
    default: bool
    allow_duplicates: bool
    ranges: list[MacSpan]
    size: int
    used: int
    clusters: list[Named]


@routes.get("/rows/profiles", many(RowOfProfile), needs=READ, queries=LISTED)
def list_profiles(call: Call[None]) -> list[RowOfProfile]:
    """The vNIC profiles of all networks, by name."""
    with call.read() as tx:
        return [_profile(row) for row in listed(tx, call, queries.PROFILES)]


def _profile(row: ProfileLine) -> RowOfProfile:
    network_filter = FILTERS[row.network_filter_id] if row.network_filter_id else None
    return RowOfProfile(
        id=row.id,
        href=f"{API}/vnicprofiles/{row.id}",
        name=row.name,
        description=row.description,
        default=row.is_default,
        network=Named(id=row.network_id, name=row.network_name),
        data_center=Named(id=row.data_center_id, name=row.data_center_name),
        qos=named(row.qos_id, row.qos_name),
        network_filter=named(row.network_filter_id, network_filter.name if network_filter else None),
        failover=named(row.failover_id, row.failover_name),
        passthrough=row.passthrough,
        migratable=row.migratable,
        port_mirroring=row.port_mirroring,
        custom_properties=row.custom_properties,
        vms=row.vms,
        templates=row.templates,
    )


@routes.get("/rows/qoss", many(RowOfQos), needs=READ, queries=LISTED)
def list_qoss(call: Call[None]) -> list[RowOfQos]:
    """The QoS of all data centres, by name."""
    with call.read() as tx:
        return [_qos(row) for row in listed(tx, call, queries.QOSS)]


def _qos(row: QosLine) -> RowOfQos:
    return RowOfQos(
        id=row.id,
        href=f"{API}/datacenters/{row.data_center_id}/qoss/{row.id}",
        name=row.name,
        description=row.description,
        type=row.type,
        data_center=Named(id=row.data_center_id, name=row.data_center_name),
        limits={name: value for name in LIMITS if (value := getattr(row, name)) is not None},
        profiles=row.profiles,
        networks=row.networks,
    )


@routes.get("/rows/macpools", many(RowOfMacPool), needs=READ, queries=LISTED)
def list_pools(call: Call[None]) -> list[RowOfMacPool]:
    """MAC pools, by name."""
    with call.read() as tx:
        found = listed(tx, call, pool_queries.MAC_POOLS)
        ids = [row.id for row in found]
        ranges, used = pool_queries.ranges_of(tx, ids), queries.used_of(tx, ids)
        clusters = queries.clusters_of(tx, visibility.narrow(tx, call.actor), ids)
    return [_pool(row, ranges.get(row.id, []), used.get(row.id, 0), clusters.get(row.id, [])) for row in found]


def _pool(row: MacPoolRow, ranges: list[MacRange], used: int, clusters: list[ClusterOfPool]) -> RowOfMacPool:
    return RowOfMacPool(
        id=row.id,
        href=f"{API}/macpools/{row.id}",
        name=row.name,
        description=row.description,
        default=row.is_default,
        allow_duplicates=row.allow_duplicates,
        ranges=[MacSpan(first=mac_text(one.first), last=mac_text(one.last)) for one in ranges],
        size=sum(one.last - one.first + 1 for one in ranges),
        used=used,
        clusters=[Named(id=one.id, name=one.name) for one in clusters],
    )
