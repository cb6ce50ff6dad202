"""Joining an engine: a key made on the host, and for a token that works once a certificate from the engine's authority.

Trust starts at the fingerprint of the authority's certificate, which the administrator carries here together with the
token: the certificate is fetched without trust and used only if it has that fingerprint, and the token is sent only to
a server that the authority vouches for.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from netloom.agent.store import replace_file

if TYPE_CHECKING:
    from pathlib import Path
    from urllib.parse import SplitResult

CA_PATH = "/netloom/v1/ca.pem"
ENROLL_PATH = "/netloom/v1/enroll"
SECONDS = 30.0
LARGEST_ANSWER = 4 * 1024 * 1024


class EnrollError(Exception):
    """The host could not join; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment:
    """What the engine answered. ``host_id``: the host's id there; ``host_ids``: those of simulated hosts, by name."""

    certificate: str
    ca: str
    host_id: str = ""
    host_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """The files by which the host is known: in the agent's state folder, readable by root only."""

    folder: Path

    @property
    def key(self) -> Path:
        """The host's private key; never leaves the host."""
        return self.folder / "host.key"

    @property
    def certificate(self) -> Path:
        """The certificate for that key."""
        return self.folder / "host.pem"

    @property
    def authority(self) -> Path:
        """The engine's certificate authority."""
        return self.folder / "ca.pem"

    @property
    def hosts(self) -> Path:
        """The host's engine, and its ids there. Written last: when it is there, the enrolment is complete."""
        return self.folder / "enrollment.json"

    def is_of(self, fingerprint: str, names: tuple[str, ...] = ()) -> bool:
        """Whether this host, with the simulated ones of these names, has joined the engine of that authority.

        An empty fingerprint means any engine.
        """
        if not self.hosts.exists() or set(names) - set(json.loads(self.hosts.read_text()).get("host_ids", ())):
            return False
        return not fingerprint or fingerprint_of(self.authority.read_text()) == plain(fingerprint)


def plain(fingerprint: str) -> str:
    """A SHA-256 fingerprint as 64 lower-case hexadecimal digits, from the ways in which programs print it.

    Raises EnrollError.
    """
    digits = fingerprint.strip().lower().removeprefix("sha256:").replace(":", "").replace(" ", "")
    if len(digits) != hashlib.sha256().digest_size * 2 or set(digits) - set("0123456789abcdef"):
        raise EnrollError(f"{fingerprint!r} is no SHA-256 fingerprint: 64 hexadecimal digits, with or without colons")
    return digits


def fingerprint_of(pem: str) -> str:
    """The SHA-256 fingerprint of a certificate in PEM. Raises EnrollError."""
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    except ValueError as error:
        raise EnrollError(f"that is no certificate: {error}") from error


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
    """Join the engine at ``url``. Raises EnrollError.

    ``address``: the URL at which the engine reaches this agent; empty to take the local address of the connection to
    the engine, with ``port``. ``simulated``: names of the hosts that this process simulates, which share its
    certificate.
    """
    engine = urlsplit(url)
    if not engine.hostname or engine.scheme not in {"http", "https"}:
        raise EnrollError(f"{url!r} is no address of an engine, such as https://engine.example.com:8443")
    if engine.scheme == "http" and not _is_loopback(engine.hostname):
        raise EnrollError("the token must not travel in clear text: give the engine's https address")
    authority = _fetch_authority(engine, plain(fingerprint))
    context = ssl.create_default_context(cadata=authority)
    connection = _connect(engine, context)
    try:
        connection.connect()
        local = connection.sock.getsockname()[0]
        address = address or f"https://{f'[{local}]' if ':' in local else local}:{port}"
        request = {"token": token, "csr": _csr(identity, hostname), "address": address, "hostname": hostname}
        body = json.dumps({**request, "simulated": simulated} if simulated else request)
        connection.request(
            "POST", ENROLL_PATH, body, {"Content-Type": "application/json", "Accept": "application/json"}
        )
        response = connection.getresponse()
        answer = response.read(LARGEST_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        raise EnrollError(f"the engine at {url} cannot be reached: {error}") from error
    finally:
        connection.close()
    if response.status not in {http.client.OK, http.client.CREATED}:
        raise EnrollError(
            f"the engine refused: {response.status} {response.reason}: {answer.decode(errors='replace')[:500]}"
        )
    return _keep(identity, url, authority, answer)


def _fetch_authority(engine: SplitResult, fingerprint: str) -> str:
    """The authority's certificate, fetched from whoever answers, trusted because of its fingerprint.

    Raises EnrollError.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = _connect(engine, context)
    try:
        connection.request("GET", CA_PATH)
        response = connection.getresponse()
        pem = response.read(LARGEST_ANSWER).decode("ascii", errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise EnrollError(f"the engine at {engine.geturl()} cannot be reached: {error}") from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise EnrollError(
            f"{engine.geturl()}{CA_PATH} answers {response.status} {response.reason}: is that a Netloom engine?"
        )
    found = fingerprint_of(pem)
    if found != fingerprint:
        wrong = f"the certificate authority at {engine.geturl()} has the fingerprint {found}, not {fingerprint}"
        raise EnrollError(f"{wrong}: do not go on")
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


def _csr(identity: Identity, hostname: str) -> str:
    """A signing request for the host's key, which is made when there is none. Raises OSError."""
    from cryptography import x509  # noqa: PLC0415  # 8 MiB that the agent needs on the day it joins and never after
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415  # the same
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # the same

    if identity.key.exists():
        key = serialization.load_pem_private_key(identity.key.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise EnrollError(f"{identity.key} is not the key that this program made: move it away")
    else:
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        replace_file(identity.key, pem, mode=0o600)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hostname[:64])])  # RFC 5280: ub-common-name
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def _keep(identity: Identity, url: str, authority: str, answer: bytes) -> Enrollment:
    """Check the answer and store it, the file that says "complete" last. Raises EnrollError, OSError."""
    try:
        enrollment = msgspec.json.decode(answer, type=Enrollment)
    except msgspec.DecodeError as error:
        raise EnrollError(f"the engine's answer is not understood: {error}") from error
    if fingerprint_of(enrollment.ca) != fingerprint_of(authority):
        raise EnrollError("the engine answered with another certificate authority than its own: do not go on")
    identity.hosts.unlink(missing_ok=True)
    replace_file(identity.authority, authority.encode())
    replace_file(identity.certificate, enrollment.certificate.encode())
    ids = {"engine": url, "host_id": enrollment.host_id, "host_ids": enrollment.host_ids}
    replace_file(identity.hosts, json.dumps(ids, indent=1).encode())
    return enrollment
