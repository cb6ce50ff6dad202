"""The engine's side of the wire to agents: who they are is proved by TLS, what they say are the values of
core.protocol.

A host is called by its id, not by its address: the certificate must name the id, and connections are kept by id, so
that an address that changes hands never gets one host's orders to another. What changes a host's networking goes over a
connection of its own, because a confirmation counts only there. All else goes over kept connections. A connection that
is refused is tried again, as strangers may be crowding the host's door; one that turns out to be dead after the request
was sent is tried again for what may be repeated.
"""

from __future__ import annotations

import re
import ssl
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import httpcore
import msgspec

from netweft.core import protocol
from netweft.core.errors import HostError
from netweft.core.protocol import (
    AGENT_PORT,
    Change,
    ChangeRequest,
    Credentials,
    EventPage,
    FunctionsRequest,
    GenerationRef,
    GuestSpec,
    GuestState,
    HostReport,
    Migration,
    Progress,
    Refusal,
)
from netweft.engine.pki import Authority

T = TypeVar("T")

# msgspec works a type out when it is first used, and two threads that do so at once crash the program: all types of
# the protocol are worked out here, while there is one thread.
for _kind in filter(is_dataclass, vars(protocol).values()):
    msgspec.json.Decoder(_kind)

CONNECT_SECONDS = 5.0
_AGAIN = (0.0, 0.1, 0.3, 1.0)
"""Seconds before each further try when a connection was refused or broke. The first is at once: it may have been a kept
one that was dead.
"""
ANSWER_SECONDS = 30.0
"""How long an agent may be silent while it answers (it observes a thousand networks in far less)."""
EVENT_SECONDS = 10.0
"""How long beyond the asked time an agent may be silent while it waits for an event: it observes nothing then."""
_LONGEST_SECONDS = 150.0
"""More than any request takes, a guest's start included."""
_CONNECTIONS = 2048
_IDLE_SECONDS = 60.0
"""Below the 75 s after which an agent hangs up, so that a kept connection is rarely a dead one."""
_ANSWER_MAX = 64 * 2**20
_ERRORS = 400


_BROKEN = (httpcore.ConnectError, httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError)
_REPEATABLE = {"/v1/host/confirm", "/v1/host/rollback", "/v1/host/commit"}
"""What comes to the same when it is asked twice, besides every PUT and what goes over kept connections."""


class UnreachableError(HostError):
    """No answer from the host: it is off, cut off, or somebody else answers in its place. What was asked may or may not
    have been done.
    """

    code = "VDS_NETWORK_ERROR"


