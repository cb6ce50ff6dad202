"""The transaction that commands, jobs and queries are given: as much of SQLAlchemy's connection as they use.

To the type checker a row is a tuple here, whose columns have no names: SQLAlchemy's own rows have whatever name one
asks for. Who wants names says which there are, by a record (:func:`netweft.engine.statements.rows`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Dialect, Executable, NestedTransaction, PoolProxiedConnection, ScalarResult
from sqlalchemy.sql.selectable import TypedReturnsRows

V = TypeVar("V")
Row_co = TypeVar("Row_co", covariant=True)


class Found(Protocol[Row_co]):
    """What a statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows an UPDATE or DELETE was about."""

    def __iter__(self) -> Iterator[Row_co]: ...
    def keys(self) -> Iterable[str]:
        """What the columns are called."""

    def all(self) -> Sequence[Row_co]:
        """All rows."""

    def first(self) -> Row_co | None:
        """The first, None when there is none."""

    def one(self) -> Row_co:
        """The only one. Raises NoResultFound, MultipleResultsFound."""

    def one_or_none(self) -> Row_co | None:
        """The only one, None when there is none. Raises MultipleResultsFound."""

    def scalar(self: Found[tuple[V, *tuple[Any, ...]]]) -> V | None:
        """The first column of the first row, None when there is none."""

    def scalar_one(self: Found[tuple[V, *tuple[Any, ...]]]) -> V:
        """The first column of the only row. Raises NoResultFound, MultipleResultsFound."""

    def scalar_one_or_none(self: Found[tuple[V, *tuple[Any, ...]]]) -> V | None:
        """The first column of the only row, None when there is none. Raises MultipleResultsFound."""


class Tx(Protocol):
    """A connection inside a transaction; who gets one neither commits nor rolls back."""

    @property
    def dialect(self) -> Dialect:
        """Which database it is."""

    @property
    def connection(self) -> PoolProxiedConnection:
        """The driver's."""

    @property
    def info(self) -> dict[Any, Any]:
        """What is kept with the connection."""

    def invalidate(self, exception: BaseException | None = None) -> None:
        """Give the connection up: the server has ended it."""

    def begin_nested(self) -> NestedTransaction:
        """A savepoint, for what may be undone."""

    def execute(self, statement: Executable, parameters: Any = None) -> Found[tuple[Any, ...]]:  # noqa: ANN401 - values by the names of columns
        """Run a statement."""

    def scalar(self, statement: TypedReturnsRows[V]) -> V | None:
        """The first column of the first row, None when there is none."""

    def scalars(self, statement: TypedReturnsRows[V]) -> ScalarResult[V]:
        """The first column of all rows."""
