"""The engines that work on this database at the moment, and which of them watches which host."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, UniqueConstraint

from netweft.engine.model.base import Utc, id_column, metadata, reference

replicas = Table(
    "replicas",
    metadata,
    id_column(),
    # Machine and process, for people who look.
    Column("name", String(255), nullable=False),
    # Its last sign of life.
    Column("heartbeat", Utc, nullable=False),
)

# A host without a row is free. A row is good for as long as its replica is there.
host_leases = Table(
    "host_leases",
    metadata,
    reference("host_id", "hosts.id", on_delete="CASCADE", index=False),
    reference("replica_id", "replicas.id", on_delete="CASCADE"),
    UniqueConstraint("host_id"),
)
