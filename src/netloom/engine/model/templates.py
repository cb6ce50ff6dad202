"""Templates of virtual machines. There is one so far: Blank."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text, UniqueConstraint

from netloom.engine.model.base import Utc, id_column, metadata

templates = Table(
    "templates",
    metadata,
    id_column(),
    Column("name", String(256), nullable=False),
    Column("description", Text, nullable=False),
    Column("comment", Text, nullable=False),
    # Octets.
    Column("memory", BigInteger, nullable=False),
    Column("sockets", Integer, nullable=False),
    Column("cores", Integer, nullable=False),
    Column("threads", Integer, nullable=False),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("name"),
)
