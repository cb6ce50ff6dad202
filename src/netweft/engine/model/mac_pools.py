"""Pools of MAC addresses, their ranges, and the addresses that are in use."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from netweft.engine.model.base import id_column, metadata, reference

mac_pools = Table(
    "mac_pools",
    metadata,
    id_column(),
    Column("name", String(256), nullable=False),
    Column("description", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("allow_duplicates", Boolean, nullable=False),
    Column("is_default", Boolean, nullable=False),
    UniqueConstraint("name"),
)

Index(
    "uq_mac_pools_default",
    mac_pools.c.is_default,
    unique=True,
    sqlite_where=text("is_default"),
    postgresql_where=text("is_default"),
)

# Addresses are numbers of 48 bits here, so that the database can count with them.
mac_ranges = Table(
    "mac_ranges",
    metadata,
    reference("pool_id", "mac_pools.id", on_delete="CASCADE", index=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    PrimaryKeyConstraint("pool_id", "first"),
    CheckConstraint("first <= last", name="upwards"),
)

mac_addresses = Table(
    "mac_addresses",
    metadata,
    reference("pool_id", "mac_pools.id", index=False),
    Column("address", BigInteger, nullable=False),
    # How many vNICs have it, or have it kept for them: more than one only in a pool that allows duplicates.
    Column("uses", Integer, nullable=False),
    # Whether its pool forbids duplicates. Of such pools only one has the address.
    Column("exclusive", Boolean, nullable=False, server_default=false()),
    # The pool comes second, because a pool gives no address that another one has given.
    PrimaryKeyConstraint("address", "pool_id"),
    CheckConstraint("uses > 0", name="uses"),
)
"""Addresses in use, by vNICs and by snapshots of them. The primary key, and the unique index over all pools that forbid
duplicates, are what keeps two machines from getting the same one.
"""

Index(
    "uq_mac_addresses_exclusive",
    mac_addresses.c.address,
    unique=True,
    sqlite_where=text("exclusive"),
    postgresql_where=text("exclusive"),
)

Index("ix_mac_addresses_pool_id_address", mac_addresses.c.pool_id, mac_addresses.c.address)
