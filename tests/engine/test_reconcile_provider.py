"""What a provider is to have of networks and subnets, whatever fails: a table of steps, faults and outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import pytest
import sqlalchemy as sa

import memory_provider
from fleet import PATIENCE, Fleet, running_fleet
from memory_provider import DOWN, NETWORKS, MemoryProvider
from netweft.core.errors import BusyError, ValidationError
from netweft.engine.actor import SYSTEM
from netweft.engine.commands import providers as provider_commands
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.commands.data_centers import AddDataCenter, add_data_center, remove_data_center
from netweft.engine.commands.networks import AddNetwork, UpdateNetwork, add_network, remove_network, update_network
from netweft.engine.commands.providers import change_provider, insert_provider, remove_provider
from netweft.engine.commands.subnets import AddSubnet, UpdateSubnet, add_subnet, remove_subnet, update_subnet
from netweft.engine.db import Database, new_id, utc_now
from netweft.engine.jobs import provider_watch
from netweft.engine.jobs.provider_watch import ProviderMonitor
from netweft.engine.jobs.sync_networks import NOT_SYNCED
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.events import events
from netweft.engine.model.networks import networks
from netweft.engine.model.provider_hosts import ProviderHostRow
from netweft.engine.model.provider_objects import ProviderObjectRow, provider_objects
from netweft.engine.model.providers import NETWORKS as OF_NETWORKS
from netweft.engine.model.providers import ProviderRow, providers
from netweft.engine.operations import provider_hosts, provider_networks
from netweft.engine.operations import provider_objects as objects
from netweft.engine.operations.provider_object_events import FAILED, WELL
from netweft.engine.operations.provider_state import AWAY, BACK
from netweft.engine.queries import provider_hosts as host_queries
from netweft.engine.queries import provider_objects as queries
from netweft.engine.queries import providers as provider_queries
from netweft.engine.queries.references import Ref
from netweft.engine.queue import busy_with
from netweft.providers.contract import (
    Account,
    LoginError,
    NetworkSpec,
    ProviderError,
    ProviderHost,
    ProviderNetwork,
    RefusedError,
)
from statements_seen import statements_in

pytestmark = pytest.mark.hosts

URL = "http://reconciling.example"


@dataclass
class Clouds:
    """A provider, and one network with a subnet that it has."""

    fleet: Fleet
    provider_id: str = ""
    network_id: str = ""
    subnet_id: str = ""

    def __post_init__(self) -> None:
        self.there = memory_provider.system(URL)
        self.provider_id = new_id()
        row = ProviderRow(id=self.provider_id, name="clouds", type="neutron", url=URL)
        self.fleet.db.run(insert_provider, SYSTEM, row)
        self.network_id = self.add_network("red")
        self.subnet_id = self.add_subnet("low", "192.0.2.0/24")
        self.wait()

    def add_network(self, name: str) -> str:
        spec = AddNetwork(name=name, data_center=Ref(name="Default"), provider=Ref(id=self.provider_id))
        return str(self.fleet.db.run(add_network, SYSTEM, spec).id)

    def add_subnet(self, name: str, cidr: str) -> str:
        spec = AddSubnet(network_id=self.network_id, name=name, cidr=cidr, dhcp=True)
        return self.fleet.db.run(add_subnet, SYSTEM, spec)

    def import_network(self, external_id: str) -> str:
        home, provider = Ref(name="Default"), Ref(id=self.provider_id)
        spec = AddNetwork(name="imported", data_center=home, provider=provider, external_id=external_id)
        return str(self.fleet.db.run(add_network, SYSTEM, spec).id)

    def ask(self) -> None:
        """The engine looks how the provider is."""
        provider_monitor = ProviderMonitor(self.fleet.outside.providers, every=0)
        provider_monitor.round(self.fleet.db)
        provider_monitor.close()
        self.wait()

    def wait(self) -> None:
        """Until no job is at work on the provider."""
        self.fleet.until(lambda: not self.fleet.db.run(busy_with, f"provider:{self.provider_id}"))

    def again(self, *kinds: str) -> None:
        """The time of the next try has come, of all kinds of objects or of these."""
        with self.fleet.db.write() as tx:
            waits = provider_objects.c.next_try.is_not(None)
            if kinds:
                waits &= provider_objects.c.kind.in_(kinds)
            tx.execute(sa.update(provider_objects).where(waits).values(next_try=utc_now()))
        provider_watch.retry(self.fleet.db)
        self.wait()

    def rows(self) -> list[ProviderObjectRow]:
        with self.fleet.db.read() as tx:
            return queries.of_provider(tx, self.provider_id)

    def view(self) -> dict[str, set[str]]:
        """What the provider has that is ours: networks by name, each with the names of its subnets."""
        ours = [one for one in self.there.networks.values() if one.owner]
        found = {one.name: {subnet.name for subnet in self.there.subnets[one.id]} for one in ours}
        assert len(found) == len(ours), "nothing is there twice"
        return found


@pytest.fixture
def clouds(db: Database, tmp_path: Path) -> Iterator[Clouds]:
    memory_provider.forget(URL)
    with running_fleet(db, tmp_path) as fleet:
        yield Clouds(fleet)


def rename_network(clouds: Clouds) -> None:
    clouds.fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=clouds.network_id, name="green"))


def rename_subnet(clouds: Clouds) -> None:
    clouds.fleet.db.run(update_subnet, SYSTEM, UpdateSubnet(id=clouds.subnet_id, name="high"))


STEPS: dict[str, tuple[Callable[[Clouds], object], str, dict[str, set[str]]]] = {
    "a network is added": (lambda it: it.add_network("blue"), "ensure_network", {"red": {"low"}, "blue": set()}),
    "a network changes": (rename_network, "ensure_network", {"green": {"low"}}),
    "a subnet is added": (lambda it: it.add_subnet("six", "2001:db8::/64"), "ensure_subnet", {"red": {"low", "six"}}),
    "a subnet changes": (rename_subnet, "ensure_subnet", {"red": {"high"}}),
    "a subnet is removed": (
        lambda it: it.fleet.db.run(remove_subnet, SYSTEM, it.subnet_id),
        "remove_subnet",
        {"red": set()},
    ),
    "a network is removed": (lambda it: it.fleet.db.run(remove_network, SYSTEM, it.network_id), "remove_network", {}),
}
"""What is asked for, the provider's method that fails, and what the provider has of ours when all is well again."""

