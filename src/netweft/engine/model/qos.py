"""QoS: limits of network traffic, by data centre."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, String, Table, Text, UniqueConstraint

from netweft.core.rules.qos import LIMITS
from netweft.engine.model.base import id_column, metadata, reference

qoss = Table(
    "qoss",
    metadata,
    id_column(),
    reference("data_center_id", "data_centers.id", on_delete="CASCADE", index=False),
    Column("name", String(256), nullable=False),
    Column("description", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("type", String(16), nullable=False),
    # Averages and peaks in Mbit/s, bursts in MB, shares of the link 1 to 100; null: no limit.
    *(Column(name, Integer) for name in LIMITS),
    UniqueConstraint("data_center_id", "name"),
    CheckConstraint("type IN ('network', 'hostnetwork')", name="type"),
)
