"""``follow=nics.vnic_profile,permissions``: entities that an answer only points to, put in their place.

A noun registers loaders, which fetch for all entities of an answer at once, so that the number of queries does not grow
with it. Where there is none, the endpoint behind each link is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from netweft.api.routes import Call
from netweft.api.schema import Entity, Field, Value, link_field
from netweft.core.errors import MalformedError, NetweftError
from netweft.engine.db import Tx

DEPTH_MAX = 4
"""Links in one chain; oVirt's clients use two."""

Load = Callable[[Tx, Call[Any], Sequence[str]], Mapping[str, Any]]
"""Given ids, the entity (of a type) or the list of entities (of a sub-collection) for each; ids of which nothing is
known or may be seen are left out.
"""

_OF_TYPE: dict[type[Value], Load] = {}
_OF_LINK: dict[tuple[type[Value], str], Load] = {}


F = TypeVar("F", bound=Load)


def loads(kind: type[Entity]) -> Callable[[F], F]:
    """Register how entities of a type are loaded by their ids."""

    def register(load: F) -> F:
        _OF_TYPE[kind] = load
        return load

    return register


def loads_link(kind: type[Entity], attribute: str) -> Callable[[F], F]:
    """Register how a sub-collection is loaded by the ids of the entities that have it."""

    def register(load: F) -> F:
        _OF_LINK[kind, attribute] = load
        return load

    return register


def follow(call: Call[Any], kind: type[Value], values: Sequence[Value], text: str) -> None:
    """Fill in what ``text`` asks for. Raises MalformedError for a name that the type does not have."""
    tree: dict[str, Any] = {}
    for chain in text.split(","):
        branch = tree
        names = [name.strip() for name in chain.split(".") if name.strip()]
        if len(names) > DEPTH_MAX:
            raise MalformedError(f"follow: '{chain[:100]}' has more than {DEPTH_MAX} names.")
        for name in names:
            branch = branch.setdefault(name, {})
    _follow(call, kind, values, tree)


def _follow(call: Call[Any], kind: type[Value], values: Sequence[Value], tree: Mapping[str, Any]) -> None:
    for name, deeper in tree.items():
        field = link_field(kind, name)
        if field is None or field.struct is None:
            raise MalformedError(f"follow: {kind.meta.tag} has no link '{name[:60]}'.")
        found = _fill_list(call, kind, values, field) if field.many else _fill_one(call, values, field, field.struct)
        _follow(call, field.struct, found, deeper)


def _fill_one(call: Call[Any], values: Sequence[Value], field: Field, target: type[Value]) -> list[Value]:
    """Replace references by what they refer to; those that cannot be seen stay references."""
    references = {str(ref.id): ref for value in values if isinstance(ref := getattr(value, field.attribute), Entity)}
    load = _OF_TYPE.get(target)
    if load is None:
        loaded = {key: entity for key, ref in references.items() if (entity := _get(call, str(ref.href))) is not None}
    else:
        with call.read() as tx:
            loaded = dict(load(tx, call, list(references)))
    for value in values:
        reference = getattr(value, field.attribute)
        if isinstance(reference, Entity) and reference.id in loaded:
            setattr(value, field.attribute, loaded[reference.id])
    return list(loaded.values())


def _fill_list(call: Call[Any], kind: type[Value], values: Sequence[Value], field: Field) -> list[Value]:
    owners = {str(value.id): value for value in values if isinstance(value, Entity)}
    rel = field.name.replace("_", "")
    load = _OF_LINK.get((kind, field.attribute))
    if rel not in kind.meta.rels and load is None:
        return [item for value in owners.values() for item in (getattr(value, field.attribute) or [])]
    if load is None:
        loaded = {key: _get(call, f"{owner.href}/{rel}") or [] for key, owner in owners.items()}
    else:
        with call.read() as tx:
            loaded = dict(load(tx, call, list(owners)))
    for key, owner in owners.items():
        setattr(owner, field.attribute, loaded.get(key, []))
    return [item for key in owners for item in loaded.get(key, [])]


def _get(call: Call[Any], href: str) -> Any:  # noqa: ANN401 (whatever the endpoint behind the link gives)
    try:
        return call.sub_get(href)
    except NetweftError as error:
        if error.status in {403, 404}:
            return None
        raise
