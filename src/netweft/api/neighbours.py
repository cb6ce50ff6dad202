"""What the neighbours of hosts' NICs say of themselves by LLDP: oVirt's elements, NIC by NIC, and
``GET /netweft/v1/hosts/{id}/neighbours``, all of a host.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from netweft.api.host_nics import view_of
from netweft.api.network_attachments import visible_host
from netweft.api.routes import ADDITIONS, READ, Call, Routes, many
from netweft.api.types import LinkLayerDiscoveryProtocolElement, Property
from netweft.core.neighbours import Element, Neighbour, elements_of

routes = Routes("hosts")
additions = Routes("neighbours", ADDITIONS)


class NamedId(msgspec.Struct, kw_only=True, frozen=True):
    """An id of a chassis or port. ``kind``: ``mac``, ``ifname``, ``ifalias``, ``local`` or ``ip``; a switch may use
    others.
    """

    kind: str
    value: str


class NamedVlan(msgspec.Struct, kw_only=True, frozen=True):
    """A VLAN of the neighbour's port."""

    id: int
    name: str


class HostNeighbour(msgspec.Struct, kw_only=True, frozen=True):
    """A neighbour of the NIC ``nic``. ``text``: as a phrase, such as ``port Gi1/0/7 of sw-a``; ``port_name``,
    ``device_name``: their usual names. ``ttl`` in seconds. ``capabilities``: those of the device; ``enabled``: the
    enabled ones. ``addresses``: its management addresses. ``vlan``: of untagged frames. ``vlans``: those whose names it
    announces. ``aggregate``: the number of the aggregated port (LACP) that the port is in; ``frame_max``: octets of the
    longest frame. Null: not announced.
    """

    nic: str
    text: str
    port_name: str
    device_name: str
    chassis: NamedId
    port: NamedId
    ttl: int
    port_description: str | None
    system_name: str | None
    system_description: str | None
    capabilities: list[str]
    enabled: list[str]
    addresses: list[str]
    vlan: int | None
    vlans: list[NamedVlan]
    aggregate: int | None
    frame_max: int | None


class HostNeighbours(msgspec.Struct, kw_only=True, frozen=True):
    """The neighbours of a host's NICs. ``lldp``: whether lldpd answers on the host."""

    lldp: bool
    neighbours: list[HostNeighbour]


@additions.get("/hosts/{host_id}/neighbours", HostNeighbours, needs=READ)
def get_neighbours(call: Call[None]) -> HostNeighbours:
    """What the neighbours of a host's NICs announce by LLDP, as last reported."""
    with call.read() as tx:
        heard = visible_host(tx, call).neighbours
    found = [_show(nic, one) for nic, neighbours in (heard or {}).items() for one in neighbours]
    return HostNeighbours(lldp=heard is not None, neighbours=found)


def _show(nic: str, neighbour: Neighbour) -> HostNeighbour:
    return HostNeighbour(
        nic=nic,
        text=neighbour.text,
        port_name=neighbour.port_name,
        device_name=neighbour.device,
        chassis=NamedId(kind=neighbour.chassis_kind, value=neighbour.chassis),
        port=NamedId(kind=neighbour.port_kind, value=neighbour.port),
        ttl=neighbour.ttl,
        port_description=neighbour.port_description or None,
        system_name=neighbour.system_name or None,
        system_description=neighbour.system_description or None,
        capabilities=list(neighbour.capabilities),
        enabled=list(neighbour.enabled),
        addresses=list(neighbour.addresses),
        vlan=neighbour.vlan,
        vlans=[NamedVlan(id=number, name=name) for number, name in neighbour.vlans],
        aggregate=neighbour.aggregate or None,
        frame_max=neighbour.frame_max or None,
    )


@routes.get(
    "/hosts/{host_id}/nics/{nic_id}/linklayerdiscoveryprotocolelements",
    many(LinkLayerDiscoveryProtocolElement),
    needs=READ,
)
def list_elements(call: Call[None]) -> list[LinkLayerDiscoveryProtocolElement]:
    """The information elements that a NIC has received by LLDP, empty for none."""
    with call.read() as tx:
        data = visible_host(tx, call)
        nic = view_of(data, call.ids["nic_id"]).name
    heard = (data.neighbours or {}).get(nic, ())
    return [_show_element(element) for neighbour in heard for element in elements_of(neighbour)]


def _show_element(element: Element) -> LinkLayerDiscoveryProtocolElement:
    return LinkLayerDiscoveryProtocolElement(
        name=element.name,
        type=element.type,
        oui=element.oui or UNSET,
        subtype=element.subtype or UNSET,
        properties=[Property(name=name, value=value) for name, value in element.properties.items()],
    )
