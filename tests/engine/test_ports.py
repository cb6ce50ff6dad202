"""Ports of virtual machines on a provider of networks: with them from start to end, and when the provider fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

import memory_provider
from fleet import Fleet, running_fleet
from memory_provider import BRIDGE, DOWN, System
from netweft.core.errors import ValidationError
from netweft.core.guest_protocol import GuestNic
from netweft.core.host import Chassis, OvsBridge
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.commands.clusters import UpdateCluster, update_cluster
from netweft.engine.commands.migrations import MigrateVm, migrate_vm
from netweft.engine.commands.networks import (
    AddNetwork,
    UpdateNetwork,
    add_network,
    remove_network,
    update_network,
)
from netweft.engine.commands.providers import UpdateProvider, insert_provider, update_provider
from netweft.engine.commands.subnets import AddSubnet, add_subnet
from netweft.engine.commands.vm_states import suspend_vm
from netweft.engine.commands.vms import AddVm, StartVm, UpdateVm, add_vm, remove_vm, start_vm, stop_vm, update_vm
from netweft.engine.commands.vnic_profiles import UpdateVnicProfile, update_vnic_profile
from netweft.engine.commands.vnics import AddVnic, UpdateVnic, add_vnic, update_vnic
from netweft.engine.db import Database, new_id, utc_now
from netweft.engine.jobs import provider_watch
from netweft.engine.jobs.guests import VNIC_REMOVED
from netweft.engine.jobs.provider_watch import ProviderMonitor
from netweft.engine.model.clusters import clusters
from netweft.engine.model.hosts import host_reports, hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.provider_hosts import ProviderHostRow
from netweft.engine.model.provider_objects import provider_objects
from netweft.engine.model.providers import ProviderRow, providers
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.operations import provider_hosts
from netweft.engine.operations import provider_objects as objects
from netweft.engine.operations.vnic_addresses import AUTO
from netweft.engine.payloads import SyncPorts
from netweft.engine.queries import ports as queries
from netweft.engine.queries import vms as vm_queries
from netweft.engine.queries.references import Ref
from netweft.engine.queue import enqueue
from netweft.providers.contract import ProviderHost, RefusedError

pytestmark = pytest.mark.hosts

URL, OTHER_URL = "http://ports.example", "http://others.example"
WEB = "7c1e6a52-6a0c-4a1e-9d0e-5f2d5b8c9a10"
"""The id of a security group there."""
RED = "1"
"""The id of the network there."""


class Clouds:
    """A fleet of two hosts, with a network of a provider in their cluster, and a machine with a vNIC on it."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.there = memory_provider.system(URL)
        self.there.hosts = [ProviderHost(name=f"sim-{number}", is_alive=True) for number in (1, 2)]
        for number in (1, 2):
            host = fleet.host(number)
            bridges = {**host.ovs_bridges, BRIDGE: OvsBridge(name=BRIDGE)}  # the provider's own
            fleet.simulate(number, host=replace(host, ovs_bridges=bridges))
        fleet.restart_worker(port=0.5)
        self.provider_id = self.provider("clouds", URL)
        self.network_id = self.network("red", RED)
        self.vm_id = fleet.db.run(add_vm, SYSTEM, AddVm(name="one", cluster=Ref(name="Default")))
        self.vnic_id = self.add_vnic("nic1", self.network_id)[0]

    def provider(self, name: str, url: str) -> str:
        provider_id = new_id()
        self.fleet.db.run(insert_provider, SYSTEM, ProviderRow(id=provider_id, name=name, type="neutron", url=url))
        with self.fleet.db.write() as tx:
            rows = [ProviderHostRow(provider_id, one.name, True) for one in memory_provider.system(url).hosts]
            provider_hosts.replace(tx, provider_id, rows)
        return provider_id

    def network(self, name: str, external_id: str = "", provider_id: str = "") -> str:
        """A network of the cluster: of a provider, the first if none is said, when it has an id there."""
        db, provider_id = self.fleet.db, provider_id or self.provider_id
        made = db.run(add_network, SYSTEM, AddNetwork(name=name, data_center=Ref(name="Default"))).id
        with db.write() as tx:
            if external_id:
                tx.execute(sa.update(networks).where(networks.c.id == made).values(provider_id=provider_id))
                objects.want(tx, "network", made, provider_id, "")
                objects.done(tx, "network", made, provider_id, external_id=external_id)
        self.attach(made)
        return str(made)

    def attach(self, network_id: str) -> None:
        with self.fleet.db.read() as tx:
            cluster_id = tx.execute(sa.select(clusters.c.id)).scalar_one()
        spec = AttachNetwork(cluster_id=cluster_id, network=Ref(id=network_id), required=False)
        self.fleet.db.run(attach_network, SYSTEM, spec)

    def own_network(self, name: str) -> str:
        """A network of the cluster that the engine has made on the first provider."""
        spec = AddNetwork(name=name, data_center=Ref(name="Default"), provider=Ref(id=self.provider_id))
        made = str(self.fleet.db.run(add_network, SYSTEM, spec).id)
        self.fleet.idle(f"provider:{self.provider_id}")
        self.attach(made)
        return made

    def profile(self, network_id: str) -> str:
        with self.fleet.db.read() as tx:
            query = sa.select(vnic_profiles.c.id).where(vnic_profiles.c.network_id == network_id)
            return str(tx.execute(query).scalar_one())

    def add_vnic(self, name: str, network_id: str) -> tuple[str, str | None]:
        """The vNIC's id, and the job that plugs it in while the machine runs."""
        spec = AddVnic(vm_id=self.vm_id, name=name, profile_id=self.profile(network_id))
        made = self.fleet.db.run(add_vnic, SYSTEM, spec)
        return made.vnic_id, made.job_id

    def start(self, host: str = "sim-1") -> str:
        return str(self.fleet.db.run(start_vm, SYSTEM, StartVm(id=self.vm_id, host=Ref(name=host))))

    def stop(self) -> str | None:
        return self.fleet.db.run(stop_vm, SYSTEM, self.vm_id)

    def change(self, vnic_id: str, **values: object) -> str | None:
        return self.fleet.db.run(update_vnic, SYSTEM, UpdateVnic(vm_id=self.vm_id, id=vnic_id, **values)).job_id

    def state(self) -> tuple[str, str]:
        """The machine's status, and why."""
        with self.fleet.db.read() as tx:
            vm = vm_queries.get(tx, self.vm_id)
        return vm.status, vm.status_reason

    def nics(self, number: int = 1) -> dict[str, GuestNic]:
        """The vNICs that run on a host, by id."""
        return {nic.id: nic for guest in self.fleet.agent(number).guests() for nic in guest.nics}

    def stored(self) -> dict[str, tuple[str, str]]:
        """What the engine wants of ports, and how far the provider is."""
        with self.fleet.db.read() as tx:
            query = sa.select(provider_objects).where(provider_objects.c.kind == "port")
            return {row.object_id: (row.wanted, row.state) for row in tx.execute(query)}

    def set_properties(self, network_id: str, properties: dict[str, str]) -> None:
        """Change the profile of a network."""
        spec = UpdateVnicProfile(id=self.profile(network_id), custom_properties=properties)
        self.fleet.db.run(update_vnic_profile, SYSTEM, spec)

    def set_network(self, known_as: str, **values: str) -> None:
        """How far the provider is with the network that it has by this id (empty: that it does not have)."""
        here = provider_objects.c.kind == "network", provider_objects.c.external_id == known_as
        with self.fleet.db.write() as tx:
            tx.execute(sa.update(provider_objects).where(*here).values(**values))

    def synced(self, vnic_id: str) -> bool:
        with self.fleet.db.read() as tx:
            return bool(tx.execute(sa.select(vnics.c.synced).where(vnics.c.id == vnic_id)).scalar_one())

    def set_status(self, status: str) -> None:
        with self.fleet.db.write() as tx:
            tx.execute(sa.update(vms).values(status=status))

    def make_due(self) -> None:
        """The time of the next try has come."""
        with self.fleet.db.write() as tx:
            waits = provider_objects.c.next_try.is_not(None)
            tx.execute(sa.update(provider_objects).where(waits).values(next_try=utc_now()))

    def retry(self) -> None:
        """What the engine does by its timer."""
        provider_watch.retry(self.fleet.db)
        self.fleet.idle(f"provider:{self.provider_id}")
        self.fleet.idle(f"vm:{self.vm_id}")

    def sync(self) -> None:
        """What the engine does some time after a failure."""
        payload = SyncPorts(vm_id=self.vm_id)
        job = self.fleet.db.run(enqueue, SYSTEM, "sync_ports", f"vm:{self.vm_id}", "Following", payload)
        self.fleet.done(job)


