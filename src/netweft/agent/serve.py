"""The agent's listener: HTTPS with mutual TLS, a thread per connection, a bound on everything.

The moment at which a connection was accepted matters (a confirmation must come on one that was opened after the
change), and the connections are few, so this is the standard library's server and no framework.
"""

from __future__ import annotations

import logging
import socket
import ssl
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from netweft.agent.pending_connections import PendingConnection, PendingConnections
from netweft.agent.renewal import PATH as CERTIFICATE
from netweft.agent.renewal import renew
from netweft.agent.service import Request
from netweft.agent.wire import BROKEN, MALFORMED, MISSING, RefusalError, encode, is_engine, server_context
from netweft.core.protocol import ORDER_HEADER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netweft.agent.identity import Identity
    from netweft.agent.service import HostService, Reply

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 10.0
"""Default time limit of the TLS handshake."""
IDLE_SECONDS = 75.0
"""How long a connection may be idle; above the longest poll, so that the engine closes idle connections first."""

LARGEST_BODY = 16 * 1024 * 1024
"""Octets; a Host with a thousand networks takes about one million."""

_ORDER_DIGITS = 18
CONNECTIONS = 64
"""Authenticated connections at a time, for an agent with one host; each occupies a thread."""

MAX_UNAUTHENTICATED = 128
"""Further connections at a time that are not authenticated yet."""

FORBIDDEN, TOO_LARGE = 403, 413


