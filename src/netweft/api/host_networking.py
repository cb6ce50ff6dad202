"""``GET /netweft/v1/hosts/{id}/networking``: all that is needed to set up the networks of a host, in one answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from netweft.api.host_nics import bond_options, facts_of, physical_nic
from netweft.api.host_topology import roles_of
from netweft.api.interface_cards import Card, cards_of
from netweft.api.network_attachments import assignment_of, visible_host
from netweft.api.routes import ADDITIONS, READ, Call, Routes
from netweft.api.values import Named
from netweft.core.host_request import NetworkView
from netweft.core.intent import AttachmentIntent, HostQos
from netweft.core.nic_view import FamilyView, NicView, nic_views
from netweft.engine.access import visibility
from netweft.engine.db import Tx
from netweft.engine.queries import functions
from netweft.engine.queries import hosts as host_queries
from netweft.engine.queries.cluster_networks import NetworkOfCluster, of_cluster
from netweft.engine.queries.functions import Served
from netweft.engine.queries.host_networks import HostData

routes = Routes("host_networking", ADDITIONS)


class NetworkForHost(msgspec.Struct, kw_only=True, frozen=True):
    """A network of the host's cluster, as it should be on the host now (a rollout may change it later). ``mtu``: 0 for
    the default. ``roles``: in the cluster, and ``vm`` where guests may use it. ``provided``: a provider carries it.
    ``guests``: the running guests of this host that use it.
    """

    id: str
    name: str
    vlan: int | None
    mtu: int
    roles: list[str]
    label: str | None
    required: bool
    provided: bool
    guests: list[str]


class VirtualFunctions(msgspec.Struct, kw_only=True, frozen=True):
    """Virtual functions of a NIC: how many it has and can have, and whether they serve all networks."""

    count: int
    max: int
    all_networks: bool


class HostNicState(msgspec.Struct, kw_only=True, frozen=True):
    """A NIC. ``speed`` in Mbit/s, null for unknown; ``neighbours``: the switch ports of its cable, as texts;
    ``functions``: null where it supports none; ``physical``: the NIC whose virtual function it is.
    """

    id: str
    name: str
    up: bool
    speed: int | None
    labels: list[str]
    neighbours: list[str]
    functions: VirtualFunctions | None
    physical: str | None


class HostBondState(msgspec.Struct, kw_only=True, frozen=True):
    """A bond. ``options``: as oVirt's API has them (``mode`` by its number)."""

    id: str
    name: str
    up: bool
    nics: list[str]
    options: dict[str, str]
    labels: list[str]


class CurrentAddress(msgspec.Struct, kw_only=True, frozen=True):
    """An address that a network's link has, however it came, and the gateway beyond it (null for none)."""

    address: str
    prefix: int
    gateway: str | None


class Addressing(msgspec.Struct, kw_only=True, frozen=True):
    """How a network's link gets its address of one IP version; ``address``, ``prefix``, ``gateway``: null for none.
    ``current``: what it has, null for nothing.
    """

    method: Literal["none", "static", "dhcp", "autoconf", "poly_dhcp_autoconf"]
    address: str | None
    prefix: int | None
    gateway: str | None
    current: CurrentAddress | None


class Limits(msgspec.Struct, kw_only=True, frozen=True):
    """QoS of an attachment: a share, and Mbit/s. Null for what is not limited."""

    share: int | None
    upper_limit: int | None
    real_time: int | None


class AttachmentDifference(msgspec.Struct, kw_only=True, frozen=True):
    """A property whose value on the host differs from the configured one."""

    name: str
    expected: str | None
    actual: str | None


class AttachedNetwork(msgspec.Struct, kw_only=True, frozen=True):
    """A network that is attached to the host. ``uplink``: the NIC or bond. ``dns``: null for that of the network;
    ``qos``: null for that of the network. ``differences``: empty for one in sync.
    """

    id: str
    network: str
    uplink: str
    ipv4: Addressing
    ipv6: Addressing
    dns: list[str] | None
    qos: Limits | None
    properties: dict[str, str]
    in_sync: bool
    differences: list[AttachmentDifference]


class HostNetworking(msgspec.Struct, kw_only=True, frozen=True):
    """A host's NICs and bonds, the networks of its cluster that the user may see, and where they are attached.
    ``in_sync``, ``committed``: null before the first report. ``vms``: how many are on it.
    """

    id: str
    name: str
    status: str
    cluster: Named
    in_sync: bool | None
    committed: bool | None
    vms: int
    nics: list[HostNicState]
    bonds: list[HostBondState]
    networks: list[NetworkForHost]
    attachments: list[AttachedNetwork]
    cards: list[Card]


