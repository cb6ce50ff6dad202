"""Reads the kernel's tables: links, addresses, routes, neighbours. Other modules interpret them."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_interface
from socket import AF_INET6
from typing import TYPE_CHECKING

from netweft.agent import netlink as nl
from netweft.core.host import MARK

if TYPE_CHECKING:
    from collections.abc import Mapping

GUEST_MARK = f"{MARK}guest:"
"""What the alias of a guest's port begins with; the vNIC's id follows."""

DHCP_MARK = f"{MARK}dhcp:"
"""What the alias of a link to a DHCP server for guests begins with; the bridge of its network follows."""

_ARPHRD_ETHER = 1
_IFAPROT_KERNEL_RA = b"\x02"


@dataclass(frozen=True, slots=True)
class RawLink:
    """A link as the kernel tells it: its own fields decoded, those of its kind not yet."""

    index: int
    type: int
    flags: int
    name: str
    kind: str
    attrs: Mapping[int, bytes]
    info: bytes

    @property
    def alias(self) -> str:
        """What somebody noted on it; our mark if it is ours."""
        return nl.string(self.attrs.get(nl.IFLA_IFALIAS, b""))

    @property
    def is_up(self) -> bool:
        """Whether it is administratively up."""
        return bool(self.flags & nl.IFF_UP)

    @property
    def mac(self) -> bytes:
        """Its MAC address, empty for none."""
        return self.attrs.get(nl.IFLA_ADDRESS, b"")

    @property
    def is_ethernet(self) -> bool:
        """Whether it carries Ethernet frames."""
        return self.type == _ARPHRD_ETHER

    @property
    def has_ipv6(self) -> bool:
        """Whether the kernel keeps IPv6 settings for it; it stops doing so when the MTU falls below 1280."""
        return bool(self.ipv6_settings)

    @property
    def ipv6_settings(self) -> bytes:
        """What the kernel tells of the link's IPv6, empty for none; costs something each time."""
        inside = nl.attributes(self.attrs.get(nl.IFLA_AF_SPEC, b"")).get(AF_INET6, b"")
        return nl.attributes(inside).get(nl.IFLA_INET6_CONF, b"")

    @property
    def mtu(self) -> int:
        """In octets."""
        return nl.number(self.attrs[nl.IFLA_MTU])

    @property
    def master(self) -> int:
        """Index of the link that it is a port of, or 0."""
        return nl.number(self.attrs.get(nl.IFLA_MASTER, b""))


def dump_links(netlink: nl.Netlink, *, statistics: bool = False) -> list[RawLink]:
    """All links of the namespace. Raises NetlinkError."""
    wanted = b"" if statistics else nl.u32(nl.IFLA_EXT_MASK, nl.RTEXT_FILTER_SKIP_STATS)
    return [decode_link(message) for message in netlink.dump(nl.RTM_GETLINK, nl.IFINFO.pack(0, 0, 0, 0, 0) + wanted)]


def query_link(netlink: nl.Netlink, index: int) -> RawLink:
    """One link. Raises NetlinkError when there is none with that index."""
    return decode_link(netlink.query(nl.Request(nl.RTM_GETLINK, nl.IFINFO.pack(0, 0, index, 0, 0))))


def decode_link(message: bytes) -> RawLink:
    """A link out of an RTM_NEWLINK message without its header."""
    _, kind, index, flags, _ = nl.IFINFO.unpack_from(message)
    attrs = nl.attributes(message, nl.IFINFO.size)
    info = nl.attributes(attrs[nl.IFLA_LINKINFO]) if nl.IFLA_LINKINFO in attrs else {}
    name = nl.string(attrs[nl.IFLA_IFNAME])
    return RawLink(
        index, kind, flags, name, nl.string(info.get(nl.IFLA_INFO_KIND, b"")), attrs, info.get(nl.IFLA_INFO_DATA, b"")
    )


def dump_leased_routes(netlink: nl.Netlink, index: int, family: int, *, default_only: bool) -> list[bytes]:
    """The routes over a link that a DHCP client made, as they are to be sent back to remove them."""
    return [
        message
        for message in netlink.dump(nl.RTM_GETROUTE, nl.RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0))
        if nl.RTMSG.unpack_from(message)[5] == nl.RTPROT_DHCP
        and nl.number(nl.attributes(message, nl.RTMSG.size).get(nl.RTA_OIF, b"")) == index
        and not (default_only and nl.RTMSG.unpack_from(message)[1])
    ]


def dump_usable_addresses(netlink: nl.Netlink) -> list[tuple[int, IPv4Interface | IPv6Interface]]:
    """Every address of the host with the index of its link, but for IPv6 ones that may be somebody else's for all that
    the kernel knows yet (RFC 4862, section 5.4).
    """
    found = []
    for message in netlink.dump(nl.RTM_GETADDR, nl.IFADDR.pack(0, 0, 0, 0, 0)):
        _, prefix, flags, _, index = nl.IFADDR.unpack_from(message)
        if not flags & (nl.IFA_F_TENTATIVE | nl.IFA_F_DADFAILED):
            attrs = nl.attributes(message, nl.IFADDR.size)
            packed = attrs.get(nl.IFA_LOCAL) or attrs[nl.IFA_ADDRESS]
            found.append((index, ip_interface((packed, prefix))))
    return found


@dataclass(frozen=True, slots=True)
class RawNeighbour:
    """An address next to the host on a link. ``state``: what the kernel knows of it, one of ``nl.NUD_``; ``mac``: whose
    it is, empty while that is not known.
    """

    index: int
    address: IPv4Address | IPv6Address
    state: int
    mac: str

    @property
    def is_known(self) -> bool:
        """Whether it has answered, now or earlier."""
        return bool(self.state & (nl.NUD_REACHABLE | nl.NUD_STALE | nl.NUD_DELAY | nl.NUD_PROBE))


def dump_neighbours(netlink: nl.Netlink) -> list[RawNeighbour]:
    """Every neighbour that the kernel knows or asks for. Raises NetlinkError."""
    found = []
    for message in netlink.dump(nl.RTM_GETNEIGH, nl.NDMSG.pack(0, 0, 0, 0, 0)):
        _, index, state, _, _ = nl.NDMSG.unpack_from(message)
        attrs = nl.attributes(message, nl.NDMSG.size)
        if nl.NDA_DST in attrs:
            mac = attrs.get(nl.NDA_LLADDR, b"").hex(":")
            found.append(RawNeighbour(index, ip_address(attrs[nl.NDA_DST]), state, mac))
    return found


def dump_unresolved(netlink: nl.Netlink) -> list[tuple[int, IPv4Address | IPv6Address]]:
    """Every neighbour that the kernel asks for just now, with the index of the link that it asks on."""
    return [(one.index, one.address) for one in dump_neighbours(netlink) if one.state & nl.NUD_INCOMPLETE]


def dump_advertised(netlink: nl.Netlink, index: int) -> list[bytes]:
    """The addresses of a link that router advertisements brought, as they are to be sent back to remove them."""
    messages = netlink.dump(nl.RTM_GETADDR, nl.IFADDR.pack(AF_INET6, 0, 0, 0, 0))
    return [
        message
        for message in messages
        if nl.IFADDR.unpack_from(message)[4] == index
        and nl.attributes(message, nl.IFADDR.size).get(nl.IFA_PROTO) == _IFAPROT_KERNEL_RA
    ]
