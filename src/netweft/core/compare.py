"""The differences between two hosts in what we manage, object by object and field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from netweft.core.host import (
    MAIN_TABLE,
    PROTOCOL,
    Bond,
    Bridge,
    Chassis,
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
from netweft.core.kernel import canonical, is_automatic, without_failover_macs
from netweft.core.shaping import class_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_LINK = ("owner", "up", "mtu", "mac", "master", "addresses", "dhcp4", "dhcp6", "leased_default", "autoconf")
_OF_KIND: Mapping[type, tuple[str, ...]] = {
    Nic: ("shaping",),
    Bond: ("mode", "options", "shaping"),
    Vlan: ("base", "tag"),
    Bridge: ("stp", "options"),
}
_OVS_PORT = ("owner", "bridge", "tag", "trunks", "interfaces", "bond_mode", "lacp", "options")
_OVS_BRIDGE = ("owner", "datapath", "stp")

_CHASSIS = ("owner", "system_id", "remote", "encap_type", "encap_ip", "mappings", "datapath")

_ANY: Mapping[str, object] = {"mac": "", "mtu": 0}
"""The value of a field that may have any value (a MAC that is not configured), or is unknown (after a simulation)."""


Part: TypeAlias = Literal["link", "OVS bridge", "OVS port", "guest port", "route", "rule", "resolvers", "OVN chassis"]

CHASSIS: Literal["OVN chassis"] = "OVN chassis"
"""The name of ovn-controller's settings among the objects to compare; no link can have it."""

PRESENT = "present"
"""The value of an object as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference between two hosts.

    ``name``: of the link, OVS bridge or OVS port; of a route, its link; of a rule, empty; of a guest port, the id of
    its vNIC; ``chassis`` for the settings of ovn-controller. ``field``: the field that differs, by its name in
    :mod:`netweft.core.host`; empty for the object as a whole, which is missing, should not exist, or is of another
    kind. ``expected``, ``actual``: as texts, None for nothing. ``table``: of a rule. ``text``: the difference as a
    sentence.
    """

    part: Part
    name: str = ""
    field: str = ""
    expected: str | None
    actual: str | None
    table: int = 0
    text: str

    @property
    def what(self) -> str:
        """The object and its field: ``storage.up``, ``storage.route``; ``storage`` for the object as a whole."""
        if self.part == "guest port":
            return self.field
        field = self.part if self.part in {"route", "rule", "resolvers"} else self.field
        return ".".join(filter(None, (self.name, field)))


def differences(expected: Host, actual: Host, watch: Collection[str] = ()) -> tuple[str, ...]:
    """A readable line for each difference that :func:`compare` finds."""
    return tuple(difference.text for difference in compare(expected, actual, watch))


def marked(host: Host) -> list[str]:
    """The names of what carries our mark, for ``watch`` of :func:`compare`."""
    links = [name for name, link in host.links().items() if link.owner]
    return [*links, CHASSIS] if host.chassis and host.chassis.owner else links


def compare(
    expected: Host, actual: Host, watch: Collection[str] = (), *, takes_unknown: bool = True
) -> Iterator[Difference]:
    """The differences in what carries our mark on either side, and in the links named in ``watch``.

    ``watch`` is for what was ours only in between: after a rollback, a NIC that the change had taken over is unmarked
    on both sides. It may include :data:`CHASSIS`. ``takes_unknown``: a value that is unknown on the actual host counts
    as equal.
    """
    expected = without_failover_macs(expected)
    yield from _links(expected, actual, watch, takes_unknown=takes_unknown)
    yield from _ovs(expected, actual)
    yield from _chassis(expected.chassis, actual.chassis, is_watched=CHASSIS in watch)
    yield from _routing(expected, actual, watch)


def _links(expected: Host, actual: Host, watch: Collection[str], *, takes_unknown: bool) -> Iterator[Difference]:
    desired, there = expected.links(), actual.links()
    for name in sorted(_managed(desired) | _managed(there) | set(watch)):
        want, have = desired.get(name), there.get(name)
        if want is None or have is None:
            if have is not None and (have.owner or name in watch):
                yield _unexpected("link", name, name)
            elif want is not None:
                yield _missing("link", name, name)
        elif type(want) is not type(have):
            kinds = _kind(want), _kind(have)
            text = f"{name} should be a {kinds[0]}, and is a {kinds[1]}"
            yield Difference(part="link", name=name, expected=kinds[0], actual=kinds[1], text=text)
        elif want != have:
            yield from _fields("link", name, want, have, _fields_of(want, expected), takes_unknown=takes_unknown)


def _missing(part: Part, name: str, label: str, *, what: str = PRESENT, table: int = 0) -> Difference:
    return Difference(part=part, name=name, expected=what, actual=None, table=table, text=f"{label} is missing")


def _unexpected(part: Part, name: str, label: str, *, what: str = PRESENT, table: int = 0) -> Difference:
    text = f"{label} exists, and should not"
    return Difference(part=part, name=name, expected=None, actual=what, table=table, text=text)


