"""Watches the whole host: any change that was not made by the agent becomes an event.

The kernel and Open vSwitch's database tell of most changes at once (agent/monitor.py and agent/ovsdb_watch.py stir this
watch then), but nobody tells of settings below /proc/sys or of the resolvers' file. So the host is also looked at at
intervals. Two looks that find the same tell nobody anything.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from netweft.agent.looks import Looks
from netweft.agent.networking import NetworkingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from netweft.agent.events import Events
    from netweft.agent.networking import Networking
    from netweft.core.host import Host

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two looks while nothing stirs."""

GAP = 0.2
"""Seconds between two looks at least, and while the agent itself is at work on the host."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A look: the host, and how often its guests had been worked on; None while they were."""

    host: Host
    worked: int | None


class Watch:
    """A thread that looks until it is closed.

    ``busy``: whether the agent itself changes the host now; what it looks like then is no news. ``worked``: how often
    its guests were worked on, None while they are; who does that tells of it.
    """

    def __init__(
        self, driver: Networking, events: Events, busy: Callable[[], bool], worked: Callable[[], int | None]
    ) -> None:
        self._driver = driver
        self._events = events
        self._busy = busy
        self._worked = worked
        self._lock = Lock()
        self._last: _Seen | None = None
        self._reported: _Seen | None = None
        self._looks = Looks("watch of the host", self._compare, every=EVERY, gap=GAP)

    def stir(self) -> None:
        """Something may have changed: look soon."""
        self._looks.stir()

    def reported(self, host: Host, worked: int | None) -> None:
        """The engine was given a report. What is another than that is told, even if the last look had found the same:
        in between it had been changed back, by the agent itself or while nobody looked.
        """
        with self._lock:
            self._reported = _Seen(host, worked)

    def close(self) -> None:
        """End the thread."""
        self._looks.close()

    def _compare(self) -> bool:
        """Look once, and tell what changed; whether a look was possible."""
        if self._busy():
            return False
        try:
            now = _Seen(self._driver.observe(), self._worked())
        except NetworkingError as error:
            log.info("the host could not be observed: %s", error)
            return True
        if self._busy():
            return False
        with self._lock:
            is_news = any(_differ(before, now) for before in (self._last, self._reported) if before)
            if is_news:
                self._reported = None  # told once, until the next report
            self._last = now
        if is_news:
            self._events.add("host", "", "changed")
        return True


def _differ(last: _Seen, now: _Seen) -> bool:
    """Whether something changed that nobody else tells of.

    Where guests were worked on in between, ports that came or went are theirs; ports that stayed should be as they
    were.
    """
    if last.host != now.host:
        return True
    before, after = last.host.guest_ports, now.host.guest_ports
    if last.worked is not None and last.worked == now.worked:
        return before != after
    return any(after[name] != port for name, port in before.items() if name in after)
