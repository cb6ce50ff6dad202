"""A door before an engine for clients that cannot be looked into: it passes every request on unchanged, remembers it,
and checks every answer against the schema of the official SDK.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import unquote_plus

from clients import schema
from http_proxy import Proxy, ProxyHandler

API = "/ovirt-engine/api"
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


class Recorder(Proxy):
    """Listens on loopback while it is a context manager. ``findings``: what was wrong with answers."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream, _Handler)
        self.seen: list[Seen] = []
        self.findings: list[str] = []

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


class _Handler(ProxyHandler):
    proxy: ClassVar[Recorder]

    def handle_request(self, body: bytes) -> None:
        reply = self.ask(body)
        asked = {name.lower(): value for name, value in self.headers.items()}
        answered = {name.lower(): value for name, value in reply.headers}
        plain = DECODERS[answered.get("content-encoding", "")](reply.content)
        path = unquote_plus(self.path).removeprefix(API)
        seen = Seen(self.command, path, reply.status, asked, answered, body.decode(), plain.decode())
        self.proxy.note(seen, plain)
        self.answer(reply)
