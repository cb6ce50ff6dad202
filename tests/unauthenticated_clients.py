"""``python unauthenticated_clients.py ADDRESS KIND=COUNT...`` opens so many connections of each kind to an engine. None
of them logs in; those that are cut off connect again.

Prints ``ready`` once each has connected. When standard input ends, prints how many connections were cut off, and ends.
What each client sends is bounded, so that the program also ends by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Mapping

import uvloop

AGAIN = 20
"""How often a client connects again."""
PAUSE = (15.0, 45.0)
"""Range of seconds before it does; random, so that not all connect at the same moment."""
BEGIN = b"GET /ovirt-engine/api/networks HTTP/1.1\r\nHost: engine\r\n"
POST = b"POST /ovirt-engine/api/networks HTTP/1.1\r\nHost: engine\r\nContent-Type: application/xml\r\n"


async def idle() -> AsyncIterator[bytes]:
    """Nothing."""
    for _ in range(600):
        await asyncio.sleep(1)
        yield b""


async def slow_head() -> AsyncIterator[bytes]:
    """A header a second."""
    yield BEGIN
    for number in range(600):
        yield b"X-%d: a\r\n" % number
        await asyncio.sleep(1)


async def slow_body() -> AsyncIterator[bytes]:
    """An octet a second."""
    yield POST + b"Content-Length: 10000\r\n\r\n<network>"
    for _ in range(600):
        yield b" "
        await asyncio.sleep(1)


async def large_body() -> AsyncIterator[bytes]:
    """Four megabytes, but for the last octet."""
    yield POST + b"Content-Length: 4194304\r\n\r\n"
    for _ in range(255):
        yield b" " * 16384
    await asyncio.sleep(600)


async def endless() -> AsyncIterator[bytes]:
    """A header that does not end."""
    yield BEGIN + b"X: "
    for _ in range(10_000):
        yield b"a" * 65536


async def many() -> AsyncIterator[bytes]:
    """20,000 headers."""
    yield BEGIN + b"a:\r\n" * 20_000 + b"\r\n"
    await asyncio.sleep(600)


async def pipeline() -> AsyncIterator[bytes]:
    """Thousands of requests without waiting for an answer."""
    yield (BEGIN + b"\r\n") * 5_000
    await asyncio.sleep(600)


KINDS: Mapping[str, Callable[[], AsyncIterator[bytes]]] = {
    "silent": idle,  # without a TLS handshake
    "idle": idle,
    "slow-head": slow_head,
    "slow-body": slow_body,
    "large-body": large_body,
    "endless": endless,
    "many": many,
    "pipeline": pipeline,
}


class Crowd:
    """All clients of this program."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE
        self.cut = 0

    async def client(self, kind: str, been: asyncio.Event) -> None:
        for _ in range(AGAIN):
            with contextlib.suppress(OSError):  # cut off, in whatever way
                await self._visit(kind, been)
            been.set()
            self.cut += 1
            await asyncio.sleep(random.uniform(*PAUSE))

    async def _visit(self, kind: str, been: asyncio.Event) -> None:
        tls = None if kind == "silent" else self._tls
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=tls)
        been.set()
        gone = asyncio.create_task(reader.read())
        try:
            async for part in KINDS[kind]():
                if gone.done():
                    return
                writer.write(part)
                await writer.drain()
        finally:
            gone.cancel()
            writer.transport.abort()


async def main(address: str, *counts: str) -> None:
    host, _, port = address.rpartition(":")
    crowd = Crowd(host, int(port))
    kinds = [kind for kind, _, count in (text.partition("=") for text in counts) for _ in range(int(count))]
    been = [asyncio.Event() for _ in kinds]
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, _context: None
    )  # connections that break are meant to
    clients = [asyncio.create_task(crowd.client(kind, event)) for kind, event in zip(kinds, been, strict=True)]
    for event in been:
        await event.wait()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    sys.stdout.write(f"{crowd.cut}\n")


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(main(*sys.argv[1:]))
