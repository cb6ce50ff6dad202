"""The file of a fleet as a flat map of things, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from netweft.core.fleet.declare import Noun
from netweft.core.fleet.nouns import BY_NAME, NOUNS, RANK
from netweft.core.fleet.values import Mistake, Place, Schema, key_mistakes, schema_of

Key: TypeAlias = tuple[str, tuple[str, ...]]
"""A thing: its noun, and the names of what it is in and its own."""
Values: TypeAlias = Mapping[str, Any]
"""The values of an object's fields, in a normal form: equal values compare equal."""

VERSION_KEY, VERSION = "version", 1
"""The key with the version of the format, and the version that this program writes and reads."""
_SUBNET = "subnet"


@dataclass(frozen=True, slots=True)
class Fleet:
    """Things by their keys. ``collections``: the noun, and the names of what it is in, of each collection that the file
    names, which is all that ``--prune`` leaves there. ``places``: where each thing is in the file.
    """

    things: Mapping[Key, Values]
    collections: frozenset[Key] = frozenset()
    places: Mapping[Key, Place] = field(default_factory=dict)


def shape_mistakes(tree: Any) -> list[Mistake]:  # noqa: ANN401 -- what a file holds
    """What is wrong with a file, whatever the fleet is like: unknown keys, and values that none can be."""
    known = [VERSION_KEY, *(noun.key for noun in NOUNS)]
    found = list(key_mistakes(tree, (), known))
    if isinstance(tree, Mapping):
        if tree.get(VERSION_KEY, VERSION) != VERSION:
            found.append(Mistake((VERSION_KEY,), f"This program reads version {VERSION} of the file."))
        found += (mistake for noun in NOUNS for mistake in _collection_mistakes(noun, tree, ()))
    return found


def _collection_mistakes(noun: Noun, holder: Mapping[str, Any], place: Place) -> Iterator[Mistake]:
    if noun.key not in holder:
        return
    here, found = (*place, noun.key), holder[noun.key]
    if not isinstance(found, Mapping):
        yield Mistake(here, "This should be a mapping of names; {} for none.")
        return
    for name, thing in found.items():
        if thing is not None:
            yield from _thing_mistakes(noun, thing, (*here, name))


def _thing_mistakes(noun: Noun, thing: Any, place: Place) -> Iterator[Mistake]:  # noqa: ANN401 -- what a file holds
    yield from key_mistakes(thing, place, [*(one.name for one in noun.fields), *(one.key for one in noun.nouns)])
    if not isinstance(thing, Mapping):
        return
    for one in noun.fields:
        if one.name not in thing or (thing[one.name] is None and one.can_be_nothing):
            continue
        yield from one.kind.mistakes(thing[one.name], (*place, one.name))
    for inner in noun.nouns:
        yield from _collection_mistakes(inner, thing, place)


def flatten(tree: Mapping[str, Any]) -> Fleet:
    """The things in a file without mistakes of shape."""
    things: dict[Key, Values] = {}
    collections: set[Key] = set()
    places: dict[Key, Place] = {}

    def take(noun: Noun, holder: Mapping[str, Any], over: tuple[str, ...], place: Place) -> None:
        if noun.key not in holder:
            return
        collections.add((noun.name, over))
        for name, thing in holder[noun.key].items():
            key, here = (noun.name, (*over, name)), (*place, noun.key, name)
            things[key], places[key] = normal(noun.name, thing or {}), here
            for inner in noun.nouns:
                take(inner, thing or {}, key[1], here)

    for noun in NOUNS:
        take(noun, tree, (), ())
    return Fleet(things, frozenset(collections), places)


def normal(noun: str, values: Values) -> Values:
    """The values of an object's fields, in a normal form: equal values compare equal."""
    return {
        one.name: None if values[one.name] is None else one.kind.normal(values[one.name])
        for one in BY_NAME[noun].fields
        if one.name in values
    }


def nest(things: Mapping[Key, Values]) -> dict[str, Any]:
    """The file with these objects. Names are sorted, except those of subnets: subnets assign addresses in the order in
    which they were created.
    """
    tree: dict[str, Any] = {VERSION_KEY: VERSION, **{noun.key: {} for noun in NOUNS}}
    made: dict[Key, dict[str, Any]] = {}
    for key in sorted(things, key=_position):
        noun, over = BY_NAME[key[0]], above(key)
        holder = tree if over is None else made.get(over)
        if holder is not None:  # what it is in may not be seen by everybody who sees it
            fields = {one.name: things[key][one.name] for one in noun.fields if one.name in things[key]}
            made[key] = {**fields, **{inner.key: {} for inner in noun.nouns}}
            holder[noun.key][key[1][-1]] = made[key]
    return tree


def _position(key: Key) -> tuple[int, tuple[str, ...]]:
    noun, names = key
    return RANK[noun], names[:-1] if noun == _SUBNET else names


_HOLDERS = {inner.name: noun.name for noun in BY_NAME.values() for inner in noun.nouns}


def above(key: Key) -> Key | None:
    """What a thing is in; None at the top of the file."""
    noun, names = key
    return (_HOLDERS[noun], names[:-1]) if noun in _HOLDERS else None


def json_schema() -> Schema:
    """The file in the words of JSON Schema (draft 2020-12), for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A fleet of Netweft",
        "type": "object",
        "properties": {
            VERSION_KEY: {"description": "The version of the format.", "const": VERSION},
            **{noun.key: _collection_schema(noun) for noun in NOUNS},
        },
        "additionalProperties": False,
    }


def _collection_schema(noun: Noun) -> Schema:
    fields = {one.name: schema_of(one.kind, one.help, nothing=one.can_be_nothing) for one in noun.fields}
    properties = {**fields, **{inner.key: _collection_schema(inner) for inner in noun.nouns}}
    thing = {"type": ["object", "null"], "properties": properties, "additionalProperties": False}
    return {"description": noun.help, "type": "object", "additionalProperties": thing}


def referred(key: Key, noun: str, value: Any) -> Key:  # noqa: ANN401 -- what a field holds
    """The thing that a field of a thing names: in its data centre where such things are in one."""
    if noun == "profile":
        return noun, (key[1][0], value["network"], value["profile"])
    return noun, (key[1][0], value) if noun in {"qos", "network"} else (value,)
