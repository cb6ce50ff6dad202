"""Filters that redirect a guest's DHCP requests to the server of its network on this host, and the replies back.

They use tc-mirred(8) and tc-u32(8), before any bridge or Open vSwitch receives the frame: requests are redirected from
the guest's own port to the server, and frames of the server to the guests' ports. So neither reaches other hosts or
other stations of the network, whatever the guest is plugged into.

Only requests from the vNIC's MAC address are redirected, not those of nested guests.
"""

from __future__ import annotations

import errno
import struct
import sys
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from netweft.agent import netlink as nl
from netweft.agent.link_options import mac_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from netweft.core.guest_protocol import GuestNic

SERVER_MAC = "0a:6e:77:64:68:01"
"""MAC address of the servers; the same on each host, so that it does not change for a guest that migrates."""

_SELECTION = struct.Struct("=BBBxHHhhI")  # struct tc_u32_sel: flags, shift, number of keys ...
_KEY = struct.Struct(">II"), struct.Struct("=ii")  # struct tc_u32_key: mask, value; offset, its mask
_KEY_SIZE = 16
_KIND, _TERMINAL = "u32", 1

GUEST_PRIORITIES = range(16, 32)
"""Priorities of our filters on guests' ports: before the rate limits of Open vSwitch (49) and of libvirt."""
SERVER_PRIORITIES = range(1, 1 << 16)
"""Priorities on the server's link, which has no other filters."""

_ALL, _IP, _ARP, _IPV6 = b"\x00\x03", b"\x08\x00", b"\x08\x06", b"\x86\xdd"  # linux/if_ether.h

Key = tuple[int, int, int]
"""Mask, value, and offset from the header after Ethernet's, of 32 bits."""

_UDP, _ICMPV6, _DHCP_PORT, _DHCPV6_PORT, _ROUTER_SOLICITATION = 17, 58, 67, 547, 133
_IPV4_WITHOUT_OPTIONS: Key = (0xFF000000, 0x45000000, 0)
_NO_FRAGMENT: Key = (0x00001FFF, 0, 4)
_TO_GROUP: Key = (0x00000100, 0x00000100, -16)


class FilterError(OSError):
    """The kernel refused; the message says what."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A filter of incoming frames of a link: those of an Ethernet type that match all keys are redirected to another
    link, or (``copied``) mirrored.
    """

    type: bytes
    keys: tuple[Key, ...]
    to: int
    copied: bool = False


def questions(nic: GuestNic, server: int) -> list[Rule]:
    """The rules from a guest's port to the server, which is behind the link ``server``."""
    mac = mac_bytes(nic.mac)
    sent = (0xFFFFFFFF, int.from_bytes(mac[:4]), -8), (0xFFFF0000, int.from_bytes(mac[4:]) << 16, -4)
    found = [Rule(_ALL, (*sent, *_to(mac_bytes(SERVER_MAC))), server)]
    servers = sorted({lease.server for lease in nic.leases if lease.server})
    if servers:
        udp = (0x00FF0000, _UDP << 16, 8), (0x0000FFFF, _DHCP_PORT, 20)
        found.append(Rule(_IP, (*sent, _IPV4_WITHOUT_OPTIONS, _NO_FRAGMENT, *udp), server))
        found += [Rule(_ARP, (*sent, (0xFFFFFFFF, int(ip_address(one)), 24)), server) for one in servers]
    if any(not lease.server for lease in nic.leases):
        found.append(
            Rule(_IPV6, (*sent, (0x0000FF00, _UDP << 8, 4), (0x0000FFFF, _DHCPV6_PORT, 40)), server),
        )
        solicitation = (0x0000FF00, _ICMPV6 << 8, 4), (0xFF000000, _ROUTER_SOLICITATION << 24, 40)
        found.append(Rule(_IPV6, (*sent, *solicitation), server))
    return found


def answers(mac: str, port: int) -> list[Rule]:
    """The rules from the server's link to a guest's port."""
    return [Rule(_ALL, _to(mac_bytes(mac)), port), Rule(_ALL, (_TO_GROUP,), port, copied=True)]


def apply(netlink: nl.Netlink, index: int, rules: Collection[Rule], priorities: range) -> None:
    """Replace our rules of a link by these. Raises FilterError, NetlinkError."""
    present, target = _present(netlink, index, priorities), set(rules)
    ended = [info for info, rule in present.items() if rule not in target]
    missing = sorted(target - set(present.values()), key=lambda rule: (rule.type, rule.keys, rule.to))
    used = {info >> 16 for info in present.keys() - ended}
    free = (number for number in priorities if number not in used)
    requests = [nl.Request(nl.RTM_DELTFILTER, _head(index, info)) for info in ended]
    for number, rule in zip(free, missing, strict=False):
        head = _head(index, number << 16 | int.from_bytes(rule.type, sys.byteorder))
        requests.append(nl.Request(nl.RTM_NEWTFILTER, head + _encode(rule), nl.CREATE_NEW))
    _send(netlink, requests)


