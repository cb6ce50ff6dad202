"""The committed configuration, which a boot restores."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from netweft.agent.store import StoreError
from netweft.agent.transitions import KEPT
from netweft.core.compare import differences
from netweft.core.host import Host
from netweft.core.prune import leave_missing

if TYPE_CHECKING:
    from netweft.agent.store import Record, Store

EMPTY = Host()
"""Committed on a host where nothing was committed yet: nothing of ours."""


class Committed:
    """The committed Host of a record; cached until the record names another file."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: tuple[str, Host] = ("", EMPTY)

    def host(self, record: Record) -> Host:
        """The Host that a boot restores. Raises StoreError."""
        file, host = self._read
        if record.committed != file:
            host = self._store.host(record.committed)
            self._read = (record.committed, host)
        return host

    def file_of(self, running: Host, record: Record) -> str:
        """The file for the running configuration. That of the last desired one if it matches, as it leaves optional
        settings open; else a new one.

        Raises StoreError.
        """
        if record.committed and not _differs(self.host(record), running):
            return record.committed
        if record.change and record.change.phase in KEPT:
            with suppress(StoreError):
                if not _differs(self._store.host(record.desired), running):
                    return record.desired
        return self._store.keep(f"committed-{uuid4().hex}", running)


def _differs(desired: Host, running: Host) -> bool:
    """Whether the running configuration differs from the desired one, ignoring missing NICs."""
    desired, _ = leave_missing(desired, running)
    return bool(differences(desired, running))
