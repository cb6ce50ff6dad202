"""Limits connections to the agent that are not authenticated yet, so that they cannot block the engine.

There is always room for one more: the oldest of the address that has most of them goes for it. Whoever is the engine
proves it in a moment; whoever is silent, slow, without a certificate or with another's does not.
"""

from __future__ import annotations

import socket
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic


@dataclass(eq=False)
class Stranger:
    """One of them. ``connection`` is the socket that has its descriptor now."""

    address: str
    connection: socket.socket
    since: float = field(default_factory=monotonic)


class Strangers:
    """All of them, oldest first; safe to use from any thread. ``most``: at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._all: dict[Stranger, None] = {}

    def enter(self, connection: socket.socket, address: str) -> Stranger:
        """A connection that was accepted this moment."""
        stranger = Stranger(address, connection)
        with self._lock:
            if len(self._all) >= self._most:
                self._send_away(self._first_to_go())
            self._all[stranger] = None
        return stranger

    def wears(self, stranger: Stranger, connection: socket.socket) -> None:
        """Its descriptor belongs to another socket now: TLS has been put around it."""
        with self._lock:
            stranger.connection = connection

    def leave(self, stranger: Stranger) -> bool:
        """It is the engine's, or is about to be closed. Whether it had not been sent away."""
        with self._lock:
            return self._all.pop(stranger, self) is None

    def send_away(self, older: float) -> None:
        """End those that have been here for longer than so many seconds."""
        limit = monotonic() - older
        with self._lock:
            for stranger in [stranger for stranger in self._all if stranger.since < limit]:
                self._send_away(stranger)

    def _first_to_go(self) -> Stranger:
        counts = Counter(stranger.address for stranger in self._all)
        address, _ = counts.most_common(1)[0]
        return next(stranger for stranger in self._all if stranger.address == address)

    def _send_away(self, stranger: Stranger) -> None:
        """Its thread finds the connection ended, and closes it. The method of the plain socket: that of TLS is not for
        other threads.
        """
        del self._all[stranger]
        with suppress(OSError):  # it has ended by itself
            socket.socket.shutdown(stranger.connection, socket.SHUT_RDWR)