FAULTS: dict[str, tuple[str, ProviderError]] = {
    "it is away": ("fault", DOWN),
    "it refuses the login": ("fault", LoginError("The provider refused the login: 401")),
    "it refuses": ("fault", RefusedError("The provider refused: 409")),
    "it breaks": ("fault", ProviderError("The provider failed: 500")),
    "its answer is lost": ("lost", DOWN),
}
"""When a method fails, and how."""


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", STEPS)
def test_whatever_fails_is_told_and_heals(clouds: Clouds, step: str, fault: str) -> None:
    ask, method, desired = STEPS[step]
    when, error = FAULTS[fault]

    def fail(called: str) -> None:
        if called == method:
            raise error

    setattr(clouds.there, when, fail)
    ask(clouds)
    clouds.wait()
    failed = [row for row in clouds.rows() if row.state == "error"]
    assert {row.error for row in failed} == {error.text}
    assert all(row.next_try is not None and row.attempts == 1 for row in failed)
    clouds.again()
    assert max(row.attempts for row in clouds.rows()) == 2, "the pause grows"
    setattr(clouds.there, when, lambda _: None)
    clouds.again()
    assert clouds.view() == desired
    assert {(row.wanted, row.state, row.error, row.attempts) for row in clouds.rows()} <= {("present", "ok", "", 0)}
    assert [one for one in clouds.there.networks.values() if not one.owner] == list(NETWORKS), "not ours, not touched"


