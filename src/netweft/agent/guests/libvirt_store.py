"""Stores the specifications of libvirt's guests in files, also while they have no domain."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

import msgspec

from netweft.agent.guests import GuestError
from netweft.agent.store import replace_file
from netweft.core.guest_protocol import GuestSpec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STARTING = ".starting"
"""Suffix of the files that mark guests as being started."""


class GuestStore:
    """``folder``: holds a file for each guest, one more while it is being started, and the memory of suspended ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._starting: set[str] = set()
        self._saving = Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def save(self, spec: GuestSpec) -> None:
        """Store a specification. Raises OSError. Thread-safe: requests and events of libvirt have separate threads."""
        with self._saving:
            replace_file(self._file(spec.id), msgspec.json.encode(spec))

    def load(self, guest_id: str) -> GuestSpec | None:
        """A guest's specification; None without one. Raises GuestError."""
        return _read(self._file(guest_id))

    def all(self) -> dict[str, GuestSpec]:
        """Those of all guests, by id. Raises GuestError."""
        found = map(_read, sorted(self._folder.glob("*.json")))
        return {spec.id: spec for spec in found if spec}

    def forget(self, guest_id: str) -> None:
        """Remove a guest's specification. Raises OSError."""
        self._file(guest_id).unlink(missing_ok=True)

    def image(self, guest_id: str) -> Path:
        """The file for a guest's saved memory, readable by root only."""
        return self._folder / f"{guest_id}.saved"

    def is_starting(self, guest_id: str) -> bool:
        """Whether this agent is starting the guest."""
        return guest_id in self._starting

    def cut_off(self) -> Iterator[str]:
        """The guests that are being started, or were when an agent was killed."""
        for note in self._folder.glob(f"*{_STARTING}"):
            yield note.name.removesuffix(_STARTING)

    def forget_start(self, guest_id: str) -> None:
        """Remove the mark that a guest is being started. Raises OSError."""
        self._note(guest_id).unlink(missing_ok=True)

    @contextmanager
    def starting(self, guest_id: str) -> Iterator[None]:
        """Mark the guest as being started; the mark survives if the agent is killed meanwhile."""
        try:
            self._note(guest_id).touch()
        except OSError as error:
            raise GuestError(f"Guest {guest_id} cannot be started: {error}") from error
        self._starting.add(guest_id)
        try:
            yield
        finally:
            self._note(guest_id).unlink(missing_ok=True)
            self._starting.discard(guest_id)

    def _note(self, guest_id: str) -> Path:
        return self._folder / f"{guest_id}{_STARTING}"

    def _file(self, guest_id: str) -> Path:
        return self._folder / f"{guest_id}.json"


def _read(path: Path) -> GuestSpec | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=GuestSpec)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise GuestError(f"{path}: {error}") from error
