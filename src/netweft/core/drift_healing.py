"""When a host is synchronized without being asked, by the policy of its cluster.

A few times in a row, with a pause that doubles from one to the next. Whoever changes the host back each time is at work
there, and is left alone after that, until the host has been for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["try", "wait", "give up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Healing:
    """``limit``: attempts in a row; ``pause``: seconds after the first of them; ``calm``: seconds after the last one
    until they count anew; ``look``: seconds until a host that is not for the policy is looked at again.
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
