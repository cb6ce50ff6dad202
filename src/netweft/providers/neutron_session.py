"""HTTP requests with a total time limit: the library's own limit is one of silence, so that a server that sends an
octet now and then would hold a request for as long as it likes.
"""

from __future__ import annotations

import socket
from threading import Event, Timer
from typing import Any, TypeAlias

import requests
from keystoneauth1.session import TCPKeepAliveAdapter
from urllib3 import PoolManager, connectionpool


class BoundedSession(requests.Session):
    """A session each of whose requests takes at most so many ``seconds`` as a whole, from the look for a connection to
    the last octet of the answer. For one thread.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._connections: _Connections = {}
        adapter = _Adapter(self._connections)
        for scheme in list(self.adapters):
            self.mount(scheme, adapter)

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - as the library has them
        """As the library has it. Raises requests.Timeout also when the time is over."""
        late = Event()
        timer = Timer(self._seconds, self._end, (late,))
        timer.daemon = True
        timer.start()
        try:
            response = super().request(*args, **kwargs)
        except requests.RequestException as error:
            if late.is_set():
                raise self._too_late() from error
            raise
        finally:
            timer.cancel()
            timer.join()
            self._drop_closed()
        if late.is_set():  # an answer without a length ends with its connection, also where we ended it
            raise self._too_late()
        return response

    def close(self) -> None:
        """As the library has it."""
        super().close()
        self._drop_closed()

    def _too_late(self) -> requests.Timeout:
        return requests.Timeout(f"The answer was not complete after {self._seconds:g} seconds.")

    def _drop_closed(self) -> None:
        """Those connections that are closed: not before their last answer is read, which outlives them."""
        for one in [one for one, is_closed in self._connections.items() if is_closed]:
            del self._connections[one]
            one.close()

    def _end(self, late: Event) -> None:
        """Close all connections, in the timer's thread, which ends every wait for them."""
        late.set()
        for one in list(self._connections):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:  # it has ended by itself
                continue


_Connections: TypeAlias = dict[socket.socket, bool]
"""The connections of a session, and whether they are closed. They are here as duplicates: what TLS makes of a socket is
another object.
"""


class _Adapter(TCPKeepAliveAdapter):
    """What makes connections, each of which is in ``connections``."""

    def __init__(self, connections: _Connections) -> None:
        self._connections = connections
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the library has them
        """For connections to the service itself."""
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> PoolManager:  # noqa: ANN401 - the same
        """For connections by a proxy that the environment names."""
        manager: PoolManager = super().proxy_manager_for(*args, **kwargs)
        self._watch(manager)
        return manager

    def _watch(self, manager: PoolManager) -> None:
        manager.pool_classes_by_scheme = {
            "http": _watched(connectionpool.HTTPConnectionPool, self._connections),
            "https": _watched(connectionpool.HTTPSConnectionPool, self._connections),
        }


def _watched(pool: type[Any], connections: _Connections) -> type[Any]:
    """A pool class that records its connections."""
    base: Any = pool.ConnectionCls

    class Connection(base):  # type: ignore[misc] # one of two
        duplicate: socket.socket | None = None

        def _new_conn(self) -> socket.socket:
            made: socket.socket = super()._new_conn()
            self.duplicate = made.dup()
            connections[self.duplicate] = False
            return made

        def close(self) -> None:
            super().close()
            if self.duplicate is not None:
                connections[self.duplicate], self.duplicate = True, None

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})
