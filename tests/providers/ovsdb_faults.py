"""A proxy between a client and an OVSDB (RFC 7047), which injects faults like :mod:`providers.faults`. A rule matches a
method and its parameters as JSON, in one line: ``transact ["OVN_Northbound", {...}]``.
"""

from __future__ import annotations

import codecs
import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Lock, Thread
from typing import Any, ClassVar, Self

from providers.faults import LONGEST, Fault, Faults


def refusal(error: str = "constraint violation") -> Fault:
    """A transaction that the database refuses, with an error of RFC 7047, section 5.2."""
    return Fault(kind="answer", body={"error": error, "details": "told to fail"})


class FaultyDatabase(Faults):
    """Listens on loopback while it is a context manager, at ``address`` (``tcp:HOST:PORT``, as ``upstream`` is)."""

    def __init__(self, upstream: str) -> None:
        super().__init__()
        _, host, port = upstream.split(":")
        own = type("Own", (_Connection,), {"faults": self, "database": (host, int(port))})
        self._server = ThreadingTCPServer(("127.0.0.1", 0), own)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self.address = f"tcp:127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Connection(BaseRequestHandler):
    """One client's. ``silent``: after a fault nothing more is sent to it. ``lost``: the id of the request whose answer
    is dropped, and ``answered`` that the database has sent it.
    """

    faults: ClassVar[Faults]
    database: ClassVar[tuple[str, int]]

    def setup(self) -> None:
        self.silent = False
        self.lost: Any = None
        self.answered = Event()
        self.sending = Lock()

    def handle(self) -> None:
        with suppress(OSError), socket.create_connection(self.database) as upstream:  # client or database is gone
            back = Thread(target=self._pass_back, args=(upstream,))
            back.start()
            try:
                self._pass_on(upstream)
            finally:
                _shut(upstream)
                back.join()

    def _pass_on(self, upstream: socket.socket) -> None:
        for message in _messages(self.request):
            fault, released = self._fault_of(message)
            if fault is None:
                _send(upstream, message)
            elif fault.kind == "trickle":
                self._trickle(released)
            elif fault.kind == "answer":
                self._answer({"id": message["id"], "result": [dict(fault.body)], "error": None})
            else:
                self.silent, self.lost = True, message["id"]
                if fault.kind.startswith("lose"):
                    _send(upstream, message)
                    self.answered.wait(LONGEST)
                if fault.kind.endswith("hang"):
                    released.wait(LONGEST)
                return

    def _trickle(self, released: Event) -> None:
        """An answer that never ends, until the client is gone."""
        deadline = time.monotonic() + LONGEST
        with self.sending:
            self.request.sendall(b'{"id": "')
            while time.monotonic() < deadline and not released.wait(0.05):
                self.request.sendall(b"x")

    def _fault_of(self, message: Any) -> tuple[Fault | None, Event]:
        """Keepalives and their answers are no requests."""
        if message.get("method") in {None, "echo"}:
            return None, self.answered
        return self.faults.fault_of(f"{message['method']} {json.dumps(message['params'])}")

    def _pass_back(self, upstream: socket.socket) -> None:
        with suppress(OSError):
            for message in _messages(upstream):
                if not self.silent:
                    self._answer(message)
                elif message.get("id") == self.lost:
                    self.answered.set()
        self.answered.set()
        _shut(self.request)

    def _answer(self, message: Any) -> None:
        with self.sending:
            _send(self.request, message)


def _messages(endpoint: socket.socket) -> Iterator[Any]:
    """JSON values without separators, until the other side closes the connection."""
    decoder, octets, text = json.JSONDecoder(), codecs.getincrementaldecoder("utf-8")(), ""
    while data := endpoint.recv(65536):
        text = (text + octets.decode(data)).lstrip()
        while text:
            try:
                message, end = decoder.raw_decode(text)
            except json.JSONDecodeError:
                break  # incomplete so far
            text = text[end:].lstrip()
            yield message


def _send(endpoint: socket.socket, message: Any) -> None:
    endpoint.sendall(json.dumps(message).encode())


def _shut(endpoint: socket.socket) -> None:
    with suppress(OSError):
        endpoint.shutdown(socket.SHUT_RDWR)
