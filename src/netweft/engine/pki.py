"""The engine's certificate authorities. One vouches for the engine to clients and hosts, and for each host to the
engine; one for each host's libvirt to other hosts' libvirt; one for each host's QEMU to other hosts' QEMU.

Keys are EC P-256. A certificate of a host names its id (a DNS name in its subjectAltName). Towards the engine it serves
for answering only; the engine's client certificate is named ENGINE_NAME and serves for asking only, so that no host can
speak as the engine. libvirt knows others by their addresses, so its certificate names those that the administrator gave
for the host; that its authority is another keeps a host from answering in the place of the engine, whatever address
somebody gave it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sqlalchemy import insert, select, update

from netweft.core.errors import MalformedError
from netweft.core.protocol import Credentials
from netweft.engine.db import Tx, utc_now
from netweft.engine.model.certificates import CertificateRow, certificates
from netweft.engine.secrets import SecretBox
from netweft.engine.statements import rows

ENGINE_NAME = "netweft-engine"
"""The name in the engine's client certificate, which agents insist on."""
LIFE = timedelta(days=398)
"""How long certificates are good for that are renewed by themselves; browsers accept none of a server for longer."""
_CA_LIFE = timedelta(days=20 * 365)
_SKEW = timedelta(days=1)
"""How far the clock of a host may be behind ours."""
_RSA_BITS_MIN = 2048
_AUTHORITIES = {"host": "ca", "libvirt": "libvirt-ca", "qemu": "qemu-ca"}
"""By purpose, what they are called in the database."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, both as PEM."""

    certificate: str
    private_key: str


class Authority:
    """The engine's certificate authorities; made by :func:`open_authority`. ``life``: of what they sign.

    ``client``: the engine's client certificate, which is another after it was renewed. ``ssh``: its key for hosts on
    which it installs the agent, in OpenSSH's format.
    """

    def __init__(self, pairs: Mapping[str, KeyPair], life: timedelta = LIFE) -> None:
        self.authorities = Credentials(**{purpose: pairs[name].certificate for purpose, name in _AUTHORITIES.items()})
        self.client = pairs["client"]
        self.ssh = pairs["ssh"]
        self.life = life
        self._certificate = x509.load_pem_x509_certificate(self.certificate.encode())
        self._keys = {purpose: _private_key(pairs[name].private_key) for purpose, name in _AUTHORITIES.items()}

    @property
    def certificate(self) -> str:
        """The authority that clients and hosts trust the engine by."""
        return self.authorities.host

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the authority's certificate in lower-case hexadecimal, which a host is given along with its
        token.
        """
        return self._certificate.fingerprint(hashes.SHA256()).hex()

    def server(self, names: Sequence[str]) -> KeyPair:
        """A new key and certificate for an engine that is reached under these host names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder("Netweft engine", key.public_key(), self._certificate.subject, self.life)
        builder = _leaf(builder, names, ExtendedKeyUsageOID.SERVER_AUTH)
        return _pair(builder.sign(self._keys["host"], hashes.SHA256()), key)

    def sign(self, requests: Credentials, host_ids: Sequence[str], address: str = "") -> Credentials:
        """The certificates of a host, or of simulated ones that share them, for the keys in its requests; all else in
        the requests is ignored.

        ``address``: the name or address at which other hosts reach its libvirt. Raises MalformedError when one is no
        signing request, or its key is weak.
        """
        answers, asks = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
        reached = [*host_ids, address] if address else host_ids
        return Credentials(
            host=self._sign("host", requests.host, host_ids, answers),
            libvirt=self._sign("libvirt", requests.libvirt, reached, answers, asks),
            qemu=self._sign("qemu", requests.qemu, host_ids, answers, asks),
        )

    def _sign(self, purpose: str, csr: str, names: Sequence[str], *uses: x509.ObjectIdentifier) -> str:
        issuer = x509.load_pem_x509_certificate(getattr(self.authorities, purpose).encode())
        builder = _builder(names[0], _requested_key(csr), issuer.subject, self.life)
        return _pem(_leaf(builder, names, *uses).sign(self._keys[purpose], hashes.SHA256()))

    def is_due(self, expires: datetime | None) -> bool:
        """Whether a certificate that is good until then is to be renewed: a third of its life is left, or unknown."""
        return expires is None or expires - datetime.now(UTC) < self.life / 3


