"""The engine's authority, seen through TLS itself: who is let in, and under which name."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from sqlalchemy import select

from netweft.core.errors import MalformedError
from netweft.core.protocol import Credentials
from netweft.engine.db import Database
from netweft.engine.model.certificates import certificates
from netweft.engine.pki import ENGINE_NAME, Authority, KeyPair, open_authority
from netweft.engine.secrets import SecretBox, SecretError, open_box

HOST = "5f0e9b6c-4c0f-4c8e-9d0c-0123456789ab"


@pytest.fixture
def authority(db: Database, tmp_path: Path) -> Authority:
    return db.run(open_authority, open_box(tmp_path))


def signing_request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, name: str = "whatever") -> str:
    """As an agent asks for a certificate, and for more than it will get."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject)
    request = request.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    request = request.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def host_pair(authority: Authority, *host_ids: str, purpose: str = "host") -> KeyPair:
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    signed = authority.sign(all_for(signing_request(key, ENGINE_NAME)), host_ids or (HOST,), "192.0.2.7")
    return KeyPair(getattr(signed, purpose), private.decode())


def all_for(request: str) -> Credentials:
    return Credentials(host=request, libvirt=request, qemu=request)


def handshake(tmp_path: Path, authority: Authority, server: KeyPair, client: KeyPair | None, name: str) -> dict:
    """Mutual TLS between two ends; the client's certificate as the server sees it. Raises ssl.SSLError of an end."""

    def context(purpose: ssl.Purpose, pair: KeyPair | None) -> ssl.SSLContext:
        made = ssl.create_default_context(purpose, cadata=authority.certificate)
        if pair is not None:
            path = tmp_path / f"{purpose.shortname}.pem"
            path.write_text(pair.certificate + pair.private_key)
            made.load_cert_chain(path)
        return made

    near, far = socket.socketpair()
    listening = context(ssl.Purpose.CLIENT_AUTH, server)
    listening.verify_mode = ssl.CERT_REQUIRED
    result: list[dict | ssl.SSLError] = []

    def serve() -> None:
        with far:
            try:
                with listening.wrap_socket(far, server_side=True) as tls:
                    result.append(tls.getpeercert() or {})
                    tls.send(b"x")
            except ssl.SSLError as error:
                result.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with near, context(ssl.Purpose.SERVER_AUTH, client).wrap_socket(near, server_hostname=name) as tls:
            tls.recv(1)
    finally:
        thread.join()
    if isinstance(result[0], ssl.SSLError):
        raise result[0]
    return result[0]


def test_engine_and_host_know_each_other(tmp_path: Path, authority: Authority) -> None:
    seen = handshake(tmp_path, authority, host_pair(authority), authority.client, HOST)
    assert ("DNS", ENGINE_NAME) in seen["subjectAltName"]


def test_a_host_is_not_another(tmp_path: Path, authority: Authority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path, authority, host_pair(authority), authority.client, HOST.replace("5", "6"))


def test_one_agent_may_serve_several_hosts(tmp_path: Path, authority: Authority) -> None:
    pair = host_pair(authority, HOST, HOST.replace("5", "6"))
    assert handshake(tmp_path, authority, pair, authority.client, HOST.replace("5", "6"))


def test_a_host_whatever_it_asked_for_cannot_speak_as_the_engine(tmp_path: Path, authority: Authority) -> None:
    with pytest.raises(ssl.SSLError):
        handshake(tmp_path, authority, host_pair(authority), host_pair(authority), HOST)


def test_without_a_certificate_nobody_is_served(tmp_path: Path, authority: Authority) -> None:
    with pytest.raises(ssl.SSLError):
        handshake(tmp_path, authority, host_pair(authority), None, HOST)


def test_the_engine_answers_under_its_names_and_addresses(tmp_path: Path, authority: Authority) -> None:
    server = authority.server(["127.0.0.1", "localhost", "localhost", "::1"])
    for name in ("127.0.0.1", "localhost", "::1"):
        assert handshake(tmp_path, authority, server, authority.client, name)


def test_only_the_key_of_a_request_counts(authority: Authority) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.load_pem_x509_certificate(
        authority.sign(all_for(signing_request(key, ENGINE_NAME)), [HOST], "192.0.2.7").host.encode()
    )
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [HOST]
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert made.subject.rfc4514_string() == f"CN={HOST}"
    assert made.public_key() == key.public_key()


def test_weak_keys_and_nonsense_are_refused(authority: Authority) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    good = signing_request(ec.generate_private_key(ec.SECP256R1()))
    other = signing_request(ec.generate_private_key(ec.SECP256R1()))
    spliced = good.splitlines()
    spliced[-3:-1] = other.splitlines()[-3:-1]
    for request in (signing_request(weak), "nonsense", "", authority.certificate, "\n".join(spliced)):
        with pytest.raises(MalformedError):
            authority.sign(all_for(request), [HOST])


def test_the_authority_is_made_once_and_its_keys_are_unreadable_without_the_key_file(
    db: Database, tmp_path: Path, authority: Authority
) -> None:
    again = db.run(open_authority, open_box(tmp_path))
    assert again.certificate == authority.certificate
    assert again.fingerprint == hashlib.sha256(ssl.PEM_cert_to_DER_cert(authority.certificate)).hexdigest()
    with db.read() as tx:
        assert "PRIVATE" not in str(tx.execute(select(certificates)).all())
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    with pytest.raises(SecretError):
        db.run(open_authority, open_box(foreign))


def test_the_key_file_is_private_and_kept(tmp_path: Path) -> None:
    stored = open_box(tmp_path).encrypt("secret")
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    box = open_box(tmp_path)
    assert isinstance(box, SecretBox)
    assert box.decrypt(stored) == "secret"
