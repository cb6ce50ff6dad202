"""Where two hosts differ in what is managed, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from netweft.core.host import (
    MAIN_TABLE,
    PROTOCOL,
    Bond,
    Bridge,
    Host,
    Link,
    Nic,
    OvsBridge,
    OvsPort,
    Route,
    Rule,
    TrafficClass,
    Vlan,
)
from netweft.core.shaping import class_text
from netweft.core.world import canonical, comes_by_itself, without_passing_macs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_LINK = ("owner", "up", "mtu", "mac", "master", "addresses", "dhcp4", "dhcp6", "autoconf")
_OF_KIND: Mapping[type, tuple[str, ...]] = {
    Nic: ("shaping",),
    Bond: ("mode", "options", "shaping"),
    Vlan: ("base", "tag"),
    Bridge: ("stp", "options"),
}
_OVS_PORT = ("owner", "bridge", "tag", "trunks", "interfaces", "bond_mode", "lacp", "options")
_OVS_BRIDGE = ("owner", "datapath", "stp")

_ANY: Mapping[str, object] = {"mac": "", "mtu": 0}
"""What says that a field may be anything (a MAC that nobody wants), or is not known (what a simulation cannot tell)."""


def differences(expected: Host, actual: Host, watch: Collection[str] = ()) -> tuple[str, ...]:
    """A readable line for each difference in what either side marks as ours, and in the links named in ``watch``; none
    when they are equal there.

    ``watch`` is for what was ours in between: after a rollback a NIC that the change had taken over is unmarked on both
    sides.
    """
    expected = without_passing_macs(expected)
    return (*_links(expected, actual, watch), *_ovs(expected, actual), *_routing(expected, actual, watch))


def _links(expected: Host, actual: Host, watch: Collection[str]) -> Iterator[str]:
    wanted, there = expected.links(), actual.links()
    for name in sorted(_managed(wanted) | _managed(there) | set(watch)):
        want, have = wanted.get(name), there.get(name)
        if want is None or have is None:
            if have is not None and (have.owner or name in watch):
                yield f"{name} is there, and should not be"
            elif want is not None:
                yield f"{name} is missing"
        elif type(want) is not type(have):
            yield f"{name} should be a {_kind(want)}, and is a {_kind(have)}"
        elif want != have:
            yield from _fields(name, want, have, _fields_of(want, expected))


def _managed(links: Mapping[str, Link]) -> set[str]:
    return {name for name, link in links.items() if link.owner}


def _kind(link: Link) -> str:
    return type(link).__name__


def _fields_of(link: Link, host: Host) -> tuple[str, ...]:
    """The fields that matter: the MAC of a bond's port is the bond's business."""
    fields = (*_LINK, *_OF_KIND.get(type(link), ()))
    return tuple(field for field in fields if field != "mac") if link.master in host.bonds else fields


def _fields(name: str, want: object, have: object, fields: tuple[str, ...]) -> Iterator[str]:
    for field in fields:
        wanted, there = getattr(want, field), getattr(have, field)
        if wanted != there and (field not in _ANY or _ANY[field] not in (wanted, there)):
            yield f"{name}: {field} should be {_text(wanted)}, and is {_text(there)}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(class_text(one) if isinstance(one, TrafficClass) else str(one) for one in value) or "none"
    if isinstance(value, Mapping):
        return " ".join(f"{key}={value[key]}" for key in sorted(value)) or "none"
    return "none" if value in {None, ""} else str(value)


def _ovs(expected: Host, actual: Host) -> Iterator[str]:
    yield from _ovs_part("OVS bridge", expected.ovs_bridges, actual.ovs_bridges, _OVS_BRIDGE)
    yield from _ovs_part("OVS port", expected.ovs_ports, actual.ovs_ports, _OVS_PORT)


def _ovs_part(
    kind: str,
    wanted: Mapping[str, OvsBridge] | Mapping[str, OvsPort],
    there: Mapping[str, OvsBridge] | Mapping[str, OvsPort],
    fields: tuple[str, ...],
) -> Iterator[str]:
    for name in sorted(wanted.keys() | there.keys()):
        want, have = wanted.get(name), there.get(name)
        if not ((want and want.owner) or (have and have.owner)):
            continue
        if want is None:
            yield f"{kind} {name} is there, and should not be"
        elif have is None:
            yield f"{kind} {name} is missing"
        else:
            yield from _fields(f"{kind} {name}", want, have, fields)


def _routing(expected: Host, actual: Host, watch: Collection[str]) -> Iterator[str]:
    wanted_links, links = expected.links(), actual.links()
    ours = _managed(wanted_links) | _managed(links) | set(watch)

    def managed(routes: Iterable[Route]) -> set[Route]:
        return {
            canonical(route)
            for route in routes
            if (route.protocol == PROTOCOL or route.link in ours)
            and not comes_by_itself(route, wanted_links.get(route.link))
        }

    wanted, there = managed(expected.routes), managed(actual.routes)
    for route in sorted(wanted - there):
        yield f"the route {_route_text(route)} is missing"
    for route in sorted(there - wanted):
        yield f"the route {_route_text(route)} is there, and should not be"
    rules = [{rule for rule in host.rules if rule.protocol == PROTOCOL} for host in (expected, actual)]
    for rule in sorted(rules[0] - rules[1]):
        yield f"the rule {_rule_text(rule)} is missing"
    for rule in sorted(rules[1] - rules[0]):
        yield f"the rule {_rule_text(rule)} is there, and should not be"
    if expected.dns != actual.dns:
        yield f"the resolvers should be {_text(expected.dns)}, and are {_text(actual.dns)}"


def _route_text(route: Route) -> str:
    via = f" via {route.via}" if route.via else ""
    table = f" in table {route.table}" if route.table != MAIN_TABLE else ""
    return f"to {route.to}{via} over {route.link}{table}"


def _rule_text(rule: Rule) -> str:
    return f"{'from' if rule.source else 'to'} {rule.source or rule.destination} to table {rule.table}"
