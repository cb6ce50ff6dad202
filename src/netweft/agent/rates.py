"""Computes rates from the counters of links."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netweft.core.protocol import LinkCounters

SHORTEST, WINDOW = 5.0, 60.0
"""Shortest and longest period of measurement, in seconds."""


class Rates:
    """Keeps the counters of about a minute ago. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._samples: deque[tuple[float, Mapping[str, LinkCounters]]] = deque()

    def measure(self, counters: Mapping[str, LinkCounters], now: float) -> dict[str, LinkCounters]:
        """The counters with their rates. ``now``: seconds of a monotonic clock."""
        with self._lock:
            samples = self._samples
            if not samples or now - samples[-1][0] >= SHORTEST:
                samples.append((now, counters))
            while len(samples) > 1 and now - samples[1][0] >= WINDOW:
                samples.popleft()
            then, before = samples[0]
        if now - then < SHORTEST:
            return dict(counters)
        return {name: _rated(one, before.get(name), now - then) for name, one in counters.items()}


def _rated(now: LinkCounters, before: LinkCounters | None, seconds: float) -> LinkCounters:
    if before is None or now.rx_bytes < before.rx_bytes or now.tx_bytes < before.tx_bytes:
        return now  # the link is new, or was recreated with its name
    return replace(
        now,
        rx_rate=round((now.rx_bytes - before.rx_bytes) / seconds),
        tx_rate=round((now.tx_bytes - before.tx_bytes) / seconds),
    )