def test_a_provider_that_is_away_is_asked_once_for_all_that_is_wanted(clouds: Clouds) -> None:
    clouds.there.fault = lambda _: (_ for _ in ()).throw(DOWN)
    for name in ("one", "two", "three"):
        clouds.add_network(name)
        clouds.wait()
    calls = len(clouds.there.calls)
    before = {row.object_id: row.attempts for row in clouds.rows() if row.next_try}
    clouds.again()
    assert len(clouds.there.calls) == calls + 1
    assert {row.object_id: row.attempts - 1 for row in clouds.rows() if row.next_try} == before
    assert sorted(before.values()) == [1, 2, 3]


def test_what_was_asked_for_and_taken_back_meanwhile_leaves_nothing(clouds: Clouds) -> None:
    made: list[str] = []

    def take_back(method: str) -> None:
        if method == "ensure_network" and made:
            clouds.fleet.db.run(remove_network, SYSTEM, made.pop())

    clouds.there.lost = take_back
    with clouds.fleet.db.write() as tx:
        spec = AddNetwork(name="blue", data_center=Ref(name="Default"), provider=Ref(id=clouds.provider_id))
        made.append(add_network(tx, SYSTEM, spec).id)
    clouds.fleet.until(lambda: not made)
    clouds.wait()
    assert clouds.view() == {"red": {"low"}}
    assert {row.object_id for row in clouds.rows()} == {clouds.network_id, clouds.subnet_id}


def test_what_somebody_removed_there_is_made_again(clouds: Clouds) -> None:
    imported = clouds.import_network("1")
    kept = dict(clouds.there.networks)
    ours = next(one for one in kept.values() if one.owner)
    del clouds.there.networks[ours.id], clouds.there.networks["1"]
    clouds.ask()
    assert clouds.view() == {"red": {"low"}}
    assert {row.object_id: (row.state, row.error) for row in clouds.rows()} == {
        clouds.network_id: ("ok", ""),
        clouds.subnet_id: ("ok", ""),
        imported: ("error", "The provider does not have this network any more."),
    }
    clouds.there.networks["1"] = kept["1"]
    clouds.ask()
    assert {row.state for row in clouds.rows()} == {"ok"}


def test_a_list_that_is_cut_short_does_no_harm(clouds: Clouds) -> None:
    before = dict(clouds.there.networks)
    with clouds.fleet.db.write() as tx:
        provider_networks.compare(tx, SYSTEM, clouds.provider_id, queries.but_ports(tx, clouds.provider_id), ())
    clouds.wait()
    assert clouds.there.networks == before


def test_what_was_made_while_the_provider_made_its_list_is_not_missing(clouds: Clouds) -> None:
    clouds.fleet.stop_worker()
    made: list[str] = []

    def make_another(method: str) -> None:
        if method == "networks" and not made:
            made.append(clouds.add_network("blue"))
            spec = NetworkSpec(id=made[0], name="blue")
            found = MemoryProvider(Account(url=URL)).ensure_network(spec)
            with clouds.fleet.db.write() as tx:
                objects.done(tx, "network", made[0], clouds.provider_id, external_id=found.id)

    clouds.there.lost = make_another
    provider_monitor = ProviderMonitor(clouds.fleet.outside.providers, every=0)
    provider_monitor.round(clouds.fleet.db)
    provider_monitor.close()
    assert {(row.wanted, row.state, row.external_id != "") for row in clouds.rows()} == {("present", "ok", True)}
    assert len(clouds.rows()) == 3


