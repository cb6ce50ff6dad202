"""Traffic shaping as netlink messages: an HFSC queueing discipline with a class for each VLAN.

Sources: linux/rtnetlink.h, linux/pkt_sched.h, linux/pkt_cls.h, net/sched/sch_hfsc.c. A shaped link has (as with VDSM,
in the notation of tc(8))::

    qdisc hfsc 1389: root default 1388
    class 1389:1388                       all other traffic; fq_codel 1388:
    class 1389:64 (VLAN 100)              fq_codel 64:; filter flower vlan_id 100 -> 1389:64

The filter matches the tag in the metadata of the frame, where VLAN devices and the kernel's Open vSwitch put it. Frames
that Open vSwitch sends from user space have it inside, behind which the kernel continues to parse
(packet_parse_headers()), so they all get the default class.
"""

from __future__ import annotations

import errno
import struct
import sys
from typing import TYPE_CHECKING

from netweft.agent import netlink as nl
from netweft.core.host import FOREIGN_SHAPING, SHAPING_HANDLE, TrafficClass
from netweft.core.shaping import MAX_SHARE, by_tag, class_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

_CURVE = struct.Struct("=III")
"""struct tc_service_curve: octets per second at first, for how many microseconds, octets per second afterwards."""

_U16 = struct.Struct("=H")

_TCA_HFSC_RSC, _TCA_HFSC_FSC, _TCA_HFSC_USC = 1, 2, 3
_TCA_FLOWER_CLASSID, _TCA_FLOWER_KEY_ETH_TYPE, _TCA_FLOWER_KEY_VLAN_ID = 1, 8, 23
_TC_H_ROOT = 0xFFFFFFFF

_ROOT = SHAPING_HANDLE << 16
_REST = SHAPING_HANDLE - 1
"""Minor number of the default class."""
_PRIORITY_TAG = 0xFFF
"""Minor number of the class of VLAN 0, since 0 is the number of the root itself; no VLAN has this one."""
_FILTERS = 1 << 16 | int.from_bytes(nl.ETH_P_8021Q, sys.byteorder)
"""Priority and protocol of our filters."""
_SHARE = 125_000
"""Octets per second for one share. Only the ratio matters, but the kernel rounds small numbers."""
_BITS = 8

_MODULES = {"hfsc": "sch_hfsc", "fq_codel": "sch_fq_codel", "flower": "cls_flower"}


def start(index: int, rest: TrafficClass) -> tuple[nl.Request, ...]:
    """Start shaping a link. Raises ValueError for an invalid class."""
    options = nl.attribute(nl.TCA_OPTIONS, _U16.pack(_REST))
    root = nl.TCMSG.pack(0, index, _ROOT, _TC_H_ROOT, 0) + nl.text(nl.TCA_KIND, "hfsc") + options
    return nl.Request(nl.RTM_NEWQDISC, root, nl.CREATE_NEW), *add(index, rest)


def stop(index: int) -> tuple[nl.Request, ...]:
    """Restore the kernel's default queue of a link."""
    return (nl.Request(nl.RTM_DELQDISC, nl.TCMSG.pack(0, index, _ROOT, _TC_H_ROOT, 0)),)


