"""By which way a guest migrates: the address and the bandwidth of the migration network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netweft.core.host import Address

AT_ONCE = 2
"""Migrations of a host at the same time, which share its network (oVirt's default)."""

STAYING_DRIVERS = frozenset({"namespace"})
"""Guest drivers that cannot move guests: a namespace cannot leave its kernel."""

_BITS = 8


def receiving_address(addresses: Sequence[Address]) -> str:
    """The address of the migration network at which the target receives a guest: IPv4 before IPv6, never link-local;
    empty for none.
    """
    usable = [one for one in addresses if not one.ip.lower().startswith("fe80:")]
    return min(usable, key=lambda one: one.version).ip if usable else ""


def automatic_bandwidth(rates: Iterable[int]) -> int:
    """MiB per second for one migration, from the Mbit/s of the migration network on both hosts (0: unknown), as in
    oVirt's policy AUTO; 0 for no limit, when neither is known.
    """
    known = [rate for rate in rates if rate > 0]
    return max(1, min(known) // _BITS // AT_ONCE) if known else 0
