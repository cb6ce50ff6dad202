"""Handles each element of a request: no element is ignored silently.

Every element of every type that a request may carry is in one of these places (a test walks them all):

``stored``: kept or done, and shown again. ``derived``: told by something else; clients send it back as they read it,
and it changes nothing. ``fixed``: it has one value here; a request with another one is refused by the element's name.
``ignored``: read and left, and named in decision 6. ``collections``: entities with addresses of their own, which are
changed there. An entity inside of an entity is a reference, of which only id and name count.

What oVirt has and Netweft has not (``FOREIGN``) is refused by its name as well, unless it asks for nothing (it is empty
or ``false``), and so is what providers of networks have of them (``OF_PROVIDERS``). Other elements that not even oVirt
has are ignored, as there.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import UNSET

from netweft.api import types
from netweft.api.element_table import (
    ACTION_FIXED,
    ACTION_IGNORED,
    ACTION_PARTS,
    ACTIONS,
    ELEMENTS,
    EMPTIED,
    EVERY_ACTION,
    FOREIGN,
    OF_PROVIDERS,
)
from netweft.api.scalars import WRITE
from netweft.api.schema import Entity, Field, Value, fields_by_name, fields_of, or_default
from netweft.core.rules import check, fields

_REFUSED = "The request is refused."


@functools.cache
def foreign_to(kind: type[Value]) -> frozenset[str]:
    """The names that oVirt, or providers of networks, have for a type and Netweft has not."""
    return frozenset(FOREIGN.get(kind, "").split()) | OF_PROVIDERS.get(kind, {}).keys()


def refuse_foreign(kind: type[Value], name: str, where: str, said: Iterable[str]) -> None:
    """Refuse an element that others have and Netweft has not, unless it asks for nothing. ``said``: the texts in it.

    Raises ValidationError.
    """
    nothing = {"", OF_PROVIDERS.get(kind, {}).get(name, "false")}
    if any(text.strip().lower() not in nothing for text in said):
        check(_REFUSED, fields.element_is_known(f"{where}.{name}"))


def is_part(owner: type[Value], one: Field) -> bool:
    """Whether a field holds a part of what is asked for, and no reference."""
    return one.struct is not None and (owner is types.Action or not issubclass(one.struct, Entity))


def is_stored(kind: type[Value], one: Field) -> bool:
    """Whether what a request says of a field of a type is done or kept; a part of an entity is, as far as it is."""
    known = ELEMENTS.get(kind)
    return known is None or any(path.partition(".")[0] == one.name for path in known.stored.split())


def is_emptied(kind: type[Value], one: Field) -> bool:
    """Whether an empty element takes away what there is."""
    is_text = one.kind == "text" and not one.choices
    return one.many or is_text or one.is_removable or one.name in EMPTIED.get(kind, "").split()


def check_body(body: Value, action: str = "") -> None:
    """Refuse a request that asks for what it will not get. ``action``: the name of the action that it is the body of.
    Raises ValidationError, which names the element.
    """
    if isinstance(body, types.Action):
        _check_action(body, action)
        return
    known = ELEMENTS.get(type(body))
    for path, only in known.fixed.items() if known else ():
        _check_fixed(body.meta.tag, path, only, body)


def _check_fixed(tag: str, path: str, only: str, body: Value) -> None:
    for said in values_at(body, path):
        if said not in {"", only}:
            check(_REFUSED, fields.element_is_fixed(f"{tag}.{path}", said, only))


def values_at(value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - a value of any type, or a list of them
    """What is said at a path, as it is written; of a reference its id or name."""
    if value is UNSET:
        return
    if isinstance(value, list):
        for one in value:
            yield from values_at(one, path)
    elif path:
        name, _, rest = path.partition(".")
        one = fields_by_name(value.__class__)[name]
        said = getattr(value, one.attribute)
        if one.struct is None and said is not UNSET:
            yield from map(WRITE[one.kind], said if one.many else [said])
        elif said is not UNSET:
            yield from values_at(said, rest)
    elif isinstance(value, Entity):
        yield from (str(said) for said in (value.id, value.name) if said is not UNSET)


def _check_action(body: types.Action, action: str) -> None:
    taken = f"{EVERY_ACTION} {ACTION_IGNORED} {ACTIONS.get(action, '')}".split()
    for field in fields_of(types.Action):
        said = getattr(body, field.attribute)
        if field.name not in taken and said not in (UNSET, False, []):
            check(_REFUSED, fields.element_is_known(f"action.{field.name}"))
    for one in (*or_default(body.modified_network_attachments, []), *or_default(body.modified_bonds, [])):
        check_body(one)
    for path, only in ACTION_FIXED.get(action, {}).items():
        _check_fixed("action", path, only, body)
    part, known = ACTION_PARTS.get(action, ("", ""))
    if part and (said := getattr(body, part)) is not UNSET:
        for path in named_paths(said):
            if not is_within(path, known):
                check(_REFUSED, fields.element_is_known(f"action.{part}.{path}"))


def is_within(path: str, paths: str) -> bool:
    """Whether a path is one of those in a string, or below one of them."""
    return any(path == one or path.startswith(f"{one}.") for one in paths.split())


def named_paths(value: Any, before: str = "") -> Iterator[str]:  # noqa: ANN401 - a value of any type
    """The paths of all that a value says; a reference or a list is one."""
    for one in fields_of(value.__class__):
        said = getattr(value, one.attribute)
        if said is UNSET:
            continue
        if is_part(type(value), one) and not one.many:
            yield from named_paths(said, f"{before}{one.name}.")
        else:
            yield f"{before}{one.name}"
