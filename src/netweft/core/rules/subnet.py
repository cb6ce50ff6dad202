"""When a subnet of a network may be added, changed or removed.

oVirt has subnets on networks of external providers only; the codes here are Netweft's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import pairwise

from netweft.core.addresses import Address, Network, host_range
from netweft.core.errors import Problem
from netweft.core.rules import fields
from netweft.core.rules.fields import listed, name_server

POOLS_MAX, SERVERS_MAX, ROUTES_MAX = 32, 8, 64
"""Items of one subnet."""

_DHCP_LONGEST, _DHCP_SHORTEST_OF_IPV6 = 30, 64
"""Lengths of prefixes: more leaves no room for a server and a guest; less no dnsmasq serves."""

Pool = tuple[str, str]
"""The first address and the last."""
Route = tuple[str, str]
"""The destination as CIDR, and the address of the next hop."""

_CIDR = re.compile(r"[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}")


def parsed_cidr(text: str) -> Network | None:
    """A subnet as ``address/prefix length``; None for what is none, or has host bits."""
    try:
        return ip_network(text) if _CIDR.fullmatch(text) else None
    except ValueError:
        return None


def parsed_address(text: str) -> Address | None:
    """An address without a scope; None for what is none."""
    try:
        return None if "%" in text else ip_address(text)
    except ValueError:
        return None


def name_is_free(name: str, *, is_taken: bool) -> Problem | None:
    """No other subnet of the network has the name."""
    used, where = (name,) if is_taken else (), " by another subnet of the network"
    return fields.name_is_free("subnet", name, used, code="SUBNET_NAME_IN_USE", where=where)


def cidr_is_valid(text: str) -> Problem | None:
    """Address and prefix length, and no bits of hosts."""
    if parsed_cidr(text) is not None:
        return None
    try:
        whole = ip_network(text, strict=False) if _CIDR.fullmatch(text) else None
    except ValueError:
        whole = None
    if whole is None:
        return Problem(
            "SUBNET_CIDR_INVALID",
            f"'{text[:60]}' is no subnet. Write its address and prefix length: 192.0.2.0/24 or 2001:db8::/64.",
        )
    return Problem("SUBNET_CIDR_HAS_HOST_BITS", f"'{text}' has host bits set. The subnet that it is in is {whole}.")


def cidr_is_for_guests(cidr: Network) -> Problem | None:
    """Guests can have addresses of it."""
    nobodys = cidr.is_multicast or cidr.is_loopback or cidr.is_link_local or int(cidr.network_address) == 0
    if nobodys or (isinstance(cidr, IPv4Network) and cidr.is_reserved):
        text = f"{cidr} is multicast, loopback, link-local or reserved: guests cannot use it. Use another."
        return Problem("SUBNET_CIDR_NOT_FOR_GUESTS", text)
    return None


def cidr_is_kept(before: str, after: str) -> Problem | None:
    """A subnet stays what it is the subnet of: vNICs have its addresses."""
    if before == after:
        return None
    text = f"The subnet is {before} and cannot become {after}. Add another subnet instead."
    return Problem("SUBNET_CIDR_CANNOT_CHANGE", text)


def overlaps_no_other(cidr: Network, others: Mapping[str, str]) -> Problem | None:
    """No address of it is in another subnet of the network (``others``: CIDRs by name) as well."""
    clashes = [f"{name} ({text})" for name, text in others.items() if _overlap(cidr, ip_network(text))]
    if clashes:
        return Problem(
            "SUBNET_OVERLAPS",
            f"{cidr} overlaps with other subnets of the network: {listed(clashes)}. Use others.",
        )
    return None


def gateway_is_valid(cidr: Network, gateway: str) -> Problem | None:
    """An address that a router in the subnet can have (empty: none); of IPv6 also one of the link."""
    if not gateway:
        return None
    address = parsed_address(gateway)
    if address is None:
        return Problem("SUBNET_GATEWAY_INVALID", f"Gateway '{gateway[:60]}' is no IP address. Give one of {cidr}.")
    if _is_host(cidr, address) or _is_on_link(cidr, address):
        return None
    if address in cidr:
        text = f"Gateway {address} is the network or broadcast address of {cidr}. Give another address of it."
        return Problem("SUBNET_GATEWAY_INVALID", text)
    return Problem("SUBNET_GATEWAY_OUTSIDE", f"Gateway {address} is outside of {cidr}. Give an address of it.")


def gateway_is_free(gateway: str, user: str) -> Problem | None:
    """No vNIC has the address of the gateway (``user``: the one that has, as ``vm/vnic``)."""
    if not user:
        return None
    text = f"Gateway {gateway} is the address of vNIC {user}. Give that another address first."
    return Problem("SUBNET_GATEWAY_IN_USE", text)


def pool_is_valid(cidr: Network, pool: Pool) -> Problem | None:
    """A pool runs upwards and contains only addresses that hosts of the subnet can have."""
    first, last = map(parsed_address, pool)
    pool_text = f"{pool[0][:60]}-{pool[1][:60]}"
    if first is None or last is None:
        text = f"The allocation pool {pool_text} is not two IP addresses. Give its first and its last."
        return Problem("SUBNET_POOL_INVALID", text)
    if first not in cidr or last not in cidr:
        text = f"The allocation pool {pool_text} is outside of {cidr}. Give addresses of it."
        return Problem("SUBNET_POOL_OUTSIDE", text)
    if int(last) < int(first):
        return Problem(
            "SUBNET_POOL_INVALID", f"The allocation pool {pool_text} runs downwards. Exchange first and last."
        )
    if not (_is_host(cidr, first) and _is_host(cidr, last)):
        text = f"The allocation pool {pool_text} holds the network or broadcast address of {cidr}. Leave it out."
        return Problem("SUBNET_POOL_INVALID", text)
    return None


def pools_are_apart(pools: Sequence[Pool]) -> Problem | None:
    """No address is in two pools (all of them valid)."""
    ordered = sorted((int(ip_address(first)), int(ip_address(last)), f"{first}-{last}") for first, last in pools)
    for (_, end, one), (begin, _, other) in pairwise(ordered):
        if begin <= end:
            text = f"The allocation pools {one} and {other} overlap. Join them into one."
            return Problem("SUBNET_POOLS_OVERLAP", text)
    return None


def pools_leave_gateway(gateway: str, pools: Sequence[Pool]) -> Problem | None:
    """No pool (all of them valid) contains the gateway (valid, or empty)."""
    for first, last in pools if gateway else ():
        if int(ip_address(first)) <= int(ip_address(gateway)) <= int(ip_address(last)):
            text = f"The allocation pool {first}-{last} holds the gateway {gateway}. End the pool before it."
            return Problem("SUBNET_POOL_HOLDS_GATEWAY", text)
    return None


def dns_servers_are_valid(cidr: Network, servers: Sequence[str]) -> Problem | None:
    """Addresses that a guest can query, of the subnet's version, none twice."""
    found = [name_server(server) for server in servers]
    for text, address in zip(servers, found, strict=True):
        if address is None or address.version != cidr.version or "%" in text:
            problem = f"DNS server '{text[:60]}' is no IPv{cidr.version} address that guests can query."
            return Problem("SUBNET_DNS_SERVER_INVALID", f"{problem} Give one.")
    if len(set(found)) < len(found):
        return Problem("SUBNET_DNS_SERVER_TWICE", f"A DNS server is given twice: {', '.join(servers)}. Name each once.")
    return None


