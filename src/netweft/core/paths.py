"""By which way frames of a link leave the host, so that its neighbours can be told when that has changed.

A neighbour remembers the MAC address behind an IP address, and the switches between remember the port behind a MAC
address; both go on sending to where it was, for minutes, until somebody tells them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from netweft.core.host import Bond, Bridge, OvsPort, Vlan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netweft.core.world import World, WorldLink

Way: TypeAlias = "tuple[object, ...]"
"""What the network outside sees of where frames come from: NICs, how they are bonded, the VLANs on top."""


class Ways:
    """The ways out of a host, each looked up once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[str, Way] = {}

    def of_addresses(self) -> dict[str, Way]:
        """Of every address on a link that is up, static or not: the link's MAC address and its way."""
        return {
            address.ip: (link.mac, *self.of(link.name))
            for link in self._world.links.values()
            if link.up
            for address in (*link.addresses, *link.dynamic)
        }

    def of(self, name: str) -> Way:
        """Of a link or an OVS bridge."""
        known = self._known.get(name)
        if known is None:
            self._known[name] = ()  # for a link that stands on itself
            known = self._known[name] = self._look(name)
        return known

    def _look(self, name: str) -> Way:
        world = self._world
        if name in world.ovs_bridges:
            return tuple(way for port in sorted(world.bridge_ports[name]) for way in self._of_door(port))
        link = world.links.get(name)
        return (name,) if link is None else self._of_link(link)

    def _of_link(self, link: WorldLink) -> Way:
        match link.value:
            case Vlan(base=base, tag=tag):
                return (*self.of(base), tag)
            case OvsPort(bridge=bridge, tag=tag):
                return (*self.of(bridge), *(() if tag is None else (tag,)))
            case Bond(mode=mode):
                options = tuple(sorted((link.options or {}).items()))
                return (mode, options, *sorted(self._world.ports_of(link.name)))
            case Bridge():
                return tuple(way for port in sorted(self._world.ports_of(link.name)) for way in self.of(port))
            case _:
                return (link.name,)

    def _of_door(self, name: str) -> Way:
        """Of the port by which an OVS bridge reaches the outside; internal ones do not."""
        port = self._world.ovs_ports[name]
        if port.is_internal:
            return ()
        ways = [way for door in port.interfaces for way in self.of(door)]
        if len(port.interfaces) == 1:
            return tuple(ways)
        return (port.bond_mode, port.lacp, tuple(sorted(port.options.items())), *ways)


def moved(before: World, after: World, names: Iterable[str]) -> list[str]:
    """Which of the named links and OVS bridges have an address, or a guest, that was elsewhere before or not there."""
    old, new = Ways(before), Ways(after)
    addresses = old.of_addresses()
    waiting = {before.guests[name].bridge for name, guest in after.guests.items() if not guest.bridge}

    def has_moved_address(link: WorldLink) -> bool:
        way = (link.mac, *new.of(link.name))
        return any(addresses.get(address.ip) != way for address in (*link.addresses, *link.dynamic))

    def has_moved_guest(name: str) -> bool:
        """Guests that lost their bridge on the way are plugged in again after the plan; those that had none before may
        have waited for one that is new.
        """
        is_new = name not in before.links and name not in before.ovs_bridges
        is_awaited = name in waiting or (is_new and "" in waiting)
        return is_awaited or (bool(after.guests_on.get(name)) and old.of(name) != new.of(name))

    def has_moved(name: str) -> bool:
        link = after.links.get(name)
        return (link is not None and link.up and has_moved_address(link)) or has_moved_guest(name)

    return [name for name in names if has_moved(name)]
