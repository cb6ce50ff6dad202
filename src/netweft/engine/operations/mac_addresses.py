"""Allocating and releasing MAC addresses of vNICs.

Parts of other commands: they check no permissions, and record events only when a pool runs out.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from netweft.core.rules import check
from netweft.core.rules import mac_pool as rules
from netweft.core.rules.mac_pool import MacRange, mac_number, mac_text
from netweft.engine import audit
from netweft.engine.actor import SYSTEM
from netweft.engine.db import Tx
from netweft.engine.model.mac_pools import mac_addresses, mac_pools
from netweft.engine.queries import mac_pools as queries
from netweft.engine.statements import Statement

_TRIES = 8
"""Random addresses to try before the first gap is searched for.

With the pool half full, one in 256 allocations searches.
"""

POOL_EMPTY, POOL_ALMOST_EMPTY = 816, 8160
"""Event codes (oVirt: MAC_POOL_EMPTY, MAC_POOL_ALMOST_EMPTY)."""

FEW = 10
"""Free addresses at which a warning is recorded (oVirt: RemainingMacsInPoolWarningThreshold)."""

_SMALL = 1024
"""Size of the largest pool that is counted at every allocation; larger ones are counted when random tries fail, which
happens when few addresses are left.
"""

_CHUNK = 500
"""Addresses in one statement, below the limits on parameters of both databases."""


def allocate_mac(
    tx: Tx, pool_id: str, *, action: str = "Cannot add Interface.", ranges: Sequence[MacRange] | None = None
) -> str:
    """Allocate a free address of the pool; the primary key of mac_addresses makes it unique.

    Addresses are picked at random: commands that allocate at the same time do not wait for each other, and a released
    address is not reused soon. ``ranges``: the pool's, if the caller has read them. Raises
    ValidationError when the pool is empty.
    """
    ranges = queries.ranges(tx, pool_id) if ranges is None else ranges
    sizes = [one.last - one.first + 1 for one in ranges]
    for _ in range(_TRIES):
        address = _nth(ranges, secrets.randbelow(sum(sizes)))
        if _insert_unless_used(tx, pool_id, address):
            if sum(sizes) <= _SMALL:
                _warn_of_few(tx, pool_id, ranges)
            return mac_text(address)
    while (free := _first_free(tx, ranges)) is not None:
        if _insert_unless_used(tx, pool_id, free):
            _warn_of_few(tx, pool_id, ranges)
            return mac_text(free)
    check(action, rules.pool_has_free(queries.get(tx, pool_id).name, found=False))
    raise AssertionError("unreachable: the rule does not hold")


def take_mac(tx: Tx, pool_id: str, mac: str, *, action: str = "Cannot add Interface.") -> str:
    """Use a certain address, inside or outside of the pool's ranges; returns it in lower case.

    Raises ValidationError when it is no address, or when the pool forbids duplicates and a vNIC has it, in this pool or
    in another one that forbids them.
    """
    check(action, rules.mac_is_valid(mac))
    address = mac_number(mac)
    exclusive = _is_exclusive(tx, pool_id)
    row = {"address": address, "pool_id": pool_id, "uses": 1, "exclusive": exclusive}
    if not exclusive:
        _insert_or_count(tx, row)
    elif not _came_in(tx, _insert(tx).values(row)):
        check(
            action,
            rules.mac_is_free(mac_text(address), queries.user_of(tx, pool_id, mac_text(address))),
        )
    return mac_text(address)


def take_mac_for(tx: Tx, vm_id: str, pool_id: str, mac: str, *, action: str) -> str:
    """:func:`take_mac` for a new vNIC of a machine, unless the address is kept for a snapshot of it already."""
    if queries.is_kept(tx, vm_id, mac.lower()):
        return mac.lower()
    return take_mac(tx, pool_id, mac, action=action)


def release_mac_of(tx: Tx, vm_id: str, pool_id: str, mac: str) -> None:
    """:func:`release_mac` for a vNIC that is gone, or has another address by now, unless a snapshot of the machine
    keeps it.
    """
    if not queries.is_kept(tx, vm_id, mac):
        release_mac(tx, pool_id, mac)


def release_mac(tx: Tx, pool_id: str, mac: str) -> None:
    """One vNIC less has the address; with the last, it is free again."""
    here = sa.and_(mac_addresses.c.address == mac_number(mac), mac_addresses.c.pool_id == pool_id)
    shared = tx.execute(
        sa.update(mac_addresses).where(here, mac_addresses.c.uses > 1).values(uses=mac_addresses.c.uses - 1)
    )
    if not shared.rowcount:
        tx.execute(sa.delete(mac_addresses).where(here))


def move_macs(tx: Tx, macs: Sequence[str], from_pool: str, to_pool: str, *, action: str) -> None:
    """Move addresses (one for each vNIC) to another pool.

    Raises ValidationError when that would make duplicates in a pool that forbids them.
    """
    counts = Counter(mac_number(mac) for mac in macs)
    exclusive = _is_exclusive(tx, to_pool)
    if exclusive:
        taken = _taken_from(tx, from_pool, to_pool, list(counts))
        doubled = [mac_text(address) for address, count in counts.items() if count > 1 or address in taken]
        check(action, rules.move_makes_no_duplicates(doubled))
    for address, count in counts.items():
        here = sa.and_(mac_addresses.c.address == address, mac_addresses.c.pool_id == from_pool)
        tx.execute(sa.delete(mac_addresses).where(here, mac_addresses.c.uses <= count))
        tx.execute(sa.update(mac_addresses).where(here).values(uses=mac_addresses.c.uses - count))
        _insert_or_count(tx, {"address": address, "pool_id": to_pool, "uses": count, "exclusive": exclusive})


def _is_exclusive(tx: Tx, pool_id: str) -> bool:
    """Whether a pool forbids duplicates; that does not change before our commit, as its row is locked (shared)."""
    allowing = sa.select(mac_pools.c.allow_duplicates).where(mac_pools.c.id == pool_id)
    return not tx.execute(allowing.with_for_update(read=True)).scalar_one()


def set_exclusive(tx: Tx, pool_id: str, *, exclusive: bool) -> None:
    """Store with all addresses of a pool whether the pool forbids duplicates. The lock of the pool's row prevents
    allocations meanwhile (:data:`_MARK`, :func:`take_mac`).
    """
    tx.execute(sa.select(mac_pools.c.id).where(mac_pools.c.id == pool_id).with_for_update())
    tx.execute(sa.update(mac_addresses).where(mac_addresses.c.pool_id == pool_id).values(exclusive=exclusive))


def _warn_of_few(tx: Tx, pool_id: str, ranges: Sequence[MacRange]) -> None:
    """Record an event when the pool has few addresses left, or none."""
    inside = sa.or_(*(mac_addresses.c.address.between(one.first, one.last) for one in ranges))
    used = tx.scalar(sa.select(sa.func.count(mac_addresses.c.address.distinct())).where(inside)) or 0
    left = sum(one.last - one.first + 1 for one in ranges) - used
    if left > FEW:
        return
    name = queries.get(tx, pool_id).name
    code, text = (
        (POOL_ALMOST_EMPTY, f"MAC pool {name} has {left} addresses left. Add a range to it.")
        if left
        else (POOL_EMPTY, f"MAC pool {name} has no address left. Add a range to it, or remove vNICs.")
    )
    audit.record(tx, SYSTEM, code, text, audit.Severity.WARNING)


def _insert(tx: Tx) -> Any:  # noqa: ANN401 - the two dialects' inserts share on_conflict_*, but no type
    return postgresql.insert(mac_addresses) if tx.dialect.name == "postgresql" else sqlite.insert(mac_addresses)


def _insert_or_count(tx: Tx, row: dict[str, Any]) -> None:
    """One vNIC (or ``uses``) more has the address."""
    tx.execute(
        _insert(tx)
        .values(row)
        .on_conflict_do_update(index_elements=["address", "pool_id"], set_={"uses": mac_addresses.c.uses + row["uses"]})
    )


def _insert_unless_used(tx: Tx, pool_id: str, address: int) -> bool:
    """Mark an address as used; False when it is used already, in whatever pool."""
    return _MARK[tx.dialect.name].first(tx, address=address, pool_id=pool_id) is not None


def _mark(insert: Any) -> Statement[tuple[Any, ...]]:  # noqa: ANN401 - as above
    address, used = sa.bindparam("address", type_=sa.BigInteger), sa.exists().correlate(None)
    pool = sa.select(sa.not_(mac_pools.c.allow_duplicates)).where(mac_pools.c.id == sa.bindparam("pool_id"))
    exclusive = pool.with_for_update(read=True, key_share=True).scalar_subquery()
    values = sa.select(address, sa.bindparam("pool_id", type_=sa.String), sa.literal(1, sa.Integer), exclusive).where(
        sa.not_(used.where(mac_addresses.c.address == address))
    )
    into = insert(mac_addresses).from_select(["address", "pool_id", "uses", "exclusive"], values)
    return Statement(into.on_conflict_do_nothing().returning(mac_addresses.c.address))


_MARK = {"postgresql": _mark(postgresql.insert), "sqlite": _mark(sqlite.insert)}


def _came_in(tx: Tx, insert: Any) -> bool:  # noqa: ANN401 - as above
    """Whether the row is new. Uses RETURNING, as the drivers' row counts of an INSERT are unreliable."""
    return tx.execute(insert.on_conflict_do_nothing().returning(mac_addresses.c.address)).first() is not None


