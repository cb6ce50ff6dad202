"""Virtual machines and their vNICs on (simulated) hosts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fleet import NO_GUESTS, Fleet, running_fleet
from netweft.core.errors import ValidationError
from netweft.core.guest_protocol import GuestState
from netweft.core.host_request import AttachmentChange, Ref, SetupRequest
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.commands.networks import AddNetwork, add_network
from netweft.engine.commands.vms import (
    AddVm,
    StartVm,
    UpdateVm,
    add_vm,
    remove_vm,
    start_vm,
    stop_vm,
    update_vm,
)
from netweft.engine.commands.vnics import AddVnic, UpdateVnic, add_vnic, plug_vnic, remove_vnic, update_vnic
from netweft.engine.db import Database
from netweft.engine.model.clusters import clusters
from netweft.engine.model.mac_pools import mac_addresses
from netweft.engine.model.vms import GuestAddress
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.operations.hardware import Hardware
from netweft.engine.queries import vms as queries
from netweft.engine.queries.references import Ref as ObjectName


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(db, tmp_path, 2) as fleet:
        for name, tag in (("storage", 100), ("tenants", 200)):
            spec = AddNetwork(name=name, data_center=ObjectName(name="Default"), vlan_id=tag)
            network_id = fleet.db.run(add_network, SYSTEM, spec).id
            with fleet.db.read() as tx:
                cluster_id = tx.execute(sa.select(clusters.c.id)).scalar_one()
            attach = AttachNetwork(cluster_id=cluster_id, network=ObjectName(id=network_id), required=False)
            fleet.db.run(attach_network, SYSTEM, attach)
        fleet.attach("storage", "eth1", number=2)
        yield fleet


def profile(fleet: Fleet, name: str) -> str:
    with fleet.db.read() as tx:
        return str(tx.execute(sa.select(vnic_profiles.c.id).where(vnic_profiles.c.name == name)).scalar_one())


def vm(fleet: Fleet, name: str = "one", **values: Any) -> str:
    return fleet.db.run(add_vm, SYSTEM, AddVm(name=name, cluster=ObjectName(name="Default"), **values))


def vnic(fleet: Fleet, vm_id: str, name: str = "nic1", network: str = "storage", **values: Any) -> str:
    spec = AddVnic(vm_id=vm_id, name=name, profile_id=profile(fleet, network), **values)
    return fleet.db.run(add_vnic, SYSTEM, spec).vnic_id


def start(fleet: Fleet, vm_id: str, host: str | None = None, **values: Any) -> None:
    spec = StartVm(id=vm_id, host=ObjectName(name=host) if host else None, **values)
    fleet.done(fleet.db.run(start_vm, SYSTEM, spec))


def row(fleet: Fleet, vm_id: str) -> sa.Row[Any]:
    with fleet.db.read() as tx:
        return queries.get(tx, vm_id)


def vnic_row(fleet: Fleet, vm_id: str, vnic_id: str) -> sa.Row[Any]:
    with fleet.db.read() as tx:
        return queries.get_vnic(tx, vm_id, vnic_id)


def guest(fleet: Fleet, vm_id: str, number: int = 2) -> GuestState | None:
    return next((one for one in fleet.agent(number).guests() if one.id == vm_id), None)


def macs_in_use(fleet: Fleet) -> int:
    with fleet.db.read() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(mac_addresses)).scalar_one()


def code_of(refusal: pytest.ExceptionInfo[ValidationError]) -> str:
    return refusal.value.code


def test_a_guest_runs_where_its_networks_are_and_stops(fleet: Fleet) -> None:
    vm_id = vm(fleet)
    vnic_id = vnic(fleet, vm_id)
    start(fleet, vm_id, addresses=(GuestAddress(nic="nic1", address="10.0.0.7/24"),))
    assert (row(fleet, vm_id).status, row(fleet, vm_id).host_name) == ("up", "sim-2")
    state = guest(fleet, vm_id)
    assert state is not None
    assert [(one.id, one.bridge, one.addresses) for one in state.nics] == [(vnic_id, "storage", ("10.0.0.7/24",))]
    assert state.nics[0].mac == vnic_row(fleet, vm_id, vnic_id).mac

    fleet.done(fleet.db.run(stop_vm, SYSTEM, vm_id))
    assert row(fleet, vm_id).status == "down"
    assert row(fleet, vm_id).host_id is None
    assert guest(fleet, vm_id) is None
    assert macs_in_use(fleet) == 1
    fleet.db.run(remove_vm, SYSTEM, vm_id)
    assert macs_in_use(fleet) == 0


def test_every_host_that_does_not_fit_says_why(fleet: Fleet) -> None:
    vm_id = vm(fleet)
    vnic(fleet, vm_id, network="tenants")
    with pytest.raises(ValidationError) as refusal:
        start(fleet, vm_id)
    assert code_of(refusal) == "SCHEDULING_ALL_HOSTS_FILTERED_OUT"
    assert "Host sim-1 does not have these networks: tenants." in refusal.value.text
    assert "Host sim-2 does not have these networks: tenants." in refusal.value.text
    big = vm(fleet, "big", hardware=Hardware(memory=2**50))
    with pytest.raises(ValidationError, match="octets of memory left"):
        start(fleet, big, "sim-1")


def test_a_host_that_cannot_start_it_leaves_it_down_and_says_why(fleet: Fleet) -> None:
    vm_id = vm(fleet)
    vnic(fleet, vm_id)
    fleet.simulate(2, no_guests=NO_GUESTS)
    ended = fleet.failed(fleet.db.run(start_vm, SYSTEM, StartVm(id=vm_id)))
    assert NO_GUESTS in ended.error
    assert row(fleet, vm_id).status == "down"
    assert NO_GUESTS in row(fleet, vm_id).status_reason
    assert 54 in fleet.codes()


def test_vnics_come_and_go_while_the_guest_runs(fleet: Fleet) -> None:
    vm_id = vm(fleet)
    start(fleet, vm_id, "sim-2")
    added = fleet.db.run(add_vnic, SYSTEM, AddVnic(vm_id=vm_id, name="nic1", profile_id=profile(fleet, "storage")))
    fleet.done(added.job_id)
    assert [one.bridge for one in guest(fleet, vm_id).nics] == ["storage"]  # type: ignore[union-attr]  # it runs
    with pytest.raises(ValidationError) as refusal:
        fleet.db.run(remove_vnic, SYSTEM, vm_id, added.vnic_id)
    assert code_of(refusal) == "ACTION_TYPE_FAILED_CANNOT_REMOVE_ACTIVE_DEVICE"
    fleet.done(fleet.db.run(plug_vnic, SYSTEM, vm_id, added.vnic_id, plugged=False))
    assert guest(fleet, vm_id).nics == ()  # type: ignore[union-attr]  # it runs
    fleet.done(fleet.db.run(plug_vnic, SYSTEM, vm_id, added.vnic_id, plugged=True))
    fleet.db.run(plug_vnic, SYSTEM, vm_id, added.vnic_id, plugged=True)
    management = profile(fleet, "ovirtmgmt")
    spec = UpdateVnic(vm_id=vm_id, id=added.vnic_id, profile_id=management)
    fleet.done(fleet.db.run(update_vnic, SYSTEM, spec).job_id)
    assert [one.bridge for one in guest(fleet, vm_id).nics] == ["ovirtmgmt"]  # type: ignore[union-attr]  # it runs
    fleet.done(fleet.db.run(update_vnic, SYSTEM, UpdateVnic(vm_id=vm_id, id=added.vnic_id, profile_id=None)).job_id)
    assert [one.bridge for one in guest(fleet, vm_id).nics] == [""]  # type: ignore[union-attr]  # it runs


def test_a_change_of_vnics_that_the_host_refuses_is_undone(fleet: Fleet) -> None:
    vm_id = vm(fleet)
    vnic_id = vnic(fleet, vm_id)
    start(fleet, vm_id)
    fleet.simulate(2, unreachable=("always",))
    fleet.restart_worker(report=0.1)
    fleet.failed(fleet.db.run(plug_vnic, SYSTEM, vm_id, vnic_id, plugged=False))
    assert vnic_row(fleet, vm_id, vnic_id).plugged
    added = fleet.db.run(add_vnic, SYSTEM, AddVnic(vm_id=vm_id, name="nic2", profile_id=profile(fleet, "storage")))
    fleet.failed(added.job_id)
    with fleet.db.read() as tx:
        assert [one.name for one in queries.vnics_of(tx, (vm_id,))[vm_id]] == ["nic1"]
    assert macs_in_use(fleet) == 1


def test_a_guest_that_ended_by_itself_is_down(fleet: Fleet) -> None:
    vm_id = vm(fleet)
    start(fleet, vm_id, "sim-2")
    fleet.monitor.round(fleet.db)
    assert row(fleet, vm_id).status == "up"
    fleet.simulate(2, end_guests=(vm_id,))
    fleet.monitor.round(fleet.db)
    assert row(fleet, vm_id).status == "down"
    assert {61, 119} & set(fleet.codes())
    fleet.until(lambda: guest(fleet, vm_id) is None)
    start(fleet, vm_id, "sim-2")


def test_a_machine_is_renamed_and_resized(fleet: Fleet) -> None:
    vm_id = vm(fleet)
    fleet.db.run(update_vm, SYSTEM, UpdateVm(id=vm_id, name="uno", hardware=Hardware(memory=2**28)))
    assert (row(fleet, vm_id).name, row(fleet, vm_id).memory) == ("uno", 2**28)


def test_a_network_under_a_running_guest_stays_on_its_host(fleet: Fleet) -> None:
    vm_id = vm(fleet)
    vnic(fleet, vm_id)
    start(fleet, vm_id)
    with pytest.raises(ValidationError) as refusal:
        fleet.setup(SetupRequest(removed=(Ref(id=fleet.attachment_id("storage", 2)),)), 2)
    assert code_of(refusal) == "NETWORK_CANNOT_DETACH_NETWORK_USED_BY_VMS"
    assert "one" in refusal.value.text
    attachment = AttachmentChange(network=Ref(name="storage"), nic=Ref(name="eth3"))
    fleet.done(fleet.setup(SetupRequest(attachments=(attachment,)), 2))
    assert guest(fleet, vm_id) is not None


def test_a_guest_that_ends_by_itself_is_known_at_once(fleet: Fleet) -> None:
    fleet.restart_monitor(wait=60.0)  # so that only the event itself can bring the news
    vm_id = vm(fleet)
    vnic(fleet, vm_id)
    start(fleet, vm_id)
    fleet.monitor.watch(fleet.db)
    fleet.until(lambda: all(fleet.requests("/v1/events", number) for number in (1, 2)))
    fleet.simulate(2, end_guests=(vm_id,))
    fleet.until(lambda: row(fleet, vm_id).status == "down")
    assert row(fleet, vm_id).host_id is None
    fleet.until(lambda: guest(fleet, vm_id) is None)
    assert fleet.host(2).guest_ports == {}
    with fleet.db.read() as tx:
        assert queries.memory_promised(tx, [fleet.id(2)]) == {}


def test_a_host_that_is_not_operational_still_takes_who_does_without_what_it_lacks(fleet: Fleet) -> None:
    fleet.set_status("maintenance")
    fleet.set_status("non_operational", 2)
    vm_id = vm(fleet, "bare")
    fleet.done(fleet.db.run(start_vm, SYSTEM, StartVm(id=vm_id)))
    assert [guest.id for guest in fleet.report(2).guests] == [vm_id]
    wants = vm(fleet, "wants")
    fleet.db.run(add_vnic, SYSTEM, AddVnic(vm_id=wants, name="nic1", profile_id=profile(fleet, "tenants")))
    fleet.set_status("non_operational", 2)
    with pytest.raises(ValidationError) as refusal:
        fleet.db.run(start_vm, SYSTEM, StartVm(id=wants))
    assert {"VAR__DETAIL__NETWORK_MISSING", "VAR__DETAIL__HOST_NOT_UP"} <= set(refusal.value.codes)
