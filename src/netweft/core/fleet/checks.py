"""What is wrong with a file for the fleet as it is. All of it is found before anything is done."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from netweft.core.fleet.changes import Change, gone
from netweft.core.fleet.items import Fleet, Key, Values, above, referred
from netweft.core.fleet.nouns import BY_NAME
from netweft.core.fleet.values import Mistake


def mistakes_in(current: Fleet, desired: Fleet, *, prune: bool = False) -> list[Mistake]:
    """What is wrong with a file for the fleet as it is: what cannot be changed, what is needed to add something, and
    names of what is not there.
    """
    left = current.things.keys() - gone(current, desired) if prune else current.things.keys()
    there = left | desired.things.keys()
    found: list[Mistake] = []
    for key, values in desired.things.items():
        found += _field_mistakes(key, current.things.get(key), values, desired)
        found += _reference_mistakes(key, current, desired, there)
    found += (mistake for key in there - desired.things.keys() for mistake in _stranded(key, current, there))
    return found


def _stranded(key: Key, current: Fleet, there: Collection[Key]) -> Iterator[Mistake]:
    """What stays as it is and would refer to what is removed."""
    for field, target in _references(key, current.things[key]):
        if target in current.things and target not in there:
            text = f"{target[0]} {target[1][-1]} would be removed, and {key[0]} {'/'.join(key[1])} has it as {field}."
            yield Mistake((), text)


def _references(key: Key, values: Values) -> Iterator[tuple[str, Key]]:
    """The fields of a thing that name another one, and which."""
    for one in BY_NAME[key[0]].fields:
        if one.refers and (value := values.get(one.name)) is not None:
            yield one.name, referred(key, one.refers, value)


def _field_mistakes(key: Key, before: Values | None, values: Values, desired: Fleet) -> Iterator[Mistake]:
    noun, place = BY_NAME[key[0]], desired.places[key]
    for one in noun.fields:
        if before is None:
            if one.needed and values.get(one.name) is None:
                yield Mistake(place, f"There is no {noun.name} {key[1][-1]} yet, and '{one.name}' is needed to add it.")
        elif one.only_add and one.name in values and not one.is_secret and before.get(one.name) != values[one.name]:
            text = (
                f"This is {before.get(one.name) or 'nothing'} now, and cannot be changed. Remove the {noun.name} first."
            )
            yield Mistake((*place, one.name), text)


def _reference_mistakes(key: Key, current: Fleet, desired: Fleet, there: Collection[Key]) -> Iterator[Mistake]:
    """Names of what is not there, but for those that are in the fleet already: a host may carry a network that its
    cluster no longer has.
    """
    place, kept = desired.places[key], {one for one in _all_references(key, current) if one not in current.things}
    for field, target in _references(key, desired.things[key]):
        if target not in there and target not in kept:
            yield Mistake((*place, field), f"There is no {target[0]} {target[1][-1]}.")
    own = _own_reference(key, current, desired)
    if own is not None and own not in there and own not in kept:
        yield Mistake(place, f"There is no network {own[1][-1]} in {_HOLDERS[own[0]]} {own[1][0]}.")


def waits_for(change: Change, current: Fleet, desired: Fleet) -> Key | None:
    """Something that a change needs and that is not there yet; None where it can be made at once."""
    for one in change.parts or (change,):
        key = one.noun, one.names
        values = {each.path[0]: each.after for each in one.differences}
        needed = [target for _, target in _references(key, values)]
        needed += [other for other in (above(key), _own_reference(key, current, desired)) if other]
        missing = next((other for other in needed if other not in current.things), None)
        if missing and one.action != "remove":
            return missing
    return None


_HOLDERS = {"network": "data centre", "cluster network": "cluster"}


def _all_references(key: Key, current: Fleet) -> Iterator[Key]:
    """What a thing that is there refers to."""
    if key in current.things:
        yield from (target for _, target in _references(key, current.things[key]))
        if (own := _own_reference(key, current, current)) is not None:
            yield own


def _own_reference(key: Key, current: Fleet, desired: Fleet) -> Key | None:
    """The network that a network of a cluster refers to, or the cluster's network that an attachment of a host refers
    to; None for other objects, and where the holder names no data centre or cluster.
    """
    refers = BY_NAME[key[0]].refers
    if not refers:
        return None
    noun, field = ("cluster", "data_center") if refers == "network" else ("host", "cluster")
    holder = noun, key[1][:1]
    held: Values = {**current.things.get(holder, {}), **desired.things.get(holder, {})}
    return (refers, (held[field], key[1][1])) if held.get(field) else None
