"""An address of a network is one host's: also of two that ask at the same time, and however the host came to it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa

import rows
from fleet import Fleet, running_fleet
from netweft.core.errors import ValidationError
from netweft.core.host import Address
from netweft.core.host_request import AttachmentChange, Ref, SetupRequest
from netweft.core.intent import IpAssignment
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network, detach_network
from netweft.engine.commands.clusters import AddCluster, add_cluster
from netweft.engine.commands.data_centers import AddDataCenter, add_data_center
from netweft.engine.commands.hosts import UpdateHost, remove_host, update_host
from netweft.engine.commands.networks import AddNetwork, add_network, remove_network
from netweft.engine.commands.setup_networks import remove_attachment
from netweft.engine.db import Database
from netweft.engine.model import host_networks as model
from netweft.engine.model.clusters import clusters
from netweft.engine.operations import host_addresses
from netweft.engine.queries.references import Ref as ObjectName
from netweft.engine.reports.adoption import ADDRESS_TWICE, adopt

TAKEN = "NETWORK_ADDRESS_ALREADY_IN_USE"


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(db, tmp_path, 2) as fleet:
        for name, vlan in (("storage", 100), ("other", 200)):
            spec = AddNetwork(name=name, data_center=ObjectName(name="Default"), vlan_id=vlan)
            added = fleet.db.run(add_network, SYSTEM, spec)
            into(fleet, str(added.id))
        yield fleet


def default_cluster(fleet: Fleet) -> str:
    with fleet.db.read() as tx:
        return str(tx.execute(sa.select(clusters.c.id).where(clusters.c.name == "Default")).scalar_one())


def into(fleet: Fleet, network_id: str, cluster_id: str = "") -> None:
    where = cluster_id or default_cluster(fleet)
    spec = AttachNetwork(cluster_id=where, network=ObjectName(id=network_id), required=False)
    fleet.db.run(attach_network, SYSTEM, spec)


def network_id(fleet: Fleet, name: str) -> str:
    return next(key for key, view in fleet.data().networks.items() if view.name == name)


def static(*addresses: str) -> tuple[IpAssignment, ...]:
    return tuple(
        IpAssignment(version=6 if ":" in one else 4, method="static", address=one, prefix=64 if ":" in one else 24)  # type: ignore[arg-type]  # 4 or 6
        for one in addresses
    )


def asks(*addresses: str, network: str = "storage", nic: str = "eth1") -> SetupRequest:
    attachment = AttachmentChange(network=Ref(name=network), nic=Ref(name=nic), assignments=static(*addresses))
    return SetupRequest(attachments=(attachment,))


def owned(fleet: Fleet) -> dict[str, str]:
    """Hosts by their addresses, those of management aside."""
    numbers = {fleet.id(1): "sim-1", fleet.id(2): "sim-2"}
    with fleet.db.read() as tx:
        found = tx.execute(sa.select(model.host_addresses))
        return {row.address: numbers[row.host_id] for row in found if not row.address.startswith("198.18.")}


def refused(fleet: Fleet, request: SetupRequest, number: int) -> str:
    with pytest.raises(ValidationError) as refusal:
        fleet.setup(request, number)
    assert refusal.value.code == TAKEN
    return refusal.value.text


def test_two_setups_at_the_same_time_do_not_both_get_an_address(fleet: Fleet) -> None:
    together = Barrier(2)

    def ask(number: int) -> str | None:
        together.wait()
        try:
            return fleet.setup(asks("10.0.0.5", "2001:db8::5"), number)
        except ValidationError as error:
            return error.code

    with ThreadPoolExecutor(2) as threads:
        answers = set(threads.map(ask, (1, 2)))
    assert TAKEN in answers
    (job,) = answers - {TAKEN}
    fleet.done(job)
    assert len(set(owned(fleet).values())) == 1


def test_an_address_that_somebody_is_about_to_take_is_waited_for(fleet: Fleet) -> None:
    """The other one's transaction is open, so that no rule sees what it writes."""
    with ThreadPoolExecutor(1) as thread:
        with fleet.db.write() as tx:
            row = {"network_id": network_id(fleet, "storage"), "address": "10.0.0.5", "host_id": fleet.id(2)}
            tx.execute(sa.insert(model.host_addresses).values(row))
            asked = thread.submit(refused, fleet, asks("10.0.0.5"), 1)
        assert "Address 10.0.0.5 on network 'storage' is in use by Host sim-2" in asked.result()
    assert fleet.change_states() == ["applied"]


