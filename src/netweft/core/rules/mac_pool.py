"""MAC addresses as numbers, and when a pool of them may be added, changed or removed.

oVirt's commands: AddMacPool, UpdateMacPool, RemoveMacPool.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from netweft.core.errors import Problem
from netweft.core.rules.fields import listed

RANGE_MAX = 1 << 31
"""The maximum number of addresses of one range; more is probably a mistake."""

_MAC: Final = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", re.IGNORECASE)
_GROUP_BIT: Final = 1 << 40
"""The bit of the first octet that makes an address multicast (IEEE 802)."""


@dataclass(frozen=True, slots=True, order=True)
class MacRange:
    """MAC addresses from ``first`` to ``last``, both included, as numbers of 48 bits."""

    first: int
    last: int

    def overlaps(self, other: MacRange) -> bool:
        """Whether an address is in both."""
        return self.first <= other.last and other.first <= self.last

    def __str__(self) -> str:
        return f"{mac_text(self.first)}-{mac_text(self.last)}"


def mac_number(mac: str) -> int:
    """A MAC address as a number of 48 bits. ValueError when it is none."""
    if not _MAC.fullmatch(mac):
        raise ValueError(f"{mac!r} is no MAC address")
    return int(mac.replace(":", ""), 16)


def mac_text(number: int) -> str:
    """A number of 48 bits as MAC address, in lower case with colons."""
    return number.to_bytes(6, "big").hex(":")


def mac_is_valid(mac: str) -> Problem | None:
    """Six hexadecimal pairs with colons, neither multicast nor all zero."""
    if not _MAC.fullmatch(mac):
        return Problem(
            "VALIDATION_VM_NETWORK_MAC_ADDRESS_INVALID",
            f"'{mac}' is no MAC address. Write six hexadecimal pairs with colons: 02:00:00:00:00:01.",
        )
    number = mac_number(mac)
    if number & _GROUP_BIT:
        return Problem(
            "VALIDATION_VM_NETWORK_MAC_ADDRESS_MULTICAST",
            f"{mac} is a multicast address, which no vNIC can have. Use one whose second digit is even.",
        )
    if number == 0:
        return Problem(
            "VALIDATION_VM_NETWORK_MAC_ADDRESS_INVALID", "00:00:00:00:00:00 is not a valid address. Use another one."
        )
    return None


def mac_is_free(mac: str, user: str | None) -> Problem | None:
    """No vNIC or snapshot has the address in a pool without duplicates, this one or another (``user``: the name of the
    VM that has it).
    """
    if user is not None:
        return Problem(
            "NETWORK_MAC_ADDRESS_IN_USE",
            f"MAC Address {mac} is already in use by VM or snapshot: {user}. Leave the address out to get a free one.",
        )
    return None


def pool_has_free(pool: str, *, found: bool) -> Problem | None:
    """The pool has an address left."""
    if not found:
        return Problem(
            "MAC_POOL_NOT_ENOUGH_MAC_ADDRESSES",
            f"Not enough MAC addresses left in MAC Address Pool '{pool}'. Add a range to the pool, or remove vNICs.",
        )
    return None


def has_ranges(ranges: Sequence[MacRange]) -> Problem | None:
    """A pool has at least one range."""
    if not ranges:
        return Problem(
            "ACTION_TYPE_FAILED_MAC_POOL_MUST_HAVE_RANGE", "A MAC pool needs at least one range. Give from and to."
        )
    return None


def range_is_valid(one: MacRange) -> Problem | None:
    """A range runs upwards, contains no multicast address, and is not too large."""
    if one.last < one.first:
        return Problem("ACTION_TYPE_FAILED_MAC_RANGE_INVALID", f"The range {one} runs downwards. Exchange from and to.")
    if one.first == 0:
        return Problem(
            "ACTION_TYPE_FAILED_MAC_RANGE_INVALID",
            f"The range {one} begins with no address at all. Begin with 00:00:00:00:00:01.",
        )
    if one.last - one.first >= RANGE_MAX:
        return Problem(
            "ACTION_TYPE_FAILED_MAC_RANGE_TOO_LARGE",
            f"The range {one} holds more than {RANGE_MAX} addresses. Use a smaller one.",
        )
    if (one.first | one.last) & _GROUP_BIT:
        return Problem(
            "ACTION_TYPE_FAILED_MAC_RANGE_INVALID",
            f"The range {one} contains multicast addresses. Use one whose second digit is even.",
        )
    return None


def ranges_are_apart(ranges: Sequence[MacRange]) -> Problem | None:
    """No two ranges of a pool overlap."""
    ordered = sorted(ranges)
    for one, next_one in pairwise(ordered):
        if one.overlaps(next_one):
            return Problem(
                "ACTION_TYPE_FAILED_MAC_POOL_CONTAINS_OVERLAPPING_RANGES",
                f"The ranges {one} and {next_one} of the pool overlap. Join them into one.",
            )
    return None


def ranges_overlap_no_other_pool(ranges: Sequence[MacRange], others: Sequence[tuple[str, MacRange]]) -> Problem | None:
    """No range overlaps with one of another pool (``others``: pairs of pool name and range)."""
    pools = {name for name, other in others if any(one.overlaps(other) for one in ranges)}
    if pools:
        return Problem(
            "ACTION_TYPE_FAILED_MAC_POOL_OVERLAPS_WITH_OTHER_POOLS",
            f"MAC pool cannot contain ranges which overlap with ranges in MAC pools: {listed(pools)}. Choose other "
            "ranges.",
        )
    return None


def duplicates_may_be_forbidden(duplicates: Sequence[str]) -> Problem | None:
    """A pool with duplicate addresses (``duplicates``) must keep allowing them."""
    if duplicates:
        return Problem(
            "ACTION_TYPE_FAILED_MAC_POOL_CONTAINS_DUPLICATES",
            f"Cannot unset 'Allow Duplicates' when mac pool contains duplicate macs: {listed(duplicates)}. Give those "
            "vNICs other addresses first.",
        )
    return None


def move_makes_no_duplicates(duplicates: Sequence[str]) -> Problem | None:
    """Moving a cluster's addresses to another pool that forbids duplicates makes none."""
    if duplicates:
        return Problem(
            "ACTION_TYPE_FAILED_CANNOT_MIGRATE_MACS_DUE_TO_DUPLICATES",
            f"Cannot migrate MACs to another MAC pool, because these addresses are in use there: "
            f"{listed(duplicates)}. Change those vNICs first.",
        )
    return None


