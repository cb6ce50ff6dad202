"""Limits connections to the agent that are not authenticated yet, so that they cannot block the engine.

A new connection is always accepted: at the limit, the oldest connection of the address with the most connections is
closed for it. The engine authenticates within moments; connections that are silent, slow, without a certificate or with
a foreign one do not, and are the ones that get closed.
"""

from __future__ import annotations

import socket
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic


@dataclass(eq=False)
class PendingConnection:
    """A connection that is not authenticated yet. ``connection``: the socket that owns its descriptor now."""

    address: str
    connection: socket.socket
    since: float = field(default_factory=monotonic)


class PendingConnections:
    """All pending connections, oldest first; thread-safe. ``most``: how many at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._all: dict[PendingConnection, None] = {}

    def add(self, connection: socket.socket, address: str) -> PendingConnection:
        """Add a connection that was just accepted; at the limit, close another one for it."""
        pending = PendingConnection(address, connection)
        with self._lock:
            if len(self._all) >= self._most:
                self._close(self._victim())
            self._all[pending] = None
        return pending

    def replace_socket(self, pending: PendingConnection, connection: socket.socket) -> None:
        """Record that a TLS socket wraps the connection and owns its descriptor now."""
        with self._lock:
            pending.connection = connection

    def remove(self, pending: PendingConnection) -> bool:
        """Remove one that is authenticated or about to be closed. Whether it was still pending, not closed here."""
        with self._lock:
            return self._all.pop(pending, self) is None

    def close_older_than(self, seconds: float) -> None:
        """Close the connections that have been pending for longer than this."""
        limit = monotonic() - seconds
        with self._lock:
            for pending in [pending for pending in self._all if pending.since < limit]:
                self._close(pending)

    def _victim(self) -> PendingConnection:
        counts = Counter(pending.address for pending in self._all)
        address, _ = counts.most_common(1)[0]
        return next(pending for pending in self._all if pending.address == address)

    def _close(self, pending: PendingConnection) -> None:
        """Shut the connection down; its thread then closes it. Calls the method of the plain socket, as that of the TLS
        socket is not thread-safe.
        """
        del self._all[pending]
        with suppress(OSError):  # the peer has closed it already
            socket.socket.shutdown(pending.connection, socket.SHUT_RDWR)
