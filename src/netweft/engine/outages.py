"""Distinguishing a database that is unavailable from a statement that it refuses."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError, PendingRollbackError

from netweft.engine.group_commit import CommitError

RETRIED = {"40001", "40P01"}
"""SQLSTATE of serialization_failure and deadlock_detected (PostgreSQL, appendix A): the transaction is gone, and may be
repeated.
"""
_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOTADB,
}
"""SQLite's errors of its file and disk, rather than of a statement (sqlite.org/rescode.html)."""
_READ_ONLY = {"25006"}
"""SQLSTATE of read_only_sql_transaction: after a failover, PostgreSQL at the old address may be a standby."""


def is_away(error: Exception) -> bool:
    """Whether the database is unavailable, whatever the statement: it is being restarted, cannot be reached, has become
    a standby, or its disk is full.
    """
    # The second and third are what is left of a connection that broke.
    if isinstance(error, CommitError | PendingRollbackError | InvalidatePoolError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _SQLITE_AWAY
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate in RETRIED:
        return False
    is_lost = error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return is_lost or sqlstate in _READ_ONLY


def first_line(error: Exception) -> str:
    """The first line of a database error, without the statement."""
    text = str(getattr(error, "orig", None) or error).strip()
    return text.splitlines()[0] if text else type(error).__name__
