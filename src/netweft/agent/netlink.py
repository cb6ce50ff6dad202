"""A small client of rtnetlink (rtnetlink(7), netlink(7)): hand-packed requests, many in one datagram, and dumps.

The kernel processes a whole datagram inside ``sendmsg``, one request after the other, also after it has refused one,
and also when the sending process is killed. So a step, which is one or two requests of one datagram, is never half
done. docs/decisions/0004-netlink-by-hand.md explains why this is not pyroute2.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BATCH = 64
"""Requests per datagram. Larger datagrams gain nothing (measured), and between two of them other processes can get the
kernel's configuration lock.
"""

# linux/rtnetlink.h: message types
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK = 16, 17, 18, 19
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWNEIGH, RTM_GETNEIGH = 28, 30
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34
RTM_NEWQDISC, RTM_DELQDISC, RTM_GETQDISC = 36, 37, 38
RTM_NEWTCLASS, RTM_DELTCLASS, RTM_GETTCLASS = 40, 41, 42
RTM_NEWTFILTER, RTM_DELTFILTER, RTM_GETTFILTER = 44, 45, 46

# linux/netlink.h: flags of a message
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP_INTR = 0x1, 0x4, 0x10
NLM_F_DUMP = 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 0x100, 0x200, 0x400
CREATE_NEW = NLM_F_CREATE | NLM_F_EXCL

_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLM_F_CAPPED, _NLM_F_ACK_TLVS = 0x100, 0x200
_NLMSGERR_ATTR_MSG = 1
_SOL_NETLINK = 270
_NETLINK_CAP_ACK, _NETLINK_EXT_ACK, _NETLINK_GET_STRICT_CHK = 10, 11, 12
_RECEIVE_BUFFER = 4 << 20
_DUMP_CHUNK = 1 << 16
_DUMP_TRIES = 10

# linux/if_link.h: attributes of a link
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER = 1, 3, 4, 5, 10
IFLA_LINKINFO, IFLA_IFALIAS, IFLA_STATS64, IFLA_AF_SPEC, IFLA_EXT_MASK = 18, 20, 23, 26, 29
IFLA_CARRIER, IFLA_LINK_NETNSID, IFLA_PERM_ADDRESS = 33, 37, 54
IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA = 1, 2, 4, 5
IFLA_BOND_SLAVE_PERM_HWADDR = 4
IFLA_INET6_CONF = 2
IFLA_VLAN_ID, IFLA_VLAN_PROTOCOL = 1, 5
RTEXT_FILTER_SKIP_STATS = 1 << 3
IFF_UP = 1

# linux/if_addr.h, linux/rtnetlink.h, linux/fib_rules.h: attributes of addresses, routes and rules
IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST, IFA_FLAGS, IFA_PROTO = 1, 2, 4, 8, 11
IFA_F_PERMANENT = 0x80
IFA_F_NODAD, IFA_F_DADFAILED, IFA_F_TENTATIVE = 0x02, 0x08, 0x40
RT_SCOPE_UNIVERSE, RT_SCOPE_LINK, RT_SCOPE_NOWHERE = 0, 253, 255
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_TABLE = 1, 4, 5, 6, 7, 15
RTN_UNICAST = 1
RTM_F_CLONED = 0x200
RTPROT_REDIRECT, RTPROT_KERNEL, RTPROT_RA, RTPROT_DHCP = 1, 2, 9, 16
FRA_DST, FRA_SRC, FRA_PRIORITY, FRA_TABLE, FRA_PROTOCOL = 1, 2, 6, 15, 21
FR_ACT_TO_TBL = 1

# linux/pkt_sched.h, linux/pkt_cls.h, linux/tc_act/tc_mirred.h: filters that redirect or mirror frames
TC_H_CLSACT, TC_H_CLSACT_HANDLE, TC_H_INGRESS_FILTERS, TC_H_EGRESS_FILTERS = (
    0xFFFFFFF1, 0xFFFF0000, 0xFFFFFFF2, 0xFFFFFFF3,
)  # fmt: skip
TCA_U32_SEL, TCA_U32_ACT, TCA_ACT_KIND, TCA_ACT_OPTIONS, TCA_MIRRED_PARMS = 5, 7, 1, 2, 2
TCA_EGRESS_REDIR, TCA_EGRESS_MIRROR = 1, 2
TC_ACT_UNSPEC, TC_ACT_STOLEN = -1, 4  # TC_ACT_UNSPEC: go on with the next filter

ETH_P_8021Q = b"\x81\x00"
"""linux/if_ether.h, in network byte order."""

# linux/neighbour.h
NDA_DST, NDA_LLADDR = 1, 2
NUD_INCOMPLETE, NUD_REACHABLE, NUD_STALE, NUD_DELAY, NUD_PROBE, NUD_FAILED = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
NTF_USE = 0x01

_ATTRIBUTE = struct.Struct("=HH")
_ERRNO = struct.Struct("=i")
_U32 = struct.Struct("=I")
_ATTRIBUTE_KIND = 0x3FFF  # the two upper bits tell "nested" and "network byte order"

SO_RCVBUFFORCE = 33
"""asm-generic/socket.h; privileged, not limited by net.core.rmem_max."""

HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence, port."""

