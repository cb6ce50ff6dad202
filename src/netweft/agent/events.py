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
"""Size of the buffer; a reader that is further behind learns that events were lost."""

PAGE = 200
"""Events in one answer."""


class Events:
    """The events of one host since its agent started. Thread-safe."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.boot = uuid4().hex
        self._buffer: deque[AgentEvent] = deque(maxlen=capacity)
        self._last = 0
        self._closed = False
        self._changed = Condition()
        self.add("agent", "", "started")

    def add(self, kind: str, subject: str, detail: str = "") -> None:
        """Add an event and answer waiting requests."""
        with self._changed:
            self._last += 1
            self._buffer.append(AgentEvent(id=self._last, kind=kind, subject=subject, detail=detail))
            self._changed.notify_all()

    def change(self, generation: int, phase: Phase) -> None:
        """Add an event for the new phase of a change."""
        self.add("change", str(generation), phase)

    def lose(self) -> None:
        """Record that events were lost, so that all readers read the whole report."""
        with self._changed:
            self._buffer.clear()
            self._last += 1  # a gap in the ids, from which readers see the loss
        self.add("agent", "", "events were lost")

    def page(self, after: int, wait: float) -> EventPage:
        """Events with an id above ``after``. Waits up to ``wait`` seconds for one.

        For an ``after`` from before the agent's last start, returns at once with ``lost`` set.
        """
        until = monotonic() + wait
        with self._changed:
            while after == self._last and not self._closed:
                left = until - monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            lost = after > self._last or after + 1 < self._buffer[0].id
            events = tuple(event for event in self._buffer if lost or event.id > after)[:PAGE]
            return EventPage(boot=self.boot, events=events, lost=lost)

    def newest(self) -> tuple[str, int]:
        """:attr:`boot`, and the id of the newest event."""
        with self._changed:
            return self.boot, self._last

    def close(self) -> None:
        """Answer waiting and future requests at once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