def test_an_address_of_a_change_under_way_is_taken(fleet: Fleet) -> None:
    fleet.simulate(step_seconds=0.2)
    job = fleet.setup(asks("2001:DB8:0::5"))
    assert "in use by Host sim-1" in refused(fleet, asks("2001:db8::5"), 2)
    fleet.simulate()
    fleet.done(job)
    assert "in use by Host sim-1" in refused(fleet, asks("2001:db8::5"), 2)
    fleet.done(fleet.setup(asks("2001:db8::5", network="other", nic="eth2"), 2))
    with fleet.db.read() as tx:
        found = tx.execute(sa.select(model.host_addresses).where(model.host_addresses.c.address == "2001:db8::5"))
        assert {row.network_id: row.host_id for row in found} == {
            network_id(fleet, "storage"): fleet.id(1),
            network_id(fleet, "other"): fleet.id(2),
        }


def test_what_a_host_did_not_take_or_gave_up_is_free(fleet: Fleet) -> None:
    fleet.simulate(refuse={"CreateLink": 1})
    fleet.failed(fleet.setup(asks("10.0.0.5")))
    fleet.simulate()
    assert owned(fleet) == {}
    fleet.done(fleet.setup(asks("10.0.0.5"), 2))
    fleet.done(fleet.setup(asks("10.0.0.6"), 2))
    assert owned(fleet) == {"10.0.0.6": "sim-2"}
    fleet.done(fleet.setup(asks("10.0.0.5")))
    fleet.done(fleet.db.run(remove_attachment, SYSTEM, fleet.id(2), fleet.attachment_id("storage", 2)))
    assert owned(fleet) == {"10.0.0.5": "sim-1"}


def test_a_change_that_fails_leaves_the_host_its_old_address(fleet: Fleet) -> None:
    fleet.done(fleet.setup(asks("10.0.0.5")))
    fleet.simulate(refuse={"CreateLink": 1}, step_seconds=0.2)
    job = fleet.setup(asks("10.0.0.6", nic="eth2"))
    assert owned(fleet) == {"10.0.0.5": "sim-1", "10.0.0.6": "sim-1"}
    fleet.failed(job)
    assert owned(fleet) == {"10.0.0.5": "sim-1"}


def test_an_address_is_kept_while_nobody_knows_whether_the_host_has_it(fleet: Fleet) -> None:
    """The job has ended, and the host was silent: its report says that it took the change back."""
    fleet.restart_worker(silence=0.2)
    fleet.simulate(unreachable=("awaiting_confirmation", "rolling_back", "rolled_back"))
    fleet.failed(fleet.setup(replace(asks("10.0.0.5"), connectivity_timeout=1)))
    assert "in use by Host sim-1" in refused(fleet, asks("10.0.0.5"), 2)
    fleet.simulate()
    fleet.until(lambda: fleet.report().change.phase.is_final)  # type: ignore[union-attr]  # there is one
    fleet.monitor.round(fleet.db)
    assert owned(fleet) == {}
    fleet.done(fleet.setup(asks("10.0.0.5"), 2))


def test_a_network_that_goes_off_hosts_takes_their_addresses_along(fleet: Fleet) -> None:
    fleet.done(fleet.setup(asks("10.0.0.5")))
    fleet.done(fleet.setup(asks("10.1.0.5", network="other", nic="eth2")))
    fleet.db.run(detach_network, SYSTEM, default_cluster(fleet), network_id(fleet, "storage"))
    assert owned(fleet) == {"10.1.0.5": "sim-1"}
    fleet.db.run(remove_network, SYSTEM, network_id(fleet, "other"))
    assert owned(fleet) == {}


def test_a_host_that_goes_leaves_its_addresses(fleet: Fleet) -> None:
    fleet.done(fleet.setup(asks("10.0.0.5")))
    fleet.set_status("maintenance")
    fleet.db.run(remove_host, SYSTEM, fleet.id())
    fleet.done(fleet.setup(asks("10.0.0.5"), 2))


