"""Statements that are compiled once and then passed to the driver directly.

SQLAlchemy builds, looks up and runs a statement in 100 to 200 µs, of which the drivers need 10 (SQLite) to 60
(PostgreSQL). Statements of every request are a :class:`Statement`: written with the same tables, compiled once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Generic, TypeVar, cast, overload

import msgspec
import psycopg
from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Dialect,
    Executable,
    Select,
    String,
    Table,
    TypeDecorator,
    bindparam,
    insert,
)
from sqlalchemy.exc import DBAPIError, NoResultFound
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import ReturnsRows
from sqlalchemy.types import TypeEngine

from netweft.engine.model.records import R as Rec
from netweft.engine.model.records import Record, Stored, maker
from netweft.engine.transaction import Tx

R = TypeVar("R")
"""What a row is given as."""
Processor = Callable[[Any], Any]


class Statement(Generic[R]):
    """One statement whose values come by the names of its ``bindparam``s. ``columns``: those that an INSERT or UPDATE
    sets, which are names of values as well. ``record``: what its rows are given as, tuples without it.

    A list of values goes where :class:`Among` is; those that a statement is expanded by (``IN``) are not for it. Its
    methods raise KeyError when a value is missing, and what :meth:`sqlalchemy.Connection.execute` raises.
    """

    @overload
    def __init__(
        self: Statement[Rec], statement: Executable, columns: Sequence[str] = (), *, record: type[Rec]
    ) -> None: ...
    @overload
    def __init__(self: Statement[tuple[Any, ...]], statement: Executable, columns: Sequence[str] = ()) -> None: ...
    def __init__(
        self, statement: Executable, columns: Sequence[str] = (), *, record: type[Record] | None = None
    ) -> None:
        self._statement = statement
        self._columns = columns
        self._record = record
        self._compiled: dict[str, _Compiled] = {}

    def ask(self, tx: Tx, **values: Any) -> Answer[R]:  # noqa: ANN401 - any column's value
        """Run it, and read its rows later: inside :func:`pipelined`, statements are sent and answered together."""
        compiled = self._for(tx.dialect)
        return Answer(tx, compiled, compiled.execute(tx, values))

    def all(self, tx: Tx, **values: Any) -> list[R]:  # noqa: ANN401 - the same
        """All rows."""
        return self.ask(tx, **values).all()

    def first(self, tx: Tx, **values: Any) -> R | None:  # noqa: ANN401 - the same
        """The first row, None when there is none."""
        return self.ask(tx, **values).first()

    def scalars(self, tx: Tx, **values: Any) -> list[Any]:  # noqa: ANN401 - the same
        """The first column of all rows."""
        return [row[0] for row in cast("list[tuple[Any, ...]]", self.all(tx, **values))]

    def run(self, tx: Tx, **values: Any) -> None:  # noqa: ANN401 - the same
        """Run it for its effect."""
        self._for(tx.dialect).execute(tx, values)

    def _for(self, dialect: Dialect) -> _Compiled:
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled(self._statement, self._columns, dialect, self._record)
        return compiled


class Answer(Generic[R]):
    """The rows of a statement that was sent. On SQLite they are read at once: unread rows would block the end of the
    transaction.
    """

    __slots__ = ("_compiled", "_cursor", "_read", "_tx")

    def __init__(self, tx: Tx, compiled: _Compiled, cursor: Any) -> None:  # noqa: ANN401 - the driver's
        self._tx = tx
        self._compiled = compiled
        self._cursor = cursor
        self._read: list[Sequence[Any]] | None = cursor.fetchall() if compiled.is_sqlite else None

    def all(self) -> list[R]:
        """All of them."""
        if self._read is None:
            try:
                self._read = self._cursor.fetchall()
            except psycopg.Error as error:
                raise translated(self._tx, self._compiled.text, error) from error
        return cast("list[R]", self._compiled.rows(self._read))

    def first(self) -> R | None:
        """The first, None when there is none."""
        rows = self.all()
        return rows[0] if rows else None

    def one(self) -> R:
        """The first, of a statement that cannot but have one. Raises NoResultFound."""
        row = self.first()
        if row is None:
            raise NoResultFound(f"no row: {self._compiled.text}")
        return row


def inserting(table: Table) -> Statement[tuple[Any, ...]]:
    """The insertion of one row with a value for every column."""
    return Statement(insert(table), [column.name for column in table.columns])


@cache
def _adding(table: Table) -> Statement[tuple[Any, ...]]:
    return inserting(table)


def rows(tx: Tx, record: type[Rec], statement: Select[Any]) -> list[Rec]:
    """The rows of a statement that is run rarely, or is built dynamically. Raises TypeError when its columns are
    not those of the record.
    """
    found = tx.execute(statement)
    make = maker(record, tuple(found.keys()))
    return [make(row) for row in found]


def first_row(tx: Tx, record: type[Rec], statement: Select[Any]) -> Rec | None:
    """As :func:`rows`, of which the first; None when there is none."""
    found = rows(tx, record, statement)
    return found[0] if found else None


def add(tx: Tx, table: Stored[Rec], row: Rec) -> None:
    """Insert a row."""
    _adding(table).run(tx, **msgspec.structs.asdict(row))


class Texts(TypeDecorator[Sequence[str]]):
    """Texts as one value: an array, of which SQLite knows JSON's."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The one or the other."""
        return dialect.type_descriptor(ARRAY(String) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - of either database
        """The array as the driver takes it."""
        return list(value) if dialect.name == "postgresql" else msgspec.json.encode(list(value)).decode()


class Among(FunctionElement[bool]):
    """Whether a column has one of the texts of a list that is given by a name: unlike ``IN``, whose text depends on
    how many there are, it can be part of a :class:`Statement`.
    """

    name = "among"
    type = Boolean()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], values: str) -> None:
        super().__init__(column, bindparam(values, type_=Texts()))

    def self_group(self, against: object = None) -> Among:  # noqa: ARG002 - as SQLAlchemy calls it
        """Itself: SQLite, which has no booleans, would be asked whether it is 1, and then uses no index."""
        return self


