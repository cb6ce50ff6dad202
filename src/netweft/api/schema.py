"""What a type of the API is made of, read from its declaration in :mod:`netweft.api.types`.

A type is an msgspec Struct whose fields are all UNSET by default: a field that is not set is not on the wire. From the
annotations of its fields and its :class:`Meta` everything else follows: XML, JSON, links, ``follow``, actions, OpenAPI.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias, TypeVar, Union

import msgspec
from msgspec import UNSET, UnsetType

from netweft.core.keep import KEEP, Keep

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Text: TypeAlias = str | UnsetType
Integer: TypeAlias = int | UnsetType
RemovableInteger: TypeAlias = int | UnsetType | None
"""A number that a change can remove: by an empty element, or by null in JSON."""
Decimal: TypeAlias = float | UnsetType
Boolean: TypeAlias = bool | UnsetType
Date: TypeAlias = datetime | UnsetType

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Choice:
    """The values that a text may have; put on it as ``Annotated[str, Choice("v4", "v6")]``."""

    values: tuple[str, ...]

    def __init__(self, *values: str) -> None:
        object.__setattr__(self, "values", values)


LIST_MAX = 10_000
"""Items of a list in a request for which its declaration names no other bound: what was read with ``follow`` may be
sent back, though nothing is done with it.
"""


@dataclass(frozen=True, slots=True)
class Most:
    """How many items a list may have in a request; put on it as ``Annotated[list[Range], Most(100)]``."""

    count: int


@dataclass(frozen=True, slots=True)
class Meta:
    """What the fields of a type do not say.

    ``tag``: its element's name. ``plural``: the element of a list of it (default: tag and "s"). ``path``: its
    collection below the root of the API, when entities of the type live in one; references to such an entity get their
    href from it. ``links``: the sub-collections, as ``rel`` names in one string; a rel whose underscore-less name
    equals that of a field can be followed into that field. ``inline``: those whose contents are shown beside the link.
    ``actions``: the names of its actions, in one string.
    """

    tag: str
    plural: str = ""
    path: str = ""
    links: str = ""
    inline: str = ""
    actions: str = ""
    rels: tuple[str, ...] = field(init=False, default=())
    acts: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "plural", self.plural or f"{self.tag}s")
        object.__setattr__(self, "rels", tuple(sorted(self.links.split())))
        object.__setattr__(self, "acts", tuple(sorted(self.actions.split())))


class Value(msgspec.Struct, kw_only=True):
    """Base of every type: a value without an address of its own."""

    meta: ClassVar[Meta]


class Entity(Value, kw_only=True):
    """Base of every type that has an id.

    ``href`` is a path below the root of the API (``/networks/...``); the codec puts the root before it. An entity of
    which nothing is set but id, href and name is a *reference*: it is written without links and actions.
    """

    id: Text = UNSET
    href: Text = UNSET
    name: Text = UNSET
    description: Text = UNSET
    comment: Text = UNSET


E = TypeVar("E", bound=Entity)


def reference(kind: type[E], entity_id: str, href: str = "") -> E:
    """A reference to an entity; ``href`` may be left out for a type that has a ``path`` of its own."""
    return kind(id=entity_id, href=href or f"/{kind.meta.path}/{entity_id}")


def keep(value: T | UnsetType) -> T | Keep:
    """The field of a request, as a command's change wants it: what was not sent stays as it is."""
    return KEEP if isinstance(value, UnsetType) else value


def or_default(value: T | UnsetType, default: T) -> T:
    """The field of a request, or ``default`` when it was not sent."""
    return default if isinstance(value, UnsetType) else value


def or_unset(value: T | None) -> T | UnsetType:
    """A value that may be missing, as a field of an answer."""
    return UNSET if value is None else value


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``kind``: text, integer, decimal, boolean, date or struct; ``many``: a list of them, each in an
    element ``item``, at most ``most`` in a request. ``is_removable``: an empty element, or null in
    JSON, is read as None.
    """

    attribute: str
    name: str
    kind: str
    many: bool
    struct: type[Value] | None = None
    choices: tuple[str, ...] = ()
    item: str = ""
    most: int = LIST_MAX
    is_removable: bool = False

    @property
    def is_wrapped(self) -> bool:
        """Whether a list stands in an element of its own; only links do not."""
        return self.name != self.item


_KINDS: Mapping[object, str] = {str: "text", int: "integer", float: "decimal", bool: "boolean", datetime: "date"}


@functools.cache
def fields_of(kind: type[Value]) -> tuple[Field, ...]:
    """The fields of a type in the order of their declaration, base first."""
    hints = typing.get_type_hints(kind, vars(sys.modules[kind.__module__]), include_extras=True)
    return tuple(_field(name, hints[name]) for name in kind.__struct_fields__)


@functools.cache
def fields_by_name(kind: type[Value]) -> Mapping[str, Field]:
    """The same by their names."""
    return {field.name: field for field in fields_of(kind)}


def _field(attribute: str, hint: Any) -> Field:  # noqa: ANN401 (an annotation is any object)
    name = attribute.removesuffix("_")
    is_removable = False
    if typing.get_origin(hint) in (Union, UnionType):
        is_removable = NoneType in typing.get_args(hint)
        (hint,) = (part for part in typing.get_args(hint) if part not in (UnsetType, NoneType))
    most = LIST_MAX
    if typing.get_origin(hint) is Annotated and typing.get_origin(typing.get_args(hint)[0]) is list:
        hint, bound = typing.get_args(hint)
        most = bound.count
    many = typing.get_origin(hint) is list
    if many:
        (hint,) = typing.get_args(hint)
    choices: tuple[str, ...] = ()
    if typing.get_origin(hint) is Annotated:
        hint, choice = typing.get_args(hint)
        choices = choice.values
    if hint in _KINDS:
        return Field(attribute, name, _KINDS[hint], many, None, choices, name.removesuffix("s"), most, is_removable)
    return Field(attribute, name, "struct", many, hint, (), hint.meta.tag, most)


def plain_fields(kind: type[Value]) -> list[str]:
    """The attributes of a type that are one text, number, boolean or date each."""
    return [field.attribute for field in fields_of(kind) if field.struct is None and not field.many]


@functools.cache
def shared_fields(kind: type[Value], spec: type[DataclassInstance]) -> tuple[str, ...]:
    """Those of them that a command (``spec``) has by the same names, but for the id."""
    names = {field.name for field in dataclasses.fields(spec)}
    return tuple(name for name in plain_fields(kind) if name in names and name != "id")


def link_field(kind: type[Value], rel: str) -> Field | None:
    """The field that a sub-collection or a reference is followed into; names are compared without underscores."""
    plain = rel.replace("_", "")
    return next((f for f in fields_of(kind) if f.kind == "struct" and f.name.replace("_", "") == plain), None)


@functools.cache
def links_of(kind: type[Value]) -> tuple[tuple[str, str], ...]:
    """The names of a type's sub-collections, each with the attribute that it is followed into, empty where it cannot
    be, or where that says nothing of whether it was.
    """
    inline = kind.meta.inline.split()
    fields = {rel: None if rel in inline else link_field(kind, rel) for rel in kind.meta.rels}
    return tuple((rel, field.attribute if field else "") for rel, field in fields.items())


def reachable(roots: Iterable[type[Value]]) -> list[type[Value]]:
    """These types and all that their fields lead to, each once."""
    found: dict[type[Value], None] = {}
    queue = list(roots)
    while queue:
        kind = queue.pop(0)
        if kind not in found:
            found[kind] = None
            queue.extend(f.struct for f in fields_of(kind) if f.struct)
    return list(found)
