"""One connection to an ovsdb-server: JSON-RPC as RFC 7047 has it, and the notation of its values.

Their meaning in Open vSwitch is in ovsdb.py.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:
    from types import TracebackType

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Row: TypeAlias = dict[str, Json]
Operation: TypeAlias = Mapping[str, Json]

DATABASE = "Open_vSwitch"
_CHUNK = 1 << 18


class OvsdbError(Exception):
    """The database, or the daemon that applies it, does not answer; the host's administrator must act."""


class OvsdbRefusalError(OvsdbError):
    """The database refused a transaction, and nothing was changed.

    ``index``: of the refused operation, None when a constraint on the whole was violated.
    """

    def __init__(self, index: int | None, error: str, details: str) -> None:
        super().__init__(f"{error}: {details}" if details else error)
        self.index = index
        self.error = error


class Session:
    """A connection to the ovsdb-server at the absolute path of a unix socket; a context manager.

    Not thread-safe.

    ``timeout``: seconds to wait for an answer. Raises OvsdbError when it cannot connect.
    """

    def __init__(self, path: str, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._buffer = b""
        self._serial = 0
        self._updates: list[Json] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise OvsdbError(
                f"cannot reach Open vSwitch's database at {path} ({error.strerror or error}): is ovsdb-server running?"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def fileno(self) -> int:
        """The socket, which becomes readable when the server has sent something."""
        return self._socket.fileno()

    def select(self, tables: Mapping[str, Sequence[str]]) -> list[list[Row]]:
        """The named columns of all rows of each table, read at one instant."""
        return [self.rows(result) for result in self.transact([select(*table) for table in tables.items()])]

    def monitor(self, tables: Mapping[str, Sequence[str]]) -> Json:
        """The named columns of all rows of each table, as the first update; those that follow are kept for
        :meth:`take_updates`.
        """
        return self._call("monitor", [DATABASE, None, {table: {"columns": list(tables[table])} for table in tables}])

    def take_updates(self) -> list[Json]:
        """The updates that came with answers since the last call, each as table, row's uuid, ``old`` and ``new``."""
        taken, self._updates = self._updates, []
        return taken

    def echo(self) -> None:
        """Send an echo request and wait for the reply."""
        self._call("echo", [])

    @staticmethod
    def rows(result: Row) -> list[Row]:
        """The rows that a select of a transaction returned."""
        rows = result.get("rows")
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    def transact_after_change(
        self, table: str, row: Row, timeout: float, operations: Sequence[Operation]
    ) -> list[Row] | None:
        """:meth:`transact` as soon as the row of a one-row table differs from ``row``.

        None when it does not differ after ``timeout`` seconds.
        """
        condition: Operation = {
            "op": "wait",
            "table": table,
            "where": [],
            "columns": list(row),
            "until": "!=",
            "rows": [row],
            "timeout": int(timeout * 1000),
        }
        self._socket.settimeout(timeout + self._timeout)
        try:
            return self.transact([condition, *operations])[1:]
        except OvsdbRefusalError as refusal:
            if refusal.error == "timed out":
                return None
            raise
        finally:
            self._socket.settimeout(self._timeout)

    def transact(self, operations: Sequence[Operation]) -> list[Row]:
        """Carry out the operations as one transaction; their results.

        Raises OvsdbRefusalError, and then nothing was applied.
        """
        reply = self._call("transact", [DATABASE, *(dict(operation) for operation in operations)])
        if not isinstance(reply, list):
            raise OvsdbError(f"ovsdb-server at {self._path} answered a transaction with {reply!r}")
        results = []
        for index, result in enumerate(reply):
            if isinstance(result, dict) and "error" in result:
                raise OvsdbRefusalError(
                    index if index < len(operations) else None, str(result["error"]), str(result.get("details", ""))
                )
            results.append(result if isinstance(result, dict) else {})
        return results

    def _call(self, method: str, params: list[Json]) -> Json:
        self._serial += 1
        self._send({"method": method, "params": params, "id": self._serial})
        while True:
            message = self._receive()
            if message.get("method") == "echo":
                self._send({"result": message["params"], "error": None, "id": message["id"]})
            elif message.get("method") == "update" and isinstance(message["params"], list):
                self._updates.append(message["params"][1])
            elif message.get("id") == self._serial:
                if message.get("error") is not None:
                    raise OvsdbError(f"ovsdb-server at {self._path} refused {method}: {message['error']}")
                return message["result"]

    def _send(self, message: Row) -> None:
        try:
            self._socket.sendall(json.dumps(message, separators=(",", ":")).encode())
        except OSError as error:
            raise OvsdbError(f"ovsdb-server at {self._path} closed the connection: {error}") from error

    def _receive(self) -> Row:
        """The next JSON object of the stream.

        Messages have no separators, so only the parser finds the end; it is tried only where an object may end.
        """
        deadline = monotonic() + (self._socket.gettimeout() or self._timeout)
        pieces = [self._buffer]
        while True:
            if pieces[-1].endswith(b"}"):
                text = b"".join(pieces).decode().lstrip()
                try:
                    message, end = json.JSONDecoder().raw_decode(text)
                except json.JSONDecodeError:
                    pieces = [text.encode()]  # an inner object ended here: more is to come
                else:
                    self._buffer = text[end:].encode()
                    return message if isinstance(message, dict) else {}
            if monotonic() > deadline:
                raise OvsdbError(f"ovsdb-server at {self._path} has not completed its answer in time")
            pieces.append(self._read())

    def _read(self) -> bytes:
        try:
            data = self._socket.recv(_CHUNK)
        except OSError as error:
            raise OvsdbError(f"ovsdb-server at {self._path} does not answer: {error}") from error
        if not data:
            raise OvsdbError(f"ovsdb-server at {self._path} closed the connection")
        return data


def select(table: str, columns: Sequence[str], where: Sequence[Json] = ()) -> Operation:
    """The operation that reads the named columns of the rows for which all conditions hold."""
    return {"op": "select", "table": table, "where": list(where), "columns": list(columns)}


def only_row(rows: Sequence[Row]) -> Row:
    """The one row that table Open_vSwitch has once it is set up (``ovs-vsctl init``). Raises OvsdbError."""
    if len(rows) != 1:
        raise OvsdbError(
            f"table Open_vSwitch of Open vSwitch's database has {len(rows)} rows, not one: "
            "has Open vSwitch ever been started on it?"
        )
    return rows[0]


def as_set(value: Json) -> list[Json]:
    """The elements of a set; RFC 7047 section 5.1 writes a set of one element as the bare element."""
    if isinstance(value, list) and value[0] == "set":
        elements = value[1]
        return elements if isinstance(elements, list) else []
    return [value]


def as_map(value: Json) -> dict[str, str]:
    """A map of strings."""
    match value:
        case ["map", list(pairs)]:
            return {str(pair[0]): str(pair[1]) for pair in pairs if isinstance(pair, list)}
        case _:
            return {}


def to_set(values: Iterable[Json]) -> Json:
    """A set in the notation of RFC 7047."""
    return ["set", list(values)]


def to_map(values: Mapping[str, str]) -> Json:
    """A map in the notation of RFC 7047."""
    return ["map", [[key, value] for key, value in values.items()]]
