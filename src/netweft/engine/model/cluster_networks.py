"""Which networks clusters have, and what for."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    text,
)

from netweft.engine.model.base import ID_LENGTH, metadata, reference

cluster_networks = Table(
    "cluster_networks",
    metadata,
    reference("cluster_id", "clusters.id", on_delete="CASCADE", index=False),
    reference("network_id", "networks.id", on_delete="CASCADE"),
    Column("required", Boolean, nullable=False),
    Column("status", String(16), nullable=False),
    Column("management", Boolean, nullable=False),
    Column("display", Boolean, nullable=False),
    Column("migration", Boolean, nullable=False),
    Column("default_route", Boolean, nullable=False),
    Column("gluster", Boolean, nullable=False),
    PrimaryKeyConstraint("cluster_id", "network_id"),
    CheckConstraint("status IN ('operational', 'non_operational')", name="status"),
    CheckConstraint("required OR NOT management", name="management_required"),
    CheckConstraint("required OR status = 'operational'", name="optional_operational"),
)

# At most one network of a cluster has each role.
for _role in ("management", "display", "migration", "default_route", "gluster"):
    Index(
        f"uq_cluster_networks_{_role}",
        cluster_networks.c.cluster_id,
        unique=True,
        sqlite_where=text(_role),
        postgresql_where=text(_role),
    )

missing_networks = Table(
    "missing_networks",
    metadata,
    Column("cluster_id", String(ID_LENGTH), nullable=False),
    Column("network_id", String(ID_LENGTH), nullable=False),
    reference("host_id", "hosts.id", on_delete="CASCADE"),
    PrimaryKeyConstraint("cluster_id", "network_id", "host_id"),
    ForeignKeyConstraint(
        ["cluster_id", "network_id"],
        ["cluster_networks.cluster_id", "cluster_networks.network_id"],
        ondelete="CASCADE",
    ),
)
"""A row for each required network of its cluster that a host which is up has no attachment of: what the status of the
network follows from (:mod:`netweft.engine.commands.network_status`).
"""
