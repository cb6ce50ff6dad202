"""Rules on the static addresses of hosts, which oVirt forgets: no subnet twice on a host, no address twice in a
cluster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_interface
from itertools import combinations

from netweft.core.desired import AttachmentIntent, IpAssignment
from netweft.core.errors import Problem


def subnets_do_not_overlap(
    names: Mapping[str, str], addresses: Sequence[tuple[AttachmentIntent, IpAssignment]]
) -> Problem | None:
    """No two networks of a host have static addresses in subnets that overlap: the kernel would answer through
    either.
    """
    for (one, a), (other, b) in combinations(addresses, 2):
        first, second = ip_interface(f"{a.address}/{a.prefix}").network, ip_interface(f"{b.address}/{b.prefix}").network
        if one.network_id != other.network_id and first.version == second.version and first.overlaps(second):
            text = (
                f"The subnets {first} of network '{names[one.network_id]}' and {second} of network"
                f" '{names[other.network_id]}' overlap on this Host. Give one of them an address in another subnet."
            )
            return Problem("NETWORK_SUBNETS_OVERLAP", text)
    return None


def address_is_unique_in_cluster(
    names: Mapping[str, str],
    addresses: Sequence[tuple[AttachmentIntent, IpAssignment]],
    elsewhere: Mapping[tuple[str, str], str],
) -> Problem | None:
    """No other host has one of the static addresses on the same network (``elsewhere``: hosts by network id and
    address).
    """
    for attachment, ip in addresses:
        host = elsewhere.get((attachment.network_id, str(ip_interface(ip.address).ip)))
        if host:
            text = f"Address {ip.address} on network '{names[attachment.network_id]}' is in use by Host {host}."
            return Problem("NETWORK_ADDRESS_ALREADY_IN_USE", f"{text} Give this Host another one.")
    return None
