"""The state that the agent needs after a crash, on disk.

One small file, ``state.json``, is the truth, and is only ever replaced as a whole. The Hosts that it speaks of
(checkpoint, wanted, committed) are files of their own that never change once written; it names them. So there is no
order of writes in which a crash leaves two files that contradict each other.
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
    """The disk did not take or give what the agent must keep; the message says which file and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The agent's state. ``checkpoint``, ``desired``, ``committed``: names of Host files, empty for none.

    ``boot``: the boot during which this was last true; ``generation``: of the last request that was taken;
    ``confirm_within``, ``commit``: of that request; ``change``: how far it came; ``peers``: that answered before it.
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


msgspec.json.Decoder(Record)  # worked out while there is one thread: two that do so at once crash the program


class Store:
    """A folder of one host's agent. Every write is on the disk when the call returns, or has not happened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def load(self) -> Record:
        """The state that was saved last; that of a new host when there is none.

        Raises StoreError when the file is damaged.
        """
        path = self.folder / STATE
        return self._read(path, Record) if path.exists() else Record()

    def save(self, record: Record) -> None:
        """Make ``record`` the state. Raises StoreError; the state is then as before."""
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

        What cannot be removed now is removed another time.
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
    """Give a file new content: a crash leaves the old or the new, and the new once this returned. Raises OSError."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)  # half a file may be what fills the disk
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