@pytest.fixture
def clouds(db: Database, tmp_path: Path) -> Iterator[Clouds]:
    memory_provider.forget(URL)
    memory_provider.forget(OTHER_URL)
    with running_fleet(db, tmp_path, 2) as fleet:
        yield Clouds(fleet)


def add_other(clouds: Clouds) -> tuple[System, str]:
    """A second provider, and the machine's vNIC on a network of it."""
    there = memory_provider.system(OTHER_URL)
    there.hosts = list(clouds.there.hosts)
    return there, clouds.add_vnic("nic0", clouds.network("blue", "2", clouds.provider("others", OTHER_URL)))[0]


def away(_: str) -> None:
    """The provider does not answer."""
    raise DOWN


def failing(method: str, error: Exception = DOWN, times: int = 1000) -> Callable[[str], None]:
    """A fault of the next calls of a method."""
    left = [times]

    def fail(called: str) -> None:
        if called == method and left[0]:
            left[0] -= 1
            raise error

    return fail


def bound(there: System) -> dict[str, str]:
    """Where the ports are, by their owners."""
    return {port.owner: port.host for port in there.ports.values()}


def test_a_provider_that_is_away_holds_up_no_native_vnic(clouds: Clouds) -> None:
    native = clouds.network("native")
    clouds.fleet.attach("native", "eth1")
    clouds.fleet.done(clouds.start())
    clouds.there.fault = away
    second, job = clouds.add_vnic("nic2", native)
    clouds.fleet.done(job)
    assert set(clouds.nics()) == {clouds.vnic_id, second}
    clouds.fleet.done(clouds.change(second, linked=False))
    assert not clouds.nics()[second].linked
    clouds.fleet.done(clouds.change(second, plugged=False))
    assert set(clouds.nics()) == {clouds.vnic_id}