def test_an_answer_that_makes_no_sense_is_an_error_of_the_provider(clouds: Clouds) -> None:
    clouds.there.networks["9"] = ProviderNetwork(id="9", name="nine", description=None)  # type: ignore[arg-type] # as JSON has it
    clouds.ask()
    with clouds.fleet.db.read() as tx:
        row = tx.execute(sa.select(providers.c.status, providers.c.status_reason)).one()
    assert row == ("error", "The provider's answer is invalid: Expected `str`, got `null` - at `$.description`.")


def make_default(clouds: Clouds) -> None:
    """Networks come by themselves into the data centre of a cluster whose default provider it is."""
    clouds.there.networks["1"] = replace(NETWORKS[1], name="green")  # there is a red one here
    clouds.fleet.db.run(change_provider, SYSTEM, clouds.provider_id, {"auto_sync": True})
    with clouds.fleet.db.write() as tx:
        tx.execute(sa.update(clusters).where(clusters.c.name == "Default").values(provider_id=clouds.provider_id))


def imported(clouds: Clouds) -> dict[str, bool | None]:
    """The networks of others, by name; each with whether it is required in the cluster, None where it is not there."""
    with clouds.fleet.db.read() as tx:
        cluster = tx.scalar(sa.select(clusters.c.id).where(clusters.c.name == "Default"))
        attached = {
            row.network_id: row.required
            for row in tx.execute(sa.select(cluster_networks).where(cluster_networks.c.cluster_id == cluster))
        }
        theirs = {row.object_id for row in queries.of_provider(tx, clouds.provider_id) if not row.owned}
        return {row.name: attached.get(row.id) for row in tx.execute(sa.select(networks)) if row.id in theirs}


def test_networks_come_by_themselves_where_that_is_wanted(clouds: Clouds) -> None:
    clouds.ask()
    assert imported(clouds) == {}, "nobody has asked for it"
    make_default(clouds)
    clouds.ask()
    assert imported(clouds) == {"blue": False, "green": False}
    clouds.ask()
    assert imported(clouds) == {"blue": False, "green": False}


def test_a_network_that_cannot_come_holds_up_no_other_and_an_event_says_why_once(clouds: Clouds) -> None:
    clouds.fleet.db.run(add_network, SYSTEM, AddNetwork(name="blue", data_center=Ref(name="Default")))
    make_default(clouds)
    clouds.ask()
    clouds.ask()
    assert imported(clouds) == {"green": False}
    with clouds.fleet.db.read() as tx:
        (told,) = tx.scalars(sa.select(events.c.description).where(events.c.code == NOT_SYNCED))
    assert told.startswith("Network blue of provider clouds was not imported.")


def test_a_provider_that_hangs_delays_the_news_of_no_other(clouds: Clouds) -> None:
    memory_provider.forget("http://other.example")
    other = memory_provider.system("http://other.example")
    other.hosts = [ProviderHost(name="sim-1", is_alive=True)]
    row = ProviderRow(id=new_id(), name="other", type="neutron", url="http://other.example")
    clouds.fleet.db.run(insert_provider, SYSTEM, row)
    answers = Event()
    clouds.there.fault = lambda _: answers.wait(PATIENCE)
    provider_monitor = ProviderMonitor(clouds.fleet.outside.providers, every=0)
    try:
        provider_monitor.round(clouds.fleet.db)
        clouds.fleet.until(lambda: hosts_known(clouds, row.id) == ["sim-1"])
        other.hosts = []

        def is_news() -> bool:
            provider_monitor.round(clouds.fleet.db)
            return hosts_known(clouds, row.id) == []

        clouds.fleet.until(is_news)
        clouds.fleet.until(lambda: "hosts" in clouds.there.calls)
        assert clouds.there.calls.count("hosts") == 1, "nobody asks again who has yet to answer"
    finally:
        answers.set()
        provider_monitor.close()


def hosts_known(clouds: Clouds, provider_id: str) -> list[str]:
    with clouds.fleet.db.read() as tx:
        return [one.name for one in host_queries.hosts_of(tx, (provider_id,)).get(provider_id, ())]


