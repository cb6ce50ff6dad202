"""The bodies of requests: how much is read of them, and how long they may take.

Of somebody who has not logged in only a little is read, and that soon; of a user as much as any request means, no
slower than a bad line is.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

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


async def read_body(request: Request, limit: BodyLimit) -> bytes:
    """The whole body. Raises TooLargeError, SlowError, and MalformedError when it ends early."""
    if declared_length(request) > limit.octets:
        raise _too_large(limit)
    parts, size = [], 0
    begun = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(limit.seconds) as timer:
            async for part in request.stream():
                size += len(part)
                if size > limit.octets:
                    raise _too_large(limit)
                parts.append(part)
                if limit.rate:
                    timer.reschedule(begun + limit.seconds + size / limit.rate)
    except TimeoutError as error:
        raise SlowError(f"The request's body did not come in time: {size} octets of it have.") from error
    except ClientDisconnect as error:
        raise MalformedError("The request's body ended early.") from error
    return b"".join(parts)


def declared_length(request: Request) -> int:
    """What a request's Content-Length tells; 0 when there is none."""
    length = request.headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() else 0


def is_small(request: Request) -> bool:
    """Whether a request says of itself that its body is one that anybody may send."""
    return "transfer-encoding" not in request.headers and declared_length(request) <= ANONYMOUS.octets


def _too_large(limit: BodyLimit) -> TooLargeError:
    return TooLargeError(f"The request's body has more than {limit.octets} octets.")