def test_a_port_that_is_bound_needs_no_provider_for_what_its_host_does(clouds: Clouds) -> None:
    clouds.fleet.done(clouds.start())
    clouds.there.fault = away
    clouds.fleet.done(clouds.change(clouds.vnic_id, linked=False))
    assert not clouds.nics()[clouds.vnic_id].linked
    assert clouds.stored() == {clouds.vnic_id: ("present", "error")}, "it is tried again"


def test_a_port_that_is_bound_needs_no_network_there_for_what_its_host_does(clouds: Clouds) -> None:
    clouds.fleet.done(clouds.start())
    clouds.set_network(RED, external_id="", state="error", error="No quota.")
    clouds.fleet.done(clouds.change(clouds.vnic_id, linked=False))
    assert not clouds.nics()[clouds.vnic_id].linked


def test_what_needs_a_provider_that_is_away_fails_alone(clouds: Clouds) -> None:
    clouds.fleet.done(clouds.start())
    clouds.there.fault = away
    native = clouds.network("native")
    clouds.fleet.attach("native", "eth1")
    clouds.fleet.stop_worker()
    (second, job), (third, other_job) = clouds.add_vnic("nic2", native), clouds.add_vnic("nic3", clouds.network_id)
    clouds.fleet.start_worker()
    clouds.fleet.done(job)
    assert "nobody is there" in clouds.fleet.failed(other_job).error
    assert clouds.fleet.codes()[-2:] == [1013, VNIC_REMOVED], "who was told that it was added is told what became of it"
    assert set(clouds.nics()) == {clouds.vnic_id, second}
    assert third not in clouds.stored() or clouds.stored()[third][0] == "absent"


def test_a_provider_that_hangs_is_waited_for_once(clouds: Clouds) -> None:
    clouds.fleet.restart_worker(port=0.5, provider=0.0)  # each failure counts as one that took long
    clouds.there.fault = away
    calls = len(clouds.there.calls)
    assert "nobody is there" in clouds.fleet.failed(clouds.start()).error
    assert len(clouds.there.calls) == calls + 1
    assert clouds.state()[0] == "down"
    clouds.there.fault = failing("nothing")
    clouds.make_due()
    clouds.retry()
    assert clouds.stored() == {}


def test_a_profile_changes_while_a_provider_is_away(clouds: Clouds) -> None:
    native = clouds.network("native")
    clouds.fleet.attach("native", "eth1")
    second, _ = clouds.add_vnic("nic2", native)
    clouds.fleet.done(clouds.start())
    clouds.there.fault = away
    clouds.set_properties(native, {"queues": "2"})
    clouds.set_properties(clouds.network_id, {"SecurityGroups": WEB})
    clouds.fleet.idle(f"vm:{clouds.vm_id}")
    assert clouds.stored() == {clouds.vnic_id: ("present", "error")}
    assert set(clouds.nics()) == {clouds.vnic_id, second}
    clouds.there.security_groups = {WEB}
    clouds.there.fault = failing("nothing")
    clouds.sync()
    assert clouds.there.asked[clouds.vnic_id].security_groups == (WEB,)


@pytest.mark.parametrize("change", ["security groups", "name of the machine", "name of the vNIC"])
def test_what_changes_while_nobody_sees_the_guest_reaches_its_port_later(clouds: Clouds, change: str) -> None:
    clouds.fleet.done(clouds.start())
    clouds.there.security_groups = {WEB}
    if change == "security groups":
        clouds.set_status("unknown")
        clouds.set_properties(clouds.network_id, {"SecurityGroups": WEB})
    elif change == "name of the machine":
        clouds.set_status("unknown")
        clouds.fleet.db.run(update_vm, SYSTEM, UpdateVm(id=clouds.vm_id, name="other"))
    else:
        clouds.change(clouds.vnic_id, name="other")
        clouds.set_status("unknown")
    clouds.retry()
    clouds.fleet.monitor.round(clouds.fleet.db)
    assert clouds.state()[0] == "up"
    assert clouds.stored() == {clouds.vnic_id: ("present", "locked")}
    clouds.make_due()
    clouds.retry()
    asked = clouds.there.asked[clouds.vnic_id]
    assert (asked.security_groups, asked.name) == {
        "security groups": ((WEB,), "one/nic1"),
        "name of the machine": (None, "other/nic1"),
        "name of the vNIC": (None, "one/other"),
    }[change]
    assert clouds.stored() == {clouds.vnic_id: ("present", "ok")}