@routes.get("/hosts/{host_id}/networking", HostNetworking, needs=READ)
def get_networking(call: Call[None]) -> HostNetworking:
    """NICs, bonds, interface cards, and networks of a host, with how they differ from what is wanted."""
    with call.read() as tx:
        data = visible_host(tx, call)
        row = host_queries.HOSTS.get(tx, data.row.id)
        here = _networks(tx, call, data)
        restricted = functions.served(tx, (data.row.id,))[data.row.id]
        cards = cards_of(tx, data)
    ids = {name: nic_id for nic_id, name in data.nics.items()}
    views = nic_views(data.host, data.locations)
    bases = [view for view in views.values() if not view.base and view.name in ids]
    carriers = {view.network_id: view for view in views.values() if view.network_id}
    network_ids = {one.id for one in here}
    return HostNetworking(
        id=row.id,
        name=row.name,
        status=row.status,
        cluster=Named(id=row.cluster_id, name=row.cluster_name),
        in_sync=row.drifts_since is None if data.report else None,
        committed=not row.dirty if data.report else None,
        vms=row.vms_total,
        nics=[_nic(data, ids[view.name], view, restricted) for view in bases if not view.bond],
        bonds=[_bond(data, ids[view.name], view) for view in bases if view.bond],
        networks=here,
        attachments=[
            _attachment(data, one, carriers.get(one.network_id))
            for one in data.intent.attachments
            if one.network_id in network_ids
        ],
        cards=cards,
    )


def _networks(tx: Tx, call: Call[Any], data: HostData) -> list[NetworkForHost]:
    """The networks of the cluster that may be seen, by name."""
    found = of_cluster(tx, visibility.narrow(tx, call.actor), data.row.cluster_id)
    return [_network(data.networks[one.network_id], one) for one in found]


def _network(view: NetworkView, one: NetworkOfCluster) -> NetworkForHost:
    return NetworkForHost(
        id=one.network_id,
        name=view.name,
        vlan=view.intent.vlan,
        mtu=view.intent.mtu,
        roles=roles_of(view),
        label=view.label or None,
        required=one.required,
        provided=view.is_provided,
        guests=list(view.users),
    )


def _labels(data: HostData, name: str) -> list[str]:
    return sorted(label for label, nic in data.labels.items() if nic == name)


def _nic(data: HostData, nic_id: str, view: NicView, restricted: Mapping[str, Served]) -> HostNicState:
    facts = facts_of(data, view.name)
    physical = physical_nic(data, facts)
    serving = VirtualFunctions(
        count=len(facts.functions), max=facts.functions_max, all_networks=view.name not in restricted
    )
    return HostNicState(
        id=nic_id,
        name=view.name,
        up=view.is_up,
        speed=view.speed or None,
        labels=_labels(data, view.name),
        neighbours=[one.text for one in (data.neighbours or {}).get(view.name, ())],
        functions=serving if facts.functions_max else None,
        physical=physical.name if physical else None,
    )


def _bond(data: HostData, nic_id: str, view: NicView) -> HostBondState:
    return HostBondState(
        id=nic_id,
        name=view.name,
        up=view.is_up,
        nics=list(view.bond.slaves) if view.bond else [],
        options=bond_options(data, view.name, view.bond) if view.bond else {},
        labels=_labels(data, view.name),
    )


def _attachment(data: HostData, one: AttachmentIntent, carrier: NicView | None) -> AttachedNetwork:
    """``carrier``: the NIC, bond or VLAN device that has the network, None while none has it."""
    wrong = [each for each in data.compare(one) if not each.in_sync]
    return AttachedNetwork(
        id=one.id,
        network=one.network_id,
        uplink=one.nic,
        ipv4=_addressing(one, 4, carrier.ipv4 if carrier else FamilyView()),
        ipv6=_addressing(one, 6, carrier.ipv6 if carrier else FamilyView()),
        dns=list(one.dns) if one.dns is not None else None,
        qos=_limits(one.qos) if one.qos else None,
        properties=dict(sorted(one.properties.items())),
        in_sync=not wrong,
        differences=[
            AttachmentDifference(name=each.name, expected=each.expected, actual=each.actual) for each in wrong
        ],
    )


def _addressing(one: AttachmentIntent, version: int, observed: FamilyView) -> Addressing:
    found = assignment_of(one, version)
    return Addressing(
        method=found.method,
        address=found.address or None,
        prefix=found.prefix if found.address else None,
        gateway=found.gateway or None,
        current=_current(observed),
    )


def _current(observed: FamilyView) -> CurrentAddress | None:
    if observed.address is None:
        return None
    return CurrentAddress(address=observed.address.ip, prefix=observed.address.prefix, gateway=observed.gateway or None)


def _limits(qos: HostQos) -> Limits:
    return Limits(share=qos.link_share, upper_limit=qos.upper_limit, real_time=qos.real_time)
