"""A host that joins again, or comes from another engine: what it carries is taken over or told, and stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from fleet import Fleet, running_fleet
from netweft.core.errors import NotFoundError, ValidationError
from netweft.core.host import Bridge, Host
from netweft.core.host_request import AttachmentChange, BondChange, Ref, SetupRequest
from netweft.core.intent import IpAssignment
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.commands.hosts import activate_host, deactivate_host, remove_host
from netweft.engine.commands.networks import AddNetwork, add_network
from netweft.engine.commands.setup_networks import commit_network_changes
from netweft.engine.db import Database
from netweft.engine.model.clusters import clusters
from netweft.engine.model.events import events
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.hosts import host_drifts
from netweft.engine.model.networks import networks
from netweft.engine.queries.references import Ref as Named
from netweft.engine.reports.adoption import ADOPTED, KEPT


@pytest.fixture(params=["legacy", "ovs"])
def fleet(db: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """A host in a cluster of either switch type that carries a network beside that for its management."""
    with running_fleet(db, tmp_path, 1, installs=False) as fleet:
        with db.write() as tx:
            tx.execute(sa.update(clusters).values(switch_type=request.param))
        fleet.start_worker()
        fleet.until(lambda: fleet.status() == "up")
        for name, vlan in (("storage", 100), ("tenants", 200)):
            spec = AddNetwork(name=name, data_center=Named(name="Default"), vlan_id=vlan)
            network_id = db.run(add_network, SYSTEM, spec).id
            with db.read() as tx:
                cluster_id = tx.execute(sa.select(clusters.c.id)).scalar_one()
            attached = AttachNetwork(cluster_id=cluster_id, network=Named(id=network_id), required=False)
            db.run(attach_network, SYSTEM, attached)
        bond = BondChange(bond=Ref(name="bond0"), slaves=(Ref(name="eth1"), Ref(name="eth2")), options={"mode": "1"})
        static = (IpAssignment(method="static", address="10.0.0.5", prefix=24),)
        attachment = AttachmentChange(network=Ref(name="storage"), nic=Ref(name="bond0"), assignments=static)
        fleet.done(fleet.setup(SetupRequest(attachments=(attachment,), bonds=(bond,), commit_on_success=True)))
        yield fleet


def known_drifts(fleet: Fleet) -> list[str]:
    """The hosts that lists show as not in sync."""
    with fleet.db.read() as tx:
        return list(tx.scalars(sa.select(host_drifts.c.host_id)))


def remove(fleet: Fleet) -> None:
    fleet.db.run(deactivate_host, SYSTEM, fleet.id())
    fleet.db.run(remove_host, SYSTEM, fleet.id())


def join_again(fleet: Fleet) -> None:
    fleet.process.join_again()
    fleet.until(lambda: fleet.status() != "installing")


def marked(host: Host, owners: Mapping[str, str]) -> Host:
    """The host as another engine would have marked it: with its own ids."""
    for link in host.links().values():
        host = host.with_link(replace(link, owner=owners.get(link.owner, link.owner)))
    return host


def ids(fleet: Fleet) -> dict[str, str]:
    with fleet.db.read() as tx:
        return {row.name: row.id for row in tx.execute(sa.select(networks.c.name, networks.c.id))}


def test_a_host_that_was_removed_joins_again_with_all_that_it_carries(fleet: Fleet) -> None:
    before, carried = fleet.host(), fleet.carried()
    assert carried == {"ovirtmgmt": "eth0", "storage": "bond0"}
    remove(fleet)
    join_again(fleet)
    assert fleet.status() == "up"
    assert fleet.carried() == carried
    assert fleet.data().differences() == {}
    assert fleet.host() == before
    assert ADOPTED in fleet.codes()
    assert KEPT not in fleet.codes()
    fleet.attach("tenants", "eth3")
    assert fleet.carried() == {**carried, "tenants": "eth3"}


def test_a_connection_from_before_is_not_in_the_way(fleet: Fleet) -> None:
    """The agent refuses what comes on it once, and closes it."""
    fleet.report()
    fleet.process.join_again()
    assert fleet.report() == fleet.report()


def test_a_host_of_another_engine_is_taken_over_by_the_names_of_its_networks(fleet: Fleet) -> None:
    before, carried = fleet.host(), fleet.carried()
    remove(fleet)
    fleet.simulate(host=marked(before, {network_id: f"their-{name}" for name, network_id in ids(fleet).items()}))
    join_again(fleet)
    assert fleet.status() == "up"
    assert fleet.carried() == carried
    assert fleet.data().differences() == {}
    assert fleet.host() == before


def test_what_is_no_network_of_the_cluster_stays_until_somebody_asks(fleet: Fleet) -> None:
    remove(fleet)
    known = ids(fleet)
    with fleet.db.write() as tx:
        tx.execute(sa.delete(networks).where(networks.c.name == "storage"))
    before = fleet.host()
    join_again(fleet)
    assert fleet.status() == "up"
    assert fleet.carried() == {"ovirtmgmt": "eth0"}
    assert fleet.data().intent.kept == (known["storage"],)
    assert KEPT in fleet.codes()
    assert fleet.host() == before
    fleet.attach("tenants", "eth3")
    storage = fleet.host().links()["storage"]
    assert [str(address) for address in storage.addresses] == ["10.0.0.5/24"]
    assert {link.name for link in before.links().values()} <= set(fleet.host().links())
    plain = AttachmentChange(network=Ref(name="tenants"), nic=Ref(name="eth1"))
    with pytest.raises(ValidationError) as refusal:
        fleet.setup(SetupRequest(attachments=(plain,)))
    assert refusal.value.code == "NETWORKS_OF_ANOTHER_ENGINE_IN_THE_WAY"
    fleet.done(fleet.setup(SetupRequest(removed_unmanaged=("storage",))))
    assert fleet.data().intent.kept == ()
    assert "storage" not in fleet.host().links()
    fleet.setup(SetupRequest(attachments=(plain,)))


def test_nothing_is_torn_down_when_the_installation_fails_and_activating_installs_again(fleet: Fleet) -> None:
    before = fleet.host()
    remove(fleet)
    kind = before.links()["ovirtmgmt"]
    theirs = before
    for link in (replace(kind, owner=""), Bridge(name="docker0", mac="02:00:00:00:88:00")):
        theirs = theirs.with_link(link)
    fleet.simulate(host=theirs)
    join_again(fleet)
    assert fleet.status() == "install_failed"
    assert "Make the two equal" in fleet.data().row.status_reason
    assert fleet.host().links().keys() == theirs.links().keys()
    fleet.set_status("up")
    with pytest.raises(ValidationError) as refusal:
        fleet.setup(SetupRequest(attachments=(AttachmentChange(network=Ref(name="tenants"), nic=Ref(name="eth3")),)))
    assert refusal.value.code == "MANAGEMENT_NETWORK_NOT_ON_HOST"
    fleet.set_status("install_failed")
    fleet.simulate(host=before)
    fleet.done(fleet.db.run(activate_host, SYSTEM, fleet.id()))
    assert (fleet.status(), known_drifts(fleet)) == ("up", [])
    assert fleet.carried() == {"ovirtmgmt": "eth0", "storage": "bond0"}


def test_a_host_that_lost_its_keys_joins_again_as_what_it_is(fleet: Fleet) -> None:
    host_id, before = fleet.id(), fleet.host()
    with fleet.db.read() as tx:
        known = tx.execute(sa.select(attachments.c.id).order_by(attachments.c.id)).all()
    join_again(fleet)
    assert (fleet.id(), fleet.status(), known_drifts(fleet)) == (host_id, "up", [])
    assert fleet.host() == before
    with fleet.db.read() as tx:
        assert tx.execute(sa.select(attachments.c.id).order_by(attachments.c.id)).all() == known


def test_a_host_is_removed_without_anything_left_on_it_but_its_management(fleet: Fleet) -> None:
    fleet.db.run(deactivate_host, SYSTEM, fleet.id())
    host_id = fleet.id()
    fleet.simulate(refuse={"SetOwner": 99})
    fleet.failed(fleet.db.run(remove_host, SYSTEM, host_id, clean=True))
    assert fleet.carried() == {"ovirtmgmt": "eth0", "storage": "bond0"}
    fleet.simulate()
    fleet.done(fleet.db.run(remove_host, SYSTEM, host_id, clean=True))
    with pytest.raises(NotFoundError):
        fleet.data()
    left = {link.name for link in fleet.host().links().values() if link.owner}
    assert left == {"ovirtmgmt", "eth0"}
    join_again(fleet)
    assert (fleet.status(), fleet.carried()) == ("up", {"ovirtmgmt": "eth0"})


def test_a_silent_host_is_removed_only_by_force_and_what_stays_is_told(fleet: Fleet) -> None:
    fleet.db.run(deactivate_host, SYSTEM, fleet.id())
    fleet.simulate(unreachable=("always",))
    ended = fleet.failed(fleet.db.run(remove_host, SYSTEM, fleet.id(), clean=True))
    assert "cannot be reached" in ended.error
    assert fleet.status() == "maintenance"
    fleet.set_status("non_responsive")
    with pytest.raises(ValidationError) as refusal:
        fleet.db.run(remove_host, SYSTEM, fleet.id(), clean=True)
    assert refusal.value.code == "VDS_CANNOT_CLEAN_HOST_STATUS_ILLEGAL"
    fleet.set_status("maintenance")
    fleet.done(fleet.db.run(remove_host, SYSTEM, fleet.id(), clean=True, force=True))
    with fleet.db.read() as tx:
        told = tx.execute(sa.select(events.c.description).where(events.c.code == 44)).scalar_one()
    assert "These networks stay on it: ovirtmgmt, storage. 'netweft agent --leave' there takes them off." in told


def test_a_change_that_is_not_committed_shows_until_it_is(fleet: Fleet) -> None:
    fleet.attach("tenants", "eth3")
    assert fleet.data().row.dirty
    fleet.done(fleet.db.run(commit_network_changes, SYSTEM, fleet.id()))
    assert not fleet.data().row.dirty
    fleet.simulate(refuse={"SetOwner": 99})
    fleet.failed(fleet.setup(SetupRequest(removed=(Ref(name="tenants"),))))
    assert not fleet.data().row.dirty
    fleet.simulate()
    fleet.done(fleet.setup(SetupRequest(removed=(Ref(name="tenants"),))))
    assert fleet.data().row.dirty
    fleet.simulate(reboot=True)
    fleet.monitor.round(fleet.db)
    assert not fleet.data().row.dirty
