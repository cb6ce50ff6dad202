"""What of a host can be had again at boot when NICs are missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from netweft.core.host import Host, OvsPort

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


def prune_missing(desired: Host, current: Host) -> tuple[Host, tuple[str, ...]]:
    """What of ``desired`` can be had with the NICs that ``current`` has, and a line for each thing that cannot.

    A bond comes up with the NICs that are left; what stands on nothing any more is left out, with its routes and rules.
    """
    lost = set(desired.nics) - set(current.nics)
    if not lost:
        return desired, ()
    gone = _all_that_stands_on(lost, desired)
    routes = tuple(route for route in desired.routes if route.link not in gone)
    lost_tables = {route.table for route in desired.routes} - {route.table for route in routes}
    pruned = replace(
        desired,
        nics=_without(desired.nics, gone),
        bonds=_without(desired.bonds, gone),
        vlans=_without(desired.vlans, gone),
        bridges=_without(desired.bridges, gone),
        ovs_bridges=_without(desired.ovs_bridges, gone),
        ovs_ports=_ovs_ports_left(desired, gone),
        routes=routes,
        rules=tuple(rule for rule in desired.rules if rule.table not in lost_tables),
    )
    lines = (
        f"{name} is left out: {'it' if name in lost else 'all that it stands on'} is missing" for name in sorted(gone)
    )
    return pruned, tuple(lines)


def _without(part: Mapping[str, T], gone: set[str]) -> dict[str, T]:
    return {name: thing for name, thing in part.items() if name not in gone}


def _all_that_stands_on(lost: set[str], host: Host) -> set[str]:
    """The names of the links and OVS bridges that have nothing left below them, the lost ones included."""
    below: dict[str, set[str]] = {vlan.name: {vlan.base} for vlan in host.vlans.values()}
    for link in host.links().values():
        if link.master:
            below.setdefault(link.master, set()).add(link.name)
    for port in host.ovs_ports.values():
        if port.is_internal:
            below[port.name] = {port.bridge}
        else:
            below.setdefault(port.bridge, set()).update(port.interfaces)
    gone = set(lost)
    while new := {name for name, lower in below.items() if name not in gone and lower <= gone}:
        gone |= new
    return gone


def _ovs_ports_left(host: Host, gone: set[str]) -> dict[str, OvsPort]:
    """The OVS ports without lost interfaces; an OVS bond that has one left becomes the plain port of that one, with its
    name.
    """
    left = {}
    for port in host.ovs_ports.values():
        kept = tuple(name for name in port.interfaces if name not in gone)
        if len(kept) == 1 < len(port.interfaces):
            left[kept[0]] = replace(port, name=kept[0], interfaces=kept, bond_mode="", lacp="off")
        elif kept or (port.is_internal and port.name not in gone):
            left[port.name] = replace(port, interfaces=kept)
    return left
