"""The value of a field that an update does not mention."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal, TypeAlias


class _Keep(Enum):
    KEEP = "keep"


KEEP: Final = _Keep.KEEP
"""Default of every field of a change: leave it as it is. None, where allowed, means "take it away"."""

Keep: TypeAlias = Literal[_Keep.KEEP]