IFINFO = struct.Struct("=BxHiII")
"""struct ifinfomsg: family, device type, index, flags, changed flags."""

IFADDR = struct.Struct("=BBBBI")
"""struct ifaddrmsg: family, prefix length, flags, scope, index."""

TC_MIRRED = struct.Struct("=IIiiiiI")
"""struct tc_mirred: index, capab, action, refcnt, bindcnt, eaction, link."""

NDMSG = struct.Struct("=BxxxiHBB")
"""struct ndmsg: family, index, state, flags, type."""

RTMSG = struct.Struct("=BBBBBBBBI")
"""struct rtmsg: family, destination and source length, tos, table, protocol, scope, type, flags.

struct fib_rule_hdr has the same shape, with an action for the type.
"""

TCA_KIND, TCA_OPTIONS = 1, 2  # linux/rtnetlink.h
TCMSG = struct.Struct("=BxxxiIII")
"""struct tcmsg of traffic control: family, index, handle, parent, information (of a filter: priority and protocol)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One message to the kernel: type, flags besides NLM_F_REQUEST, and what follows the header."""

    kind: int
    body: bytes
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """The kernel's refusal of the ``position``-th request of a batch: errno, and words where it has some."""

    position: int
    errno: int
    words: str


class NetlinkError(OSError):
    """The kernel refused a dump or a single query, or the tables changed during each attempt of a dump."""


def attribute(kind: int, payload: bytes) -> bytes:
    """An attribute with its header and padding."""
    size = _ATTRIBUTE.size + len(payload)
    return _ATTRIBUTE.pack(size, kind) + payload + bytes(-size % 4)


def u32(kind: int, value: int) -> bytes:
    """An attribute that holds a 32-bit number in host byte order."""
    return attribute(kind, _U32.pack(value))


def text(kind: int, value: str) -> bytes:
    """An attribute that holds a string with its terminating zero."""
    return attribute(kind, value.encode() + b"\0")


def attributes(data: bytes, offset: int = 0) -> dict[int, bytes]:
    """The attributes from an offset to the end of a message or of a nested attribute, by kind."""
    layout = _LAYOUTS.get(len(data) - offset)
    if layout is not None:
        parts = layout.parts.unpack_from(data, offset)
        if parts[::2] == layout.heads:
            return dict(zip(layout.kinds, parts[1::2], strict=True))
    found = {}
    heads: list[tuple[int, int]] = []
    start, end = offset, len(data)
    unpack = _ATTRIBUTE.unpack_from
    while offset + 4 <= end:
        size, kind = unpack(data, offset)
        found[kind & _ATTRIBUTE_KIND] = data[offset + 4 : offset + size]
        heads.append((size, kind))
        offset += (size + 3) & ~3
    if len(heads) >= _WORTH_A_LAYOUT:
        _remember(heads, end - start)
    return found


@dataclass(frozen=True, slots=True)
class _Layout:
    """Sizes and kinds of the attributes of a message. Many have the same, and can then be decoded in one call.

    ``parts``: header and payload of each by turns; ``heads``: what the headers must be, as numbers.
    """

    parts: struct.Struct
    heads: tuple[int, ...]
    kinds: tuple[int, ...]


_LAYOUTS: dict[int, _Layout] = {}
"""The latest one of each length."""
_LAYOUTS_MAX = 256
_WORTH_A_LAYOUT = 6


def _remember(heads: Sequence[tuple[int, int]], length: int) -> None:
    paddings = [-size % 4 for size, _ in heads]
    if sum(size for size, _ in heads) + sum(paddings[:-1]) == length:
        paddings[-1] = 0  # the last one may come without
    parts = struct.Struct("=" + "".join(f"I{size - 4}s{pad}x" for (size, _), pad in zip(heads, paddings, strict=True)))
    if parts.size == length:
        if len(_LAYOUTS) >= _LAYOUTS_MAX:
            _LAYOUTS.clear()
        numbers = tuple(_U32.unpack(_ATTRIBUTE.pack(*head))[0] for head in heads)
        _LAYOUTS[length] = _Layout(parts, numbers, tuple(kind & _ATTRIBUTE_KIND for _, kind in heads))