def host_routes_are_valid(cidr: Network, routes: Sequence[Route]) -> Problem | None:
    """Each leads to another subnet of the same version, by an address of this one; none leads to the same."""
    targets = set()
    for destination, next_hop in routes:
        target, address = parsed_cidr(destination), parsed_address(next_hop)
        if target is None or target.version != cidr.version:
            text = f"'{destination[:60]}' is no IPv{cidr.version} subnet that a route can lead to. Write one as CIDR."
            return Problem("SUBNET_ROUTE_INVALID", text)
        if address is None or not _is_host(cidr, address):
            text = f"The route to {target} goes by '{next_hop[:60]}', which no host of {cidr} can have. Give another."
            return Problem("SUBNET_ROUTE_INVALID", text)
        if target in targets:
            return Problem("SUBNET_ROUTE_TWICE", f"Two routes lead to {target}. Leave one out.")
        targets.add(target)
    return None


def lists_are_short(pools: Sequence[Pool], servers: Sequence[str], routes: Sequence[Route]) -> Problem | None:
    """A subnet has a limited number of everything."""
    counts = {
        "allocation pools": (len(pools), POOLS_MAX),
        "DNS servers": (len(servers), SERVERS_MAX),
        "host routes": (len(routes), ROUTES_MAX),
    }
    for what, (count, most) in counts.items():
        if count > most:
            text = f"{count} {what} are given, but a subnet takes {most}. Leave some out."
            return Problem("SUBNET_LIST_TOO_LONG", text)
    return None


def dhcp_can_be_served(cidr: Network, *, dhcp: bool) -> Problem | None:
    """A subnet with DHCP has a prefix that it can be served with."""
    if isinstance(cidr, IPv6Network):
        fits, required = cidr.prefixlen >= _DHCP_SHORTEST_OF_IPV6, f"{_DHCP_SHORTEST_OF_IPV6} bits or more"
    else:
        fits, required = cidr.prefixlen <= _DHCP_LONGEST, f"{_DHCP_LONGEST} bits or fewer"
    if fits or not dhcp:
        return None
    text = f"DHCP takes a prefix of {required}, which {cidr} has not. Leave dhcp out, or add another subnet."
    return Problem("SUBNET_DHCP_PREFIX", text)


def dhcp_has_address(cidr: Network, server: str, *, dhcp: bool) -> Problem | None:
    """A subnet of IPv4 with DHCP has an address to serve it from (empty: none is left)."""
    if not dhcp or server or isinstance(cidr, IPv6Network):
        return None
    text = f"The DHCP server needs an address of the subnet, and none of {cidr} is left. Take one from a vNIC first."
    return Problem("SUBNET_DHCP_NO_ADDRESS", text)


def dhcp_leaves_addresses(server: str, pools: Sequence[Pool]) -> Problem | None:
    """The pools have an address besides the one that DHCP is served from (``server``: empty for none)."""
    if not server or list(pools) != [(server, server)]:
        return None
    text = f"The allocation pool holds only {server}, the address of the DHCP server. Widen it, or leave dhcp out."
    return Problem("SUBNET_DHCP_NO_ADDRESS", text)


def is_unused(name: str, vnics: Collection[str]) -> Problem | None:
    """No vNIC (``vnics``: those that have, as ``vm/vnic``) has an address of it."""
    if not vnics:
        return None
    text = f"The subnet '{name}' is used by vNICs: {listed(vnics)}. Remove its addresses from them first."
    return Problem("SUBNET_IN_USE", text)


def _is_host(cidr: Network, address: Address) -> bool:
    hosts = host_range(cidr)
    return address.version == cidr.version and hosts.first <= int(address) <= hosts.last


def _is_on_link(cidr: Network, address: Address) -> bool:
    """Routers of IPv6 have addresses of the link (RFC 4861, section 4.2)."""
    return isinstance(cidr, IPv6Network) and isinstance(address, IPv6Address) and address.is_link_local


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)
