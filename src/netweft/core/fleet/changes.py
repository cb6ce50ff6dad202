"""What there is to do for a fleet to be as its file says."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from netweft.core.fleet.items import Fleet, Key, Values, above
from netweft.core.fleet.nouns import BY_NAME, HOST_NOUNS, RANK, Field
from netweft.core.fleet.values import Mistake

Action: TypeAlias = Literal["add", "change", "remove"]
HOST_NETWORKS: Final = "host networks"
"""What the bonds, labels and attachments of one host are together: they change in one transaction of the host."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is to hold ``after`` instead of ``before``. ``path``: its name, and before that what it is of."""

    path: tuple[str, ...]
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do. ``names``: of what the thing is in, and its own. ``parts``: what a change of a host's networking
    is made of.
    """

    action: Action
    noun: str
    names: tuple[str, ...]
    differences: tuple[Difference, ...] = ()
    parts: tuple[Change, ...] = ()

    @property
    def name(self) -> str:
        """What people call the thing."""
        return "/".join(self.names)


def changes(current: Fleet, wanted: Fleet, *, prune: bool = False) -> tuple[Change, ...]:
    """What to do, in an order that works: what others refer to first, and removals last, in reverse. ``prune``: what a
    collection has that the file names, and the file has not, is removed.
    """
    made = [_made(key, current.things.get(key), values) for key, values in wanted.things.items()]
    ordered = sorted((one for one in made if one), key=_order)
    gone = sorted(_gone(current, wanted), key=lambda key: (-RANK[key[0]], key[1])) if prune else []
    removals = [Change("remove", *key) for key in gone]
    return (
        *(one for one in ordered if one.noun not in HOST_NOUNS),
        *_by_host([*ordered, *removals]),
        *(one for one in removals if one.noun not in HOST_NOUNS),
    )


def _made(key: Key, before: Values | None, wanted: Values) -> Change | None:
    """What adds or changes a thing; None where nothing is to be done. Secrets go along, and are no reason."""
    held = before or {}
    fields = [
        one for one in BY_NAME[key[0]].fields if one.name in wanted and not (before is not None and _is_kept(one))
    ]
    found = tuple(
        Difference((one.name,), None if one.is_secret else held.get(one.name), wanted[one.name])
        for one in fields
        if before is None or one.is_secret or held.get(one.name) != wanted[one.name]
    )
    if before is not None and all(BY_NAME[key[0]].field(one.path[0]).is_secret for one in found):
        return None
    return Change("add" if before is None else "change", *key, found)


def _is_kept(one: Field) -> bool:
    return one.is_secret and one.only_add


def _order(change: Change) -> tuple[Any, ...]:
    """Roles are taken before they are given up, and what a profile falls back to is there before it."""
    after = {one.path[0]: one.after for one in change.differences}
    return RANK[change.noun], change.names[:1], bool(after.get("failover")), not after.get("roles")


def _gone(current: Fleet, wanted: Fleet) -> Iterator[Key]:
    """What is to be removed; what is in something that is removed goes with it."""
    removed = {
        key for key in current.things if key not in wanted.things and (key[0], key[1][:-1]) in wanted.collections
    }
    return (key for key in removed if not _is_below(key, removed))


def _is_below(key: Key, removed: Collection[Key]) -> bool:
    holder = above(key)
    return holder is not None and (holder in removed or _is_below(holder, removed))


def _by_host(found: list[Change]) -> list[Change]:
    parts: dict[str, list[Change]] = {}
    for one in found:
        if one.noun in HOST_NOUNS:
            parts.setdefault(one.names[0], []).append(one)
    return [
        Change("change", HOST_NETWORKS, (host,), tuple(_told(of_host)), tuple(of_host))
        for host, of_host in sorted(parts.items())
    ]


def _told(parts: list[Change]) -> Iterator[Difference]:
    """The differences of the parts of a host's networking, each below its part."""
    for one in parts:
        path = (BY_NAME[one.noun].key, one.names[1])
        if one.action == "remove":
            yield Difference(path, "there", None)
        yield from (Difference((*path, *each.path), each.before, each.after) for each in one.differences)


def mistakes_in(current: Fleet, wanted: Fleet, *, prune: bool = False) -> list[Mistake]:
    """What is wrong with a file for the fleet as it is: what cannot be changed, what is needed to add something, and
    names of what is not there.
    """
    gone = set(_gone(current, wanted)) if prune else set[Key]()
    there = {key for key in current.things if key not in gone and not _is_below(key, gone)} | wanted.things.keys()
    found: list[Mistake] = []
    for key, values in wanted.things.items():
        found += _field_mistakes(key, current.things.get(key), values, wanted)
        found += _reference_mistakes(key, values, current, wanted, there)
    return found


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
    for one in noun.fields:
        if one.refers and (value := values.get(one.name)) is not None:
            target = referred(key, one.refers, value)
            if target not in there:
                yield Mistake((*place, one.name), f"There is no {one.refers} {target[1][-1]}.")
    if noun.refers:
        holder = key[1][0]
        within = _held(("cluster" if noun.refers == "network" else "host", (holder,)), current, wanted)
        scope = within.get("data_center" if noun.refers == "network" else "cluster")
        if scope is not None and (noun.refers, (scope, key[1][1])) not in there:
            yield Mistake(place, f"There is no network {key[1][1]} in {_scope_word(noun.refers)} {scope}.")


def _scope_word(refers: str) -> str:
    return "data centre" if refers == "network" else "cluster"


def _held(key: Key, current: Fleet, wanted: Fleet) -> Values:
    return {**current.things.get(key, {}), **wanted.things.get(key, {})}


def referred(key: Key, noun: str, value: Any) -> Key:  # noqa: ANN401 -- what a field holds
    """The thing that a field of a thing names: in its data centre where such things are in one."""
    if noun == "profile":
        return noun, (key[1][0], value["network"], value["profile"])
    return noun, (key[1][0], value) if noun in {"qos", "network"} else (value,)
