"""Connections of jobs to agents: a thread has one during a request, and a host's idle ones are kept for the next.

They are kept by host, so that finding one costs the same whatever the number of hosts.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Lock
from urllib.parse import urlsplit

from netweft.core.protocol import AGENT_PORT
from netweft.engine.agent_wire import Answer, BrokenError, NotReachedError

CONNECT_SECONDS = 5.0
"""How long a TCP connection, and then its handshake, may take."""
_IDLE_SECONDS = 60.0
"""Below the 75 s after which an agent closes idle connections, so that a kept one is rarely closed."""
_IDLE_MOST = 4
"""Idle connections of a host: jobs on its networking come one at a time, those on its guests may be several."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of an agent. ``prefix``: the path of a simulated host, whose agent serves several."""

    host: str
    port: int = AGENT_PORT
    prefix: str = ""

    @property
    def is_simulated(self) -> bool:
        """Whether a simulated host is reached there: its agent has one certificate for all its hosts, and its address
        is on no NIC of theirs.
        """
        return bool(self.prefix)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}{'' if self.port == AGENT_PORT else f':{self.port}'}{self.prefix}"


def parse_address(text: str) -> Endpoint:
    """Read ``HOST``, ``HOST:PORT``, ``[IPV6]:PORT`` or a whole ``https://HOST:PORT/PREFIX``; raises ValueError
    with the reason.
    """
    if text.count(":") > 1 and "[" not in text and "://" not in text:
        text = f"[{text}]"
    parts = urlsplit(text if "://" in text else f"https://{text}")
    is_plain = not (parts.username or parts.query or parts.fragment or re.search(r"[^\w.:-]", parts.hostname or "-"))
    if parts.scheme != "https" or not parts.hostname or not is_plain:
        raise ValueError(f"{text!r} is no address of an agent: HOST or HOST:PORT is expected")
    return Endpoint(parts.hostname, parts.port or AGENT_PORT, parts.path.rstrip("/"))


class Connection:
    """A connection for one request at a time, opened when it is made: the certificate at its other end names the host.

    Raises NotReachedError and TimeoutError.
    """

    def __init__(self, host_id: str, endpoint: Endpoint, context: ssl.SSLContext) -> None:
        self.endpoint = endpoint
        self.context = context
        self.since = time.monotonic()
        """When it became idle."""
        try:
            self._socket = _connected(host_id, endpoint, context)
        except TimeoutError:
            raise
        except OSError as error:
            raise NotReachedError(str(error)) from error

    @property
    def certificate(self) -> bytes:
        """The host's certificate (DER)."""
        return self._socket.getpeercert(True) or b""

    @property
    def is_usable(self) -> bool:
        """Whether an idle one may be used: it is young enough, and nothing was received on it."""
        if time.monotonic() - self.since > _IDLE_SECONDS:
            return False
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def ask(self, request: bytes, patience: float) -> Answer:
        """The answer to a request. ``patience``: timeout in seconds. Raises BrokenError and
        TimeoutError.
        """
        answer = Answer()
        try:
            self._socket.settimeout(patience)
            self._socket.sendall(request)
            while not answer.is_complete:
                answer.feed(self._socket.recv(65536))
        except (TimeoutError, BrokenError):
            raise
        except OSError as error:
            raise BrokenError(str(error)) from error
        return answer

    def close(self) -> None:
        """Close it."""
        self._socket.close()


def _connected(host_id: str, endpoint: Endpoint, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A connection to the first address that accepts one. Raises the OSError of the last address.

    The socket is wrapped before it connects: else ssl would leave it open if the peer closes meanwhile.
    """
    refused = OSError(f"There is no address of {endpoint.host}.")
    for family, kind, protocol, _, address in socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM):
        try:
            with ExitStack() as unless_connected:
                made = context.wrap_socket(socket.socket(family, kind, protocol), server_hostname=host_id)
                unless_connected.enter_context(made)
                made.settimeout(CONNECT_SECONDS)
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                made.connect(address)
                unless_connected.pop_all()
                return made
        except OSError as error:
            refused = error
    raise refused


class Connections:
    """The idle connections of all hosts. Safe to use from any thread. ``context``: of new connections."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._lock = Lock()
        self._idle: dict[str, deque[Connection]] = {}
        self._is_closed = False

    def show(self, context: ssl.SSLContext) -> None:
        """Open connections with this from now on. Earlier ones are closed after their current request."""
        self._context = context
        self._drop_all()

    def open(self, host_id: str, endpoint: Endpoint) -> Connection:
        """A new one, which its caller closes. Raises NotReachedError and TimeoutError."""
        return Connection(host_id, endpoint, self._context)

    def ask(self, host_id: str, endpoint: Endpoint, request: bytes, patience: float, *, kept: bool) -> Answer:
        """The answer to a request. ``kept``: over a connection that may have been used before.

        Raises NotReachedError, BrokenError and TimeoutError.
        """
        connection = (self._take(host_id, endpoint) if kept else None) or self.open(host_id, endpoint)
        try:
            answer = connection.ask(request, patience)
        except BaseException:
            connection.close()
            raise
        if answer.keeps:
            if not kept:
                self.forget(host_id)  # this one is known to lead there now
            self._keep(host_id, connection)
        else:
            connection.close()
        return answer

    def let_go(self) -> None:
        """Close those that nobody has needed for a while."""
        limit, old = time.monotonic() - _IDLE_SECONDS, []
        with self._lock:
            for host_id in list(self._idle):
                idle = self._idle[host_id]
                while idle and idle[0].since < limit:
                    old.append(idle.popleft())
                if not idle:
                    del self._idle[host_id]
        for connection in old:
            connection.close()

    def forget(self, host_id: str) -> None:
        """Close those of a host."""
        with self._lock:
            idle = self._idle.pop(host_id, ())
        for connection in idle:
            connection.close()

    def close(self) -> None:
        """Close all, and keep none any more: one on which an answer is awaited ends with it."""
        self._is_closed = True
        self._drop_all()

    def _drop_all(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, {}
        for connection in (one for kept in idle.values() for one in kept):
            connection.close()

    def _take(self, host_id: str, endpoint: Endpoint) -> Connection | None:
        """The connection that was used last, if one can still be."""
        while True:
            with self._lock:
                idle = self._idle.get(host_id)
                connection = idle.pop() if idle else None
            if connection is None or (connection.endpoint == endpoint and connection.is_usable):
                return connection
            connection.close()

    def _keep(self, host_id: str, connection: Connection) -> None:
        connection.since = time.monotonic()
        surplus: Connection | None = None
        with self._lock:
            if connection.context is self._context and not self._is_closed:
                idle = self._idle.setdefault(host_id, deque())
                idle.append(connection)
                if len(idle) > _IDLE_MOST:
                    surplus = idle.popleft()
            else:
                surplus = connection
        if surplus:
            surplus.close()
