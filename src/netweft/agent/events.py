"""Events of the host: the last ones in a ring buffer, which long polls read."""

from __future__ import annotations

from collections import deque
from threading import Condition
from time import monotonic
from typing import TYPE_CHECKING
from uuid import uuid4

from netweft.core.protocol import AgentEvent, EventPage

if TYPE_CHECKING:
    from netweft.core.protocol import Phase

CAPACITY = 1000
"""Events that are remembered; who comes later than that is told that some were lost."""

PAGE = 200
"""Events in one answer."""


class Events:
    """The events of one host since its agent started. Safe to use from any thread."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.boot = uuid4().hex
        self._ring: deque[AgentEvent] = deque(maxlen=capacity)
        self._last = 0
        self._closed = False
        self._changed = Condition()
        self.add("agent", "", "started")

    def add(self, kind: str, subject: str, detail: str = "") -> None:
        """Note that something happened, and wake those who wait for it."""
        with self._changed:
            self._last += 1
            self._ring.append(AgentEvent(id=self._last, kind=kind, subject=subject, detail=detail))
            self._changed.notify_all()

    def change(self, generation: int, phase: Phase) -> None:
        """Note that a change began a phase."""
        self.add("change", str(generation), phase)

    def lose(self) -> None:
        """Note that something happened which nobody can tell: all readers are sent to look at the whole report."""
        with self._changed:
            self._ring.clear()
            self._last += 1  # the hole that says so to who reads on from before it
        self.add("agent", "", "events were lost")

    def page(self, after: int, wait: float) -> EventPage:
        """Events with an id above ``after``: at once, else when there is one; none after ``wait`` seconds.

        An ``after`` from before the agent's last start is answered at once, as lost.
        """
        until = monotonic() + wait
        with self._changed:
            while after == self._last and not self._closed:
                left = until - monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            lost = after > self._last or after + 1 < self._ring[0].id
            events = tuple(event for event in self._ring if lost or event.id > after)[:PAGE]
            return EventPage(boot=self.boot, events=events, lost=lost)

    def newest(self) -> tuple[str, int]:
        """:attr:`boot`, and the number of the newest event."""
        with self._changed:
            return self.boot, self._last

    def close(self) -> None:
        """Answer everybody who waits, now and from now on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