def test_ports_are_made_again_with_a_network_that_somebody_removed_there(clouds: Clouds) -> None:
    network_id = clouds.own_network("green")
    second, _ = clouds.add_vnic("nic2", network_id)
    clouds.fleet.done(clouds.start())
    before = clouds.there.ports.pop(second)
    del clouds.there.networks[before.network_id], clouds.there.subnets[before.network_id]
    provider_monitor = ProviderMonitor(clouds.fleet.outside.providers, every=0)
    provider_monitor.round(clouds.fleet.db)
    provider_monitor.close()
    clouds.fleet.idle(f"provider:{clouds.provider_id}")
    clouds.retry()
    now = clouds.there.ports[second]
    assert now.network_id in clouds.there.networks
    assert (now.host, now.id == before.id) == ("sim-1", False)
    assert clouds.stored() == {clouds.vnic_id: ("present", "ok"), second: ("present", "ok")}
    assert (clouds.synced(clouds.vnic_id), clouds.synced(second)) == (True, False), "the guest has the port that was"
    clouds.fleet.monitor.round(clouds.fleet.db)
    assert not clouds.synced(second)
    for plugged in (False, True):
        clouds.fleet.done(clouds.change(second, plugged=plugged))
    assert clouds.synced(second)
    assert clouds.nics()[second].port == clouds.there.ports[second].id


def test_a_machine_waits_for_a_network_that_somebody_removed_there(clouds: Clouds) -> None:
    network_id = clouds.own_network("green")
    second, _ = clouds.add_vnic("nic2", network_id)
    clouds.there.fault = failing("ensure_network")
    for one in [one for one in clouds.there.networks.values() if one.owner]:
        del clouds.there.networks[one.id], clouds.there.subnets[one.id]
    provider_monitor = ProviderMonitor(clouds.fleet.outside.providers, every=0)
    provider_monitor.round(clouds.fleet.db)
    provider_monitor.close()
    clouds.fleet.idle(f"provider:{clouds.provider_id}")
    assert clouds.fleet.failed(clouds.start()).error == f"Network 'green' is not on provider 'clouds': {DOWN.text}"
    clouds.there.fault = failing("nothing")
    clouds.make_due()
    clouds.retry()
    clouds.fleet.done(clouds.start())
    assert set(bound(clouds.there)) == {clouds.vnic_id, second}


def test_a_vnic_is_out_of_sync_from_a_change_of_its_networks_mtu_until_it_is_plugged_in_anew(clouds: Clouds) -> None:
    network_id = clouds.own_network("green")
    second, _ = clouds.add_vnic("nic2", network_id)
    clouds.fleet.done(clouds.start())
    clouds.there.fault = failing("ensure_network")
    clouds.fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=network_id, mtu=1300))
    clouds.fleet.idle(f"provider:{clouds.provider_id}")
    clouds.fleet.monitor.round(clouds.fleet.db)
    assert not clouds.synced(second), "not while the provider has the old one either"
    clouds.there.fault = failing("nothing")
    clouds.make_due()
    clouds.retry()
    clouds.retry()
    clouds.fleet.monitor.round(clouds.fleet.db)
    assert clouds.there.ports[second].mtu == 1300
    assert (clouds.synced(clouds.vnic_id), clouds.synced(second)) == (True, False)
    for plugged in (False, True):
        clouds.fleet.done(clouds.change(second, plugged=plugged))
    assert (clouds.nics()[second].mtu, clouds.synced(second)) == (1300, True)


def test_a_network_goes_from_its_provider_when_its_last_port_has_gone(clouds: Clouds) -> None:
    network_id = clouds.own_network("green")
    clouds.add_vnic("nic2", network_id)
    clouds.fleet.done(clouds.start())
    clouds.there.fault = failing("remove_port")
    clouds.fleet.done(clouds.stop())
    clouds.fleet.db.run(remove_vm, SYSTEM, clouds.vm_id)
    clouds.fleet.db.run(remove_network, SYSTEM, network_id)
    clouds.fleet.idle(f"provider:{clouds.provider_id}")
    assert [one.name for one in clouds.there.networks.values() if one.owner] == ["green"]
    clouds.there.fault = failing("nothing")
    clouds.sync()
    clouds.retry()
    assert [one.name for one in clouds.there.networks.values() if one.owner] == []