def _nth(ranges: Sequence[MacRange], position: int) -> int:
    """The address at a position, counted over all ranges."""
    for one in ranges:
        size = one.last - one.first + 1
        if position < size:
            return one.first + position
        position -= size
    raise IndexError(position)


def _first_free(tx: Tx, ranges: Sequence[MacRange]) -> int | None:
    """The lowest free address of the ranges."""
    after = mac_addresses.alias()
    for one in ranges:
        begins_used = tx.scalar(sa.select(sa.exists().where(mac_addresses.c.address == one.first)))
        if not begins_used:
            return one.first
        gap = tx.scalar(
            sa.select(sa.func.min(mac_addresses.c.address)).where(
                mac_addresses.c.address.between(one.first, one.last - 1),
                sa.not_(sa.exists().where(after.c.address == mac_addresses.c.address + 1)),
            )
        )
        if gap is not None:
            return int(gap) + 1
    return None


def _taken_from(tx: Tx, from_pool: str, to_pool: str, addresses: Sequence[int]) -> set[int]:
    """Those of the addresses that a pool which forbids duplicates cannot take over from another one: it has them, or
    a third that forbids them too.
    """
    third = sa.and_(mac_addresses.c.exclusive, mac_addresses.c.pool_id != from_pool)
    query = sa.select(mac_addresses.c.address).where(sa.or_(mac_addresses.c.pool_id == to_pool, third))
    found: set[int] = set()
    for start in range(0, len(addresses), _CHUNK):
        found.update(tx.scalars(query.where(mac_addresses.c.address.in_(addresses[start : start + _CHUNK]))))
    return found
