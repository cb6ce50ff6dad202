"""Properties of the file of a fleet, over random fleets."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.strategies import sources
from fleet_files import add_random, new_fleet
from netweft.core.fleet.changes import Change, changes
from netweft.core.fleet.checks import mistakes_in, waits_for
from netweft.core.fleet.items import Fleet, Key, above, flatten, nest, referred, shape_mistakes
from netweft.core.fleet.nouns import BY_NAME

fleets = sources.map(lambda random: add_random(new_fleet(3), random))


def parts(change: Change) -> tuple[Change, ...]:
    return change.parts or (change,)


def done(things: dict[Key, Any], change: Change) -> dict[Key, Any]:
    """The things after a change, which must find what it refers to."""
    after = dict(things)
    for one in parts(change):
        key = one.noun, one.names
        if one.action == "remove" or (one.action == "change" and one.noun == "profile"):
            assert not _fall_back_to(after, key), "nobody's failover is changed or removed"
        if one.action == "remove":
            after = {other: values for other, values in after.items() if not _is_in(other, key)}
            continue
        assert (key in after) == (one.action == "change")
        holder = above(key)
        assert holder is None or holder in after
        values = {difference.path[0]: difference.after for difference in one.differences}
        for field in BY_NAME[one.noun].fields:
            if field.refers and values.get(field.name) is not None:
                assert referred(key, field.refers, values[field.name]) in after
        after[key] = {**after.get(key, {}), **values}
    return after


def _fall_back_to(things: dict[Key, Any], key: Key) -> list[Key]:
    """The profiles whose failover is this one, or one in it; but for those that are in it themselves."""
    pairs = [(one, values["failover"]) for one, values in things.items() if values.get("failover")]
    return [
        one
        for one, failover in pairs
        if _is_in(referred(one, "profile", failover), key) and (key[0] == "profile" or not _is_in(one, key))
    ]


def _is_in(key: Key | None, holder: Key) -> bool:
    return key is not None and (key == holder or _is_in(above(key), holder))


def made(things: dict[Key, Any], found: tuple[Change, ...]) -> dict[Key, Any]:
    for change in found:
        things = done(things, change)
    return things


@given(fleets)
def test_the_exported_file_is_valid_and_equals_the_fleet(tree: dict[str, Any]) -> None:
    assert shape_mistakes(tree) == []
    desired = flatten(tree)
    assert nest(desired.things) == tree
    assert mistakes_in(desired, desired) == []
    assert changes(desired, desired) == changes(desired, desired, prune=True) == ()


@given(fleets, fleets)
def test_any_fleet_becomes_any_other_in_an_order_that_works(first: dict[str, Any], second: dict[str, Any]) -> None:
    current, desired = flatten(first), flatten(second)
    things = dict(current.things)
    for change in changes(current, desired, prune=True):
        assert waits_for(change, Fleet(things), desired) is None
        things = done(things, change)
    after = things
    assert after == desired.things
    assert nest(after) == second


@given(fleets, fleets, st.integers(0, 60))
def test_what_was_stopped_goes_on(first: dict[str, Any], second: dict[str, Any], when: int) -> None:
    current, desired = flatten(first), flatten(second)
    begun = made(dict(current.things), changes(current, desired, prune=True)[:when])
    assert made(begun, changes(Fleet(begun), desired, prune=True)) == desired.things


def _is_fixed(key: Key, name: str) -> bool:
    """Whether a field says what need not be there in another fleet, or cannot be changed."""
    field = BY_NAME[key[0]].field(name)
    return bool(field.refers) or field.only_add


@given(fleets, fleets, sources)
def test_a_part_of_a_file_changes_only_what_it_names(
    first: dict[str, Any], second: dict[str, Any], random: Random
) -> None:
    """Without ``--prune`` nothing is removed, and with it nothing where no collection is named."""
    current, whole = flatten(first), flatten(second)
    things = {
        key: {name: values[name] for name in values if not _is_fixed(key, name) and random.random() < 0.5}
        for key, values in whole.things.items()
        if key in current.things
    }
    part = Fleet(things, frozenset(), whole.places)
    assert mistakes_in(current, part) == []
    found = changes(current, part)
    assert found == changes(current, part, prune=True)
    assert made(dict(current.things), found) == {
        key: {**values, **things.get(key, {})} for key, values in current.things.items()
    }
