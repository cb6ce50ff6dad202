"""Making an engine from a backup."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import IO, cast

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import select

from netweft.engine.backup.archive import BackupError, Header, Progress, Reader
from netweft.engine.backup.dumps import check_sqlite, load_postgresql, require_empty
from netweft.engine.backup.make import DUMP, FILES
from netweft.engine.backup.restored import end_unfinished
from netweft.engine.db import Database
from netweft.engine.model.certificates import certificates
from netweft.engine.secrets import read_box
from netweft.engine.settings import DATABASE_FILE

_PART = 256 * 1024


def restore(file: Path, data: Path, database: str, passphrase: str, progress: Progress) -> str:
    """Make a data folder, and the contents of a PostgreSQL database, from a backup; returns a sentence on it.

    ``database``: the URL of an empty database, empty for SQLite in ``data``, which must be empty or not there. Raises
    BackupError, SecretError, OSError, and what the database raises; the folder is as it was then.
    """
    _require_empty(data)
    with file.open("rb") as content, _made(data):
        reader = Reader(file, content, passphrase, progress)
        header = reader.header
        _require_usable(file, header, database)
        if database:
            require_empty(database)
        _unpack(file, reader, data)
        if database:
            load_postgresql(database, data / DUMP, progress)
            (data / DUMP).unlink()
        else:
            check_sqlite(data / DUMP, file)
            (data / DUMP).rename(data / DATABASE_FILE)
        progress("bringing up to date", 0)
        _take_up(database or f"sqlite:///{(data / DATABASE_FILE).resolve()}", data, header)
        _give_to_owner(data)
    option = " with the same --database" if database else ""
    return f"{data} is as the engine was at {header.created}. Start it: netweft serve --data {data}{option}"


def _require_empty(data: Path) -> None:
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise BackupError(f"{data} is not empty: restore into a new folder, so that nothing is lost.")


@contextmanager
def _made(data: Path) -> Iterator[None]:
    """The folder, private; emptied again when the block fails."""
    is_new = not data.exists()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    data.chmod(0o700)
    try:
        yield
    except BaseException:
        for path in data.iterdir():
            path.unlink()
        if is_new:
            data.rmdir()
        raise


def _require_usable(file: Path, header: Header, database: str) -> None:
    if header.database == "postgresql" and not database:
        raise BackupError(f"{file} is of an engine on PostgreSQL: give the URL of an empty database with --database.")
    if header.database == "sqlite" and database:
        raise BackupError(f"{file} is of an engine on SQLite, which cannot become PostgreSQL: leave out --database.")
    config = Config()
    config.set_main_option("script_location", "netweft.engine:migrations")
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if header.revision not in known:
        raise BackupError(
            f"{file} was made by version {header.program} of Netweft, whose tables (revision {header.revision}) version"
            f" {version('netweft')} does not know: restore it with the version that made it, or a newer one."
        )


def _unpack(file: Path, reader: Reader, data: Path) -> None:
    """Write the files of a backup. Raises BackupError when there are others than there may be."""
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", reader), mode="r|gz") as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is None or member.name not in (DUMP, *FILES):
                    raise BackupError(f"{file} has a member that backups do not have: {member.name!r}.")
                descriptor = os.open(data / member.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as out:
                    shutil.copyfileobj(content, out, _PART)
                    out.flush()
                    os.fsync(out.fileno())
    except tarfile.TarError as error:
        raise BackupError(f"{file} cannot be unpacked: {error}.") from error


def _take_up(url: str, data: Path, header: Header) -> None:
    """Bring the tables to this version, prove that the keys fit, and end what was under way."""
    db = Database(url, pool_size=1)
    box = read_box(data)
    try:
        db.migrate()
        with db.write() as tx:
            for stored in tx.scalars(select(certificates.c.private_key)):
                box.decrypt(stored)
            end_unfinished(tx, header.created)
    finally:
        db.close()


def _give_to_owner(data: Path) -> None:
    """Let root leave the files to whom the folder belongs."""
    if os.geteuid() == 0:
        owner = data.stat()
        for path in data.iterdir():
            os.chown(path, owner.st_uid, owner.st_gid)
