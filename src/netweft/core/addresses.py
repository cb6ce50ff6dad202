"""The addresses of a subnet as numbers: which may be given to vNICs, and which is next."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import accumulate
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network
Address: TypeAlias = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True, order=True)
class AddressRange:
    """Addresses from ``first`` to ``last``, both included, as numbers."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many there are."""
        return self.last - self.first + 1


def host_range(network: Network) -> AddressRange:
    """The addresses that hosts can have: all but the network's own, and the broadcast address of IPv4.

    Where there are no more than two, hosts have both (RFC 3021, RFC 6164).
    """
    first, last = int(network.network_address), int(network.broadcast_address)
    if last - first <= 1:
        return AddressRange(first, last)
    return AddressRange(first + 1, last - 1 if isinstance(network, IPv4Network) else last)


@lru_cache(maxsize=1024)
def given_out(cidr: str, reserved: tuple[str, ...], pools: tuple[tuple[str, str], ...]) -> tuple[AddressRange, ...]:
    """The ranges that addresses are given out of, in order: the pools, pairs of the first address and the last, without
    any the whole subnet; but for the addresses that are ``reserved`` for a gateway or a DHCP server. All must be valid,
    see :mod:`netweft.core.rules.subnet`.
    """
    ranges = [AddressRange(int(ip_address(first)), int(ip_address(last))) for first, last in pools]
    parts = sorted(ranges) or [host_range(ip_network(cidr))]
    for address in reserved:
        parts = [part for one in parts for part in _without(one, int(ip_address(address)))]
    return tuple(parts)


def server_address(cidr: str, taken: Collection[str]) -> str:
    """The address of a subnet that DHCP is served from: the first free one. Empty when none is free, and for IPv6,
    where the server uses the addresses of links.
    """
    network = ip_network(cidr)
    if isinstance(network, IPv6Network):
        return ""
    hosts, others = host_range(network), {int(ip_address(address)) for address in taken}
    free = next((number for number in range(hosts.first, hosts.last + 1) if number not in others), None)
    return "" if free is None else str(IPv4Address(free))


def drawn(ranges: Sequence[AddressRange], count: int, draw: Callable[[int], int]) -> list[int]:
    """Addresses to try: ``count`` of them, or all where there are no more, from a random one on with a random distance
    between them. ``draw``: a number below its argument, at random.
    """
    total = sum(one.size for one in ranges)
    if not total:
        return []
    start, distance = draw(total), 1 if total <= count else 1 + draw(total - 1)
    return [_nth(ranges, (start + step * distance) % total) for step in range(min(count, total))]


def next_free(ranges: Sequence[AddressRange], taken: Sequence[int], start: int) -> int | None:
    """The first free address, searching from position ``start`` of all ranges and wrapping around; None when there is
    none. ``ranges`` and ``taken`` are sorted, ``taken`` without duplicates.

    Takes O(log n) time for n used addresses.
    """
    before: list[AddressRange] = []
    after: list[AddressRange] = []
    for one in ranges:
        split = one.first + min(max(start, 0), one.size)
        before.append(AddressRange(one.first, split - 1))
        after.append(AddressRange(split, one.last))
        start -= one.size
    return next((free for part in (*after, *before) if (free := _gap(part, taken)) is not None), None)


def _without(part: AddressRange, address: int) -> list[AddressRange]:
    if not part.first <= address <= part.last:
        return [part]
    sides = AddressRange(part.first, address - 1), AddressRange(address + 1, part.last)
    return [side for side in sides if side.size > 0]


def _nth(ranges: Sequence[AddressRange], position: int) -> int:
    """The address at a position, counted over all ranges."""
    ends = list(accumulate(one.size for one in ranges))
    place = bisect_right(ends, position)
    return ranges[place].last + 1 - (ends[place] - position)


def _gap(part: AddressRange, taken: Sequence[int]) -> int | None:
    """The first free address of a range. Before the first gap, the n-th used address is the n-th of the range, so a
    binary search finds it.
    """
    low, high = bisect_left(taken, part.first), bisect_right(taken, part.last)
    begin = low
    while low < high:
        middle = (low + high) // 2
        if taken[middle] - part.first == middle - begin:
            low = middle + 1
        else:
            high = middle
    free = part.first + low - begin
    return free if free <= part.last else None
