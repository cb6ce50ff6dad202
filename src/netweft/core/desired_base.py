"""What a NIC or bond should carry, independent of the kind of switch that connects it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from netweft.core.host import Address
from netweft.core.intent import IPV4, AttachmentIntent, BondIntent, NetworkIntent

if TYPE_CHECKING:
    from netweft.core.host import TrafficClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A network on the NIC or bond; ``has_default``: the host's default route goes through it."""

    attachment: AttachmentIntent
    network: NetworkIntent
    has_default: bool

    def addressing(self) -> dict[str, Any]:
        """The fields of a link that the attachment's assignments fill."""
        fields: dict[str, Any] = {}
        addresses = []
        for ip in self.attachment.assignments:
            if ip.method == "static":
                addresses.append(Address(ip=str(ip_address(ip.address)), prefix=ip.prefix))
            elif ip.version == IPV4:
                fields["dhcp4"] = ip.method == "dhcp"
                fields["leased_default"] = fields["dhcp4"] and self.has_default
            else:
                fields["dhcp6"] = ip.method in {"dhcp", "poly_dhcp_autoconf"}
                fields["autoconf"] = ip.method in {"autoconf", "poly_dhcp_autoconf"}
        return fields | {"addresses": tuple(sorted(addresses))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A NIC or bond with its networks. ``bond``: None for a NIC; ``mtu``: octets, with room for all networks."""

    name: str
    bond: BondIntent | None
    mtu: int
    shaping: tuple[TrafficClass, ...]
    networks: tuple[Attached, ...]
