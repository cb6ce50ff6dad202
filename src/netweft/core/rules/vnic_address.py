"""Which addresses of its network's subnets a vNIC may have. Codes are Netweft's: oVirt gives vNICs none."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from ipaddress import ip_address, ip_network

from netweft.core.addresses import Address, host_range
from netweft.core.errors import Problem
from netweft.core.rules.fields import listed
from netweft.core.rules.subnet import parsed_address

ADDRESSES_MAX = 16
"""Addresses that a request may give one vNIC."""


def addresses_are_few(count: int) -> Problem | None:
    """A vNIC has at most :data:`ADDRESSES_MAX` requested addresses."""
    if count <= ADDRESSES_MAX:
        return None
    text = f"{count} addresses are given, but a vNIC takes {ADDRESSES_MAX}. Leave some out."
    return Problem("VNIC_ADDRESSES_TOO_MANY", text)


def address_is_valid(text: str) -> Problem | None:
    """An IP address and nothing else."""
    if parsed_address(text) is not None:
        return None
    problem = f"'{text[:60]}' is no IP address. Give one of a subnet of the network, without prefix length."
    return Problem("VNIC_ADDRESS_INVALID", problem)


def address_has_subnet(address: Address, network: str | None, cidrs: Sequence[str]) -> Problem | None:
    """A subnet of the vNIC's network (``cidrs``: all of them; ``network`` None: it is on none) has the address."""
    if any(address in ip_network(cidr) for cidr in cidrs):
        return None
    if network is None:
        text = f"Address {address} cannot be given to a vNIC that is on no network. Give it a profile, or no address."
        return Problem("VNIC_ADDRESS_OUTSIDE", text)
    has = f"has the subnets {listed(cidrs)}" if cidrs else "has no subnet"
    text = f"Address {address} is in no subnet of network '{network}', which {has}. Give another one, or none."
    return Problem("VNIC_ADDRESS_OUTSIDE", text)


def address_is_for_hosts(address: Address, cidr: str, gateway: str, dhcp_server: str) -> Problem | None:
    """It is neither the subnet's own, nor its broadcast address, nor that of its gateway or DHCP server (empty: it has
    none).
    """
    hosts = host_range(ip_network(cidr))
    what = "" if hosts.first <= int(address) <= hosts.last else "network or broadcast address"
    if gateway and address == ip_address(gateway):
        what = "gateway"
    if dhcp_server and address == ip_address(dhcp_server):
        what = "DHCP server"
    if not what:
        return None
    text = f"Address {address} is the {what} of subnet {cidr}. Give another one."
    return Problem("VNIC_ADDRESS_RESERVED", text)


def address_is_free(address: str, user: str) -> Problem | None:
    """No other vNIC (``user``: the one that has it, as ``vm/vnic``) has the address."""
    if not user:
        return None
    text = f"Address {address} is in use by vNIC {user}. Give another one, or leave it out to get a free one."
    return Problem("VNIC_ADDRESS_IN_USE", text)


def subnets_have_room(network: str, version: int, subnets: Collection[str], *, found: bool) -> Problem | None:
    """A subnet of the network (``subnets``: the names of those of the version) has an address left."""
    if found:
        return None
    text = (
        f"No IPv{version} address is left in the subnets of network '{network}': {listed(subnets)}. Widen an allocation"
        " pool, add a subnet, or ask for a vNIC without address."
    )
    return Problem("SUBNET_EXHAUSTED", text)
