"""What fabrics are to carry, whatever fails: a table of steps, faults and outcomes, on two fabrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

import memory_fabric
from fleet import Fleet, running_fleet
from memory_fabric import CLASS, DOWN, FOREIGN, PASSWORD, Fabric
from netweft.core.errors import ValidationError
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.commands.data_centers import AddDataCenter, add_data_center, remove_data_center
from netweft.engine.commands.fabrics import raise_mtu
from netweft.engine.commands.networks import AddNetwork, UpdateNetwork, add_network, remove_network, update_network
from netweft.engine.commands.port_profiles import (
    AddPortProfile,
    UpdatePortProfile,
    add_port_profile,
    remove_port_profile,
    update_port_profile,
)
from netweft.engine.commands.providers import insert_provider, remove_provider
from netweft.engine.db import Database, new_id, utc_now
from netweft.engine.jobs import provider_watch
from netweft.engine.jobs.fabrics import RAISED, RAISING
from netweft.engine.jobs.provider_watch import ProviderMonitor
from netweft.engine.model.clusters import clusters
from netweft.engine.model.events import events
from netweft.engine.model.provider_objects import ProviderObjectRow, provider_objects
from netweft.engine.model.providers import CONFIGURATION, ProviderRow
from netweft.engine.operations.provider_object_events import FAILED, WELL
from netweft.engine.payloads import RaiseMtu
from netweft.engine.queries import port_profiles as profile_queries
from netweft.engine.queries import provider_hosts as host_queries
from netweft.engine.queries import provider_objects as queries
from netweft.engine.queries import providers as provider_queries
from netweft.engine.queries.references import Ref
from netweft.engine.queue import busy_with
from netweft.providers.contract import RefusedError

pytestmark = pytest.mark.hosts

NAMES = ("one", "two")


@dataclass
class Fabrics:
    """Two fabrics, and a network that both carry."""

    fleet: Fleet
    ids: dict[str, str] = field(default_factory=dict)
    network_id: str = ""

    def __post_init__(self) -> None:
        for name in NAMES:
            self.ids[name] = self.add_provider(name)
        self.network_id = self.add_network("red", 100)
        for name in NAMES:
            self.link(name)
        self.wait()

    def add_provider(self, name: str, kind: str = "memory") -> str:
        memory_fabric.forget(f"https://{name}.example")
        row = ProviderRow(
            id=new_id(),
            name=name,
            type=kind,
            url=f"https://{name}.example",
            username="netweft",
            password=self.fleet.box.encrypt(PASSWORD),
            purpose=CONFIGURATION,
        )
        self.fleet.db.run(insert_provider, SYSTEM, row)
        return row.id

    def there(self, name: str) -> Fabric:
        return memory_fabric.fabric(f"https://{name}.example")

    def add_network(self, name: str, vlan_id: int, mtu: int = 0) -> str:
        spec = AddNetwork(name=name, data_center=Ref(name="Default"), vlan_id=vlan_id, mtu=mtu)
        return str(self.fleet.db.run(add_network, SYSTEM, spec).id)

    def link(self, name: str, network_id: str = "", **said: str) -> None:
        spec = AddPortProfile(network_id=network_id or self.network_id, provider=Ref(id=self.ids[name]), **said)
        self.fleet.db.run(add_port_profile, SYSTEM, spec)

    def wait(self) -> None:
        for provider_id in self.ids.values():
            self.fleet.until(lambda one=provider_id: not self.fleet.db.run(busy_with, f"provider:{one}"))

    def again(self) -> None:
        """The time of the next try has come."""
        with self.fleet.db.write() as tx:
            waits = provider_objects.c.next_try.is_not(None)
            tx.execute(sa.update(provider_objects).where(waits).values(next_try=utc_now()))
        provider_watch.retry(self.fleet.db)
        self.wait()

    def ask(self) -> None:
        """The engine looks how the fabrics are."""
        provider_monitor = ProviderMonitor(self.fleet.outside.providers, every=0)
        provider_monitor.round(self.fleet.db)
        provider_monitor.close()
        self.wait()

    def rows(self, name: str) -> list[ProviderObjectRow]:
        with self.fleet.db.read() as tx:
            return queries.of_provider(tx, self.ids[name])

    def states(self, name: str) -> list[tuple[str, str]]:
        return [(row.wanted, row.state) for row in self.rows(name)]

    def view(self, name: str) -> dict[str, tuple[int | None, str]]:
        """What a fabric has that is ours: the VLAN and the name of each network by its id."""
        there = self.there(name)
        assert FOREIGN in there.profiles.values(), "what others made stays"
        ours = [one for one in there.profiles.values() if one.owner]
        found = {one.owner: (one.vlan_id, there.specs[one.owner].name) for one in ours}
        assert len(found) == len(ours), "nothing is there twice"
        return found

    def events(self, *codes: int) -> list[str]:
        with self.fleet.db.read() as tx:
            query = sa.select(events.c.description).where(events.c.code.in_(codes)).order_by(events.c.id)
            return list(tx.scalars(query))


@pytest.fixture
def fabrics(db: Database, tmp_path: Path) -> Iterator[Fabrics]:
    with running_fleet(db, tmp_path) as fleet:
        yield Fabrics(fleet)


def change(**values: object) -> Callable[[Fabrics], object]:
    return lambda it: it.fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=it.network_id, **values))  # type: ignore[arg-type]


def unlink(it: Fabrics) -> None:
    it.fleet.db.run(remove_port_profile, SYSTEM, it.network_id, it.ids["one"])


def prefer(it: Fabrics) -> None:
    spec = UpdatePortProfile(network_id=it.network_id, provider_id=it.ids["one"], qos_policy="gold")
    it.fleet.db.run(update_port_profile, SYSTEM, spec)


RED = (100, "red")
STEPS: dict[str, tuple[Callable[[Fabrics], object], str, tuple[int, str] | None]] = {
    "the network gets another name": (change(name="green"), "ensure_profile", (100, "green")),
    "the network gets another VLAN": (change(vlan_id=101), "ensure_profile", (101, "red")),
    "the profile gets a policy": (prefer, "ensure_profile", RED),
    "the profile goes": (unlink, "remove_profile", None),
    "the network goes": (
        lambda it: it.fleet.db.run(remove_network, SYSTEM, it.network_id),
        "remove_profile",
        None,
    ),
}


class Fault:
    """Fails a number of times, before or after the fabric has acted."""

    def __init__(self, method: str, error: Exception, times: int) -> None:
        self.method, self.error, self.times = method, error, times

    def __call__(self, method: str) -> None:
        if method == self.method and self.times:
            self.times -= 1
            raise self.error


FAULTS: dict[str, Callable[[Fabric, str], None]] = {
    "away": lambda it, method: setattr(it, "fault", Fault(method, DOWN, 2)),
    "refused": lambda it, method: setattr(it, "fault", Fault(method, RefusedError("not now"), 2)),
    "answer lost": lambda it, method: setattr(it, "lost", Fault(method, DOWN, 2)),
    "module broken": lambda it, method: setattr(it, "fault", Fault(method, RuntimeError("bug"), 2)),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", STEPS)
def test_a_fault_in_one_fabric_is_told_and_overcome(fabrics: Fabrics, step: str, fault: str) -> None:
    run, method, desired = STEPS[step]
    FAULTS[fault](fabrics.there("one"), method)
    run(fabrics)
    fabrics.wait()
    assert [state for _, state in fabrics.states("one")] == ["error"]
    # The other fabric notices nothing.
    other = (
        None
        if step == "the network goes"
        else (RED if step in {"the profile goes", "the profile gets a policy"} else desired)
    )
    assert fabrics.view("two") == ({fabrics.network_id: other} if other else {})
    fabrics.again()
    assert [state for _, state in fabrics.states("one")] == ["error"]
    fabrics.again()
    assert fabrics.view("one") == ({fabrics.network_id: desired} if desired else {})
    assert fabrics.states("one") == ([("present", "ok")] if desired else [])
    told = fabrics.events(FAILED, WELL)
    assert len(told) == 2
    assert told[0].startswith("Port profile ")


def test_what_is_wanted_is_made_once_and_shown(fabrics: Fabrics) -> None:
    for name in NAMES:
        assert fabrics.view(name) == {fabrics.network_id: RED}
        assert fabrics.states(name) == [("present", "ok")]
    fabrics.ask()
    calls = [len(fabrics.there(name).calls) for name in NAMES]
    fabrics.again()
    assert [len(fabrics.there(name).calls) for name in NAMES] == calls, "nobody asks for what is done"
    with fabrics.fleet.db.read() as tx:
        found = host_queries.hosts_of(tx, list(fabrics.ids.values()))
    assert {row.name for rows in found.values() for row in rows} == {"4c4c4544-0001"}


@pytest.mark.parametrize("error", [RefusedError("no\x00t\x1b[31m now"), RuntimeError("no\x00t\x1b[31m now")])
def test_what_nobody_can_read_of_a_reason_is_left_out(fabrics: Fabrics, error: Exception) -> None:
    fabrics.there("one").fault = Fault("ensure_profile", error, 1)
    change(name="green")(fabrics)
    fabrics.wait()
    (row,) = fabrics.rows("one")
    assert row.error.endswith("no t [31m now")
    assert row.error.isprintable()


def test_a_profile_that_somebody_removed_is_made_again(fabrics: Fabrics) -> None:
    there = fabrics.there("one")
    del there.profiles[next(name for name, one in there.profiles.items() if one.owner)]
    fabrics.ask()
    assert fabrics.view("one") == {fabrics.network_id: RED}
    assert fabrics.events(FAILED)[0].endswith("The fabric does not have this port profile any more.")


def test_what_one_fabric_has_is_not_said_of_the_other(fabrics: Fabrics) -> None:
    fabrics.there("two").fault = Fault("ensure_profile", DOWN, 1)
    network_id = fabrics.add_network("blue", 200)
    for name in reversed(NAMES):
        fabrics.link(name, network_id)
        fabrics.wait()
    found = {name: [row for row in fabrics.rows(name) if row.object_id == network_id] for name in NAMES}
    assert [(row.state, bool(row.external_id), row.mtu) for row in found["one"]] == [("ok", True, 1500)]
    assert [(row.state, row.external_id, row.mtu) for row in found["two"]] == [("error", "", 0)]


def test_orphans_are_counted(fabrics: Fabrics) -> None:
    there = fabrics.there("one")
    profile = next(one for one in there.profiles.values() if one.owner)
    there.profiles["nw-lost"] = memory_fabric.PortProfile(name="nw-lost", owner=new_id())
    fabrics.ask()
    with fabrics.fleet.db.read() as tx:
        assert provider_queries.get(tx, fabrics.ids["one"]).orphans == 1
    assert profile in there.profiles.values()


def test_profiles_go_with_the_data_centre_of_their_networks(fabrics: Fabrics) -> None:
    db = fabrics.fleet.db
    there = db.run(add_data_center, SYSTEM, AddDataCenter(name="there"))
    spec = AddNetwork(name="far", data_center=Ref(id=there), vlan_id=300)
    network_id = str(db.run(add_network, SYSTEM, spec).id)
    fabrics.link("one", network_id)
    fabrics.wait()
    assert fabrics.view("one").keys() == {fabrics.network_id, network_id}
    db.run(remove_data_center, SYSTEM, there)
    fabrics.wait()
    assert fabrics.view("one").keys() == {fabrics.network_id}
    assert len(fabrics.rows("one")) == 1


def test_a_profile_in_use_goes_when_it_is_free(fabrics: Fabrics) -> None:
    fabrics.there("one").used.add(fabrics.network_id)
    fabrics.fleet.db.run(remove_network, SYSTEM, fabrics.network_id)
    fabrics.wait()
    assert fabrics.states("one") == [("absent", "error")]
    assert fabrics.rows("one")[0].error.endswith("is in use.")
    with pytest.raises(ValidationError, match="1"):
        fabrics.fleet.db.run(remove_provider, SYSTEM, fabrics.ids["one"], purpose=CONFIGURATION)
    fabrics.there("one").used.clear()
    fabrics.again()
    assert (fabrics.view("one"), fabrics.rows("one")) == ({}, [])
    fabrics.fleet.db.run(remove_provider, SYSTEM, fabrics.ids["one"], purpose=CONFIGURATION)


def test_an_mtu_is_raised_with_consent_alone_and_never_lowered(fabrics: Fabrics) -> None:
    fabrics.fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=fabrics.network_id, mtu=9000))
    fabrics.wait()
    for name in NAMES:
        assert fabrics.states(name) == [("present", "error")]
        assert fabrics.there(name).classes[CLASS] == 1500
    told = RaiseMtu(provider_id=fabrics.ids["one"], system_class=CLASS, mtu=9000)
    with pytest.raises(ValidationError, match="interrupts all traffic of fabric 'one'"):
        fabrics.fleet.db.run(raise_mtu, SYSTEM, told, interrupts_fabric=False)
    fabrics.fleet.done(fabrics.fleet.db.run(raise_mtu, SYSTEM, told, interrupts_fabric=True))
    fabrics.wait()
    assert fabrics.there("one").classes[CLASS] == 9000
    assert (fabrics.states("one"), fabrics.states("two")) == ([("present", "ok")], [("present", "error")])
    assert len(fabrics.events(RAISING)) == len(fabrics.events(RAISED)) == 1
    with fabrics.fleet.db.read() as tx:
        (raised,) = profile_queries.raised(tx, fabrics.ids["one"])
    assert (raised.before, raised.mtu, raised.user_name) == (1500, 9000, SYSTEM.name)
    fabrics.fleet.db.run(remove_network, SYSTEM, fabrics.network_id)
    fabrics.wait()
    assert fabrics.there("one").classes[CLASS] == 9000


def test_a_cluster_has_one_technology(fabrics: Fabrics) -> None:
    db = fabrics.fleet.db
    fabrics.ids["other"] = fabrics.add_provider("other", "other")
    with db.read() as tx:
        cluster_id = str(tx.scalar(sa.select(clusters.c.id).where(clusters.c.name == "Default")))
    blue, green = fabrics.add_network("blue", 200), fabrics.add_network("green", 300)
    fabrics.link("other", blue)
    with pytest.raises(ValidationError, match="a network has one technology"):
        fabrics.link("one", blue)
    for network_id in (fabrics.network_id, green):
        db.run(attach_network, SYSTEM, AttachNetwork(cluster_id=cluster_id, network=Ref(id=network_id)))
    with pytest.raises(ValidationError, match="carried by memory, network 'blue' by other"):
        db.run(attach_network, SYSTEM, AttachNetwork(cluster_id=cluster_id, network=Ref(id=blue)))
    with pytest.raises(ValidationError, match="carried by memory, network 'green' by other"):
        fabrics.link("other", green)
    fabrics.link("one", green)
