"""vNIC profiles: how vNICs use a network."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Index, String, Table, Text, UniqueConstraint, text

from netweft.engine.model.base import ID_LENGTH, Json, id_column, metadata, reference

vnic_profiles = Table(
    "vnic_profiles",
    metadata,
    id_column(),
    reference("network_id", "networks.id", on_delete="CASCADE", index=False),
    Column("name", String(256), nullable=False),
    Column("description", Text, nullable=False),
    Column("comment", Text, nullable=False),
    # Made with its network, and renamed with it.
    Column("is_default", Boolean, nullable=False),
    Column("port_mirroring", Boolean, nullable=False),
    Column("passthrough", Boolean, nullable=False),
    Column("migratable", Boolean, nullable=False),
    # One of core.network_filters; null: none.
    Column("network_filter_id", String(ID_LENGTH)),
    # Limits of its vNICs' traffic; null: none.
    reference("qos_id", "qoss.id", nullable=True, on_delete="SET NULL"),
    # What takes over while a passthrough vNIC is away; null: nothing.
    reference("failover_id", "vnic_profiles.id", nullable=True, on_delete="SET NULL"),
    # An object of strings.
    Column("custom_properties", Json, nullable=False),
    UniqueConstraint("network_id", "name"),
    CheckConstraint(
        "NOT passthrough OR (network_filter_id IS NULL AND qos_id IS NULL AND NOT port_mirroring)",
        name="passthrough_stands_alone",
    ),
    CheckConstraint("failover_id IS NULL OR passthrough AND migratable", name="failover_of_passthrough"),
)

Index(
    "uq_vnic_profiles_default",
    vnic_profiles.c.network_id,
    unique=True,
    sqlite_where=text("is_default"),
    postgresql_where=text("is_default"),
)
