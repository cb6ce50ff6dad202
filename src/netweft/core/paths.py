"""The links by which frames leave the host, so that its neighbours can be informed when that changes.

A neighbour caches the MAC address behind an IP address, and the switches in between cache the port behind a MAC
address; both keep sending to the old place for minutes, unless they are informed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netweft.core.host import Bond, Bridge, OvsPort, Vlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netweft.core.host import OvsBridge
    from netweft.core.world import World
    from netweft.core.world_link import Unknown, WorldLink

LACP_MODE = "802.3ad"
"""The kernel's bond mode that negotiates with the switch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What the network outside sees of where frames come from.

    ``nics``: those that are up and that they may leave by; ``how``: what of a bond decides which; ``tags``: their VLAN
    tags, the outer one first. ``lacp``: a bond on the way negotiates with the switch; ``stp``: a bridge on the way runs
    the spanning tree protocol.
    """

    nics: frozenset[str] = frozenset()
    how: tuple[object, ...] = ()
    tags: tuple[int, ...] = ()
    lacp: bool = False
    stp: bool = False

    def is_soon(self, after: Way) -> bool:
        """Whether frames pass again within a moment when they went this way and then go another, in the same network.

        LACP takes seconds before a new bond carries anything (IEEE 802.1AX, Aggregate_Wait_Time), a bridge with STP
        half a minute before a port does.
        """
        is_open = bool(after.nics) or not self.nics
        return is_open and self.tags == after.tags and not after.stp and (self.lacp or not after.lacp)

    def is_elsewhere(self, after: Way) -> bool:
        """Whether they leave by other NICs, whose cables may lead elsewhere."""
        return self.nics.isdisjoint(after.nics)


class Ways:
    """The uplinks of each link of a host, computed once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[str, Way] = {}

    def of_addresses(self) -> dict[str, tuple[str | Unknown, Way]]:
        """Of every address on a link that is up, static or not: the link's MAC address and its way."""
        return {
            address.ip: (link.mac, self.of(link.name))
            for link in self._world.links.values()
            if link.up
            for address in (*link.addresses, *link.dynamic)
        }

    def of(self, name: str) -> Way:
        """Of a link or an OVS bridge; that of one which is not there leads nowhere."""
        known = self._known.get(name)
        if known is None:
            self._known[name] = Way()  # for a link that stands on itself
            known = self._known[name] = self._way(name)
        return known

    def _way(self, name: str) -> Way:
        bridge = self._world.ovs_bridges.get(name)
        if bridge is not None:
            return self._of_switch(bridge)
        link = self._world.links.get(name)
        return Way() if link is None else self._of_link(link)

    def _of_link(self, link: WorldLink) -> Way:
        world = self._world
        ports = sorted(world.ports_of(link.name))
        match link.value:
            case Vlan(base=base, tag=tag):
                return _tagged(self.of(base), tag)
            case OvsPort(bridge=bridge, tag=tag):
                return _tagged(self.of(bridge), tag)
            case Bond(mode=mode):
                how = (mode, *_sorted(link.options or {}))
                up = frozenset(port for port in ports if world.links[port].up)
                return Way(nics=up, how=how, lacp=mode == LACP_MODE)
            case Bridge():
                return replace(_joined(map(self.of, ports)), stp=link.stp)
            case _:
                return Way(nics=frozenset((link.name,) if link.up else ()))

    def _of_switch(self, bridge: OvsBridge) -> Way:
        """By its ports with interfaces; internal ones lead nowhere."""
        ports = [self._world.ovs_ports[name] for name in sorted(self._world.bridge_ports[bridge.name])]
        ways = [self._of_port(port) for port in ports if not port.is_internal]
        return replace(_joined(ways), stp=bridge.stp)

    def _of_port(self, port: OvsPort) -> Way:
        way = _joined(map(self.of, port.interfaces))
        if len(port.interfaces) == 1:
            return way
        how = (*way.how, port.bond_mode, port.lacp, *_sorted(port.options))
        return replace(way, how=how, lacp=port.lacp != "off")


def _tagged(way: Way, tag: int | None) -> Way:
    return way if tag is None else replace(way, tags=(*way.tags, tag))


def _sorted(options: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(options.items()))


def _joined(ways: Iterable[Way]) -> Way:
    """Of frames that may go all of these ways."""
    ways = tuple(ways)
    return Way(
        nics=frozenset(nic for way in ways for nic in way.nics),
        how=tuple(part for way in ways for part in way.how),
        tags=tuple(tag for way in ways for tag in way.tags),
        lacp=any(way.lacp for way in ways),
    )


def moved(before: World, after: World, names: Iterable[str]) -> list[str]:
    """Which of the named links and OVS bridges have an address, or a guest, that was elsewhere before or not there."""
    old, new = Ways(before), Ways(after)
    addresses = old.of_addresses()
    waiting = {before.guests[name].bridge for name, guest in after.guests.items() if not guest.bridge}

    def has_moved_address(link: WorldLink) -> bool:
        way = (link.mac, new.of(link.name))
        return any(addresses.get(address.ip) != way for address in (*link.addresses, *link.dynamic))

    def has_moved_guest(name: str) -> bool:
        """Guests whose bridge was removed during the plan are plugged in again after it; those that had none before may
        have waited for a new one.
        """
        is_new = name not in before.links and name not in before.ovs_bridges
        is_awaited = name in waiting or (is_new and "" in waiting)
        return is_awaited or (bool(after.guests_on.get(name)) and old.of(name) != new.of(name))

    def has_moved(name: str) -> bool:
        link = after.links.get(name)
        return (link is not None and link.up and has_moved_address(link)) or has_moved_guest(name)

    return [name for name in names if has_moved(name)]
