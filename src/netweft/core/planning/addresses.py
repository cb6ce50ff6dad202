"""Addresses, routes, rules, DHCP, and telling neighbours what is elsewhere now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from netweft.core import steps as s
from netweft.core.host import MAIN_TABLE, PROTOCOL, Route
from netweft.core.kernel import canonical, is_ipv6
from netweft.core.paths import moved
from netweft.core.planning.situation import PlanError, Situation
from netweft.core.world import World
from netweft.core.world_link import AnyLink, WorldLink


def move_addresses(plan: Situation) -> Iterator[s.Step]:
    """Addresses that move are removed from one link and added to the other without a step in between."""
    changing = [name for name in plan.order if plan.want[name].addresses != plan.world.links[name].addresses]
    receiving = dict.fromkeys(name for name in changing if _receives(plan, name))
    for name in changing:
        if name not in receiving:
            yield from _replace_addresses(plan, name)
    for name in receiving:
        yield from _receive(plan, name)
    for name in changing:
        yield from _remove_addresses(plan, name)


def _receives(plan: Situation, name: str) -> bool:
    """Whether a link shall have an address that another has now."""
    held = plan.held
    return bool(held) and any(
        held.get(address.ip, name) != name
        for address in plan.want[name].addresses
        if address not in plan.world.links[name].addresses
    )


def _replace_addresses(plan: Situation, name: str) -> Iterator[s.Step]:
    """New addresses before the old ones go; but IPv6 has an address only once, whatever its prefix."""
    want, link = plan.want[name], plan.world.links[name]
    missing = [address for address in want.addresses if address not in link.addresses]
    twice = {address.ip for address in missing if is_ipv6(address.ip)}
    for address in link.addresses:
        if address.ip in twice:
            yield s.RemoveAddress(name, address)
    for address in missing:
        yield s.AddAddress(name, address)
    for address in link.addresses:
        if address not in want.addresses and address.ip not in plan.coming:
            yield s.RemoveAddress(name, address)


def _remove_addresses(plan: Situation, name: str) -> Iterator[s.Step]:
    want, link = plan.want[name], plan.world.links[name]
    for address in link.addresses:
        if address not in want.addresses:
            yield s.RemoveAddress(name, address)


def _receive(plan: Situation, name: str) -> Iterator[s.Step]:
    """Add the missing addresses to a link, each right after it was removed from the link that had it."""
    want = plan.want[name]
    for address in want.addresses:
        if address in plan.world.links[name].addresses:
            continue
        giver = plan.world.links.get(plan.held.get(address.ip, ""))
        for old in giver.addresses if giver is not None else ():
            if old.ip == address.ip:
                yield s.RemoveAddress(giver.name, old)  # type: ignore[union-attr] # it has addresses, so it is there
        yield s.AddAddress(name, address)


def change_routes(plan: Situation) -> Iterator[s.Step]:
    """New routes and rules before old ones go. Raises PlanError for a route that cannot be."""
    world = plan.world
    desired = dict.fromkeys(canonical(r) for r in plan.desired.routes if plan.is_route_managed(r))
    old = [route for route in world.routes if route not in desired and plan.is_route_managed(route)]
    missing = [route for route in desired if route not in world.routes]
    if missing:
        _check_apart(desired)
        at = {(r.to, r.table, r.metric): r for r in world.routes}
        for route in sorted(missing, key=lambda r: (bool(r.via), r.table != MAIN_TABLE, r)):
            yield from _make_way(plan, route, at.get((route.to, route.table, route.metric)))
            yield s.AddRoute(route)
    rules = [rule for rule in plan.desired.rules if rule.protocol == PROTOCOL]
    for rule in rules:
        if rule not in world.rules:
            yield s.AddRule(rule)
    for rule in [rule for rule in world.rules if rule.protocol == PROTOCOL and rule not in rules]:
        yield s.RemoveRule(rule)
    for route in old:
        if route in world.routes and route.link not in plan.gone:
            yield s.RemoveRoute(route)


def _make_way(plan: Situation, route: Route, other: Route | None) -> Iterator[s.Step]:
    if route.link not in plan.world.links:
        raise PlanError(f"The route to {route.to} goes over {route.link}, which is not on the host.")
    if other is None:
        return
    if not plan.is_route_managed(other):
        raise PlanError(
            f"The route to {route.to} over {other.link} was not made by Netweft and conflicts with the route over"
            f" {route.link}; remove it on the host first."
        )
    yield s.RemoveRoute(other)


def announce(plan: Situation) -> Iterator[s.Step]:
    """Before clients are stopped and old links removed, which takes seconds that neighbours need not wait."""
    if plan.steps:
        for name in moved(World(plan.current), plan.world, (*plan.order, *sorted(plan.want_bridges))):
            yield s.Announce(name)


def set_dhcp(plan: Situation) -> Iterator[s.Step]:
    """Clients that end before those that start."""
    desired = [(name, _dhcp_of(plan.want[name])) for name in plan.order]
    changes = [s.SetDhcp(name, *client) for name, client in desired if _dhcp_of(plan.world.links[name]) != client]
    yield from sorted(changes, key=lambda step: step.dhcp4 or step.dhcp6)


def _dhcp_of(link: AnyLink | WorldLink) -> tuple[bool, bool, bool]:
    return link.dhcp4, link.dhcp6, link.leased_default


def _check_apart(routes: Iterable[Route]) -> None:
    """A routing table has one route to a network with one metric (fib_table_insert(), fib6_add()). Raises PlanError."""
    first_routes: dict[tuple[str, int, int], Route] = {}
    for route in routes:
        first = first_routes.setdefault((route.to, route.table, route.metric), route)
        if first is not route:
            ways = " and ".join(f"over {r.link}{f' via {r.via}' if r.via else ''}" for r in (first, route))
            raise PlanError(
                f"The host cannot have two routes to {route.to} in table {route.table} with metric {route.metric}: "
                f"{ways}. Leave one out, for example one of two gateways."
            )
