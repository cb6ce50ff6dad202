"""What a benchmark measures, and how it is printed: ours, the floor of the same run, their ratio, beside the goal."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table.

    ``floor`` is None where the goal is absolute. Ratios are ours / floor; for a rate (``per_second``) floor / ours,
    so that more is always slower.
    """

    what: str
    ours: float
    unit: str
    floor: float | None = None
    floor_is: str = ""
    goal: str
    per_second: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times the floor's cost ours is."""
        if self.floor is None:
            return None
        return self.floor / self.ours if self.per_second else self.ours / self.floor


def median_seconds(run: Callable[[], object], times: int) -> float:
    """Wall time of ``run``, the median of so many runs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def print_table(figures: Sequence[Figure]) -> None:
    """Print the figures as columns."""
    rows = [("WHAT", "OURS", "FLOOR", "RATIO", "GOAL", "FLOOR IS")]
    for figure in figures:
        floor = "" if figure.floor is None else f"{figure.floor:,.3g} {figure.unit}"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        rows.append((figure.what, f"{figure.ours:,.3g} {figure.unit}", floor, ratio, figure.goal, figure.floor_is))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")