class RefusedError(HostError):
    """The host answered that it will not or cannot. ``refusal`` is what it said."""

    def __init__(self, text: str, status: int, refusal: Refusal) -> None:
        super().__init__(text)
        self.host_status = status
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an agent is reached. ``prefix`` is a path for agents that serve several (simulated) hosts."""

    host: str
    port: int = AGENT_PORT
    prefix: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}{'' if self.port == AGENT_PORT else f':{self.port}'}{self.prefix}"


def parse_address(text: str) -> Endpoint:
    """Read ``HOST``, ``HOST:PORT``, ``[IPV6]:PORT`` or a whole ``https://HOST:PORT/PREFIX``; raises ValueError saying
    what is wrong.
    """
    if text.count(":") > 1 and "[" not in text and "://" not in text:
        text = f"[{text}]"
    parts = urlsplit(text if "://" in text else f"https://{text}")
    is_plain = not (parts.username or parts.query or parts.fragment or re.search(r"[^\w.:-]", parts.hostname or "-"))
    if parts.scheme != "https" or not parts.hostname or not is_plain:
        raise ValueError(f"{text!r} is no address of an agent: HOST or HOST:PORT is expected")
    return Endpoint(parts.hostname, parts.port or AGENT_PORT, parts.path.rstrip("/"))


class Agents:
    """All agents. Safe to use from any thread; one for the whole engine, as making a TLS context is slow."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self._network = _Network()
        self._retired: list[tuple[float, httpcore.ConnectionPool]] = []
        self._open()

    def _open(self) -> None:
        context = _context(self.authority)
        self._kept = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=self._network,
        )
        self._fresh = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=0,
            network_backend=self._network,
        )

    def of(self, host_id: str, address: str) -> Agent:
        """The agent of a host; costs nothing until it is asked something. Raises HostError when the address is none."""
        try:
            endpoint = parse_address(address)
        except ValueError as error:
            raise HostError(str(error)) from error
        self._network.learn(host_id, endpoint)
        return Agent(self, host_id, endpoint)

    def forget(self, host_id: str) -> None:
        """A host was removed."""
        self._network.forget(host_id)

    def show_certificate(self) -> None:
        """The authority has another client certificate: show it on connections that are opened from now on."""
        self._retired += [(time.monotonic(), pool) for pool in (self._kept, self._fresh)]
        self._open()

    def let_go(self) -> None:
        """Close the connections with an earlier certificate on which nobody waits for an answer any more."""
        while self._retired and time.monotonic() - self._retired[0][0] > _LONGEST_SECONDS:
            self._retired.pop(0)[1].close()

    def close(self) -> None:
        """Close all connections."""
        for pool in (self._kept, self._fresh, *(pool for _, pool in self._retired)):
            pool.close()

    def certificate_of(self, host_id: str, path: str) -> bytes:
        """What a host shows now on a new connection (DER). Raises the errors of httpcore."""
        timeout = {"connect": CONNECT_SECONDS, "read": ANSWER_SECONDS}
        with self._fresh.stream("GET", f"https://{host_id}{path}", extensions={"timeout": timeout}) as response:
            response.read()
            stream: httpcore.NetworkStream = response.extensions["network_stream"]
            shown: bytes = stream.get_extra_info("ssl_object").getpeercert(True)
        return shown

    def ask(
        self,
        method: str,
        host_id: str,
        path: str,
        body: bytes | None = None,
        *,
        patience: float = ANSWER_SECONDS,
        kept: bool = False,
    ) -> tuple[int, bytes]:
        """One request; status and body of the answer. ``kept``: over a connection that may have been used before.

        Raises the errors of httpcore.
        """
        pool = self._kept if kept else self._fresh
        timeout = {"connect": CONNECT_SECONDS, "read": patience, "write": ANSWER_SECONDS, "pool": ANSWER_SECONDS}
        headers = [("Content-Type", "application/json")] if body is not None else []
        with pool.stream(
            method, f"https://{host_id}{path}", headers=headers, content=body, extensions={"timeout": timeout}
        ) as response:
            return response.status, _limited(response.iter_stream())


