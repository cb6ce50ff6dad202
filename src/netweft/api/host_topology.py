"""``GET /netweft/v1/hosts/{id}/topology``: how guests reach the physical switches: vNICs, networks with their bridges,
bonds, NICs, switch ports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from netweft.api.network_attachments import visible_host
from netweft.api.routes import ADDITIONS, READ, Call, Routes
from netweft.core.functions import nics_by_address
from netweft.core.host_request import NetworkView
from netweft.core.neighbours import Neighbour
from netweft.core.nic_view import NicView, nic_views
from netweft.engine.access import visibility
from netweft.engine.db import Tx
from netweft.engine.queries import functions as function_queries
from netweft.engine.queries.host_networks import HostData
from netweft.engine.queries.vms import VmDetails, VnicDetails, on_host, vnics_of

routes = Routes("hosts", ADDITIONS)


class SwitchPort(msgspec.Struct, kw_only=True, frozen=True):
    """The switch port of a cable, as announced by LLDP. ``text``: both as a phrase."""

    device: str
    port: str
    text: str


class UplinkNic(msgspec.Struct, kw_only=True, frozen=True):
    """A NIC. ``speed`` in Mbit/s, null for unknown; ``bond``: the bond that it belongs to, null for none."""

    name: str
    up: bool
    speed: int | None
    bond: str | None
    ports: list[SwitchPort]


class UplinkBond(msgspec.Struct, kw_only=True, frozen=True):
    """A bond. ``mode``: as the kernel calls it."""

    name: str
    up: bool
    mode: str


class HostNetwork(msgspec.Struct, kw_only=True, frozen=True):
    """A network that is attached to the host, or that a guest there uses in another way. ``uplink``: the NIC or bond
    that carries it, null for none; ``bridge``: the bridge for guests, null for none; ``present``: whether it exists on
    the host.
    """

    id: str
    name: str
    vlan: int | None
    roles: list[str]
    uplink: str | None
    bridge: str | None
    present: bool


class GuestVnic(msgspec.Struct, kw_only=True, frozen=True):
    """A vNIC. ``network``: the id of its network, null for none; ``nic``: the NIC whose virtual function the guest has
    instead of a place in the bridge, null for none.
    """

    id: str
    name: str
    mac: str
    network: str | None
    profile: str | None
    nic: str | None
    plugged: bool
    linked: bool


class Guest(msgspec.Struct, kw_only=True, frozen=True):
    """A virtual machine on the host."""

    id: str
    name: str
    status: str
    vnics: list[GuestVnic]


class HostTopology(msgspec.Struct, kw_only=True, frozen=True):
    """How guests of a host reach the physical switches, by its last report. ``lldp``: whether lldpd answers on the
    host. Only guests that the user may see are included.
    """

    lldp: bool
    guests: list[Guest]
    networks: list[HostNetwork]
    bonds: list[UplinkBond]
    nics: list[UplinkNic]


@routes.get("/hosts/{host_id}/topology", HostTopology, needs=READ)
def get_topology(call: Call[None]) -> HostTopology:
    """Guests, networks with their bridges, bonds, NICs and switch ports of a host."""
    with call.read() as tx:
        data = visible_host(tx, call)
        machines = _machines(tx, call)
        cards = vnics_of(tx, [one.id for one in machines])
        held = function_queries.held(tx, (data.row.id,))[data.row.id]
    by_vnic = _nics_of_functions(data, held)
    views = {view.name: view for view in nic_views(data.host, data.locations).values() if not view.base}
    return HostTopology(
        lldp=data.neighbours is not None,
        guests=[
            Guest(id=vm.id, name=vm.name, status=vm.status, vnics=[_vnic(one, by_vnic) for one in cards[vm.id]])
            for vm in machines
        ],
        networks=[*_attached(data), *_of_guests_only(data, cards)],
        bonds=[
            UplinkBond(name=one.name, up=one.is_up, mode=one.bond.mode)
            for one in views.values()
            if one.bond is not None
        ],
        nics=[_nic(data, one) for one in views.values() if not one.bond],
    )


def _machines(tx: Tx, call: Call[Any]) -> list[VmDetails]:
    """The machines on the host that may be seen."""
    return on_host(tx, visibility.narrow(tx, call.actor), call.ids["host_id"])


def _nics_of_functions(data: HostData, held: Mapping[str, str]) -> dict[str, str]:
    """The NICs whose virtual functions vNICs have, by vNIC. ``held``: vNICs by the function's PCI address."""
    parents = {function.pci_address: nic.name for nic in data.host.nics.values() for function in nic.facts.functions}
    by_address = {address: nic.name for address, nic in nics_by_address(data.host).items()}
    nics = {**by_address, **parents}
    return {vnic: nics[address] for address, vnic in held.items() if address in nics}


def _vnic(one: VnicDetails, by_vnic: Mapping[str, str]) -> GuestVnic:
    return GuestVnic(
        id=one.id,
        name=one.name,
        mac=one.mac,
        network=one.network_id,
        profile=one.profile_name,
        nic=by_vnic.get(one.id),
        plugged=one.plugged,
        linked=one.linked,
    )


def _attached(data: HostData) -> Iterator[HostNetwork]:
    for one in data.intent.attachments:
        view, location = data.networks[one.network_id], data.locations.get(one.network_id)
        yield HostNetwork(
            id=one.network_id,
            name=view.name,
            vlan=view.intent.vlan,
            roles=roles_of(view),
            uplink=(location.base if location else one.nic) or None,
            bridge=(location.plug if location else "") or None,
            present=location is not None,
        )


def _of_guests_only(data: HostData, cards: Mapping[str, list[VnicDetails]]) -> Iterator[HostNetwork]:
    """Networks that guests have without the host carrying them: those of providers, and by functions alone."""
    attached = {one.network_id for one in data.intent.attachments}
    others: dict[str, list[VnicDetails]] = defaultdict(list)
    for one in (one for of_vm in cards.values() for one in of_vm):
        if one.network_id and one.network_id not in attached:
            others[one.network_id].append(one)
    for network_id, (one, *_) in others.items():
        yield HostNetwork(
            id=network_id,
            name=one.network_name or "",
            vlan=one.vlan_id,
            roles=["vm"],
            uplink=None,
            bridge=None,
            present=False,
        )


def roles_of(view: NetworkView) -> list[str]:
    """Those in the cluster, and ``vm`` where guests may be plugged into it."""
    return [*sorted(view.roles), *(["vm"] if view.intent.vm else [])]


def _nic(data: HostData, view: NicView) -> UplinkNic:
    return UplinkNic(
        name=view.name,
        up=view.is_up,
        speed=view.speed or None,
        bond=view.master or None,
        ports=[_port(one) for one in (data.neighbours or {}).get(view.name, ())],
    )


def _port(neighbour: Neighbour) -> SwitchPort:
    return SwitchPort(device=neighbour.device, port=neighbour.port_name, text=neighbour.text)
