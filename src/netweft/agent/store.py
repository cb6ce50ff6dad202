"""The state that the agent needs after a crash, on disk.

The state is one small file, ``state.json``, which is replaced atomically. The Hosts that it refers to (checkpoint,
desired, committed) are in files of their own, which never change once written. So no crash can leave files that
contradict each other.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec

from netweft.core.host import Host
from netweft.core.protocol import Change, Peer

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")

STATE = "state.json"


class StoreError(Exception):
    """The agent's state could not be read or written; the message says which file and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The agent's state. ``checkpoint``, ``desired``, ``committed``: names of Host files, empty for none.

    ``boot``: id of the boot in which it was written; ``generation``: of the last accepted request;
    ``confirm_within``, ``commit``: of that request; ``change``: its progress; ``peers``: those that answered before it.
    """

    boot: str = ""
    generation: int = 0
    change: Change | None = None
    confirm_within: float = 0
    commit: bool = False
    checkpoint: str = ""
    desired: str = ""
    committed: str = ""
    peers: tuple[Peer, ...] = ()


# Creates the type's schema while there is one thread: doing so in two at once crashes the program.
msgspec.json.Decoder(Record)


class Store:
    """The state folder of one host's agent. Writes are atomic, and on the disk when the call returns."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def load(self) -> Record:
        """The stored state; that of a new host when there is none.

        Raises StoreError when the file is damaged.
        """
        path = self.folder / STATE
        return self._read(path, Record) if path.exists() else Record()

    def save(self, record: Record) -> None:
        """Store ``record`` as the state. Raises StoreError; the state is unchanged then."""
        self._write(STATE, msgspec.json.encode(record))

    def keep(self, name: str, host: Host) -> str:
        """Write a Host under a name; returns the file's name, for a Record. Raises StoreError."""
        file = f"{name}.json"
        self._write(file, msgspec.json.encode(host))
        return file

    def host(self, file: str) -> Host:
        """The Host in a file that a Record names. Raises StoreError."""
        return self._read(self.folder / file, Host)

    def sweep(self, record: Record, names: tuple[str, ...]) -> None:
        """Remove the Host files with these prefixes that the record does not name.

        Files that cannot be removed are tried again at the next call.
        """
        named = {record.checkpoint, record.desired, record.committed}
        for path in self.folder.iterdir():
            if path.name.startswith(names) and path.name not in named:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _read(self, path: Path, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except (OSError, msgspec.DecodeError) as error:
            raise StoreError(f"{path} cannot be read: {error}") from error

    def _write(self, name: str, data: bytes) -> None:
        try:
            replace_file(self.folder / name, data)
        except OSError as error:
            raise StoreError(f"{self.folder / name} cannot be written: {error.strerror}") from error


def replace_file(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file's content, atomically and durably. Raises OSError."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)  # frees the space if the disk is full
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
