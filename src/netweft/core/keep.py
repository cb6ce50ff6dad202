"""The value of a field that an update does not mention."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal, TypeAlias, TypeVar


class _Keep(Enum):
    KEEP = "keep"


KEEP: Final = _Keep.KEEP
"""Default of every field of a change: leave it as it is. None, where allowed, clears the field."""

Keep: TypeAlias = Literal[_Keep.KEEP]

T = TypeVar("T")


def or_current(value: T | Keep, current: T) -> T:
    """What a field will be: the value that the change gives it, else the one it has."""
    return current if value is KEEP else value
