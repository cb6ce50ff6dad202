"""Snapshots of virtual machines: their hardware and their vNICs, as they were."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, PrimaryKeyConstraint, String, Table, Text

from netweft.engine.model.base import ID_LENGTH, Json, Utc, id_column, metadata, reference

snapshots = Table(
    "snapshots",
    metadata,
    id_column(),
    reference("vm_id", "vms.id", on_delete="CASCADE"),
    Column("description", Text, nullable=False),
    # regular; preview: what the machine was before it was shown as one of these; stateless: before a stateless run.
    Column("kind", String(16), nullable=False),
    # Whether the machine is shown as this one, until that is committed or undone.
    Column("in_preview", Boolean, nullable=False),
    # The columns of the machine's hardware.
    Column("hardware", Json, nullable=False),
    Column("created_at", Utc, nullable=False),
    CheckConstraint("kind IN ('regular', 'preview', 'stateless')", name="kind"),
)
"""The machine as it is now, which oVirt lists among them, has no row."""

snapshot_vnics = Table(
    "snapshot_vnics",
    metadata,
    reference("snapshot_id", "snapshots.id", on_delete="CASCADE", index=False),
    # That of the machine's vNIC, which may be gone.
    Column("vnic_id", String(ID_LENGTH), nullable=False),
    Column("name", String(50), nullable=False),
    Column("description", Text, nullable=False),
    # Null: on no network, or on one that is gone.
    reference("profile_id", "vnic_profiles.id", nullable=True, on_delete="SET NULL"),
    # Kept for the snapshot: nobody else gets it.
    Column("mac", String(17), nullable=False, index=True),
    Column("interface", String(32), nullable=False),
    Column("plugged", Boolean, nullable=False),
    Column("linked", Boolean, nullable=False),
    # Of its network filter: a list of {"name": ..., "value": ...}.
    Column("parameters", Json, nullable=False),
    PrimaryKeyConstraint("snapshot_id", "vnic_id"),
)
