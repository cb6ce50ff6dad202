"""Peers of a host: machines next to it on its networks, by whose silence after a change it shows that they were cut
off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface

from netweft.core.host import Host
from netweft.core.protocol import Peer
from netweft.core.sync import Location, locate_networks

PEERS_MAX = 16
"""Of each network; a host that is cut off from a network misses any of them."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LinkPeer:
    """An address next to a host on one of its links, and its MAC address, empty where that is unknown."""

    link: str
    address: str
    mac: str = field(default="", compare=False)


def peers_among(host: Host, known: Sequence[LinkPeer]) -> tuple[Peer, ...]:
    """The peers on its networks, at most :data:`PEERS_MAX` of each, those first that routes lead to.
    Addresses in no subnet of the host's addresses are none: link-local ones change with the hardware.
    """
    gateways = {LinkPeer(link=route.link, address=route.via) for route in host.routes}
    networks = {place.top: place for place in locate_networks(host).values()}
    found: dict[str, list[Peer]] = {}
    for one in sorted(known, key=lambda one: (one not in gateways, one)):
        place = networks.get(one.link)
        if place and _is_next_to(place, one.address):
            peer = Peer(network=place.network_id, address=one.address, mac=one.mac)
            found.setdefault(place.network_id, []).append(peer)
    return tuple(peer for peers in found.values() for peer in peers[:PEERS_MAX])


def where_to_ask(host: Host, peers: Sequence[Peer]) -> Mapping[Peer, LinkPeer]:
    """Where the peers are by the host's links. Those are left out of which it has not the network (any more),
    or no address next to them.
    """
    return dict(_places(locate_networks(host), peers))


def _places(networks: Mapping[str, Location], peers: Sequence[Peer]) -> Iterator[tuple[Peer, LinkPeer]]:
    for peer in peers:
        place = networks.get(peer.network)
        if place and _is_next_to(place, peer.address):
            yield peer, LinkPeer(link=place.top, address=peer.address, mac=peer.mac)


def _is_next_to(place: Location, address: str) -> bool:
    """Whether the address is another one in a subnet of the network's addresses on the host."""
    it = ip_address(address)
    return any(it != own.ip and it in own.network for own in map(ip_interface, map(str, place.addresses)))