def test_hosts_of_a_provider_that_are_known_are_not_written_again(clouds: Clouds) -> None:
    clouds.there.hosts = [ProviderHost(name=f"sim-{number}", is_alive=True) for number in (2, 1)]
    clouds.ask()
    found = [ProviderHostRow(clouds.provider_id, one.name, True) for one in clouds.there.hosts]
    with clouds.fleet.db.write() as tx, statements_in(tx) as seen:
        provider_hosts.replace(tx, clouds.provider_id, found)
    assert [one.split()[0] for one in seen] == ["SELECT"]
    assert sorted(hosts_known(clouds, clouds.provider_id)) == ["sim-1", "sim-2"]


def test_a_subnet_is_made_when_its_network_is_there_whenever_its_own_time_comes(clouds: Clouds) -> None:
    fails = {"ensure_network": True}

    def refuse(method: str) -> None:
        if fails.get(method):
            raise RefusedError("The provider refused: 409")

    clouds.there.fault = refuse
    spec = AddNetwork(name="blue", data_center=Ref(name="Default"), provider=Ref(id=clouds.provider_id))
    blue = clouds.fleet.db.run(add_network, SYSTEM, spec).id
    clouds.wait()
    subnet = AddSubnet(network_id=blue, name="low", cidr="198.51.100.0/24", dhcp=True)
    clouds.fleet.db.run(add_subnet, SYSTEM, subnet)
    clouds.wait()
    assert [row.state for row in clouds.rows()].count("error") == 2
    fails.clear()
    clouds.again("network")
    assert clouds.view() == {"red": {"low"}, "blue": {"low"}}
    assert {row.state for row in clouds.rows()} == {"ok"}


def test_a_network_goes_when_its_subnet_has_gone_whenever_its_own_time_comes(clouds: Clouds) -> None:
    fails = {"remove_subnet": True, "remove_network": True}

    def refuse(method: str) -> None:
        if fails.get(method):
            raise RefusedError("The provider refused: it is in use")

    clouds.there.fault = refuse
    clouds.fleet.db.run(remove_network, SYSTEM, clouds.network_id)
    clouds.wait()
    assert [row.state for row in clouds.rows()] == ["error", "error"]
    fails.clear()
    clouds.again("subnet")
    assert (clouds.view(), clouds.rows()) == ({}, [])


def test_subnets_are_made_again_with_a_network_that_was_found_missing_when_it_changed(clouds: Clouds) -> None:
    for one in [one for one in clouds.there.networks.values() if one.owner]:
        del clouds.there.networks[one.id], clouds.there.subnets[one.id]
    rename_network(clouds)
    clouds.wait()
    assert clouds.view() == {"green": {"low"}}


def test_networks_of_a_data_center_that_is_removed_go(clouds: Clouds) -> None:
    north = clouds.fleet.db.run(add_data_center, SYSTEM, AddDataCenter(name="north"))
    wire = AddNetwork(name="wire", data_center=Ref(name="north"))
    clouds.fleet.db.run(add_network, SYSTEM, wire)
    provider = Ref(id=clouds.provider_id)
    spec = AddNetwork(name="blue", data_center=Ref(name="north"), provider=provider, physical=Ref(name="wire"))
    clouds.fleet.db.run(add_network, SYSTEM, spec)
    clouds.wait()
    assert clouds.view() == {"red": {"low"}, "blue": set()}
    clouds.fleet.db.run(remove_data_center, SYSTEM, north)
    clouds.wait()
    assert clouds.view() == {"red": {"low"}}
    assert {row.object_id for row in clouds.rows()} == {clouds.network_id, clouds.subnet_id}


