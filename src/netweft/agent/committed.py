"""What boot restores, and whether what runs is that."""

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
"""What boot restores on a host where nothing was committed yet: nothing of ours."""


class Committed:
    """The committed Host of a record; read from the disk when the record names another one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: tuple[str, Host] = ("", EMPTY)

    def host(self, record: Record) -> Host:
        """What boot restores. Raises StoreError."""
        file, host = self._read
        if record.committed != file:
            host = self._store.host(record.committed)
            self._read = (record.committed, host)
        return host

    def file_of(self, running: Host, record: Record) -> str:
        """The file of what runs: a new one, unless what was wanted last runs (it leaves open what may be open).

        Raises StoreError.
        """
        if record.committed and not _differs(self.host(record), running):
            return record.committed
        if record.change and record.change.phase in KEPT:
            with suppress(StoreError):
                if not _differs(self._store.host(record.desired), running):
                    return record.desired
        return self._store.keep(f"committed-{uuid4().hex}", running)


def _differs(wanted: Host, running: Host) -> bool:
    """Whether what runs is not what is wanted, as far as the NICs that are there go."""
    wanted, _ = leave_missing(wanted, running)
    return bool(differences(wanted, running))
