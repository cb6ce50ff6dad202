"""Rows of many parents, by parent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

R = TypeVar("R")


def grouped(rows: Iterable[R], column: str) -> dict[str, list[R]]:
    """The rows by what they have in a column, in their order; nothing for a parent that has none."""
    found: dict[str, list[R]] = defaultdict(list)
    for row in rows:
        found[getattr(row, column)].append(row)
    return found
