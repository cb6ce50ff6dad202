"""Guests on networks of a fabric: where they start, what they get, where they move."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import memory_fabric
from databases import ON_POSTGRESQL
from fleet import Fleet, running_fleet
from memory_fabric import PASSWORD
from netweft.core.errors import NetweftError, ValidationError
from netweft.core.guest_protocol import GuestNic
from netweft.core.host import Nic, NicFacts
from netweft.core.host_request import SetupRequest
from netweft.core.interface_cards import NO_MAC, VENDOR
from netweft.core.keep import KEEP
from netweft.core.network_filters import DEFAULT_FILTER
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.commands.hosts import refresh_host
from netweft.engine.commands.migrations import MigrateVm, migrate_vm
from netweft.engine.commands.networks import AddNetwork, UpdateNetwork, add_network, update_network
from netweft.engine.commands.port_profiles import (
    AddPortProfile,
    UpdatePortProfile,
    add_port_profile,
    remove_port_profile,
    update_port_profile,
)
from netweft.engine.commands.providers import insert_provider
from netweft.engine.commands.vm_states import suspend_vm
from netweft.engine.commands.vms import AddVm, StartVm, add_vm, start_vm, stop_vm
from netweft.engine.commands.vnic_profiles import UpdateVnicProfile, update_vnic_profile
from netweft.engine.commands.vnics import AddVnic, UpdateVnic, add_vnic, plug_vnic, remove_vnic, update_vnic
from netweft.engine.db import Database, new_id
from netweft.engine.jobs.provider_watch import ProviderMonitor
from netweft.engine.model.clusters import clusters
from netweft.engine.model.events import events
from netweft.engine.model.functions import vnic_functions
from netweft.engine.model.networks import networks
from netweft.engine.model.provider_objects import provider_objects
from netweft.engine.model.providers import CONFIGURATION, ProviderRow
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.operations import provider_objects as objects
from netweft.engine.operations.provider_networks import reconcile
from netweft.engine.queries import vms as vm_queries
from netweft.engine.queries.references import Ref
from netweft.engine.queue import busy_with
from netweft.providers.configuration import Server
from netweft.providers.contract import RefusedError

pytestmark = pytest.mark.hosts

URL = "https://guests.example"
CARDS, PLAIN = (1, 2), 3


class Blades:
    """Hosts of which some have a card with so many dynamic vNICs each; the networks are in the fabric."""

    type = "memory"

    def __init__(
        self, fleet: Fleet, cards: Sequence[int] = CARDS, dynamic: int = 2, names: Sequence[str] = ("red",)
    ) -> None:
        self.fleet, self.db, self.cards, self.dynamic = fleet, fleet.db, cards, dynamic
        memory_fabric.forget(URL)
        self.there = memory_fabric.fabric(URL)
        for number in cards:
            self.insert_card(number)
        self.there.servers = [Server(uuid=self.known_as(number), name="") for number in cards]
        self.provider_id = new_id()
        password = fleet.box.encrypt(PASSWORD)
        values = {"username": "netweft", "password": password, "purpose": CONFIGURATION}
        row = ProviderRow(id=self.provider_id, name="ucs", type=self.type, url=URL, **values)
        self.db.run(insert_provider, SYSTEM, row)
        self.network_id, *_ = [self.network(name, 100 + number) for number, name in enumerate(names)]
        self.wait()
        self.ask()

    def ask(self) -> None:
        """The engine asks the fabric how it is, as it does now and then."""
        provider_monitor = ProviderMonitor(self.fleet.outside.providers, every=0)
        provider_monitor.round(self.db)
        provider_monitor.close()

    def known_as(self, number: int) -> str:
        """By what the fabric knows a host."""
        return self.fleet.report(number).capabilities.uuid

    def network(self, name: str, vlan_id: int) -> str:
        spec = AddNetwork(name=name, data_center=Ref(name="Default"), vlan_id=vlan_id)
        network_id = str(self.db.run(add_network, SYSTEM, spec).id)
        desired = AddPortProfile(network_id=network_id, provider=Ref(id=self.provider_id))
        self.db.run(add_port_profile, SYSTEM, desired)
        with self.db.write() as tx:
            cluster = str(tx.scalar(sa.select(clusters.c.id).where(clusters.c.name == "Default")))
            tx.execute(sa.update(vnic_profiles).values(network_filter_id=None))
        attach = AttachNetwork(cluster_id=cluster, network=Ref(id=network_id), required=False)
        self.db.run(attach_network, SYSTEM, attach)
        return network_id

    def insert_card(self, number: int) -> None:
        host = self.fleet.host(number)
        for dynamic in range(1, self.dynamic + 1):
            facts = NicFacts(vendor=VENDOR, device="0x0044", pci_address=f"0000:81:00.{dynamic}")
            host = host.with_link(Nic(name=f"dyn{dynamic}", mac=NO_MAC, facts=facts))
        self.fleet.simulate(number, host=host)
        self.refresh(number)

    def take_away(self, name: str, number: int = 1) -> None:
        """A NIC of a host goes, and the engine has not seen it yet."""
        host = self.fleet.host(number)
        nics = {nic.name: nic for nic in host.nics.values() if nic.name != name}
        self.fleet.simulate(number, host=replace(host, nics=nics))

    def refresh(self, number: int) -> None:
        self.fleet.done(self.db.run(refresh_host, SYSTEM, self.fleet.id(number)))

    def wait(self) -> None:
        self.fleet.until(lambda: not self.db.run(busy_with, f"provider:{self.provider_id}"))

    def profile(self, network: str = "red") -> str:
        with self.db.read() as tx:
            query = sa.select(vnic_profiles.c.id).join(networks, networks.c.id == vnic_profiles.c.network_id)
            return str(tx.scalar(query.where(networks.c.name == network)))

    def vm(self, name: str, nics: int = 1, network: str = "red") -> str:
        vm_id = self.db.run(add_vm, SYSTEM, AddVm(name=name, cluster=Ref(name="Default")))
        for number in range(nics):
            vnic = AddVnic(vm_id=vm_id, name=f"nic{number}", profile_id=self.profile(network))
            self.db.run(add_vnic, SYSTEM, vnic)
        return str(vm_id)

    def start(self, vm_id: str, number: int = 0) -> None:
        host = Ref(name=f"sim-{number}") if number else None
        self.fleet.done(self.db.run(start_vm, SYSTEM, StartVm(id=vm_id, host=host)))

    def stop(self, vm_id: str, number: int) -> None:
        self.fleet.done(self.db.run(stop_vm, SYSTEM, vm_id))
        self.refresh(number)

    def migrate(self, vm_id: str, number: int) -> None:
        self.fleet.done(self.db.run(migrate_vm, SYSTEM, MigrateVm(id=vm_id, host=Ref(name=f"sim-{number}"))))

    def nics(self, vm_id: str, number: int) -> tuple[GuestNic, ...]:
        found = [guest for guest in self.fleet.report(number).guests if guest.id == vm_id and guest.status == "up"]
        return found[0].nics if found else ()

    def start_at_once(self, machines: Sequence[str]) -> list[str]:
        """Start machines by eight clients; why each was refused, in their order, empty for one that runs."""

        def start(vm_id: str) -> str:
            try:
                self.start(vm_id)
            except NetweftError as error:
                return str(error)
            return ""

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(start, machines))

    def assigned(self) -> list[tuple[str, str]]:
        """The dynamic vNICs that guests have, by the host's id."""
        return [
            (self.fleet.id(number), nic.function)
            for number in self.cards
            for guest in self.fleet.report(number).guests
            for nic in guest.nics
        ]

    def all_there_are(self) -> set[tuple[str, str]]:
        addresses = [f"0000:81:00.{dynamic}" for dynamic in range(1, self.dynamic + 1)]
        return {(self.fleet.id(number), address) for number in self.cards for address in addresses}

    def promised(self) -> set[tuple[str, str]]:
        with self.db.read() as tx:
            return {(row.host_id, row.function) for row in tx.execute(sa.select(vnic_functions))}


