"""A copy of the part of an Open vSwitch database that the agent reads, kept up by the database's own notifications.

Asking for all rows after a change of 500 ports means waiting behind ovs-vswitchd, which writes its status of each just
then. A monitor (RFC 7047 section 4.1.5) tells of our own rows while ovs-vswitchd is still at work on them, and never of
its status columns.
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
    """The copy, and the connection that it lives on; when one fails the other is of no use. Not for several threads.

    Raises OvsdbError when there is no database at ``path``, and from then on in every method when it went away.
    """

    def __init__(self, path: str, timeout: float) -> None:
        self._session = Session(path, timeout)
        # Closed with the last reference to this copy: whoever reads through it needs to know of no connection.
        self.close = finalize(self, self._session.close)
        self._rows: dict[str, dict[str, Row]] = {table: {} for table in COLUMNS}
        self._tables: Tables | None = None
        self._view: OvsView | None = None
        self._take(self._session.monitor(COLUMNS))

    def sync(self) -> None:
        """Take in all that was committed before this call.

        ovsdb-server sends what a connection monitors before it looks at that connection's next request, so the answer
        to any request comes after that.
        """
        self._session.echo()
        for updates in self._session.take_updates():
            self._take(updates)

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
        """What ovn-controller is told, at the last sync."""
        return self._typed_tables().chassis

    def _typed_tables(self) -> Tables:
        if self._tables is None:
            self._tables = Tables.of({table: list(rows.values()) for table, rows in self._rows.items()})
        return self._tables

    def _take(self, updates: Json) -> None:
        """RFC 7047 section 4.1.6: for each row that changed, ``new`` is the whole row, and not there when it went."""
        for table, changes in updates.items() if isinstance(updates, dict) else ():
            rows = self._rows[table]
            for uuid, change in changes.items() if isinstance(changes, dict) else ():
                row = change.get("new") if isinstance(change, dict) else None
                if isinstance(row, dict):
                    rows[uuid] = {"_uuid": ["uuid", uuid], **row}
                else:
                    rows.pop(uuid, None)
            self._tables = self._view = None
