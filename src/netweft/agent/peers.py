"""Whether a host reaches after a change whom it reached before.

It only tells: nothing is taken back because a peer is silent, and nobody waits for peers to confirm a change.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from netweft.agent.networking import NetworkingError
from netweft.core.peers import peers_among, where_to_ask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netweft.agent.networking import Networking
    from netweft.core.host import Host
    from netweft.core.protocol import Peer

log = logging.getLogger(__name__)

BEFORE = 1.0
"""Seconds that a change waits at most for peers that may have gone: others answer at once."""

AFTER = 7.0
"""Seconds for peers to answer after it: the kernel asks six times in six, and a switch may learn meanwhile."""


def answering_before(driver: Networking, host: Host, is_over: Callable[[], bool]) -> tuple[Peer, ...]:
    """The peers of a host as it is that answer now."""
    try:
        known = peers_among(host, driver.link_peers())
        return tuple(sorted({*known} - {*_silent(driver, host, known, BEFORE, is_over)}))
    except NetworkingError as error:
        log.warning("peers are not looked at: %s", error)
        return ()


def lost_after(driver: Networking, peers: Sequence[Peer], is_over: Callable[[], bool]) -> tuple[Peer, ...]:
    """Those of the peers that do not answer any more although the host has an address next to them."""
    try:
        return _silent(driver, driver.observe(), peers, AFTER, is_over)
    except NetworkingError as error:
        log.warning("peers are not asked: %s", error)
        return ()


def _silent(
    driver: Networking, host: Host, peers: Sequence[Peer], patience: float, is_over: Callable[[], bool]
) -> tuple[Peer, ...]:
    asked = where_to_ask(host, peers)
    answers = driver.answering(asked.values(), patience, is_over) if asked else frozenset()
    return tuple(peer for peer, at in asked.items() if at not in answers)
