"""A thread that looks at something again and again."""

from __future__ import annotations

import logging
from threading import Event, Thread
from time import thread_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

SHARE = 20
"""A look is followed by a pause of so many times what it took of a processor: a host with thousands of links is looked
at seldom, rather than all the time.
"""


class Looks:
    """Looks until it is closed: soon when it is stirred, and ``every`` so many seconds; ``gap``: seconds between two
    looks at least. ``look``: whether it could be done; if not, it is done again after the gap. ``name``: of the thread,
    for the log.
    """

    def __init__(self, name: str, look: Callable[[], bool], *, every: float, gap: float) -> None:
        self._look = look
        self._every = every
        self._gap = gap
        self._stirred = Event()
        self._closed = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stir(self) -> None:
        """Something may have changed: look soon."""
        self._stirred.set()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        self._stirred.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._stirred.clear()
            began = thread_time()
            try:
                is_done = self._look()
            except Exception:  # whatever it was, nothing must go unwatched from now on
                log.exception("the %s failed", self._thread.name)
                is_done = True
            self._closed.wait(max(self._gap, SHARE * (thread_time() - began)))
            if is_done:
                self._stirred.wait(self._every)