class InfinibandHosts(Blades):
    """Hosts with an adapter of InfiniBand; the fabric is told which ports are on a partition."""

    type = "ufm"

    def insert_card(self, number: int) -> None:
        self.there.is_told = True
        self.fleet.simulate(number, infiniband=self.dynamic)
        self.refresh(number)

    def known_as(self, number: int) -> str:
        (card,) = self.fleet.report(number).capabilities.interface_cards
        return card.guid

    def members(self) -> set[str]:
        """The ports that the fabric has on network red, once it has applied the desired state."""
        self.wait()
        return {guid for one in self.there.profiles.values() for guid in one.members}


@pytest.fixture
def blades(db: Database, tmp_path: Path) -> Iterator[Blades]:
    """Two of three hosts have a card; on the third the network is set up."""
    with running_fleet(db, tmp_path, 3) as fleet:
        blades = Blades(fleet)
        fleet.attach("red", "eth1", number=PLAIN)
        yield blades


def test_a_guest_gets_a_dynamic_vnic_by_the_port_profile_and_gives_it_back(blades: Blades) -> None:
    vm_id = blades.vm("one")
    blades.start(vm_id, 1)
    (nic,) = blades.nics(vm_id, 1)
    assert (nic.function, nic.bridge, nic.tag) == ("0000:81:00.1", "dyn1", None)
    assert nic.profile == f"nw-{blades.network_id[:8]}"
    assert blades.fleet.host().nics["dyn1"].mac == nic.mac
    blades.stop(vm_id, 1)
    assert blades.fleet.host().nics["dyn1"].mac == NO_MAC
    assert blades.promised() == set()
    high = UpdatePortProfile(network_id=blades.network_id, provider_id=blades.provider_id, high_performance=True)
    blades.db.run(update_port_profile, SYSTEM, high)
    blades.wait()
    blades.start(vm_id, 1)
    (nic,) = blades.nics(vm_id, 1)
    assert (nic.function, nic.bridge) == ("0000:81:00.1", "")
    with pytest.raises(ValidationError, match="drives these dynamic vNICs directly"):
        blades.migrate(vm_id, 2)


