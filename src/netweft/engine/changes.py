"""From a command's fields to rows: new rows, and the changes of existing ones.

A command's fields are those of a dataclass whose defaults are ``KEEP``; those that are columns have their names. For
a field that is not given, a new row has the default of its record, and an existing row keeps its value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from netweft.core.keep import KEEP, Keep
from netweft.engine.model.records import R, Record

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The texts that nearly every object has."""

    name: str | Keep = KEEP
    description: str | Keep = KEEP
    comment: str | Keep = KEEP


def made(record: type[R], spec: DataclassInstance, **others: Any) -> R:  # noqa: ANN401 - any column's value
    """A new row: the command's values, overridden by ``others``. Raises TypeError when a column that has no
    default is missing.
    """
    return record(**{**_values_of(record, spec), **others})


def updated(before: R, spec: DataclassInstance, **others: Any) -> R:  # noqa: ANN401 - any column's value
    """The row with the command's values, overridden by ``others``."""
    return msgspec.structs.replace(before, **{**_values_of(type(before), spec), **others})


def changes(before: R, after: R) -> dict[str, Any]:
    """The columns in which two rows differ, with the values of the second."""
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in before.__struct_fields__)
    return {name: new for name, old, new in pairs if new != old}


def lines(before: R, after: R) -> tuple[str, ...]:
    """The changed columns of a row, a line each for users: ``vlan 10 became 20``."""
    pairs = ((name, getattr(before, name), new) for name, new in changes(before, after).items())
    return tuple(line(name, old, new) for name, old, new in pairs)


def line(column: str, old: object, new: object) -> str:
    """The change of a column's value, for users."""
    return f"{_words(column)} {_text_of(old)} became {_text_of(new)}"


def _words(column: str) -> str:
    return column.removesuffix("_id").replace("_", " ")


def _text_of(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "none"
    return "none" if value is None or value == "" else str(value)


def _values_of(record: type[Record], spec: DataclassInstance) -> dict[str, Any]:
    values = {name: getattr(spec, name) for name in _shared(record, type(spec))}
    return {name: _stored(value) for name, value in values.items() if value is not KEEP}


@cache
def _shared(record: type[Record], kind: type[DataclassInstance]) -> tuple[str, ...]:
    """The columns that a command has fields for."""
    columns = set(record.__struct_fields__) - {"id"}
    return tuple(field.name for field in dataclasses.fields(kind) if field.name in columns)


def _stored(value: object) -> object:
    """A value as it is stored in its column."""
    if isinstance(value, list):
        return tuple(value)
    return dict(value) if isinstance(value, Mapping) else value
