"""Rows as typed values, and tables made from them: each column of a table is declared once, with its type in Python.

    class NetworkRow(Record, frozen=True):
        id: Key
        data_center_id: Annotated[str, Refers("data_centers.id")]
        name: Name
        vlan_id: int | None = None

    networks = stored("networks", NetworkRow, UniqueConstraint("data_center_id", "name"))

A field that is no number, text, time or bytes is stored as JSON. What may be None may be NULL. The default is the value
of a new row when its command gives none. A class derived from a row's, with ``kw_only=True``, adds what a query joins
to it.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Generic, Self, TypeVar

import msgspec
from sqlalchemy import Boolean, Column, Float, Integer, LargeBinary, String, Table, Text
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

from netweft.engine.model.base import ID_LENGTH, JsonOf, Utc, growing_number, metadata, reference


class Record(msgspec.Struct, frozen=True):
    """Base of the rows of all tables."""


def filled(value: msgspec.Struct) -> dict[str, Any]:
    """The fields of a value that say something, by name."""
    return {name: field for name, field in msgspec.structs.asdict(value).items() if field is not msgspec.UNSET}


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """Base of values for some columns of a row; what is UNSET is not among them."""

    @classmethod
    def of(cls, row: Record) -> Self:
        """All of them, as a row has them."""
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})

    def given(self) -> dict[str, Any]:
        """Those that are, by name."""
        return filled(self)


R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)


class Stored(Table, Generic[R_co]):
    """A table whose rows are read as values of the type ``record``."""

    inherit_cache = True
    record: type[R_co]


@dataclass(frozen=True, slots=True)
class Refers:
    """The column holds the id of a row of ``target``; see :func:`netweft.engine.model.base.reference`."""

    target: str
    on_delete: str | None = None
    index: bool = True


@dataclass(frozen=True, slots=True)
class With:
    """More about a column, as :class:`sqlalchemy.Column` takes it."""

    index: bool | None = None
    unique: bool | None = None
    primary_key: bool = False
    server_default: Any = None


class _Growing:
    """Marks a primary key that grows."""


Key = Annotated[str, String(ID_LENGTH), With(primary_key=True)]
"""The primary key of most: a lower-case UUID as text."""
Growing = Annotated[int, _Growing()]
"""A primary key that grows: see :func:`netweft.engine.model.base.growing_number`."""
Id = Annotated[str, String(ID_LENGTH)]
"""The id of something that is no row."""
Name = Annotated[str, String(256)]
LongText = Annotated[str, Text()]
AddedText = Annotated[str, Text(), With(server_default="")]
"""A column that is empty in rows from before it was added."""

_TYPES: Mapping[object, Any] = {
    bool: Boolean,
    int: Integer,
    float: Float,
    bytes: LargeBinary,
    datetime: Utc,
}


def stored(name: str, record: type[R], *constraints: SchemaItem, **options: Any) -> Stored[R]:  # noqa: ANN401 - of Table
    """The table whose columns are the fields of ``record``."""
    hints = typing.get_type_hints(record, include_extras=True)
    columns = [_column(field, hints[field]) for field in record.__struct_fields__]
    table: Stored[R] = Stored(name, metadata, *columns, *constraints, **options)
    table.record = record
    return table


def _column(name: str, hint: object) -> Column[Any]:
    kind, extras, nullable = _taken_apart(hint)
    for extra in extras:
        if isinstance(extra, _Growing):
            return growing_number(name)
        if isinstance(extra, Refers):
            return reference(name, extra.target, nullable=nullable, on_delete=extra.on_delete, index=extra.index)
    given: Any = next((extra for extra in extras if isinstance(extra, TypeEngine)), None)
    more = next((extra for extra in extras if isinstance(extra, With)), With())
    return Column(
        name,
        given or (_TYPES[kind] if kind in _TYPES else _json(name, kind)),
        nullable=nullable,
        index=more.index,
        unique=more.unique,
        primary_key=more.primary_key,
        server_default=more.server_default,
    )


def _json(name: str, kind: object) -> JsonOf:
    if kind is str:
        raise TypeError(f"how long may {name} be?")
    return JsonOf(kind)


def _taken_apart(hint: Any) -> tuple[object, tuple[object, ...], bool]:  # noqa: ANN401 - an annotation is any object
    """The type of a field, what is annotated, and whether it may be None."""
    parts = typing.get_args(hint)
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        (inner,) = (part for part in parts if part is not types.NoneType)
        kind, extras, _ = _taken_apart(inner)
        return kind, extras, True
    if typing.get_origin(hint) is Annotated:
        kind, extras, nullable = _taken_apart(parts[0])
        return kind, (*extras, *parts[1:]), nullable
    return hint, (), False


@cache
def maker(record: type[R], names: tuple[str, ...]) -> Callable[[Sequence[Any]], R]:
    """A function that makes a record from the values of columns with these names. Raises TypeError when they are not
    those of the record, in its order.
    """
    fields = record.__struct_fields__
    if names != fields:
        raise TypeError(f"{record.__name__} has the fields {fields}, the query {names}")
    kinds = [parameter.kind for parameter in inspect.signature(record).parameters.values()]
    own = kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD)
    joined = fields[own:]
    if not joined:
        return lambda values: record(*values)
    return lambda values: record(*values[:own], **dict(zip(joined, values[own:], strict=True)))