def expiry(certificate: str) -> datetime:
    """Until when a certificate in PEM is good."""
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose a certificate is: its name (RFC 4514), and the organization in that, empty for none."""

    name: str
    organization: str


def holder(certificate: str) -> Holder | None:
    """Whose a certificate in PEM is; None where it cannot be parsed."""
    try:
        subject = x509.load_pem_x509_certificate(certificate.encode()).subject
    except ValueError:
        return None
    found = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return Holder(subject.rfc4514_string(), str(found[0].value) if found else "")


def open_authority(tx: Tx, box: SecretBox, life: timedelta = LIFE) -> Authority:
    """The authority of this database; made when there is none. Raises SecretError with a foreign key file."""
    stored = {row.name: row for row in rows(tx, CertificateRow, select(certificates))}
    if "ca" not in stored:
        made = {name: _new_ca(f"Netweft {name}") for name in _AUTHORITIES.values()}
        for name, pair in {**made, "client": _new_client(made["ca"], life)}.items():
            tx.execute(insert(certificates).values(name=name, **_stored(pair, box)))
        return open_authority(tx, box, life)
    if "ssh" not in stored:
        tx.execute(insert(certificates).values(name="ssh", **_stored(_new_ssh_key(), box)))
        return open_authority(tx, box, life)
    pairs = {name: KeyPair(row.certificate, box.decrypt(row.private_key)) for name, row in stored.items()}
    return Authority(pairs, life)


def renew_client(tx: Tx, box: SecretBox, authority: Authority) -> KeyPair:
    """The engine's client certificate as all replicas use it, a new one when it was time for that."""
    query = select(certificates).where(certificates.c.name.in_(("ca", "client"))).with_for_update()
    stored = rows(tx, CertificateRow, query)
    pairs = {row.name: KeyPair(row.certificate, box.decrypt(row.private_key)) for row in stored}
    if authority.is_due(expiry(pairs["client"].certificate)):
        pairs["client"] = _new_client(pairs["ca"], authority.life)
        here = certificates.c.name == "client"
        tx.execute(update(certificates).where(here).values(**_stored(pairs["client"], box)))
    return pairs["client"]


def _stored(pair: KeyPair, box: SecretBox) -> dict[str, Any]:
    return {"certificate": pair.certificate, "private_key": box.encrypt(pair.private_key), "created": utc_now()}


def _new_ssh_key() -> KeyPair:
    """The public half stands in the place of a certificate, as a line of authorized_keys."""
    key = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return KeyPair(f"{public.decode()} {ENGINE_NAME}", private.decode())


def _new_ca(title: str) -> KeyPair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"{title} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}")
    builder = _builder("", key.public_key(), name, _CA_LIFE).subject_name(name)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return _pair(builder.sign(key, hashes.SHA256()), key)


def _new_client(ca: KeyPair, life: timedelta) -> KeyPair:
    authority = x509.load_pem_x509_certificate(ca.certificate.encode())
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(ENGINE_NAME, key.public_key(), authority.subject, life)
    builder = _leaf(builder, [ENGINE_NAME], ExtendedKeyUsageOID.CLIENT_AUTH)
    return _pair(builder.sign(_private_key(ca.private_key), hashes.SHA256()), key)


def _builder(
    common_name: str, public_key: CertificatePublicKeyTypes, issuer: x509.Name, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().issuer_name(issuer).public_key(public_key)
    builder = (
        builder.serial_number(x509.random_serial_number()).not_valid_before(now - _SKEW).not_valid_after(now + life)
    )
    return builder.subject_name(_name(common_name)) if common_name else builder


def _leaf(
    builder: x509.CertificateBuilder, names: Sequence[str], *purposes: x509.ObjectIdentifier
) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    known = [_general_name(name) for name in dict.fromkeys(names)]
    return builder.add_extension(x509.SubjectAlternativeName(known), critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=not signs_certificates,  # which libvirt and QEMU ask for, though elliptic curves do without
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _requested_key(csr: str) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        is_signed = request.is_signature_valid
    except (ValueError, InvalidSignature) as error:
        raise MalformedError(f"This is no certificate signing request in PEM: {error}") from error
    key = request.public_key()
    if not is_signed:
        raise MalformedError("The signing request is not signed with its own key.")
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS_MIN:
        return key
    raise MalformedError(f"The key must be an elliptic curve key, or RSA with at least {_RSA_BITS_MIN} bits.")


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _private_key(pem: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"a key of the engine is not an elliptic curve key but {type(key).__name__}")
    return key


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return KeyPair(_pem(certificate), private.decode())
