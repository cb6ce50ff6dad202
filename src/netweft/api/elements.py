"""Handles each element of a request: no element is ignored silently.

Every element of every type that a request may carry is in one of these places (a test walks them all):

``stored``: stored or executed, and shown in answers. ``derived``: computed; clients send it back as they read it, and
it changes nothing. ``fixed``: it has one value here; a request with another one is refused by the element's name.
``ignored``: accepted without effect, and named in decision 6. ``collections``: what has an address of its own, where it
is changed: entities, and of a network in a cluster the network itself. An entity inside of an entity is a reference, of
which only id and name count.

Elements that oVirt supports and Netweft does not (``FOREIGN``) are refused by name as well, unless they request nothing
(empty or ``false``); so are those of network providers (``OF_PROVIDERS``). Elements unknown to oVirt are ignored, as
there.
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
    """The names of a type's elements that oVirt or network providers support and Netweft does not."""
    return frozenset(FOREIGN.get(kind, "").split()) | OF_PROVIDERS.get(kind, {}).keys()


def refuse_foreign(kind: type[Value], name: str, where: str, texts: Iterable[str]) -> None:
    """Refuse an unsupported element of oVirt or a provider unless it requests nothing. ``texts``: those in it.

    Raises ValidationError.
    """
    nothing = {"", OF_PROVIDERS.get(kind, {}).get(name, "false")}
    if any(text.strip().lower() not in nothing for text in texts):
        check(_REFUSED, fields.element_is_known(f"{where}.{name}"))


def is_part(owner: type[Value], one: Field) -> bool:
    """Whether a field holds a part of its owner rather than a reference."""
    return one.struct is not None and (owner is types.Action or not issubclass(one.struct, Entity))


def is_stored(kind: type[Value], one: Field) -> bool:
    """Whether a field of a type is stored or executed, at least in part."""
    declared = ELEMENTS.get(kind)
    return declared is None or any(path.partition(".")[0] == one.name for path in declared.stored.split())


def is_emptied(kind: type[Value], one: Field) -> bool:
    """Whether an empty element removes the present value."""
    is_text = one.kind == "text" and not one.choices
    return one.many or is_text or one.is_removable or one.name in EMPTIED.get(kind, "").split()


def check_body(body: Value, action: str = "") -> None:
    """Refuse unsupported elements and values. ``action``: the name of the action whose body it is. Raises
    ValidationError, which names the element.
    """
    if isinstance(body, types.Action):
        _check_action(body, action)
        return
    declared = ELEMENTS.get(type(body))
    for path, only in declared.fixed.items() if declared else ():
        _check_fixed(body.meta.tag, path, only, body)


def _check_fixed(tag: str, path: str, only: str, body: Value) -> None:
    for value in values_at(body, path):
        if value not in {"", only}:
            check(_REFUSED, fields.element_is_fixed(f"{tag}.{path}", value, only))


def values_at(value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - a value of any type, or a list of them
    """The values at a path, as text; of a reference its id or name."""
    if value is UNSET:
        return
    if isinstance(value, list):
        for one in value:
            yield from values_at(one, path)
    elif path:
        name, _, rest = path.partition(".")
        one = fields_by_name(value.__class__)[name]
        content = getattr(value, one.attribute)
        if one.struct is None and content is not UNSET:
            yield from map(WRITE[one.kind], content if one.many else [content])
        elif content is not UNSET:
            yield from values_at(content, rest)
    elif isinstance(value, Entity):
        yield from (str(text) for text in (value.id, value.name) if text is not UNSET)


def _check_action(body: types.Action, action: str) -> None:
    accepted = f"{EVERY_ACTION} {ACTION_IGNORED} {ACTIONS.get(action, '')}".split()
    for field in fields_of(types.Action):
        value = getattr(body, field.attribute)
        if field.name not in accepted and value not in (UNSET, False, []):
            check(_REFUSED, fields.element_is_known(f"action.{field.name}"))
    for one in (*or_default(body.modified_network_attachments, []), *or_default(body.modified_bonds, [])):
        check_body(one)
    for path, only in ACTION_FIXED.get(action, {}).items():
        _check_fixed("action", path, only, body)
    part, supported = ACTION_PARTS.get(action, ("", ""))
    if part and (value := getattr(body, part)) is not UNSET:
        for path in named_paths(value):
            if not is_within(path, supported):
                check(_REFUSED, fields.element_is_known(f"action.{part}.{path}"))


def is_within(path: str, paths: str) -> bool:
    """Whether a path is one of those in a string, or below one of them."""
    return any(path == one or path.startswith(f"{one}.") for one in paths.split())


def named_paths(value: Any, before: str = "") -> Iterator[str]:  # noqa: ANN401 - a value of any type
    """The paths of all fields that are set; a reference or a list is one."""
    for one in fields_of(value.__class__):
        content = getattr(value, one.attribute)
        if content is UNSET:
            continue
        if is_part(type(value), one) and not one.many:
            yield from named_paths(content, f"{before}{one.name}.")
        else:
            yield f"{before}{one.name}"
