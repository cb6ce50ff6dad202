"""The engine's client for agents: TLS authenticates them, their messages are the values of core.protocol.

A host is identified by its id, not by its address: the certificate must name the id, and connections are kept by id and
address, so that requests never reach another host when an address is reassigned. A confirmation is sent on a new
connection, because hosts accept it only there. A refused connection is retried, as other clients may exhaust the host's
listener; a connection that breaks after the request was sent is retried only for requests that may be repeated.
"""

from __future__ import annotations

import ssl
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from netweft.core.errors import HostError
from netweft.core.guest_protocol import GuestSpec, GuestState, Migration
from netweft.core.protocol import (
    EVENT_HEADER,
    Change,
    ChangeRequest,
    Credentials,
    EventPage,
    FunctionsRequest,
    GenerationRef,
    HostReport,
    LinkCounters,
    Phase,
    Progress,
)
from netweft.engine.agent_answers import UnreachableError, accepted, decode, decode_report, explained
from netweft.engine.agent_connections import Connections, Endpoint, parse_address
from netweft.engine.agent_lines import Line
from netweft.engine.agent_wire import Answer, BrokenError, NotReachedError, request
from netweft.engine.pki import Authority
from netweft.engine.slots import Waiting

T = TypeVar("T")

_AGAIN = (0.0, 0.1, 0.3, 1.0)
"""Seconds before each retry when a connection was refused or broke. The first retry is immediate: a kept connection may
have been closed.
"""
ANSWER_SECONDS = 30.0
"""Timeout of an answer, in seconds (observing a thousand networks takes far less)."""
EVENT_SECONDS = 10.0
"""Timeout of a long poll, in seconds beyond its duration."""
_UNCHANGED = 304
_REPEATABLE_METHODS = {"GET", "PUT", "DELETE"}
_REPEATABLE = {"/v1/host/confirm", "/v1/host/commit"}
"""Further paths whose requests may be repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The answer to a poll. ``report``: JSON of core.protocol.HostReport, None when it has not changed. ``boot``,
    ``event``: the agent's newest event before the report.
    """

    boot: str
    event: int
    report: bytes | None = None
    tag: str = ""


class Agents:
    """All agents. Safe to use from any thread; one for the whole engine, as making a TLS context is slow.

    ``waiting``: a context that a thread enters while it waits for an answer.
    """

    def __init__(self, authority: Authority, waiting: Waiting = nullcontext) -> None:
        self.authority = authority
        self._waiting = waiting
        self._context = _context(authority)
        self.connections = Connections(self._context)

    def of(self, host_id: str, address: str, *, since: datetime | None = None) -> Agent:
        """The agent of a host; connects at the first request. Raises HostError when the address is invalid.

        ``since``: when the job that sends requests about a guest began, by the database's clock: the host refuses them
        once it has accepted one of a later job.
        """
        order = 0 if since is None else int(since.timestamp() * 1_000_000)
        return Agent(self.connections, host_id, _endpoint(address), self._waiting, order)

    async def line(self, host_id: str, address: str) -> AgentLine:
        """A connection for monitoring a host, in the running event loop. Raises HostError."""
        endpoint = _endpoint(address)
        with explained(endpoint):
            return AgentLine(await Line.open(host_id, endpoint, self._context), host_id, endpoint)

    def is_current(self, line: AgentLine) -> bool:
        """Whether a connection was opened with the engine's current certificate."""
        return line.context is self._context

    def show_certificate(self) -> None:
        """Use the authority's new client certificate on connections that are opened from now on."""
        self._context = _context(self.authority)
        self.connections.show(self._context)

    def close(self) -> None:
        """Close all idle connections."""
        self.connections.close()


