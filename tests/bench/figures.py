"""Figures of benchmarks, and their table: ours, the floor, and their ratio, beside the goal. Figures with a floor are
measured in alternating pairs of floor and ours, so that other load of the machine affects both: the ratio is the median
of the pairs' ratios, and its spread is from the lowest to the highest.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PAIRS = 5
"""How many pairs make a figure, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table.

    ``floor`` is None where the goal is absolute. ``ratio`` and ``spread`` (the lowest and the highest) tell how many
    times the floor's cost ours is, in pairs; ``missed`` that ours is no more than a limit that was reached without an
    end.
    """

    what: str
    ours: float
    unit: str
    floor: float | None = None
    floor_is: str = ""
    ratio: float | None = None
    spread: tuple[float, float] | None = None
    goal: str
    missed: bool = False


def in_turn(floor: Callable[[], float], ours: Callable[[], float], pairs: int = PAIRS) -> list[tuple[float, float]]:
    """This number of measurements of floor and ours, alternating; each pair begins with the other one of the two."""
    taken = []
    for number in range(pairs):
        if number % 2:
            after = ours()
            taken.append((floor(), after))
        else:
            taken.append((floor(), ours()))
    return taken


def paired(
    what: str,
    pairs: Sequence[tuple[float, float]],
    *,
    unit: str,
    goal: str,
    floor_is: str,
    scale: float = 1,
    per_second: bool = False,
) -> Figure:
    """A figure of pairs of floor and ours, each multiplied by ``scale`` for its unit.

    ``per_second``: they are rates, so that more of them costs less.
    """
    ratios = [floor / ours if per_second else ours / floor for floor, ours in pairs]
    return Figure(
        what=what,
        ours=statistics.median(ours for _, ours in pairs) * scale,
        floor=statistics.median(floor for floor, _ in pairs) * scale,
        unit=unit,
        ratio=statistics.median(ratios),
        spread=(min(ratios), max(ratios)),
        goal=goal,
        floor_is=floor_is,
    )


def median_seconds(run: Callable[[], object], times: int) -> float:
    """Wall time of ``run``, the median of this number of runs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def print_table(figures: Sequence[Figure]) -> None:
    """Print the figures as columns."""
    rows = [("WHAT", "OURS", "FLOOR", "RATIO", "SPREAD", "GOAL", "FLOOR IS")]
    rows += [_row(figure) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")


def _row(figure: Figure) -> tuple[str, ...]:
    ours = f"{'not within ' if figure.missed else ''}{figure.ours:,.3g} {figure.unit}"
    floor = "" if figure.floor is None else f"{figure.floor:,.3g} {figure.unit}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    spread = "" if figure.spread is None else f"{figure.spread[0]:.2f} to {figure.spread[1]:.2f}"
    return (figure.what, ours, floor, ratio, spread, figure.goal, figure.floor_is)
