"""Reads of MAC pools, their ranges, and the addresses in use."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection

import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.core.rules.mac_pool import MacRange, mac_text
from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.mac_pools import MacPoolRow, MacRangeRow, mac_addresses, mac_pools, mac_ranges
from netweft.engine.model.snapshots import snapshot_vnics, snapshots
from netweft.engine.model.vms import vms
from netweft.engine.model.vnics import vnics
from netweft.engine.noun import Noun, ObjectType, searched
from netweft.engine.statements import Statement, rows

MAC_POOLS = Noun(
    mac_pools,
    MacPoolRow,
    "MAC pool",
    search=searched(mac_pools),
    object_type=ObjectType.MAC_POOL,
)
get = MAC_POOLS.get


def default_id(tx: Tx) -> str:
    """The id of the default pool; raises NotFoundError in an engine that was not seeded."""
    found = tx.scalar(sa.select(mac_pools.c.id).where(mac_pools.c.is_default))
    if found is None:
        raise NotFoundError("There is no default MAC pool.")
    return str(found)


def of_cluster(tx: Tx, cluster_id: str) -> str:
    """The id of the pool that a cluster takes its addresses from; raises NotFoundError."""
    found = _OF_CLUSTER.first(tx, id=cluster_id)
    if found is None:
        raise NotFoundError(f"There is no cluster with the id {cluster_id}.")
    return str(found[0])


_OF_CLUSTER = Statement(sa.select(clusters.c.mac_pool_id).where(clusters.c.id == sa.bindparam("id")))


def ranges(tx: Tx, pool_id: str) -> list[MacRange]:
    """The ranges of one pool, in order."""
    return [MacRange(row.first, row.last) for row in _RANGES.all(tx, pool_id=pool_id)]


_RANGES = Statement(
    sa.select(mac_ranges).where(mac_ranges.c.pool_id == sa.bindparam("pool_id")).order_by(mac_ranges.c.first),
    record=MacRangeRow,
)
RANGES_FOR_VM = Statement(
    sa.select(mac_ranges)
    .join(clusters, clusters.c.mac_pool_id == mac_ranges.c.pool_id)
    .join(vms, vms.c.cluster_id == clusters.c.id)
    .where(vms.c.id == sa.bindparam("vm_id"))
    .order_by(mac_ranges.c.first),
    record=MacRangeRow,
)
""":func:`ranges` of the pool that a virtual machine's addresses are of, for who asks more at once."""


def ranges_of(tx: Tx, pool_ids: Collection[str]) -> dict[str, list[MacRange]]:
    """The ranges of each pool, in order."""
    found: defaultdict[str, list[MacRange]] = defaultdict(list)
    query = sa.select(mac_ranges).where(mac_ranges.c.pool_id.in_(pool_ids)).order_by(mac_ranges.c.first)
    for row in rows(tx, MacRangeRow, query):
        found[row.pool_id].append(MacRange(row.first, row.last))
    return found


def ranges_of_others(tx: Tx, besides: str = "") -> list[tuple[str, MacRange]]:
    """Pool name and range of every pool other than ``besides``."""
    found = tx.execute(
        sa.select(mac_pools.c.name, mac_ranges.c.first, mac_ranges.c.last)
        .join(mac_pools, mac_pools.c.id == mac_ranges.c.pool_id)
        .where(mac_pools.c.id != besides)
    )
    return [(name, MacRange(first, last)) for name, first, last in found]


def clusters_using(tx: Tx, pool_id: str) -> list[str]:
    """Names of the clusters that take their addresses from the pool."""
    return list(tx.scalars(sa.select(clusters.c.name).where(clusters.c.mac_pool_id == pool_id)))


def duplicates_in(tx: Tx, pool_id: str) -> list[str]:
    """Addresses of the pool that several vNICs have, here or in another pool that forbids it."""
    other = mac_addresses.alias()
    elsewhere = sa.exists().where(
        other.c.address == mac_addresses.c.address, other.c.pool_id != mac_addresses.c.pool_id, other.c.exclusive
    )
    rows = tx.scalars(
        sa.select(mac_addresses.c.address).where(
            mac_addresses.c.pool_id == pool_id, sa.or_(mac_addresses.c.uses > 1, elsewhere)
        )
    )
    return [mac_text(address) for address in rows]


def macs_of_cluster(tx: Tx, cluster_id: str) -> list[str]:
    """The addresses of all machines of a cluster, each as often as :func:`macs_of_vms` counts it."""
    held = macs_of_vms(tx, vms.c.cluster_id == cluster_id)
    return [mac for counts in held.values() for mac in counts.elements()]


def macs_of_vms(tx: Tx, which: sa.ColumnElement[bool]) -> dict[str, Counter[str]]:
    """The addresses in use by each of these machines, and how many of its vNICs have them: now, or in one of the
    snapshots that it can go back to.
    """
    now = sa.select(vnics.c.vm_id, sa.literal("").label("snapshot_id"), vnics.c.mac)
    then = sa.select(snapshots.c.vm_id, snapshots.c.id, snapshot_vnics.c.mac).join(
        snapshot_vnics, snapshot_vnics.c.snapshot_id == snapshots.c.id
    )
    of_vms = sa.select(vms.c.id).where(which)
    query = now.where(vnics.c.vm_id.in_(of_vms)).union_all(then.where(snapshots.c.vm_id.in_(of_vms)))
    states: dict[tuple[str, str], Counter[str]] = {}
    for vm_id, snapshot_id, mac in tx.execute(query):
        states.setdefault((vm_id, snapshot_id), Counter())[mac] += 1
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for (vm_id, _), counts in states.items():
        found[vm_id] |= counts  # the larger of both
    return found


def is_kept(tx: Tx, vm_id: str, mac: str) -> bool:
    """Whether snapshots of a machine hold an address for more vNICs than have it now."""
    has = sa.select(sa.func.count()).select_from(vnics).where(vnics.c.vm_id == vm_id, vnics.c.mac == mac)
    return macs_of_vms(tx, vms.c.id == vm_id)[vm_id][mac] > (tx.scalar(has) or 0)


def user_of(tx: Tx, pool_id: str, mac: str) -> str:
    """The name of a VM that has the address, now or in a snapshot, of the pool or of another one that forbids
    duplicates; empty when none has it (any more).
    """
    kept = sa.exists().where(
        snapshots.c.vm_id == vms.c.id, snapshot_vnics.c.snapshot_id == snapshots.c.id, snapshot_vnics.c.mac == mac
    )
    has = sa.or_(sa.exists().where(vnics.c.vm_id == vms.c.id, vnics.c.mac == mac), kept)
    query = sa.select(vms.c.name).join(clusters, clusters.c.id == vms.c.cluster_id)
    query = query.join(mac_pools, mac_pools.c.id == clusters.c.mac_pool_id)
    counts = sa.or_(mac_pools.c.id == pool_id, sa.not_(mac_pools.c.allow_duplicates))
    return tx.scalar(query.where(has, counts).order_by(vms.c.name).limit(1)) or ""