def test_native_networks_do_not_wait_for_it(clouds: Clouds) -> None:
    clouds.there.fault = lambda _: (_ for _ in ()).throw(DOWN)
    clouds.add_network("blue")
    native = clouds.fleet.db.run(add_network, SYSTEM, AddNetwork(name="native", data_center=Ref(name="Default"))).id
    with clouds.fleet.db.read() as tx:
        cluster_id = tx.execute(sa.select(clusters.c.id)).scalar_one()
    clouds.fleet.db.run(attach_network, SYSTEM, AttachNetwork(cluster_id=cluster_id, network=Ref(id=native)))
    clouds.fleet.attach("native", "eth1")
    assert clouds.fleet.carried()["native"] == "eth1"


def test_one_that_was_imported_stays_there(clouds: Clouds) -> None:
    calls = len(clouds.there.calls)
    made = clouds.import_network("1")
    clouds.fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=made, name="other", description="here"))
    clouds.fleet.db.run(remove_network, SYSTEM, made)
    clouds.wait()
    assert len(clouds.there.calls) == calls
    assert "1" in clouds.there.networks
    clouds.fleet.db.run(remove_network, SYSTEM, clouds.network_id)
    clouds.wait()
    clouds.fleet.db.run(remove_provider, SYSTEM, clouds.provider_id)


def test_a_provider_is_kept_until_it_has_let_go_of_all(clouds: Clouds) -> None:
    clouds.there.fault = lambda _: (_ for _ in ()).throw(DOWN)
    clouds.fleet.db.run(remove_network, SYSTEM, clouds.network_id)
    clouds.wait()
    with pytest.raises(ValidationError, match=r"2 object\(s\) are still to be removed"):
        clouds.fleet.db.run(remove_provider, SYSTEM, clouds.provider_id)
    clouds.there.fault = lambda _: None
    clouds.again()
    clouds.fleet.db.run(remove_provider, SYSTEM, clouds.provider_id)
    assert clouds.view() == {}


def meanwhile(ask: Callable[[], object]) -> Callable[[], object]:
    """Begin something in another thread, while this one is in the middle of a transaction; how it ended, for later."""
    pool = ThreadPoolExecutor(1)
    ends = pool.submit(ask)
    wait([ends], 0.5)
    pool.shutdown(wait=False)
    return ends.result


def test_a_network_on_a_wire_that_changes_at_that_moment_is_as_the_wire_becomes(clouds: Clouds) -> None:
    home = Ref(name="Default")
    db = clouds.fleet.db
    wire = db.run(add_network, SYSTEM, AddNetwork(name="wire", data_center=home, vlan_id=10)).id
    spec = AddNetwork(name="blue", data_center=home, provider=Ref(id=clouds.provider_id), physical=Ref(id=wire))
    with db.write() as tx:
        update_network(tx, SYSTEM, UpdateNetwork(id=wire, vlan_id=20))
        end = meanwhile(lambda: db.run(add_network, SYSTEM, spec))
    end()
    with db.read() as tx:
        assert tx.scalar(sa.select(networks.c.vlan_id).where(networks.c.name == "blue")) == 20


def test_a_provider_that_gets_a_network_while_it_is_removed_stays(clouds: Clouds) -> None:
    db = clouds.fleet.db
    provider_id = new_id()
    db.run(insert_provider, SYSTEM, ProviderRow(id=provider_id, name="other", type="neutron", url=URL))
    spec = AddNetwork(name="blue", data_center=Ref(name="Default"), provider=Ref(id=provider_id))
    with db.write() as tx:
        add_network(tx, SYSTEM, spec)
        end = meanwhile(lambda: db.run(remove_provider, SYSTEM, provider_id))
    with pytest.raises((BusyError, ValidationError)):
        end()
    clouds.fleet.idle(f"provider:{provider_id}")
    assert "blue" in clouds.view()


