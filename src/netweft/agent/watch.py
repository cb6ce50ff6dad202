"""Watches the whole host: any change that the agent did not make becomes an event.

The kernel and Open vSwitch's database notify of most changes at once: agent/monitor.py and agent/ovsdb_watch.py call
``poll_soon`` then. Settings below /proc/sys and the resolvers' file come without notifications, so the host is also
polled at intervals. A poll that finds no change makes no event.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from netweft.agent.networking import NetworkingError
from netweft.agent.poller import Poller

if TYPE_CHECKING:
    from collections.abc import Callable

    from netweft.agent.events import Events
    from netweft.agent.networking import Networking
    from netweft.core.host import Host

log = logging.getLogger(__name__)

EVERY = 2.0
"""Poll interval in seconds while there are no notifications."""

GAP = 0.2
"""Shortest poll interval in seconds; also used while the agent itself changes the host."""


@dataclass(frozen=True, slots=True)
class _Observation:
    """The host, and the count of changes to its guests at that time; None while they were being changed."""

    host: Host
    worked: int | None


class Watch:
    """A thread that polls the host until it is closed.

    ``busy``: whether the agent itself is changing the host; no events are made then. ``worked``: the count of changes
    to its guests, None while they are being changed; these have events of their own. ``every``, ``gap``: see Poller.
    """

    def __init__(
        self,
        driver: Networking,
        events: Events,
        busy: Callable[[], bool],
        worked: Callable[[], int | None],
        *,
        every: float = EVERY,
        gap: float = GAP,
    ) -> None:
        self._driver = driver
        self._events = events
        self._busy = busy
        self._worked = worked
        self._lock = Lock()
        self._last: _Observation | None = None
        self._reported: _Observation | None = None
        self._poller = Poller("watch of the host", self._compare, every=every, gap=gap)

    def poll_soon(self) -> None:
        """See Poller."""
        self._poller.poll_soon()

    def reported(self, host: Host, worked: int | None) -> None:
        """Record what a report to the engine contained. A host that differs from it makes an event, even if the last
        poll found the same host: in between, the change had been reverted.
        """
        with self._lock:
            self._reported = _Observation(host, worked)

    def close(self) -> None:
        """End the thread."""
        self._poller.close()

    def _compare(self) -> bool:
        """Observe the host and add an event if it changed. False if the agent was changing it."""
        if self._busy():
            return False
        try:
            now = _Observation(self._driver.observe(), self._worked())
        except NetworkingError as error:
            log.info("the host could not be observed: %s", error)
            return True
        if self._busy():
            return False
        with self._lock:
            is_news = any(_differ(before, now) for before in (self._last, self._reported) if before)
            if is_news:
                self._reported = None  # one event per report
            self._last = now
        if is_news:
            self._events.add("host", "", "changed")
        return True


def _differ(last: _Observation, now: _Observation) -> bool:
    """Whether something changed that has no event of its own.

    If guests were changed in between, ports that were added or removed belong to that; other ports must be unchanged.
    """
    if last.host != now.host:
        return True
    before, after = last.host.guest_ports, now.host.guest_ports
    if last.worked is not None and last.worked == now.worked:
        return before != after
    return any(after[name] != port for name, port in before.items() if name in after)
