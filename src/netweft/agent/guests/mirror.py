"""Port mirroring on Linux bridges: a copy of every frame of a bridge to a guest's link, by tc-mirred(8).

A bridge in promiscuous mode receives all frames that it forwards, so that filters on the bridge's own device see them;
frames that the host itself sends pass the device on egress. The filters themselves are the only record of mirrors:
those whose target link was removed show index 0 and are deleted at the next change.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from netweft.agent import netlink as nl
from netweft.agent.dumps import dump_links

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


_ALL_PROTOCOLS = 0x0300  # ETH_P_ALL in network byte order
_EVERY_FRAME = struct.pack("=BBBxHHhhI IIii", 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
"""struct tc_u32_sel, terminal, with one key of no bits at all."""
_IFF_PROMISC = 0x100  # linux/if.h
_DIRECTIONS = (nl.TC_H_INGRESS_FILTERS, nl.TC_H_EGRESS_FILTERS)


class MirrorError(OSError):
    """The kernel refused; the message says what."""


def set_mirrors(netlink: nl.Netlink, desired: Mapping[str, str], plugged: Collection[str] = ()) -> None:
    """Have links get a copy of all frames of Linux bridges (``desired``: bridge by link), and no other of ``plugged``.

    Mirrors to links that are gone are taken away everywhere. Raises MirrorError, NetlinkError.
    """
    links = dump_links(netlink)
    indexes = {link.name: link.index for link in links}
    for bridge in links:
        to = {indexes[name] for name, of in desired.items() if of == bridge.name}
        if bridge.kind == "bridge" and (to or bridge.flags & _IFF_PROMISC):
            others = {indexes[name] for name in plugged if name in indexes} - to
            _set_mirrors_of(netlink, bridge.index, to, set(indexes.values()) - others)


def _set_mirrors_of(netlink: nl.Netlink, bridge: int, desired: set[int], allowed: set[int]) -> None:
    present = _mirrors(netlink, bridge)
    ended = [number for number, to in present.items() if to not in allowed]
    missing = sorted(desired - set(present.values()))
    free = [number for number in range(1, len(present) + len(missing) + 1) if number not in present]
    requests = [_filter(nl.RTM_DELTFILTER, bridge, parent, number) for number in ended for parent in _DIRECTIONS]
    if missing and not present:
        requests += [_classify(bridge), _promiscuous(bridge, on=True)]
    for number, to in zip(free, missing, strict=False):
        requests += [_filter(nl.RTM_NEWTFILTER, bridge, parent, number, _copy(to)) for parent in _DIRECTIONS]
    if ended and len(ended) == len(present) and not missing:
        requests.append(_promiscuous(bridge, on=False))
    refused = netlink.send(requests)
    if refused:
        raise MirrorError(refused[0].errno, refused[0].words)


def _mirrors(netlink: nl.Netlink, bridge: int) -> dict[int, int]:
    """The target link of each mirror of a bridge (0: it was removed), by the priority of its filters."""
    found = {}
    for message in netlink.dump(nl.RTM_GETTFILTER, nl.TCMSG.pack(0, bridge, 0, nl.TC_H_INGRESS_FILTERS, 0)):
        _, _, _, _, info = nl.TCMSG.unpack_from(message)
        inner: Mapping[int, bytes] = nl.attributes(message, nl.TCMSG.size)
        for kind in (nl.TCA_OPTIONS, nl.TCA_U32_ACT, 1, nl.TCA_ACT_OPTIONS):
            inner = nl.attributes(inner.get(kind, b""))
        if len(inner.get(nl.TCA_MIRRED_PARMS, b"")) >= nl.TC_MIRRED.size:
            found[info >> 16] = nl.TC_MIRRED.unpack_from(inner[nl.TCA_MIRRED_PARMS])[-1]
    return found


def _classify(bridge: int) -> nl.Request:
    """Give the bridge a clsact qdisc, which filters need, unless it has one."""
    body = nl.TCMSG.pack(0, bridge, nl.TC_H_CLSACT_HANDLE, nl.TC_H_CLSACT, 0) + nl.text(nl.TCA_KIND, "clsact")
    return nl.Request(nl.RTM_NEWQDISC, body, nl.NLM_F_CREATE)


def _promiscuous(bridge: int, *, on: bool) -> nl.Request:
    return nl.Request(nl.RTM_SETLINK, nl.IFINFO.pack(0, 0, bridge, _IFF_PROMISC if on else 0, _IFF_PROMISC))


def _filter(kind: int, bridge: int, parent: int, number: int, rest: bytes = b"") -> nl.Request:
    flags = nl.CREATE_NEW if kind == nl.RTM_NEWTFILTER else 0
    return nl.Request(kind, nl.TCMSG.pack(0, bridge, 0, parent, number << 16 | _ALL_PROTOCOLS) + rest, flags)


def _copy(to: int) -> bytes:
    parms = nl.attribute(nl.TCA_MIRRED_PARMS, nl.TC_MIRRED.pack(0, 0, nl.TC_ACT_UNSPEC, 0, 0, nl.TCA_EGRESS_MIRROR, to))
    action = nl.text(nl.TCA_ACT_KIND, "mirred") + nl.attribute(nl.TCA_ACT_OPTIONS, parms)
    options = nl.attribute(nl.TCA_U32_SEL, _EVERY_FRAME) + nl.attribute(nl.TCA_U32_ACT, nl.attribute(1, action))
    return nl.text(nl.TCA_KIND, "u32") + nl.attribute(nl.TCA_OPTIONS, options)
