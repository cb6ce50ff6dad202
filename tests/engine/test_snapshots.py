"""Snapshots of virtual machines, what a run alone has, and machines that move to another pool with their addresses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from fleet import Fleet, running_fleet
from netweft.core.errors import ValidationError
from netweft.core.rules.mac_pool import MacRange, mac_number, mac_text
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.clusters import AddCluster, add_cluster
from netweft.engine.commands.mac_pools import AddMacPool, add_mac_pool
from netweft.engine.commands.snapshots import (
    AddSnapshot,
    add_snapshot,
    commit_snapshot,
    preview_snapshot,
    remove_snapshot,
    restore_snapshot,
    undo_snapshot,
)
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
from netweft.engine.commands.vnic_filters import FilterParameter, put_filter_parameter
from netweft.engine.commands.vnics import (
    AddVnic,
    UpdateVnic,
    add_vnic,
    remove_vnic,
    update_vnic,
)
from netweft.engine.model.clusters import clusters
from netweft.engine.model.mac_pools import mac_addresses, mac_pools
from netweft.engine.model.snapshots import snapshots
from netweft.engine.model.vms import GuestAddress, ThisRun
from netweft.engine.operations.hardware import Hardware
from netweft.engine.queries import vms as queries
from netweft.engine.queries.references import Ref

HERE = Ref(name="Default")


@pytest.fixture
def fleet(db: object, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(db, tmp_path, 1) as fleet:  # type: ignore[arg-type] # the database of the test
        yield fleet


def vm(fleet: Fleet, name: str = "one", **more: object) -> str:
    return fleet.db.run(add_vm, SYSTEM, AddVm(name=name, cluster=HERE, **more))  # type: ignore[arg-type] # its fields


def nic(fleet: Fleet, vm_id: str, name: str, mac: str = "") -> str:
    return fleet.db.run(add_vnic, SYSTEM, AddVnic(vm_id=vm_id, name=name, mac=mac)).vnic_id


def macs(fleet: Fleet, vm_id: str) -> dict[str, str]:
    with fleet.db.read() as tx:
        return {row.name: row.mac for row in queries.vnics_of(tx, (vm_id,))[vm_id]}


def in_use(fleet: Fleet, pool: str = "Default") -> dict[str, int]:
    with fleet.db.read() as tx:
        pools = sa.select(mac_pools.c.id).where(mac_pools.c.name == pool)
        rows = tx.execute(sa.select(mac_addresses).where(mac_addresses.c.pool_id.in_(pools)))
        return {mac_text(row.address): row.uses for row in rows}


def kept(fleet: Fleet, vm_id: str) -> list[tuple[str, str]]:
    with fleet.db.read() as tx:
        found = tx.execute(sa.select(snapshots).where(snapshots.c.vm_id == vm_id).order_by(snapshots.c.created_at))
        return [(row.kind, row.description) for row in found]


def snapshot(fleet: Fleet, vm_id: str, description: str) -> str:
    return fleet.db.run(add_snapshot, SYSTEM, AddSnapshot(vm_id=vm_id, description=description))


def code_of(fleet: Fleet, command: object, *arguments: object) -> str:
    with pytest.raises(ValidationError) as refusal:
        fleet.db.run(command, SYSTEM, *arguments)  # type: ignore[arg-type] # a command and what it takes
    return refusal.value.code


def test_a_snapshot_keeps_vnics_and_their_addresses(fleet: Fleet) -> None:
    vm_id = vm(fleet)
    first = nic(fleet, vm_id, "nic1")
    spec = FilterParameter(vm_id=vm_id, vnic_id=first, name="IP", value="192.0.2.1")
    fleet.db.run(put_filter_parameter, SYSTEM, spec)
    before = macs(fleet, vm_id)
    saved = snapshot(fleet, vm_id, "before")
    fleet.db.run(remove_vnic, SYSTEM, vm_id, first)
    nic(fleet, vm_id, "nic2")
    assert set(in_use(fleet)) == {*before.values(), *macs(fleet, vm_id).values()}
    other = vm(fleet, "two")
    assert code_of(fleet, add_vnic, AddVnic(vm_id=other, name="n", mac=before["nic1"])) == "NETWORK_MAC_ADDRESS_IN_USE"
    fleet.db.run(restore_snapshot, SYSTEM, vm_id, saved)
    assert macs(fleet, vm_id) == before
    assert in_use(fleet) == dict.fromkeys(before.values(), 1)
    with fleet.db.read() as tx:
        (parameter,) = queries.parameters_of(tx, [first])[first]
    assert (parameter.name, parameter.value) == ("IP", "192.0.2.1")
    fleet.db.run(remove_snapshot, SYSTEM, vm_id, saved)
    assert in_use(fleet) == dict.fromkeys(before.values(), 1)


def test_an_address_that_a_snapshot_keeps_can_be_given_to_its_machine_again(fleet: Fleet) -> None:
    vm_id = vm(fleet)
    first = nic(fleet, vm_id, "nic1")
    mac = macs(fleet, vm_id)["nic1"]
    saved = snapshot(fleet, vm_id, "before")
    fleet.db.run(update_vnic, SYSTEM, UpdateVnic(vm_id=vm_id, id=first, mac="02:00:00:00:ff:01"))
    assert in_use(fleet) == {mac: 1, "02:00:00:00:ff:01": 1}
    fleet.db.run(update_vnic, SYSTEM, UpdateVnic(vm_id=vm_id, id=first, mac=mac))
    assert in_use(fleet) == {mac: 1}
    fleet.db.run(remove_snapshot, SYSTEM, vm_id, saved)
    assert in_use(fleet) == {mac: 1}


def test_a_preview_is_committed_or_undone(fleet: Fleet) -> None:
    vm_id = vm(fleet)
    nic(fleet, vm_id, "nic1")
    early = snapshot(fleet, vm_id, "early")
    fleet.db.run(update_vm, SYSTEM, UpdateVm(id=vm_id, hardware=Hardware(sockets=4)))
    nic(fleet, vm_id, "nic2")
    snapshot(fleet, vm_id, "late")
    now = macs(fleet, vm_id)
    fleet.db.run(preview_snapshot, SYSTEM, vm_id, early)
    assert list(macs(fleet, vm_id)) == ["nic1"]
    assert kept(fleet, vm_id)[-1] == ("preview", "Active VM before the preview")
    fleet.db.run(undo_snapshot, SYSTEM, vm_id)
    assert macs(fleet, vm_id) == now
    assert kept(fleet, vm_id) == [("regular", "early"), ("regular", "late")]
    fleet.db.run(preview_snapshot, SYSTEM, vm_id, early)
    fleet.db.run(commit_snapshot, SYSTEM, vm_id)
    assert list(macs(fleet, vm_id)) == ["nic1"]
    assert kept(fleet, vm_id) == [("regular", "early")]
    assert in_use(fleet) == {now["nic1"]: 1}
    with fleet.db.read() as tx:
        assert queries.get(tx, vm_id).sockets == 1


def test_a_removed_machine_gives_back_what_its_snapshots_keep(fleet: Fleet) -> None:
    vm_id = vm(fleet)
    first = nic(fleet, vm_id, "nic1")
    snapshot(fleet, vm_id, "before")
    fleet.db.run(remove_vnic, SYSTEM, vm_id, first)
    fleet.db.run(remove_vm, SYSTEM, vm_id)
    assert in_use(fleet) == {}


def pooled(fleet: Fleet, *, allow_duplicates: bool = False) -> str:
    first = mac_number("02:00:00:00:00:01")
    pool = AddMacPool(name="mine", ranges=(MacRange(first, first + 8),), allow_duplicates=allow_duplicates)
    pool_id = fleet.db.run(add_mac_pool, SYSTEM, pool)
    spec = AddCluster(name="pooled", data_center=Ref(name="Default"), mac_pool=Ref(id=pool_id))
    return fleet.db.run(add_cluster, SYSTEM, spec)


def test_a_machine_takes_its_addresses_along_to_a_cluster_with_another_pool(fleet: Fleet) -> None:
    cluster_id, vm_id = pooled(fleet), vm(fleet)
    nic(fleet, vm_id, "nic1")
    first = nic(fleet, vm_id, "nic2")
    snapshot(fleet, vm_id, "before")
    fleet.db.run(remove_vnic, SYSTEM, vm_id, first)
    held = in_use(fleet)
    assert len(held) == 2
    fleet.db.run(update_vm, SYSTEM, UpdateVm(id=vm_id, cluster=Ref(id=cluster_id)))
    assert (in_use(fleet), in_use(fleet, "mine")) == ({}, held)
    fleet.db.run(update_vm, SYSTEM, UpdateVm(id=vm_id, cluster=HERE))
    assert (in_use(fleet), in_use(fleet, "mine")) == (held, {})


def test_a_machine_stays_where_it_is_when_its_addresses_are_in_use_there(fleet: Fleet) -> None:
    cluster_id = pooled(fleet, allow_duplicates=True)
    vm_id, other = vm(fleet), fleet.db.run(add_vm, SYSTEM, AddVm(name="two", cluster=Ref(id=cluster_id)))
    nic(fleet, vm_id, "nic1", "02:00:00:00:aa:01")
    nic(fleet, other, "nic1", "02:00:00:00:aa:01")
    code = code_of(fleet, update_vm, UpdateVm(id=other, cluster=HERE))
    assert code == "ACTION_TYPE_FAILED_CANNOT_MIGRATE_MACS_DUE_TO_DUPLICATES"
    with fleet.db.read() as tx:
        assert (
            tx.scalar(sa.select(clusters.c.name).where(clusters.c.id == queries.get(tx, other).cluster_id)) == "pooled"
        )


def test_what_a_start_says_is_gone_after_the_run(fleet: Fleet) -> None:
    vm_id = vm(
        fleet, addresses=(GuestAddress(nic="nic1", address="192.0.2.1/24"),), initialization={"host_name": "own"}
    )
    nic(fleet, vm_id, "nic1")
    spec = StartVm(
        id=vm_id,
        hardware=Hardware(cmdline="quiet", kernel="/k", boot_devices=("network",)),
        addresses=(GuestAddress(nic="nic1", address="192.0.2.9/24", gateway="192.0.2.254"),),
        initialization={"host_name": "once"},
    )
    fleet.done(fleet.db.run(start_vm, SYSTEM, spec))
    (guest,) = fleet.report().guests
    (plugged,) = guest.nics
    assert (plugged.addresses, plugged.gateways, plugged.boot_order) == (("192.0.2.9/24",), ("192.0.2.254",), 1)
    with fleet.db.read() as tx:
        row = queries.get(tx, vm_id)
    assert (row.os_kernel, row.boot_devices, row.addresses[0].address) == ("", ("hd",), "192.0.2.1/24")
    assert row.this_run.initialization == {"host_name": "once"}
    fleet.done(fleet.db.run(stop_vm, SYSTEM, vm_id))
    with fleet.db.read() as tx:
        assert queries.get(tx, vm_id).this_run == ThisRun()
    fleet.done(fleet.db.run(start_vm, SYSTEM, StartVm(id=vm_id)))
    ((plugged,),) = [guest.nics for guest in fleet.report().guests]
    assert (plugged.addresses, plugged.gateways, plugged.boot_order) == (("192.0.2.1/24",), (), 0)


@pytest.mark.parametrize("for_one_run", [False, True])
def test_of_a_stateless_run_nothing_is_left(fleet: Fleet, for_one_run: bool) -> None:
    vm_id = vm(fleet, hardware=Hardware(stateless=not for_one_run))
    nic(fleet, vm_id, "nic1")
    before = macs(fleet, vm_id)
    fleet.done(fleet.db.run(start_vm, SYSTEM, StartVm(id=vm_id, hardware=Hardware(stateless=True))))
    assert kept(fleet, vm_id) == [("stateless", "stateless snapshot")]
    fleet.done(fleet.db.run(add_vnic, SYSTEM, AddVnic(vm_id=vm_id, name="nic2")).job_id)
    fleet.done(fleet.db.run(stop_vm, SYSTEM, vm_id))
    assert (macs(fleet, vm_id), kept(fleet, vm_id)) == (before, [])
    assert in_use(fleet) == dict.fromkeys(before.values(), 1)
