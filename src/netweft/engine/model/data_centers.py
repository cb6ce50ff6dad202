"""Data centres."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, String, Table, Text, UniqueConstraint

from netweft.engine.model.base import id_column, metadata

data_centers = Table(
    "data_centers",
    metadata,
    id_column(),
    Column("name", String(256), nullable=False),
    Column("description", Text, nullable=False),
    Column("comment", Text, nullable=False),
    # Whether its hosts have storage of their own; kept for clients that ask, nothing here depends on it.
    Column("local", Boolean, nullable=False),
    # Compatibility version, "4.7".
    Column("version", String(8), nullable=False),
    UniqueConstraint("name"),
)
