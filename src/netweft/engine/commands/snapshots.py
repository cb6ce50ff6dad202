"""Snapshots of virtual machines: making and removing them, and going back to one.

A snapshot keeps the machine's hardware, its vNICs and their MAC addresses, which stay reserved meanwhile. Disks are
files of the host, of which nothing is kept.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa
from msgspec.structs import asdict

from netweft.core.rules import check, fields
from netweft.core.rules import snapshot as rules
from netweft.core.rules import vm as vm_rules
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, lock, new_id, utc_now
from netweft.engine.model.hardware import HardwareRow
from netweft.engine.model.snapshots import FilterParameter, SnapshotRow, snapshot_vnics, snapshots
from netweft.engine.model.vms import VmRow, vms
from netweft.engine.model.vnics import filter_parameters, vnics
from netweft.engine.operations import vnic_addresses
from netweft.engine.operations.hardware import SAME
from netweft.engine.operations.mac_addresses import release_mac
from netweft.engine.operations.vm_events import record_event
from netweft.engine.queries import mac_pools as mac_queries
from netweft.engine.queries import snapshots as queries
from netweft.engine.queries import subnets as subnet_queries
from netweft.engine.queries import templates as template_queries
from netweft.engine.queries import vms as vm_queries
from netweft.engine.statements import rows as rows_of

ADDED, PREVIEWED, RESTORED, REMOVED = 45, 46, 47, 342
"""Event codes (oVirt: USER_CREATE_SNAPSHOT, USER_TRY_BACK_TO_SNAPSHOT, USER_RESTORE_FROM_SNAPSHOT,
USER_REMOVE_SNAPSHOT).
"""

_ADD = "Cannot create Snapshot."
_REMOVE = "Cannot remove Snapshot."
_PREVIEW = "Cannot preview Snapshot."
_RESTORE = "Cannot revert to Snapshot."

_VNIC_FIELDS = ("name", "description", "profile_id", "mac", "interface", "plugged", "linked")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddSnapshot:
    """A new snapshot. ``with_memory``: whether the running machine's memory was requested, too."""

    vm_id: str
    description: str
    with_memory: bool = False


def add_snapshot(tx: Tx, actor: Actor, spec: AddSnapshot) -> str:
    """Save a machine's hardware and vNICs; returns the snapshot's id.

    Needs MANIPULATE_VM_SNAPSHOTS on the VM. Raises NotFoundError, DeniedError, ValidationError.
    """
    vm = _begin(tx, actor, spec.vm_id)
    others = queries.of_vms(tx, (vm.id,))[vm.id]
    check(
        _ADD,
        fields.text_is_valid("Snapshot", "description", spec.description),
        rules.memory_is_not_requested(requested=spec.with_memory and vm.status != "down"),
        rules.shows_itself(vm.name, in_preview=_previewed(others) is not None),
        rules.keeps_its_state(vm.name, stateless=any(row.kind == "stateless" for row in others)),
    )
    snapshot_id = _keep(tx, vm, "regular", spec.description)
    text = f"Snapshot '{spec.description}' creation for VM {vm.name} was initiated by {actor.name}."
    record_event(tx, actor, ADDED, text, vm)
    return snapshot_id


def remove_snapshot(tx: Tx, actor: Actor, vm_id: str, snapshot_id: str) -> None:
    """Remove a snapshot; MAC addresses that were reserved for it alone are released.

    Needs MANIPULATE_VM_SNAPSHOTS on the VM. Raises NotFoundError, DeniedError, ValidationError.
    """
    vm = _begin(tx, actor, vm_id)
    snapshot = _regular(tx, _REMOVE, vm, snapshot_id)
    check(_REMOVE, rules.shows_itself(vm.name, in_preview=_previewed(queries.of_vms(tx, (vm_id,))[vm_id]) is not None))
    _forget(tx, vm, [snapshot_id])
    text = f"Snapshot '{snapshot.description}' deletion for VM {vm.name} was initiated by {actor.name}."
    record_event(tx, actor, REMOVED, text, vm)


def preview_snapshot(tx: Tx, actor: Actor, vm_id: str, snapshot_id: str, *, with_memory: bool = False) -> None:
    """Make a machine that is down what it was in a snapshot, until that is committed or undone.

    Needs MANIPULATE_VM_SNAPSHOTS on the VM. Raises NotFoundError, DeniedError, ValidationError.
    """
    vm = _begin(tx, actor, vm_id)
    snapshot = _may_go_back(tx, _PREVIEW, vm, snapshot_id, with_memory=with_memory)
    _keep(tx, vm, "preview", "Active VM before the preview")
    tx.execute(sa.update(snapshots).where(snapshots.c.id == snapshot_id).values(in_preview=True))
    _apply(tx, vm, snapshot)
    text = f"Snapshot '{snapshot.description}' preview for VM {vm.name} was initiated by {actor.name}."
    record_event(tx, actor, PREVIEWED, text, vm)


