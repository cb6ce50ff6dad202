"""Dealing out places of which there are few, so that as many as at all possible get one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping


def match(wanting: Iterable[str], places: Mapping[str, int], suits: Callable[[str, str], bool]) -> dict[str, str]:
    """An assignment of places to applicants, by applicant (maximum matching by Kuhn's algorithm).

    ``places``: the capacity of each place; ``suits``: whether an applicant (first) can have a place (second). Earlier
    applicants get the first place that suits, unless others then had none.
    """
    has: dict[str, list[str]] = {place: [] for place in places}

    def seat(one: str, tried: set[str]) -> bool:
        for place, others in has.items():
            if place in tried or not suits(one, place):
                continue
            tried.add(place)
            if len(others) < places[place]:
                others.append(one)
                return True
            for other in list(others):
                if seat(other, tried):
                    others[others.index(other)] = one
                    return True
        return False

    for one in wanting:
        seat(one, set())
    return {one: place for place, those in has.items() for one in those}
