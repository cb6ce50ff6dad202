"""JSON in both directions: oVirt's tree, in which every scalar is a string and every list is wrapped by the name of its
items.

Requests may also bring scalars and lists as JSON has them. Netweft's own endpoints answer in plain JSON
(:func:`write_plain`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

from netweft.api import elements
from netweft.api.scalars import TOO_LONG, WRITE, check_count, read_scalar
from netweft.api.schema import Entity, Field, Value, fields_by_name, fields_of, links_of
from netweft.api.types import Action
from netweft.core.errors import MalformedError

T = TypeVar("T")
WriteField = Callable[[Any, str], Any]

PLAIN_MAX = 256 * 1024
"""Octets of a request to one of Netweft's own endpoints; two thousand simulated hosts join in fewer."""


def write_entity(value: Value, base: str) -> bytes:
    """A document with one value."""
    return msgspec.json.encode(_tree(value, base))


def write_collection(kind: type[Value], values: list[Any], base: str) -> bytes:
    """A document with a list of one type: ``{"network": [...]}``, or ``{}`` when it is empty."""
    return msgspec.json.encode({kind.meta.tag: [_tree(value, base) for value in values]} if values else {})


def write_plain(value: object) -> bytes:
    """A value, or a list of values, with scalars and lists as JSON has them and without what is not set."""
    return msgspec.json.encode(value)


def read_plain(body: bytes, kind: type[T]) -> T:
    """A request to one of Netweft's own endpoints. Raises MalformedError, which names what is wrong."""
    if len(body) > PLAIN_MAX:
        raise MalformedError(f"The request has {len(body)} octets. Send at most {PLAIN_MAX}.", code=TOO_LONG)
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"The request is not understood: {_words_of(error)}") from error


_WORDS = {
    "`array`": "a list",
    "`bool`": "true or false",
    "`float`": "a number",
    "`int`": "a whole number",
    "`null`": "null",
    "`object`": "an object",
    "`str`": "a text",
    "`": "'",
}


def _words_of(error: Exception) -> str:
    """What a reader of JSON says, in JSON's words and not in Python's."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply."
    if isinstance(error, UnicodeDecodeError):
        return "it is not in UTF-8."
    text = str(error)
    for name, words in _WORDS.items():
        text = text.replace(name, words)
    return f"{text}."


def _tree(value: Value, base: str) -> dict[str, Any]:
    shape = _shape(type(value))
    items = astuple(value)
    if items.count(UNSET) == shape.unset_in_references and items[0] is not UNSET and items[1] is not UNSET:
        return {"id": items[0], "href": base + items[1]}  # what most entities on the wire are
    out = {
        name: plain(item) if plain else nested(item, base)
        for (name, plain, nested), item in zip(shape.parts, items, strict=True)
        if item is not UNSET
    }
    if isinstance(value, Entity) and value.href is not UNSET and out.keys() - _IN_REFERENCES:
        followed = tuple(rel for rel, attribute in shape.followed if getattr(value, attribute) is not UNSET)
        links, actions = _lead_on(type(value), followed)
        href = msgspec.json.encode(out["href"])[1:-1]
        if links:
            out["link"] = msgspec.Raw(links.replace(_HREF, href))
        if actions:
            out["actions"] = msgspec.Raw(actions.replace(_HREF, href))
    return out


_IN_REFERENCES = frozenset({"id", "href", "name"})
_HREF = b"\xee\x80\x80"
"""Where the href of an entity goes: a character of UTF-8 that nobody uses (U+E000)."""


@functools.cache
def _lead_on(kind: type[Entity], followed: tuple[str, ...]) -> tuple[bytes, bytes]:
    """The links and the actions of each entity of a type as JSON, empty where there are none. ``followed``: the links
    whose contents are there themselves.
    """
    here = _HREF.decode()
    links = [{"href": f"{here}/{rel}", "rel": rel} for rel, _ in links_of(kind) if rel not in followed]
    actions = [{"href": f"{here}/{name}", "rel": name} for name in kind.meta.acts]
    return (
        msgspec.json.encode(links) if links else b"",
        msgspec.json.encode({"link": actions}) if actions else b"",
    )


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is written of a type: its fields in their order, scalars by the first function and all else by the second;
    and its links that can be followed, each with the attribute that it is followed into.

    ``unset_in_references``: how many fields of a reference with id and href are not set, -1 where there is none. These
    two are an entity's first.
    """

    parts: tuple[tuple[str, Callable[[Any], str] | None, WriteField], ...]
    followed: tuple[tuple[str, str], ...]
    unset_in_references: int


