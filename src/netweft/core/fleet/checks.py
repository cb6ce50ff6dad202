"""What is wrong with a file for the fleet as it is. All of it is found before anything is done."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from netweft.core.fleet.changes import gone
from netweft.core.fleet.items import Fleet, Key, Values
from netweft.core.fleet.nouns import BY_NAME, Field
from netweft.core.fleet.values import Mistake


def mistakes_in(current: Fleet, wanted: Fleet, *, prune: bool = False) -> list[Mistake]:
    """What is wrong with a file for the fleet as it is: what cannot be changed, what is needed to add something, and
    names of what is not there.
    """
    left = current.things.keys() - gone(current, wanted) if prune else current.things.keys()
    there = left | wanted.things.keys()
    found: list[Mistake] = []
    for key, values in wanted.things.items():
        found += _field_mistakes(key, current.things.get(key), values, wanted)
        found += _reference_mistakes(key, values, current, wanted, there)
    found += (mistake for key in there - wanted.things.keys() for mistake in _stranded(key, current, there))
    return found


def _stranded(key: Key, current: Fleet, there: Collection[Key]) -> Iterator[Mistake]:
    """What stays as it is and would refer to what is removed."""
    for one, target in _references(key, current.things[key]):
        if target not in there:
            text = f"{one.refers} {target[1][-1]} would be removed, and {key[0]} {'/'.join(key[1])} has it."
            yield Mistake((), text)


def _references(key: Key, values: Values) -> Iterator[tuple[Field, Key]]:
    """The fields of a thing that name another one, and which."""
    for one in BY_NAME[key[0]].fields:
        if one.refers and (value := values.get(one.name)) is not None:
            yield one, referred(key, one.refers, value)


def _field_mistakes(key: Key, before: Values | None, values: Values, wanted: Fleet) -> Iterator[Mistake]:
    noun, place = BY_NAME[key[0]], wanted.places[key]
    for one in noun.fields:
        if before is None:
            if one.needed and values.get(one.name) is None:
                yield Mistake(place, f"There is no {noun.name} {key[1][-1]} yet, and '{one.name}' is needed to add it.")
        elif one.only_add and one.name in values and not one.is_secret and before.get(one.name) != values[one.name]:
            text = (
                f"This is {before.get(one.name) or 'nothing'} now, and cannot be changed. Remove the {noun.name} first."
            )
            yield Mistake((*place, one.name), text)


def _reference_mistakes(
    key: Key, values: Values, current: Fleet, wanted: Fleet, there: Collection[Key]
) -> Iterator[Mistake]:
    noun, place = BY_NAME[key[0]], wanted.places[key]
    for one, target in _references(key, values):
        if target not in there:
            yield Mistake((*place, one.name), f"There is no {one.refers} {target[1][-1]}.")
    scope = _scope(key, noun.refers, current, wanted) if noun.refers else None
    if scope is not None and (noun.refers, (scope, key[1][1])) not in there:
        yield Mistake(place, f"There is no network {key[1][1]} in {_HOLDERS[noun.refers]} {scope}.")


_HOLDERS = {"network": "data centre", "cluster network": "cluster"}


def _scope(key: Key, refers: str, current: Fleet, wanted: Fleet) -> str | None:
    """What has the things of which a thing is named as one: the data centre of its cluster, or the cluster of its host.
    None where that is not said.
    """
    noun, field = ("cluster", "data_center") if refers == "network" else ("host", "cluster")
    holder = noun, key[1][:1]
    held: Values = {**current.things.get(holder, {}), **wanted.things.get(holder, {})}
    return held.get(field)


def referred(key: Key, noun: str, value: Any) -> Key:  # noqa: ANN401 -- what a field holds
    """The thing that a field of a thing names: in its data centre where such things are in one."""
    if noun == "profile":
        return noun, (key[1][0], value["network"], value["profile"])
    return noun, (key[1][0], value) if noun in {"qos", "network"} else (value,)
