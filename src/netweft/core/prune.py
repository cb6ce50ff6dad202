"""The part of a desired host that is possible while NICs are missing: at boot, or while the rest of it changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from netweft.core.host import MAIN_TABLE, Bond, Host, Link, OvsPort

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


def prune_missing(desired: Host, current: Host) -> tuple[Host, tuple[str, ...]]:
    """The part of ``desired`` that is possible with the NICs of ``current``, and a line for each thing that is not.

    A bond comes up with the remaining NICs; links without anything below them are left out, with their routes and
    rules.
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
        bonds={name: _without_primary(bond, gone) for name, bond in _without(desired.bonds, gone).items()},
        vlans=_without(desired.vlans, gone),
        bridges=_without(desired.bridges, gone),
        ovs_bridges=_without(desired.ovs_bridges, gone),
        ovs_ports=_ovs_ports_left(desired, gone),
        routes=routes,
        rules=tuple(rule for rule in desired.rules if rule.table not in lost_tables),
    )
    lines = (
        f"{name} is left out: {'it' if name in lost else 'everything below it'} is missing" for name in sorted(gone)
    )
    return pruned, tuple(lines)


def leave_missing(desired: Host, current: Host) -> tuple[Host, tuple[str, ...]]:
    """The part of ``desired`` that is possible with the NICs of ``current``, and a line for each thing that is not:
    that stays as it is, so that a broken NIC blocks nothing else.

    Bridges that lost their NIC keep their guests, and addresses stay for use inside the host. When the NIC is there
    again, the next plan repairs all of it.
    """
    pruned, lines = prune_missing(desired, current)
    if not lines:
        return desired, ()
    gone = _all_that_stands_on(set(desired.nics) - set(current.nics), desired) - _all_that_stands(current)
    links = desired.links()
    left = {
        name
        for name, link in current.links().items()
        if name in gone and link.owner and _is_in_place(link, links[name])
    }
    ports = {name: port for name, port in current.ovs_ports.items() if name in left or _is_halved(port, desired, gone)}
    taken = {interface for port in ports.values() for interface in port.interfaces}
    others = {name: port for name, port in pruned.ovs_ports.items() if not taken.intersection(port.interfaces)}
    tables = {route.table for route in current.routes if route.link in left and route.table != MAIN_TABLE}
    kept = replace(
        pruned,
        bonds={**pruned.bonds, **_only(current.bonds, left)},
        bridges={**pruned.bridges, **_only(current.bridges, left)},
        ovs_bridges={**pruned.ovs_bridges, **_only(current.ovs_bridges, gone)},
        ovs_ports={**others, **ports},
        routes=tuple(sorted({*pruned.routes, *(route for route in current.routes if route.link in left)})),
        rules=tuple(sorted({*pruned.rules, *(rule for rule in current.rules if rule.table in tables)})),
    )
    return kept, lines


def _all_that_stands(host: Host) -> set[str]:
    """The names of the links and OVS bridges that have a NIC below them."""
    found = set(host.nics)
    below = _below(host)
    while new := {name for name, lower in below.items() if name not in found and lower & found}:
        found |= new
    return found


def _without_primary(bond: Bond, gone: set[str]) -> Bond:
    """The bond without the preference of a port that it has not."""
    if bond.options.get("primary") not in gone:
        return bond
    return replace(bond, options={name: value for name, value in bond.options.items() if name != "primary"})


def _is_in_place(link: Link, want: Link) -> bool:
    """Whether a link is of the desired kind, and in its switch if it is a port of one."""
    if isinstance(link, OvsPort):
        return isinstance(want, OvsPort) and link.bridge == want.bridge
    return type(link) is type(want)


def _is_halved(port: OvsPort, desired: Host, gone: set[str]) -> bool:
    """Whether an OVS port is as desired, except for missing interfaces: the others carry its traffic."""
    want = desired.ovs_ports.get(port.name)
    is_same = want is not None and (want.bridge, want.interfaces) == (port.bridge, port.interfaces)
    return bool(port.owner) and is_same and bool(gone.intersection(port.interfaces))


def _only(part: Mapping[str, T], names: set[str]) -> dict[str, T]:
    return {name: thing for name, thing in part.items() if name in names}


def _without(part: Mapping[str, T], gone: set[str]) -> dict[str, T]:
    return {name: thing for name, thing in part.items() if name not in gone}


def _all_that_stands_on(lost: set[str], host: Host) -> set[str]:
    """The names of the links and OVS bridges that have nothing left below them, the lost ones included."""
    below = _below(host)
    gone = set(lost)
    while new := {name for name, lower in below.items() if name not in gone and lower <= gone}:
        gone |= new
    return gone


def _below(host: Host) -> dict[str, set[str]]:
    """The links directly below each link and OVS bridge."""
    below: dict[str, set[str]] = {vlan.name: {vlan.base} for vlan in host.vlans.values()}
    for link in host.links().values():
        if link.master:
            below.setdefault(link.master, set()).add(link.name)
    for port in host.ovs_ports.values():
        if port.is_internal:
            below[port.name] = {port.bridge}
        else:
            below.setdefault(port.bridge, set()).update(port.interfaces)
    return below


def _ovs_ports_left(host: Host, gone: set[str]) -> dict[str, OvsPort]:
    """The OVS ports without lost interfaces; an OVS bond that has one left becomes the plain port of that one, with its
    name.
    """
    left = {}
    for port in host.ovs_ports.values():
        kept = tuple(name for name in port.interfaces if name not in gone)
        if len(kept) == 1 < len(port.interfaces):
            left[kept[0]] = replace(port, name=kept[0], interfaces=kept, bond_mode="", lacp="off", options={})
        elif kept or (port.is_internal and port.name not in gone):
            left[port.name] = replace(port, interfaces=kept)
    return left