class AgentLine:
    """The connection on which a host is monitored, for one request at a time. Every method raises UnreachableError,
    after which the connection is unusable, or RefusedError.
    """

    def __init__(self, line: Line, host_id: str, endpoint: Endpoint) -> None:
        self._line = line
        self._host_id = host_id
        self._endpoint = endpoint

    @property
    def context(self) -> ssl.SSLContext:
        """The TLS context that it was opened with."""
        return self._line.context

    async def events(self, after: int, wait: float, patience: float) -> EventPage:
        """What happened after the event of that number; waits up to ``wait`` seconds for something to happen, and
        ``patience`` longer for the answer.
        """
        answer = await self._ask(f"/v1/events?{urlencode({'after': after, 'wait': wait})}", wait + patience)
        return decode(self._endpoint, EventPage, answer.body)

    async def poll(self, known: str) -> Sight:
        """What the host is like, unless that is what has the tag ``known``."""
        answer = await self._ask("/v1/host", ANSWER_SECONDS, known)
        boot, _, number = answer.headers.get(EVENT_HEADER.lower(), "").rpartition(" ")
        if not number.isdecimal():
            raise UnreachableError(f"The agent at {self._endpoint} does not report its newest event.")
        report = None if answer.status == _UNCHANGED else answer.body
        return Sight(boot=boot, event=int(number), report=report, tag=answer.tag)

    async def counters(self) -> bytes:
        """What its links have counted: JSON of a core.protocol.LinkCounters each, by name."""
        answer = await self._ask("/v1/counters", ANSWER_SECONDS)
        decode(self._endpoint, dict[str, LinkCounters], answer.body)
        return answer.body

    def close(self) -> None:
        """End it."""
        self._line.close()

    async def _ask(self, path: str, patience: float, known: str = "") -> Answer:
        with explained(self._endpoint):
            whole = request("GET", self._host_id, self._endpoint.prefix + path, known=known)
            answer = accepted(self._endpoint, await self._line.ask(whole, patience))
            if not answer.keeps:
                raise BrokenError("it closes the connection")
        return answer


