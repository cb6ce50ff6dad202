"""Pools of MAC addresses, their ranges, and the addresses that are in use."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import BigInteger, CheckConstraint, Index, PrimaryKeyConstraint, UniqueConstraint, false, text

from netweft.engine.model.records import Key, LongText, Name, Record, Refers, With, stored


class MacPoolRow(Record, frozen=True):
    """A pool of MAC addresses."""

    id: Key
    name: Name
    description: LongText = ""
    comment: LongText = ""
    allow_duplicates: bool = False
    is_default: bool = False


mac_pools = stored(
    "mac_pools",
    MacPoolRow,
    UniqueConstraint("name"),
)

Index(
    "uq_mac_pools_default",
    mac_pools.c.is_default,
    unique=True,
    sqlite_where=text("is_default"),
    postgresql_where=text("is_default"),
)


class MacRangeRow(Record, frozen=True):
    """A range of a pool. Addresses are numbers of 48 bits here, so that the database can count with them."""

    pool_id: Annotated[str, Refers("mac_pools.id", on_delete="CASCADE", index=False)]
    first: Annotated[int, BigInteger()]
    last: Annotated[int, BigInteger()]


mac_ranges = stored(
    "mac_ranges",
    MacRangeRow,
    PrimaryKeyConstraint("pool_id", "first"),
    CheckConstraint("first <= last", name="upwards"),
)


class MacAddressRow(Record, frozen=True):
    """An address in use."""

    pool_id: Annotated[str, Refers("mac_pools.id", index=False)]
    address: Annotated[int, BigInteger()]
    # How many vNICs have it, or have it kept for them: more than one only in a pool that allows duplicates.
    uses: int
    # Whether its pool forbids duplicates. Of such pools only one has the address.
    exclusive: Annotated[bool, With(server_default=false())] = False


mac_addresses = stored(
    "mac_addresses",
    MacAddressRow,
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
