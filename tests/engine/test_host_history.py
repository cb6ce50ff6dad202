"""What was changed on a host, and having it back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given

from core.strategies import sources
from fleet import Fleet, running_fleet
from netweft.core.drift import find_drift
from netweft.core.errors import NotFoundError, ValidationError
from netweft.core.host import Host
from netweft.core.host_request import AttachmentChange, BondChange, LabelChange, Ref, SetupRequest
from netweft.core.intent import IpAssignment
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network, detach_network
from netweft.engine.commands.networks import AddNetwork, UpdateNetwork, add_network, remove_network, update_network
from netweft.engine.commands.setup_networks import restore_host_networks
from netweft.engine.db import Database, utc_now
from netweft.engine.model.clusters import clusters
from netweft.engine.model.host_networks import host_changes
from netweft.engine.operations.host_changes import KEPT, KEPT_OF_EACH, sweep
from netweft.engine.queries import host_history as history
from netweft.engine.queries.host_history import Revision
from properties import examples

NAMES = ("red", "blue", "green")


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(db, tmp_path, 1) as fleet:
        for number, name in enumerate(NAMES):
            spec = AddNetwork(name=name, data_center=Ref(name="Default"), vlan_id=100 + number)
            network_id = str(db.run(add_network, SYSTEM, spec).id)
            attach = AttachNetwork(cluster_id=cluster(db), network=Ref(id=network_id), required=False)
            db.run(attach_network, SYSTEM, attach)
        yield fleet


def cluster(db: Database) -> str:
    with db.read() as tx:
        return str(tx.scalar(sa.select(clusters.c.id).where(clusters.c.name == "Default")))


def revisions(fleet: Fleet) -> list[Revision]:
    with fleet.db.read() as tx:
        return history.revisions(tx, fleet.id())


def restore(fleet: Fleet, generation: int) -> str | None:
    return fleet.db.run(restore_host_networks, SYSTEM, fleet.id(), generation, commit=True)


def setup(fleet: Fleet, **desired: object) -> int:
    """Set the host up; the generation that it has then."""
    fleet.done(fleet.setup(SetupRequest(**desired)))  # type: ignore[arg-type] # keys are fields
    return fleet.report().generation


def attached(name: str, nic: str, address: str = "") -> AttachmentChange:
    static = (IpAssignment(method="static", address=address, prefix=24),) if address else ()
    return AttachmentChange(network=Ref(name=name), nic=Ref(name=nic), assignments=static, qos=None)


def test_each_change_is_told_with_what_it_changed(fleet: Fleet) -> None:
    first = setup(fleet, attachments=(attached("red", "eth1", "192.0.2.7"),))
    red = next(network_id for network_id, network in fleet.data().networks.items() if network.name == "red")
    by_id = replace(attached("red", "eth2"), network=Ref(id=red))
    setup(fleet, attachments=(by_id,), labels=(LabelChange(label="x", nic=Ref(name="eth3")),))
    fleet.simulate(refuse={"SetMtu": 1, "CreateLink": 9})
    fleet.failed(fleet.setup(SetupRequest(attachments=(attached("blue", "eth1"),))))
    last, moved, added, *_ = revisions(fleet)
    assert (added.generation, added.state, added.reason) == (first, "applied", "set red")
    assert added.changes == ("network red was added: on eth1, IPv4 static 192.0.2.7/24",)
    assert moved.reason == "set red; label x"
    assert moved.changes == (
        "network red: on eth1 became eth2, IPv4 static 192.0.2.7/24 became none",
        "label x was added: on eth3",
    )
    assert (last.state, last.changes) == ("refused", ("network blue was added: on eth1",))
    assert last.error
    assert last.ended_at is not None
    with fleet.db.read() as tx:
        assert history.compare(tx, fleet.id(), moved.generation, first) == (
            "network red: on eth2 became eth1, IPv4 none became static 192.0.2.7/24",
            "label x was removed: on eth3",
        )
        with pytest.raises(NotFoundError, match="has no record of generation"):
            history.compare(tx, fleet.id(), last.generation)


def test_what_is_put_on_the_host_again_changes_no_setup(fleet: Fleet) -> None:
    first = setup(fleet, attachments=(attached("red", "eth1"),))
    network_id = next(one for one, view in fleet.data().networks.items() if view.name == "red")
    fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=network_id, vlan_id=300))
    fleet.until(lambda: fleet.report().generation == first + 1)
    fleet.until(lambda: revisions(fleet)[0].state == "applied")
    again = revisions(fleet)[0]
    assert (again.reason, again.changes) == ("network red has changed (vlan 100 became 300)", ())
    with fleet.db.read() as tx:
        assert history.compare(tx, fleet.id(), first, again.generation) == ()
    assert restore(fleet, again.generation) is None


def test_a_network_that_left_the_cluster_is_off_at_the_generation_that_took_it_off(fleet: Fleet) -> None:
    setup(fleet, attachments=(attached("red", "eth1"),), labels=(LabelChange(label="x", nic=Ref(name="eth3")),))
    here = cluster(fleet.db)
    network_id = next(one for one, view in fleet.data().networks.items() if view.name == "red")
    fleet.db.run(detach_network, SYSTEM, here, network_id)
    fleet.until(lambda: "red" not in fleet.carried() and revisions(fleet)[0].state == "applied")
    removal, first, *_ = revisions(fleet)
    assert removal.changes == ("network red was removed: on eth1",)
    with fleet.db.read() as tx:
        told = history.compare(tx, fleet.id(), first.generation, removal.generation)
    assert told == ("network red was removed: on eth1",)
    fleet.db.run(attach_network, SYSTEM, AttachNetwork(cluster_id=here, network=Ref(id=network_id), required=False))
    setup(fleet, attachments=(attached("red", "eth2"),))
    again, *_ = revisions(fleet)
    assert again.changes == ("network red was added: on eth2",)
    fleet.done(str(restore(fleet, removal.generation)))
    assert "red" not in fleet.carried()
    with fleet.db.read() as tx:
        assert history.now(fleet.data()).labels == {"x": "eth3"}


def take_all_off(fleet: Fleet) -> None:
    """The networks that tests put on it, and the bond."""
    intent, networks = fleet.data().intent, fleet.data().networks
    gone = tuple(Ref(id=one.id) for one in intent.attachments if networks[one.network_id].name in NAMES)
    bonds = tuple(Ref(name=bond.name) for bond in intent.bonds)
    job = fleet.setup(SetupRequest(removed=gone, removed_bonds=bonds, commit_on_success=True))
    if job is not None:
        fleet.done(job)


def random_request(rnd: random.Random, fleet: Fleet) -> SetupRequest:
    """Something else for each network, the bond and a label."""
    data = fleet.data()
    there = {data.networks[one.network_id].name: one.id for one in data.intent.attachments}
    is_bonded = bool(data.intent.bonds)
    becomes_bonded = rnd.random() < 0.5
    attachments, removed = [], []
    for name in NAMES:
        nic = rnd.choice(["bond0" if becomes_bonded else "eth1", "eth3"])
        if rnd.random() < 0.7:
            address = f"10.{NAMES.index(name)}.0.{rnd.randrange(1, 250)}" if rnd.random() < 0.5 else ""
            attachments.append(attached(name, nic, address))
        elif name in there:
            removed.append(Ref(id=there[name]))
    bond = BondChange(bond=Ref(name="bond0"), slaves=(Ref(name="eth1"), Ref(name="eth2")), options={"mode": "1"})
    return SetupRequest(
        attachments=tuple(attachments),
        removed=tuple(removed),
        bonds=(bond,) if becomes_bonded else (),
        removed_bonds=(Ref(name="bond0"),) if is_bonded and not becomes_bonded else (),
        commit_on_success=True,
    )


def test_every_earlier_setup_can_be_had_back(fleet: Fleet) -> None:
    """In any order; the host is then what it was, and what is kept of that time says so."""
    seen = 0

    @examples(4)
    @given(sources)
    def walks(rnd: random.Random) -> None:
        nonlocal seen
        take_all_off(fleet)
        was: dict[int, Host] = {}
        for _ in range(5):
            job = fleet.setup(random_request(rnd, fleet))
            if job is not None:
                fleet.done(job)
                was[fleet.report().generation] = fleet.host()
        seen += len(was)
        order = list(was)
        rnd.shuffle(order)
        for generation in order:
            job = restore(fleet, generation)
            if job is not None:
                fleet.done(job)
            assert fleet.host() == was[generation], generation
            with fleet.db.read() as tx:
                assert history.compare(tx, fleet.id(), generation) == ()
                kept = history.facts(tx, fleet.id(), generation)
            assert kept.observed == was[generation]
            assert kept.intent is not None
            assert find_drift(kept.intent, kept.observed).is_empty

    walks()
    assert seen > 10


def test_what_is_kept_of_a_change_that_was_refused(fleet: Fleet) -> None:
    setup(fleet, attachments=(attached("red", "eth1"),))
    fleet.simulate(refuse={"CreateLink": 9})
    fleet.failed(fleet.setup(SetupRequest(attachments=(attached("blue", "eth2"),))))
    last = revisions(fleet)[0].generation
    with fleet.db.read() as tx:
        kept = history.facts(tx, fleet.id(), last)
        with pytest.raises(NotFoundError):
            history.facts(tx, fleet.id(), last + 1)
    assert kept.observed == fleet.host()
    assert kept.desired is not None
    assert kept.intent is not None
    assert len(kept.intent.attachments) == 3
    assert kept.desired != kept.observed


def test_a_network_that_is_gone_does_not_come_back(fleet: Fleet) -> None:
    first = setup(fleet, attachments=(attached("red", "eth1"),))
    network_id = next(one for one, view in fleet.data().networks.items() if view.name == "red")
    setup(fleet, removed=(Ref(id=fleet.attachment_id("red")),))
    fleet.db.run(detach_network, SYSTEM, cluster(fleet.db), network_id)
    with pytest.raises(ValidationError, match="does not have any more: red"):
        restore(fleet, first)
    fleet.db.run(remove_network, SYSTEM, network_id)
    with pytest.raises(ValidationError, match="does not have any more: red"):
        restore(fleet, first)
    told = [one.changes for one in revisions(fleet)[:2]]
    assert told == [("network red was removed: on eth1",), ("network red was added: on eth1",)]


def test_what_is_old_is_forgotten_but_for_the_last(fleet: Fleet) -> None:
    for number in range(3):
        setup(fleet, attachments=(attached("red", "eth1", f"192.0.2.{number + 1}"),))
    count = len(revisions(fleet))
    with fleet.db.write() as tx:
        tx.execute(sa.update(host_changes).values(created_at=utc_now() - KEPT - timedelta(days=1)))
        assert sweep(tx) == 0
        row = tx.execute(sa.select(host_changes).where(host_changes.c.state == "applied")).mappings().first()
        assert row is not None
        more = [{**row, "generation": 1000 + number} for number in range(KEPT_OF_EACH)]
        tx.execute(sa.insert(host_changes), more)
        assert sweep(tx) == count
    assert len(revisions(fleet)) == KEPT_OF_EACH
