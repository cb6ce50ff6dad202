"""Limits how many tasks run at a time when some may never end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Pace:
    """At most so many turns at a time, first come first served; one that takes longer than ``hold`` seconds counts no
    more, so that who is slow holds up nobody for longer. To be used in one event loop.
    """

    def __init__(self, most: int, hold: float = 0.5) -> None:
        self._free = asyncio.Semaphore(most)
        self._hold = hold

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, which lasts as long as the block."""
        await self._free.acquire()
        held = [self._free]

        def give_back() -> None:
            if held:
                held.pop().release()

        timer = asyncio.get_running_loop().call_later(self._hold, give_back)
        try:
            yield
        finally:
            timer.cancel()
            give_back()
