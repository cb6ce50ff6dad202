"""A database of OVN, by ovsdbapp: its current content, and transactions, each within a time limit.

ovsdbapp's own connection runs in a thread that waits for ever for a database that keeps silent, fetches the schema with
no limit at all, and is one for all databases of a process, as it is kept with the class. Here everything happens in the
caller's thread until a deadline, and the part of the schema that is used is known.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from ovs.db.data import Datum
from ovs.db.idl import Idl, SchemaHelper, Transaction
from ovsdbapp.backend.ovs_idl import Backend
from ovsdbapp.backend.ovs_idl.command import BaseCommand
from ovsdbapp.backend.ovs_idl.idlutils import wait_for_change

from netweft.providers.contract import ProviderError, RefusedError

T = TypeVar("T")

_FOREVER = 3600.0
"""Seconds after which ovsdbapp itself would give up; the deadline is always earlier."""


class Database:
    """A database at ``remote`` (``unix:PATH``, ``tcp:HOST:PORT``, or several of a cluster with commas), read whole when
    it is first used. ``timeout``: seconds that each call may take.
    """

    def __init__(self, remote: str, schema: Mapping[str, Any], timeout: float) -> None:
        self._remote = remote
        self._timeout = timeout
        helper = SchemaHelper(schema_json=dict(schema))
        helper.register_all()
        self._idl = _Idl(remote, helper, probe_interval=round(1000 * timeout))
        own = type("Api", (Backend,), {"_ovsdb_connection": None, "schema": schema["name"]})
        self._api: Any = own(_Connection(self._idl), start=False, auto_index=False)

    def close(self) -> None:
        """End the connection."""
        self._idl.close()

    def row(self, table: str, row_id: UUID) -> Any:  # noqa: ANN401 - a library without types
        """The row with an id, None when there is none."""
        return self._idl.tables[table].rows.get(row_id)

    def rows(self, table: str) -> list[Any]:
        """The rows of a table, as they are in the copy here, without those that a transaction is about to make."""
        return [row for row in self._idl.tables[table].rows.values() if row._data is not None]  # noqa: SLF001 - the same

    def insert(self, txn: Any, table: str, parent: Any = None, **columns: Any) -> Any:  # noqa: ANN401 - the same
        """A new row with these columns. ``parent``: the row among whose ``ports`` it is."""
        row = txn.insert(self._idl.tables[table])
        for column in self._idl.tables[table].columns.values():
            default = Datum.default(column.type).to_python(lambda atom, _: atom)
            setattr(row, column.name, columns.get(column.name, default))
        if parent is not None:
            parent.addvalue("ports", row)
        return row

    def refresh(self) -> None:
        """Have in the copy whatever was there when this was called. Raises ProviderError."""
        self._within_time(lambda txn: txn.add_op({"op": "comment", "comment": "netweft reads"}))

    def transact(self, act: Callable[[Any], T]) -> T:
        """The result of ``act``, once its changes are committed. The copy is refreshed before.

        ``act`` is called again when data that it relied on has changed (``verify``, :func:`require_unique`). Raises
        ProviderError, RefusedError when the database refuses it, and what ``act`` raises: nothing is committed then.
        """
        self.refresh()
        return self._within_time(act)

    def _within_time(self, act: Callable[[Any], T]) -> T:
        self._idl.deadline = time.monotonic() + self._timeout
        command = _Act(self._api, act)
        try:
            if not self._idl.has_ever_connected():
                wait_for_change(self._idl)
            transaction = self._api.create_transaction(check_error=True, log_errors=False)
            transaction.add(command)
            transaction.commit()
        except TimeoutError as error:
            raise ProviderError(
                f"The provider cannot be reached: the database at {self._remote} did not answer for"
                f" {self._timeout:g} seconds."
            ) from error
        except RuntimeError as error:
            raise RefusedError(f"The provider refused: {_reason(str(error))}") from error
        except _NotThereError as error:
            raise ProviderError(f"The provider cannot be reached: the database at {self._remote} {error}.") from error
        return command.given  # type: ignore[no-any-return] # whatever act gave

    def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Whether it came to hold in the copy within so many seconds. Raises ProviderError."""
        limit = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > limit:
                return False
            time.sleep(0.02)
            self.refresh()
        return True