def test_a_host_whose_user_set_the_network_up_has_it_natively(blades: Blades) -> None:
    blades.fleet.attach("red", "eth1")
    vm_id = blades.vm("one")
    blades.start(vm_id, 1)
    (nic,) = blades.nics(vm_id, 1)
    assert (nic.function, nic.profile, nic.bridge) == ("", "", "red")


def test_a_refusal_says_how_many_are_free(blades: Blades) -> None:
    blades.start(blades.vm("one"), 1)
    with pytest.raises(
        ValidationError, match="sim-1 has 1 free dynamic vNICs for the 2 vNICs on networks of its fabric"
    ):
        blades.start(blades.vm("two", nics=2), 1)
    blades.start(blades.vm("three"), 1)
    with pytest.raises(ValidationError, match="sim-1 has 0 free dynamic vNICs for the 1 vNICs"):
        blades.start(blades.vm("four"), 1)


def test_no_dynamic_vnic_is_taken_twice(blades: Blades) -> None:
    """Eight at once for four; they do not fit on the host that has the network natively, as it is in maintenance."""
    machines = [blades.vm(f"vm{number}") for number in range(8)]
    with blades.db.write() as tx:
        tx.execute(sa.text("UPDATE hosts SET status = 'maintenance' WHERE name = 'sim-3'"))

    told = blades.start_at_once(machines)
    assert len([one for one in told if not one]) == 4
    assert all("has 0 free dynamic vNICs for the 1 vNICs" in one for one in told if one)
    assert len(blades.assigned()) == 4
    assert blades.promised() == blades.all_there_are()


