"""The neighbours at the other ends of a host's cables, from LLDP (IEEE 802.1AB)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A neighbour of a NIC.

    ``chassis`` and ``port``: its ids of the device and of the port at the cable; ``chassis_kind``, ``port_kind``: the
    type of each id (``mac``, ``ifname``, ``ifalias``, ``local``, ``ip`` or another word of lldpd). ``ttl``: seconds for
    which its data is valid.
    """

    chassis: str
    port: str
    chassis_kind: str = "local"
    port_kind: str = "local"
    ttl: int = 0
    port_description: str = ""
    system_name: str = ""
    system_description: str = ""
    capabilities: tuple[str, ...] = ()
    """What the device can be (``Bridge``, ``Router`` ...); ``enabled``: what of that it is."""
    enabled: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    """By which the device is managed."""
    vlan: int | None = None
    """Of untagged frames (IEEE 802.1Q, port VLAN ID)."""
    vlans: tuple[tuple[int, str], ...] = ()
    """The VLANs of the port for which it announces names."""
    aggregate: int = 0
    """Number of the aggregated port (LACP) that the port is in, 0 for none."""
    frame_max: int = 0
    """The longest frame in octets (IEEE 802.3), 0 where it is not announced."""

    @property
    def device(self) -> str:
        """The name of the device for users."""
        return self.system_name or self.chassis

    @property
    def port_name(self) -> str:
        """The name of the port for users: an id that is a name, else its description. Some switches announce an id that
        is a MAC address, or a mere number.
        """
        is_name = self.port_kind in _NAMES and not self.port.isdigit()
        return self.port if is_name else self.port_description or self.port

    @property
    def text(self) -> str:
        """Such as ``port Gi1/0/7 of sw-a``."""
        return f"port {self.port_name} of {self.device}"


_NAMES = frozenset({"ifname", "ifalias", "local"})

Neighbours = Mapping[str, tuple[Neighbour, ...]]
"""The neighbours of NICs by the NICs' names. There is more than one where something between them passes LLDP on."""


def text_of(neighbours: Sequence[Neighbour]) -> str:
    """The neighbours of a NIC in words, empty for none."""
    return " and ".join(one.text for one in neighbours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """An information element (TLV) of LLDP, with names as VDSM has them, which clients look for. ``oui``, ``subtype``:
    of an organization's own element (``type`` 127), 0 for any other.
    """

    name: str
    type: int
    oui: int = 0
    subtype: int = 0
    properties: Mapping[str, str] = field(default_factory=dict)


_ORGANIZATION = 127
_IEEE_802_1, _IEEE_802_3 = 0x0080C2, 0x00120F
_KINDS = {"mac": "MAC", "ifname": "Ifname", "ifalias": "Ifalias", "local": "Local", "ip": "IP"}


def elements_of(neighbour: Neighbour) -> tuple[Element, ...]:
    """A neighbour's data as elements in the order of IEEE 802.1AB; only those that it announces."""
    basic = (
        _element(
            "Chassis ID", 1, {"chassis ID subtype": _kind(neighbour.chassis_kind), "chassis ID": neighbour.chassis}
        ),
        _element("Port ID", 2, {"port ID subtype": _kind(neighbour.port_kind), "port ID": neighbour.port}),
        _element("Time to Live", 3, {"time to live": str(neighbour.ttl)}),
        *_text("Port Description", 4, neighbour.port_description),
        *_text("System Name", 5, neighbour.system_name),
        *_text("System Description", 6, neighbour.system_description),
    )
    return (*basic, *_capabilities(neighbour), *map(_address, neighbour.addresses), *_of_organizations(neighbour))


def _kind(word: str) -> str:
    return _KINDS.get(word, word)


def _element(name: str, number: int, properties: Mapping[str, str]) -> Element:
    return Element(name=name, type=number, properties=properties)


def _text(name: str, number: int, text: str) -> list[Element]:
    return [_element(name, number, {name.lower(): text})] if text else []


def _capabilities(neighbour: Neighbour) -> list[Element]:
    if not neighbour.capabilities:
        return []
    properties = {
        "system capabilities": ", ".join(neighbour.capabilities),
        "enabled capabilities": ", ".join(neighbour.enabled),
    }
    return [_element("System Capabilities", 7, properties)]


def _address(address: str) -> Element:
    family = "IPv6" if ":" in address else "IPv4"
    properties = {"management address subtype": family, "management address": address}
    return _element("Management Address", 8, properties)


def _of_organizations(neighbour: Neighbour) -> list[Element]:
    found = []
    if neighbour.vlan is not None:
        found.append(_of(_IEEE_802_1, 1, "Port VLAN ID", {"Port VLAN ID": str(neighbour.vlan)}))
    for number, name in neighbour.vlans:
        found.append(_of(_IEEE_802_1, 3, "VLAN Name", {"VLAN ID": str(number), "VLAN Name": name}))
    if neighbour.aggregate:
        properties = {
            "Aggregation capable": "True",
            "Currently aggregated": "True",
            "Aggregated Port ID": str(neighbour.aggregate),
        }
        found.append(_of(_IEEE_802_1, 7, "Link Aggregation", properties))
    if neighbour.frame_max:
        found.append(_of(_IEEE_802_3, 4, "MTU", {"mtu": str(neighbour.frame_max)}))
    return found


def _of(oui: int, subtype: int, name: str, properties: Mapping[str, str]) -> Element:
    return Element(name=name, type=_ORGANIZATION, oui=oui, subtype=subtype, properties=properties)