def number(payload: bytes) -> int:
    """An unsigned number of any width in host byte order."""
    return int.from_bytes(payload, sys.byteorder)


def string(payload: bytes) -> str:
    """A string with or without its terminating zero."""
    return payload.rstrip(b"\0").decode(errors="replace")


class Netlink:
    """A socket to the configuration of the network namespace that the calling thread was in when it was opened.

    Safe to share between threads; close it, or use ``with``.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        for option in (_NETLINK_CAP_ACK, _NETLINK_EXT_ACK, _NETLINK_GET_STRICT_CHK):
            self._socket.setsockopt(_SOL_NETLINK, option, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        self._socket.bind((0, 0))
        self._sequence = 0
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def fileno(self) -> int:
        """The socket, for ioctls on devices of its namespace."""
        return self._socket.fileno()

    def send(self, requests: Sequence[Request]) -> list[Refused]:
        """Send all requests in one datagram; the kernel executes them in order.

        Returns the refused ones; the kernel executes the others nevertheless.
        """
        if not requests:
            return []
        with self._lock:
            first = self._sequence + 1
            self._sequence += len(requests)
            packed: list[bytes] = []
            for sequence, request in enumerate(requests, first):
                # Refusals are always reported; only the last request needs an acknowledgement, which shows that all
                # before it are done.
                flags = request.flags | NLM_F_REQUEST | (NLM_F_ACK if sequence == self._sequence else 0)
                packed += (
                    HEADER.pack(HEADER.size + len(request.body), request.kind, flags, sequence, 0),
                    request.body,
                    bytes(-len(request.body) % 4),
                )
            self._socket.send(b"".join(packed))
            return list(self._refusals(first, self._sequence))

    def query(self, request: Request) -> bytes:
        """The answer to a request for one object.

        Raises NetlinkError when it does not exist.
        """
        with self._lock:
            self._request(request, 0)
            data = self._socket.recv(_DUMP_CHUNK)
            size, kind, *_ = HEADER.unpack_from(data)
            if kind == _NLMSG_ERROR:
                raise _as_error(data[:size])
            return data[HEADER.size : size]

    def dump(self, kind: int, body: bytes) -> list[bytes]:
        """All objects of one kind: the messages without their headers.

        Raises NetlinkError when the kernel refuses, or when its tables changed during each of many tries.
        """
        with self._lock:
            for _ in range(_DUMP_TRIES):
                self._request(Request(kind, body), NLM_F_DUMP)
                messages, torn = self._collect()
                if not torn:
                    return messages
        raise NetlinkError(errno.EINTR, "the kernel's tables changed while they were read, each time")

    def _request(self, request: Request, flags: int) -> None:
        self._sequence += 1
        header = HEADER.pack(
            HEADER.size + len(request.body), request.kind, request.flags | flags | NLM_F_REQUEST, self._sequence, 0
        )
        self._socket.send(header + request.body)

    def _collect(self) -> tuple[list[bytes], bool]:
        messages: list[bytes] = []
        torn = False
        unpack = HEADER.unpack_from
        while True:
            data = self._socket.recv(_DUMP_CHUNK)
            offset = 0
            while offset < len(data):
                size, kind, flags, _, _ = unpack(data, offset)
                torn = torn or bool(flags & NLM_F_DUMP_INTR)
                if kind == _NLMSG_DONE:
                    return messages, torn
                if kind == _NLMSG_ERROR:
                    raise _as_error(data[offset : offset + size])
                messages.append(data[offset + 16 : offset + size])
                offset += (size + 3) & ~3

    def _refusals(self, first: int, last: int) -> Iterator[Refused]:
        while True:
            data = self._socket.recv(_DUMP_CHUNK)
            size, _, _, sequence, _ = HEADER.unpack_from(data)
            error = _as_error(data[:size])
            if error.errno:
                yield Refused(sequence - first, error.errno, str(error.strerror))
            if sequence == last:
                return


def _as_error(message: bytes) -> NetlinkError:
    """Decode an NLMSG_ERROR (errno 0: an acknowledgement)."""
    _, _, flags, _, _ = HEADER.unpack_from(message)
    (negative,) = _ERRNO.unpack_from(message, HEADER.size)
    words = os.strerror(-negative)
    if flags & _NLM_F_ACK_TLVS:
        inner, *_ = HEADER.unpack_from(message, HEADER.size + _ERRNO.size)
        start = HEADER.size + _ERRNO.size + (HEADER.size if flags & _NLM_F_CAPPED else inner)
        detail = attributes(message, start).get(_NLMSGERR_ATTR_MSG)
        words = f"{string(detail)} ({words})" if detail else words
    return NetlinkError(-negative, words)
