"""Providers of external networks: tested before they are saved, their passwords encrypted, their state told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import memory_provider
from databases import ON_POSTGRESQL
from fleet import Fleet, running_fleet
from memory_provider import CERTIFICATE, INSTALLED, PASSWORD
from netweft.core.errors import NotFoundError, ValidationError
from netweft.engine.actor import SYSTEM
from netweft.engine.commands import providers as commands
from netweft.engine.commands.providers import AddProvider, UpdateProvider
from netweft.engine.db import Database
from netweft.engine.jobs.providers import TEST_FAILED, TESTED
from netweft.engine.model.events import events
from netweft.engine.model.jobs import jobs
from netweft.engine.model.provider_hosts import ProviderHostRow, provider_hosts
from netweft.engine.model.providers import NETWORKS, ProviderRow
from netweft.engine.queries import providers as queries
from netweft.engine.statements import rows
from netweft.providers.contract import ProviderHost

LOGIN: dict[str, Any] = {
    "requires_authentication": True,
    "authentication_url": "http://keystone.example/v3",
    "username": "netweft",
    "tenant_name": "infra",
}


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(db, tmp_path) as fleet:
        yield fleet


def ask(fleet: Fleet, name: str = "blue", url: str = "http://up.example", **values: Any) -> tuple[str, str]:
    """The ids of a provider to be, and of its job."""
    spec = AddProvider(type="neutron", name=name, url=url, **values)
    return spec.id, fleet.db.run(commands.add_provider, SYSTEM, spec, box=fleet.box, types=INSTALLED.networks.types)


def add(fleet: Fleet, **values: Any) -> str:
    provider_id, job_id = ask(fleet, **values)
    fleet.done(job_id)
    return provider_id


def change(fleet: Fleet, provider_id: str, **values: Any) -> str | None:
    spec = UpdateProvider(id=provider_id, **values)
    return fleet.db.run(commands.update_provider, SYSTEM, spec, box=fleet.box)


def row(fleet: Fleet, provider_id: str) -> ProviderRow:
    with fleet.db.read() as tx:
        return queries.get(tx, provider_id)


def test_one_that_answers_is_saved(fleet: Fleet) -> None:
    made = row(fleet, add(fleet, description="ours"))
    assert (made.name, made.description, made.status, made.read_only) == ("blue", "ours", "ok", False)
    assert made.latency is not None
    assert made.checked_at is not None
    assert 205 in fleet.codes()


def test_its_hosts_are_known_when_it_is_saved(fleet: Fleet) -> None:
    there = memory_provider.system("http://hosts.example")
    there.hosts = [ProviderHost(name="sim-1", is_alive=True, physical_networks=frozenset({"wire"}))]
    provider_id = add(fleet, url="http://hosts.example")
    with fleet.db.read() as tx:
        found = rows(tx, ProviderHostRow, sa.select(provider_hosts))
    assert found == [ProviderHostRow(provider_id, "sim-1", True, ("wire",))]


def test_one_that_does_not_is_not(fleet: Fleet) -> None:
    provider_id, job_id = ask(fleet, url="http://down.example")
    ended = fleet.failed(job_id)
    assert (ended.error, ended.error_code) == (
        "The provider cannot be reached: nobody is there",
        "PROVIDER_FAILURE",
    )
    with fleet.db.read() as tx:
        assert queries.find(tx, provider_id) is None


def test_its_password_is_read_nowhere(fleet: Fleet) -> None:
    provider_id = add(fleet, **LOGIN, password=PASSWORD)
    made = row(fleet, provider_id)
    assert fleet.box.decrypt(made.password) == PASSWORD
    fleet.done(fleet.db.run(commands.test_provider, SYSTEM, provider_id, purpose=NETWORKS))
    _, wrong = ask(fleet, name="red", **LOGIN, password="another secret")
    assert fleet.failed(wrong).error_code == "PROVIDER_AUTHENTICATION_FAILURE"
    with fleet.db.read() as tx:
        kept = [str(one) for table in (jobs, events) for one in tx.execute(sa.select(table))]
    assert not [text for text in kept if PASSWORD in text or "another secret" in text]
    assert "secret" not in repr(UpdateProvider(id="1", password="another secret"))


def test_texts_change_without_asking_it(fleet: Fleet) -> None:
    provider_id = add(fleet)
    assert change(fleet, provider_id, name="green", comment="c", read_only=True) is None
    made = row(fleet, provider_id)
    assert (made.name, made.comment, made.read_only) == ("green", "c", True)
    assert change(fleet, provider_id, name="green") is None


def test_where_it_is_changes_once_it_has_answered_there(fleet: Fleet) -> None:
    provider_id = add(fleet, **LOGIN, password=PASSWORD)
    fleet.failed(change(fleet, provider_id, url="http://down.example"))
    fleet.failed(change(fleet, provider_id, password="wrong"))
    assert row(fleet, provider_id).url == "http://up.example"
    fleet.done(change(fleet, provider_id, url="http://other.example"))
    made = row(fleet, provider_id)
    assert (made.url, fleet.box.decrypt(made.password)) == ("http://other.example", PASSWORD)


def test_what_is_changed_while_it_is_asked_stays(fleet: Fleet) -> None:
    provider_id = add(fleet)
    fleet.stop_worker()
    job_id = change(fleet, provider_id, url="http://other.example")
    assert change(fleet, provider_id, name="green", comment="meanwhile") is None
    fleet.start_worker()
    fleet.done(job_id)
    made = row(fleet, provider_id)
    assert (made.name, made.comment, made.url) == ("green", "meanwhile", "http://other.example")


def test_its_certificate(fleet: Fleet) -> None:
    _, untrusted = ask(fleet, url="https://tls.example")
    assert fleet.failed(untrusted).error_code == "PROVIDER_SSL_FAILURE"
    assert row(fleet, add(fleet, url="https://tls.example", certificate=CERTIFICATE)).certificate == CERTIFICATE


def test_a_name_is_given_once(fleet: Fleet) -> None:
    add(fleet)
    with pytest.raises(ValidationError, match="already used"):
        ask(fleet)
    red = add(fleet, name="red")
    with pytest.raises(ValidationError, match="already used"):
        change(fleet, red, name="blue")


@ON_POSTGRESQL
def test_of_two_that_ask_for_a_name_at_once_one_gets_it(fleet: Fleet) -> None:
    fleet.stop_worker()
    (_, first), (_, second) = ask(fleet), ask(fleet)
    fleet.start_worker()
    ended = [fleet.outcome(first), fleet.outcome(second)]
    assert sorted(one.status for one in ended) == ["failed", "finished"]
    assert "already used" in "".join(one.error for one in ended)


def test_one_that_is_removed_meanwhile_does_not_come_back(fleet: Fleet) -> None:
    provider_id = add(fleet)
    fleet.stop_worker()
    job_id = change(fleet, provider_id, url="http://other.example")
    fleet.db.run(commands.remove_provider, SYSTEM, provider_id)
    fleet.start_worker()
    assert fleet.failed(job_id).error_code == NotFoundError.code
    with fleet.db.read() as tx:
        assert queries.find(tx, provider_id) is None


def test_its_state_is_that_of_the_last_test(fleet: Fleet) -> None:
    provider_id = add(fleet)
    fleet.done(fleet.db.run(commands.test_provider, SYSTEM, provider_id, purpose=NETWORKS))
    with fleet.db.write() as tx:  # its machine is gone
        tx.execute(sa.update(queries.PROVIDERS.table).values(url="http://down.example"))
    fleet.failed(fleet.db.run(commands.test_provider, SYSTEM, provider_id, purpose=NETWORKS))
    made = row(fleet, provider_id)
    assert (made.status, made.status_reason) == ("error", "The provider cannot be reached: nobody is there")
    assert fleet.codes()[-2:] == [TESTED, TEST_FAILED]


def test_what_it_has(fleet: Fleet) -> None:
    provider_id = add(fleet)
    networks = fleet.outcome(fleet.db.run(commands.list_provider_networks, SYSTEM, provider_id))
    assert [one["name"] for one in networks.result["networks"]] == ["blue", "red"]
    subnets = fleet.outcome(fleet.db.run(commands.list_provider_subnets, SYSTEM, provider_id, "1"))
    assert [one["cidr"] for one in subnets.result["subnets"]] == ["192.0.2.0/24", "2001:db8::/64"]
    unknown = fleet.failed(fleet.db.run(commands.list_provider_subnets, SYSTEM, provider_id, "9"))
    assert "no such thing: network 9" in unknown.error


@pytest.mark.parametrize(
    ("kind", "given", "is_read_only"),
    [
        ("neutron", {}, False),
        ("neutron", {"read_only": True}, True),
        ("external", {}, True),
        ("external", {"read_only": False}, False),
    ],
)
def test_only_one_of_the_type_external_is_read_only_by_itself(
    fleet: Fleet, kind: str, given: dict[str, bool], is_read_only: bool
) -> None:
    fleet.stop_worker()
    spec = AddProvider(type=kind, name="blue", url="http://up.example", **given)
    job_id = fleet.db.run(commands.add_provider, SYSTEM, spec, box=fleet.box, types=frozenset({kind}))
    with fleet.db.read() as tx:
        payload = tx.scalar(sa.select(jobs.c.payload).where(jobs.c.id == job_id))
    assert payload["values"]["read_only"] is is_read_only