def test_a_network_in_two_clusters_has_an_address_once(fleet: Fleet) -> None:
    """A host that moves there keeps what it has; one that has what a host there has stays."""
    spec = AddCluster(name="south", data_center=ObjectName(name="Default"))
    south = fleet.db.run(add_cluster, SYSTEM, spec)
    into(fleet, network_id(fleet, "storage"), south)
    fleet.done(fleet.setup(asks("10.0.0.5")))
    fleet.set_status("maintenance")
    fleet.db.run(update_host, SYSTEM, UpdateHost(id=fleet.id(), cluster=ObjectName(id=south)))
    assert owned(fleet) == {"10.0.0.5": "sim-1"}
    assert "in use by Host sim-1" in refused(fleet, asks("10.0.0.5"), 2)


def test_a_host_does_not_move_to_where_its_address_is_anothers(fleet: Fleet) -> None:
    """In another data centre the network of the same name is another network."""
    north = fleet.db.run(add_data_center, SYSTEM, AddDataCenter(name="north"))
    cluster = fleet.db.run(add_cluster, SYSTEM, AddCluster(name="there", data_center=ObjectName(id=north)))
    spec = AddNetwork(name="storage", data_center=ObjectName(id=north), vlan_id=100)
    storage = str(fleet.db.run(add_network, SYSTEM, spec).id)
    into(fleet, storage, cluster)
    fleet.done(fleet.setup(asks("10.0.0.5")))
    with fleet.db.write() as tx:
        host = rows.add_host(tx, cluster, "resident")
        tx.execute(sa.insert(model.host_addresses).values(network_id=storage, address="10.0.0.5", host_id=host))
    fleet.set_status("maintenance")
    with pytest.raises(ValidationError, match="in use by Host resident") as refusal:
        fleet.db.run(update_host, SYSTEM, UpdateHost(id=fleet.id(), cluster=ObjectName(id=cluster)))
    assert refusal.value.code == TAKEN
    with fleet.db.write() as tx:
        tx.execute(sa.delete(model.host_addresses).where(model.host_addresses.c.host_id == host))
    fleet.db.run(update_host, SYSTEM, UpdateHost(id=fleet.id(), cluster=ObjectName(id=cluster)))
    with fleet.db.read() as tx:
        here = model.host_addresses.c.address == "10.0.0.5"
        assert tx.scalars(sa.select(model.host_addresses.c.network_id).where(here)).all() == [storage]


def test_a_host_that_comes_with_anothers_address_is_told_of(fleet: Fleet) -> None:
    fleet.done(fleet.setup(asks("10.0.0.5"), 2))
    fleet.done(fleet.setup(asks("10.0.0.6")))
    bridge = fleet.host().bridges["storage"]
    found = fleet.host().with_link(replace(bridge, addresses=(Address(ip="10.0.0.5", prefix=24),)))
    with fleet.db.write() as tx:
        tx.execute(sa.delete(model.attachments).where(model.attachments.c.host_id == fleet.id()))
        adopt(tx, fleet.id(), found)
    assert ADDRESS_TWICE in fleet.codes()
    assert owned(fleet) == {"10.0.0.5": "sim-2"}
    # What was there before does not keep the host from other changes, and is put right by one.
    fleet.done(fleet.setup(asks("10.1.0.5", network="other", nic="eth2")))
    fleet.done(fleet.setup(asks("10.0.0.6")))
    assert owned(fleet) == {"10.0.0.5": "sim-2", "10.1.0.5": "sim-1", "10.0.0.6": "sim-1"}


def test_aligning_again_changes_nothing(fleet: Fleet) -> None:
    fleet.done(fleet.setup(asks("10.0.0.5")))
    before = owned(fleet)
    assert fleet.db.run(host_addresses.align, fleet.id()) == set()
    assert owned(fleet) == before


def test_a_setup_reads_the_attachments_of_its_host_only(fleet: Fleet) -> None:
    """Those of others could not even be read."""
    with fleet.db.write() as tx:
        host = rows.add_host(tx, default_cluster(fleet), "other")
        rows.attach(tx, host, network_id(fleet, "storage"), {"version": "damaged"})
    fleet.done(fleet.setup(asks("10.0.0.5")))