class Agent:
    """One host's agent. Every method raises UnreachableError or RefusedError; the protocol says what each does
    (core.protocol).
    """

    def __init__(self, agents: Agents, host_id: str, endpoint: Endpoint) -> None:
        self._agents = agents
        self._host_id = host_id
        self._endpoint = endpoint

    def report(self) -> HostReport:
        """What the host is and has, observed now."""
        return self._get("/v1/host", HostReport)

    def progress(self) -> Progress:
        """Where its last change stands, which costs the host nothing to tell."""
        return self._get("/v1/host/change", Progress)

    def put_host(self, request: ChangeRequest) -> Change:
        """Ask for a change; it goes on after the answer. Repeating the same request is harmless."""
        return self._send("PUT", "/v1/host", request, Change)

    def confirm(self, generation: int) -> Change:
        """Keep the change, on a connection that is opened now."""
        return self._send("POST", "/v1/host/confirm", GenerationRef(generation=generation), Change)

    def rollback(self, generation: int) -> Change:
        """Take the change back."""
        return self._send("POST", "/v1/host/rollback", GenerationRef(generation=generation), Change)

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
        return self._send("PUT", f"/v1/guests/{spec.id}", spec, GuestState, patience=120.0, kept=True)

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
        self._exchange("DELETE", f"/v1/guests/{guest_id}", None, patience=120.0, kept=True)

    def request_certificates(self) -> Credentials:
        """Let the host make new keys; signing requests for them."""
        return self._send("POST", "/v1/certificate", None, Credentials)

    def put_certificates(self, signed: Credentials) -> None:
        """Give it the certificates for those keys. Repeating it is harmless."""
        self._exchange("PUT", "/v1/certificate", msgspec.json.encode(signed), patience=ANSWER_SECONDS)

    def shows(self, certificate: str) -> bool:
        """Whether it shows this certificate (PEM) to who comes now."""
        path = f"{self._endpoint.prefix}/v1/events?after=0&wait=0"
        with self._telling():
            return self._agents.certificate_of(self._host_id, path) == ssl.PEM_cert_to_DER_cert(certificate)

    def _get(self, path: str, kind: type[T], *, patience: float = ANSWER_SECONDS) -> T:
        return self._decode(kind, self._exchange("GET", path, None, patience=patience, kept=True))

    def _send(
        self,
        method: str,
        path: str,
        value: object,
        kind: type[T],
        *,
        patience: float = ANSWER_SECONDS,
        kept: bool = False,
    ) -> T:
        body = b"" if value is None else msgspec.json.encode(value)
        return self._decode(kind, self._exchange(method, path, body, patience=patience, kept=kept))

    def _exchange(self, method: str, path: str, body: bytes | None, *, patience: float, kept: bool = False) -> bytes:
        with self._telling():
            status, content = self._try(method, path, body, patience=patience, kept=kept)
        if status < _ERRORS:
            return content
        refusal = _refusal(status, content)
        raise RefusedError(f"The agent at {self._endpoint} refused: {refusal.message}", status, refusal)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Errors of the way to the host, in words."""
        try:
            yield
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise UnreachableError(f"The agent at {self._endpoint} does not answer: {_reason(error)}") from error

    def _try(self, method: str, path: str, body: bytes | None, *, patience: float, kept: bool) -> tuple[int, bytes]:
        """Ask, and ask again where that cannot do harm: nothing was asked yet, or what may be asked twice."""
        whole = self._endpoint.prefix + path
        pauses = iter(_AGAIN)
        may_repeat = kept or method == "PUT" or path in _REPEATABLE
        while True:
            try:
                return self._agents.ask(method, self._host_id, whole, body, patience=patience, kept=kept)
            except _BROKEN as error:
                is_asked = not isinstance(error, httpcore.ConnectError)
                pause = next(pauses, None)
                if pause is None or (is_asked and not may_repeat) or _is_anothers(error):
                    raise
                time.sleep(pause)

    def _decode(self, kind: type[T], content: bytes) -> T:
        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.DecodeError, RecursionError) as error:
            raise UnreachableError(f"The agent at {self._endpoint} answers what is not understood: {error}") from error


class _Network(httpcore.NetworkBackend):
    """Opens connections to where the host of an id is now."""

    def __init__(self) -> None:
        self._sockets = httpcore.SyncBackend()
        self._places: dict[str, Endpoint] = {}

    def learn(self, host_id: str, endpoint: Endpoint) -> None:
        self._places[host_id] = endpoint

    def forget(self, host_id: str) -> None:
        self._places.pop(host_id, None)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the host whose id is given; ``port`` means nothing."""
        del port
        place = self._places[host]
        return self._sockets.connect_tcp(place.host, place.port, timeout, local_address, socket_options)


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


def _limited(parts: Iterable[bytes]) -> bytes:
    content = bytearray()
    for part in parts:
        content += part
        if len(content) > _ANSWER_MAX:
            raise httpcore.RemoteProtocolError(f"the answer has more than {_ANSWER_MAX} octets")
    return bytes(content)


def _refusal(status: int, content: bytes) -> Refusal:
    try:
        return msgspec.json.decode(content, type=Refusal)
    except msgspec.DecodeError:
        return Refusal(code="failed", message=f"status {status}")


def _reason(error: Exception) -> str:
    """A text for what went wrong on the way."""
    if isinstance(error, httpcore.TimeoutException):
        return "it took too long"
    return str(error) or type(error).__name__
