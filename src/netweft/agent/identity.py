"""The identity of the host: its keys and certificates, in files that are replaced only together.

There are three pairs, each of an authority of its own (see core.protocol.Credentials), so that none is accepted for the
purpose of another: code that breaks out of a guest can read QEMU's key, but no agent and no libvirt accepts it, and no
agent accepts libvirt's.

The files of one issue are in one folder, to which the link ``current`` points: replacing the link replaces all of them
atomically. New keys wait in ``next`` for their certificates.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import ssl
from dataclasses import dataclass
from pathlib import Path

from netweft.agent.store import replace_file
from netweft.core.protocol import Credentials

PURPOSES = ("host", "libvirt", "qemu")

_EXPIRED = 10
"""X509_V_ERR_CERT_HAS_EXPIRED (OpenSSL, x509_vfy.h)."""


class IdentityError(Exception):
    """The host could not join its engine, or cannot use its certificates; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The files, in the agent's state folder, readable by root only."""

    folder: Path

    @property
    def pki(self) -> Path:
        """The folder of all keys and certificates."""
        return self.folder / "pki"

    @property
    def current(self) -> Path:
        """A link to the folder with the current ``PURPOSE.key``, ``PURPOSE.pem`` and ``PURPOSE-ca.pem``."""
        return self.pki / "current"

    @property
    def key(self) -> Path:
        """The key of the agent's listener; like the others, it never leaves the host."""
        return self.current / "host.key"

    @property
    def certificate(self) -> Path:
        """The certificate for that key."""
        return self.current / "host.pem"

    @property
    def authority(self) -> Path:
        """The certificate of the authority that has signed it and the engine's."""
        return self.current / "host-ca.pem"

    @property
    def hosts(self) -> Path:
        """The file with the host's engine and its ids there. Written last: if it exists, the enrolment is complete."""
        return self.folder / "enrollment.json"

    def is_of(self, fingerprint: str, names: tuple[str, ...] = ()) -> bool:
        """Whether this host, with the simulated ones of these names, has joined the engine of that authority.

        An empty fingerprint means any engine.
        """
        if not self.hosts.exists() or set(names) - set(json.loads(self.hosts.read_text()).get("host_ids", ())):
            return False
        return not fingerprint or fingerprint_of(self.authority.read_text()) == plain(fingerprint)

    def has_used(self, token: str) -> bool:
        """Whether the host has joined with this token."""
        return bool(self._joined().get("token") == digest_of(token))

    @property
    def host_id(self) -> str:
        """The host's id in its engine, empty when it has none."""
        return str(self._joined().get("host_id", ""))

    @property
    def address(self) -> str:
        """The URL at which the engine reaches the host, empty if unknown."""
        return str(self._joined().get("address", ""))

    def _joined(self) -> dict[str, object]:
        content: dict[str, object] = json.loads(self.hosts.read_text()) if self.hosts.exists() else {}
        return content

    def forget(self) -> None:
        """Delete the identity. Raises OSError."""
        self.hosts.unlink(missing_ok=True)
        if self.pki.exists():
            shutil.rmtree(self.pki)

    def has_expired(self) -> bool:
        """Whether the host's certificate has expired."""
        try:
            prove(self.current, "host")
        except ssl.SSLCertVerificationError as error:
            return error.verify_code == _EXPIRED
        return False

    def request(self, hostname: str) -> Credentials:
        """Signing requests for the waiting keys, which are created if there are none.

        Raises IdentityError, OSError.
        """
        waiting = self.pki / "next"
        waiting.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Credentials(**{purpose: _csr(waiting / f"{purpose}.key", hostname) for purpose in PURPOSES})

    def install(self, signed: Credentials, authorities: Credentials | None = None) -> None:
        """Install certificates for the waiting keys, after a test handshake.

        ``authorities``: those of a newly joined engine; None to keep the present ones. Idempotent. Raises IdentityError
        with everything unchanged, OSError.
        """
        waiting = self.pki / "next"
        if not waiting.exists():
            if self.certificate.exists() and self.certificate.read_text() == signed.host:
                return
            raise IdentityError("there is no key for this certificate: create a request first")
        place = self.pki / hashlib.sha256(signed.host.encode()).hexdigest()[:16]
        place.mkdir(exist_ok=True, mode=0o700)
        for purpose in PURPOSES:
            ca = f"{purpose}-ca.pem"
            content = getattr(authorities, purpose).encode() if authorities else (self.current / ca).read_bytes()
            replace_file(place / ca, content)
            replace_file(place / f"{purpose}.pem", getattr(signed, purpose).encode())
            replace_file(place / f"{purpose}.key", (waiting / f"{purpose}.key").read_bytes())
        try:
            for purpose in PURPOSES:
                prove(place, purpose)
        except ssl.SSLError as error:
            shutil.rmtree(place)
            raise IdentityError(f"the certificates cannot be used: {error}") from error
        self._swap(place)
        shutil.rmtree(waiting)

    def _swap(self, place: Path) -> None:
        kept = {place, self.pki / "next"}
        if self.current.exists():
            kept.add(self.pki / self.current.readlink())  # its files may be being read
        point(self.current, place.name)
        for path in self.pki.iterdir():
            if path.is_dir() and not path.is_symlink() and path not in kept:
                shutil.rmtree(path)


