"""Joining: what a token buys, and what it does not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select, update

import rows
from netweft.core.errors import DeniedError, MalformedError, NotFoundError
from netweft.core.protocol import Credentials
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.actor import SYSTEM
from netweft.engine.bootstrap import bootstrap
from netweft.engine.commands.enrollments import (
    EnrollReply,
    EnrollRequest,
    create_enrollment,
    create_simulated_enrollment,
    enroll,
)
from netweft.engine.db import Database, Tx, utc_now
from netweft.engine.model.certificates import enrollments
from netweft.engine.model.clusters import clusters
from netweft.engine.model.hosts import hosts
from netweft.engine.model.jobs import jobs
from netweft.engine.pki import Authority, open_authority
from netweft.engine.secrets import open_box

URL = "https://192.0.2.7:54322"


@pytest.fixture
def authority(db: Database, tmp_path: Path) -> Authority:
    db.run(bootstrap, tmp_path, "secret")
    return db.run(open_authority, open_box(tmp_path))


@pytest.fixture
def host_id(db: Database, authority: Authority) -> str:
    assert authority
    return db.run(lambda tx: rows.add_host(tx, tx.execute(select(clusters.c.id)).scalar_one(), "web", "installing"))


def join(db: Database, authority: Authority, token: str, *, address: str = URL, **more: object) -> EnrollReply:
    request = EnrollRequest(token=token, requests=signing_requests(), address=address, hostname="web", **more)  # type: ignore[arg-type] - the test's own words
    return db.run(enroll, authority, request)


def signing_request() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def signing_requests() -> Credentials:
    return Credentials(host=signing_request(), libvirt=signing_request(), qemu=signing_request())


def names_in(certificate: str) -> list[str]:
    parsed = x509.load_pem_x509_certificate(certificate.encode())
    return parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    )


def test_a_token_buys_one_certificate_for_its_host_and_the_host_is_installed(
    db: Database, authority: Authority, host_id: str
) -> None:
    token = db.run(create_enrollment, SYSTEM, host_id)
    reply = join(db, authority, token)
    assert reply.host_id == host_id
    assert reply.authorities == authority.authorities
    assert [names_in(one) for one in (reply.certificates.host, reply.certificates.qemu)] == [[host_id]] * 2
    assert set(names_in(reply.certificates.libvirt)) > {host_id}
    with db.read() as tx:
        assert tx.execute(select(hosts.c.agent_url)).scalar_one() == URL
        assert tx.execute(select(jobs.c.kind, jobs.c.lock_key)).all() == [("install_host", f"host:{host_id}")]
        assert token not in str(tx.execute(select(enrollments)).all())
    with pytest.raises(DeniedError):
        join(db, authority, token)


def test_what_cannot_be_signed_does_not_use_up_the_token(db: Database, authority: Authority, host_id: str) -> None:
    token = db.run(create_enrollment, SYSTEM, host_id)
    with pytest.raises(MalformedError):
        db.run(
            enroll,
            authority,
            EnrollRequest(
                token=token, requests=Credentials(host="nonsense", libvirt="", qemu=""), address=URL, hostname="web"
            ),
        )
    for address in ("", "192.0.2.7", "http://192.0.2.7:1", "https://", "https://h:99999999", "https://u:p@h:1"):
        with pytest.raises(MalformedError):
            join(db, authority, token, address=address)
    assert join(db, authority, token).host_id == host_id


def test_old_replaced_and_invented_tokens_are_none(db: Database, authority: Authority, host_id: str) -> None:
    replaced = db.run(create_enrollment, SYSTEM, host_id)
    old = db.run(create_enrollment, SYSTEM, host_id)
    db.run(lambda tx: tx.execute(update(enrollments).values(expires=utc_now() - timedelta(seconds=1))))
    for token in (replaced, old, "", "invented"):
        with pytest.raises(DeniedError):
            join(db, authority, token)
    with pytest.raises(NotFoundError):
        db.run(create_enrollment, SYSTEM, "none")


def test_no_token_reads_as_an_option_of_the_program_that_it_is_given_to(db: Database, host_id: str) -> None:
    def create(tx: Tx) -> list[str]:
        return [create_enrollment(tx, SYSTEM, host_id) for _ in range(1000)]

    assert not [token for token in db.run(create) if token.startswith("-")]


def test_tokens_need_rights(db: Database, authority: Authority, host_id: str) -> None:
    assert authority
    host = ObjectRef(ObjectType.HOST, host_id)
    keeper = db.run(rows.add_user, "keeper", ("HostAdmin", host))
    guest = db.run(rows.add_user, "guest", ("UserRole", host))
    assert db.run(create_enrollment, keeper, host_id)
    with pytest.raises(DeniedError):
        db.run(create_enrollment, guest, host_id)
    with pytest.raises(DeniedError):
        db.run(create_simulated_enrollment, keeper)


def test_simulated_hosts_come_to_be_and_join_again_under_their_names(db: Database, authority: Authority) -> None:
    first = join(db, authority, db.run(create_simulated_enrollment, SYSTEM), simulated=("sim-1", "sim-2"))
    again = join(db, authority, db.run(create_simulated_enrollment, SYSTEM), simulated=("sim-1", "sim-2", "sim-3"))
    assert {name: again.host_ids[name] for name in first.host_ids} == first.host_ids
    assert sorted(names_in(again.certificates.host)) == sorted(again.host_ids.values())
    with db.read() as tx:
        urls = {row.name: row.agent_url for row in tx.execute(select(hosts.c.name, hosts.c.agent_url))}
    assert urls == {name: f"{URL}/{name}" for name in ("sim-1", "sim-2", "sim-3")}


def test_simulated_hosts_are_installed_once_as_long_as_their_agent_stays_where_it_is(
    db: Database, authority: Authority
) -> None:
    def joined(address: str, *names: str) -> int:
        """How many jobs there are once these have joined and been installed."""
        token = db.run(create_simulated_enrollment, SYSTEM)
        join(db, authority, token, address=address, simulated=names)
        db.run(lambda tx: tx.execute(update(hosts).values(status="up")))
        with db.read() as tx:
            return int(tx.scalar(select(func.count()).where(jobs.c.kind == "install_host")) or 0)

    assert joined(URL, "sim-1", "sim-2") == 2
    assert joined(URL, "sim-1", "sim-2", "sim-3") == 3
    assert joined("https://192.0.2.7:1", "sim-3") == 4
    db.run(lambda tx: tx.execute(update(hosts).where(hosts.c.name == "sim-3").values(status="install_failed")))
    assert joined("https://192.0.2.7:1", "sim-3") == 5


def test_simulated_hosts_cannot_take_the_place_of_real_ones(db: Database, authority: Authority, host_id: str) -> None:
    join(db, authority, db.run(create_enrollment, SYSTEM, host_id))
    token = db.run(create_simulated_enrollment, SYSTEM)
    for names in (("web",), ()):
        with pytest.raises((DeniedError, MalformedError)):
            join(db, authority, token, simulated=names)
    with pytest.raises(DeniedError):
        join(db, authority, db.run(create_enrollment, SYSTEM, host_id), simulated=("sim-1",))
