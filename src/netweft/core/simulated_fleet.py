"""How the simulated hosts of one engine are shared among the programs that simulate them."""

from __future__ import annotations

from dataclasses import dataclass

BLOCK = 50
"""Hosts that come together: so few are not worth another program."""


@dataclass(frozen=True, slots=True)
class Part:
    """The share of one of ``of`` programs, ``number`` being from 1.

    Blocks of hosts go to the programs by turns, so that more or fewer hosts in all move none from one to another.
    """

    number: int
    of: int

    def numbers(self, count: int) -> list[int]:
        """The numbers, from 1, of those of ``count`` hosts that are in it."""
        return [one for one in range(1, count + 1) if (one - 1) // BLOCK % self.of == self.number - 1]


def parts_of(count: int, most: int) -> list[Part]:
    """The parts that ``count`` hosts have, of which ``most`` are never exceeded."""
    return [part for part in (Part(number, most) for number in range(1, most + 1)) if part.numbers(count)]


def parse_part(text: str) -> Part:
    """``1/2``: the first of two. Raises ValueError."""
    number, _, of = text.partition("/")
    part = Part(int(number), int(of))
    if not 1 <= part.number <= part.of:
        raise ValueError(f"{text!r} is not a part: 1/2 is the first of two")
    return part