def _managed(links: Mapping[str, Link]) -> set[str]:
    return {name for name, link in links.items() if link.owner}


def _kind(link: Link) -> str:
    return type(link).__name__


def _fields_of(link: Link, host: Host) -> tuple[str, ...]:
    """The fields that matter: the bond decides the MAC of its ports."""
    fields = (*_LINK, *_OF_KIND.get(type(link), ()))
    return tuple(field for field in fields if field != "mac") if link.master in host.bonds else fields


def _fields(
    part: Part, name: str, want: object, have: object, fields: tuple[str, ...], *, takes_unknown: bool = True
) -> Iterator[Difference]:
    label = {"link": name, CHASSIS: f"the {part}"}.get(part, f"{part} {name}")
    for field in fields:
        desired, there = getattr(want, field), getattr(have, field)
        if desired == there:
            continue
        if field in _ANY and (desired == _ANY[field] or (takes_unknown and there == _ANY[field])):
            continue
        yield field_difference(part, name, label, field, desired, there)


def field_difference(part: Part, name: str, label: str, field: str, desired: object, there: object) -> Difference:
    """The difference in one field. ``label``: the object as sentences name it."""
    expected, actual = _text(desired), _text(there)
    text = f"{label}: {field} should be {expected}, and is {actual}"
    return Difference(part=part, name=name, field=field, expected=expected, actual=actual, text=text)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(class_text(one) if isinstance(one, TrafficClass) else str(one) for one in value) or "none"
    if isinstance(value, Mapping):
        return " ".join(f"{key}={value[key]}" for key in sorted(value)) or "none"
    return "none" if value in {None, ""} else str(value)


def _ovs(expected: Host, actual: Host) -> Iterator[Difference]:
    yield from _ovs_part("OVS bridge", expected.ovs_bridges, actual.ovs_bridges, _OVS_BRIDGE)
    yield from _ovs_part("OVS port", expected.ovs_ports, actual.ovs_ports, _OVS_PORT)


def _ovs_part(
    part: Part,
    desired: Mapping[str, OvsBridge] | Mapping[str, OvsPort],
    there: Mapping[str, OvsBridge] | Mapping[str, OvsPort],
    fields: tuple[str, ...],
) -> Iterator[Difference]:
    for name in sorted(desired.keys() | there.keys()):
        want, have = desired.get(name), there.get(name)
        if not ((want and want.owner) or (have and have.owner)):
            continue
        if want is None:
            yield _unexpected(part, name, f"{part} {name}")
        elif have is None:
            yield _missing(part, name, f"{part} {name}")
        else:
            yield from _fields(part, name, want, have, fields)


def _chassis(expected: Chassis | None, actual: Chassis | None, *, is_watched: bool) -> Iterator[Difference]:
    want, have = expected or Chassis(), actual or Chassis()
    if want == have or not (want.owner or have.owner or is_watched):
        return
    if want.owner and not have.remote:
        yield _missing(CHASSIS, "chassis", f"the {CHASSIS}")
    elif have.owner and not want.remote:
        yield _unexpected(CHASSIS, "chassis", f"the {CHASSIS}")
    else:
        yield from _fields(CHASSIS, "chassis", want, have, _CHASSIS)


def _routing(expected: Host, actual: Host, watch: Collection[str]) -> Iterator[Difference]:
    wanted_links, links = expected.links(), actual.links()
    ours = _managed(wanted_links) | _managed(links) | set(watch)

    def managed(routes: Iterable[Route]) -> set[Route]:
        return {
            canonical(route)
            for route in routes
            if (route.protocol == PROTOCOL or route.link in ours)
            and not is_automatic(route, wanted_links.get(route.link))
        }

    desired, there = managed(expected.routes), managed(actual.routes)
    for route in sorted(desired - there):
        yield _missing("route", route.link, f"the route {_route_text(route)}", what=_route_text(route))
    for route in sorted(there - desired):
        yield _unexpected("route", route.link, f"the route {_route_text(route)}", what=_route_text(route))
    rules = [{rule for rule in host.rules if rule.protocol == PROTOCOL} for host in (expected, actual)]
    for rule in sorted(rules[0] - rules[1]):
        yield _missing("rule", "", f"the rule {_rule_text(rule)}", what=_rule_text(rule), table=rule.table)
    for rule in sorted(rules[1] - rules[0]):
        yield _unexpected("rule", "", f"the rule {_rule_text(rule)}", what=_rule_text(rule), table=rule.table)
    if expected.dns != actual.dns:
        values = _text(expected.dns), _text(actual.dns)
        text = f"the resolvers should be {values[0]}, and are {values[1]}"
        yield Difference(part="resolvers", expected=values[0], actual=values[1], text=text)


def _route_text(route: Route) -> str:
    via = f" via {route.via}" if route.via else ""
    table = f" in table {route.table}" if route.table != MAIN_TABLE else ""
    return f"to {route.to}{via} over {route.link}{table}"


def _rule_text(rule: Rule) -> str:
    return f"{'from' if rule.source else 'to'} {rule.source or rule.destination} to table {rule.table}"
