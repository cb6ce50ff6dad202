"""The bodies of requests: how much is read of them, and how long they may take.

Of somebody who has not logged in only a little is read, and that soon; of a user as much as any request means, no
slower than a bad line is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import Receive

from netweft.api.faults import SlowError, TooLargeError
from netweft.core.errors import MalformedError


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimit:
    """``octets`` at most, in ``seconds``, and longer by what has come divided by ``rate`` (octets per second; 0: not
    longer).
    """

    octets: int
    seconds: float = 10.0
    rate: int = 0


ANONYMOUS = BodyLimit(octets=16 * 1024)
"""Before it is known who sends it; a login's form fits, and most requests do."""
OF_USER = BodyLimit(octets=4 * 2**20, rate=32 * 1024)
"""Of a user; everything that the lists of a request may hold fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """Those of an engine."""

    anonymous: BodyLimit = ANONYMOUS
    of_user: BodyLimit = OF_USER


BODIES = BodyLimits()


async def read_body(headers: Mapping[str, str], receive: Receive, limit: BodyLimit) -> bytes:
    """The whole body (``receive``: ASGI's). Raises TooLargeError, SlowError, and MalformedError when it ends early."""
    if declared_length(headers) > limit.octets:
        raise _too_large(limit)
    body = bytearray()
    begun = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(limit.seconds) as timer:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise MalformedError("The request's body ended early.")
                body += message.get("body", b"")
                if len(body) > limit.octets:
                    raise _too_large(limit)
                if not message.get("more_body", False):
                    return bytes(body)
                if limit.rate:
                    timer.reschedule(begun + limit.seconds + len(body) / limit.rate)
    except TimeoutError as error:
        raise SlowError(f"The request's body was not received in time: {len(body)} octets of it have.") from error


def declared_length(headers: Mapping[str, str]) -> int:
    """What a request's Content-Length tells; 0 when there is none."""
    length = headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() else 0


def is_small(headers: Mapping[str, str]) -> bool:
    """Whether a request says of itself that its body is one that anybody may send."""
    return "transfer-encoding" not in headers and declared_length(headers) <= ANONYMOUS.octets


def _too_large(limit: BodyLimit) -> TooLargeError:
    return TooLargeError(f"The request's body has more than {limit.octets} octets.")
