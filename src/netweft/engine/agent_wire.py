"""HTTP/1.1 as the engine speaks it to agents, without sockets: a request as octets, and an answer from octets."""

from __future__ import annotations

import re

import httptools

from netweft.core.protocol import ORDER_HEADER

_ANSWER_MAX = 64 * 2**20
_TARGET = re.compile(r"/[!-~]*")


class NotReachedError(OSError):
    """No connection came to be, so nothing was asked."""


class BrokenError(OSError):
    """The connection ended, or what came was no HTTP, before there was an answer: what was asked may have been done."""


def request(
    method: str, host_id: str, target: str, body: bytes | None = None, *, known: str = "", order: int = 0
) -> bytes:
    """A request. ``known``: the tag of what is there already; ``order``: see core.protocol.ORDER_HEADER, 0 for none.
    Raises NotReachedError when ``target`` cannot be one.
    """
    if not _TARGET.fullmatch(target):
        raise NotReachedError(f"{target!r} is no path")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host_id}"]
    if known:
        lines.append(f'If-None-Match: "{known}"')
    if order:
        lines.append(f"{ORDER_HEADER}: {order}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class Answer:
    """An answer, fed with octets until it is complete. ``headers``: by name in lower case."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.is_complete = False
        self.keeps = False
        """Whether the connection may be asked again."""
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._octets = 0

    @property
    def status(self) -> int:
        """The status of HTTP."""
        return self._parser.get_status_code()

    @property
    def body(self) -> bytes:
        """What came after the headers."""
        return bytes(self._body)

    @property
    def tag(self) -> str:
        """The name of what was answered, empty when it has none."""
        return self.headers.get("etag", "").strip('"')

    def feed(self, data: bytes) -> None:
        """More octets; none when the connection has ended. Raises BrokenError."""
        self._octets += len(data)
        if not data:
            raise BrokenError("the connection ended before the answer did")
        if self._octets > _ANSWER_MAX:
            raise BrokenError(f"the answer has more than {_ANSWER_MAX} octets")
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise BrokenError(f"the answer is no HTTP: {error}") from error

    # What the parser calls

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header was found."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        """A part of the body was found."""
        self._body += part

    def on_message_complete(self) -> None:
        """That was all; what the parser knows of the connection it knows only now."""
        self.keeps = self._parser.should_keep_alive()
        self.is_complete = True