@functools.cache
def _shape(kind: type[Value]) -> _Shape:
    fields = fields_of(kind)
    parts = tuple((f.name, WRITE.get(f.kind) if _is_scalar(f) else None, _nested_writer(f)) for f in fields)
    followed = tuple((rel, attribute) for rel, attribute in links_of(kind) if attribute)
    return _Shape(parts, followed, len(fields) - 2 if issubclass(kind, Entity) else -1)


def _is_scalar(field: Field) -> bool:
    return field.struct is None and not field.many and field.name != "href"


def _nested_writer(field: Field) -> WriteField:
    """How a field is written that is no scalar, or needs the root of the API."""
    if field.name == "href":
        return lambda value, base: base + value
    if field.struct is not None:
        return _structs_writer(field) if field.many else _tree
    plain = WRITE[field.kind]
    return lambda values, _base: {field.item: [plain(value) for value in values]} if values else {}


def _structs_writer(field: Field) -> WriteField:
    if not field.is_wrapped:
        return lambda values, base: [_tree(value, base) for value in values]
    return lambda values, base: {field.item: [_tree(value, base) for value in values]} if values else {}


def read(body: bytes, kind: type[Value]) -> Value:
    """The value of a document. Raises MalformedError: not JSON, nested too deeply, a value of the wrong type."""
    try:
        return _read_struct(msgspec.json.decode(body), kind, kind.meta.tag, is_whole=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"The request is not well-formed JSON: {_words_of(error)}") from error


def _read_struct(tree: object, kind: type[Value], where: str, *, is_whole: bool) -> Value:
    """``is_whole``: it is not a mere reference, so that all of it counts."""
    if not isinstance(tree, dict):
        raise MalformedError(f"{where}: an object is expected.")
    fields = fields_by_name(kind)
    found: dict[str, object] = {}
    for name, item in tree.items():
        field = fields.get(name)
        if field is not None and item is None:
            found[field.attribute] = _read_null(kind, field, f"{where}.{name}") if is_whole else UNSET
        elif field is not None:
            read_field = _read_many if field.many else _read_one
            is_part = is_whole and elements.is_part(kind, field)
            found[field.attribute] = read_field(item, field, f"{where}.{name}", is_part=is_part)
        elif is_whole and name in elements.foreign_to(kind):
            elements.refuse_foreign(kind, name, where, _values_in(item))
    return kind(**found)


def _read_null(kind: type[Value], field: Field, where: str) -> object:
    """What XML says by an empty element; nothing (UNSET) in an action, where what is not given is none, and for what
    changes nothing anyway. Raises MalformedError for what cannot be taken away.
    """
    if kind is Action or not elements.is_stored(kind, field):
        return UNSET
    if not elements.is_emptied(kind, field):
        raise MalformedError(f"{where}: null would remove it, which is not possible. Give it a value, or leave it out.")
    if field.many:
        return []
    if field.struct is not None:
        return field.struct()
    if field.is_removable:
        return None
    return "" if field.kind == "text" and field.name not in {"id", "href"} else UNSET


def _values_in(item: object) -> Iterator[str]:
    """All that a part of a document says, but for links."""
    if isinstance(item, dict):
        for name, value in item.items():
            if name != "href":
                yield from _values_in(value)
    elif isinstance(item, list):
        for value in item:
            yield from _values_in(value)
    elif item is not None:
        yield str(item)


def _read_one(item: object, field: Field, where: str, *, is_part: bool) -> object:
    if field.struct is not None:
        return _read_struct(item, field.struct, where, is_whole=is_part)
    if isinstance(item, bool):
        item = "true" if item else "false"
    elif isinstance(item, int | float):
        item = repr(item)
    if not isinstance(item, str):
        raise MalformedError(f"{where}: a value is expected.")
    return read_scalar(field, item, where)


def _read_many(item: object, field: Field, where: str, *, is_part: bool) -> list[object]:
    if isinstance(item, dict):
        unknown = item.keys() - {field.item}
        if unknown:
            raise MalformedError(f"{where}: '{min(unknown)[:60]}' where '{field.item}' is expected.")
        item = item.get(field.item, [])
    values = item if isinstance(item, list) else [item]
    check_count(field, len(values), where)
    return [_read_one(value, field, f"{where}.{field.item}", is_part=is_part) for value in values]
