"""The kernel's neighbour table: known neighbours, and whether they answer now.

The kernel itself sends the requests (ARP, neighbour discovery): it is made to confirm a known neighbour (``NUD_PROBE``)
or to resolve a new one (``NTF_USE``). So no other packets are sent than usual, and only the neighbour can answer.
"""

from __future__ import annotations

from ipaddress import ip_address
from socket import AF_INET, AF_INET6
from time import monotonic, sleep
from typing import TYPE_CHECKING

from netweft.agent import netlink as nl
from netweft.agent.dumps import dump_links, dump_neighbours
from netweft.core.peers import LinkPeer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from netweft.agent.dumps import RawNeighbour

_BEING_RESOLVED = nl.NUD_INCOMPLETE | nl.NUD_PROBE
_AGAIN = 0.05
"""Poll interval in seconds."""


def answered_peers(netlink: nl.Netlink) -> list[LinkPeer]:
    """Neighbours that have answered, now or earlier. Raises NetlinkError."""
    return [one for one, state in _neighbours(netlink, _names(netlink)).items() if state.is_known]


def answering(
    netlink: nl.Netlink, peers: Collection[LinkPeer], patience: float, is_over: Callable[[], bool]
) -> frozenset[LinkPeer]:
    """See Networking.answering. Raises NetlinkError."""
    names = _names(netlink)
    indexes = {name: index for index, name in names.items()}
    waiting = {one for one in peers if one.link in indexes}
    table = _neighbours(netlink, names)
    netlink.send([_probe(one, indexes[one.link], table.get(one)) for one in sorted(waiting)])
    found: set[LinkPeer] = set()
    until = monotonic() + patience
    while waiting and monotonic() < until and not is_over():
        sleep(_AGAIN)
        table = _neighbours(netlink, names)
        found |= {one for one in waiting if one in table and table[one].state & nl.NUD_REACHABLE}
        waiting -= found
        given_up = [one for one in sorted(waiting) if one not in table or not table[one].state & _BEING_RESOLVED]
        netlink.send([_probe(one, indexes[one.link], table.get(one)) for one in given_up])
    return frozenset(found)


def _probe(peer: LinkPeer, index: int, entry: RawNeighbour | None) -> nl.Request:
    """A request that makes the kernel probe a known neighbour at its MAC address, or resolve an unknown one."""
    address = ip_address(peer.address)
    family = AF_INET if address.version == 4 else AF_INET6  # noqa: PLR2004  # of IP
    is_known = entry is not None and entry.is_known
    state, flags, create = (nl.NUD_PROBE, 0, 0) if is_known else (0, nl.NTF_USE, nl.NLM_F_CREATE)
    body = nl.NDMSG.pack(family, index, state, flags, 0) + nl.attribute(nl.NDA_DST, address.packed)
    return nl.Request(nl.RTM_NEWNEIGH, body, create)


def _names(netlink: nl.Netlink) -> dict[int, str]:
    return {link.index: link.name for link in dump_links(netlink)}


def _neighbours(netlink: nl.Netlink, names: Mapping[int, str]) -> dict[LinkPeer, RawNeighbour]:
    return {
        LinkPeer(link=names[one.index], address=str(one.address), mac=one.mac): one
        for one in dump_neighbours(netlink)
        if one.index in names
    }