@ON_POSTGRESQL
def test_a_hundred_guests_start_at_once_and_every_refusal_says_why(db: Database, tmp_path: Path) -> None:
    """On twenty hosts, half of which have a card with six dynamic vNICs; a guest has one, each fifth guest two."""
    with running_fleet(db, tmp_path, 20) as fleet:
        names = ("red", "blue", "green", "black")
        blades = Blades(fleet, cards=range(1, 11), dynamic=6, names=names)
        desired = [1 if number % 5 else 2 for number in range(100)]
        machines = [blades.vm(f"vm{n}", nics=nics, network=names[n % 4]) for n, nics in enumerate(desired)]
        told = blades.start_at_once(machines)
        for number, (reason, nics) in enumerate(zip(told, desired, strict=True)):
            for host in range(1, 21) if reason else ():
                free = rf"sim-{host} has \d free dynamic vNICs for the {nics} vNICs on networks of its fabric\."
                missing = rf"sim-{host} does not have these networks: {names[number % 4]}\."
                assert re.search(free if host in blades.cards else missing, reason), reason
        assert sum(nics for reason, nics in zip(told, desired, strict=True) if not reason) == 60
        assert sorted(blades.assigned()) == sorted(blades.all_there_are())
        assert blades.promised() == blades.all_there_are()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"port_mirroring": True}, "nic0 has port mirroring"),
        ({"network_filter_id": DEFAULT_FILTER}, "nic0 has a network filter"),
    ],
)
def test_what_a_dynamic_vnic_cannot_have_is_refused(blades: Blades, change: dict[str, Any], words: str) -> None:
    profile = blades.profile()
    with blades.db.write() as tx:
        tx.execute(sa.update(vnic_profiles).where(vnic_profiles.c.id == profile).values(change))
    with pytest.raises(ValidationError, match=words):
        blades.start(blades.vm("one"), 1)


@pytest.mark.parametrize(("source", "target", "allowed"), [(1, 2, True), (1, 3, False), (3, 1, False), (3, 3, None)])
def test_a_guest_moves_where_its_network_is_implemented_alike(
    blades: Blades, source: int, target: int, allowed: bool | None
) -> None:
    if allowed is None:  # a second host that has it natively
        target = 1
        blades.fleet.attach("red", "eth1")
    vm_id = blades.vm("one")
    blades.start(vm_id, source)
    if allowed is False:
        with pytest.raises(ValidationError, match=r"implements these networks differently: red \("):
            blades.migrate(vm_id, target)
        assert blades.nics(vm_id, source)
        return
    blades.migrate(vm_id, target)
    assert not blades.nics(vm_id, source)
    (nic,) = blades.nics(vm_id, target)
    assert bool(nic.profile) is bool(allowed)
    assert blades.promised() == ({(blades.fleet.id(2), "0000:81:00.1")} if allowed else set())


def test_what_is_plugged_in_stays_until_it_is_unplugged(blades: Blades) -> None:
    vm_id = blades.vm("one")
    blades.start(vm_id, 1)
    (nic,) = blades.nics(vm_id, 1)
    with pytest.raises(ValidationError, match="Unplug it, change it, and plug it in"):
        blades.db.run(update_vnic, SYSTEM, UpdateVnic(vm_id=vm_id, id=nic.id, linked=False))
    blades.fleet.done(blades.db.run(plug_vnic, SYSTEM, vm_id, nic.id, plugged=False))
    assert blades.nics(vm_id, 1) == ()
    assert blades.promised() == set()


