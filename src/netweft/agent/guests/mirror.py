"""Port mirroring on Linux bridges: a copy of every frame of a bridge to a guest's link, by tc-mirred(8).

A bridge in promiscuous mode takes in all frames that it forwards, so that filters on the bridge's own device see them;
what the host itself sends passes the device on its way out. There is no mark but the filters: those of a link that is
gone say so, and are taken away at the next opportunity.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from netweft.agent import netlink as nl
from netweft.agent.dumps import dump_links

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


_CLSACT, _CLSACT_HANDLE, _INCOMING, _OUTGOING = 0xFFFFFFF1, 0xFFFF0000, 0xFFFFFFF2, 0xFFFFFFF3  # linux/pkt_sched.h
_ALL_PROTOCOLS = 0x0300  # ETH_P_ALL in network byte order
_TCA_U32_SEL, _TCA_U32_ACT, _TCA_ACT_KIND, _TCA_ACT_OPTIONS, _TCA_MIRRED_PARMS = 5, 7, 1, 2, 2  # linux/pkt_cls.h
_EVERY_FRAME = struct.pack("=BBBxHHhhI IIii", 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
"""struct tc_u32_sel, terminal, with one key of no bits at all."""
_MIRRED = struct.Struct("=IIiiiiI")  # struct tc_mirred: index, capab, action, refcnt, bindcnt, eaction, link
_GO_ON, _EGRESS_MIRROR = -1, 2
"""TC_ACT_UNSPEC, with which the filters of other guests get their turn; TCA_EGRESS_MIRROR."""
_IFF_PROMISC = 0x100  # linux/if.h


class MirrorError(OSError):
    """The kernel refused; the message says what."""


def set_mirrors(netlink: nl.Netlink, wanted: Mapping[str, str], plugged: Collection[str] = ()) -> None:
    """Have links get a copy of all frames of Linux bridges (``wanted``: bridge by link), and no other of ``plugged``.

    Mirrors to links that are gone are taken away everywhere. Raises MirrorError, NetlinkError.
    """
    links = dump_links(netlink)
    indexes = {link.name: link.index for link in links}
    for bridge in links:
        to = {indexes[name] for name, of in wanted.items() if of == bridge.name}
        if bridge.kind == "bridge" and (to or bridge.flags & _IFF_PROMISC):
            others = {indexes[name] for name in plugged if name in indexes} - to
            _set_mirrors_of(netlink, bridge.index, to, set(indexes.values()) - others)


def _set_mirrors_of(netlink: nl.Netlink, bridge: int, wanted: set[int], allowed: set[int]) -> None:
    present = _mirrors(netlink, bridge)
    ended = [number for number, to in present.items() if to not in allowed]
    missing = sorted(wanted - set(present.values()))
    free = [number for number in range(1, len(present) + len(missing) + 1) if number not in present]
    requests = [_filter(nl.RTM_DELTFILTER, bridge, way, number) for number in ended for way in (_INCOMING, _OUTGOING)]
    if missing and not present:
        requests += [_classify(bridge), _promiscuous(bridge, on=True)]
    for number, to in zip(free, missing, strict=False):
        requests += [_filter(nl.RTM_NEWTFILTER, bridge, way, number, _copy(to)) for way in (_INCOMING, _OUTGOING)]
    if ended and len(ended) == len(present) and not missing:
        requests.append(_promiscuous(bridge, on=False))
    refused = netlink.send(requests)
    if refused:
        raise MirrorError(refused[0].errno, refused[0].words)


def _mirrors(netlink: nl.Netlink, bridge: int) -> dict[int, int]:
    """The link that each mirror of a bridge copies to (0: one that is gone), by the priority of its filters."""
    found = {}
    for message in netlink.dump(nl.RTM_GETTFILTER, nl.TCMSG.pack(0, bridge, 0, _INCOMING, 0)):
        _, _, _, _, info = nl.TCMSG.unpack_from(message)
        inner: Mapping[int, bytes] = nl.attributes(message, nl.TCMSG.size)
        for kind in (nl.TCA_OPTIONS, _TCA_U32_ACT, 1, _TCA_ACT_OPTIONS):
            inner = nl.attributes(inner.get(kind, b""))
        if len(inner.get(_TCA_MIRRED_PARMS, b"")) >= _MIRRED.size:
            found[info >> 16] = _MIRRED.unpack_from(inner[_TCA_MIRRED_PARMS])[-1]
    return found


def _classify(bridge: int) -> nl.Request:
    """Give the bridge the place where filters stand; it may have one."""
    body = nl.TCMSG.pack(0, bridge, _CLSACT_HANDLE, _CLSACT, 0) + nl.text(nl.TCA_KIND, "clsact")
    return nl.Request(nl.RTM_NEWQDISC, body, nl.NLM_F_CREATE)


def _promiscuous(bridge: int, *, on: bool) -> nl.Request:
    return nl.Request(nl.RTM_SETLINK, nl.IFINFO.pack(0, 0, bridge, _IFF_PROMISC if on else 0, _IFF_PROMISC))


def _filter(kind: int, bridge: int, way: int, number: int, rest: bytes = b"") -> nl.Request:
    flags = nl.CREATE_NEW if kind == nl.RTM_NEWTFILTER else 0
    return nl.Request(kind, nl.TCMSG.pack(0, bridge, 0, way, number << 16 | _ALL_PROTOCOLS) + rest, flags)


def _copy(to: int) -> bytes:
    parms = nl.attribute(_TCA_MIRRED_PARMS, _MIRRED.pack(0, 0, _GO_ON, 0, 0, _EGRESS_MIRROR, to))
    action = nl.text(_TCA_ACT_KIND, "mirred") + nl.attribute(_TCA_ACT_OPTIONS, parms)
    options = nl.attribute(_TCA_U32_SEL, _EVERY_FRAME) + nl.attribute(_TCA_U32_ACT, nl.attribute(1, action))
    return nl.text(nl.TCA_KIND, "u32") + nl.attribute(nl.TCA_OPTIONS, options)