def digest_of(token: str) -> str:
    """The SHA-256 digest that is stored instead of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def plain(fingerprint: str) -> str:
    """Normalize a SHA-256 fingerprint to 64 lower-case hexadecimal digits.

    Raises IdentityError.
    """
    digits = fingerprint.strip().lower().removeprefix("sha256:").replace(":", "").replace(" ", "")
    if len(digits) != hashlib.sha256().digest_size * 2 or set(digits) - set("0123456789abcdef"):
        raise IdentityError(f"{fingerprint!r} is no SHA-256 fingerprint: 64 hexadecimal digits, with or without colons")
    return digits


def fingerprint_of(pem: str) -> str:
    """The SHA-256 fingerprint of a certificate in PEM. Raises IdentityError."""
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    except ValueError as error:
        raise IdentityError(f"that is no certificate: {error}") from error


def point(link: Path, target: str) -> None:
    """Replace a symbolic link atomically and durably. Raises OSError."""
    with contextlib.suppress(OSError):
        if str(link.readlink()) == target:
            return
    draft = link.with_name(f".{link.name}.new")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.rename(link)
    folder = os.open(link.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def prove(folder: Path, purpose: str) -> None:
    """Do a TLS handshake in memory: it verifies that the key belongs to the certificate, and that the certificate is
    signed by the authority, for its purpose, and valid now. Raises ssl.SSLError.
    """
    contexts = [ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)]
    if purpose == "host":  # only a server certificate
        contexts[0].load_cert_chain(folder / "host.pem", folder / "host.key")
    for context in contexts:
        context.check_hostname = False
        context.load_verify_locations(folder / f"{purpose}-ca.pem")
        if purpose != "host":
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_cert_chain(folder / f"{purpose}.pem", folder / f"{purpose}.key")
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    waiting = [contexts[1].wrap_bio(back, there), contexts[0].wrap_bio(there, back, server_side=True)]
    while waiting:
        end = waiting.pop(0)
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            waiting.append(end)


def _csr(path: Path, hostname: str) -> str:
    """A signing request for the key in a file, which is created if it does not exist."""
    from cryptography import x509  # noqa: PLC0415  # 8 MiB of memory, needed only for new certificates
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415  # the same
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # the same

    if not path.exists():
        new_key = ec.generate_private_key(ec.SECP256R1())
        pem = new_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        replace_file(path, pem)
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise IdentityError(f"{path} is not a key that this program has created: move it away")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hostname[:64])])  # RFC 5280: ub-common-name
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()
