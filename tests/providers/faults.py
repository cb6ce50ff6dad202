"""A proxy between a client and an HTTP service, which injects faults of services and networks at given requests."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import ClassVar, Literal

from http_proxy import Proxy, ProxyHandler, Reply

LONGEST = 300.0
"""Seconds after which a hanging request ends in any case."""

Kind = Literal["answer", "close", "hang", "lose", "lose and hang", "trickle"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The handling of a request.

    ``answer``: it does not get to the service, and is answered with ``status``, and ``body`` as JSON. ``close``: it
    does not get there, and its connection ends. ``hang``: it does not get there, and nothing happens until the client
    gives up. ``lose``: it acts, and in place of the answer the connection ends. ``lose and hang``: it acts, and nothing
    is answered. ``trickle``: it does not get there, and the answer, which begins with ``head``, never ends: one octet
    comes after the other.
    """

    kind: Kind
    status: int = 0
    body: Mapping[str, object] = field(default_factory=dict)
    head: bytes = b""


def answer(status: int, kind: str = "ToldToFail") -> Fault:
    """An error in Neutron's format; ``kind``: its name, such as MacAddressInUse."""
    return Fault(
        kind="answer", status=status, body={"NeutronError": {"type": kind, "message": "told to fail", "detail": ""}}
    )


TRICKLES = {
    "head": Fault(kind="trickle", head=b"HTTP/1.1 200 OK\r\nX-Long: "),
    "body": Fault(kind="trickle", head=b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
    "body without length": Fault(kind="trickle", head=b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
}
CLOSE, HANG, LOSE, LOSE_AND_HANG = (Fault(kind=kind) for kind in ("close", "hang", "lose", "lose and hang"))


@dataclass(kw_only=True)
class Rule:
    """A fault, and the requests that it applies to: of those in whose line (``POST /v2.0/ports``) the pattern is found,
    the ``nth`` since the rule was made, counted from 1, and the ``times`` - 1 after it. ``met``: their lines.
    """

    pattern: str
    fault: Fault
    nth: int
    times: int
    matched: int = 0
    met: list[str] = field(default_factory=list)

    def befalls(self, line: str) -> bool:
        """Whether the fault applies to this request; called once for each."""
        if not re.search(self.pattern, line):
            return False
        self.matched += 1
        if not self.nth <= self.matched < self.nth + self.times:
            return False
        self.met.append(line)
        return True


class Faults:
    """The rules of a proxy. ``seen``: the lines of all requests, in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.released = Event()
        self._rules: list[Rule] = []
        self._lock = Lock()

    def fail(self, pattern: str, fault: Fault, *, nth: int = 1, times: int = 1) -> Rule:
        """Make a rule."""
        rule = Rule(pattern=pattern, fault=fault, nth=nth, times=times)
        with self._lock:
            self._rules.append(rule)
        return rule

    def mend(self) -> None:
        """Pass all requests on from now on; hanging ones end without an answer."""
        with self._lock:
            self._rules.clear()
            released, self.released = self.released, Event()
        released.set()

    def fault_of(self, line: str) -> tuple[Fault | None, Event]:
        """Record a request; returns its fault, None if it passes, and the event that ends its hanging. Every rule
        counts it, and the first one that applies is used.
        """
        with self._lock:
            self.seen.append(line)
            faults = [rule.fault for rule in self._rules if rule.befalls(line)]
            return (faults[0] if faults else None), self.released


class FaultyProxy(Faults, Proxy):
    """Passes on requests without a fault. ``tls``: as of Proxy."""

    def __init__(self, upstream: str, *, tls: ssl.SSLContext | None = None) -> None:
        Faults.__init__(self)
        Proxy.__init__(self, upstream, _Handler, tls=tls)

    def __exit__(self, *_: object) -> None:
        self.released.set()
        super().__exit__()


class _Handler(ProxyHandler):
    proxy: ClassVar[FaultyProxy]
    patience = LONGEST

    def handle_request(self, body: bytes) -> None:
        fault, released = self.proxy.fault_of(f"{self.command} {self.path}")
        keeps = not self.close_connection
        self.close_connection = True
        with suppress(OSError, http.client.HTTPException):  # service or client is gone, and the connection ends
            if fault is None or fault.kind == "answer":
                self.answer(_told(fault) if fault else self.ask(body))
                self.close_connection = not keeps
            elif fault.kind == "trickle":
                self._trickle(fault.head, released)
            else:
                if fault.kind.startswith("lose"):
                    self.ask(body)
                if fault.kind.endswith("hang"):
                    self._hang(released)

    def _trickle(self, head: bytes, released: Event) -> None:
        """Send octets until the client has closed its end, which the second one after that detects."""
        deadline = time.monotonic() + LONGEST
        self.connection.sendall(head)
        while time.monotonic() < deadline and not released.wait(0.05):
            self.connection.sendall(b" ")

    def _hang(self, released: Event) -> None:
        """Wait until the proxy is repaired, or the client has closed its end."""
        deadline = time.monotonic() + LONGEST
        self.connection.settimeout(0.05)
        while time.monotonic() < deadline and not released.is_set():
            with suppress(TimeoutError):
                if not self.connection.recv(1):
                    return


def _told(fault: Fault) -> Reply:
    return Reply(fault.status, (("Content-Type", "application/json"),), json.dumps(fault.body).encode())
