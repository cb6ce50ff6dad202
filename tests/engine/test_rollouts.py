"""Changes that go out to several hosts: who changes when, what the others keep, and having it back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fleet import Fleet, running_fleet
from netweft.agent.simulated_machine import SimulatedPeer
from netweft.core.errors import DeniedError, ValidationError
from netweft.core.host import Host
from netweft.core.host_request import AttachmentChange, Ref, SetupRequest
from netweft.core.intent import IpAssignment
from netweft.core.rollout import HostState, Status
from netweft.engine.actor import SYSTEM, Actor
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network, detach_network
from netweft.engine.commands.clusters import AddCluster, UpdateCluster, add_cluster, update_cluster
from netweft.engine.commands.hosts import UpdateHost, remove_host, update_host
from netweft.engine.commands.networks import (
    AddNetwork,
    UpdateNetwork,
    add_network,
    label_network,
    remove_network,
    update_network,
)
from netweft.engine.commands.qos import AddQos, add_qos, remove_qos
from netweft.engine.commands.rollouts import halt_rollout, resume_rollout, revert_rollout
from netweft.engine.commands.vms import AddVm, StartVm, add_vm, start_vm
from netweft.engine.commands.vnics import AddVnic, add_vnic
from netweft.engine.db import Database, new_id, utc_now
from netweft.engine.jobs.roll_out import wake
from netweft.engine.model.clusters import clusters
from netweft.engine.model.events import events
from netweft.engine.model.hosts import hosts
from netweft.engine.model.jobs import jobs
from netweft.engine.model.networks import networks
from netweft.engine.model.rollouts import RolloutRow, rollouts
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.operations.rollouts import KEPT, sweep
from netweft.engine.queries import rollouts as queries
from netweft.engine.queries.rollout_peers import lost_peers
from netweft.engine.queries.vms import vnics_of
from netweft.engine.statements import rows
from rows import add_vm as write_vm
from rows import add_vnic as write_vnic
from statements_seen import statements_in

pytestmark = pytest.mark.hosts


def cluster(db: Database) -> str:
    with db.read() as tx:
        return str(tx.scalar(sa.select(clusters.c.id).where(clusters.c.name == "Default")))


def policy(fleet: Fleet, **values: Any) -> None:
    told = {f"rollout_{name}": value for name, value in values.items()}
    fleet.db.run(update_cluster, SYSTEM, UpdateCluster(id=cluster(fleet.db), **told))


def add(fleet: Fleet, name: str, vlan: int) -> str:
    """A network of the cluster; returns its id."""
    spec = AddNetwork(name=name, data_center=Ref(name="Default"), vlan_id=vlan)
    network_id = fleet.db.run(add_network, SYSTEM, spec).id
    attach = AttachNetwork(cluster_id=cluster(fleet.db), network=Ref(id=network_id), required=False)
    fleet.db.run(attach_network, SYSTEM, attach)
    return network_id


def carried_by_all(fleet: Fleet, count: int, name: str = "red", vlan: int = 10) -> str:
    network_id = add(fleet, name, vlan)
    for number in range(1, count + 1):
        fleet.attach(name, "eth1", number)
    return network_id


def set_vlan(fleet: Fleet, network_id: str, vlan: int) -> str:
    """Change it; returns the id of the rollout."""
    fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=network_id, vlan_id=vlan))
    return last(fleet).id


def last(fleet: Fleet) -> RolloutRow:
    with fleet.db.read() as tx:
        return rows(tx, RolloutRow, sa.select(rollouts).order_by(rollouts.c.number.desc()).limit(1))[0]


def one(fleet: Fleet, rollout_id: str) -> RolloutRow:
    with fleet.db.read() as tx:
        return queries.get(tx, rollout_id)


def states(fleet: Fleet, rollout_id: str) -> dict[str, str]:
    """How its hosts stand, in the order in which they change."""
    with fleet.db.read() as tx:
        return {row.host_name: row.state for row in queries.hosts_of(tx, (rollout_id,))}


def ended(fleet: Fleet, rollout_id: str, status: Status) -> RolloutRow:
    """Wait until it stands so and its job has ended."""
    fleet.until(lambda: one(fleet, rollout_id).status == status)
    fleet.idle(f"rollout:{rollout_id}")
    return one(fleet, rollout_id)


def vlans(host: Host) -> set[int]:
    """The VLAN tags that a host uses."""
    return {vlan.tag for vlan in host.vlans.values()}


def vlan_of(fleet: Fleet, network_id: str) -> int | None:
    with fleet.db.read() as tx:
        return tx.scalar(sa.select(networks.c.vlan_id).where(networks.c.id == network_id))


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(db, tmp_path, 4) as fleet:
        yield fleet


@pytest.fixture
def many(request: pytest.FixtureRequest, db: Database, tmp_path: Path) -> Iterator[Fleet]:
    """As many hosts as the test says."""
    with running_fleet(db, tmp_path, request.param) as fleet:
        policy(fleet, wave=5)
        yield fleet


def test_reaches_every_host_in_its_turn(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    policy(fleet, wave=2)
    rollout_id = set_vlan(fleet, network_id, 20)
    ended(fleet, rollout_id, Status.SUCCEEDED)
    assert set(states(fleet, rollout_id).values()) == {HostState.CHANGED}
    assert all(vlans(fleet.host(number)) == {20} for number in range(1, 5))
    with fleet.db.read() as tx:
        waves = [(row.host_name, row.wave, row.canary) for row in queries.hosts_of(tx, (rollout_id,))]
    assert waves == [("sim-1", 0, True), ("sim-2", 1, False), ("sim-3", 1, False), ("sim-4", 2, False)]
    assert 20_194 in fleet.codes()


def test_host_whose_turn_has_not_come_keeps_what_it_has(fleet: Fleet) -> None:
    """A setup does not bring the new VLAN early, and the host is as desired."""
    network_id = carried_by_all(fleet, 4)
    add(fleet, "blue", 30)
    policy(fleet, soak=3600)
    rollout_id = set_vlan(fleet, network_id, 20)
    fleet.until(lambda: states(fleet, rollout_id)["sim-1"] == HostState.WATCHED)
    fleet.attach("blue", "eth2", 3)
    assert vlans(fleet.host(3)) == {10, 30}
    assert fleet.data(3).drift.is_empty
    assert fleet.data(3).is_in_sync(fleet.data(3).intent.attachments[-1])
    assert vlans(fleet.host(1)) == {20}
    policy(fleet, soak=0)
    ended(fleet, rollout_id, Status.SUCCEEDED)
    assert vlans(fleet.host(3)) == {20, 30}


def test_guest_that_starts_meanwhile_is_plugged_in_as_its_host_has_the_network(fleet: Fleet) -> None:
    """Its vNIC is out of sync when the host's turn has come: its MTU changes with the next start."""
    network_id = carried_by_all(fleet, 4)
    policy(fleet, soak=3600)
    rollout_id = fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=network_id, mtu=1400)) or last(fleet).id
    fleet.until(lambda: states(fleet, rollout_id)["sim-1"] == HostState.WATCHED)
    vm_id = machine(fleet, "one", "sim-3")

    def mtu() -> int | None:
        return next(nic.mtu for guest in fleet.report(3).guests for nic in guest.nics)

    def synced() -> bool:
        with fleet.db.read() as tx:
            return bool(vnics_of(tx, (vm_id,))[vm_id][0].synced)

    assert (mtu(), synced()) == (1500, True)
    policy(fleet, soak=0)
    ended(fleet, rollout_id, Status.SUCCEEDED)
    fleet.until(lambda: not synced())


def machine(fleet: Fleet, name: str, host: str) -> str:
    """A machine that runs on a host with a vNIC on red."""
    vm_id = fleet.db.run(add_vm, SYSTEM, AddVm(name=name, cluster=Ref(name="Default")))
    with fleet.db.read() as tx:
        profile = tx.scalar(sa.select(vnic_profiles.c.id).where(vnic_profiles.c.name == "red"))
    fleet.db.run(add_vnic, SYSTEM, AddVnic(vm_id=vm_id, name="nic1", profile_id=profile))
    fleet.done(fleet.db.run(start_vm, SYSTEM, StartVm(id=vm_id, host=Ref(name=host))))
    return vm_id


def where(fleet: Fleet, vm_id: str) -> str:
    """The name of the host that a machine runs on; empty while it is on its way."""
    query = (
        sa.select(hosts.c.name).join(vms, vms.c.host_id == hosts.c.id).where(vms.c.id == vm_id, vms.c.status == "up")
    )
    with fleet.db.read() as tx:
        return str(tx.scalar(query) or "")


def test_guests_that_would_be_cut_off_are_elsewhere_meanwhile(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    machines = [machine(fleet, f"guest{number}", "sim-1") for number in range(3)]
    plan = fleet.plan(update_network, UpdateNetwork(id=network_id, vlan_id=20))
    assert {one.evacuated for one in plan.hosts} == {()}
    policy(fleet, soak=3600, evacuates=True)
    plan = fleet.plan(update_network, UpdateNetwork(id=network_id, vlan_id=20))
    moved = {one.name: one.evacuated for one in plan.hosts}
    assert moved == {"sim-1": ("guest0", "guest1", "guest2"), "sim-2": (), "sim-3": (), "sim-4": ()}
    rollout_id = set_vlan(fleet, network_id, 20)
    fleet.until(lambda: states(fleet, rollout_id)["sim-1"] == HostState.WATCHED)
    assert "sim-1" not in {where(fleet, vm_id) for vm_id in machines}
    policy(fleet, soak=0)
    ended(fleet, rollout_id, Status.SUCCEEDED)
    assert [where(fleet, vm_id) for vm_id in machines] == 3 * ["sim-1"]


def test_host_whose_guests_cannot_leave_is_not_changed(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    vm_id = machine(fleet, "guest", "sim-1")
    for number in (2, 3, 4):
        fleet.set_status("maintenance", number)
    policy(fleet, evacuates=True)
    rollout_id = set_vlan(fleet, network_id, 20)
    row = ended(fleet, rollout_id, Status.HALTED)
    assert "VM guest cannot be moved" in row.error
    assert (where(fleet, vm_id), vlans(fleet.host(1))) == ("sim-1", {10})
    policy(fleet, evacuates=False)
    fleet.db.run(resume_rollout, SYSTEM, rollout_id)
    ended(fleet, rollout_id, Status.SUCCEEDED)


def test_what_is_set_up_meanwhile_has_to_fit_what_is_to_come(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    add(fleet, "blue", 30)
    policy(fleet, soak=3600)
    rollout_id = set_vlan(fleet, network_id, 20)
    green = add(fleet, "green", 40)
    fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=green, vlan_id=20))
    attachment = AttachmentChange(network=Ref(name="green"), nic=Ref(name="eth1"))
    with pytest.raises(ValidationError, match="VLAN"):
        fleet.setup(SetupRequest(attachments=(attachment,)), 3)
    assert states(fleet, rollout_id)["sim-3"] == HostState.WAITING


@pytest.mark.parametrize(("many", "on_failure"), [(50, "keep"), (15, "revert")], indirect=["many"])
def test_twelfth_host_refuses(many: Fleet, on_failure: str) -> None:
    """The engine ends and starts again in the middle; nothing after the twelfth is touched."""
    count = len(many.process.ids)
    network_id = carried_by_all(many, count)
    names = sorted(f"sim-{number}" for number in range(1, count + 1))
    bad = int(names[11].removeprefix("sim-"))
    policy(many, on_failure=on_failure, canaries=1, wave=1)
    many.simulate(bad, refuse={"CreateLink": 100})
    rollout_id = set_vlan(many, network_id, 20)
    many.until(lambda: states(many, rollout_id)[names[5]] != HostState.WAITING)
    many.restart_worker()
    row = ended(many, rollout_id, Status.REVERTED if on_failure == "revert" else Status.HALTED)
    assert f"Host {names[11]}" in row.error
    told = states(many, rollout_id)
    first = HostState.REVERTED if on_failure == "revert" else HostState.CHANGED
    assert [told[name] for name in names[:11]] == 11 * [first]
    assert [told[name] for name in names[12:]] == (count - 12) * [HostState.WAITING]
    desired = 10 if on_failure == "revert" else 20
    for name in names[:11]:
        assert vlans(many.host(int(name.removeprefix("sim-")))) == {desired}
    for name in names[11:]:
        number = int(name.removeprefix("sim-"))
        assert vlans(many.host(number)) == {10}
        assert len(many.change_states(number)) == (2 if number != bad else 4 if on_failure == "revert" else 3)
    assert vlan_of(many, network_id) == desired
    if on_failure == "keep":
        many.simulate(bad)
        many.db.run(resume_rollout, SYSTEM, rollout_id)
        ended(many, rollout_id, Status.SUCCEEDED)
        assert all(vlans(many.host(number)) == {20} for number in range(1, count + 1))


def test_taken_back_by_hand(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    rollout_id = set_vlan(fleet, network_id, 20)
    ended(fleet, rollout_id, Status.SUCCEEDED)
    fleet.db.run(revert_rollout, SYSTEM, rollout_id)
    ended(fleet, rollout_id, Status.REVERTED)
    assert vlan_of(fleet, network_id) == 10
    for number in range(1, 5):
        assert vlans(fleet.host(number)) == {10}
        assert fleet.data(number).drift.is_empty


def test_is_not_taken_back_when_it_was_changed_again(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    rollout_id = set_vlan(fleet, network_id, 20)
    ended(fleet, rollout_id, Status.SUCCEEDED)
    ended(fleet, set_vlan(fleet, network_id, 30), Status.SUCCEEDED)
    with pytest.raises(ValidationError, match="changed again: red"):
        fleet.db.run(revert_rollout, SYSTEM, rollout_id)


def test_halted_and_resumed_by_hand(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    policy(fleet, soak=3600)
    rollout_id = set_vlan(fleet, network_id, 20)
    fleet.until(lambda: states(fleet, rollout_id)["sim-1"] == HostState.WATCHED)
    fleet.db.run(halt_rollout, SYSTEM, rollout_id)
    fleet.idle(f"rollout:{rollout_id}")
    assert list(states(fleet, rollout_id).values()) == [HostState.WATCHED, *3 * [HostState.WAITING]]
    with pytest.raises(ValidationError, match="it is halted"):
        fleet.db.run(halt_rollout, SYSTEM, rollout_id)
    policy(fleet, soak=0)
    fleet.db.run(resume_rollout, SYSTEM, rollout_id)
    ended(fleet, rollout_id, Status.SUCCEEDED)
    with pytest.raises(ValidationError, match="it is succeeded"):
        fleet.db.run(resume_rollout, SYSTEM, rollout_id)


@pytest.mark.parametrize("status", ["maintenance", "non_responsive"])
def test_host_that_cannot_be_asked_counts(fleet: Fleet, status: str) -> None:
    """It is no success while a host is not as desired; it goes on when the host is back."""
    network_id = carried_by_all(fleet, 4)
    fleet.restart_worker(silence=0.2, confirm=0.2)
    fleet.set_status(status, 2)
    fleet.simulate(2, unreachable=("always",))
    rollout_id = set_vlan(fleet, network_id, 20)
    row = ended(fleet, rollout_id, Status.WAITING)
    assert "sim-2" in row.error
    assert list(states(fleet, rollout_id).values())[:3] == 3 * [HostState.CHANGED]
    wake(fleet.db)
    assert one(fleet, rollout_id).status == Status.WAITING
    fleet.agent(2).ask("POST", "/v1/simulation", b"{}")
    fleet.monitor.round(fleet.db)
    fleet.set_status("up", 2)
    wake(fleet.db)
    ended(fleet, rollout_id, Status.SUCCEEDED)
    assert vlans(fleet.host(2)) == {20}


def test_later_change_takes_over_what_has_not_ended(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    policy(fleet, soak=3600)
    first = set_vlan(fleet, network_id, 20)
    fleet.until(lambda: states(fleet, first)["sim-1"] == HostState.WATCHED)
    second = set_vlan(fleet, network_id, 30)
    fleet.until(lambda: states(fleet, second)["sim-1"] == HostState.WATCHED)
    assert one(fleet, first).status == Status.SUPERSEDED
    assert [vlans(fleet.host(number)) for number in range(1, 5)] == [{30}, {10}, {10}, {10}]
    assert all(fleet.data(number).drift.is_empty for number in range(1, 5))
    with pytest.raises(ValidationError, match="replaced the unfinished Rollout"):
        fleet.db.run(revert_rollout, SYSTEM, second)
    policy(fleet, soak=0)
    ended(fleet, second, Status.SUCCEEDED)
    assert all(vlans(fleet.host(number)) == {30} for number in range(1, 5))


@pytest.mark.parametrize("removes", [False, True])
def test_network_goes_from_one_host_after_the_other(fleet: Fleet, removes: bool) -> None:
    network_id = carried_by_all(fleet, 4)
    add(fleet, "blue", 30)
    policy(fleet, soak=3600)
    if removes:
        fleet.db.run(remove_network, SYSTEM, network_id)
    else:
        fleet.db.run(detach_network, SYSTEM, cluster(fleet.db), network_id)
    rollout_id = last(fleet).id
    fleet.until(lambda: states(fleet, rollout_id)["sim-1"] == HostState.WATCHED)
    assert vlans(fleet.host(1)) == set()
    fleet.attach("blue", "eth2", 3)
    assert vlans(fleet.host(3)) == {10, 30}
    assert fleet.data(3).drift.is_empty
    policy(fleet, soak=0)
    ended(fleet, rollout_id, Status.SUCCEEDED)
    assert [vlans(fleet.host(number)) for number in range(1, 5)] == [set(), set(), {30}, set()]
    with pytest.raises(ValidationError, match="detached or removed"):
        fleet.db.run(revert_rollout, SYSTEM, rollout_id)


def test_host_that_is_worse_than_before_halts_it(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    policy(fleet, soak=3600)
    rollout_id = set_vlan(fleet, network_id, 20)
    fleet.until(lambda: states(fleet, rollout_id)["sim-1"] == HostState.WATCHED)
    fleet.set_status("non_responsive", 1)
    row = ended(fleet, rollout_id, Status.HALTED)
    assert "It was up, and is non_responsive after the change." in row.error
    assert list(states(fleet, rollout_id).values()) == [HostState.FAILED, *3 * [HostState.WAITING]]


def test_what_ended_long_ago_is_forgotten(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    ended(fleet, set_vlan(fleet, network_id, 20), Status.SUCCEEDED)
    second = set_vlan(fleet, network_id, 30)
    ended(fleet, second, Status.SUCCEEDED)
    with fleet.db.write() as tx:
        assert sweep(tx) == 0
        old = utc_now() - KEPT - timedelta(days=1)
        tx.execute(sa.update(rollouts).where(rollouts.c.id != second).values(ended_at=old))
        assert sweep(tx) == 1
    assert one(fleet, second).status == Status.SUCCEEDED


def test_host_that_is_removed_is_waited_for_no_more(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    fleet.set_status("non_responsive", 2)
    rollout_id = set_vlan(fleet, network_id, 20)
    ended(fleet, rollout_id, Status.WAITING)
    fleet.db.run(remove_host, SYSTEM, fleet.id(2), force=True)
    wake(fleet.db)
    ended(fleet, rollout_id, Status.SUCCEEDED)


def test_one_host_is_asked_at_once(fleet: Fleet) -> None:
    network_id = add(fleet, "red", 10)
    fleet.attach("red", "eth1", 2)
    fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=network_id, vlan_id=20))
    fleet.until(lambda: vlans(fleet.host(2)) == {20})
    with fleet.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(rollouts)) == 0


def with_peers(fleet: Fleet, *peers: SimulatedPeer) -> str:
    """Four hosts that carry red in VLAN 10 with an address each, and whom they see."""
    network_id = add(fleet, "red", 10)
    for number in range(1, 5):
        fleet.simulate(number, peers=peers)
        own = IpAssignment(method="static", address=f"203.0.113.{number}", prefix=24)
        fleet.attach("red", "eth1", number, assignments=(own,))
    return network_id


def watched_to_the_end(fleet: Fleet, rollout_id: str, status: Status) -> RolloutRow:
    """As :func:`ended`, with an engine that takes in what hosts report meanwhile."""

    def holds() -> bool:
        fleet.monitor.round(fleet.db)
        return one(fleet, rollout_id).status == status

    fleet.until(holds)
    return ended(fleet, rollout_id, status)


@pytest.mark.parametrize("on_failure", ["keep", "revert"])
def test_host_that_loses_a_peer_fails(fleet: Fleet, on_failure: str) -> None:
    network_id = with_peers(
        fleet, SimulatedPeer(address="203.0.113.77", vlan=10), SimulatedPeer(address="203.0.113.78", vlan=20)
    )
    policy(fleet, on_failure=on_failure)
    rollout_id = set_vlan(fleet, network_id, 20)
    status = Status.REVERTED if on_failure == "revert" else Status.HALTED
    row = watched_to_the_end(fleet, rollout_id, status)
    lost = "Host sim-1: It cannot reach 203.0.113.77 (red) any more, which it could before the change."
    assert lost in row.error
    first = HostState.REVERTED if on_failure == "revert" else HostState.FAILED
    assert list(states(fleet, rollout_id).values()) == [first, *3 * [HostState.WAITING]]
    assert vlans(fleet.host(1)) == ({10} if on_failure == "revert" else {20})


def test_hosts_are_waited_for_while_they_ask(fleet: Fleet) -> None:
    """Also those that are no canaries: else the rollout would have succeeded before they know."""
    network_id = with_peers(fleet, SimulatedPeer(address="203.0.113.77", vlan=10))
    for number in range(1, 5):
        fleet.simulate(number, peers=(SimulatedPeer(address="203.0.113.77", vlan=10),), ask_seconds=2)
    policy(fleet, canaries=0, wave=4)
    rollout_id = set_vlan(fleet, network_id, 20)
    watched_to_the_end(fleet, rollout_id, Status.HALTED)
    assert list(states(fleet, rollout_id).values()) == 4 * [HostState.FAILED]


def test_other_hosts_of_a_rollout_and_guests_are_not_missed(fleet: Fleet) -> None:
    """Hosts are in the VLAN that they have until their turn comes: known by a static address, or else by a MAC."""
    network_id = with_peers(
        fleet,
        SimulatedPeer(address="203.0.113.2", vlan=10),
        SimulatedPeer(address="203.0.113.88", vlan=10, mac=fleet.host(3).nics["eth1"].mac),
        SimulatedPeer(address="203.0.113.99", vlan=10, mac="56:6f:00:00:00:01"),
    )
    with fleet.db.write() as tx:
        write_vnic(tx, write_vm(tx, cluster(fleet.db), "guest"), None, "56:6f:00:00:00:01")
    rollout_id = set_vlan(fleet, network_id, 20)
    watched_to_the_end(fleet, rollout_id, Status.SUCCEEDED)


def test_looking_at_peers_costs_the_same_for_one_host_and_for_a_wave(fleet: Fleet) -> None:
    """Even of hosts that have lost some, which are looked for among all hosts of the rollout."""
    network_id = with_peers(fleet, SimulatedPeer(address="203.0.113.77", vlan=10))
    policy(fleet, canaries=0, wave=4)
    rollout_id = set_vlan(fleet, network_id, 20)
    watched_to_the_end(fleet, rollout_id, Status.HALTED)
    with fleet.db.read() as tx:
        members = queries.hosts_of(tx, (rollout_id,))
        costs = []
        for chosen in (members[:1], members):
            with statements_in(tx) as seen:
                found = lost_peers(tx, rollout_id, chosen)
            costs.append(len(seen))
            assert [len(peers or ()) for peers in found.values()] == len(chosen) * [1]
    assert costs == [5, 5]


def test_later_change_of_a_host_does_not_count_for_the_rollout(fleet: Fleet) -> None:
    network_id = with_peers(fleet, SimulatedPeer(address="198.51.100.77", vlan=30))
    blue = add(fleet, "blue", 30)
    own = IpAssignment(method="static", address="198.51.100.1", prefix=24)
    fleet.attach("blue", "eth2", 1, assignments=(own,))
    policy(fleet, soak=3600)
    rollout_id = set_vlan(fleet, network_id, 20)
    fleet.until(lambda: states(fleet, rollout_id)["sim-1"] == HostState.WATCHED)
    fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=blue, vlan_id=40))
    fleet.until(lambda: vlans(fleet.host(1)) == {20, 40})
    fleet.until(lambda: bool((change := fleet.report().change) and change.lost_peers))
    policy(fleet, soak=0)
    watched_to_the_end(fleet, rollout_id, Status.SUCCEEDED)


def test_what_was_changed_besides_stays_when_it_is_taken_back(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    first = set_vlan(fleet, network_id, 20)
    ended(fleet, first, Status.SUCCEEDED)
    fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=network_id, mtu=1400))
    ended(fleet, last(fleet).id, Status.SUCCEEDED)
    fleet.db.run(revert_rollout, SYSTEM, first)
    ended(fleet, first, Status.REVERTED)
    with fleet.db.read() as tx:
        told = sa.select(events.c.changes).where(events.c.network_id == network_id, events.c.changes.is_not(None))
        assert tx.scalar(told.order_by(events.c.id.desc()).limit(1)) == ("vlan 20 became 10",)
        assert queries.get(tx, first).error == f"Its revert was requested by {SYSTEM.name}."
    for number in range(1, 5):
        (vlan,) = fleet.host(number).vlans.values()
        assert (vlan.tag, vlan.mtu) == (10, 1400)
        assert fleet.data(number).drift.is_empty


def test_host_that_got_the_network_since_is_taken_back_with_the_others(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 3)
    rollout_id = set_vlan(fleet, network_id, 20)
    ended(fleet, rollout_id, Status.SUCCEEDED)
    fleet.attach("red", "eth1", 4)
    fleet.db.run(revert_rollout, SYSTEM, rollout_id)
    ended(fleet, rollout_id, Status.REVERTED)
    assert vlans(fleet.host(4)) == {10}
    assert fleet.data(4).drift.is_empty


def test_is_not_taken_back_against_a_rule(fleet: Fleet) -> None:
    """Another network of the NIC has the former VLAN by now."""
    network_id = carried_by_all(fleet, 4)
    rollout_id = set_vlan(fleet, network_id, 20)
    ended(fleet, rollout_id, Status.SUCCEEDED)
    add(fleet, "blue", 10)
    fleet.attach("blue", "eth1", 2)
    with pytest.raises(ValidationError, match="On Host sim-2"):
        fleet.db.run(revert_rollout, SYSTEM, rollout_id)
    assert (one(fleet, rollout_id).status, vlan_of(fleet, network_id)) == (Status.SUCCEEDED, 20)


def test_is_not_taken_back_when_the_former_qos_is_gone(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    with fleet.db.read() as tx:
        center = str(tx.scalar(sa.select(networks.c.data_center_id).where(networks.c.id == network_id)))
    names = ("gold", "iron")
    made = [
        fleet.db.run(
            add_qos,
            SYSTEM,
            AddQos(data_center_id=center, name=name, type="hostnetwork", limits={"outbound_average_linkshare": 50}),
        )
        for name in names
    ]
    fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=network_id, qos_id=made[0]))
    ended(fleet, last(fleet).id, Status.SUCCEEDED)
    fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=network_id, qos_id=made[1]))
    rollout_id = last(fleet).id
    ended(fleet, rollout_id, Status.SUCCEEDED)
    fleet.db.run(remove_qos, SYSTEM, center, made[0])
    with pytest.raises(ValidationError, match="changed again: red"):
        fleet.db.run(revert_rollout, SYSTEM, rollout_id)