def test_a_vnic_is_plugged_into_a_running_guest_by_a_dynamic_vnic(blades: Blades) -> None:
    vm_id = blades.vm("one")
    blades.start(vm_id, 1)
    added = blades.db.run(add_vnic, SYSTEM, AddVnic(vm_id=vm_id, name="nic1", profile_id=blades.profile()))
    blades.fleet.done(added.job_id)
    assert [nic.function for nic in blades.nics(vm_id, 1)] == ["0000:81:00.1", "0000:81:00.2"]
    with pytest.raises(ValidationError, match="sim-1, where the VM runs, has 0 free dynamic vNICs for vNIC 'third'"):
        blades.db.run(add_vnic, SYSTEM, AddVnic(vm_id=vm_id, name="third", profile_id=blades.profile()))
    blades.fleet.done(blades.db.run(plug_vnic, SYSTEM, vm_id, added.vnic_id, plugged=False))
    assert [nic.function for nic in blades.nics(vm_id, 1)] == ["0000:81:00.1"]
    assert len(blades.promised()) == 1
    blades.fleet.done(blades.db.run(plug_vnic, SYSTEM, vm_id, added.vnic_id, plugged=True))
    plugged_out = UpdateVnic(vm_id=vm_id, id=added.vnic_id, plugged=False)
    blades.fleet.done(blades.db.run(update_vnic, SYSTEM, plugged_out).job_id)
    blades.fleet.done(blades.db.run(update_vnic, SYSTEM, replace(plugged_out, plugged=True)).job_id)
    assert [nic.function for nic in blades.nics(vm_id, 1)] == ["0000:81:00.1", "0000:81:00.2"]


def test_what_a_dynamic_vnic_cannot_have_is_refused_while_the_guest_runs(blades: Blades) -> None:
    vm_id = blades.vm("one", nics=0)
    blades.start(vm_id, 1)
    blades.db.run(update_vnic_profile, SYSTEM, UpdateVnicProfile(id=blades.profile(), port_mirroring=True))
    with pytest.raises(
        ValidationError, match="only through its fabric, which does not support this: it has port mirroring"
    ):
        blades.db.run(add_vnic, SYSTEM, AddVnic(vm_id=vm_id, name="nic1", profile_id=blades.profile()))
    blades.db.run(update_vnic_profile, SYSTEM, UpdateVnicProfile(id=blades.profile(), port_mirroring=False))
    high = UpdatePortProfile(network_id=blades.network_id, provider_id=blades.provider_id, high_performance=True)
    blades.db.run(update_port_profile, SYSTEM, high)
    blades.wait()
    unlinked = AddVnic(vm_id=vm_id, name="nic1", profile_id=blades.profile(), linked=False)
    with pytest.raises(ValidationError, match="it has no link, and would be driven by the VM itself"):
        blades.db.run(add_vnic, SYSTEM, unlinked)
    assert blades.promised() == set()


def test_a_vnic_that_the_host_refuses_gives_its_dynamic_vnic_back(blades: Blades) -> None:
    vm_id = blades.vm("one")
    blades.start(vm_id, 1)
    blades.take_away("dyn2")
    added = blades.db.run(add_vnic, SYSTEM, AddVnic(vm_id=vm_id, name="nic1", profile_id=blades.profile()))
    assert "0000:81:00.2" in blades.fleet.failed(added.job_id).error
    assert [nic.function for nic in blades.nics(vm_id, 1)] == ["0000:81:00.1"]
    assert len(blades.promised()) == 1


def test_a_suspended_guest_goes_on_with_what_it_was_promised(blades: Blades) -> None:
    vm_id = blades.vm("one")
    blades.start(vm_id, 1)
    blades.fleet.done(blades.db.run(suspend_vm, SYSTEM, vm_id))
    blades.refresh(1)
    other = blades.vm("two")
    blades.start(other, 1)
    with pytest.raises(ValidationError, match="sim-1 has 0 free dynamic vNICs"):
        blades.start(blades.vm("three"), 1)
    blades.start(vm_id)
    assert len(blades.nics(vm_id, 1)) == 1
    assert len(blades.assigned()) == len(blades.promised()) == 2
    blades.refresh(1)
    with blades.db.read() as tx:
        assert all(row.synced for row in vm_queries.vnics_of(tx, (vm_id,))[vm_id])


def test_a_vnic_that_is_plugged_in_again_at_once_keeps_its_dynamic_vnic(blades: Blades) -> None:
    vm_id = blades.vm("one")
    blades.start(vm_id, 1)
    (nic,) = blades.nics(vm_id, 1)
    blades.fleet.stop_worker()
    out = blades.db.run(plug_vnic, SYSTEM, vm_id, nic.id, plugged=False)
    back = blades.db.run(update_vnic, SYSTEM, UpdateVnic(vm_id=vm_id, id=nic.id, plugged=True)).job_id
    blades.fleet.start_worker()
    for job in (out, back):
        blades.fleet.done(job)
    assert [one.function for one in blades.nics(vm_id, 1)] == [nic.function]
    assert len(blades.promised()) == 1


