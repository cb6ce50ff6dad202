"""Checks whether a host still reaches its peers after a change.

The result is only reported: a silent peer causes no rollback, and no confirmation waits for peers.
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
"""Longest wait in seconds before a change; peers that are there answer at once."""

AFTER = 7.0
"""Seconds for peers to answer after a change: the kernel sends six requests in six, while switches may still learn."""


def answering_before(driver: Networking, host: Host, is_over: Callable[[], bool]) -> tuple[Peer, ...]:
    """The peers of the host that answer before the change."""
    try:
        peers = peers_among(host, driver.link_peers())
        return tuple(sorted({*peers} - {*_silent(driver, host, peers, BEFORE, is_over)}))
    except NetworkingError as error:
        log.warning("cannot probe peers: %s", error)
        return ()


def lost_after(driver: Networking, peers: Sequence[Peer], is_over: Callable[[], bool]) -> tuple[Peer, ...]:
    """The peers that no longer answer although the host has an address in their network."""
    try:
        return _silent(driver, driver.observe(), peers, AFTER, is_over)
    except NetworkingError as error:
        log.warning("cannot probe peers: %s", error)
        return ()


def _silent(
    driver: Networking, host: Host, peers: Sequence[Peer], patience: float, is_over: Callable[[], bool]
) -> tuple[Peer, ...]:
    probes = where_to_ask(host, peers)
    answers = driver.answering(probes.values(), patience, is_over) if probes else frozenset()
    return tuple(peer for peer, at in probes.items() if at not in answers)