def _reason(text: str) -> str:
    """Why a transaction failed, from ovsdbapp's text (after a prefix the error as JSON, RFC 7047, section 4.1.3), as a
    sentence.
    """
    text = text.removeprefix("OVSDB Error: ")
    try:
        problem = msgspec.json.decode(text, type=_Error)
    except msgspec.DecodeError:
        problem = _Error(error=text)
    sentence = f"{problem.error}: {problem.details}" if problem.details else problem.error
    return f"{sentence.rstrip('.')}."


class _Error(msgspec.Struct):
    """An error of the database: its kind, in words, and what it is about."""

    error: str
    details: str = ""


class _NotThereError(Exception):
    """There is no such database at the given address; the text says what is there."""


class _Idl(Idl):  # type: ignore[misc] # a library without types
    """A copy of a database that is kept up to ``deadline`` (of the monotonic clock). Raises TimeoutError after it."""

    deadline = 0.0

    def __init__(self, remote: str, helper: SchemaHelper, **options: Any) -> None:  # noqa: ANN401 - the same
        super().__init__(remote, helper, **options)
        self._refusals: list[int] = []
        failed = self._session.reconnect.connect_failed

        def remember(now: int, error: int) -> None:
            self._refusals.append(error)
            failed(now, error)

        self._session.reconnect.connect_failed = remember

    def run(self) -> bool:
        if time.monotonic() > self.deadline:
            raise TimeoutError
        has_changed = bool(super().run())
        if not self.has_ever_connected():
            self._require_database()
        return has_changed

    def _require_database(self) -> None:
        """Raises _NotThereError when waiting is of no use: nothing listens at any of the remotes, or another database
        does. One that was there before may come back.
        """
        if len(self._refusals) >= len(self._session.remotes):
            raise _NotThereError(f"cannot be connected to: {os.strerror(self._refusals[-1])}")
        listed = self.server_tables["Database"].rows.values() if self.server_tables else ()
        there = sorted({row.name for row in listed} - {"_Server"})
        if there and self._db.name not in there:
            raise _NotThereError(f"is not {self._db.name}, but {', '.join(there)}")

    def wait(self, poller: Any) -> None:  # noqa: ANN401 - the same
        super().wait(poller)
        poller.timer_wait(max(0, round(1000 * (self.deadline - time.monotonic()))) + 1)


class _Connection:
    """What ovsdbapp needs of a connection."""

    def __init__(self, idl: _Idl) -> None:
        self.idl = idl
        self.timeout = _FOREVER
        self.is_running = True
        self.lock = RLock()

    def queue_txn(self, transaction: Any) -> None:  # noqa: ANN401 - the same
        """Commit it, at once."""
        transaction.results.put(transaction.do_commit())


class _Act(BaseCommand):  # type: ignore[misc] # the same
    """A command that is a function."""

    def __init__(self, api: Any, act: Callable[[Any], Any]) -> None:  # noqa: ANN401 - the same
        super().__init__(api)
        self._act = act
        self.given: Any = None

    def run_idl(self, txn: Transaction) -> None:
        self.given = self._act(txn)


def require_unique(txn: Any, table: str, row: Any, key: str) -> None:  # noqa: ANN401 - the same
    """Commit a transaction only if the row that it inserts into ``table`` is the only one there with this entry of its
    external_ids: another client may insert one at the same time.
    """
    name = f"row{row.uuid}".replace("-", "_")  # as ovs.db.idl names it
    txn.add_op(
        {
            "op": "wait",
            "table": table,
            "timeout": 0,
            "where": [["external_ids", "includes", ["map", [[key, row.external_ids[key]]]]]],
            "columns": ["_uuid"],
            "until": "==",
            "rows": [{"_uuid": ["named-uuid", name]}],
        }
    )


def values(row: Any, column: str) -> list[Any]:  # noqa: ANN401 - the same
    """The values of a column that is a set, as the database has them, whatever a transaction is about to change. They
    are read for all ports of a network: as attributes they would take a tenth of a millisecond each.
    """
    return [atom.value for atom in row._data[column].values]  # noqa: SLF001 - the same


def entries(row: Any, column: str) -> dict[str, str]:  # noqa: ANN401 - the same
    """The same of one that is a map."""
    return {key.value: value.value for key, value in row._data[column].values.items()}  # noqa: SLF001 - the same