def commit_snapshot(tx: Tx, actor: Actor, vm_id: str) -> None:
    """The machine stays what its preview shows; later snapshots, and what it was before, are gone.

    Needs MANIPULATE_VM_SNAPSHOTS on the VM. Raises NotFoundError, DeniedError, ValidationError.
    """
    vm, previewed, _ = _end_of_preview(tx, actor, vm_id)
    _forget_later(tx, vm, previewed)
    record_event(tx, actor, RESTORED, f"VM {vm.name} restored from Snapshot by {actor.name}.", vm)


def undo_snapshot(tx: Tx, actor: Actor, vm_id: str) -> None:
    """The machine is again what it was before its preview.

    Needs MANIPULATE_VM_SNAPSHOTS on the VM. Raises NotFoundError, DeniedError, ValidationError.
    """
    vm, previewed, before = _end_of_preview(tx, actor, vm_id)
    _apply(tx, vm, before)
    tx.execute(sa.update(snapshots).where(snapshots.c.id == previewed.id).values(in_preview=False))
    _forget(tx, vm, [before.id])
    record_event(tx, actor, RESTORED, f"The preview of a Snapshot of VM {vm.name} was undone by {actor.name}.", vm)


def restore_snapshot(tx: Tx, actor: Actor, vm_id: str, snapshot_id: str, *, with_memory: bool = False) -> None:
    """Make a machine that is down what it was in a snapshot; later snapshots are gone.

    Needs MANIPULATE_VM_SNAPSHOTS on the VM. Raises NotFoundError, DeniedError, ValidationError.
    """
    vm = _begin(tx, actor, vm_id)
    snapshot = _may_go_back(tx, _RESTORE, vm, snapshot_id, with_memory=with_memory)
    held = _held(tx, vm)
    _apply(tx, vm, snapshot)
    _forget_later(tx, vm, snapshot, held)
    text = f"VM {vm.name} restored from Snapshot '{snapshot.description}' by {actor.name}."
    record_event(tx, actor, RESTORED, text, vm)


def begin_stateless(tx: Tx, vm: VmRow) -> None:
    """Keep what a machine is before a run of which nothing shall be left. Part of its start."""
    _keep(tx, vm, "stateless", "stateless snapshot")


def end_stateless(tx: Tx, vm_id: str) -> None:
    """Make a machine whose run has ended what it was before, if that run was stateless."""
    query = sa.select(snapshots).where(snapshots.c.vm_id == vm_id, snapshots.c.kind == "stateless")
    for before in rows_of(tx, SnapshotRow, query):
        vm = lock(tx, vms, vm_id)
        held = _held(tx, vm)
        _apply(tx, vm, before)
        _forget(tx, vm, [before.id], held)


def _begin(tx: Tx, actor: Actor, vm_id: str) -> VmRow:
    vm = lock(tx, vms, vm_id)
    authorize.require(tx, actor, ActionGroup.MANIPULATE_VM_SNAPSHOTS, ObjectRef(ObjectType.VM, vm_id))
    return vm


def _regular(tx: Tx, action: str, vm: VmRow, snapshot_id: str) -> SnapshotRow:
    """A snapshot that a user has made. Raises NotFoundError, ValidationError."""
    check(action, rules.is_regular(regular=snapshot_id != queries.active_id(vm.id)))
    snapshot = queries.get(tx, vm.id, snapshot_id)
    check(action, rules.is_regular(regular=snapshot.kind == "regular"))
    return snapshot


def _may_go_back(tx: Tx, action: str, vm: VmRow, snapshot_id: str, *, with_memory: bool) -> SnapshotRow:
    """The snapshot, if the machine can become what it was there. Raises NotFoundError, ValidationError."""
    snapshot = _regular(tx, action, vm, snapshot_id)
    check(
        action,
        rules.memory_is_not_restored(requested=with_memory),
        rules.shows_itself(vm.name, in_preview=_previewed(queries.of_vms(tx, (vm.id,))[vm.id]) is not None),
        vm_rules.is_down(vm.name, vm.status),
    )
    return snapshot


