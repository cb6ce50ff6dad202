"""The database: transactions to write and to read, on SQLite and PostgreSQL alike, and the bells that ring after a
commit.

SQLite has one writer at a time anyway, so whoever writes runs what others have queued meanwhile as well, each in a
savepoint of its own, and one COMMIT (one fsync) serves all of them: :class:`_GroupCommit`. PostgreSQL has ordinary
transactions (READ COMMITTED).
"""

from __future__ import annotations

import contextvars
import math
import re
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar, cast

import psycopg
import structlog
from sqlalchemy import (
    Connection,
    Engine,
    Index,
    PrimaryKeyConstraint,
    Row,
    Table,
    UniqueConstraint,
    bindparam,
    create_engine,
    event,
    func,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidatePoolError

from netloom.core.errors import NetloomError, NotFoundError
from netloom.engine.model.base import metadata
from netloom.engine.statements import Statement

Tx: TypeAlias = Connection
"""A connection inside a transaction; who gets one neither commits nor rolls back."""

P = ParamSpec("P")
T = TypeVar("T")

_GROUP_MAX = 64
"""Members of one group commit, so that the first of them need not wait for an endless queue."""
_BUSY_MS = 10_000
"""How long SQLite waits for another process (a backup, a shell) that holds the file."""
_ATTEMPTS = 4
"""How often :meth:`Database.run` tries before it gives up on deadlocks."""
_RETRIED = {"40001", "40P01"}
"""SQLSTATE of serialization_failure and deadlock_detected (PostgreSQL, appendix A): the transaction is gone, and may be
repeated.
"""
_START_LOCK = 0x6E65746C6F6F6D
"""Number of PostgreSQL's advisory lock for what only one starting replica does ("netloom" in ASCII)."""
_IDLE = 1.0
"""Seconds after which an unused connection to PostgreSQL is asked whether it is still there."""
_LEFT = "netloom_left"
_CHANNEL = "netloom"
_ANNOUNCED = "netloom_announced"

log = structlog.get_logger(__name__)


class MigrationError(NetloomError):
    """The database is not one that this version can bring up to date, for example of a newer version."""


class CommitError(NetloomError):
    """The database could not make a group of changes durable; none of them happened."""

    status = 503
    reason = "Database Failed"
    code = "DATABASE"


def new_id() -> str:
    """A fresh id: a random UUID."""
    return str(uuid.uuid4())


def utc_now() -> datetime:
    """The engine's clock."""
    return datetime.now(UTC)


class Database:
    """One database, for all threads of a process. ``url`` as SQLAlchemy has it: ``sqlite:///FILE`` or
    ``postgresql://...`` (psycopg 3).
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url: URL = _with_driver(make_url(url))
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.bells = _Bells()
        self._listener: _Listener | None = None
        self._mutex = threading.Lock()
        self._inside = threading.local()
        if self.is_sqlite:
            writer = _sqlite_engine(self.url, begin="BEGIN IMMEDIATE", pool_size=1)
            self._group = _GroupCommit(writer, self.bells.ring)
            self._writer = writer
            self._reader = self._looker = _sqlite_engine(self.url, begin="BEGIN", pool_size=pool_size, read_only=True)
        else:
            self._writer = _postgres_engine(self.url, pool_size)
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            self._looker = self._writer.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """One transaction: committed and durable when the block ends, undone when it raises. Raises CommitError when it
        cannot be made durable.

        Not to be nested, and to be kept short: on SQLite everybody who writes waits for it.
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
    def look(self) -> Iterator[Tx]:
        """For one :class:`~netloom.engine.statements.Statement` that reads: its own snapshot, without the round trips
        of a transaction.
        """
        with self._looker.connect() as tx:
            yield tx

    def run(self, command: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``command(tx, *args, **kwargs)`` in one write transaction, repeated when PostgreSQL broke it to end a
        deadlock.

        Safe for whatever only talks to SQL (every command), since a broken transaction has left nothing behind.
        :meth:`write` cannot repeat its block.
        """
        if self.is_sqlite:
            self._refuse_nesting()
            return self._group.run(lambda tx: self._alone(command, tx, *args, **kwargs))
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self.write() as tx:
                    return command(tx, *args, **kwargs)
            except DBAPIError as error:
                if attempt == _ATTEMPTS or getattr(error.orig, "sqlstate", None) not in _RETRIED:
                    raise
                log.info("transaction repeated", attempt=attempt, reason=str(error.orig).splitlines()[0])
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
            tx.info.pop(_ANNOUNCED, None)
            with tx.begin():
                yield tx
            topics = tx.info.pop(_ANNOUNCED, set())
        self.bells.ring(topics)

    def listen(self, topic: str) -> AbstractContextManager[threading.Event]:
        """An event that is set after each commit that announced ``topic``, here or (``replicas=True``) in another
        replica; clear it before you look.

        An announcement may be lost with a connection: look at intervals as well.
        """
        self._start_listener()
        return self.bells.listen(topic)

    def subscribe(self, topic: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` (in whatever thread committed) as :meth:`listen` sets its event; returns the function that
        ends it.
        """
        self._start_listener()
        return self.bells.subscribe(topic, callback)

    def _start_listener(self) -> None:
        with self._mutex:
            if self._listener is None and not self.is_sqlite:
                self._listener = _Listener(self.url, self.bells)

    @contextmanager
    def alone(self) -> Iterator[Tx]:
        """As :meth:`write`, one at a time among all replicas: for what is made once, when an engine starts."""
        with self.write() as tx:
            if not self.is_sqlite:
                tx.execute(select(func.pg_advisory_xact_lock(_START_LOCK)))
            yield tx

    def migrate(self) -> None:
        """Bring the tables to this version; several replicas may do so at once. Raises MigrationError, DBAPIError."""
        from alembic import command  # noqa: PLC0415 - needed once, at start
        from alembic.config import Config  # noqa: PLC0415 - the same
        from alembic.util import CommandError  # noqa: PLC0415 - the same

        config = Config()
        config.set_main_option("script_location", "netloom.engine:migrations")
        with self.alone() as tx:
            config.attributes["connection"] = tx
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise MigrationError(f"This version cannot use the database {self.url!r}: {error}") from error

    def close(self) -> None:
        """Close all connections."""
        if self._listener is not None:
            self._listener.close()
        if self.is_sqlite:
            self._group.close()
        self._reader.dispose()
        self._writer.dispose()


def announce(tx: Tx, topic: str, *, replicas: bool = False) -> None:
    """Ring the bells of ``topic`` once this transaction is committed; with ``replicas`` in all replicas.

    For what every command does (events) leave ``replicas`` out: PostgreSQL commits one at a time whatever notifies.
    """
    tx.info.setdefault(_ANNOUNCED, set()).add(topic)
    if replicas and tx.dialect.name == "postgresql":
        tx.execute(select(func.pg_notify(_CHANNEL, topic)))


def lock(tx: Tx, table: Table, row_id: str) -> Row[Any]:
    """Lock one row against other writers until the transaction ends and return it; raises NotFoundError when there is
    none.

    On SQLite there is no other writer. On PostgreSQL rows that refer to it may still come (FOR NO KEY UPDATE); lock the
    parent before adding a child.
    """
    row = _locking(table).first(tx, id=row_id)
    if row is None:
        raise NotFoundError(f"There is no {row_id} among {table.name}.")
    return row


@cache
def _locking(table: Table) -> Statement:
    return Statement(select(table).where(table.c.id == bindparam("id")).with_for_update(key_share=True))


def insert_if_absent(tx: Tx, table: Table, **values: Any) -> bool:  # noqa: ANN401 - any column's value
    """Insert a row unless one with its key or another unique value is there; returns whether it did.

    Waits for another transaction that is about to insert the same one.
    """
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    inserted = make(table).values(**values).on_conflict_do_nothing()
    # RETURNING rather than a count of rows, which SQLAlchemy does not keep for insertions on PostgreSQL.
    return tx.execute(inserted.returning(literal(1))).first() is not None


def violated(error: IntegrityError) -> str:
    """The name of the constraint or unique index that a statement violated; empty when the database does not tell
    (foreign keys on SQLite).
    """
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if name:
        return str(name)
    text = str(error.orig)
    if found := re.search(r"UNIQUE constraint failed: index '(\w+)'", text) or re.search(
        r"CHECK constraint failed: (\w+)", text
    ):
        return found[1]
    if found := re.search(r"UNIQUE constraint failed: (.+)", text):
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


def _with_driver(url: URL) -> URL:
    """PostgreSQL always through psycopg 3, however the URL spells it."""
    return url.set(drivername="postgresql+psycopg") if url.get_backend_name() == "postgresql" else url


def _postgres_engine(url: URL, pool_size: int) -> Engine:
    engine = create_engine(url, pool_size=pool_size, max_overflow=2 * pool_size)

    @event.listens_for(engine, "checkin")
    def leave(_connection: Any, record: Any) -> None:  # noqa: ANN401 - untyped in SQLAlchemy's events
        record.info[_LEFT] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def take(connection: Any, record: Any, _proxy: Any) -> None:  # noqa: ANN401 - the same
        """Make sure that a connection which nobody has used for a moment is still there; else the pool makes it and
        its like anew.
        """
        if time.monotonic() - record.info.get(_LEFT, math.inf) > _IDLE and not _answers(engine, connection):
            raise InvalidatePoolError

    return engine


def _answers(engine: Engine, connection: Any) -> bool:  # noqa: ANN401 - the driver's connection
    try:
        return bool(engine.dialect.do_ping(connection))
    except psycopg.Error:
        return False


def _sqlite_engine(url: URL, *, begin: str, pool_size: int, read_only: bool = False) -> Engine:
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0 if pool_size == 1 else 2 * pool_size,
        connect_args={"check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:  # noqa: ANN401 - the driver's connection, untyped in SQLAlchemy's events
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        # FULL: a commit that was answered survives a power cut, as on PostgreSQL. WAL: readers never wait for the
        # writer.
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={_BUSY_MS}",
            f"query_only={int(read_only)}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


class _Member:
    """Somebody who wants to write: a command, which any thread may run, or (None) a block of the thread that waits."""

    def __init__(self, command: Callable[[Tx], Any] | None) -> None:
        self.command = command
        self.context = contextvars.copy_context()  # what the thread that asks has bound to its log
        self.result: Any = None
        self.error: BaseException | None = None
        self.announced: set[str] = set()
        self.leads = False
        self.awake = threading.Lock()
        self.awake.acquire()

    def outcome(self) -> Any:  # noqa: ANN401 - whatever the command returned
        if self.error is not None:
            raise self.error
        return self.result


class _GroupCommit:
    """The writing connection of SQLite and the queue for it.

    Who finds it free leads: runs its own command, then those that have queued up meanwhile, each in a savepoint of its
    own, and commits for all of them. The others only wait, so that a command costs one fsync at most and one change of
    threads. Nobody returns before the COMMIT.
    """

    def __init__(self, engine: Engine, ring: Callable[[set[str]], None]) -> None:
        self._engine = engine
        self._ring = ring
        self._mutex = threading.Lock()
        self._waiting: deque[_Member] = deque()
        self._busy = False
        self._tx: Connection | None = None

    def run(self, command: Callable[[Tx], T]) -> T:
        """``command(tx)`` in a transaction, perhaps in another thread that has the turn."""
        member = _Member(command)
        if self._enter(member):
            with self._leading([member]):
                self._perform(member)
        return cast("T", member.outcome())

    @contextmanager
    def block(self) -> Iterator[Tx]:
        """A block of this thread as a command."""
        member = _Member(None)
        self._enter(member)
        with self._leading([member]):
            try:
                with self._savepoint(member) as tx:
                    yield tx
            except BaseException as error:  # noqa: BLE001 - raised below, after the turn has been passed on
                member.error = error
        member.outcome()

    def _enter(self, member: _Member) -> bool:
        """Wait for what comes first: that the member may lead (True), or that its command has been run (False)."""
        with self._mutex:
            if not self._busy:
                self._busy = True
                return True
            self._waiting.append(member)
        try:
            member.awake.acquire()
        except BaseException:  # interrupted: the turn must not be given to nobody
            with self._mutex:
                if member in self._waiting:
                    self._waiting.remove(member)
                    raise
            member.awake.acquire()  # it was given already: soon, as whoever gives it is at work
            if member.leads:
                self._pass_on()
            raise
        return member.leads

    @contextmanager
    def _leading(self, group: list[_Member]) -> Iterator[None]:
        """The transaction of a group whose first member the block runs; the rest follow it."""
        try:
            try:
                if self._tx is None:
                    self._tx = self._engine.connect()
                self._tx.begin()
            except BaseException as error:
                group[0].error = error
                self._drop_connection()
                raise
            yield
            while (follower := self._follower(group)) is not None:
                group.append(follower)
                self._perform(follower)
            self._commit(group)
        finally:
            for member in group[1:]:
                member.awake.release()
            self._pass_on()

    def _follower(self, group: list[_Member]) -> _Member | None:
        """The next in the queue, unless it runs its block itself, or the group is full or broken."""
        with self._mutex:
            if not self._waiting or self._waiting[0].command is None:
                return None
            if len(group) >= _GROUP_MAX or self._is_broken():
                return None
            return self._waiting.popleft()

    def _perform(self, member: _Member) -> None:
        """Run a member's command; its error is its own."""
        try:
            with self._savepoint(member) as tx:
                member.result = member.context.run(cast("Callable[[Tx], Any]", member.command), tx)
        except BaseException as error:  # noqa: BLE001 - raised in the thread that asked
            member.error = error

    @contextmanager
    def _savepoint(self, member: _Member) -> Iterator[Tx]:
        tx = cast("Connection", self._tx)
        tx.info[_ANNOUNCED] = member.announced
        driver = tx.connection.cursor()
        driver.execute("SAVEPOINT member")
        try:
            yield tx
        except BaseException:
            if not self._is_broken():
                driver.execute("ROLLBACK TO member")
                driver.execute("RELEASE member")
            raise
        driver.execute("RELEASE member")

    def _is_broken(self) -> bool:
        """Whether an error ended the whole transaction, and not the member's savepoint alone (a full disk does that:
        sqlite.org/lang_transaction.html).
        """
        if self._tx is None or self._tx.invalidated:
            return True
        driver = self._tx.connection.dbapi_connection
        return driver is None or not driver.in_transaction

    def _commit(self, group: list[_Member]) -> None:
        """Make a group's work durable; else nobody in it has succeeded."""
        failure = group[-1].error if self._is_broken() else None
        if failure is None:
            try:
                cast("Connection", self._tx).commit()
            except BaseException as error:  # noqa: BLE001 - every member raises it; this thread must pass the turn on
                failure = error
        done = [member for member in group if member.error is None]
        if failure is None:
            self._ring(set().union(*(member.announced for member in done)))
            return
        self._drop_connection()
        for member in done:
            member.error = CommitError(f"The change could not be stored: {failure}")
            member.error.__cause__ = failure

    def _pass_on(self) -> None:
        """Let the next one lead."""
        with self._mutex:
            if not self._waiting:
                self._busy = False
                return
            member = self._waiting.popleft()
            member.leads = True
            member.awake.release()

    def _drop_connection(self) -> None:
        if self._tx is not None:
            self._tx.invalidate()
            self._tx.close()
            self._tx = None

    def close(self) -> None:
        if self._tx is not None:
            self._tx.close()
            self._tx = None


class _Bells:
    """Who wants to know, by topic."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._callbacks: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)

    def subscribe(self, topic: str, callback: Callable[[], None]) -> Callable[[], None]:
        with self._mutex:
            self._callbacks[topic].append(callback)

        def unsubscribe() -> None:
            with self._mutex:
                self._callbacks[topic].remove(callback)
                if not self._callbacks[topic]:
                    del self._callbacks[topic]

        return unsubscribe

    @contextmanager
    def listen(self, topic: str) -> Iterator[threading.Event]:
        bell = threading.Event()
        unsubscribe = self.subscribe(topic, bell.set)
        try:
            yield bell
        finally:
            unsubscribe()

    def ring(self, topics: set[str]) -> None:
        with self._mutex:
            callbacks = [callback for topic in topics for callback in self._callbacks.get(topic, ())]
        for callback in callbacks:
            callback()

    def ring_all(self) -> None:
        with self._mutex:
            topics = set(self._callbacks)
        self.ring(topics)


class _Listener(threading.Thread):
    """LISTENs on PostgreSQL for what other replicas announce; after a lost connection it rings all bells, as something
    may have been missed.
    """

    def __init__(self, url: URL, bells: _Bells) -> None:
        super().__init__(name="database-listener", daemon=True)
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._bells = bells
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self.start()
        self._ready.wait(timeout=10)

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except psycopg.OperationalError as error:
                log.warning("lost the database's notifications, trying again", reason=str(error).strip())
                self._stopping.wait(1)

    def _listen(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(f"LISTEN {_CHANNEL}")
            self._bells.ring_all()
            self._ready.set()
            while not self._stopping.is_set():
                for notice in connection.notifies(timeout=0.5):
                    self._bells.ring({notice.payload})

    def close(self) -> None:
        self._stopping.set()
        self.join()
