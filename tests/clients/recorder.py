"""A door before an engine for clients that cannot be looked into: it passes every request on unchanged, remembers it,
and checks every answer against the schema of the official SDK.
"""

from __future__ import annotations

import gzip
import http.client
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar, Self
from urllib.parse import unquote_plus

from clients import schema

API = "/ovirt-engine/api"
OWN_HEADERS = {"connection", "transfer-encoding", "content-length", "date", "server", "keep-alive"}
"""Of one connection, not of what is passed on."""
DECODERS: dict[str, Callable[[bytes], bytes]] = {"": bytes, "gzip": gzip.decompress, "deflate": zlib.decompress}


@dataclass(frozen=True)
class Seen:
    """One request and its answer. ``path``: with the query, decoded, below the API's root where it is there."""

    method: str
    path: str
    status: int
    asked: dict[str, str] = field(repr=False)
    answered: dict[str, str] = field(repr=False)
    body: str = field(default="", repr=False)
    answer: str = field(default="", repr=False)


class Recorder:
    """Listens on loopback while it is a context manager. ``findings``: what was wrong with answers."""

    def __init__(self, upstream: str) -> None:
        self.seen: list[Seen] = []
        self.findings: list[str] = []

        class Handler(_Handler):
            engine = upstream
            recorder = self

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True  # a client that keeps its connection open does not keep the test from ending
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def note(self, seen: Seen, content: bytes) -> None:
        """Remember and check."""
        self.seen.append(seen)
        if not seen.path.startswith("/ovirt-engine/"):
            self.findings += [f"{seen}: {found}" for found in _check(seen, content)]


def _check(seen: Seen, content: bytes) -> list[str]:
    if seen.status >= 500:
        return [f"a defect: {seen.answer}"]
    if not content:
        return []
    media = seen.answered.get("content-type")
    return schema.findings(content) if media == "application/xml" else [f"content type {media}"]


class _Handler(BaseHTTPRequestHandler):
    engine: ClassVar[str]
    recorder: ClassVar[Recorder]
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for head and body
    disable_nagle_algorithm = True

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        asked = {name.lower(): value for name, value in self.headers.items()}
        headers = {name: value for name, value in self.headers.items() if name.lower() not in OWN_HEADERS}
        upstream = http.client.HTTPConnection(self.engine.partition("//")[2], timeout=120)
        upstream.request(self.command, self.path, body or None, headers)
        reply = upstream.getresponse()
        content = reply.read()
        upstream.close()
        answered = {name.lower(): value for name, value in reply.getheaders()}
        plain = DECODERS[answered.get("content-encoding", "")](content)
        path = unquote_plus(self.path).removeprefix(API)
        seen = Seen(self.command, path, reply.status, asked, answered, body.decode(), plain.decode())
        self.recorder.note(seen, plain)
        self.send_response_only(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in OWN_HEADERS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = _pass_on  # noqa: N815 - the names that the base class asks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Nothing: the recorder remembers."""
