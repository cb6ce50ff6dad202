"""The SQL that goes to databases, whoever sends it: SQLAlchemy, or a prepared statement that goes to the driver."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, event
from sqlalchemy.pool import Pool

COUNTED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
"""Statements that ask or change something; transactions are begun and ended by others."""


Remember = Callable[[str], None]


@contextmanager
def statements_seen(thread: int | None = None) -> Iterator[list[str]]:
    """What is sent, by any thread or by this one, on connections that are taken out of their pools meanwhile."""
    seen: list[str] = []

    def remember(statement: str) -> None:
        if COUNTED.match(statement) and thread in {None, threading.get_ident()}:
            seen.append(statement)

    def watch(connection: Any, *_: object) -> None:
        _watch(connection, remember)

    def leave(connection: Any, *_: object) -> None:
        if connection is not None:
            _watch(connection, None)

    event.listen(Pool, "checkout", watch)
    event.listen(Pool, "checkin", leave)
    try:
        yield seen
    finally:
        event.remove(Pool, "checkout", watch)
        event.remove(Pool, "checkin", leave)


@contextmanager
def statements_in(tx: Connection) -> Iterator[list[str]]:
    """What is sent in a transaction meanwhile."""
    seen: list[str] = []
    driver = tx.connection.driver_connection
    _watch(driver, lambda statement: seen.append(statement) if COUNTED.match(statement) else None)
    try:
        yield seen
    finally:
        _watch(driver, None)


@contextmanager
def executions_in(tx: Connection) -> Iterator[list[tuple[str, Any]]]:
    """The statements that a transaction on PostgreSQL sends meanwhile, each with its parameters."""
    sent: list[tuple[str, Any]] = []

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            sent.append((str(query), params))
            return super().execute(query, params, **options)

    driver: Any = tx.connection.driver_connection
    driver.cursor_factory = Cursor
    try:
        yield sent
    finally:
        driver.cursor_factory = psycopg.Cursor


def _watch(connection: Any, remember: Remember | None) -> None:
    """Have a connection say what it sends; None: no more."""
    if isinstance(connection, sqlite3.Connection):
        connection.set_trace_callback(remember)
    elif remember is None:
        connection.cursor_factory = psycopg.Cursor
    else:
        told = remember

        class Cursor(psycopg.Cursor[Any]):
            def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
                told(str(query))
                return super().execute(query, *arguments, **options)

        connection.cursor_factory = Cursor
