"""What is the same for every noun: how it is found, by id or otherwise, and which of its rows a user sees."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
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
    :class:`Searchable`; ``order``: as there (default: the first field, then the id).

    ``object_type``: for one that permissions are given on; ``parent``: the column that says what it is below, where
    rights on that count as well (none: the system). One without permissions of its own is seen with its parent. One
    without either is for everybody, but with ``owner`` (the column with a user's id) is seen by others than that user
    only outside the filtered view. :mod:`netweft.engine.access.visibility` does this.

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
        order: Sequence[sa.ColumnElement[Any]] = (),
        object_type: ObjectType | None = None,
        parent: str = "",
        owner: str = "",
    ) -> None:
        self.table = table
        self.record = record
        self.word = word
        self.select = sa.select(table) if select is None else select
        self.search = search or {}
        self.order = tuple(order) or (*list(self.search.values())[:1], table.c.id)
        self.object_type = object_type
        self.parent = parent
        self.owner = owner
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
            raise self.missing(noun_id)
        return row

    def missing(self, noun_id: str) -> NotFoundError:
        """The error that there is none with that id."""
        return NotFoundError(f"There is no {self.word} with the id {noun_id}.")

    def all(self, tx: Tx, statement: sa.Select[Any]) -> list[R]:
        """The rows of :attr:`select` with more conditions, an order, a limit."""
        return rows(tx, self.record, statement)

    def names(self, tx: Tx, ids: Collection[str]) -> dict[str, str]:
        """The names by id of those with these ids, in the order of names."""
        query = sa.select(self.table.c.id, self.table.c.name).where(self.table.c.id.in_(ids))
        return dict(tx.execute(query.order_by(self.table.c.name)).all())

    def is_taken(self, tx: Tx, name: str, *conditions: sa.ColumnElement[bool], besides: str = "") -> bool:
        """Whether one other than ``besides``, among those that the conditions are about, has the name."""
        others = sa.select(self.table.c.id).where(self.table.c.name == name, self.table.c.id != besides, *conditions)
        return tx.scalar(others) is not None


Test = Callable[[Any], sa.ColumnElement[bool]]
Across = Callable[[Test], sa.ColumnElement[bool]]
"""For a field of which one has many: given a test of one column, the condition that any of them passes."""


@dataclass(frozen=True, slots=True)
class Searchable(Generic[R]):
    """A list that requests search, sort and page. ``fields``: what it is searched and sorted by: by lower-case name, a
    column or scalar expression, or :data:`Across`. ``order``: that of a request which asks for none; its last part
    orders what is equal in any other, so that pages neither repeat nor omit.
    """

    statement: sa.Select[Any]
    record: type[R]
    fields: Mapping[str, Any]
    order: tuple[sa.ColumnElement[Any], ...]


def searched(table: sa.Table, **named: Any) -> Mapping[str, Any]:  # noqa: ANN401 - columns, or functions of a test
    """Search fields: the name first, then what most nouns have, then ``named`` (with ``__`` for a dot)."""
    usual = {name: table.c[name] for name in ("name", "id", "description", "comment")}
    return usual | {name.replace("__", "."): field for name, field in named.items()}


def across(table: sa.FromClause, condition: sa.ColumnElement[bool]) -> Across:
    """A search field of which one has many: the names of the rows of a table on a condition."""
    return lambda test: sa.exists(sa.select(table.c.id).where(condition, test(table.c.name)))
