"""The vNICs of virtual machines, and the parameters of their network filters."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, String, Table, Text, UniqueConstraint

from netweft.engine.model.base import id_column, metadata, reference

vnics = Table(
    "vnics",
    metadata,
    id_column(),
    reference("vm_id", "vms.id", on_delete="CASCADE", index=False),
    Column("name", String(50), nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    # Null: the vNIC is on no network.
    reference("profile_id", "vnic_profiles.id", nullable=True),
    Column("mac", String(17), nullable=False, index=True),
    Column("interface", String(32), nullable=False),
    Column("plugged", Boolean, nullable=False),
    Column("linked", Boolean, nullable=False),
    # Whether what runs is what is wanted; false after the network's VLAN or MTU changed under a running vNIC.
    Column("synced", Boolean, nullable=False),
    UniqueConstraint("vm_id", "name"),
)

filter_parameters = Table(
    "filter_parameters",
    metadata,
    id_column(),
    reference("vnic_id", "vnics.id", on_delete="CASCADE"),
    # A name may come again: libvirt's filters take lists so.
    Column("name", String(255), nullable=False),
    Column("value", String(255), nullable=False),
)