def test_a_guest_that_drives_its_dynamic_vnic_by_itself_is_not_suspended(blades: Blades) -> None:
    high = UpdatePortProfile(network_id=blades.network_id, provider_id=blades.provider_id, high_performance=True)
    blades.db.run(update_port_profile, SYSTEM, high)
    blades.wait()
    vm_id = blades.vm("one")
    blades.start(vm_id, 1)
    blades.refresh(1)
    with pytest.raises(ValidationError, match="which cannot be saved: nic0"):
        blades.db.run(suspend_vm, SYSTEM, vm_id)


def test_what_is_set_up_beside_a_running_guest_is_nothing_to_it(blades: Blades) -> None:
    """It has the network by its dynamic vNIC yet, moves as such, and does not keep anybody from taking it off again."""
    vm_id = blades.vm("one")
    blades.start(vm_id, 1)
    blades.fleet.attach("red", "eth1")
    with pytest.raises(ValidationError, match=r"these networks differently: red \(native, and the VM has it memory"):
        blades.migrate(vm_id, PLAIN)
    blades.migrate(vm_id, 2)
    (nic,) = blades.nics(vm_id, 2)
    assert nic.profile
    blades.fleet.attach("red", "eth1", number=2)
    blades.refresh(2)
    blades.fleet.done(blades.fleet.setup(SetupRequest(removed=(Ref(id=blades.fleet.attachment_id("red", 2)),)), 2))
    assert blades.nics(vm_id, 2) == (nic,)


def test_what_the_fabric_has_not_done_is_not_given_to_guests(blades: Blades) -> None:
    running = blades.vm("one")
    blades.start(running, 1)
    blades.there.fault = refuse("ensure_profile")
    blades.db.run(update_network, SYSTEM, UpdateNetwork(id=blades.network_id, vlan_id=300))
    blades.wait()
    reason = r"red \(its port profile on ucs is not ready: not now: ensure_profile\)"
    with pytest.raises(ValidationError, match=reason):
        blades.start(blades.vm("two"), 1)
    with pytest.raises(ValidationError, match="is not on"):
        blades.db.run(add_vnic, SYSTEM, AddVnic(vm_id=running, name="more", profile_id=blades.profile()))
    blades.there.fault = lambda _: None
    with blades.db.write() as tx:
        objects.try_now(tx, provider_objects.c.provider_id == blades.provider_id)
        reconcile(tx, SYSTEM, blades.provider_id)
    blades.wait()
    blades.start(blades.vm("three"), 1)


def test_another_form_is_for_guests_that_start(blades: Blades) -> None:
    vm_id = blades.vm("one")
    blades.start(vm_id, 1)
    high = UpdatePortProfile(network_id=blades.network_id, provider_id=blades.provider_id, high_performance=True)
    blades.db.run(update_port_profile, SYSTEM, high)
    blades.wait()
    with pytest.raises(ValidationError, match="these dynamic vNICs directly"):
        blades.migrate(vm_id, 2)


def test_a_guest_comes_onto_a_network_of_a_fabric_while_it_is_unplugged(blades: Blades) -> None:
    vm_id = blades.vm("one", network="ovirtmgmt")
    blades.start(vm_id, 1)
    (nic,) = blades.nics(vm_id, 1)
    with pytest.raises(ValidationError, match="only through its fabric"):
        blades.db.run(update_vnic, SYSTEM, UpdateVnic(vm_id=vm_id, id=nic.id, profile_id=blades.profile()))


