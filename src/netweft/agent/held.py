"""The addresses that the host has, or had a few seconds ago."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from netweft.agent.dumps import dump_usable_addresses

if TYPE_CHECKING:
    from netweft.agent.netlink import Netlink

MEMORY = 10.0
"""Seconds for which an address counts as ours after it was last present: longer than a pass of a change, and too
short for another host to get it.
"""


class Held:
    """Addresses that no other host can have, because this host has just had them.

    When such an address moves, or comes back after its link was down, duplicate address detection (RFC 4862, section
    5.4), which takes a second or two, can be skipped.
    """

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}

    def update(self, netlink: Netlink) -> frozenset[str]:
        """Read the current addresses; returns them with the recent ones. Raises NetlinkError."""
        now = monotonic()
        self._seen = {ip: at for ip, at in self._seen.items() if now - at < MEMORY}
        self._seen |= {str(address.ip): now for _, address in dump_usable_addresses(netlink)}
        return frozenset(self._seen)
