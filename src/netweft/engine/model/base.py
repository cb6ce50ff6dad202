"""What all tables share: the metadata, the names of constraints, and column types that behave alike on SQLite and
PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Column, DateTime, Dialect, ForeignKey, Integer, MetaData, String, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

ID_LENGTH = 36
"""Characters of a UUID in its textual form, which is what all ids but those of events are."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of the engine. Constraints have the same names on both databases, so that commands can identify the
violated one.

No constraint may be deferred: SQLite would check it at COMMIT, which several requests share
(:class:`netweft.engine.db.Database`).
"""


class JsonOf(TypeDecorator[Any]):
    """A value of a Python type, as JSON; None is NULL. Raises msgspec.ValidationError when what is stored is not of
    that type.
    """

    impl = JSON
    cache_ok = True

    def __init__(self, kind: Any) -> None:  # noqa: ANN401 - any type that msgspec knows
        super().__init__()
        self.kind = kind
        # Worked out while there is one thread: two that do so at once crash the program.
        self._decode = msgspec.json.Decoder(kind).decode

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """PostgreSQL's own binary form there."""
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else JSON())

    def bind_processor(self, _dialect: Dialect) -> Callable[[Any], Any]:
        """The JSON text, which both databases take."""
        return _json_of

    def result_processor(self, dialect: Dialect, _coltype: object) -> Callable[[Any], Any]:
        """The value from the text, or on PostgreSQL from what the driver has decoded."""
        return self._of_decoded if dialect.name == "postgresql" else self._of_text

    def _of_text(self, stored: str | None) -> Any:  # noqa: ANN401 - of the type
        return None if stored is None else self._decode(stored)

    def _of_decoded(self, stored: Any) -> Any:  # noqa: ANN401 - of the type
        return None if stored is None else msgspec.convert(stored, self.kind)


def _json_of(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


Json = JsonOf(Any)
"""Any JSON value; None is NULL."""


class Utc(TypeDecorator[datetime]):
    """A timestamp, aware and in UTC in Python on both databases (SQLite has no time zones and orders the text)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """On SQLite the same text that ``DateTime`` stores, made faster: most rows have a timestamp."""
        return _text_of if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Refuse a naive value, which is ambiguous; raises ValueError."""
        return None if value is None else _in_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the moment in UTC, whatever the session's time zone is."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return value.astimezone(UTC)


def _text_of(value: datetime | None) -> str | None:
    return None if value is None else _in_utc(value).replace(tzinfo=None).isoformat(" ", "microseconds")


def growing_number(name: str = "number") -> Column[int]:
    """A primary key that grows with each row and is never reused (with ``sqlite_autoincrement=True`` on the
    table).
    """
    return Column(name, BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)


def reference(
    name: str, target: str, *, nullable: bool = False, on_delete: str | None = None, index: bool = True
) -> Column[Any]:
    """A column that holds the id of a row of ``target`` (``"networks.id"``).

    ``on_delete`` is SQL's (``CASCADE``, ``SET NULL``; None refuses the deletion). Indexed, since the database looks
    there at each deletion of the target.
    """
    return Column(name, String(ID_LENGTH), ForeignKey(target, ondelete=on_delete), nullable=nullable, index=index)