def add(index: int, traffic: TrafficClass) -> tuple[nl.Request, ...]:
    """Create a class with its queue and filter. Raises ValueError for an invalid class."""
    problem = class_problem("class", traffic)
    if problem:
        raise ValueError(problem)
    minor = _minor(traffic.tag)
    curves = _curve(_TCA_HFSC_FSC, traffic.share * _SHARE)
    for kind, limit in ((_TCA_HFSC_RSC, traffic.real_time), (_TCA_HFSC_USC, traffic.upper_limit)):
        curves += _curve(kind, limit // _BITS) if limit is not None else b""
    one = nl.TCMSG.pack(0, index, _ROOT | minor, _ROOT, 0) + _options("hfsc", curves)
    leaf = nl.TCMSG.pack(0, index, minor << 16, _ROOT | minor, 0) + nl.text(nl.TCA_KIND, "fq_codel")
    made = (nl.Request(nl.RTM_NEWTCLASS, one, nl.CREATE_NEW), nl.Request(nl.RTM_NEWQDISC, leaf, nl.CREATE_NEW))
    if traffic.tag is None:
        return made
    keys = nl.u32(_TCA_FLOWER_CLASSID, _ROOT | minor) + nl.attribute(_TCA_FLOWER_KEY_ETH_TYPE, nl.ETH_P_8021Q)
    keys += nl.attribute(_TCA_FLOWER_KEY_VLAN_ID, _U16.pack(traffic.tag))
    return *made, nl.Request(nl.RTM_NEWTFILTER, _filter(index, minor) + _options("flower", keys), nl.CREATE_NEW)


def remove(index: int, tag: int | None) -> tuple[nl.Request, ...]:
    """Remove a class with its queue and filter."""
    minor = _minor(tag)
    one = nl.Request(nl.RTM_DELTCLASS, nl.TCMSG.pack(0, index, _ROOT | minor, _ROOT, 0))
    kind = nl.text(nl.TCA_KIND, "flower")
    return (one,) if tag is None else (nl.Request(nl.RTM_DELTFILTER, _filter(index, minor) + kind), one)


def change(index: int, traffic: TrafficClass) -> tuple[nl.Request, ...]:
    """Recreate a class: the kernel cannot remove a limit. Raises ValueError for an invalid class."""
    return *remove(index, traffic.tag), *add(index, traffic)


def lacking(request: nl.Request, refused: nl.Refused) -> str:
    """The missing kernel module if that is why the kernel refused a request; else empty."""
    if refused.errno != errno.ENOENT or request.kind not in {nl.RTM_NEWQDISC, nl.RTM_NEWTFILTER}:
        return ""
    return _MODULES.get(_kind(nl.attributes(request.body, nl.TCMSG.size)), "")


def observe(netlink: nl.Netlink) -> dict[int, tuple[tuple[TrafficClass, ...], str]]:
    """Our classes, or a description of a foreign queueing discipline, of each link (by index) without the default one.

    Empty on a kernel without traffic control. Raises NetlinkError.
    """
    try:
        messages = netlink.dump(nl.RTM_GETQDISC, nl.TCMSG.pack(0, 0, 0, 0, 0))
    except nl.NetlinkError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        return {}
    found: dict[int, tuple[tuple[TrafficClass, ...], str]] = {}
    for message in messages:
        _, index, handle, parent, _ = nl.TCMSG.unpack_from(message)
        if parent == _TC_H_ROOT and handle:
            attrs = nl.attributes(message, nl.TCMSG.size)
            is_ours = handle == _ROOT and _kind(attrs) == "hfsc"
            rest = nl.number(attrs.get(nl.TCA_OPTIONS, b"")) if is_ours else 0
            text = f"{_kind(attrs)} {handle >> 16:x}:"
            found[index] = (
                (_classes(netlink, index) if rest == _REST else (FOREIGN_SHAPING,), "") if is_ours else ((), text)
            )
    return found


def _classes(netlink: nl.Netlink, index: int) -> tuple[TrafficClass, ...]:
    """The classes of a link, FOREIGN_SHAPING when they differ from what we create."""
    filters = _filters(netlink, index)
    found = {}
    for message in netlink.dump(nl.RTM_GETTCLASS, nl.TCMSG.pack(0, index, 0, _ROOT, 0)):  # not those of its queues
        _, _, handle, parent, leaf = nl.TCMSG.unpack_from(message)
        if handle == _ROOT:
            continue
        minor = handle & 0xFFFF
        tag = {_REST: None, _PRIORITY_TAG: 0}.get(minor, minor)
        traffic = _class(tag, nl.attributes(nl.attributes(message, nl.TCMSG.size)[nl.TCA_OPTIONS]))
        as_made = parent == _ROOT and leaf == minor << 16 and (tag is None or filters.pop(minor, None) == tag)
        if not as_made or class_problem("class", traffic):
            return (FOREIGN_SHAPING,)
        found[tag] = traffic
    return by_tag(found.values()) if None in found and not filters else (FOREIGN_SHAPING,)


def _class(tag: int | None, curves: Mapping[int, bytes]) -> TrafficClass:
    """A class from its curves; with a share of 0 if they are not of the form that we create."""
    rates = {}
    for kind, curve in curves.items():
        first, delay, rates[kind] = _CURVE.unpack(curve)
        if first or delay:
            return TrafficClass(tag=tag, share=0)
    share, remainder = divmod(rates.pop(_TCA_HFSC_FSC, 0), _SHARE)
    limits = {kind: rate * _BITS for kind, rate in rates.items()}
    return TrafficClass(
        tag=tag,
        share=0 if remainder else min(share, MAX_SHARE + 1),
        upper_limit=limits.get(_TCA_HFSC_USC),
        real_time=limits.get(_TCA_HFSC_RSC),
    )


def _filters(netlink: nl.Netlink, index: int) -> dict[int, int | None]:
    """The VLAN of each filter of a link, by the filter's handle; None for one that is not of our form."""
    found: dict[int, int | None] = {}
    for message in netlink.dump(nl.RTM_GETTFILTER, nl.TCMSG.pack(0, index, 0, _ROOT, 0)):
        _, _, handle, _, information = nl.TCMSG.unpack_from(message)
        attrs = nl.attributes(message, nl.TCMSG.size)
        options = nl.attributes(attrs.get(nl.TCA_OPTIONS, b""))
        if not handle:
            continue  # the head of the list
        leads_to = nl.number(options.get(_TCA_FLOWER_CLASSID, b""))
        as_made = _kind(attrs) == "flower" and information == _FILTERS and leads_to == _ROOT | handle
        found[handle] = nl.number(options.get(_TCA_FLOWER_KEY_VLAN_ID, b"")) if as_made else None
    return found


def _minor(tag: int | None) -> int:
    return _REST if tag is None else tag or _PRIORITY_TAG


def _curve(kind: int, rate: int) -> bytes:
    return nl.attribute(kind, _CURVE.pack(0, 0, rate))


def _options(kind: str, options: bytes) -> bytes:
    return nl.text(nl.TCA_KIND, kind) + nl.attribute(nl.TCA_OPTIONS, options)


def _filter(index: int, minor: int) -> bytes:
    return nl.TCMSG.pack(0, index, minor, _ROOT, _FILTERS)


def _kind(attrs: Mapping[int, bytes]) -> str:
    return nl.string(attrs.get(nl.TCA_KIND, b""))
