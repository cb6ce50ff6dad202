"""A thread that polls at intervals."""

from __future__ import annotations

import logging
from threading import Event, Thread
from time import thread_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

SHARE = 20
"""After each poll the thread pauses for this many times the processor time of the poll, so that polling a host with
thousands of links does not occupy a processor.
"""


class Poller:
    """Calls ``poll`` until it is closed: soon after :meth:`poll_soon`, else every ``every`` seconds, but never sooner
    than ``gap`` seconds after the last call. ``poll`` returns whether it succeeded; if not, it is called again after
    the gap. ``name``: of the thread, for the log.
    """

    def __init__(self, name: str, poll: Callable[[], bool], *, every: float, gap: float) -> None:
        self._poll = poll
        self._every = every
        self._gap = gap
        self._due = Event()
        self._closed = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def poll_soon(self) -> None:
        """Poll without waiting for the interval to pass: something may have changed."""
        self._due.set()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._due.clear()
            began = thread_time()
            try:
                is_done = self._poll()
            except Exception:  # a failure must not end the polling
                log.exception("the %s failed", self._thread.name)
                is_done = True
            self._closed.wait(max(self._gap, SHARE * (thread_time() - began)))
            if is_done:
                self._due.wait(self._every)
