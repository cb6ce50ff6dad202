"""Making a backup of an engine, which may be running."""

from __future__ import annotations

import fcntl
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, cast

from sqlalchemy import select, text

from netweft.engine.backup.archive import BackupError, Header, Progress, Writer
from netweft.engine.backup.dumps import dump_postgresql, dump_sqlite
from netweft.engine.bootstrap import PASSWORD_FILE
from netweft.engine.db import Database
from netweft.engine.model.certificates import certificates
from netweft.engine.secrets import KEY_FILE, SecretBox, read_box
from netweft.engine.settings import DATABASE_FILE

DUMP = "database"
"""What the database is called in a backup."""
FILES = (KEY_FILE, PASSWORD_FILE)
"""Files of a data folder that are in a backup, where they are there: all others are made anew at each start."""
_STAGE = ".backup"


def back_up(file: Path, data: Path, database: str, passphrase: str, progress: Progress) -> str:
    """Write a backup, complete or not at all; returns a sentence on it. ``database``: a URL, empty for SQLite in
    ``data``; ``passphrase``: empty for no encryption.

    Raises BackupError, SecretError, OSError, and what the database raises.
    """
    if file.exists() and not file.is_file():
        raise BackupError(f"{file} is no file that could be replaced.")
    if database and not database.startswith("postgresql"):
        raise BackupError("--database takes a postgresql:// URL; the SQLite database is found in the data folder.")
    if not database and not (data / DATABASE_FILE).exists():
        raise BackupError(f"There is no {DATABASE_FILE} in {data}: is its engine on PostgreSQL? Then give --database.")
    if not file.absolute().parent.is_dir():
        raise BackupError(f"There is no folder {file.parent} for the backup.")
    if file.resolve().is_relative_to(data.resolve()):
        raise BackupError(
            f"{file} is in the engine's data folder. Write the backup somewhere else, best to another disk."
        )
    with _stage(data) as stage:
        dump = stage / DUMP
        revision = _revision(database or f"sqlite:///{data / DATABASE_FILE}", read_box(data))
        if database:
            dump_postgresql(database, dump, progress)
        else:
            dump_sqlite(data / DATABASE_FILE, dump, progress)
        header = Header(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            database="postgresql" if database else "sqlite",
            revision=revision,
            program=version("netweft"),
        )
        members = [dump, *(data / name for name in FILES if (data / name).exists())]
        with _new_file(file) as draft:
            _write(draft, header, passphrase, members, progress)
    size = file.stat().st_size / 2**20
    state = "encrypted" if passphrase else "NOT encrypted: anyone who reads it has the keys of the engine"
    return f"{file}: {size:.1f} MiB, the {header.database} database and the keys of {data}, {state}."


@contextmanager
def _stage(data: Path) -> Iterator[Path]:
    """A folder for what is not yet encrypted, as private as the data folder; one backup has it at a time."""
    stage = data / _STAGE
    stage.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(stage, os.O_RDONLY)
    try:
        _hold(descriptor, data)
        for left in stage.iterdir():  # by one that was killed
            left.unlink()
        try:
            yield stage
        finally:
            shutil.rmtree(stage)
    finally:
        os.close(descriptor)


def _hold(descriptor: int, data: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BackupError(f"Another backup of {data} is being made.") from error


def _revision(url: str, box: SecretBox) -> str:
    """Of the database's tables. Raises SecretError when the keys in it are not locked by this key file: such a backup
    would be worth nothing.
    """
    db = Database(url, pool_size=1)
    try:
        with db.read() as tx:
            for stored in tx.scalars(select(certificates.c.private_key)):
                box.decrypt(stored)
            return str(tx.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
    finally:
        db.close()


@contextmanager
def _new_file(file: Path) -> Iterator[Path]:
    """A file that takes the place of ``file`` when the block succeeds."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield draft
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write(draft: Path, header: Header, passphrase: str, members: list[Path], progress: Progress) -> None:
    total, done = sum(path.stat().st_size for path in members), 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        progress("writing", done / total)

    with draft.open("wb") as out:
        writer = Writer(out, header, passphrase)
        with tarfile.open(fileobj=cast("IO[bytes]", writer), mode="w|gz") as tar:
            for path in members:
                member = tarfile.TarInfo(path.name)
                member.size, member.mode = path.stat().st_size, 0o600
                with path.open("rb") as content:
                    tar.addfile(member, cast("IO[bytes]", _Counted(content, count)))
        writer.close()
        out.flush()
        os.fsync(out.fileno())


@dataclass(frozen=True)
class _Counted:
    """A file that tells how much of it was read."""

    file: IO[bytes]
    count: Callable[[int], None]

    def read(self, size: int) -> bytes:
        content = self.file.read(size)
        self.count(len(content))
        return content
