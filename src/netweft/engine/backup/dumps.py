"""What a database holds, as a file, and a database from such a file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from netweft.engine.backup.archive import BackupError, Progress

_PAGES = 1000
"""Pages of SQLite that are copied between two progress reports."""
_POLL = 0.2


def dump_sqlite(source: Path, target: Path, progress: Progress) -> None:
    """Copy an SQLite database as it is at one moment, while an engine may be writing to it. Raises BackupError."""
    try:
        with closing(sqlite3.connect(source, timeout=10)) as here, closing(sqlite3.connect(target)) as there:
            here.execute("BEGIN")  # one snapshot for all pages: else each commit meanwhile lets the copy begin anew
            here.execute("SELECT count(*) FROM sqlite_master").fetchone()
            here.backup(there, pages=_PAGES, progress=lambda _, left, all_: progress("copying", 1 - left / all_))
        check_sqlite(target, source)
    except sqlite3.Error as error:
        raise BackupError(f"The database {source} cannot be copied: {error}.") from error


def check_sqlite(copy: Path, meant: Path) -> None:
    """Raises BackupError when the database in a file is damaged; the message names the file that is ``meant``."""
    with closing(sqlite3.connect(copy)) as connection:
        result = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if result != "ok":
        raise BackupError(f"The database {meant} is damaged: {result}. Restore an earlier backup.")


def dump_postgresql(url: str, target: Path, progress: Progress) -> None:
    """Let pg_dump write what a PostgreSQL database holds at one moment. Raises BackupError."""
    options = ["--format=custom", "--compress=0", "--no-owner", "--no-privileges", f"--file={target}"]
    _run("pg_dump", options, url, lambda: progress("copying", 0))


def load_postgresql(url: str, source: Path, progress: Progress) -> None:
    """Put what pg_dump wrote into an empty database, all or nothing. Raises BackupError."""
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(source)]
    _run("pg_restore", options, url, lambda: progress("loading", 0))


def require_empty(url: str) -> None:
    """Raises BackupError when a PostgreSQL database has tables, or cannot be reached."""
    query = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    try:
        with psycopg.connect(_plain(url).render_as_string(hide_password=False), connect_timeout=10) as connection:
            count = connection.execute(query).fetchone()
    except psycopg.Error as error:
        raise BackupError(f"The database cannot be reached: {str(error).strip()}") from error
    if count != (0,):
        raise BackupError("The database is not empty: restore into a new one (createdb), and give its URL.")


def _plain(url: str) -> URL:
    return make_url(url).set(drivername="postgresql")


def _run(program: str, options: Sequence[str], url: str, wait: Callable[[], None]) -> None:
    """Run one of PostgreSQL's programs on a database. Raises BackupError with its error output."""
    path = shutil.which(program)
    if path is None:
        raise BackupError(f"{program} is needed and not installed (Debian: postgresql-client).")
    plain = _plain(url)
    password = plain.password or plain.query.get("password")
    # By the environment: a command line is for everybody on the machine to read.
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    where = plain.set(password=None).difference_update_query(["password"]).render_as_string()
    command = [path, f"--dbname={where}", "--no-password", *options]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as running:  # noqa: S603 - no shell
        errors = None
        while errors is None:
            with suppress(subprocess.TimeoutExpired):
                errors = running.communicate(timeout=_POLL)[1]
            wait()
    if running.returncode:
        raise BackupError(f"{program} failed: {errors.strip()}")