def test_a_network_filter_that_comes_later_is_out_of_sync(blades: Blades) -> None:
    vm_id = blades.vm("one")
    blades.start(vm_id, 1)
    (nic,) = blades.nics(vm_id, 1)

    def is_synced() -> bool:
        with blades.db.read() as tx:
            return bool(vm_queries.get_vnic(tx, vm_id, nic.id).synced)

    assert is_synced()
    blades.db.run(update_vnic_profile, SYSTEM, UpdateVnicProfile(id=blades.profile(), network_filter_id=DEFAULT_FILTER))
    blades.refresh(1)
    blades.fleet.until(lambda: not is_synced())
    assert blades.nics(vm_id, 1) == (nic,)


GUIDS = {(number, one): f"{number:014x}{one:02x}" for number in (1, 2) for one in (1, 2)}


@pytest.fixture
def infiniband(db: Database, tmp_path: Path) -> Iterator[InfinibandHosts]:
    with running_fleet(db, tmp_path, 3) as fleet:
        yield InfinibandHosts(fleet)


def test_ports_of_guests_come_onto_the_partition_and_leave_it(infiniband: InfinibandHosts) -> None:
    vm_id = infiniband.vm("one")
    infiniband.start(vm_id, 1)
    (nic,) = infiniband.nics(vm_id, 1)
    profile = f"nw-{infiniband.network_id[:8]}"
    assert (nic.function, nic.guid, nic.profile, nic.bridge) == ("0000:c1:00.1", GUIDS[1, 1], profile, "")
    assert infiniband.members() == {GUIDS[1, 1]}
    added = infiniband.db.run(add_vnic, SYSTEM, AddVnic(vm_id=vm_id, name="nic1", profile_id=infiniband.profile()))
    infiniband.fleet.done(added.job_id)
    assert infiniband.members() == {GUIDS[1, 1], GUIDS[1, 2]}
    with pytest.raises(ValidationError, match="sim-1 has 0 free dynamic vNICs for the 1 vNICs"):
        infiniband.start(infiniband.vm("two"), 1)
    with pytest.raises(ValidationError, match="drives these dynamic vNICs directly"):
        infiniband.migrate(vm_id, 2)
    infiniband.fleet.done(infiniband.db.run(plug_vnic, SYSTEM, vm_id, added.vnic_id, plugged=False))
    assert infiniband.members() == {GUIDS[1, 1]}
    infiniband.stop(vm_id, 1)
    assert (infiniband.members(), infiniband.promised()) == (set(), set())


def test_what_somebody_takes_off_the_partition_comes_back(infiniband: InfinibandHosts) -> None:
    infiniband.start(infiniband.vm("one"), 2)
    assert infiniband.members() == {GUIDS[2, 1]}
    there = infiniband.there
    there.profiles = {name: replace(one, members=frozenset({"theirs"})) for name, one in there.profiles.items()}
    infiniband.ask()
    assert infiniband.members() == {GUIDS[2, 1], "theirs"}


def test_a_port_whose_vnic_was_not_taken_leaves_the_partition(infiniband: InfinibandHosts) -> None:
    vm_id = infiniband.vm("one")
    infiniband.start(vm_id, 1)
    infiniband.fleet.simulate(1)  # the adapter is gone, and the engine has not seen it yet
    added = infiniband.db.run(add_vnic, SYSTEM, AddVnic(vm_id=vm_id, name="nic1", profile_id=infiniband.profile()))
    assert "not a function of an InfiniBand adapter" in infiniband.fleet.failed(added.job_id).error
    assert infiniband.members() == {GUIDS[1, 1]}


def test_a_port_profile_that_guests_use_stays(infiniband: InfinibandHosts) -> None:
    vm_id = infiniband.vm("one")
    infiniband.start(vm_id, 1)
    told = (infiniband.network_id, infiniband.provider_id)
    with pytest.raises(ValidationError, match="use network 'red' through this port profile: one"):
        infiniband.db.run(remove_port_profile, SYSTEM, *told)
    infiniband.stop(vm_id, 1)
    infiniband.db.run(remove_port_profile, SYSTEM, *told)
    infiniband.fleet.until(lambda: set(infiniband.there.profiles) == {memory_fabric.FOREIGN.name})


