"""What is wanted on hosts: attachments and bonds, and the changes that are to bring new ones."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, PrimaryKeyConstraint, String, Table, Text, UniqueConstraint

from netloom.engine.model.base import Json, Utc, id_column, metadata, reference

attachments = Table(
    "attachments",
    metadata,
    id_column(),
    reference("host_id", "hosts.id", on_delete="CASCADE", index=False),
    reference("network_id", "networks.id"),
    # The NIC or bond by its name, not by the id of a reported NIC: the intent outlives a NIC that is pulled out and put back.
    Column("nic", String(50), nullable=False),
    # As core.desired has them; null where the request said nothing about the family.
    Column("ipv4", Json),
    Column("ipv6", Json),
    Column("dns", Json),
    Column("properties", Json, nullable=False),
    UniqueConstraint("host_id", "network_id"),
)

host_bonds = Table(
    "host_bonds",
    metadata,
    reference("host_id", "hosts.id", on_delete="CASCADE", index=False),
    Column("name", String(50), nullable=False),
    Column("mode", String(32), nullable=False),
    Column("options", Json, nullable=False),
    Column("ports", Json, nullable=False),
    PrimaryKeyConstraint("host_id", "name"),
)

host_changes = Table(
    "host_changes",
    metadata,
    reference("host_id", "hosts.id", on_delete="CASCADE", index=False),
    Column("generation", Integer, nullable=False),
    # The attachments and bonds to be; null when those that are stored are to be put on the host again.
    Column("candidate", Json),
    Column("reason", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("error", Text, nullable=False, server_default=""),
    Column("created_at", Utc, nullable=False),
    PrimaryKeyConstraint("host_id", "generation"),
    CheckConstraint("state IN ('pending', 'applied', 'refused')", name="state"),
)
"""One row for each generation of a host's intent that was given out: what it was to bring, why, and how it ended."""
