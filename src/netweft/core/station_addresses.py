"""Which addresses a station of a subnet can have."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netweft.core.intent import IpAssignment


def parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address without a scope (``%eth0``), as it is on the network's own link."""
    try:
        return ip_address(text) if "%" not in text else None
    except ValueError:
        return None


def network_of(ip: IpAssignment) -> IPv4Network | IPv6Network | None:
    """The subnet of a static assignment; None where address or prefix is none."""
    try:
        return ip_network(f"{ip.address}/{ip.prefix}", strict=False)
    except ValueError:
        return None


def is_host_address(address: IPv4Address | IPv6Address, net: IPv4Network | IPv6Network) -> bool:
    """Whether a host of the subnet can have the address."""
    if address.is_multicast or address.is_loopback or address.is_unspecified or address.is_link_local:
        return False
    if address.is_reserved or address in _THIS_NETWORK or _is_site_local(address):
        return False
    return not is_no_station_address(address, net) and not _is_anycast(address, net)


def _is_site_local(address: IPv4Address | IPv6Address) -> bool:
    """Addresses that are given up (RFC 3879), and that the kernel counts as of another scope."""
    return isinstance(address, IPv6Address) and address.is_site_local


_THIS_NETWORK = IPv4Network("0.0.0.0/8")
"""Never the address of a station (RFC 1122, section 3.2.1.3)."""


def is_no_station_address(address: IPv4Address | IPv6Address, net: IPv4Network | IPv6Network) -> bool:
    """The first and the broadcast address of an IPv4 subnet are reserved, except with two addresses (RFC 3021)."""
    if net.version == 6 or net.prefixlen >= net.max_prefixlen - 1:  # noqa: PLR2004 -- IP version
        return False
    return address in {net.network_address, net.broadcast_address}


def _is_anycast(address: IPv4Address | IPv6Address, net: IPv4Network | IPv6Network) -> bool:
    """The first address of an IPv6 subnet is that of all its routers (RFC 4291, section 2.6.1; RFC 6164)."""
    return net.version == 6 and net.prefixlen < net.max_prefixlen - 1 and address == net.network_address  # noqa: PLR2004 -- IP version


def is_reached(gateway: IPv4Address | IPv6Address, net: IPv4Network | IPv6Network) -> bool:
    """Whether a gateway is some station's, on the link."""
    if net.version == 6 and gateway.is_link_local:  # noqa: PLR2004 -- IP version
        return True
    return gateway in net and (is_host_address(gateway, net) or _is_anycast(gateway, net))
