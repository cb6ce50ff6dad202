"""The wire format between engine and agent: core.protocol as JSON over mutual TLS."""

from __future__ import annotations

import ssl
from dataclasses import is_dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from netweft.core import guest_protocol, protocol
from netweft.core.protocol import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

T = TypeVar("T")

ENGINE_NAME = "netweft-engine"
"""The name in the certificate that the engine shows. Other certificates of the same authority belong to hosts."""

# msgspec creates a type's schema at its first use, and doing so in two threads at once crashes the program. So the
# schemas of all types of the protocol are created here, while there is one thread.
for _kind in filter(is_dataclass, [*vars(guest_protocol).values(), *vars(protocol).values()]):
    msgspec.json.Decoder(_kind)

MALFORMED, MISSING, CONFLICT, BROKEN = 400, 404, 409, 500


class RefusalError(Exception):
    """A refused request.

    ``status`` is the HTTP status, ``code`` one of those that core.protocol.Refusal lists.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.refusal = Refusal(code=code, message=message)


def encode(value: object) -> bytes:
    """A value of core.protocol as JSON."""
    return msgspec.json.encode(value)


def tag_of(content: bytes) -> str:
    """A tag that identifies the encoded content (its digest)."""
    return blake2b(content, digest_size=12).hexdigest()


def decode(kind: type[T], body: bytes) -> T:
    """Decode a body. Raises RefusalError (400, ``malformed``) with the place of the error."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RefusalError(MALFORMED, "malformed", f"The body is no {kind.__name__}: {error}") from error


def server_context(certificate: Path, key: Path, authority: Path) -> ssl.SSLContext:
    """TLS for the agent's listener: its own certificate, and only peers that the engine's authority has signed.

    Raises OSError or ssl.SSLError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority)
    context.num_tickets = 0  # a resumed session would skip the check of the certificate
    return context


def is_engine(certificate: Mapping[str, Any] | None) -> bool:
    """Whether a verified certificate, as ssl.SSLSocket.getpeercert returns it, is the engine's.

    Decided by its DNS names or, if it has none, its common name.
    """
    if not certificate:
        return False
    names = {value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"}
    if not names:
        names = {value for part in certificate.get("subject", ()) for kind, value in part if kind == "commonName"}
    return ENGINE_NAME in names
