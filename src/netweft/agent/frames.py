"""Builds the frames that announce an address to neighbours or request theirs."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

_ETHERNET = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_IPV6 = struct.Struct("!IHBB16s16s")
_NEIGHBOUR_MESSAGE = struct.Struct("!BBHI16sBB6s")

_TYPE_IPV4, _TYPE_ARP, _TYPE_RARP, _TYPE_IPV6 = 0x0800, 0x0806, 0x8035, 0x86DD
_HARDWARE_ETHERNET, _MAC_OCTETS, _IPV4_OCTETS = 1, 6, 4
_REQUEST, _REVERSE_REQUEST = 1, 3
_NOBODY = bytes(_MAC_OCTETS)
_BROADCAST = b"\xff" * _MAC_OCTETS
_ALL_NODES, _SOLICITED_NODES = IPv6Address("ff02::1"), IPv6Address("ff02::1:ff00:0").packed[:-3]
_MULTICAST = bytes.fromhex("3333")  # RFC 2464, section 7
_ICMPV6, _NEIGHBOUR_SOLICITATION, _NEIGHBOUR_ADVERTISEMENT, _LARGEST_HOP_LIMIT = 58, 135, 136, 255
_SOURCE_MAC, _TARGET_MAC = 1, 2
_ROUTER, _OVERRIDE = 1 << 31, 1 << 29
_LEAST = 60
"""Octets of the shortest Ethernet frame, without its checksum (IEEE 802.3)."""


def gratuitous_arp(mac: bytes, address: IPv4Address) -> bytes:
    """An ARP announcement (RFC 5227, section 2.3): a request for the sender's own address."""
    arp = _arp(_REQUEST, mac, address.packed, _NOBODY, address.packed)
    return _framed(_BROADCAST, mac, _TYPE_ARP, arp)


def arp_request(mac: bytes, source: IPv4Address, target: IPv4Address) -> bytes:
    """A request for the MAC address of an IPv4 address (RFC 826)."""
    arp = _arp(_REQUEST, mac, source.packed, _NOBODY, target.packed)
    return _framed(_BROADCAST, mac, _TYPE_ARP, arp)


def neighbour_solicitation(mac: bytes, source: IPv6Address, target: IPv6Address) -> bytes:
    """A request for the MAC address of an IPv6 address (RFC 4861, section 4.3), to its solicited-node group."""
    group = IPv6Address(_SOLICITED_NODES + target.packed[-3:])
    return _neighbour_message(mac, source, group, _NEIGHBOUR_SOLICITATION, 0, target, _SOURCE_MAC)


def neighbour_advertisement(mac: bytes, address: IPv6Address, *, is_router: bool) -> bytes:
    """An unsolicited neighbour advertisement to all nodes, which overrides their caches (RFC 4861, section 7.2.6).

    ``is_router``: keeps the sender as a router in the neighbours' tables.
    """
    flags = _OVERRIDE | (_ROUTER if is_router else 0)
    return _neighbour_message(mac, address, _ALL_NODES, _NEIGHBOUR_ADVERTISEMENT, flags, address, _TARGET_MAC)


def guest_here(mac: bytes) -> bytes:
    """A frame from which switches learn the port of a station, whatever its protocols: a reverse ARP request (RFC 903)
    for its own MAC address, as QEMU sends after a migration.
    """
    return _framed(_BROADCAST, mac, _TYPE_RARP, _arp(_REVERSE_REQUEST, mac, bytes(4), mac, bytes(4)))


def _arp(operation: int, sender: bytes, sender_ip: bytes, target: bytes, target_ip: bytes) -> bytes:
    kind = (_HARDWARE_ETHERNET, _TYPE_IPV4, _MAC_OCTETS, _IPV4_OCTETS)
    return _ARP.pack(*kind, operation, sender, sender_ip, target, target_ip)


def _neighbour_message(  # the fields of the message
    mac: bytes, source: IPv6Address, to: IPv6Address, kind: int, flags: int, about: IPv6Address, option: int
) -> bytes:
    def message(checksum: int) -> bytes:
        return _NEIGHBOUR_MESSAGE.pack(kind, 0, checksum, flags, about.packed, option, 1, mac)

    pseudo = source.packed + to.packed + struct.pack("!II", _NEIGHBOUR_MESSAGE.size, _ICMPV6)
    body = message(_checksum(pseudo + message(0)))
    header = _IPV6.pack(6 << 28, len(body), _ICMPV6, _LARGEST_HOP_LIMIT, source.packed, to.packed)
    return _framed(_MULTICAST + to.packed[-4:], mac, _TYPE_IPV6, header + body)


def _framed(to: bytes, sender: bytes, kind: int, payload: bytes) -> bytes:
    return (_ETHERNET.pack(to, sender, kind) + payload).ljust(_LEAST, b"\0")


def _checksum(octets: bytes) -> int:
    """RFC 1071, of an even number of octets."""
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
