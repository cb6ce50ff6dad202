"""Snapshots of virtual machines, at ``/vms/{id}/snapshots``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from netweft.api.collections import same_fields
from netweft.api.follow import loads_link
from netweft.api.request_fields import require_visible, required
from netweft.api.routes import READ, Call, Routes, many
from netweft.api.schema import or_default, or_unset, reference
from netweft.api.types import Action, Mac, Snapshot, SnapshotNic, Vm, VnicProfile
from netweft.api.vms import VMS
from netweft.core.errors import NotFoundError
from netweft.engine.access.objects import ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.snapshots import (
    AddSnapshot,
    add_snapshot,
    commit_snapshot,
    preview_snapshot,
    remove_snapshot,
    restore_snapshot,
    undo_snapshot,
)
from netweft.engine.db import Tx
from netweft.engine.model.snapshots import SnapshotRow, SnapshotVnicRow
from netweft.engine.model.vms import VmRow
from netweft.engine.model.vnics import VnicRow
from netweft.engine.queries import snapshots as queries
from netweft.engine.queries import vms as vm_queries

routes = Routes("vms")

_NEEDS = ActionGroup.MANIPULATE_VM_SNAPSHOTS


def show(row: SnapshotRow) -> Snapshot:
    """A snapshot."""
    return Snapshot(
        id=row.id,
        href=f"/vms/{row.vm_id}/snapshots/{row.id}",
        description=row.description,
        date=row.created_at,
        persist_memorystate=False,
        snapshot_status="in_preview" if row.in_preview else "ok",
        snapshot_type=row.kind,
        vm=reference(Vm, row.vm_id),
    )


def active(vm: VmRow) -> Snapshot:
    """The machine as it is now, which oVirt lists with its snapshots."""
    snapshot_id = queries.active_id(vm.id)
    return Snapshot(
        id=snapshot_id,
        href=f"/vms/{vm.id}/snapshots/{snapshot_id}",
        description="Active VM",
        date=vm.created_at,
        persist_memorystate=False,
        snapshot_status="ok",
        snapshot_type="active",
        vm=reference(Vm, vm.id),
    )


def show_nic(row: VnicRow | SnapshotVnicRow, vm_id: str, snapshot_id: str) -> SnapshotNic:
    """A vNIC, of the machine or of a snapshot."""
    vnic_id = row.vnic_id if isinstance(row, SnapshotVnicRow) else row.id
    return SnapshotNic(
        **same_fields(SnapshotNic, row, "id", "description"),
        id=vnic_id,
        href=f"/vms/{vm_id}/snapshots/{snapshot_id}/nics/{vnic_id}",
        description=row.description or UNSET,
        mac=Mac(address=row.mac),
        vm=reference(Vm, vm_id),
        vnic_profile=or_unset(reference(VnicProfile, row.profile_id) if row.profile_id else None),
    )


@loads_link(Vm, "snapshots")
def load_snapshots(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, list[Snapshot]]:
    """The snapshots of virtual machines."""
    visible_vms = VMS.among(tx, call, ids)
    rows = queries.of_vms(tx, [vm.id for vm in visible_vms])
    return {vm.id: [*(show(row) for row in rows[vm.id]), active(vm)] for vm in visible_vms}


@routes.get("/vms/{vm_id}/snapshots", many(Snapshot), needs=READ, queries=("all_content", "max"))
def list_snapshots(call: Call[None]) -> list[Snapshot]:
    """The snapshots of a virtual machine, the oldest first, and the machine as it is now ("Active VM")."""
    with call.read() as tx:
        vm = VMS.row(tx, call)
        found = [*(show(row) for row in queries.of_vms(tx, (vm.id,))[vm.id]), active(vm)]
    return found[: call.query.size()]


@routes.get("/vms/{vm_id}/snapshots/{snapshot_id}", Snapshot, needs=READ)
def get_snapshot(call: Call[None]) -> Snapshot:
    """One of them."""
    snapshot_id = call.ids["snapshot_id"]
    with call.read() as tx:
        vm = VMS.row(tx, call)
        return active(vm) if snapshot_id == queries.active_id(vm.id) else show(queries.get(tx, vm.id, snapshot_id))


@routes.post("/vms/{vm_id}/snapshots", Snapshot, needs=_NEEDS)
def post_snapshot(call: Call[Snapshot]) -> Snapshot:
    """Take a snapshot of a virtual machine: its hardware, vNICs and their MAC addresses."""
    body = call.body
    spec = AddSnapshot(
        vm_id=call.ids["vm_id"],
        description=required(body.description, "Snapshot [description]"),
        with_memory=or_default(body.persist_memorystate, False),
    )
    snapshot_id = call.run(add_snapshot, call.actor, spec)
    with call.read() as tx:
        return show(queries.get(tx, spec.vm_id, snapshot_id))


@routes.delete("/vms/{vm_id}/snapshots/{snapshot_id}", needs=_NEEDS, queries=("all_content",))
def delete_snapshot(call: Call[None]) -> None:
    """Delete a snapshot; MAC addresses reserved only for it become free."""
    call.run(remove_snapshot, call.actor, call.ids["vm_id"], call.ids["snapshot_id"])


@routes.action("/vms/{vm_id}/snapshots/{snapshot_id}/restore", needs=_NEEDS)
def restore(call: Call[Action]) -> None:
    """Restore a virtual machine that is down to a snapshot; later snapshots are deleted."""
    with_memory = or_default(call.body.restore_memory, False)
    call.run(restore_snapshot, call.actor, call.ids["vm_id"], call.ids["snapshot_id"], with_memory=with_memory)


@routes.action("/vms/{vm_id}/previewsnapshot", needs=_NEEDS)
def preview(call: Call[Action]) -> None:
    """Preview ``snapshot`` on a virtual machine that is down, until the preview is committed or undone."""
    snapshot_id = required(or_default(call.body.snapshot, Snapshot()).id, "Action [snapshot [id]]")
    with_memory = or_default(call.body.restore_memory, False)
    call.run(preview_snapshot, call.actor, call.ids["vm_id"], snapshot_id, with_memory=with_memory)


@routes.action("/vms/{vm_id}/commitsnapshot", needs=_NEEDS)
def commit(call: Call[Action]) -> None:
    """Commit the previewed snapshot of a virtual machine; later snapshots are deleted."""
    call.run(commit_snapshot, call.actor, call.ids["vm_id"])


@routes.action("/vms/{vm_id}/undosnapshot", needs=_NEEDS)
def undo(call: Call[Action]) -> None:
    """Undo the preview of a snapshot."""
    call.run(undo_snapshot, call.actor, call.ids["vm_id"])


def _nics(call: Call[Any]) -> list[SnapshotNic]:
    vm_id, snapshot_id = call.ids["vm_id"], call.ids["snapshot_id"]
    rows: Sequence[VnicRow | SnapshotVnicRow]
    with call.read() as tx:
        require_visible(tx, call, ObjectType.VM, vm_id)
        if snapshot_id == queries.active_id(vm_id):
            rows = vm_queries.vnics_of(tx, (vm_id,))[vm_id]
        else:
            queries.get(tx, vm_id, snapshot_id)
            rows = queries.vnics_of(tx, snapshot_id)
    return [show_nic(row, vm_id, snapshot_id) for row in rows]


@routes.get("/vms/{vm_id}/snapshots/{snapshot_id}/nics", many(SnapshotNic), needs=READ)
def list_nics_of_snapshot(call: Call[None]) -> list[SnapshotNic]:
    """The vNICs that a snapshot keeps, by name."""
    return _nics(call)


@routes.get("/vms/{vm_id}/snapshots/{snapshot_id}/nics/{nic_id}", SnapshotNic, needs=READ)
def get_nic_of_snapshot(call: Call[None]) -> SnapshotNic:
    """One of them."""
    for nic in _nics(call):
        if nic.id == call.ids["nic_id"]:
            return nic
    raise NotFoundError(f"The snapshot has no vNIC {call.ids['nic_id']}.")
