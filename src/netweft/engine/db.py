"""The database: transactions to write and to read, on SQLite and PostgreSQL alike, and the notifications after a
commit.

SQLite has one writer at a time, so the writing thread also runs the commands that others have queued meanwhile, each in
its own savepoint, and one COMMIT (one fsync) serves all of them: :mod:`netweft.engine.group_commit`. PostgreSQL has
ordinary transactions (READ COMMITTED).
"""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import cache
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

import structlog
from sqlalchemy import (
    Connection,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    bindparam,
    event,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

from netweft.core.errors import NetweftError, NotFoundError, ValidationError
from netweft.engine import transaction
from netweft.engine.clock import CLOCK
from netweft.engine.db_engines import postgres_engine, sqlite_engine, with_driver
from netweft.engine.group_commit import ANNOUNCED, GroupCommit
from netweft.engine.model.base import metadata
from netweft.engine.model.records import R, Stored
from netweft.engine.notifications import CHANNEL, Listener, Notifications
from netweft.engine.outages import RETRIED, first_line
from netweft.engine.statements import Statement

Tx: TypeAlias = transaction.Tx
P = ParamSpec("P")
T = TypeVar("T")

_ATTEMPTS = 10
"""How often :meth:`Database.run` repeats a transaction after deadlocks and :class:`OvertakenError`."""
_START_LOCK = 0x6E65746C6F6F6D
"""Number of PostgreSQL's advisory lock for work that only one starting replica does ("netweft" in ASCII)."""

log = structlog.get_logger(__name__)


class OvertakenError(ValidationError):
    """A command's decision is outdated: others were first while it waited for a lock. The command must be repeated."""


class MigrationError(NetweftError):
    """This version cannot upgrade the database, for example as it is of a newer version."""


def new_id() -> str:
    """A fresh id: a random UUID (RFC 9562, version 4). A request needs several, and the class UUID is slow."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def utc_now() -> datetime:
    """The engine's clock, which is the database's."""
    return CLOCK.now()


class Database:
    """One database, for all threads of a process. ``url`` as SQLAlchemy has it: ``sqlite:///FILE`` or
    ``postgresql://...`` (psycopg 3).
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url: URL = with_driver(make_url(url))
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.notifications = Notifications()
        self._listener: Listener | None = None
        self._mutex = threading.Lock()
        self._inside = threading.local()
        if self.is_sqlite:
            self._writer = sqlite_engine(self.url, pool_size=1)
            self._group = GroupCommit(self._writer, self.notifications.notify)
            self._moved = 0
            self._reader = sqlite_engine(self.url, pool_size=pool_size, read_only=True)
            self._autocommit_reader = sqlite_engine(self.url, pool_size=pool_size, read_only=True)
            event.listen(self._reader, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        else:
            self._writer = postgres_engine(self.url, pool_size)
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            self._autocommit_reader = self._writer.execution_options(isolation_level="AUTOCOMMIT")
        self._is_closed = False
        self._idle_readers: deque[Connection] = deque()
        for engine in {self._writer, self._reader, self._autocommit_reader}:
            event.listen(engine, "checkin", self._come_back)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """One transaction: committed and durable when the block ends, undone when it raises. Raises CommitError when it
        cannot be made durable.

        Must not be nested, and should be short: on SQLite all other writers wait for it.
        """
        self._refuse_nesting()
        self._inside.writing = True
        try:
            with self._group.block() if self.is_sqlite else self._postgres_transaction() as tx:
                yield tx
        finally:
            self._inside.writing = False

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """One consistent snapshot for any number of queries; writing in it is refused."""
        with self._reader.connect() as tx, tx.begin():
            yield tx

    @contextmanager
    def read_once(self) -> Iterator[Tx]:
        """For one :class:`~netweft.engine.statements.Statement` that reads: its own snapshot, without the round trips
        of a transaction. Every request needs it, so idle SQLite connections are kept here: checking one out of the pool
        takes as long as many queries.
        """
        if not self.is_sqlite:
            with self._autocommit_reader.connect() as tx:
                yield tx
            return
        tx = self._idle_reader()
        try:
            yield tx
        except BaseException:
            tx.close()
            raise
        self._idle_readers.append(tx)
        if self._is_closed:
            self._close_idle_readers()

    def _idle_reader(self) -> Connection:
        try:
            return self._idle_readers.pop()
        except IndexError:
            return self._autocommit_reader.connect()

    def _close_idle_readers(self) -> None:
        while self._idle_readers:
            self._idle_readers.pop().close()

    def run(self, command: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``command(tx, *args, **kwargs)`` in one write transaction. On PostgreSQL it is repeated when it was broken to
        end a deadlock, and when the command raised :class:`OvertakenError`; on SQLite, with one writer, neither is.

        Safe for whatever only uses the database (every command), since a failed transaction has no effect.
        :meth:`write` cannot repeat its block.
        """
        if self.is_sqlite:
            self._refuse_nesting()
            return self._group.run(lambda tx: self._alone(command, tx, *args, **kwargs))
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self.write() as tx:
                    return command(tx, *args, **kwargs)
            except (DBAPIError, OvertakenError) as error:
                may_repeat = isinstance(error, OvertakenError) or getattr(error.orig, "sqlstate", None) in RETRIED
                if attempt == _ATTEMPTS or not may_repeat:
                    raise
                log.info("transaction repeated", attempt=attempt, reason=first_line(error))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _refuse_nesting(self) -> None:
        if getattr(self._inside, "writing", False):
            raise RuntimeError("a write transaction is already open in this thread")

    def _alone(self, command: Callable[Concatenate[Tx, P], T], tx: Tx, *args: P.args, **kwargs: P.kwargs) -> T:
        """The command, in a thread that leads a group and must not begin another transaction meanwhile."""
        was, self._inside.writing = getattr(self._inside, "writing", False), True
        try:
            return command(tx, *args, **kwargs)
        finally:
            self._inside.writing = was

    @contextmanager
    def _postgres_transaction(self) -> Iterator[Tx]:
        with self._writer.connect() as tx:
            tx.info.pop(ANNOUNCED, None)
            with tx.begin():
                yield tx
            topics = tx.info.pop(ANNOUNCED, set())
        self.notifications.notify(topics)

    def listen(self, topic: str) -> AbstractContextManager[threading.Event]:
        """An event that is set after each commit that announced ``topic``, here or (``replicas=True``) in another
        replica; clear it before you look.

        An announcement may be lost with a connection: look at intervals as well.
        """
        self._start_listener()
        return self.notifications.listen(topic)

    def subscribe(self, topic: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` (in whatever thread committed) as :meth:`listen` sets its event; returns the function that
        ends it.
        """
        self._start_listener()
        return self.notifications.subscribe(topic, callback)

    def _start_listener(self) -> None:
        with self._mutex:
            if self._listener is None and not self.is_sqlite:
                self._listener = Listener(self.url, self.notifications)

    @contextmanager
    def alone(self) -> Iterator[Tx]:
        """As :meth:`write`, one at a time among all replicas: for what is made once, when an engine starts."""
        with self.write() as tx:
            if not self.is_sqlite:
                tx.execute(select(func.pg_advisory_xact_lock(_START_LOCK)))
            yield tx

    def migrate(self, revision: str = "head") -> None:
        """Bring the tables to this version, or an earlier one, for a test of what an upgrade does to it; several
        replicas may do so at once. Raises MigrationError, DBAPIError.
        """
        from alembic import command  # noqa: PLC0415 - needed once, at start
        from alembic.config import Config  # noqa: PLC0415 - the same
        from alembic.util import CommandError  # noqa: PLC0415 - the same

        config = Config()
        config.set_main_option("script_location", "netweft.engine:migrations")
        with self.alone() as tx:
            config.attributes["connection"] = tx
            try:
                command.upgrade(config, revision)
            except CommandError as error:
                raise MigrationError(f"This version cannot use the database {self.url!r}: {error}") from error

    def checkpoint(self) -> None:
        """Move what SQLite has in its log into the file itself, as far as nobody reads or writes it just now; to be
        called every now and then, so that no request has to wait while its commit does so.
        """
        if self.is_sqlite and self._group.commits != self._moved:
            self._moved = self._group.commits
            with self.read_once() as tx:
                _CHECKPOINT.run(tx)

    def close(self) -> None:
        """Close all connections; one that a thread has yet, as soon as it gives it back."""
        self._is_closed = True
        if self._listener is not None:
            self._listener.close()
        if self.is_sqlite:
            self._group.close()
        self._close_idle_readers()
        for engine in {self._writer, self._reader, self._autocommit_reader}:
            engine.dispose()

    def _come_back(self, _connection: Any, record: Any) -> None:  # noqa: ANN401 - untyped in SQLAlchemy's events
        """Called with a connection that is not used any more: its pool, once closed, looks after it no longer."""
        if self._is_closed:
            record.invalidate()


_CHECKPOINT = Statement(text("PRAGMA wal_checkpoint(PASSIVE)"))


def announce(tx: Tx, topic: str, *, replicas: bool = False) -> None:
    """Notify of ``topic`` once this transaction is committed; with ``replicas`` in all replicas.

    For what every command does (events) leave ``replicas`` out: PostgreSQL commits one at a time whatever notifies.
    """
    tx.info.setdefault(ANNOUNCED, set()).add(topic)
    if replicas and tx.dialect.name == "postgresql":
        _NOTIFY.run(tx, channel=CHANNEL, topic=topic)


_NOTIFY = Statement(select(func.pg_notify(bindparam("channel"), bindparam("topic"))))


def lock(tx: Tx, table: Stored[R], row_id: str) -> R:
    """Lock one row against other writers until the transaction ends and return it; raises NotFoundError when there is
    none.

    On SQLite there is no other writer. On PostgreSQL rows that refer to it may still come (FOR NO KEY UPDATE); lock the
    parent before adding a child.
    """
    row: R | None = _locking(table).first(tx, id=row_id)
    if row is None:
        raise NotFoundError(f"There is no {row_id} among {table.name}.")
    return row


@cache
def _locking(table: Stored[R]) -> Statement[R]:
    statement = select(table).where(table.c.id == bindparam("id")).with_for_update(key_share=True)
    return Statement(statement, record=table.record)


def insert_if_absent(tx: Tx, table: Table, **values: Any) -> bool:  # noqa: ANN401 - any column's value
    """Insert a row unless one with its key or another unique value is there; returns whether it did.

    Waits for another transaction that is about to insert the same one.
    """
    # RETURNING rather than a count of rows, which SQLAlchemy does not keep for insertions on PostgreSQL.
    return tx.execute(_insert_if_absent(tx, table).values(**values).returning(literal(1))).first() is not None


def insert_those_absent(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, each with the same columns, but for those whose key or another unique value is there."""
    if rows:
        tx.execute(_insert_if_absent(tx, table), rows)


def _insert_if_absent(tx: Tx, table: Table) -> postgresql.Insert | sqlite.Insert:
    if tx.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def violated(error: IntegrityError) -> str:
    """The name of the constraint or unique index that a statement violated; empty when the database does not tell
    (foreign keys on SQLite).
    """
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if name:
        return str(name)
    message = str(error.orig)
    if found := re.search(r"UNIQUE constraint failed: index '(\w+)'", message) or re.search(
        r"CHECK constraint failed: (\w+)", message
    ):
        return found[1]
    if found := re.search(r"UNIQUE constraint failed: (.+)", message):
        columns = [part.strip().split(".") for part in found[1].split(",")]
        return _unique_over(columns[0][0], {column for _, column in columns})
    return ""


def _unique_over(table_name: str, columns: set[str]) -> str:
    """The unique constraint over these columns: SQLite names columns where PostgreSQL names the constraint."""
    table = metadata.tables[table_name]
    candidates: list[Index | UniqueConstraint | PrimaryKeyConstraint] = [
        *(index for index in table.indexes if index.unique),
        *(constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)),
        table.primary_key,
    ]
    return next(
        (str(candidate.name) for candidate in candidates if {column.name for column in candidate.columns} == columns),
        "",
    )