@compiles(Among, "sqlite")
def _among_on_sqlite(element: Among, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    column, values = (compiler.process(part, **options) for part in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({values})))"  # noqa: S608 - both were compiled just now


@compiles(Among, "postgresql")
def _among_on_postgresql(element: Among, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    column, values = (compiler.process(part, **options) for part in element.clauses)
    return f"({column} = ANY({values}))"


class _Compiled:
    """A statement in the words of one database, and how values go in and come out."""

    def __init__(
        self, statement: Executable, columns: Sequence[str], dialect: Dialect, record: type[Record] | None
    ) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(columns) or None)  # type: ignore[attr-defined]  # of every construct that can be executed
        if not isinstance(compiled, SQLCompiler) or compiled.post_compile_params or compiled.literal_execute_params:
            raise TypeError(f"the text of this statement depends on its values: {compiled}")
        self.text = str(compiled)
        self.is_sqlite = dialect.name == "sqlite"
        self._error = dialect.loaded_dbapi.Error
        self._order = compiled.positiontup
        self._fixed = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
        self._in = _present({name: _bind_processor(bind.type, dialect) for name, bind in compiled.binds.items()})
        for name in self._fixed.keys() & self._in.keys():
            self._fixed[name] = self._in.pop(name)(self._fixed[name])
        self._names = [name for name in compiled.binds if name not in self._fixed]
        columns_out = list(statement.exported_columns) if isinstance(statement, ReturnsRows) else []
        self._row = tuple if record is None else maker(record, tuple(column.key for column in columns_out))
        # The drivers give what the types of our columns expect, whatever the server calls it: hence no type code.
        processors = (column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns_out)
        self._out = _present(dict(enumerate(processors)))

    def execute(self, tx: Tx, values: dict[str, Any]) -> Any:  # noqa: ANN401 - the driver's cursor
        bound = self._fixed.copy()
        for name in self._names:
            bound[name] = values[name]
        for name, process in self._in.items():
            bound[name] = process(bound[name])
        parameters = bound if self._order is None else [bound[name] for name in self._order]
        try:
            return tx.connection.driver_connection.execute(self.text, parameters)  # type: ignore[union-attr]  # it has one while it is in a transaction
        except self._error as error:
            raise translated(tx, self.text, error) from error

    def rows(self, found: Sequence[Sequence[Any]]) -> list[Any]:
        if not self._out:
            return [self._row(values) for values in found]
        rows = []
        for values in found:
            changed = list(values)
            for position, process in self._out.items():
                changed[position] = process(changed[position])
            rows.append(self._row(changed))
        return rows


def _bind_processor(kind: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    """What a value of a type has to become for the driver. Both drivers take True and False as they are."""
    return None if isinstance(kind, Boolean) else kind.dialect_impl(dialect).bind_processor(dialect)


def _present(processors: dict[Any, Processor | None]) -> dict[Any, Processor]:
    return {key: processor for key, processor in processors.items() if processor is not None}


def translated(tx: Tx, text: str, error: Exception) -> Exception:
    """An error of the driver as SQLAlchemy's, as commands know them; a connection that it broke is given up."""
    lost = tx.dialect.is_disconnect(error, tx.connection.dbapi_connection, None)  # type: ignore[arg-type]  # of that driver
    if lost:
        tx.invalidate(error)
    return DBAPIError.instance(
        text,
        None,
        error,
        tx.dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=tx.dialect,
    )


@contextmanager
def pipelined(tx: Tx) -> Iterator[None]:
    """Send what the block runs, which must all be a :class:`Statement`, to PostgreSQL without waiting for each (libpq,
    pipeline mode); on SQLite there is nobody to wait for.

    Rows are there to be read (:class:`Answer`) after the block, at whose end an error of any is raised.
    """
    driver = tx.connection.driver_connection
    if isinstance(driver, psycopg.Connection):
        try:
            with driver.pipeline():
                yield
        except psycopg.Error as error:
            raise translated(tx, "several statements", error) from error
    else:
        yield