def test_a_machine_moves_and_stops_on_one_provider_while_another_is_away(clouds: Clouds) -> None:
    there, other = add_other(clouds)
    clouds.fleet.done(clouds.start())
    for one, two in ((clouds.there, there), (there, clouds.there)):
        number = 2 if one is clouds.there else 1
        one.fault = failing("bind_port")
        job = clouds.fleet.db.run(migrate_vm, SYSTEM, MigrateVm(id=clouds.vm_id, host=Ref(name=f"sim-{number}")))
        clouds.fleet.done(job)
        assert set(bound(two).values()) == {f"sim-{number}"}, "the other one follows"
        one.fault = failing("nothing")
        clouds.sync()
        assert set(bound(one).values()) == {f"sim-{number}"}
    there.fault = away
    clouds.fleet.done(clouds.stop())
    assert (clouds.there.ports, clouds.stored()) == ({}, {other: ("absent", "error")})


def test_a_vnic_is_plugged_in_on_one_provider_while_another_is_away(clouds: Clouds) -> None:
    clouds.fleet.done(clouds.start())
    clouds.there.fault = away
    there = memory_provider.system(OTHER_URL)
    there.hosts = list(clouds.there.hosts)
    blue = clouds.network("blue", "2", clouds.provider("others", OTHER_URL))
    second, job = clouds.add_vnic("nic2", blue)
    clouds.fleet.done(job)
    assert bound(there) == {second: "sim-1"}


def test_a_port_that_its_provider_refuses_to_remove_holds_up_no_other(clouds: Clouds) -> None:
    clouds.add_vnic("nic2", clouds.network_id)
    clouds.fleet.done(clouds.start())
    clouds.there.fault = failing("remove_port", RefusedError("The provider refused: 409"), times=1)
    clouds.fleet.done(clouds.stop())
    assert len(clouds.there.ports) == 1
    assert sorted(clouds.stored()) == sorted(clouds.there.ports)
    assert set(clouds.stored().values()) == {("absent", "error")}


def test_a_machine_has_a_port_from_its_start_to_its_end(clouds: Clouds) -> None:
    clouds.fleet.done(clouds.start())
    port = clouds.there.ports[clouds.vnic_id]
    assert (port.host, port.network_id) == ("sim-1", RED)
    nic = clouds.nics()[clouds.vnic_id]
    assert (nic.bridge, nic.port, nic.mtu, nic.tag, nic.filter) == ("br-int", port.id, 1442, None, "")
    assert clouds.there.asked[clouds.vnic_id].device_id == clouds.vm_id
    assert clouds.stored() == {clouds.vnic_id: ("present", "ok")}
    clouds.fleet.done(clouds.stop())
    assert (clouds.there.ports, clouds.stored()) == ({}, {})


def test_a_native_network_and_one_of_a_provider_are_side_by_side(clouds: Clouds) -> None:
    network_id = clouds.network("native")
    for one, cidr in ((network_id, "192.0.2.0/24"), (clouds.network_id, "198.51.100.0/24")):
        clouds.fleet.db.run(add_subnet, SYSTEM, AddSubnet(network_id=one, name="four", cidr=cidr, dhcp=True))
    clouds.change(clouds.vnic_id, addresses=AUTO)
    native, _ = clouds.add_vnic("nic2", network_id)
    clouds.fleet.attach("native", "eth1")
    clouds.fleet.done(clouds.start())
    nics = clouds.nics()
    assert nics[native].port == ""
    assert [lease.server for lease in nics[native].leases] == ["192.0.2.1"]
    assert nics[clouds.vnic_id].leases == (), "the provider serves it"
    assert nics[clouds.vnic_id].bridge == "br-int"
    assert set(clouds.there.ports) == {clouds.vnic_id}


def test_what_is_plugged_in_gets_a_port_and_what_is_unplugged_loses_it(clouds: Clouds) -> None:
    clouds.fleet.done(clouds.start())
    second, job = clouds.add_vnic("nic2", clouds.network_id)
    clouds.fleet.done(job)
    assert bound(clouds.there) == {clouds.vnic_id: "sim-1", second: "sim-1"}
    clouds.fleet.done(clouds.change(second, plugged=False))
    assert bound(clouds.there) == {clouds.vnic_id: "sim-1"}
    clouds.fleet.done(clouds.change(second, plugged=True))
    assert bound(clouds.there) == {clouds.vnic_id: "sim-1", second: "sim-1"}


