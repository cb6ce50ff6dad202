"""Clusters: hosts that share a switch technology, a management network and a pool of MAC addresses."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, String, Table, Text, UniqueConstraint

from netweft.engine.model.base import id_column, metadata, reference

clusters = Table(
    "clusters",
    metadata,
    id_column(),
    Column("name", String(256), nullable=False),
    Column("description", Text, nullable=False),
    Column("comment", Text, nullable=False),
    reference("data_center_id", "data_centers.id"),
    reference("mac_pool_id", "mac_pools.id"),
    Column("switch_type", String(8), nullable=False),
    # Compatibility version, "4.7".
    Column("version", String(8), nullable=False),
    # CPU type as the client gave it ("Intel Nehalem Family"); nothing here depends on it.
    Column("cpu_type", String(255), nullable=False),
    # Of its processors, as the client gave it; "undefined": any.
    Column("cpu_architecture", String(16), nullable=False, server_default="undefined"),
    UniqueConstraint("name"),
    CheckConstraint("switch_type IN ('legacy', 'ovs')", name="switch_type"),
)
