"""The engine's listener for clients: uvicorn, with connections accepted, counted and encrypted here, because their
number and the time that a handshake takes have to be limited before there is anything of HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from netweft.engine.connections import Connections, Limits, Place
from netweft.engine.http_protocol import BoundedProtocol

_PAUSE = 0.1
"""Seconds until the next try when a connection could not be accepted: the kernel keeps it meanwhile."""

log = structlog.get_logger(__name__)


class HttpServer:
    """Serves an application in a thread of its own, because the main thread is for signals and child programs.

    ``listeners`` are sockets that listen. ``tls``: None for plain HTTP. ``grace``: seconds that requests get to end
    when the server does. ``ending``: called before, for answers that would wait longer.
    """

    def __init__(
        self,
        app: ASGIApp,
        listeners: Sequence[socket.socket],
        *,
        tls: ssl.SSLContext | None,
        limits: Limits,
        grace: int,
        ending: Callable[[], None],
    ) -> None:
        self._ending = ending
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",  # what clients send that is no HTTP is not worth a line each
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=limits.idle_seconds,
            timeout_graceful_shutdown=grace,
        )
        self._server = _Server(config, tls, limits)
        self._thread = threading.Thread(target=self._server.run, args=(list(listeners),), name="http", daemon=True)

    def start(self) -> None:
        """Begin, and wait until it serves, or has failed to."""
        self._thread.start()
        while not self._server.started and self.is_running():
            self._thread.join(0.01)

    def is_running(self) -> bool:
        """Whether it serves still."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Let requests end, then stop."""
        self._ending()
        self._server.should_exit = True
        self._thread.join()


class _Server(uvicorn.Server):
    """uvicorn's, but for how connections come in."""

    def __init__(self, config: uvicorn.Config, tls: ssl.SSLContext | None, limits: Limits) -> None:
        super().__init__(config)
        self.servers = []
        self._tls = tls
        self._limits = limits
        self._connections = Connections(limits)
        self._accepting: list[asyncio.Task[None]] = []
        self._opening: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        asyncio.get_running_loop().set_exception_handler(_log_message)
        for listener in sockets or []:
            listener.setblocking(False)
            self._accepting.append(asyncio.create_task(self._accept(listener)))
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, let requests end."""
        for task in (*self._accepting, *self._opening):
            task.cancel()
        await asyncio.gather(*self._accepting, *self._opening, return_exceptions=True)
        await super().shutdown(sockets)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(listener)
            except OSError as error:
                log.warning("no connection could be accepted", reason=error.strerror)
                await asyncio.sleep(_PAUSE)
                continue
            self._take_in(connection, address[0])
            await asyncio.sleep(0)  # the requests of those who are in come first

    def _take_in(self, connection: socket.socket, address: str) -> None:
        place = self._connections.enter(address, connection.close)
        if place is None:
            connection.close()
            return
        task = asyncio.create_task(self._open(connection, place))
        place.close = task.cancel
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket, place: Place) -> None:
        """Shake hands; from then on the connection lives by itself."""
        loop, limits = asyncio.get_running_loop(), self._limits
        protocol = partial(BoundedProtocol, self.config, self.server_state, self._connections, place)
        is_open = False
        try:
            with contextlib.suppress(OSError):  # of a client that is gone, is too slow, or speaks no TLS (ssl.SSLError)
                if self._tls is None:
                    await loop.connect_accepted_socket(protocol, connection)
                else:
                    await loop.connect_accepted_socket(
                        protocol,
                        connection,
                        ssl=self._tls,
                        ssl_handshake_timeout=limits.handshake_seconds,
                        ssl_shutdown_timeout=limits.close_seconds,
                    )
                is_open = True
        finally:
            if not is_open:
                connection.close()
                self._connections.leave(place)


def _log_message(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log errors of the event loop, except broken connections: those are normal for clients."""
    if "transport" in context:
        log.debug("a connection broke", reason=str(context.get("exception") or context["message"]))
    else:
        loop.default_exception_handler(context)