def test_a_vnic_changes_between_networks_of_which_one_is_a_providers_when_it_is_unplugged(clouds: Clouds) -> None:
    native, blue = (clouds.profile(clouds.network(*names)) for names in (("native",), ("blue", "2")))
    clouds.fleet.attach("native", "eth1")
    clouds.fleet.done(clouds.start())
    for profile in (native, blue):
        with pytest.raises(ValidationError, match="Unplug it first"):
            clouds.change(clouds.vnic_id, profile_id=profile)
    clouds.fleet.done(clouds.change(clouds.vnic_id, plugged=False))
    assert clouds.there.ports == {}
    clouds.change(clouds.vnic_id, profile_id=blue)
    clouds.fleet.done(clouds.change(clouds.vnic_id, plugged=True))
    assert clouds.there.ports[clouds.vnic_id].network_id == "2"
    assert clouds.nics()[clouds.vnic_id].port == clouds.there.ports[clouds.vnic_id].id
    clouds.fleet.done(clouds.change(clouds.vnic_id, plugged=False))
    clouds.change(clouds.vnic_id, profile_id=native)
    clouds.fleet.done(clouds.change(clouds.vnic_id, plugged=True))
    assert (clouds.there.ports, clouds.nics()[clouds.vnic_id].port) == ({}, "")
    with pytest.raises(ValidationError, match="Unplug it first"):
        clouds.change(clouds.vnic_id, profile_id=blue)


@pytest.mark.parametrize("method", ["ensure_port", "bind_port", "port"])
def test_a_machine_whose_provider_fails_is_down_and_leaves_nothing(clouds: Clouds, method: str) -> None:
    clouds.there.fault = failing(method)
    ended = clouds.fleet.failed(clouds.start())
    assert "nobody is there" in ended.error
    assert clouds.state() == ("down", "The provider cannot be reached: nobody is there")
    assert clouds.nics() == {}
    assert clouds.there.ports == {}


@pytest.mark.parametrize("method", ["ensure_port", "bind_port", "port"])
def test_a_machine_is_down_with_the_reason_when_the_providers_module_is_broken(clouds: Clouds, method: str) -> None:
    clouds.there.fault = failing(method, KeyError("binding"))
    clouds.fleet.failed(clouds.start())
    assert clouds.state() == ("down", "The module for providers of the type neutron failed. KeyError: 'binding'")
    assert (clouds.nics(), clouds.there.ports, clouds.stored()) == ({}, {}, {})


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"type": "broken"}, "The module for providers of the type broken failed. ImportError: no libssl here"),
        ({"type": "unnamed"}, "The module for providers of the type unnamed failed. AttributeError: "),
        ({"type": "leaking"}, "The module for providers of the type leaking failed. OSError: it cannot be closed"),
        ({"password": "encrypted elsewhere"}, "The password of the provider cannot be read. A stored secret cannot"),
    ],
)
def test_a_machine_is_down_with_the_reason_when_no_connection_can_be_made(
    clouds: Clouds, values: dict[str, str], reason: str
) -> None:
    with clouds.fleet.db.write() as tx:
        tx.execute(sa.update(providers).values(values))
    clouds.fleet.failed(clouds.start())
    status, why = clouds.state()
    assert (status, why.startswith(reason)) == ("down", True), why
    clouds.sync()
    with clouds.fleet.db.read() as tx:
        assert queries.due(tx, utc_now()) == [], "it is not tried all the time"


def test_a_machine_whose_ports_pass_no_frames_is_down(clouds: Clouds) -> None:
    clouds.there.is_active = False
    clouds.fleet.failed(clouds.start())
    assert clouds.state() == ("down", "The port of vNIC 'nic1' passes no frames after 0.5 s.")
    assert (clouds.nics(), clouds.there.ports, clouds.stored()) == ({}, {}, {})


def test_a_host_that_the_provider_cannot_have_the_port_on_is_refused_by_it(clouds: Clouds) -> None:
    clouds.there.hosts = clouds.there.hosts[1:]  # the engine has yet to see that
    ended = clouds.fleet.failed(clouds.start())
    assert ended.error_code == "PROVIDER_BINDING_FAILED"
    assert (clouds.state()[0], clouds.there.ports) == ("down", {})


def test_a_hundred_failed_starts_leave_one_port_at_most(clouds: Clouds) -> None:
    clouds.there.lost = failing("bind_port")
    clouds.there.fault = failing("remove_port")
    for _ in range(100):
        clouds.fleet.failed(clouds.start())
    assert len(clouds.there.ports) == 1
    assert clouds.stored() == {clouds.vnic_id: ("absent", "error")}
    clouds.there.fault = failing("nothing")
    clouds.sync()
    assert (clouds.there.ports, clouds.stored()) == ({}, {})


def test_a_provider_that_is_away_does_not_keep_a_machine_from_stopping(clouds: Clouds) -> None:
    clouds.fleet.done(clouds.start())
    clouds.there.fault = failing("remove_port")
    clouds.fleet.done(clouds.stop())
    assert clouds.state()[0] == "down"
    assert clouds.stored() == {clouds.vnic_id: ("absent", "error")}
    clouds.fleet.db.run(remove_vm, SYSTEM, clouds.vm_id)
    clouds.there.fault = failing("nothing")
    clouds.sync()
    assert (clouds.there.ports, clouds.stored()) == ({}, {})


