"""How SQLite and PostgreSQL are reached: SQLAlchemy's engines with the settings that a
:class:`netweft.engine.db.Database` needs.
"""

from __future__ import annotations

import math
import sqlite3
import time
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import InvalidatePoolError

_BUSY_MS = 10_000
"""How long SQLite waits for another process (a backup, a shell) that holds the file."""
_WAL_PAGES = 8192
"""Pages of 4 KiB in SQLite's log at which a commit moves them into the file itself; where an engine runs,
:meth:`netweft.engine.db.Database.checkpoint` does so before.
"""
_LEFT_ALONE = {
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "4",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "8s",
}
"""Settings of our sessions in PostgreSQL, by which one whose engine went without a word (a power cut) ends soon, and
locks no rows any more that other engines need.
"""
_CONNECTION = {
    "connect_timeout": "5",
    "keepalives_idle": "4",
    "keepalives_interval": "2",
    "keepalives_count": "2",
    "tcp_user_timeout": "8000",
    "options": " ".join(f"-c {name}={value}" for name, value in _LEFT_ALONE.items()),
}
"""libpq's parameters (seconds, ``tcp_user_timeout`` milliseconds) with which a connection to a PostgreSQL that went
without a word ends soon; those of the URL go first. It has to be sooner than an engine that gives no sign of life
counts as dead (:data:`netweft.engine.leases.TAKE_OVER`).
"""
_IDLE = 1.0
"""Seconds after which an unused connection to PostgreSQL is asked whether it is still there."""
_LEFT = "netweft_left"


def with_driver(url: URL) -> URL:
    """PostgreSQL always through psycopg 3, however the URL spells it, and not without end."""
    if url.get_backend_name() != "postgresql":
        return url
    return url.set(drivername="postgresql+psycopg", query={**_CONNECTION, **url.query})


def postgres_engine(url: URL, pool_size: int) -> Engine:
    """PostgreSQL with a pool of connections that are known to live when they are used."""
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


def _write_ahead(connection: Any) -> None:  # noqa: ANN401 - the driver's connection
    """Have a log written ahead, so that readers never wait for the writer. SQLite refuses at once, whatever its timeout
    is, when two connections ask that of a new file at the same moment. Raises sqlite3.OperationalError.
    """
    deadline = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def sqlite_engine(url: URL, *, pool_size: int, read_only: bool = False) -> Engine:
    """SQLite, with transactions that begin where SQLAlchemy says, and commits that survive a power cut."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0 if pool_size == 1 else 2 * pool_size,
        connect_args={"check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:  # noqa: ANN401 - the driver's connection, untyped in SQLAlchemy's events
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        _write_ahead(connection)
        # FULL: a commit that was answered survives a power cut, as on PostgreSQL. What a savepoint is undone from is
        # kept in memory, not in a file that is made and removed each time.
        for pragma in (
            "synchronous=FULL",
            f"wal_autocheckpoint={_WAL_PAGES}",
            "temp_store=MEMORY",
            "foreign_keys=ON",
            f"busy_timeout={_BUSY_MS}",
            f"query_only={int(read_only)}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine
