"""Changes of networks, profiles and QoS reach the vNICs that run with them (on simulated hosts)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fleet import Fleet, running_fleet
from netweft.core.errors import ValidationError
from netweft.core.guest_protocol import GuestNic, Lease, Rate
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.commands.migrations import MigrateVm, migrate_vm
from netweft.engine.commands.networks import AddNetwork, UpdateNetwork, add_network, update_network
from netweft.engine.commands.qos import AddQos, UpdateQos, add_qos, remove_qos, update_qos
from netweft.engine.commands.subnets import AddSubnet, UpdateSubnet, add_subnet, update_subnet
from netweft.engine.commands.vm_states import suspend_vm
from netweft.engine.commands.vms import AddVm, StartVm, add_vm, start_vm, stop_vm
from netweft.engine.commands.vnic_profiles import (
    AddVnicProfile,
    UpdateVnicProfile,
    add_vnic_profile,
    update_vnic_profile,
)
from netweft.engine.commands.vnics import AddVnic, UpdateVnic, add_vnic, plug_vnic, update_vnic
from netweft.engine.db import Database, utc_now
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.jobs import jobs
from netweft.engine.operations import vnic_sync
from netweft.engine.operations.vnic_addresses import AUTO
from netweft.engine.queries import vms as queries
from netweft.engine.queries.references import Ref

pytestmark = pytest.mark.hosts

LIMITS = {f"{way}_{kind}": 10 for way in ("inbound", "outbound") for kind in ("average", "peak", "burst")}


@dataclass
class World:
    """Two simulated hosts that carry ``blue``, on the first of which a machine runs with a vNIC on it."""

    fleet: Fleet
    network: str
    profile: str
    data_center: str
    vm: str = ""
    vnic: str = ""

    def start(self, host: str = "sim-1") -> None:
        self.fleet.done(self.fleet.db.run(start_vm, SYSTEM, StartVm(id=self.vm, host=Ref(name=host))))

    def nic(self, number: int = 1) -> GuestNic:
        """The vNIC as the host has it."""
        (guest,) = self.fleet.agent(number).guests()
        return guest.nics[0]

    def synced(self) -> bool:
        with self.fleet.db.read() as tx:
            return bool(queries.get_vnic(tx, self.vm, self.vnic).synced)

    def replug(self) -> None:
        for plugged in (False, True):
            self.fleet.done(self.fleet.db.run(plug_vnic, SYSTEM, self.vm, self.vnic, plugged=plugged))

    def change_profile(self, **values: Any) -> None:
        self.fleet.db.run(update_vnic_profile, SYSTEM, UpdateVnicProfile(id=self.profile, **values))

    def change_network(self, **values: Any) -> None:
        self.fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=self.network, **values))

    def apply_all(self) -> None:
        """Wait until all jobs have ended."""
        open_jobs = sa.select(sa.func.count()).where(jobs.c.status == "started")

        def idle() -> bool:
            with self.fleet.db.read() as tx:
                return tx.execute(open_jobs).scalar_one() == 0

        self.fleet.until(idle)


@pytest.fixture
def world(db: Database, tmp_path: Path) -> Iterator[World]:
    with running_fleet(db, tmp_path, 2) as fleet:
        network = fleet.db.run(
            add_network, SYSTEM, AddNetwork(name="blue", data_center=Ref(name="Default"), vlan_id=100)
        ).id
        with fleet.db.read() as tx:
            cluster_id = tx.execute(sa.select(clusters.c.id)).scalar_one()
            data_center = tx.execute(sa.select(data_centers.c.id)).scalar_one()
        fleet.db.run(
            attach_network, SYSTEM, AttachNetwork(cluster_id=cluster_id, network=Ref(id=network), required=False)
        )
        for number in (1, 2):
            fleet.attach("blue", "eth1", number)
        profile = fleet.db.run(add_vnic_profile, SYSTEM, AddVnicProfile(name="own", network=Ref(id=network)))
        world = World(fleet, network, profile, data_center)
        world.vm = fleet.db.run(add_vm, SYSTEM, AddVm(name="one", cluster=Ref(name="Default")))
        world.vnic = fleet.db.run(add_vnic, SYSTEM, AddVnic(vm_id=world.vm, name="nic1", profile_id=profile)).vnic_id
        world.start()
        yield world


def test_limits_filters_and_trunks_change_while_the_guest_runs(world: World) -> None:
    fleet = world.fleet
    qos = fleet.db.run(
        add_qos, SYSTEM, AddQos(data_center_id=world.data_center, name="calm", type="network", limits=LIMITS)
    )
    assert (world.nic().inbound, world.nic().filter) == (None, "vdsm-no-mac-spoofing")
    world.change_profile(qos_id=qos, network_filter_id=None)
    world.apply_all()
    assert world.nic().inbound == world.nic().outbound == Rate(average=1250, peak=1250, burst=10000)
    assert world.nic().filter == ""
    assert world.synced()
    spec = UpdateQos(data_center_id=world.data_center, id=qos, limits={"inbound_average": 8})
    fleet.db.run(update_qos, SYSTEM, spec)
    world.apply_all()
    assert world.nic().inbound == Rate(average=1000, peak=1250, burst=10000)
    fleet.db.run(remove_qos, SYSTEM, world.data_center, qos)
    world.apply_all()
    assert (world.nic().inbound, world.synced()) == (None, True)
    assert not {11291, 11292} & set(fleet.codes())


def test_what_needs_another_device_waits_until_it_is_plugged_in_again(world: World) -> None:
    world.change_profile(custom_properties={"queues": "4"}, network_filter_id=None)
    world.apply_all()
    assert (world.nic().queues, world.nic().filter, world.synced()) == (0, "", False)
    assert world.fleet.codes().count(11292) == 1
    world.fleet.monitor.round(world.fleet.db)
    assert not world.synced()
    world.replug()
    assert (world.nic().queues, world.synced()) == (4, True)


def test_a_plug_of_one_vnic_does_not_unplug_another(world: World) -> None:
    world.change_profile(custom_properties={"queues": "4"})
    world.apply_all()
    spec = AddVnic(vm_id=world.vm, name="nic2", profile_id=world.profile)
    world.fleet.done(world.fleet.db.run(add_vnic, SYSTEM, spec).job_id)
    (guest,) = world.fleet.agent(1).guests()
    assert {nic.name: nic.queues for nic in guest.nics} == {"nic1": 0, "nic2": 4}
    with world.fleet.db.read() as tx:
        rows = queries.vnics_of(tx, (world.vm,))[world.vm]
    assert {row.name: row.synced for row in rows} == {"nic1": False, "nic2": True}


def test_another_mtu_counts_from_the_next_start(world: World) -> None:
    world.change_network(mtu=1400)
    assert not world.synced()
    world.apply_all()
    assert (world.nic().mtu, world.synced()) == (1500, False)
    assert 11291 in world.fleet.codes()
    world.fleet.done(world.fleet.db.run(migrate_vm, SYSTEM, MigrateVm(id=world.vm, host=Ref(name="sim-2"))))
    assert (world.nic(2).mtu, world.synced()) == (1500, False)
    world.fleet.done(world.fleet.db.run(suspend_vm, SYSTEM, world.vm))
    world.start("sim-2")
    assert (world.nic(2).mtu, world.synced()) == (1500, False)
    world.fleet.done(world.fleet.db.run(stop_vm, SYSTEM, world.vm))
    assert world.synced()
    world.start()
    assert (world.nic().mtu, world.synced()) == (1400, True)


def test_what_dhcp_tells_follows_while_the_guest_runs(world: World) -> None:
    """A guest is told nothing before its subnet has DHCP, and from then on what the subnet and the vNIC say."""
    db = world.fleet.db
    subnet = db.run(add_subnet, SYSTEM, AddSubnet(network_id=world.network, name="four", cidr="192.0.2.0/24"))
    change = UpdateVnic(vm_id=world.vm, id=world.vnic, addresses=("192.0.2.7",))
    assert db.run(update_vnic, SYSTEM, change).job_id is None, "the host has nothing to do with it"
    assert world.nic().leases == ()
    db.run(update_subnet, SYSTEM, UpdateSubnet(id=subnet, dhcp=True))
    world.apply_all()
    told = Lease(address="192.0.2.7/24", server="192.0.2.1")
    assert (world.nic().leases, world.synced()) == ((told,), True)
    world.fleet.done(db.run(update_vnic, SYSTEM, replace(change, addresses=("192.0.2.8",))).job_id)
    assert world.nic().leases == (replace(told, address="192.0.2.8/24"),)
    db.run(update_subnet, SYSTEM, UpdateSubnet(id=subnet, gateway="192.0.2.254", dns_servers=("192.0.2.53",)))
    world.apply_all()
    after = replace(told, address="192.0.2.8/24", gateway="192.0.2.254", dns_servers=("192.0.2.53",))
    assert world.nic().leases == (after,)
    world.fleet.done(db.run(migrate_vm, SYSTEM, MigrateVm(id=world.vm, host=Ref(name="sim-2"))))
    assert world.nic(2).leases == (after,)
    db.run(update_subnet, SYSTEM, UpdateSubnet(id=subnet, dhcp=False))
    world.apply_all()
    assert (world.nic(2).leases, world.synced()) == ((), True)


def test_who_is_served_by_dhcp_starts_where_that_can_be(world: World) -> None:
    db = world.fleet.db
    world.fleet.done(db.run(stop_vm, SYSTEM, world.vm))
    for number in (1, 2):
        world.fleet.simulate(number, lacks=("dnsmasq",))
    world.fleet.monitor.round(db)
    world.start()
    world.fleet.done(db.run(stop_vm, SYSTEM, world.vm))
    spec = AddSubnet(network_id=world.network, name="four", cidr="192.0.2.0/24", dhcp=True)
    db.run(add_subnet, SYSTEM, spec)
    db.run(update_vnic, SYSTEM, UpdateVnic(vm_id=world.vm, id=world.vnic, addresses=AUTO))
    with pytest.raises(ValidationError, match="Host sim-1 has no dnsmasq"):
        world.start()
    world.fleet.simulate(2)
    world.fleet.monitor.round(db)
    world.start("sim-2")
    assert world.nic(2).leases


def test_a_vlan_below_a_bridge_changes_under_the_guest(world: World) -> None:
    world.fleet.simulate(1, step_seconds=0.02)
    world.change_network(vlan_id=200)
    assert not world.synced()
    world.fleet.monitor.round(world.fleet.db)
    world.apply_all()
    assert world.synced()
    assert 11291 not in world.fleet.codes()


def test_a_vnic_stays_out_of_sync_while_its_host_has_not_followed(world: World) -> None:
    world.fleet.simulate(1, refuse={"CreateLink": 99})
    world.change_network(vlan_id=200)
    world.apply_all()
    world.fleet.monitor.round(world.fleet.db)
    assert not world.synced()


def test_a_host_that_was_away_catches_up(world: World) -> None:
    world.fleet.simulate(1, unreachable=("always",))
    world.fleet.restart_worker(report=0.1)
    world.change_profile(network_filter_id=None)
    world.apply_all()
    assert not world.synced()
    world.fleet.simulate(1)
    world.fleet.monitor.round(world.fleet.db)
    world.apply_all()
    assert not world.synced(), "it was tried a moment ago"
    with world.fleet.db.write() as tx:  # as if that had been longer ago
        tx.execute(sa.update(jobs).values(start_time=utc_now() - 2 * vnic_sync._AGAIN))
    world.fleet.monitor.round(world.fleet.db)
    world.apply_all()
    assert (world.synced(), world.nic().filter) == (True, "")


def test_a_guest_that_ended_meanwhile_needs_nothing(world: World) -> None:
    world.fleet.stop_worker()
    world.change_profile(network_filter_id=None)
    world.fleet.simulate(1, end_guests=(world.vm,))
    world.fleet.monitor.round(world.fleet.db)
    world.fleet.start_worker()
    world.apply_all()
    assert 11292 not in world.fleet.codes()