def test_what_is_due_waits_while_the_provider_is_read_only(clouds: Clouds) -> None:
    imported = clouds.import_network("1")
    (ours,) = (one for one in clouds.there.networks.values() if one.owner)
    del clouds.there.networks[ours.id], clouds.there.subnets[ours.id]
    clouds.fleet.db.run(change_provider, SYSTEM, clouds.provider_id, {"read_only": True})
    clouds.fleet.db.run(remove_network, SYSTEM, imported)
    clouds.ask()
    assert clouds.view() == {}
    assert {(row.state, "read-only" in row.error) for row in clouds.rows()} == {("error", True)}
    clouds.fleet.db.run(change_provider, SYSTEM, clouds.provider_id, {"read_only": False})
    provider_watch.retry(clouds.fleet.db)
    clouds.wait()
    assert clouds.view() == {"red": {"low"}}


def test_a_provider_that_is_away_says_so_once_and_what_failed_is_tried_when_it_answers(clouds: Clouds) -> None:
    clouds.ask()
    clouds.there.fault = away
    clouds.add_network("blue")
    clouds.wait()
    with clouds.fleet.db.read() as tx:
        row = provider_queries.get(tx, clouds.provider_id)
    assert (row.status, row.status_reason, row.latency) == ("error", DOWN.text, None)
    clouds.ask()
    clouds.again()
    clouds.there.fault = lambda _: None
    clouds.fleet.done(
        clouds.fleet.db.run(provider_commands.test_provider, SYSTEM, clouds.provider_id, purpose=OF_NETWORKS)
    )
    provider_watch.retry(clouds.fleet.db)
    clouds.wait()
    assert clouds.view() == {"red": {"low"}, "blue": set()}
    clouds.ask()
    codes = [code for code in clouds.fleet.codes() if code in {AWAY, BACK}]
    assert codes == [AWAY, BACK]


def away(_: str) -> None:
    raise DOWN


def test_a_provider_that_fails_at_one_thing_is_not_away(clouds: Clouds) -> None:
    def fail(called: str) -> None:
        if called == "ensure_network":
            raise FAULTS["it breaks"][1]

    clouds.there.fault = fail
    clouds.add_network("blue")
    clouds.wait()
    assert AWAY not in clouds.fleet.codes()


def test_events_say_once_what_is_wrong_and_when_it_is_well_again(clouds: Clouds) -> None:
    """A network that is refused, and refused again after a change; one that is removed; one that is gone there."""

    def refuse(called: str) -> None:
        if called in {"ensure_network", "remove_network"}:
            raise RefusedError("The provider refused: 409")

    def said(code: int) -> list[str]:
        with clouds.fleet.db.read() as tx:
            return list(tx.scalars(sa.select(events.c.description).where(events.c.code == code).order_by(events.c.id)))

    clouds.there.fault = refuse
    rename_network(clouds)
    clouds.wait()
    clouds.again()
    clouds.fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=clouds.network_id, name="blue"))
    clouds.wait()
    assert said(FAILED) == ["Network green on provider clouds: The provider refused: 409"]
    assert said(WELL) == []
    clouds.there.fault = lambda _: None
    clouds.again()
    assert said(WELL) == ["Network blue on provider clouds is synchronized again."]
    clouds.there.networks = {key: one for key, one in clouds.there.networks.items() if not one.owner}
    imported = clouds.import_network("1")
    del clouds.there.networks["1"]
    clouds.ask()
    clouds.ask()
    gone = "The provider does not have this network any more."
    assert sorted(said(FAILED)[1:]) == [
        f"Network blue on provider clouds: {gone}",
        f"Network imported on provider clouds: {gone}",
    ]
    assert said(WELL)[1:] == ["Network blue on provider clouds is synchronized again."]
    clouds.there.fault = refuse
    clouds.fleet.db.run(remove_network, SYSTEM, clouds.network_id)
    clouds.wait()
    clouds.there.fault = lambda _: None
    clouds.again()
    assert said(FAILED)[3:] == [f"Network {clouds.network_id} on provider clouds: The provider refused: 409"]
    assert said(WELL)[2:] == [f"Network {clouds.network_id} on provider clouds was removed."]
    assert imported