def test_a_machine_that_ends_by_itself_leaves_no_port(clouds: Clouds) -> None:
    clouds.fleet.done(clouds.start())
    clouds.fleet.simulate(end_guests=(clouds.vm_id,))
    clouds.fleet.monitor.round(clouds.fleet.db)
    assert clouds.state()[0] == "down"
    clouds.fleet.until(lambda: clouds.stored() == {})
    assert clouds.there.ports == {}


@pytest.mark.parametrize("change", ["plug in", "profile"])
def test_a_machine_that_ended_before_its_vnics_changed_gets_no_port_and_stays_down(clouds: Clouds, change: str) -> None:
    clouds.fleet.done(clouds.start())
    clouds.fleet.stop_worker()
    if change == "plug in":
        clouds.add_vnic("nic2", clouds.network_id)
    else:
        clouds.set_properties(clouds.network_id, {})
    clouds.fleet.simulate(end_guests=(clouds.vm_id,))
    clouds.fleet.monitor.round(clouds.fleet.db)
    assert clouds.state()[0] == "down"
    clouds.fleet.start_worker()
    clouds.fleet.idle(f"vm:{clouds.vm_id}")
    assert (clouds.state()[0], clouds.nics()) == ("down", {})
    assert (clouds.there.ports, clouds.stored()) == ({}, {})


def test_a_suspended_machine_keeps_its_ports_until_it_is_removed(clouds: Clouds) -> None:
    clouds.fleet.done(clouds.start())
    clouds.fleet.done(clouds.fleet.db.run(suspend_vm, SYSTEM, clouds.vm_id))
    clouds.sync()
    assert bound(clouds.there) == {clouds.vnic_id: "sim-1"}
    clouds.fleet.db.run(remove_vm, SYSTEM, clouds.vm_id)
    clouds.fleet.until(lambda: clouds.stored() == {})
    assert clouds.there.ports == {}


def test_what_cannot_be_put_right_now_is_not_tried_all_the_time(clouds: Clouds) -> None:
    clouds.fleet.done(clouds.start())
    clouds.fleet.done(clouds.fleet.db.run(suspend_vm, SYSTEM, clouds.vm_id))
    with clouds.fleet.db.write() as tx:
        tx.execute(sa.update(provider_objects).where(provider_objects.c.kind == "port").values(next_try=utc_now()))
        assert queries.due(tx, utc_now()) == [clouds.vm_id]
    clouds.sync()
    with clouds.fleet.db.read() as tx:
        assert queries.due(tx, utc_now()) == []


def test_a_machine_that_has_moved_is_bound_though_a_subnet_is_missing(clouds: Clouds) -> None:
    clouds.fleet.done(clouds.start())
    with clouds.fleet.db.write() as tx:
        objects.want(tx, "subnet", new_id(), clouds.provider_id, clouds.network_id)
    clouds.fleet.done(clouds.fleet.db.run(migrate_vm, SYSTEM, MigrateVm(id=clouds.vm_id, host=Ref(name="sim-2"))))
    assert bound(clouds.there) == {clouds.vnic_id: "sim-2"}


def test_ports_go_with_a_machine_that_moves(clouds: Clouds) -> None:
    clouds.fleet.done(clouds.start())
    job = clouds.fleet.db.run(migrate_vm, SYSTEM, MigrateVm(id=clouds.vm_id, host=Ref(name="sim-2")))
    clouds.fleet.done(job)
    assert bound(clouds.there) == {clouds.vnic_id: "sim-2"}
    assert clouds.there.admitted == {}
    assert clouds.nics(2)[clouds.vnic_id].port == clouds.there.ports[clouds.vnic_id].id


def test_a_machine_stays_when_the_target_cannot_have_its_ports(clouds: Clouds) -> None:
    clouds.fleet.done(clouds.start())
    clouds.there.hosts = clouds.there.hosts[:1]
    job = clouds.fleet.db.run(migrate_vm, SYSTEM, MigrateVm(id=clouds.vm_id, host=Ref(name="sim-2")))
    clouds.fleet.failed(job)
    assert clouds.state()[0] == "up"
    assert bound(clouds.there) == {clouds.vnic_id: "sim-1"}


def test_the_binding_follows_a_machine_whose_move_was_told_to_have_failed(clouds: Clouds) -> None:
    clouds.fleet.done(clouds.start())
    clouds.there.fault = failing("bind_port")
    job = clouds.fleet.db.run(migrate_vm, SYSTEM, MigrateVm(id=clouds.vm_id, host=Ref(name="sim-2")))
    clouds.fleet.done(job)
    assert bound(clouds.there) == {clouds.vnic_id: "sim-1"}
    assert clouds.stored() == {clouds.vnic_id: ("present", "error")}
    clouds.there.fault = failing("nothing")
    clouds.sync()
    assert bound(clouds.there) == {clouds.vnic_id: "sim-2"}
    assert clouds.stored() == {clouds.vnic_id: ("present", "ok")}


