"""Snapshots of virtual machines: their hardware and their vNICs, as they were."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from sqlalchemy import CheckConstraint, PrimaryKeyConstraint, String

from netweft.engine.model.hardware import HardwareRow
from netweft.engine.model.records import Id, Key, LongText, Record, Refers, With, stored


class SnapshotRow(Record, frozen=True):
    """A snapshot of a virtual machine."""

    id: Key
    vm_id: Annotated[str, Refers("vms.id", on_delete="CASCADE")]
    # regular; preview: the machine before one of these was previewed; stateless: before a stateless run.
    kind: Annotated[str, String(16)]
    # Whether this one is being previewed, until that is committed or undone.
    in_preview: bool
    hardware: HardwareRow
    created_at: datetime
    description: LongText = ""


snapshots = stored(
    "snapshots",
    SnapshotRow,
    CheckConstraint("kind IN ('regular', 'preview', 'stateless')", name="kind"),
)
"""The machine as it is now, which oVirt lists among them, has no row."""


class FilterParameter(msgspec.Struct, frozen=True):
    """A parameter of a vNIC's network filter."""

    name: str
    value: str


class SnapshotVnicRow(Record, frozen=True):
    """A vNIC as it was."""

    snapshot_id: Annotated[str, Refers("snapshots.id", on_delete="CASCADE", index=False)]
    # That of the machine's vNIC, which may be gone.
    vnic_id: Id
    name: Annotated[str, String(50)]
    # Reserved for the snapshot.
    mac: Annotated[str, String(17), With(index=True)]
    interface: Annotated[str, String(32)]
    plugged: bool
    linked: bool
    # Of its network filter.
    parameters: tuple[FilterParameter, ...]
    description: LongText = ""
    # Of its network's subnets, which it gets again if they are free; null: from before vNICs had any.
    addresses: tuple[str, ...] | None = None
    # Null: on no network, or on one that is gone.
    profile_id: Annotated[str, Refers("vnic_profiles.id", on_delete="SET NULL")] | None = None


snapshot_vnics = stored(
    "snapshot_vnics",
    SnapshotVnicRow,
    PrimaryKeyConstraint("snapshot_id", "vnic_id"),
)
