"""Reads of the snapshots of virtual machines."""

from __future__ import annotations

from collections.abc import Collection
from uuid import NAMESPACE_OID, uuid5

import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.engine.db import Tx
from netweft.engine.model.snapshots import SnapshotRow, SnapshotVnicRow, snapshot_vnics, snapshots
from netweft.engine.queries.grouping import grouped
from netweft.engine.statements import rows


def active_id(vm_id: str) -> str:
    """The id of the snapshot that is the machine as it is now, and has no row."""
    return str(uuid5(NAMESPACE_OID, f"active snapshot of {vm_id}"))


def of_vms(tx: Tx, vm_ids: Collection[str]) -> dict[str, list[SnapshotRow]]:
    """The snapshots of each machine, the oldest first."""
    query = sa.select(snapshots).where(snapshots.c.vm_id.in_(vm_ids))
    return grouped(rows(tx, SnapshotRow, query.order_by(snapshots.c.created_at, snapshots.c.id)), "vm_id")


def get(tx: Tx, vm_id: str, snapshot_id: str) -> SnapshotRow:
    """One of them; raises NotFoundError."""
    here = snapshots.c.vm_id == vm_id, snapshots.c.id == snapshot_id
    for row in rows(tx, SnapshotRow, sa.select(snapshots).where(*here)):
        return row
    raise NotFoundError(f"VM {vm_id} has no snapshot with the id {snapshot_id}.")


def vnics_of(tx: Tx, snapshot_id: str) -> list[SnapshotVnicRow]:
    """The vNICs that are kept in a snapshot, by name."""
    query = sa.select(snapshot_vnics).where(snapshot_vnics.c.snapshot_id == snapshot_id)
    return rows(tx, SnapshotVnicRow, query.order_by(snapshot_vnics.c.name))
