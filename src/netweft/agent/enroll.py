"""Joins an engine: the host creates keys, and a one-time token entitles it to certificates of the engine's authority.

Trust starts at the fingerprint of the authority's certificate, which the administrator passes together with the token:
the certificate is fetched without verification and used only if it has that fingerprint, and the token is sent only to
a server whose certificate the authority has signed.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from netweft.agent.identity import IdentityError, digest_of, fingerprint_of, plain
from netweft.agent.store import replace_file
from netweft.core.protocol import Credentials

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from netweft.agent.identity import Identity

CA_PATH = "/netweft/v1/ca.pem"
ENROLL_PATH = "/netweft/v1/enroll"
SECONDS = 30.0
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}

LARGEST_ANSWER = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment:
    """The engine's answer. ``host_id``: the host's id there; ``host_ids``: those of simulated hosts, by name."""

    certificates: Credentials
    authorities: Credentials
    host_id: str = ""
    host_ids: Mapping[str, str] = field(default_factory=dict)


def enroll(
    identity: Identity,
    *,
    url: str,
    token: str,
    fingerprint: str,
    address: str,
    port: int,
    hostname: str,
    simulated: tuple[str, ...] = (),
) -> Enrollment:
    """Join the engine at ``url``. Raises IdentityError.

    ``address``: the URL at which the engine reaches this agent; empty to take the local address of the connection to
    the engine, with ``port``. ``simulated``: names of the simulated hosts of this process, which share its
    certificate.
    """
    engine = _engine_at(url)
    authority = _fetch_authority(engine, plain(fingerprint))
    context = ssl.create_default_context(cadata=authority)
    connection = _connect(engine, context)
    with _answering(connection, url):
        connection.connect()
        address = address or _reached_at(connection.sock.getsockname()[0], port)
        request = {
            "token": token,
            "requests": msgspec.to_builtins(identity.request(hostname)),
            "address": address,
            "hostname": hostname,
            **({"simulated": simulated} if simulated else {}),
        }
        body = json.dumps(request)
        connection.request("POST", ENROLL_PATH, body, HEADERS)
        response = connection.getresponse()
        answer = response.read(LARGEST_ANSWER)
    if response.status not in {http.client.OK, http.client.CREATED}:
        raise IdentityError(f"the engine refused: {response.status} {response.reason}: {_reason(answer)}")
    return _keep(identity, authority, answer, {"engine": url, "address": address, "token": digest_of(token)})


@contextmanager
def _answering(connection: http.client.HTTPConnection, url: str) -> Iterator[None]:
    """Close the connection at the end. Raises IdentityError when the engine does not answer."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise IdentityError(f"the engine at {url} cannot be reached: {error}") from error
    finally:
        connection.close()


def _reached_at(local: str, port: int) -> str:
    """The URL of this agent at a local address."""
    return f"https://{f'[{local}]' if ':' in local else local}:{port}"


def _engine_at(url: str) -> SplitResult:
    """The parts of an engine's URL. Raises IdentityError if it is invalid or insecure."""
    engine = urlsplit(url)
    if not engine.hostname or engine.scheme not in {"http", "https"}:
        raise IdentityError(f"{url!r} is not the URL of an engine, such as https://engine.example.com:8443")
    if engine.scheme == "http" and not _is_loopback(engine.hostname):
        raise IdentityError("the token must not be sent in clear text: give the engine's https address")
    return engine


def _reason(answer: bytes) -> str:
    """Why a request was refused: the engine's message, or else the beginning of the response."""
    text = answer.decode(errors="replace")
    try:
        fault = json.loads(text)
    except ValueError:
        fault = None
    if isinstance(fault, dict) and fault.get("detail"):
        return str(fault["detail"]).strip("[]")
    return text[:500]


def _fetch_authority(engine: SplitResult, fingerprint: str) -> str:
    """The authority's certificate, fetched over an unverified connection, trusted because of its fingerprint.

    Raises IdentityError.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = _connect(engine, context)
    with _answering(connection, engine.geturl()):
        connection.request("GET", CA_PATH)
        response = connection.getresponse()
        pem = response.read(LARGEST_ANSWER).decode("ascii", errors="replace")
    if response.status != http.client.OK:
        raise IdentityError(
            f"{engine.geturl()}{CA_PATH} answers {response.status} {response.reason}: is that a Netweft engine?"
        )
    found = fingerprint_of(pem)
    if found != fingerprint:
        wrong = f"the certificate authority at {engine.geturl()} has the fingerprint {found}, not {fingerprint}"
        raise IdentityError(f"{wrong}: do not continue")
    return pem


def _connect(engine: SplitResult, context: ssl.SSLContext) -> http.client.HTTPConnection:
    host = engine.hostname or ""
    if engine.scheme == "http":
        return http.client.HTTPConnection(host, engine.port or 80, timeout=SECONDS)
    return http.client.HTTPSConnection(host, engine.port or 443, timeout=SECONDS, context=context)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _keep(identity: Identity, authority: str, answer: bytes, engine: Mapping[str, str]) -> Enrollment:
    """Check the answer and store it, with the file that marks the enrolment as complete last. ``engine``: further
    content of that file. Raises IdentityError, OSError.
    """
    try:
        enrollment = msgspec.json.decode(answer, type=Enrollment)
    except msgspec.DecodeError as error:
        raise IdentityError(f"the engine's answer is malformed: {error}") from error
    if fingerprint_of(enrollment.authorities.host) != fingerprint_of(authority):
        raise IdentityError("the engine answered with another certificate authority than its own: do not continue")
    identity.hosts.unlink(missing_ok=True)
    identity.install(enrollment.certificates, enrollment.authorities)
    ids = {**engine, "host_id": enrollment.host_id, "host_ids": enrollment.host_ids}
    replace_file(identity.hosts, json.dumps(ids, indent=1).encode())
    return enrollment
