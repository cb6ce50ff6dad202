"""A copy of the part of an Open vSwitch database that the agent reads, updated by the database's notifications.

Reading all rows after a change of 500 ports would have to wait for ovs-vswitchd, which writes the status of each port
then. A monitor (RFC 7047 section 4.1.5) sends our own rows while ovs-vswitchd is still at work, and no status columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import finalize

from netweft.agent.ovsdb_session import Session
from netweft.agent.ovsdb_tables import COLUMNS, OvsView, Tables

if TYPE_CHECKING:
    from netweft.agent.ovsdb_session import Json, Row
    from netweft.core.host import Chassis


class Mirror:
    """The copy and its connection, neither of which is usable without the other. Not thread-safe.

    Raises OvsdbError when there is no database at ``path``, and in every method after the connection was lost.
    """

    def __init__(self, path: str, timeout: float) -> None:
        self._session = Session(path, timeout)
        # Closed with the last reference to this copy, so that its users need not care about the connection.
        self.close = finalize(self, self._session.close)
        self._rows: dict[str, dict[str, Row]] = {table: {} for table in COLUMNS}
        self._tables: Tables | None = None
        self._view: OvsView | None = None
        self._apply(self._session.monitor(COLUMNS))

    def sync(self) -> None:
        """Apply everything that was committed before this call.

        ovsdb-server sends pending updates of a monitor before it handles the connection's next request, so an answer to
        any request comes after them.
        """
        self._session.echo()
        for updates in self._session.take_updates():
            self._apply(updates)

    def tables(self) -> Tables:
        """The rows at the last sync, in dictionaries of the caller's own."""
        return self._typed_tables().copy()

    def view(self) -> OvsView:
        """The same as values of the core, in dictionaries of the caller's own."""
        if self._view is None:
            self._view = self._typed_tables().view()
        bridges, ports, guests = self._view
        return dict(bridges), dict(ports), dict(guests)

    def chassis(self) -> Chassis:
        """The settings of ovn-controller at the last sync."""
        return self._typed_tables().chassis

    def _typed_tables(self) -> Tables:
        if self._tables is None:
            self._tables = Tables.of({table: list(rows.values()) for table, rows in self._rows.items()})
        return self._tables

    def _apply(self, updates: Json) -> None:
        """RFC 7047 section 4.1.6: for each row that changed, ``new`` is the whole row, and absent after a deletion."""
        for table, changes in updates.items() if isinstance(updates, dict) else ():
            rows = self._rows[table]
            for uuid, change in changes.items() if isinstance(changes, dict) else ():
                row = change.get("new") if isinstance(change, dict) else None
                if isinstance(row, dict):
                    rows[uuid] = {"_uuid": ["uuid", uuid], **row}
                else:
                    rows.pop(uuid, None)
            self._tables = self._view = None
