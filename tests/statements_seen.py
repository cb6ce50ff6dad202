"""The SQL that goes to databases, whoever sends it: SQLAlchemy, or a prepared statement that goes to the driver."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.pool import Pool

COUNTED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
"""Statements that ask or change something; transactions are begun and ended by others."""


@contextmanager
def statements_seen(thread: int | None = None) -> Iterator[list[str]]:
    """What is sent, by any thread or by this one, on connections that are taken out of their pools meanwhile."""
    seen: list[str] = []

    def remember(statement: str) -> None:
        if COUNTED.match(statement) and thread in {None, threading.get_ident()}:
            seen.append(statement)

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
            remember(str(query))
            return super().execute(query, *arguments, **options)

    def watch(connection: Any, *_: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(remember)
        else:
            connection.cursor_factory = Cursor

    def leave(connection: Any, *_: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(None)
        elif connection is not None:
            connection.cursor_factory = psycopg.Cursor

    event.listen(Pool, "checkout", watch)
    event.listen(Pool, "checkin", leave)
    try:
        yield seen
    finally:
        event.remove(Pool, "checkout", watch)
        event.remove(Pool, "checkin", leave)
