"""The engine's data folder: as private as it has to be, and whole, before anything in it is believed."""

from __future__ import annotations

import errno
import os
import pwd
import sqlite3
import stat
import struct
from contextlib import closing
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from netweft.engine.outages import first_line
from netweft.engine.settings import DATABASE_FILE

PUBLIC = frozenset({"ca.pem"})
"""What in it is for everybody to read."""
_WAL_HEADER, _FRAME_HEADER = 32, 24
_WAL_MAGIC = 0x377F0682
"""Of a write-ahead log whose sums are of little-endian words; one more for big-endian ones."""
_RESTORE = (
    "Keep a copy of the folder, and restore the latest backup into a new one (netweft restore, docs/disasters.md)."
)

log = structlog.get_logger(__name__)


class FolderError(Exception):
    """The folder cannot be used; the message has the reason and what to do."""


def open_folder(folder: Path) -> None:
    """Create the folder, if it does not exist, and make it private. Raises FolderError, OSError."""
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder} is no folder.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make_private(folder, 0o700)
    for path in folder.iterdir():
        if path.is_symlink() or path.name in PUBLIC:
            continue
        _make_private(path, 0o700 if path.is_dir() else 0o600)


def _make_private(path: Path, mode: int) -> None:
    found = path.stat()
    if found.st_uid != os.geteuid() != 0:
        raise FolderError(
            f"{path} belongs to {_name(found.st_uid)}, and the engine runs as {_name(os.geteuid())}: run it as"
            f" {_name(found.st_uid)}, or give it the folder (chown -R)."
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        log.warning("others could read this: now only its owner can", path=str(path))
        path.chmod(mode)


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def check_sqlite(folder: Path) -> None:
    """Raises FolderError when the embedded database is damaged: SQLite itself passes over a damaged write-ahead log
    without a word, and all that was stored in it is gone.
    """
    path = folder / DATABASE_FILE
    if not path.exists():
        return
    wal = folder / f"{DATABASE_FILE}-wal"
    if wal.exists() and is_damaged(wal.read_bytes()):
        raise FolderError(f"{wal} is damaged: the latest changes are in it, and cannot be read. {_RESTORE}")
    try:
        with closing(sqlite3.connect(path, timeout=10)) as connection:
            result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        result = str(error)
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise FolderError(f"{path} cannot be opened: {error}.") from error
    if result != "ok":
        raise FolderError(f"{path} is damaged: {result.splitlines()[-1]}. {_RESTORE}")


def is_damaged(wal: bytes) -> bool:
    """Whether a write-ahead log (sqlite.org/walformat.html) has lost commits. What a crash leaves is no damage: a last
    transaction of which parts are missing; two commits behind a broken frame are, since the first was durable.
    """
    if len(wal) < _WAL_HEADER:
        return False
    magic, _, page_size, _, *salt, sum_1, sum_2 = struct.unpack_from(">8I", wal)
    if magic | 1 != _WAL_MAGIC | 1 or _sum(magic, wal[:24], (0, 0)) != (sum_1, sum_2):
        return any(wal[:_WAL_HEADER])
    before, is_broken, lost = (sum_1, sum_2), False, 0
    for start in range(_WAL_HEADER, len(wal) - _FRAME_HEADER - page_size + 1, _FRAME_HEADER + page_size):
        _, commits, *frame_salt, sum_1, sum_2 = struct.unpack_from(">6I", wal, start)
        if frame_salt != salt:
            break  # left from before the log began anew
        if not is_broken:
            page = wal[start + _FRAME_HEADER : start + _FRAME_HEADER + page_size]
            before = _sum(magic, wal[start : start + 8] + page, before)
            is_broken = before != (sum_1, sum_2)
        if is_broken and commits:
            lost += 1
    return lost > 1


def _sum(magic: int, content: bytes, before: tuple[int, int]) -> tuple[int, int]:
    one, two = before
    for first, second in struct.iter_unpack(">2I" if magic & 1 else "<2I", content):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two


def sentence(error: Exception, folder: Path) -> str:
    """What an error at the start means, and what to do."""
    text = first_line(error)
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOSPC or "disk is full" in text:
        return f"the disk of {folder} is full ({text}): make room, and start again"
    if number in {errno.EACCES, errno.EPERM, errno.EROFS} or "readonly database" in text:
        return f"{text}: {_name(os.geteuid())}, the user of the engine, must be able to write to all of {folder}"
    if "malformed" in text or "not a database" in text:
        return f"the database in {folder} is damaged ({text}). {_RESTORE}"
    if isinstance(error, SQLAlchemyError):
        return f"the database cannot be used: {text}"
    return str(error)