def with_ingress(netlink: nl.Netlink) -> set[int]:
    """The links with an ingress or clsact qdisc, which filters need."""
    found = set()
    for message in netlink.dump(nl.RTM_GETQDISC, nl.TCMSG.pack(0, 0, 0, 0, 0)):
        _, index, _, parent, _ = nl.TCMSG.unpack_from(message)
        if parent == nl.TC_H_CLSACT:
            found.add(index)
    return found


def give_ingress(netlink: nl.Netlink, index: int) -> None:
    """Create the ingress qdisc of a link, which filters need. Raises FilterError.

    It is the same kind that libvirt and Open vSwitch create for limits. They delete and recreate it, and our filters
    with it, which are restored soon after.
    """
    body = nl.TCMSG.pack(0, index, nl.TC_H_CLSACT_HANDLE, nl.TC_H_CLSACT, 0) + nl.text(nl.TCA_KIND, "ingress")
    _send(netlink, [nl.Request(nl.RTM_NEWQDISC, body, nl.NLM_F_CREATE)])


def _present(netlink: nl.Netlink, index: int, priorities: range) -> dict[int, Rule]:
    """Our rules by priority and protocol, as the kernel packs them."""
    found = {}
    for message in netlink.dump(nl.RTM_GETTFILTER, nl.TCMSG.pack(0, index, 0, nl.TC_H_INGRESS_FILTERS, 0)):
        _, _, _, _, info = nl.TCMSG.unpack_from(message)
        attributes = nl.attributes(message, nl.TCMSG.size)
        if info >> 16 in priorities and nl.string(attributes.get(nl.TCA_KIND, b"")) == _KIND:
            options = nl.attributes(attributes.get(nl.TCA_OPTIONS, b""))
            if nl.TCA_U32_SEL in options:  # else it is the table of filters
                found[info] = _decode(info, options)
    return found


def _decode(info: int, options: Mapping[int, bytes]) -> Rule:
    selection = options[nl.TCA_U32_SEL]
    inner: Mapping[int, bytes] = options
    for kind in (nl.TCA_U32_ACT, 1, nl.TCA_ACT_OPTIONS):
        inner = nl.attributes(inner.get(kind, b""))
    parms = inner.get(nl.TCA_MIRRED_PARMS, b"").ljust(nl.TC_MIRRED.size, b"\0")
    *_, eaction, to = nl.TC_MIRRED.unpack_from(parms)
    type_ = (info & 0xFFFF).to_bytes(2, sys.byteorder)
    return Rule(type_, tuple(_keys(selection)), to, copied=eaction == nl.TCA_EGRESS_MIRROR)


def _keys(selection: bytes) -> Iterator[Key]:
    wide, narrow = _KEY
    for place in range(_SELECTION.size, len(selection) - _KEY_SIZE + 1, _KEY_SIZE):
        mask, value = wide.unpack_from(selection, place)
        offset, _ = narrow.unpack_from(selection, place + wide.size)
        yield mask, value, offset


def _encode(rule: Rule) -> bytes:
    wide, narrow = _KEY
    selection = _SELECTION.pack(_TERMINAL, 0, len(rule.keys), 0, 0, 0, 0, 0)
    selection += b"".join(wide.pack(mask, value) + narrow.pack(offset, 0) for mask, value, offset in rule.keys)
    then, what = (nl.TC_ACT_UNSPEC, nl.TCA_EGRESS_MIRROR) if rule.copied else (nl.TC_ACT_STOLEN, nl.TCA_EGRESS_REDIR)
    parms = nl.attribute(nl.TCA_MIRRED_PARMS, nl.TC_MIRRED.pack(0, 0, then, 0, 0, what, rule.to))
    action = nl.text(nl.TCA_ACT_KIND, "mirred") + nl.attribute(nl.TCA_ACT_OPTIONS, parms)
    options = nl.attribute(nl.TCA_U32_SEL, selection) + nl.attribute(nl.TCA_U32_ACT, nl.attribute(1, action))
    return nl.text(nl.TCA_KIND, _KIND) + nl.attribute(nl.TCA_OPTIONS, options)


def _head(index: int, info: int) -> bytes:
    return nl.TCMSG.pack(0, index, 0, nl.TC_H_INGRESS_FILTERS, info)


def _to(mac: bytes) -> tuple[Key, Key]:
    """Frames to a MAC address."""
    return (0x0000FFFF, int.from_bytes(mac[:2]), -16), (0xFFFFFFFF, int.from_bytes(mac[2:]), -12)


def _send(netlink: nl.Netlink, requests: list[nl.Request]) -> None:
    """Ignores links and filters that were removed meanwhile."""
    for refused in netlink.send(requests):
        is_deletion = requests[refused.position].kind == nl.RTM_DELTFILTER
        if refused.errno != errno.ENODEV and not (is_deletion and refused.errno == errno.ENOENT):
            raise FilterError(refused.errno, refused.words)
