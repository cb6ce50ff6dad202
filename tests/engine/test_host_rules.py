"""Hosts keep to the rules of setting up when what they depend on changes, changes under way and others at once
included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, get_ident

import pytest
import sqlalchemy as sa

import rows
from fleet import Fleet, running_fleet
from netweft.core.errors import BusyError, ValidationError
from netweft.core.host import MEGABIT
from netweft.core.host_request import AttachmentChange, Ref, SetupRequest
from netweft.core.intent import AttachmentIntent
from netweft.core.roles import Role
from netweft.core.rules.host_consistency import violations
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.cluster_networks import (
    AttachNetwork,
    UpdateClusterNetwork,
    attach_network,
    update_cluster_network,
)
from netweft.engine.commands.networks import AddNetwork, UpdateNetwork, add_network, update_network
from netweft.engine.commands.qos import AddQos, add_qos
from netweft.engine.db import Database
from netweft.engine.model.clusters import clusters
from netweft.engine.model.networks import networks
from netweft.engine.queries import host_networks as queries
from netweft.engine.queries.networks import concerned
from netweft.engine.queries.references import Ref as ObjectName
from statements_seen import statements_seen

TWICE = "NETWORK_VLAN_ALREADY_ON_NIC"


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(db, tmp_path) as fleet:
        for name, vlan in (("red", 10), ("blue", 20), ("plain", None), ("store", 30)):
            spec = AddNetwork(name=name, data_center=ObjectName(name="Default"), vlan_id=vlan)
            added = str(fleet.db.run(add_network, SYSTEM, spec).id)
            cluster_id, _ = places(fleet)
            attached = AttachNetwork(cluster_id=cluster_id, network=ObjectName(id=added), required=False)
            fleet.db.run(attach_network, SYSTEM, attached)
        yield fleet


def places(fleet: Fleet) -> tuple[str, str]:
    """The cluster and the data centre."""
    with fleet.db.read() as tx:
        row = tx.execute(sa.select(clusters.c.id, clusters.c.data_center_id)).one()
    return str(row.id), str(row.data_center_id)


def id_of(fleet: Fleet, name: str) -> str:
    return next(key for key, view in fleet.data().networks.items() if view.name == name)


def change(fleet: Fleet, network: str, **values: object) -> None:
    spec = UpdateNetwork(id=id_of(fleet, network), **values)  # type: ignore[arg-type]  # of the right types
    fleet.db.run(update_network, SYSTEM, spec)


def later(fleet: Fleet, network: str, nic: str) -> str | None:
    """Ask for a network on a NIC and do not wait."""
    return fleet.setup(SetupRequest(attachments=(AttachmentChange(network=Ref(name=network), nic=Ref(name=nic)),)))


def idle(fleet: Fleet) -> None:
    fleet.until(lambda: "pending" not in fleet.change_states())


def test_a_network_does_not_get_the_vlan_of_one_that_is_under_way(fleet: Fleet) -> None:
    fleet.attach("red", "eth1")
    fleet.simulate(step_seconds=0.2)
    job = later(fleet, "blue", "eth1")
    for name, vlan in (("red", 20), ("blue", 10)):
        with pytest.raises(
            ValidationError, match=r"On Host sim-1: VLAN .* would be on 'eth1' more than once"
        ) as refusal:
            change(fleet, name, vlan_id=vlan)
        assert refusal.value.code == TWICE
    with pytest.raises(ValidationError, match="cannot be renamed while hosts carry it: sim-1"):
        change(fleet, "blue", name="azure")
    spec = UpdateClusterNetwork(
        cluster_id=places(fleet)[0], network_id=id_of(fleet, "blue"), roles=frozenset({Role.DISPLAY})
    )
    with pytest.raises(ValidationError, match="On Host sim-1: Network 'blue' has the role display"):
        fleet.db.run(update_cluster_network, SYSTEM, spec)
    fleet.simulate()
    fleet.done(job)


def test_what_is_coming_to_a_nic_has_to_go_with_what_is_there(fleet: Fleet) -> None:
    """A host keeps what it has, but nothing is kept of what it has not yet."""
    fleet.attach("plain", "eth1")
    fleet.simulate(step_seconds=0.2)
    job = later(fleet, "red", "eth1")
    with pytest.raises(ValidationError, match="On Host sim-1: Networks on 'eth1' have different MTUs"):
        change(fleet, "red", mtu=9000)
    fleet.simulate()
    fleet.done(job)
    idle(fleet)
    change(fleet, "red", mtu=9000)
    idle(fleet)
    assert {fleet.host().bridges[name].mtu for name in ("plain", "red")} == {1500}
    assert fleet.codes().count(10904) == 1


def test_a_change_of_a_network_reaches_the_host_that_is_being_given_it(fleet: Fleet) -> None:
    fleet.simulate(step_seconds=0.2)
    job = later(fleet, "blue", "eth1")
    change(fleet, "blue", vlan_id=21)
    fleet.simulate()
    fleet.done(job)
    idle(fleet)
    assert {vlan.tag for vlan in fleet.host().vlans.values()} == {21}


def test_a_setup_and_a_change_of_a_network_at_the_same_time(fleet: Fleet) -> None:
    """One of them sees the other: VLAN 10 never comes onto the NIC twice."""
    fleet.attach("red", "eth1")
    together = Barrier(2)

    def at_once(request: Callable[[], object]) -> bool:
        together.wait()
        try:
            request()
        except (ValidationError, BusyError):
            return False
        return True

    requests = (lambda: later(fleet, "blue", "eth1"), lambda: change(fleet, "blue", vlan_id=10))
    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(at_once, requests)) <= 1
    idle(fleet)
    tags = [vlan.tag for vlan in fleet.host().vlans.values()]
    assert len(tags) == len(set(tags))
    data = fleet.data()
    desired = [data.networks[one.network_id].intent.vlan for one in data.intent.attachments if one.nic == "eth1"]
    assert len(desired) == len(set(desired))


def test_networks_of_a_nic_change_their_mtu_one_by_one(fleet: Fleet) -> None:
    """Below an untagged network all have the same: the host changes with the last one, and other changes of it do not
    wait for that.
    """
    fleet.attach("plain", "eth1")
    fleet.attach("red", "eth1")
    for mtu in (8000, 9000):
        change(fleet, "red", mtu=mtu)
        idle(fleet)
    assert fleet.codes().count(10904) == 2
    assert {fleet.host().bridges[name].mtu for name in ("plain", "red")} == {1500}
    fleet.attach("store", "eth2")
    assert {fleet.host().bridges[name].mtu for name in ("plain", "red")} == {1500}
    assert [one.name for one in fleet.data().compare(of(fleet, "red")) if not one.in_sync] == ["mtu"]
    with pytest.raises(ValidationError, match="different MTUs"):
        fleet.setup(SetupRequest(synchronized=(fleet.attachment_id("red"),)))
    change(fleet, "plain", mtu=9000)
    idle(fleet)
    assert {fleet.host().bridges[name].mtu for name in ("plain", "red")} == {9000}
    assert fleet.data().differences() == {}


def of(fleet: Fleet, network: str) -> AttachmentIntent:
    attachment_id = fleet.attachment_id(network)
    return next(one for one in fleet.data().intent.attachments if one.id == attachment_id)


def test_networks_of_a_nic_get_their_qos_one_by_one(fleet: Fleet) -> None:
    limits = {"outbound_average_linkshare": 50, "outbound_average_upperlimit": 100}
    spec = AddQos(data_center_id=places(fleet)[1], name="gold", type="hostnetwork", limits=limits)
    qos = fleet.db.run(add_qos, SYSTEM, spec)
    fleet.attach("blue", "eth1")
    fleet.attach("red", "eth1")
    change(fleet, "red", qos_id=qos)
    idle(fleet)
    assert fleet.host().nics["eth1"].shaping == ()
    fleet.attach("store", "eth2")
    assert fleet.host().nics["eth1"].shaping == ()
    change(fleet, "blue", qos_id=qos)
    idle(fleet)
    assert {one.upper_limit for one in fleet.host().nics["eth1"].shaping if one.tag} == {100 * MEGABIT}


def test_what_was_wrong_before_stops_no_other_request(fleet: Fleet) -> None:
    with fleet.db.write() as tx:
        for name in ("red", "blue"):
            rows.attach(tx, fleet.id(), id_of(fleet, name), nic="eth3")
        tx.execute(sa.update(networks).where(networks.c.name == "red").values(vlan_id=20))
    change(fleet, "blue", mtu=1400)
    change(fleet, "blue", vlan_id=21)
    with pytest.raises(ValidationError, match="VLAN 20 would be on 'eth3' more than once") as refusal:
        change(fleet, "blue", vlan_id=20)
    assert refusal.value.code == TWICE


def test_hosts_are_checked_with_a_constant_number_of_statements(fleet: Fleet) -> None:
    def statements() -> int:
        """That judging the hosts takes, of a network that so many carry."""
        with statements_seen(get_ident()) as seen, fleet.db.read() as tx:
            for view in queries.wanted(tx, concerned(tx, [red])):
                assert set(violations(view)) <= {("management_is_attached", "")}
        return len(seen)

    red, (cluster_id, _) = id_of(fleet, "red"), places(fleet)
    fleet.attach("red", "eth1")
    alone = statements()
    with fleet.db.write() as tx:
        for number in range(20):
            rows.attach(tx, rows.add_host(tx, cluster_id, f"h{number}"), red)
    assert statements() == alone
    assert 6 <= alone <= 10
