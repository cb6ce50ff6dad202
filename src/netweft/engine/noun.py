"""What is the same for every noun: how it is found, by id or otherwise, and which of its rows a user sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic

import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.engine.db import Tx
from netweft.engine.model.records import R, Stored, maker
from netweft.engine.statements import Statement, rows


class ObjectType(StrEnum):
    """What permissions can be given on."""

    SYSTEM = "system"
    DATA_CENTER = "data_center"
    CLUSTER = "cluster"
    HOST = "host"
    NETWORK = "network"
    VNIC_PROFILE = "vnic_profile"
    VM = "vm"
    TEMPLATE = "template"
    MAC_POOL = "mac_pool"
    PROVIDER = "provider"


Narrow = Callable[[ObjectType, sa.Select[Any]], sa.Select[Any]]
"""Makes a statement about things of a type one about those that may be seen."""


class Noun(Generic[R]):
    """One noun. ``word``: what sentences call it. ``select``: every column of its table, and what an answer says of
    others; its rows are given as ``record``. ``search``: the fields that its lists are searched and sorted by, see
    :class:`netweft.api.search.Searchable`. ``object_type``: for one that permissions are given on; ``parent``: the
    column that says what it is below, where rights on that count as well (none: the system).

    Raises TypeError when the select is not what the record says.
    """

    def __init__(
        self,
        table: Stored[Any],
        record: type[R],
        word: str,
        select: sa.Select[Any] | None = None,
        search: Mapping[str, Any] | None = None,
        *,
        object_type: ObjectType | None = None,
        parent: str = "",
    ) -> None:
        self.table = table
        self.record = record
        self.word = word
        self.select = sa.select(table) if select is None else select
        self.search = search or {}
        self.object_type = object_type
        self.parent = parent
        maker(record, tuple(column.name for column in self.select.selected_columns))

    @cached_property
    def _by_id(self) -> Statement[R]:
        return Statement(self.select.where(self.table.c.id == sa.bindparam("id")), record=self.record)

    def find(self, tx: Tx, noun_id: str) -> R | None:
        """The one with that id, None when there is none."""
        return self._by_id.first(tx, id=noun_id)

    def get(self, tx: Tx, noun_id: str) -> R:
        """The one with that id. Raises NotFoundError."""
        row = self.find(tx, noun_id)
        if row is None:
            raise NotFoundError(f"There is no {self.word} with the id {noun_id}.")
        return row

    def all(self, tx: Tx, statement: sa.Select[Any]) -> list[R]:
        """The rows of :attr:`select` with more conditions, an order, a limit."""
        return rows(tx, self.record, statement)

    def names(self, tx: Tx, *conditions: sa.ColumnElement[bool]) -> dict[str, str]:
        """The names by id of those that the conditions are about."""
        return dict(tx.execute(sa.select(self.table.c.id, self.table.c.name).where(*conditions)).all())

    def is_taken(self, tx: Tx, name: str, *conditions: sa.ColumnElement[bool], besides: str = "") -> bool:
        """Whether one other than ``besides``, among those that the conditions are about, has the name."""
        others = sa.select(self.table.c.id).where(self.table.c.name == name, self.table.c.id != besides, *conditions)
        return tx.scalar(others) is not None


def searched(table: sa.Table, **named: Any) -> Mapping[str, Any]:  # noqa: ANN401 - columns, or functions of a test
    """Search fields: the name first, then what most nouns have, then ``named`` (with ``__`` for a dot)."""
    usual = {name: table.c[name] for name in ("name", "id", "description", "comment")}
    return usual | {name.replace("__", "."): field for name, field in named.items()}


def across(
    table: sa.FromClause, condition: sa.ColumnElement[bool]
) -> Callable[[Callable[[Any], sa.ColumnElement[bool]]], sa.ColumnElement[bool]]:
    """A search field of which one has many: the names of the rows of a table on a condition."""
    return lambda test: sa.exists(sa.select(table.c.id).where(condition, test(table.c.name)))