def default_is_not_requested(*, is_default: bool) -> Problem | None:
    """There is one default pool from the beginning; no other is made the default."""
    if is_default:
        return Problem(
            "ACTION_TYPE_FAILED_SETTING_DEFAULT_MAC_POOL_IS_NOT_SUPPORTED",
            "A new pool cannot be the default one. Leave default_pool out.",
        )
    return None


def default_is_kept(*, before: bool, after: bool) -> Problem | None:
    """Which pool is the default does not change."""
    if before != after:
        return Problem(
            "ACTION_TYPE_FAILED_CHANGING_DEFAULT_MAC_POOL_IS_NOT_SUPPORTED",
            "Which MAC pool is the default cannot change. Leave default_pool out.",
        )
    return None


def is_not_default(name: str, *, is_default: bool) -> Problem | None:
    """The default pool stays."""
    if is_default:
        return Problem(
            "ACTION_TYPE_FAILED_CANNOT_REMOVE_DEFAULT_MAC_POOL",
            f"'{name}' is the default MAC pool, which cannot be removed.",
        )
    return None


def is_unused(name: str, clusters: Sequence[str]) -> Problem | None:
    """No cluster takes its addresses from the pool."""
    if clusters:
        return Problem(
            "ACTION_TYPE_FAILED_CANNOT_REMOVE_STILL_USED_MAC_POOL",
            f"The MAC pool '{name}' is used by clusters: {listed(clusters)}. Give them another pool first.",
        )
    return None
