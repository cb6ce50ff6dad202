"""The programs ``netweft backup`` and ``netweft restore``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from netweft.core.errors import NetweftError
from netweft.engine.backup.archive import BackupError
from netweft.engine.backup.make import back_up
from netweft.engine.backup.restore import restore
from netweft.engine.data_folder import sentence
from netweft.engine.logs import configure_logging
from netweft.engine.secrets import SecretError

_BACKUP = """Write all that an engine is into one file: its database as it is at this moment, and the keys without
it depends on. The engine may keep running. What is given to 'netweft serve' (options, environment) is
not in it."""
_RESTORE = """Make the data folder, and where --database is given the contents of an empty PostgreSQL database, from a
file of 'netweft backup'. No engine may be running on them. Start 'netweft serve' with them afterwards: it takes over
what hosts have got since the backup (docs/disasters.md)."""
_EVERY = 2.0
"""Seconds between two words on progress."""


def backup_main(arguments: Sequence[str]) -> int:
    """``netweft backup``. Returns the exit status: 0 when the file is complete, 1 when there is none."""
    file = "to write, readable by its owner only; an existing one is replaced"
    words = (
        "encrypt with the passphrase in the first line of this file; without it the backup is not encrypted, and"
        " anyone who reads it has the keys of the engine"
    )
    parser = _parser("netweft backup", _BACKUP, file, words)
    given = parser.parse_args(arguments)
    return _run(
        parser.prog,
        given.data,
        lambda: back_up(given.file, given.data, given.database, _passphrase(given.passphrase_file), _Progress()),
    )


def restore_main(arguments: Sequence[str]) -> int:
    """``netweft restore``. Returns the exit status: 0 when all is there, 1 when it is not."""
    words = "the file with the passphrase, when the backup is encrypted"
    parser = _parser("netweft restore", _RESTORE, "that 'netweft backup' wrote", words)
    given = parser.parse_args(arguments)
    return _run(
        parser.prog,
        given.data,
        lambda: restore(given.file, given.data, given.database, _passphrase(given.passphrase_file), _Progress()),
    )


def _parser(program: str, description: str, file: str, words: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description=description)
    data, database = os.environ.get("NETWEFT_DATA"), os.environ.get("NETWEFT_DATABASE", "")
    parser.add_argument("file", metavar="FILE", type=Path, help=f"the backup {file}")
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        default=data,
        required=data is None,
        help="the data folder of 'netweft serve' [NETWEFT_DATA]",
    )
    parser.add_argument(
        "--database",
        metavar="URL",
        default=database,
        help="the PostgreSQL database, where the engine has one; else SQLite in the data folder [NETWEFT_DATABASE]",
    )
    parser.add_argument(
        "--passphrase-file",
        metavar="FILE",
        type=Path,
        help=words,
    )
    return parser


def _passphrase(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError as error:
        raise BackupError(f"{path} holds no passphrase: it is no text.") from error
    if not lines or not lines[0].strip():
        raise BackupError(f"{path} has no passphrase in its first line.")
    return lines[0].strip()


def _run(program: str, data: Path, work: Callable[[], str]) -> int:
    configure_logging("error", as_json=False)
    try:
        message = work()
    except (BackupError, SecretError, NetweftError, OSError, SQLAlchemyError) as error:
        print(f"{program}: {sentence(error, data)}", file=sys.stderr)  # noqa: T201 - for whoever started it
        return 1
    print(message)  # noqa: T201 - the same
    return 0


class _Progress:
    """Says on standard error what is being done when it takes long."""

    def __init__(self) -> None:
        self._said_at = time.monotonic()

    def __call__(self, what: str, part: float) -> None:
        now = time.monotonic()
        if now - self._said_at >= _EVERY:
            self._said_at = now
            print(f"{what} {part:.0%}" if part else f"{what} ...", file=sys.stderr)  # noqa: T201 - the same
