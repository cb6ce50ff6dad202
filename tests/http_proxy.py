"""A proxy on loopback between a client and an HTTP service, for tests to stand in and look or meddle."""

from __future__ import annotations

import http.client
import ssl
import sys
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar, Self

_OF_ONE_CONNECTION = {"connection", "transfer-encoding", "content-length", "date", "server", "keep-alive"}
"""Headers that are not passed on."""


@dataclass(frozen=True)
class Reply:
    """What a service answers."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes


class ProxyHandler(BaseHTTPRequestHandler):
    """One connection of a client. Each request is passed on unchanged; :meth:`handle_request` may do otherwise."""

    service: ClassVar[str]
    """Host and port of the service."""
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for head and body
    disable_nagle_algorithm = True
    patience = 120.0

    def handle_request(self, body: bytes) -> None:
        """Do what is to be done with a request, the whole of which has been read."""
        self.answer(self.ask(body))

    def ask(self, body: bytes) -> Reply:
        """Pass the request on."""
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_ONE_CONNECTION}
        upstream = http.client.HTTPConnection(self.service, timeout=self.patience)
        try:
            upstream.request(self.command, self.path, body or None, headers)
            reply = upstream.getresponse()
            return Reply(reply.status, tuple(reply.getheaders()), reply.read())
        finally:
            upstream.close()

    def answer(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers:
            if name.lower() not in _OF_ONE_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        self.wfile.write(reply.content)

    def _handle(self) -> None:
        self.handle_request(self.rfile.read(int(self.headers.get("content-length") or 0)))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _handle  # noqa: N815 - the base's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Nothing: who stands in the proxy remembers."""


class Proxy:
    """Listens on loopback while it is a context manager, at ``url``. ``tls``: what it shows clients, if anything; the
    service is asked without.
    """

    def __init__(self, upstream: str, handler: type[ProxyHandler], *, tls: ssl.SSLContext | None = None) -> None:
        own = type(handler.__name__, (handler,), {"service": upstream.partition("//")[2], "proxy": self})
        self._server = _Server(("127.0.0.1", 0), own)
        if tls:  # hands are shaken by each connection's own thread, when it reads
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a client that keeps its connection open does not keep the test from ending

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that is gone, as one that does not trust our certificate is."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)