def _end_of_preview(tx: Tx, actor: Actor, vm_id: str) -> tuple[VmRow, SnapshotRow, SnapshotRow]:
    """The machine, what it is shown as, and what it was before. Raises NotFoundError, DeniedError, ValidationError."""
    vm = _begin(tx, actor, vm_id)
    rows = queries.of_vms(tx, (vm_id,))[vm_id]
    previewed, before = _previewed(rows), next((row for row in rows if row.kind == "preview"), None)
    check(
        _RESTORE,
        rules.shows_a_snapshot(vm.name, in_preview=previewed is not None),
        vm_rules.is_down(vm.name, vm.status),
    )
    if previewed is None or before is None:
        raise AssertionError("unreachable: a preview has both")
    return vm, previewed, before


def _previewed(rows: list[SnapshotRow]) -> SnapshotRow | None:
    return next((row for row in rows if row.in_preview), None)


def _keep(tx: Tx, vm: VmRow, kind: str, description: str) -> str:
    """Write down what a machine has, and its vNICs; returns the snapshot's id."""
    snapshot_id = new_id()
    values = {
        "id": snapshot_id,
        "vm_id": vm.id,
        "description": description,
        "kind": kind,
        "in_preview": False,
        "hardware": HardwareRow(**SAME.over(vm)),
        "created_at": utc_now(),
    }
    tx.execute(sa.insert(snapshots), values)
    rows = vm_queries.vnics_of(tx, (vm.id,))[vm.id]
    parameters = vm_queries.parameters_of(tx, [row.id for row in rows])
    addresses = vnic_addresses.addresses_of(tx, [row.id for row in rows])
    for row in rows:
        kept = {name: getattr(row, name) for name in _VNIC_FIELDS}
        filters = tuple(FilterParameter(one.name, one.value) for one in parameters.get(row.id, ()))
        kept |= {"snapshot_id": snapshot_id, "vnic_id": row.id, "parameters": filters, "addresses": addresses[row.id]}
        tx.execute(sa.insert(snapshot_vnics), kept)
    return snapshot_id


def _apply(tx: Tx, vm: VmRow, snapshot: SnapshotRow) -> None:
    """Make the machine's hardware and vNICs those of a snapshot. A vNIC whose network the cluster has no more is on
    none.
    """
    tx.execute(sa.update(vms).where(vms.c.id == vm.id).values(asdict(snapshot.hardware)))
    usable = {None, *template_queries.profiles_for_vms(tx, vm.cluster_id)}
    rows = queries.vnics_of(tx, snapshot.id)
    had = vnic_addresses.addresses_of(tx, [row.vnic_id for row in rows])
    subnets = subnet_queries.of_profiles(tx, {row.profile_id for row in rows if row.profile_id})
    tx.execute(sa.delete(vnics).where(vnics.c.vm_id == vm.id))
    for row in rows:
        values = {name: getattr(row, name) for name in _VNIC_FIELDS}
        if row.profile_id not in usable:
            values["profile_id"] = None
        if values["profile_id"] is None and row.interface == "pci_passthrough":
            values["interface"] = "virtio"  # which needs no profile
        tx.execute(sa.insert(vnics), {"id": row.vnic_id, "vm_id": vm.id, "synced": True, **values})
        parameters = [{"id": new_id(), "vnic_id": row.vnic_id, **asdict(one)} for one in row.parameters]
        if parameters:
            tx.execute(sa.insert(filter_parameters), parameters)
        addresses = had[row.vnic_id] if row.addresses is None else row.addresses
        if addresses and values["profile_id"]:
            vnic_addresses.give_again(tx, row.vnic_id, subnets[values["profile_id"]], addresses)


def _forget_later(tx: Tx, vm: VmRow, snapshot: SnapshotRow, held: Counter[str] | None = None) -> None:
    """The machine is what it was in the snapshot: what came after that is gone."""
    tx.execute(sa.update(snapshots).where(snapshots.c.id == snapshot.id).values(in_preview=False))
    rows = queries.of_vms(tx, (vm.id,))[vm.id]
    later = [row.id for row in rows[[row.id for row in rows].index(snapshot.id) + 1 :]]
    _forget(tx, vm, later, held)


def _held(tx: Tx, vm: VmRow) -> Counter[str]:
    """The MAC addresses of a machine and its snapshots, and how many vNICs have each."""
    return mac_queries.macs_of_vms(tx, vms.c.id == vm.id)[vm.id]


def _forget(tx: Tx, vm: VmRow, snapshot_ids: list[str], held: Counter[str] | None = None) -> None:
    """Remove snapshots, and give back the MAC addresses that the machine ``held`` and holds no more."""
    held = _held(tx, vm) if held is None else held
    tx.execute(sa.delete(snapshots).where(snapshots.c.id.in_(snapshot_ids)))
    pool_id = mac_queries.of_cluster(tx, vm.cluster_id)
    for mac in (held - _held(tx, vm)).elements():
        release_mac(tx, pool_id, mac)