def test_a_network_that_gets_a_fabric_while_guests_have_ports(infiniband: InfinibandHosts) -> None:
    """One more fabric of the same type: it is told of the ports that are there already."""
    infiniband.start(infiniband.vm("one"), 1)
    other = "https://second.example"
    memory_fabric.forget(other)
    second = memory_fabric.fabric(other)
    second.is_told = True
    password = infiniband.fleet.box.encrypt(PASSWORD)
    values = {"username": "netweft", "password": password, "purpose": CONFIGURATION}
    row = ProviderRow(id=new_id(), name="second", type="ufm", url=other, **values)
    infiniband.db.run(insert_provider, SYSTEM, row)
    desired = AddPortProfile(network_id=infiniband.network_id, provider=Ref(id=row.id))
    infiniband.db.run(add_port_profile, SYSTEM, desired)
    infiniband.fleet.until(lambda: {guid for one in second.profiles.values() for guid in one.members} == {GUIDS[1, 1]})


def test_a_port_leaves_the_partition_however_its_vnic_goes(infiniband: InfinibandHosts) -> None:
    """Also where no port profile is left that says which fabric has it."""
    vm_id = infiniband.vm("one")
    infiniband.start(vm_id, 1)
    (nic,) = infiniband.nics(vm_id, 1)
    infiniband.fleet.stop_worker()
    infiniband.db.run(plug_vnic, SYSTEM, vm_id, nic.id, plugged=False)
    infiniband.db.run(remove_vnic, SYSTEM, vm_id, nic.id)
    infiniband.db.run(remove_port_profile, SYSTEM, infiniband.network_id, infiniband.provider_id)
    infiniband.fleet.start_worker()
    assert infiniband.members() == set()
    infiniband.fleet.until(lambda: set(infiniband.there.profiles) == {memory_fabric.FOREIGN.name})


def test_a_port_is_on_one_partition(db: Database, tmp_path: Path) -> None:
    """A vNIC that comes onto another network while it is unplugged leaves its port behind, which nobody gets before it
    has left the partition.
    """
    with running_fleet(db, tmp_path, 2) as fleet:
        hosts = InfinibandHosts(fleet, cards=(1,), dynamic=1, names=("red", "blue"))
        vm_id = hosts.vm("one")
        hosts.start(vm_id, 1)
        (nic,) = hosts.nics(vm_id, 1)
        assert hosts.members() == {GUIDS[1, 1]}
        hosts.there.fault = refuse("remove_member")
        leave = UpdateVnic(vm_id=vm_id, id=nic.id, plugged=False, profile_id=hosts.profile("blue"))
        fleet.done(hosts.db.run(update_vnic, SYSTEM, leave).job_id)
        hosts.refresh(1)
        assert hosts.promised() == set()
        with pytest.raises(ValidationError, match="has 0 free dynamic vNICs"):
            hosts.db.run(update_vnic, SYSTEM, replace(leave, plugged=True, profile_id=KEEP))
        hosts.there.fault = lambda _: None
        with hosts.db.write() as tx:
            objects.try_now(tx, provider_objects.c.provider_id == hosts.provider_id)
            reconcile(tx, SYSTEM, hosts.provider_id)
        assert hosts.members() == set()
        fleet.done(hosts.db.run(update_vnic, SYSTEM, replace(leave, plugged=True, profile_id=KEEP)).job_id)
        assert hosts.members() == {GUIDS[1, 1]}


def refuse(method: str) -> Callable[[str], None]:
    def fault(called: str) -> None:
        if called == method:
            raise RefusedError(f"not now: {method}")

    return fault


def test_a_port_that_the_fabric_refuses_is_told(infiniband: InfinibandHosts) -> None:
    infiniband.there.fault = refuse("ensure_member")
    infiniband.start(infiniband.vm("one"), 1)
    infiniband.wait()
    text = f"Port {GUIDS[1, 1]} of network red on provider ucs: not now: ensure_member"
    with infiniband.db.read() as tx:
        assert text in set(tx.scalars(sa.select(events.c.description)))