def test_only_hosts_on_which_the_provider_has_an_agent_are_chosen(clouds: Clouds) -> None:
    with clouds.fleet.db.write() as tx:
        provider_hosts.replace(tx, clouds.provider_id, [ProviderHostRow(clouds.provider_id, "sim-2.lab.test", True)])
    with pytest.raises(Exception, match="provider clouds has no agent there"):
        clouds.start("sim-1")
    clouds.there.hosts = clouds.there.hosts[1:]
    clouds.fleet.done(clouds.fleet.db.run(start_vm, SYSTEM, StartVm(id=clouds.vm_id)))
    assert bound(clouds.there) == {clouds.vnic_id: "sim-2"}


def clone(clouds: Clouds, system_id: str, remote: str = "tcp:192.0.2.1:6642") -> None:
    """Both hosts say that they are this chassis, and the engine hears of it."""
    for number in (1, 2):
        host, encap_ip = clouds.fleet.host(number), f"198.18.0.{number}"
        chassis = Chassis(system_id=system_id, remote=remote, encap_type="geneve", encap_ip=encap_ip)
        clouds.fleet.simulate(number, host=replace(host, chassis=chassis))
    clouds.fleet.monitor.round(clouds.fleet.db)


def test_hosts_that_were_cloned_with_one_system_id_are_refused(clouds: Clouds) -> None:
    clone(clouds, "a1")
    for name, other in (("sim-1", "sim-2"), ("sim-2", "sim-1")):
        with pytest.raises(ValidationError) as refused:
            clouds.start(name)
        said = f"provider clouds may confuse it with Host {other}, whose ovn-controller has the same system-id a1"
        assert said in refused.value.text
    with clouds.fleet.db.write() as tx:
        tx.execute(sa.update(hosts).where(hosts.c.name == "sim-2").values(status="non_responsive"))
    clouds.fleet.done(clouds.start("sim-1"))


def test_hosts_that_were_cloned_are_told_apart_once_the_plugin_is_ours(clouds: Clouds) -> None:
    clone(clouds, "a1")
    desired = UpdateProvider(id=clouds.provider_id, plugin_remote="tcp:192.0.2.1:6642")
    clouds.fleet.db.run(update_provider, SYSTEM, desired, box=clouds.fleet.box)
    with clouds.fleet.db.read() as tx:
        cluster_id = tx.execute(sa.select(clusters.c.id)).scalar_one()
    given = UpdateCluster(id=cluster_id, providers=(Ref(name="clouds"),))
    clouds.fleet.db.run(update_cluster, SYSTEM, given)
    clouds.fleet.rolled_out()
    names = [chassis_id(clouds, number) for number in (1, 2)]
    assert len(set(names)) == 2
    assert set(names) <= {"a1", *(clouds.fleet.id(number) for number in (1, 2))}
    clouds.fleet.monitor.round(clouds.fleet.db)
    clouds.fleet.done(clouds.start("sim-1"))


def chassis_id(clouds: Clouds, number: int) -> str:
    chassis = clouds.fleet.host(number).chassis
    return chassis.system_id if chassis else ""


@pytest.mark.parametrize("chassis", [("", "tcp:192.0.2.1:6642"), ("a1", "")])
def test_hosts_that_are_no_chassis_are_no_twins(clouds: Clouds, chassis: tuple[str, str]) -> None:
    clone(clouds, *chassis)
    clouds.fleet.done(clouds.start("sim-1"))


def test_hosts_of_one_name_are_refused(clouds: Clouds) -> None:
    with clouds.fleet.db.write() as tx:
        tx.execute(sa.update(host_reports).values(hostname="sim-1"))
    with pytest.raises(ValidationError, match="with Host sim-2, which is called sim-1 as well: rename one"):
        clouds.start("sim-1")


def test_a_network_that_could_not_be_made_is_refused_by_name(clouds: Clouds) -> None:
    clouds.add_vnic("nic2", clouds.network("green", "3"))
    clouds.set_network("3", external_id="", state="error", error="No quota.")
    ended = clouds.fleet.failed(clouds.start())
    assert ended.error == "Network 'green' is not on provider 'clouds': No quota."
    assert (clouds.state()[0], clouds.there.ports) == ("down", {})


def test_a_machine_waits_for_a_network_that_is_being_made(clouds: Clouds) -> None:
    clouds.set_network(RED, external_id="", state="locked")
    job = clouds.start()
    clouds.fleet.until(lambda: clouds.state()[0] == "wait_for_launch")
    assert clouds.there.ports == {}
    clouds.set_network("", external_id=RED, state="ok")
    clouds.fleet.done(job)
    assert bound(clouds.there) == {clouds.vnic_id: "sim-1"}
