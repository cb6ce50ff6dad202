"""Certificates are renewed in time, while everything that uses them runs on."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from cryptography import x509

import rows
from engine_process import EngineProcess
from fleet import Fleet, running_fleet
from netweft.core.errors import DeniedError, ValidationError
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.certificates import enroll_certificate
from netweft.engine.commands.hosts import UpdateHost, update_host
from netweft.engine.db import Database
from netweft.engine.jobs.renewal import Renewal
from netweft.engine.model.certificates import certificates as stored
from netweft.engine.model.events import events
from netweft.engine.model.hosts import hosts
from netweft.engine.model.jobs import jobs
from netweft.engine.operations.certificates import renew_due
from netweft.engine.secrets import open_box

LIFE = 30.0
"""Seconds for which certificates are valid in the test that waits until the first ones have expired."""
PATIENCE = 120.0


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(db, tmp_path, 2) as fleet:
        yield fleet


def expires(fleet: Fleet, number: int = 1) -> datetime:
    with fleet.db.read() as tx:
        found = tx.execute(sa.select(hosts.c.certificate_expires).where(hosts.c.id == fleet.id(number))).scalar_one()
    assert isinstance(found, datetime)
    return found


def let_expire(fleet: Fleet, left: timedelta) -> None:
    """Let the engine take the certificates for ones that are good for so long."""
    fleet.db.run(lambda tx: tx.execute(sa.update(hosts).values(certificate_expires=datetime.now(UTC) + left)))


def descriptions(fleet: Fleet, code: int) -> list[str]:
    with fleet.db.read() as tx:
        return list(tx.scalars(sa.select(events.c.description).where(events.c.code == code).order_by(events.c.id)))


def renewals(fleet: Fleet) -> list[str]:
    """Ids of the jobs that renew certificates."""
    with fleet.db.read() as tx:
        return list(tx.scalars(sa.select(jobs.c.id).where(jobs.c.kind == "enroll_certificate")))


def test_a_host_gets_a_new_certificate_on_demand_and_the_connections_that_are_open_stay(fleet: Fleet) -> None:
    before, kept = fleet.process.identity.certificate.read_text(), fleet.report()
    fleet.done(fleet.db.run(enroll_certificate, SYSTEM, fleet.id()))
    shown = fleet.process.identity.certificate.read_text()
    assert shown != before
    assert fleet.agent(1).shows(shown)
    assert fleet.agent(2).shows(shown), "simulated hosts of one program share it"
    assert fleet.report() == kept
    assert [len(descriptions(fleet, code)) for code in (880, 881, 882)] == [1, 1, 0]
    until = x509.load_pem_x509_certificate(shown.encode()).not_valid_after_utc
    assert {expires(fleet, 1), expires(fleet, 2)} == {until}
    fleet.restart_agents()
    assert fleet.report() == kept


def test_a_host_that_does_not_answer_keeps_its_certificate_and_the_engine_says_so(fleet: Fleet) -> None:
    before, until = fleet.process.identity.certificate.read_text(), expires(fleet)
    fleet.process.stop()
    assert "does not answer" in fleet.failed(fleet.db.run(enroll_certificate, SYSTEM, fleet.id())).error
    assert "Failed to enroll certificate for host sim-1" in descriptions(fleet, 882)[0]
    fleet.process.start()
    assert (fleet.process.identity.certificate.read_text(), expires(fleet)) == (before, until)
    assert fleet.agent().shows(before)


def test_who_may_and_when(fleet: Fleet) -> None:
    host = ObjectRef(ObjectType.HOST, fleet.id())
    guest = fleet.db.run(rows.add_user, "guest", ("UserRole", host))
    with pytest.raises(DeniedError):
        fleet.db.run(enroll_certificate, guest, fleet.id())
    fleet.set_status("non_responsive")
    with pytest.raises(ValidationError, match=r"join it\s+again with a new token"):
        fleet.db.run(enroll_certificate, SYSTEM, fleet.id())


def test_what_is_due_is_renewed_once_for_all_that_share_it(fleet: Fleet) -> None:
    authority = fleet.agents.authority
    fleet.db.run(renew_due, authority)
    assert renewals(fleet) == []
    let_expire(fleet, authority.life / 4)
    fleet.db.run(renew_due, authority)
    (asked,) = renewals(fleet)
    fleet.done(asked)
    assert not authority.is_due(expires(fleet, 1))
    assert not authority.is_due(expires(fleet, 2))
    fleet.db.run(renew_due, authority)
    assert renewals(fleet) == [asked]
    assert [len(descriptions(fleet, code)) for code in (880, 881)] == [0, 1]


def test_a_host_that_gets_another_address_gets_another_certificate(fleet: Fleet) -> None:
    fleet.db.run(update_host, SYSTEM, UpdateHost(id=fleet.id(), address="other.example.com"))
    fleet.db.run(renew_due, fleet.agents.authority)
    assert len(renewals(fleet)) == 1


def test_what_could_not_be_renewed_is_told_before_and_after_the_end_and_not_all_the_time(fleet: Fleet) -> None:
    authority = fleet.agents.authority
    fleet.process.stop()
    for number in (1, 2):
        fleet.set_status("non_responsive", number)
    let_expire(fleet, authority.life / 7)
    for _ in range(2):
        fleet.db.run(renew_due, authority)
    assert [text.split(" certification")[0] for text in descriptions(fleet, 845)] == ["Host sim-1", "Host sim-2"]
    let_expire(fleet, timedelta(seconds=-1))
    for _ in range(2):
        fleet.db.run(renew_due, authority)
    assert len(descriptions(fleet, 877)) == 2
    assert "join again" in descriptions(fleet, 877)[0]
    assert renewals(fleet) == [], "nobody can be asked"

    for _ in range(2):
        fleet.db.run(renew_due, authority, ca_notice=timedelta(days=21 * 365))
    assert ["is about to expire" in text for text in descriptions(fleet, 849)] == [True]


def test_replicas_show_agents_the_client_certificate_that_one_of_them_renewed(fleet: Fleet, tmp_path: Path) -> None:
    authority, box = fleet.agents.authority, open_box(tmp_path)
    renewal = Renewal(fleet.agents, box, lambda: None)
    first = authority.client
    renewal.round(fleet.db)
    assert authority.client == first
    authority.life *= 5  # so that what is left of it is less than a third
    renewal.round(fleet.db)
    second = authority.client
    assert second != first
    renewal.round(fleet.db)
    assert authority.client == second
    with fleet.db.read() as tx:
        kept = tx.execute(sa.select(stored.c.certificate).where(stored.c.name == "client")).scalar_one()
    assert kept == second.certificate
    assert fleet.report().capabilities.hostname == "sim-1"


class Kept:
    """A connection to the engine that stays open."""

    def __init__(self, engine: EngineProcess) -> None:
        place = urlsplit(engine.url)
        context = ssl.create_default_context(cafile=engine.ca)
        self._connection = http.client.HTTPSConnection(place.hostname or "", place.port, context=context, timeout=30)
        self._connection.connect()
        self._connection.auto_open = 0  # a connection that breaks is not made anew unseen

    def is_alive(self) -> bool:
        self._connection.request("GET", "/health")
        return self._connection.getresponse().read() != b""

    def close(self) -> None:
        self._connection.close()


def test_nothing_is_lost_while_all_certificates_are_replaced(tmp_path: Path) -> None:
    options = ("--certificate-days", str(LIFE / 86400), "--simulated-hosts", "2")
    begun = time.monotonic()
    with ExitStack() as ends, EngineProcess(tmp_path, options=options) as engine, engine.client() as client:
        place = urlsplit(engine.url)
        door = (place.hostname or "", place.port or 0)

        def codes() -> list[int]:
            return [int(event["code"]) for event in client.list("events")]

        def wait(what: Callable[[], bool]) -> None:
            while not what():
                assert kept.is_alive()
                assert time.monotonic() - begun < PATIENCE, engine.log.read_text()[-3000:]
                time.sleep(0.2)

        kept = ends.enter_context(closing(Kept(engine)))
        wait(lambda: [host["status"] for host in client.list("hosts")] == ["up", "up"])
        (pki,) = (tmp_path / "simulated").rglob("pki")
        identity = pki / "current" / "host.pem"
        seen = ssl.get_server_certificate(door), identity.read_text()
        wait(lambda: ssl.get_server_certificate(door) != seen[0] and identity.read_text() != seen[1])
        last = max(x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc for pem in seen)
        wait(lambda: datetime.now(UTC) > last)
        for host in client.list("hosts"):
            assert host["status"] == "up"
            client.action(f"hosts/{host['id']}/refresh")
        found = codes()
        assert 881 in found
        assert not {12, 845, 877, 882} & set(found), "no host was lost, nothing failed or came too late"
        assert "agents see a new certificate of the engine" in engine.log.read_text()
