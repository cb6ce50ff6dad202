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
"""Prefix of the alias of a guest's port; the vNIC's id follows."""

DHCP_MARK = f"{MARK}dhcp:"
"""Prefix of the alias of a link to a DHCP server for guests; the bridge of its network follows."""

_ARPHRD_ETHER = 1
_IFAPROT_KERNEL_RA = b"\x02"


@dataclass(frozen=True, slots=True)
class RawLink:
    """A link as the kernel reports it: common fields decoded, those of its kind still encoded."""

    index: int
    type: int
    flags: int
    name: str
    kind: str
    attrs: Mapping[int, bytes]
    info: bytes

    @property
    def alias(self) -> str:
        """The alias; contains our mark if the link is ours."""
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
        """The kernel's IPv6 settings of the link, empty for none; decoded at each call."""
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
    options = b"" if statistics else nl.u32(nl.IFLA_EXT_MASK, nl.RTEXT_FILTER_SKIP_STATS)
    return [decode_link(message) for message in netlink.dump(nl.RTM_GETLINK, nl.IFINFO.pack(0, 0, 0, 0, 0) + options)]


def query_link(netlink: nl.Netlink, index: int) -> RawLink:
    """One link. Raises NetlinkError when there is none with that index."""
    return decode_link(netlink.query(nl.Request(nl.RTM_GETLINK, nl.IFINFO.pack(0, 0, index, 0, 0))))


def decode_link(message: bytes) -> RawLink:
    """Decode an RTM_NEWLINK message without its header."""
    _, kind, index, flags, _ = nl.IFINFO.unpack_from(message)
    attrs = nl.attributes(message, nl.IFINFO.size)
    info = nl.attributes(attrs[nl.IFLA_LINKINFO]) if nl.IFLA_LINKINFO in attrs else {}
    name = nl.string(attrs[nl.IFLA_IFNAME])
    return RawLink(
        index, kind, flags, name, nl.string(info.get(nl.IFLA_INFO_KIND, b"")), attrs, info.get(nl.IFLA_INFO_DATA, b"")
    )


def dump_leased_routes(netlink: nl.Netlink, index: int, family: int, *, default_only: bool) -> list[bytes]:
    """The routes of a DHCP client over a link, as messages that remove them."""
    return [
        message
        for message in netlink.dump(nl.RTM_GETROUTE, nl.RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0))
        if nl.RTMSG.unpack_from(message)[5] == nl.RTPROT_DHCP
        and nl.number(nl.attributes(message, nl.RTMSG.size).get(nl.RTA_OIF, b"")) == index
        and not (default_only and nl.RTMSG.unpack_from(message)[1])
    ]


def dump_usable_addresses(netlink: nl.Netlink) -> list[tuple[int, IPv4Interface | IPv6Interface]]:
    """Every address of the host with the index of its link, except IPv6 ones that are tentative or duplicates (RFC
    4862, section 5.4).
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
    """A neighbour of the host on a link. ``state``: one of ``nl.NUD_``; ``mac``: its MAC address, empty while it is
    unknown.
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
    """Every entry of the kernel's neighbour table. Raises NetlinkError."""
    found = []
    for message in netlink.dump(nl.RTM_GETNEIGH, nl.NDMSG.pack(0, 0, 0, 0, 0)):
        _, index, state, _, _ = nl.NDMSG.unpack_from(message)
        attrs = nl.attributes(message, nl.NDMSG.size)
        if nl.NDA_DST in attrs:
            mac = attrs.get(nl.NDA_LLADDR, b"").hex(":")
            found.append(RawNeighbour(index, ip_address(attrs[nl.NDA_DST]), state, mac))
    return found


def dump_unresolved(netlink: nl.Netlink) -> list[tuple[int, IPv4Address | IPv6Address]]:
    """Every neighbour that the kernel is resolving, with the index of the link."""
    return [(one.index, one.address) for one in dump_neighbours(netlink) if one.state & nl.NUD_INCOMPLETE]


def dump_advertised(netlink: nl.Netlink, index: int) -> list[bytes]:
    """The addresses of a link from router advertisements, as messages that remove them."""
    messages = netlink.dump(nl.RTM_GETADDR, nl.IFADDR.pack(AF_INET6, 0, 0, 0, 0))
    return [
        message
        for message in messages
        if nl.IFADDR.unpack_from(message)[4] == index
        and nl.attributes(message, nl.IFADDR.size).get(nl.IFA_PROTO) == _IFAPROT_KERNEL_RA
    ]
