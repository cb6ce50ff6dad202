"""Refusals of steps for addresses, routes, rules and name servers."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING

from netweft.core import steps as s
from netweft.core.host import MAIN_TABLE, Nic
from netweft.core.kernel import canonical, is_ipv6
from netweft.core.limits import IPV6_MIN_MTU
from netweft.core.refusals.links import missing
from netweft.core.world import World
from netweft.core.world_link import WorldLink

if TYPE_CHECKING:
    from collections.abc import Callable

    from netweft.core.host import Route

IPV4_BITS = 32
"""Bits of an IPv4 address."""


def _link_is_there(world: World, step: s.SetDhcp) -> str | None:
    return missing(world, step.name)


def _set_autoconf(world: World, step: s.SetAutoconf) -> str | None:
    """A link without IPv6 has no such setting."""
    link = world.links.get(step.name)
    return _no_ipv6(link) if link is not None else missing(world, step.name)


def _no_ipv6(link: WorldLink) -> str | None:
    """addrconf_notify() of the kernel: a link has IPv6 while its MTU has room for it; an unknown one may not."""
    if link.has_room_for_ipv6:
        return None
    return f"{link.name}: no IPv6 while its MTU is {link.mtu}; IPv6 needs {IPV6_MIN_MTU}"


def _add_address(world: World, step: s.AddAddress) -> str | None:
    """inet_insert_ifa() and ipv6_add_addr(): IPv4 has an address once per prefix length, IPv6 once."""
    link = world.links.get(step.name)
    if link is None:
        return f"there is no link {step.name}"
    ip, ipv6 = step.address.ip, is_ipv6(step.address.ip)
    try:
        ip_interface(str(step.address))
    except ValueError:
        return f"{step.name}: {step.address} is no address"
    if ipv6 and (problem := _no_ipv6(link)):
        return problem
    if ipv6 and isinstance(link.value, Nic) and link.value.ipv6_off:
        return f"{step.name}: IPv6 is disabled"
    same = [other for other in link.addresses if other.ip == ip and (ipv6 or other.prefix == step.address.prefix)]
    return f"{step.name} has {same[0]} already" if same else None


def _remove_address(world: World, step: s.RemoveAddress) -> str | None:
    link = world.links.get(step.name)
    if link is None:
        return f"there is no link {step.name}"
    return None if step.address in link.addresses else f"{step.name} has no address {step.address}"


def _add_route(world: World, step: s.AddRoute) -> str | None:  # noqa: PLR0911 # a return for each reason
    route = canonical(step.route)
    link = world.links.get(route.link)
    if link is None:
        return f"route {route.to}: there is no link {route.link}"
    try:
        ip_network(route.to)
    except ValueError:
        return f"route {route.to}: that is no network"
    if not link.up:
        return f"route {route.to}: {route.link} is down"
    if is_ipv6(route.to) and (problem := _no_ipv6(link)):
        return f"route {route.to}: {problem}"
    key = (route.to, route.table, route.metric)
    if any((other.to, other.table, other.metric) == key for other in world.routes):
        return f"route {route.to} is in table {route.table} with metric {route.metric} already"
    if _is_connected(world, route):
        return f"route {route.to} came into table {route.table} with an address already"
    if route.via and not _reachable(world, link, route):
        return f"route {route.to}: gateway {route.via} is not in a network of {route.link}"
    return None


def _is_connected(world: World, route: Route) -> bool:
    """fib_add_ifaddr(): an IPv4 address brings a route to its network, metric 0, in the main table while its link is
    up.
    """
    if is_ipv6(route.to) or route.is_default or (route.table, route.metric) != (MAIN_TABLE, 0):
        return False
    return any(
        address.network == route.to and address.prefix < IPV4_BITS  # bits of an IPv4 address
        for link in world.links.values()
        if link.up
        for address in (*link.addresses, *link.dynamic)
    )


def _reachable(world: World, link: WorldLink, through: Route) -> bool:
    """fib_check_nh() and ip6_route_check_nh(): an address of the link covers the gateway, or an on-link route does.

    They look for that route in the new one's table, then in the main one.
    """
    target = ip_address(through.via)
    if is_ipv6(through.via) and target.is_link_local:  # of IP
        return True
    networks = [address.network for address in (*link.addresses, *link.dynamic)]
    over = world.routes_over.get(link.name, ())
    networks += [route.to for route in over if not route.via and route.table in {through.table, MAIN_TABLE}]
    return any(target in ip_network(network) for network in networks)


def _remove_route(world: World, step: s.RemoveRoute) -> str | None:
    found = canonical(step.route) in world.routes
    return None if found else f"there is no route {step.route.to} over {step.route.link} in table {step.route.table}"


def _add_rule(world: World, step: s.AddRule) -> str | None:
    rule = step.rule
    if bool(rule.source) == bool(rule.destination):
        return f"a rule with priority {rule.priority} needs a source or a destination"
    return f"the rule for {rule.source or rule.destination} is there already" if rule in world.rules else None


def _remove_rule(world: World, step: s.RemoveRule) -> str | None:
    rule = step.rule
    return None if rule in world.rules else f"there is no rule for {rule.source or rule.destination}"


def _set_dns(_world: World, _step: s.SetDns) -> str | None:
    return None


REFUSALS: dict[type, Callable[..., str | None]] = {
    s.SetAutoconf: _set_autoconf,
    s.SetDhcp: _link_is_there,
    s.AddAddress: _add_address,
    s.RemoveAddress: _remove_address,
    s.AddRoute: _add_route,
    s.RemoveRoute: _remove_route,
    s.AddRule: _add_rule,
    s.RemoveRule: _remove_rule,
    s.SetDns: _set_dns,
}
"""Why a step of each kind may be refused."""