class Agent:
    """One host's agent. Every method raises UnreachableError or RefusedError; the protocol says what each does
    (core.protocol).
    """

    def __init__(
        self, connections: Connections, host_id: str, endpoint: Endpoint, waiting: Waiting, order: int = 0
    ) -> None:
        self._connections = connections
        self._host_id = host_id
        self._endpoint = endpoint
        self._waiting = waiting
        self._order = order

    def report(self) -> HostReport:
        """What the host is and has, observed now."""
        answer = self._exchange("GET", "/v1/host", None)
        return decode_report(self._endpoint, answer.body, answer.tag)

    def counters(self) -> bytes:
        """As :meth:`AgentLine.counters`."""
        content = self._exchange("GET", "/v1/counters", None).body
        decode(self._endpoint, dict[str, LinkCounters], content)
        return content

    def progress(self) -> Progress:
        """Where its last change stands, which costs the host nothing to tell."""
        return self._get("/v1/host/change", Progress)

    def next_progress(self, generation: int, phase: Phase, wait: float) -> Progress:
        """The same, once its last change is not that one in that phase any more and needs the engine, or has got on;
        after ``wait`` seconds in any case.
        """
        query = urlencode({"generation": generation, "phase": phase.value, "wait": wait})
        return self._get(f"/v1/host/change?{query}", Progress, patience=wait + EVENT_SECONDS)

    def put_host(self, desired: ChangeRequest) -> Change:
        """Ask for a change; it goes on after the answer. Repeating the same request is harmless."""
        return self._send("PUT", "/v1/host", desired, Change)

    def confirm(self, generation: int) -> Change:
        """Keep the change, on a connection that is opened now."""
        return self._send("POST", "/v1/host/confirm", GenerationRef(generation=generation), Change, fresh=True)

    def commit(self) -> Change:
        """Let boot restore what runs now."""
        return self._send("POST", "/v1/host/commit", None, Change)

    def set_functions(self, request: FunctionsRequest) -> FunctionsRequest:
        """Let a NIC have so many virtual functions."""
        return self._send("PUT", "/v1/functions", request, FunctionsRequest)

    def events(self, after: int, wait: float) -> EventPage:
        """What happened after the event of that number; waits up to ``wait`` seconds for something to happen."""
        query = urlencode({"after": after, "wait": wait})
        return self._get(f"/v1/events?{query}", EventPage, patience=wait + EVENT_SECONDS)

    def guests(self) -> list[GuestState]:
        """The guests that are on the host."""
        return self._get("/v1/guests", list[GuestState])

    def put_guest(self, spec: GuestSpec) -> GuestState:
        """Start a guest, or make a running one's vNICs as the spec has them."""
        return self._send("PUT", f"/v1/guests/{spec.id}", spec, GuestState, patience=120.0)

    def migrate_guest(self, guest_id: str, migration: Migration) -> GuestState:
        """Begin to move a running guest to another host; an event tells the end."""
        return self._send("POST", f"/v1/guests/{guest_id}/migrate", migration, GuestState)

    def suspend_guest(self, guest_id: str) -> GuestState:
        """Begin to save a running guest; an event tells the end."""
        return self._send("POST", f"/v1/guests/{guest_id}/suspend", None, GuestState)

    def shut_down_guest(self, guest_id: str) -> GuestState:
        """Ask a running guest to end in good order."""
        return self._send("POST", f"/v1/guests/{guest_id}/shutdown", None, GuestState)

    def reboot_guest(self, guest_id: str) -> GuestState:
        """Ask a running guest to start again."""
        return self._send("POST", f"/v1/guests/{guest_id}/reboot", None, GuestState)

    def delete_guest(self, guest_id: str) -> None:
        """Stop a guest and forget its saved memory; nothing happens when it is not there."""
        self._exchange("DELETE", f"/v1/guests/{guest_id}", None, patience=120.0)

    def request_certificates(self) -> Credentials:
        """Let the host make new keys; signing requests for them."""
        return self._send("POST", "/v1/certificate", None, Credentials)

    def put_certificates(self, signed: Credentials) -> None:
        """Give it the certificates for those keys. Repeating it is harmless."""
        self._exchange("PUT", "/v1/certificate", msgspec.json.encode(signed))

    def shows(self, certificate: str) -> bool:
        """Whether it shows this certificate (PEM) to who comes now."""
        with explained(self._endpoint):
            connection = self._connections.open(self._host_id, self._endpoint)
            try:
                return connection.certificate == ssl.PEM_cert_to_DER_cert(certificate)
            finally:
                connection.close()

    def ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Any request, once, for simulated hosts know more than these. Raises UnreachableError."""
        with explained(self._endpoint):
            return self._try(method, path, body, patience=ANSWER_SECONDS, fresh=True)

    def _get(self, path: str, kind: type[T], *, patience: float = ANSWER_SECONDS) -> T:
        return decode(self._endpoint, kind, self._exchange("GET", path, None, patience=patience).body)

    def _send(
        self,
        method: str,
        path: str,
        value: object,
        kind: type[T],
        *,
        patience: float = ANSWER_SECONDS,
        fresh: bool = False,
    ) -> T:
        body = b"" if value is None else msgspec.json.encode(value)
        return decode(self._endpoint, kind, self._exchange(method, path, body, patience=patience, fresh=fresh).body)

    def _exchange(
        self, method: str, path: str, body: bytes | None, *, patience: float = ANSWER_SECONDS, fresh: bool = False
    ) -> Answer:
        with explained(self._endpoint), self._waiting():
            answer = self._try(method, path, body, patience=patience, fresh=fresh)
        return accepted(self._endpoint, answer)

    def _try(self, method: str, path: str, body: bytes | None, *, patience: float, fresh: bool) -> Answer:
        """Ask, and ask again where that cannot do harm: nothing was asked yet, or what may be asked twice. What may not
        goes over a connection that is opened now, as one that was kept may be dead. An agent that has joined again
        serves nobody who came before: it refuses and closes, and does nothing.
        """
        whole = request(method, self._host_id, self._endpoint.prefix + path, body, order=self._order)
        pauses = iter(_AGAIN)
        may_repeat = method in _REPEATABLE_METHODS or path in _REPEATABLE
        while True:
            try:
                kept = may_repeat and not fresh
                answer = self._connections.ask(self._host_id, self._endpoint, whole, patience, kept=kept)
            except (NotReachedError, BrokenError) as error:
                is_asked = isinstance(error, BrokenError)
                pause = next(pauses, None)
                if pause is None or (is_asked and not may_repeat) or _is_anothers(error):
                    raise
                time.sleep(pause)
            else:
                if not (kept and answer.status == HTTPStatus.FORBIDDEN and not answer.keeps):
                    return answer
                fresh = True


def _endpoint(address: str) -> Endpoint:
    try:
        return parse_address(address)
    except ValueError as error:
        raise HostError(str(error)) from error


def _context(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificate and name
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=authority.certificate)
    with tempfile.NamedTemporaryFile("w") as pem:  # private (0600); the ssl module reads keys from files only
        pem.write(authority.client.certificate + authority.client.private_key)
        pem.flush()
        context.load_cert_chain(pem.name)
    return context


def _is_anothers(error: Exception) -> bool:
    """Whether somebody answered who is not the host: that will be no other in a moment."""
    return isinstance(error.__cause__, ssl.SSLCertVerificationError)
