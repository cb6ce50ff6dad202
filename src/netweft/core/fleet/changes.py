"""The changes that make a fleet match its file."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from netweft.core.fleet.host_nouns import HOST_NOUNS
from netweft.core.fleet.items import Fleet, Key, Values, above, referred
from netweft.core.fleet.nouns import BY_NAME, RANK

Action: TypeAlias = Literal["add", "change", "remove"]
HOST_NETWORKS: Final = "host networks"
"""What the bonds, labels and attachments of one host are together: they change in one transaction of the host."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that changes from ``before`` to ``after``. ``path``: its name, and before that the path of its object."""

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
        """The name of the object for users."""
        return "/".join(self.names)


def changes(current: Fleet, desired: Fleet, *, prune: bool = False) -> tuple[Change, ...]:
    """The changes, in an order that works: what others refer to first, and removals last, in reverse. ``prune``:
    objects that the fleet has and the file lacks, in a collection that the file names, are removed.
    """
    left = gone(current, desired) if prune else frozenset[Key]()
    freed = _freed(current, desired, left)
    before = {**current.things, **{key: {**current.things[key], "failover": None} for key in freed}}
    again = {key: {"failover": freed[key], **desired.things.get(key, {})} for key in freed if key not in left}
    made = [_made(key, before.get(key), values) for key, values in {**desired.things, **again}.items()]
    ordered = sorted((one for one in made if one), key=_order)
    removals = [
        Change("remove", *key)
        for key in sorted(left, key=lambda key: (-RANK[key[0]], key[1]))
        if not is_within(key, left)  # goes with what it is in
    ]
    return (
        *(Change("change", *key, (Difference(("failover",), freed[key], None),)) for key in sorted(freed)),
        *(one for one in ordered if one.noun not in HOST_NOUNS),
        *_by_host([*ordered, *removals]),
        *(one for one in removals if one.noun not in HOST_NOUNS),
    )


def _freed(current: Fleet, desired: Fleet, left: Collection[Key]) -> dict[Key, Any]:
    """The failovers of profiles that lose theirs for a while, because the failover profile changes or is removed: oVirt
    neither changes nor removes a profile that is a failover. Profiles that are removed with their network need nothing.
    """
    found = {}
    for key, values in current.things.items():
        failover = values.get("failover") if key[0] == "profile" else None
        if not failover:
            continue
        other = referred(key, "profile", failover)
        is_changed = other in current.things and _made(other, current.things[other], desired.things.get(other, {}))
        goes_with_it = above(key) == above(other) and above(key) in left
        if is_changed or (other in left and not goes_with_it):
            found[key] = failover
    return found


def _made(key: Key, before: Values | None, desired: Values) -> Change | None:
    """What adds or changes a thing; None where nothing is to be done. Secrets go along, and are no reason."""
    fields = [one for one in BY_NAME[key[0]].fields if one.name in desired]
    if before is None:
        return Change("add", *key, tuple(Difference((one.name,), None, desired[one.name]) for one in fields))
    found = tuple(
        Difference((one.name,), before.get(one.name), desired[one.name])
        for one in fields
        if not one.is_secret and before.get(one.name) != desired[one.name]
    )
    secrets = [one for one in fields if one.is_secret and not one.only_add]
    all_differences = (*found, *(Difference((one.name,), None, desired[one.name]) for one in secrets))
    return Change("change", *key, all_differences) if found else None


def _order(change: Change) -> tuple[Any, ...]:
    """Roles are given to their new network before the old one loses them, and what refers to another object of its noun
    comes after those that do not.
    """
    after = {one.path[0]: one.after for one in change.differences}
    is_second = bool(after.get("failover") or after.get("physical_network"))
    return RANK[change.noun], change.names[:1], is_second, not after.get("roles")


def gone(current: Fleet, desired: Fleet) -> frozenset[Key]:
    """What a file with ``--prune`` has removed, with all that is in it."""
    named = {
        key for key in current.things if key not in desired.things and (key[0], key[1][:-1]) in desired.collections
    }
    return frozenset(key for key in current.things if key in named or is_within(key, named))


def is_within(key: Key, holders: Collection[Key]) -> bool:
    """Whether an object is inside one of others."""
    holder = above(key)
    return holder is not None and (holder in holders or is_within(holder, holders))


def _by_host(found: list[Change]) -> list[Change]:
    parts: dict[str, list[Change]] = {}
    for one in found:
        if one.noun in HOST_NOUNS:
            parts.setdefault(one.names[0], []).append(one)
    return [
        Change("change", HOST_NETWORKS, (host,), tuple(_differences(of_host)), tuple(of_host))
        for host, of_host in sorted(parts.items())
    ]


def _differences(parts: list[Change]) -> Iterator[Difference]:
    """The differences of the parts of a host's networking, each below its part."""
    for one in parts:
        path = (BY_NAME[one.noun].key, one.names[1])
        if one.action == "remove":
            yield Difference(path, "there", None)
        yield from (Difference((*path, *each.path), each.before, each.after) for each in one.differences)
