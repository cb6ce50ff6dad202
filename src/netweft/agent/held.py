"""The addresses that the host has, or had shortly before."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from netweft.agent.dumps import dump_usable_addresses

if TYPE_CHECKING:
    from netweft.agent.netlink import Netlink

MEMORY = 10.0
"""Seconds that an address counts as ours after it was last seen: more than one pass of a change takes, and too short
for somebody else to have got it.
"""


class Held:
    """Addresses that are known to be nobody else's, because this host has just had them.

    An address that moves, or that a link lost when it went down, need not be silent for the second or two that the
    kernel takes to find that out (RFC 4862, section 5.4).
    """

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}

    def update(self, netlink: Netlink) -> frozenset[str]:
        """See what there is now, and tell it with what was there a moment ago. Raises NetlinkError."""
        now = monotonic()
        self._seen = {ip: at for ip, at in self._seen.items() if now - at < MEMORY}
        self._seen |= {str(address.ip): now for _, address in dump_usable_addresses(netlink)}
        return frozenset(self._seen)
