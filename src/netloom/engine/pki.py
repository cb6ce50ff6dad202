"""The engine's certificate authority: it vouches for the engine to clients and hosts, and for each host to the engine.

Keys are EC P-256. A host's certificate names the host's id (a DNS name in its subjectAltName) and serves for answering
only; the engine's client
certificate is named ENGINE_NAME and serves for asking only, so that no host can speak as the engine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sqlalchemy import insert, select

from netloom.core.errors import MalformedError
from netloom.engine.db import Tx, utc_now
from netloom.engine.model.certificates import certificates
from netloom.engine.secrets import SecretBox

ENGINE_NAME = "netloom-engine"
"""The name in the engine's client certificate, which agents insist on."""
_CA_LIFE = timedelta(days=20 * 365)
_LIFE = timedelta(days=5 * 365)
_SKEW = timedelta(days=1)
"""How far the clock of a host may be behind ours."""
_RSA_BITS_MIN = 2048


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, both as PEM."""

    certificate: str
    private_key: str


class Authority:
    """The engine's certificate authority; made by :func:`open_authority`."""

    def __init__(self, ca: KeyPair, client: KeyPair) -> None:
        self.certificate = ca.certificate
        self.client = client
        self._certificate = x509.load_pem_x509_certificate(ca.certificate.encode())
        self._key = _private_key(ca.private_key)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the authority's certificate in lower-case hexadecimal, which a host is given along with its
        token.
        """
        return self._certificate.fingerprint(hashes.SHA256()).hex()

    def server(self, names: Sequence[str]) -> KeyPair:
        """A new key and certificate for an engine that is reached under these host names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder("Netloom engine", key.public_key(), self._certificate.subject, _LIFE)
        builder = _leaf(
            builder, [_general_name(name) for name in dict.fromkeys(names)], ExtendedKeyUsageOID.SERVER_AUTH
        )
        return _pair(builder.sign(self._key, hashes.SHA256()), key)

    def sign_host(self, csr: str, host_ids: Sequence[str]) -> str:
        """The certificate (PEM) of an agent that serves these hosts, for the key in its request; all else in the
        request is ignored.

        Raises MalformedError when it is no signing request, or its key is weak.
        """
        public_key = _requested_key(csr)
        builder = _builder(host_ids[0], public_key, self._certificate.subject, _LIFE)
        builder = _leaf(builder, [x509.DNSName(host_id) for host_id in host_ids], ExtendedKeyUsageOID.SERVER_AUTH)
        return _pem(builder.sign(self._key, hashes.SHA256()))


def open_authority(tx: Tx, box: SecretBox) -> Authority:
    """The authority of this database; made when there is none. Raises SecretError with a foreign key file."""
    stored = {row.name: row for row in tx.execute(select(certificates))}
    if "ca" not in stored:
        ca = _new_ca()
        for name, pair in {"ca": ca, "client": _new_client(ca)}.items():
            tx.execute(
                insert(certificates).values(
                    name=name,
                    certificate=pair.certificate,
                    private_key=box.encrypt(pair.private_key),
                    created=utc_now(),
                )
            )
        return open_authority(tx, box)
    pairs = {name: KeyPair(row.certificate, box.decrypt(row.private_key)) for name, row in stored.items()}
    return Authority(pairs["ca"], pairs["client"])


def _new_ca() -> KeyPair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Netloom CA {datetime.now(UTC):%Y-%m-%d %H:%M:%S}")
    builder = _builder("", key.public_key(), name, _CA_LIFE).subject_name(name)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return _pair(builder.sign(key, hashes.SHA256()), key)


def _new_client(ca: KeyPair) -> KeyPair:
    authority = x509.load_pem_x509_certificate(ca.certificate.encode())
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(ENGINE_NAME, key.public_key(), authority.subject, _CA_LIFE)
    builder = _leaf(builder, [x509.DNSName(ENGINE_NAME)], ExtendedKeyUsageOID.CLIENT_AUTH)
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
    builder: x509.CertificateBuilder, names: Sequence[x509.GeneralName], purpose: x509.ObjectIdentifier
) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return builder.add_extension(x509.SubjectAlternativeName(names), critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
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
        raise TypeError(f"a key of ours is no elliptic curve key but {type(key).__name__}")
    return key


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return KeyPair(_pem(certificate), private.decode())