def test_silent_canary_halts_it(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    fleet.restart_worker(silence=0.2, confirm=0.2)
    fleet.simulate(1, unreachable=("applying", "awaiting_confirmation", "always"))
    rollout_id = set_vlan(fleet, network_id, 20)
    row = ended(fleet, rollout_id, Status.HALTED)
    assert "sim-1" in row.error
    assert list(states(fleet, rollout_id).values()) == [HostState.FAILED, *3 * [HostState.WAITING]]


def test_change_that_no_host_follows_leaves_a_halted_rollout_halted(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    policy(fleet, soak=3600)
    rollout_id = set_vlan(fleet, network_id, 20)
    fleet.until(lambda: states(fleet, rollout_id)["sim-1"] == HostState.WATCHED)
    fleet.db.run(halt_rollout, SYSTEM, rollout_id)
    fleet.db.run(label_network, SYSTEM, network_id, "rack")
    assert last(fleet).id == rollout_id
    assert one(fleet, rollout_id).status == Status.HALTED


def test_network_that_is_removed_from_hosts_of_two_clusters_goes_from_one_after_the_other(fleet: Fleet) -> None:
    network_id = add(fleet, "red", 10)
    spec = AddCluster(name="Second", data_center=Ref(name="Default"))
    second = fleet.db.run(add_cluster, SYSTEM, spec)
    attach = AttachNetwork(cluster_id=second, network=Ref(id=network_id), required=False)
    fleet.db.run(attach_network, SYSTEM, attach)
    fleet.set_status("maintenance", 2)
    fleet.db.run(update_host, SYSTEM, UpdateHost(id=fleet.id(2), cluster=Ref(name="Second")))
    fleet.until(lambda: "pending" not in fleet.change_states(2))
    fleet.set_status("up", 2)
    for number in (1, 2):
        fleet.attach("red", "eth1", number)
    fleet.db.run(remove_network, SYSTEM, network_id)
    rollout_id = last(fleet).id
    assert set(states(fleet, rollout_id)) == {"sim-1", "sim-2"}
    ended(fleet, rollout_id, Status.SUCCEEDED)
    assert [vlans(fleet.host(number)) for number in (1, 2)] == [set(), set()]


def test_host_that_waits_does_not_move_to_another_cluster(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    policy(fleet, soak=3600)
    set_vlan(fleet, network_id, 20)
    spec = AddCluster(name="Second", data_center=Ref(name="Default"))
    second = fleet.db.run(add_cluster, SYSTEM, spec)
    attach = AttachNetwork(cluster_id=second, network=Ref(id=network_id), required=False)
    fleet.db.run(attach_network, SYSTEM, attach)
    fleet.set_status("maintenance", 3)
    with pytest.raises(ValidationError, match="waits for a change"):
        fleet.db.run(update_host, SYSTEM, UpdateHost(id=fleet.id(3), cluster=Ref(name="Second")))


def test_rollout_that_nobody_works_on_is_gone_on_with(fleet: Fleet) -> None:
    """Its job has ended by what nobody foresaw."""
    network_id = carried_by_all(fleet, 4)
    policy(fleet, soak=3600)
    rollout_id = set_vlan(fleet, network_id, 20)
    fleet.until(lambda: states(fleet, rollout_id)["sim-1"] == HostState.WATCHED)
    fleet.stop_worker()
    with fleet.db.write() as tx:
        tx.execute(sa.update(jobs).where(jobs.c.kind == "roll_out").values(status="failed"))
    policy(fleet, soak=0)
    fleet.start_worker()
    wake(fleet.db)
    ended(fleet, rollout_id, Status.SUCCEEDED)


def test_who_may_not_change_the_network_may_not_take_its_change_back(fleet: Fleet) -> None:
    network_id = carried_by_all(fleet, 4)
    rollout_id = set_vlan(fleet, network_id, 20)
    ended(fleet, rollout_id, Status.SUCCEEDED)
    nobody = Actor(user_id=new_id(), name="ann", correlation_id="")
    for command in (halt_rollout, resume_rollout, revert_rollout):
        with pytest.raises(DeniedError):
            fleet.db.run(command, nobody, rollout_id)
