"""Adding, changing and removing pools of MAC addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from netweft.core.keep import KEEP, Keep
from netweft.core.rules import check, fields
from netweft.core.rules import mac_pool as rules
from netweft.core.rules.mac_pool import MacRange
from netweft.engine import audit
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.changes import Texts, changes, made, updated
from netweft.engine.db import Tx, lock, new_id
from netweft.engine.model.mac_pools import MacPoolRow, mac_pools, mac_ranges
from netweft.engine.operations.mac_addresses import set_exclusive
from netweft.engine.operations.races import name_taken, translate_constraint_errors
from netweft.engine.queries import mac_pools as queries
from netweft.engine.statements import add

_ADD = "Cannot add MAC Pool."
_UPDATE = "Cannot edit MAC Pool."
_REMOVE = "Cannot remove MAC Pool."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fields(Texts):
    allow_duplicates: bool | Keep = KEEP
    is_default: bool | Keep = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMacPool(_Fields):
    """A pool to be."""

    name: str
    ranges: tuple[MacRange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMacPool(_Fields):
    """What changes of a pool. ``ranges`` are all that it is to have."""

    id: str
    ranges: tuple[MacRange, ...] | Keep = KEEP


def add_mac_pool(tx: Tx, actor: Actor, spec: AddMacPool) -> str:
    """Add a pool; its creator becomes its administrator. Returns its id.

    Needs CREATE_MAC_POOL on the system. Raises DeniedError, ValidationError.
    """
    authorize.require(tx, actor, ActionGroup.CREATE_MAC_POOL)
    check(_ADD, rules.default_is_not_requested(is_default=spec.is_default is True))
    # Whoever changes ranges waits here, so that two pools cannot take the same range at once.
    lock(tx, mac_pools, queries.default_id(tx))
    _check_ranges(tx, _ADD, spec.ranges)
    pool_id = insert_pool(tx, spec)
    if actor.user_id:
        authorize.grant(tx, actor.user_id, "MacPoolAdmin", ObjectRef(ObjectType.MAC_POOL, pool_id))
    audit.record(tx, actor, 10700, f"MAC pool {spec.name} was added by {actor.name}.")
    return pool_id


def insert_pool(tx: Tx, spec: AddMacPool) -> str:
    """The rows of a new pool. Asks no rule but that on names, records no event; returns the pool's id."""
    pool = made(MacPoolRow, spec, id=new_id())
    check(_ADD, *fields.texts_are_valid("MAC pool", pool))
    with translate_constraint_errors(_ADD, lambda _: name_taken("MAC pool", spec.name)):
        add(tx, mac_pools, pool)
    _insert_ranges(tx, pool.id, spec.ranges)
    return pool.id


def update_mac_pool(tx: Tx, actor: Actor, spec: UpdateMacPool) -> None:
    """Change a pool. Addresses in use outside of its new ranges stay in use.

    Needs EDIT_MAC_POOL on it. Raises NotFoundError, DeniedError, ValidationError.
    """
    lock(tx, mac_pools, queries.default_id(tx))
    before = lock(tx, mac_pools, spec.id)
    authorize.require(tx, actor, ActionGroup.EDIT_MAC_POOL, ObjectRef(ObjectType.MAC_POOL, spec.id))
    after = updated(before, spec)
    changed = changes(before, after)
    forbids = changed.get("allow_duplicates") is False
    check(
        _UPDATE,
        rules.default_is_kept(before=before.is_default, after=after.is_default),
        *fields.texts_are_valid("MAC pool", after),
        rules.duplicates_may_be_forbidden(queries.duplicates_in(tx, spec.id) if forbids else ()),
    )
    stored = queries.ranges(tx, spec.id)
    ranges = stored if spec.ranges is KEEP else sorted(spec.ranges)
    if ranges != stored:
        _check_ranges(tx, _UPDATE, ranges, besides=spec.id)
        tx.execute(sa.delete(mac_ranges).where(mac_ranges.c.pool_id == spec.id))
        _insert_ranges(tx, spec.id, ranges)
    elif not changed:
        return
    if "allow_duplicates" in changed:
        set_exclusive(tx, spec.id, exclusive=forbids)
    if changed:
        with translate_constraint_errors(_UPDATE, lambda _: name_taken("MAC pool", after.name)):
            tx.execute(sa.update(mac_pools).where(mac_pools.c.id == spec.id).values(changed))
    audit.record(tx, actor, 10702, f"MAC pool {after.name} was changed by {actor.name}.")


def remove_mac_pool(tx: Tx, actor: Actor, pool_id: str) -> None:
    """Remove a pool that no cluster uses.

    Needs DELETE_MAC_POOL on it. Raises NotFoundError, DeniedError, ValidationError.
    """
    pool = lock(tx, mac_pools, pool_id)
    authorize.require(tx, actor, ActionGroup.DELETE_MAC_POOL, ObjectRef(ObjectType.MAC_POOL, pool_id))
    check(
        _REMOVE,
        rules.is_not_default(pool.name, is_default=pool.is_default),
        rules.is_unused(pool.name, queries.clusters_using(tx, pool_id)),
    )
    authorize.forget(tx, pool_id)
    with translate_constraint_errors(_REMOVE, lambda _: None):
        tx.execute(sa.delete(mac_pools).where(mac_pools.c.id == pool_id))
    audit.record(tx, actor, 10704, f"MAC pool {pool.name} was removed by {actor.name}.")


def _check_ranges(tx: Tx, action: str, ranges: Sequence[MacRange], *, besides: str = "") -> None:
    check(action, rules.has_ranges(ranges), *(rules.range_is_valid(one) for one in ranges))
    check(action, rules.ranges_are_apart(ranges))
    check(action, rules.ranges_overlap_no_other_pool(ranges, queries.ranges_of_others(tx, besides)))


def _insert_ranges(tx: Tx, pool_id: str, ranges: Sequence[MacRange]) -> None:
    tx.execute(sa.insert(mac_ranges), [{"pool_id": pool_id, "first": one.first, "last": one.last} for one in ranges])
