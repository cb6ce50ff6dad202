"""Connections of the watch over hosts, all served by one thread: an idle one costs its socket and its TLS, no thread.

They are ordinary TLS sockets that do not block, under an event loop that tells when one can go on. (The streams of
asyncio reserve 256 KiB for each TLS connection.)
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import ip_address
from typing import Any, TypeVar

from netweft.engine.agent_connections import CONNECT_SECONDS, Endpoint
from netweft.engine.agent_wire import Answer, BrokenError, NotReachedError

T = TypeVar("T")

DEAD_AFTER = 9
"""Seconds after which the kernel notices that the other end of an idle connection is gone."""
_PROBES = 3


class Line:
    """An open connection, for one request at a time; made by :meth:`open`. To be used in the loop that opened it."""

    def __init__(self, tls: ssl.SSLSocket, context: ssl.SSLContext) -> None:
        self.context = context
        self._socket = tls
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(cls, host_id: str, endpoint: Endpoint, context: ssl.SSLContext) -> Line:
        """Connect, and make sure that it is the host. Raises NotReachedError and TimeoutError."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                tls = await _connect(host_id, endpoint, context)
            line = cls(tls, context)
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await line._when_able(tls.do_handshake)
            except BaseException:
                line.close()
                raise
        except TimeoutError:
            raise
        except OSError as error:
            raise NotReachedError(str(error)) from error
        return line

    async def ask(self, request: bytes, patience: float) -> Answer:
        """The answer to a request, which must be there within ``patience`` seconds. Raises BrokenError and
        TimeoutError; the connection is of no use then.
        """
        answer = Answer()
        try:
            async with asyncio.timeout(patience):
                rest = request
                while rest:
                    rest = rest[await self._when_able(self._socket.send, rest) :]
                # An answer takes a while, mostly: to read at once would be for nothing.
                await _readiness(self._socket.fileno(), self._loop.add_reader, self._loop.remove_reader)
                while not answer.is_complete:
                    answer.feed(await self._when_able(self._socket.recv, 65536))
        except (TimeoutError, BrokenError):
            raise
        except OSError as error:
            raise BrokenError(str(error)) from error
        return answer

    def close(self) -> None:
        """End it."""
        self._socket.close()

    async def _when_able(self, call: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 - those of the call
        """Call as soon as the socket lets it."""
        while True:
            try:
                return call(*args)
            except ssl.SSLWantReadError:
                await _readiness(self._socket.fileno(), self._loop.add_reader, self._loop.remove_reader)
            except ssl.SSLWantWriteError:
                await _readiness(self._socket.fileno(), self._loop.add_writer, self._loop.remove_writer)


async def _readiness(descriptor: int, add: Callable[..., Any], remove: Callable[..., Any]) -> None:
    ready = asyncio.get_running_loop().create_future()
    add(descriptor, _set, ready)
    try:
        await ready
    finally:
        remove(descriptor)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def _connect(host_id: str, endpoint: Endpoint, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A connection to the first of the addresses that takes one, before its handshake. Raises OSError.

    It is TLS before it is connected: else ssl would leave the socket open where the other end goes meanwhile.
    """
    failure = OSError(f"{endpoint.host} has no address")
    for family, address in await _addresses(endpoint):
        try:
            with ExitStack() as unless_connected:
                plain = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
                tls = context.wrap_socket(plain, server_hostname=host_id, do_handshake_on_connect=False)
                unless_connected.enter_context(tls)
                tls.setblocking(False)
                _configure(tls)
                await _connected(tls, address)
                unless_connected.pop_all()
                return tls
        except OSError as error:
            failure = error
    raise failure


async def _connected(tls: ssl.SSLSocket, address: Any) -> None:  # noqa: ANN401 - of the family
    """Wait for the connection; asyncio's own way takes no TLS sockets. Raises OSError."""
    loop = asyncio.get_running_loop()
    number = tls.connect_ex(address)
    if number == errno.EINPROGRESS:
        await _readiness(tls.fileno(), loop.add_writer, loop.remove_writer)
        number = tls.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        raise OSError(number, os.strerror(number))


async def _addresses(endpoint: Endpoint) -> list[tuple[int, Any]]:
    """Where to connect to; only names are looked up, which takes a thread."""
    try:
        version = ip_address(endpoint.host).version
    except ValueError:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
        return [(entry[0], entry[4]) for entry in found]
    family = socket.AF_INET6 if version == 6 else socket.AF_INET  # noqa: PLR2004 - of IP
    return [(family, (endpoint.host, endpoint.port))]


def _configure(plain: socket.socket) -> None:
    """Send at once, and have the kernel notice a dead peer although nothing is sent (tcp(7))."""
    interval = DEAD_AFTER // _PROBES
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_NODELAY, 1),
        (socket.TCP_KEEPIDLE, interval),
        (socket.TCP_KEEPINTVL, interval),
        (socket.TCP_KEEPCNT, _PROBES - 1),
        (socket.TCP_USER_TIMEOUT, DEAD_AFTER * 1000),
    ):
        plain.setsockopt(socket.IPPROTO_TCP, option, value)
