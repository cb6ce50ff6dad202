"""When a host is synchronized automatically, by the policy of its cluster.

It is tried a few times in a row, with a pause that doubles each time. If someone changes the host back each time, they
are working there, and the host is left alone until it has been in sync for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["try", "wait", "give up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Healing:
    """``limit``: attempts in a row; ``pause``: seconds after the first of them; ``calm``: seconds after the last one
    until the count restarts; ``look``: seconds until a host that the policy does not cover is checked again.
    """

    limit: int = 5
    pause: float = 10.0
    calm: float = 3600.0
    look: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How many there were in a row, and when the last one was."""

    count: int
    last: datetime


def attempts_now(known: Attempts | None, now: datetime, healing: Healing) -> int:
    """How many attempts count."""
    if known is None or now - known.last >= timedelta(seconds=healing.calm):
        return 0
    return known.count


def next_attempt(count: int, last: datetime, healing: Healing) -> datetime:
    """When the next attempt may be made after so many, the last of which was at a time."""
    return last + timedelta(seconds=healing.pause * 2 ** (count - 1))


def verdict(known: Attempts | None, now: datetime, healing: Healing) -> Verdict:
    """What to do about a host that differs."""
    count = attempts_now(known, now, healing)
    if known is None or count == 0:
        return "try"
    if now < next_attempt(count, known.last, healing):
        return "wait"
    return "give up" if count >= healing.limit else "try"