class Server(ThreadingHTTPServer):
    """Serves hosts by path prefix: ``""`` for the only one of a real agent, ``/sim-7`` and so on for simulated ones."""

    identity: Identity
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], connections: int = CONNECTIONS, handshake: float = HANDSHAKE_SECONDS
    ) -> None:
        self.address_family = socket.getaddrinfo(*address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        self.services: dict[str, HostService] = {}
        self.context: ssl.SSLContext | None = None
        self._renewing = Lock()
        self.joined = 0
        """How often the host has joined since the start; older connections belong to a former engine."""
        self._free = BoundedSemaphore(connections)
        self._pending = PendingConnections(MAX_UNAUTHENTICATED)
        self._handshake = handshake
        super().__init__(address, Handler)  # type: ignore[arg-type]  # finish_request makes the handlers, with an argument more

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self.server_address[1])

    def open(self, identity: Identity, services: Mapping[str, HostService]) -> None:
        """Serve these hosts with this identity. Earlier connections have waited in the kernel's queue.

        Raises OSError or ssl.SSLError.
        """
        self.identity = identity
        self.services.update(services)
        self.show_certificate()

    def show_certificate(self) -> None:
        """Use the identity's current certificate from the next connection on. Raises as ``open`` does."""
        self.context = server_context(self.identity.certificate, self.identity.key, self.identity.authority)

    def rejoin(self) -> None:
        """Use the identity's files, which another engine has issued, and refuse all earlier connections. Raises as
        ``open`` does.
        """
        with self._renewing:
            self.show_certificate()
            self.joined += 1

    def renew(self, request: Request) -> Reply:
        """Answer a request about the certificate, which all hosts share; one request at a time. Raises RefusalError,
        OSError, and what the services raise from ``certificate_changed``.
        """
        with self._renewing:
            return renew(self.identity, request, self._renewed)

    def _renewed(self) -> None:
        self.show_certificate()
        for service in self.services.values():
            service.certificate_changed()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # the types of the class above
        """Hand a connection that was just accepted to a thread of its own."""
        pending = self._pending.add(request, client_address[0])
        try:
            super().process_request((request, pending), client_address)  # type: ignore[arg-type]  # passed on as it is
        except RuntimeError:  # no thread could be started
            self._pending.remove(pending)
            raise

    def service_actions(self) -> None:
        """Called every half second: close connections whose handshake has taken too long."""
        self._pending.close_older_than(self._handshake)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # the types of the class above
        """Serve a connection until it ends, in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._pending.remove(request[1])

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # the types of the class above
        """Do the TLS handshake, serve, close."""
        plain, pending = request
        if self.context is None:
            raise RuntimeError("served before it was opened")
        try:
            with self.context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as tls:
                self._pending.replace_socket(pending, tls)
                try:
                    tls.settimeout(self._handshake)
                    tls.do_handshake()
                    self._serve(tls, client_address, pending)
                    tls.settimeout(0)
                    tls.unwrap()
                finally:
                    self._pending.remove(pending)  # before its descriptor is reused
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass  # our close_notify is sent; the peer's is not waited for
        except (ssl.SSLError, OSError) as error:
            log.debug("connection from %s ended: %s", client_address[0], error)

    def _serve(self, tls: ssl.SSLSocket, client_address: Any, pending: PendingConnection) -> None:  # noqa: ANN401  # the same
        """Answer the engine's requests; refuse the first request of anyone else."""
        if not is_engine(tls.getpeercert()):
            Handler(tls, client_address, self, opened=pending.since)
        elif self._pending.remove(pending):
            if not self._free.acquire(blocking=False):
                log.warning("too many connections: closed one from %s", client_address[0])
                return
            try:
                tls.settimeout(IDLE_SECONDS)
                Handler(tls, client_address, self, opened=pending.since)
            finally:
                self._free.release()

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401  # the types of the class above
        """Close a connection."""
        super().shutdown_request(request[0] if isinstance(request, tuple) else request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002  # the types of the class above
        """Log an unexpected exception; the class above would print it."""
        log.exception("serving %s", client_address[0])  # noqa: LOG004  # called by the class above while it handles one


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # used for requests that name no version
    server_version = "netweft-agent"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: Server

    def __init__(self, request: ssl.SSLSocket, client_address: Any, server: Server, *, opened: float) -> None:  # noqa: ANN401  # as above
        self.opened = opened
        self.trusted = is_engine(request.getpeercert())
        self.joined = server.joined
        super().__init__(request, client_address, server)

    def do_GET(self) -> None:
        """Answer; as all methods do."""
        self._serve()

    do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815  # names that the class above calls

    def _serve(self) -> None:
        try:
            reply = self._answer()
        except RefusalError as error:
            self.close_connection = True  # the body may be unread
            self._send(error.status, encode(error.refusal))
            return
        if reply is None:
            self.close_connection = True
        else:
            self._send(reply.status, reply.body, reply.headers)

    def _answer(self) -> Reply | None:
        if not self.trusted:
            raise RefusalError(FORBIDDEN, "denied", "Only the engine may talk to this host.")
        if self.joined != self.server.joined:
            raise RefusalError(FORBIDDEN, "denied", "This host has joined an engine again: open a new connection.")
        body = self._body()
        url = urlsplit(self.path)
        prefix, service = self._service(url.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        path = url.path.removeprefix(prefix)
        known = self.headers.get("If-None-Match", "")
        request = Request(
            method=self.command,
            path=path,
            query=query,
            body=body,
            opened=self.opened,
            known=known,
            order=self._order(),
        )
        try:
            if path == CERTIFICATE:
                return self.server.renew(request)
            return service.answer(request)
        except RefusalError:
            raise
        except Exception as error:  # the client gets an answer, and the next request is served
            log.exception("%s %s", self.command, self.path)
            raise RefusalError(BROKEN, "failed", f"The agent failed: {error!r}") from error

    def _order(self) -> int:
        text = self.headers.get(ORDER_HEADER, "0")
        if not (text.isascii() and text.isdigit() and len(text) <= _ORDER_DIGITS):
            raise RefusalError(MALFORMED, "malformed", f"{ORDER_HEADER} is not one number: {text[:60]!r}.")
        return int(text)

    def _service(self, path: str) -> tuple[str, HostService]:
        first = "/" + path.lstrip("/").partition("/")[0]
        for prefix in ("", first):
            if prefix in self.server.services:
                return prefix, self.server.services[prefix]
        raise RefusalError(MISSING, "unknown", f"There is no host at {first}.")

    def _body(self) -> bytes:
        if "Transfer-Encoding" in self.headers:
            raise RefusalError(MALFORMED, "malformed", "A body needs a Content-Length.")
        text = ", ".join(self.headers.get_all("Content-Length", ["0"]))
        if not (text.isascii() and text.isdigit()):
            raise RefusalError(MALFORMED, "malformed", f"Content-Length is not one number: {text!r}.")
        length = int(text)
        if length > LARGEST_BODY:
            raise RefusalError(TOO_LARGE, "malformed", f"A body has at most {LARGEST_BODY} octets.")
        body = self.rfile.read(length)
        if len(body) < length:
            raise RefusalError(MALFORMED, "malformed", "The body ended early.")
        return body

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if body:
            self.send_header("Content-Type", "application/json")
        if status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the class above says of a request that is no HTTP, as a Refusal."""
        self.close_connection = True
        status = code if code < BROKEN else MALFORMED
        text = explain or message or HTTPStatus(code).phrase
        self._send(status, encode(RefusalError(status, "malformed", text).refusal))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name in the class above
        """Requests are of interest only to who debugs."""
        log.debug(format, *args)
