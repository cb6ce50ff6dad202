"""Rules on the static addresses of hosts, which oVirt forgets: no subnet twice on a host, no address twice on a
network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_interface
from itertools import combinations

from netweft.core.errors import Problem
from netweft.core.host_request import Claim
from netweft.core.intent import AttachmentIntent, IpAssignment


def subnets_do_not_overlap(
    names: Mapping[str, str], addresses: Sequence[tuple[AttachmentIntent, IpAssignment]]
) -> Problem | None:
    """No two networks of a host have static addresses in subnets that overlap: the kernel would answer through
    either.
    """
    subnets = [(attachment, ip_interface(f"{ip.address}/{ip.prefix}").network) for attachment, ip in addresses]
    for (one, first), (other, second) in combinations(subnets, 2):
        if one.network_id != other.network_id and first.version == second.version and first.overlaps(second):
            text = (
                f"The subnets {first} of network '{names[one.network_id]}' and {second} of network"
                f" '{names[other.network_id]}' overlap on this Host. Give one of them an address in another subnet."
            )
            return Problem("NETWORK_SUBNETS_OVERLAP", text)
    return None


def address_is_unique(network: str, claim: Claim, elsewhere: Mapping[Claim, str]) -> Problem | None:
    """No other host has the static address on the same network (``elsewhere``: hosts by what they have).

    Also in another cluster: a network is one broadcast domain wherever it is attached. Two networks may use the same
    addresses.
    """
    host = elsewhere.get(claim)
    if host is None:
        return None
    text = f"Address {claim[1]} on network '{network}' is in use by Host {host}."
    return Problem("NETWORK_ADDRESS_ALREADY_IN_USE", f"{text} Give this Host another one.")
