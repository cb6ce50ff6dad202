"""VLAN trunks to guests on Linux bridges: a bridge that filters VLANs, and which of them each of its ports carries.

Such a bridge stands on an untagged uplink. The port of a guest with a trunk carries the VLANs of the trunk tagged and
the untagged frames of the network; the other guests' ports carry only these; the uplink carries what any guest does.

The kernel puts untagged frames into a VLAN of the bridge's own. That one is the mark of a bridge which filters for us
(:data:`netweft.agent.link_options.UNTAGGED`): observing leaves the filtering out then, and plans leave it alone.
"""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING

from netweft.agent import netlink as nl
from netweft.agent.dumps import GUEST_MARK
from netweft.agent.guests.veth import host_end, send
from netweft.agent.link_options import (
    IFLA_BR_VLAN_DEFAULT_PVID,
    IFLA_BR_VLAN_FILTERING,
    UNTAGGED,
    filters_for_guests,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from netweft.agent.dumps import RawLink
    from netweft.core.guest_protocol import GuestNic

# linux/if_bridge.h, linux/if_link.h, linux/rtnetlink.h
_AF_BRIDGE = 7
_IFLA_BRIDGE_VLAN_INFO = 2
_RTEXT_FILTER_BRVLAN = 1 << 1
_VLAN_INFO = struct.Struct("=HH")
"""struct bridge_vlan_info: flags, VLAN."""
_PVID_UNTAGGED = 0x6
_KERNEL_PVID = 1
"""The VLAN of untagged frames where nobody chose another."""
_NONE: frozenset[int] = frozenset()


def problem(nic: GuestNic, bridge: RawLink, links: Iterable[RawLink]) -> str:
    """Why a vNIC cannot be a trunk on a Linux bridge; empty when it can, or is none."""
    if not nic.trunks:
        return ""
    data = nl.attributes(bridge.info)
    if IFLA_BR_VLAN_DEFAULT_PVID not in data:
        return "the kernel of this host filters no VLANs on Linux bridges; use Open vSwitch, or a profile without trunk"
    if nl.number(data[IFLA_BR_VLAN_FILTERING]) and not filters_for_guests(data):
        return f"{bridge.name} filters VLANs already; take vlan_filtering out of the bridge_opts of its network"
    if UNTAGGED in nic.trunks:
        return f"VLAN {UNTAGGED} is what untagged frames have in {bridge.name}; leave it out of the trunk"
    return _taken(nic, bridge, list(links))


def _taken(nic: GuestNic, bridge: RawLink, links: Sequence[RawLink]) -> str:
    """Why frames of the trunk would not reach the bridge: the kernel gives them to VLAN devices first."""
    uplinks = {link.index for link in links if link.master == bridge.index and not link.alias.startswith(GUEST_MARK)}
    for link in links:
        if link.kind == "vlan" and link.index in uplinks:
            return f"{bridge.name} is the bridge of a VLAN ({link.name}), and a trunk needs that of an untagged network"
        if link.kind == "vlan" and nl.number(link.attrs.get(nl.IFLA_LINK, b"")) in uplinks:
            tag = nl.number(nl.attributes(link.info)[nl.IFLA_VLAN_ID])
            if tag in nic.trunks:
                return f"the frames of VLAN {tag} go to {link.name} on this host; leave it out of the trunk"
    return ""


def set_trunks(netlink: nl.Netlink, nics: Iterable[GuestNic], links: Collection[RawLink]) -> bool:
    """Have bridges carry the VLANs of their guests' trunks and no others; whether there are any, or were.

    ``nics``: vNICs that are there or about to be plugged in; other guests' ports carry what they did. ``links``: all of
    the host. A bridge without any trunk filters no more. Raises CableError, NetlinkError.
    """
    desired = {host_end(nic.id): nic for nic in nics}
    filtering = {link.index for link in links if link.kind == "bridge" and filters_for_guests(nl.attributes(link.info))}
    if not filtering and not any(nic.trunks for nic in desired.values()):
        return False
    carried = _tagged(netlink)
    for bridge in [link for link in links if link.kind == "bridge"]:
        ports = [link for link in links if link.master == bridge.index]
        coming = [frozenset(nic.trunks) for nic in desired.values() if nic.bridge == bridge.name]
        plan = {}
        for link in ports:
            if link.name in desired:
                plan[link.index] = frozenset(desired[link.name].trunks)
            elif link.alias.startswith(GUEST_MARK):
                plan[link.index] = carried.get(link.index, _NONE) if bridge.index in filtering else _NONE
        union = _NONE.union(*plan.values(), *coming)
        if union or bridge.index in filtering:
            plan |= {link.index: union for link in ports if link.index not in plan}
            # A port that carries the VLAN that untagged frames are to have keeps the one that they had, so the filter
            # goes on before the VLANs of trunks come, and off after they went.
            begins, ends = bridge.index not in filtering, not union
            changes = _changes(plan, carried)
            on, off = _filter(bridge.index, on=True), _filter(bridge.index, on=False)
            send(netlink, *[*([on] if begins else []), *changes, *([off] if ends else [])])
    return True


def _changes(plan: Mapping[int, frozenset[int]], carried: Mapping[int, frozenset[int]]) -> Iterator[nl.Request]:
    for index, vlans in plan.items():
        present = carried.get(index, _NONE)
        for kind, some in ((nl.RTM_DELLINK, present - vlans), (nl.RTM_SETLINK, vlans - present)):
            if some:
                infos = (nl.attribute(_IFLA_BRIDGE_VLAN_INFO, _VLAN_INFO.pack(0, vlan)) for vlan in sorted(some))
                body = nl.attribute(nl.IFLA_AF_SPEC, b"".join(infos))
                yield nl.Request(kind, nl.IFINFO.pack(_AF_BRIDGE, 0, index, 0, 0) + body)


def _filter(bridge: int, *, on: bool) -> nl.Request:
    pvid = UNTAGGED if on else _KERNEL_PVID
    data = nl.attribute(IFLA_BR_VLAN_FILTERING, bytes([on]))
    data += nl.attribute(IFLA_BR_VLAN_DEFAULT_PVID, pvid.to_bytes(2, sys.byteorder))
    info = nl.text(nl.IFLA_INFO_KIND, "bridge") + nl.attribute(nl.IFLA_INFO_DATA, data)
    return nl.Request(nl.RTM_NEWLINK, nl.IFINFO.pack(0, 0, bridge, 0, 0) + nl.attribute(nl.IFLA_LINKINFO, info))


def _tagged(netlink: nl.Netlink) -> dict[int, frozenset[int]]:
    """The VLANs that each port of a bridge carries tagged, by the port's index."""
    found = {}
    for message in netlink.dump(
        nl.RTM_GETLINK, nl.IFINFO.pack(_AF_BRIDGE, 0, 0, 0, 0) + nl.u32(nl.IFLA_EXT_MASK, _RTEXT_FILTER_BRVLAN)
    ):
        _, _, index, _, _ = nl.IFINFO.unpack_from(message)
        infos = nl.attributes(message, nl.IFINFO.size).get(nl.IFLA_AF_SPEC, b"")
        found[index] = frozenset(vlan for flags, vlan in _infos(infos) if not flags & _PVID_UNTAGGED)
    return found


def _infos(data: bytes) -> Iterator[tuple[int, int]]:
    """Each struct bridge_vlan_info: the attribute stands there once for each VLAN."""
    header = struct.Struct("=HH")
    for offset in range(0, len(data), header.size + _VLAN_INFO.size):
        _, kind = header.unpack_from(data, offset)
        if kind == _IFLA_BRIDGE_VLAN_INFO:
            yield _VLAN_INFO.unpack_from(data, offset + header.size)
