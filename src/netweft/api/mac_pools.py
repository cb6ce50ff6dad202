"""Pools of MAC addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UnsetType
from sqlalchemy.engine import Row

from netweft.api.follow import loads
from netweft.api.routes import READ, Call, Routes, many
from netweft.api.schema import given, keep
from netweft.api.search import LISTED, Searchable
from netweft.api.shown import columns, required, see, visible_page
from netweft.api.types import MacPool, Range
from netweft.core.errors import MalformedError
from netweft.core.keep import KEEP
from netweft.core.rules.mac_pool import MacRange, mac_number, mac_text
from netweft.engine.commands import authorize
from netweft.engine.commands.authorize import ActionGroup, ObjectType
from netweft.engine.commands.mac_pools import AddMacPool, UpdateMacPool, add_mac_pool, remove_mac_pool, update_mac_pool
from netweft.engine.db import Tx
from netweft.engine.model.mac_pools import mac_pools
from netweft.engine.queries import mac_pools as queries

routes = Routes("macpools")

SEARCHABLE = Searchable(columns(mac_pools), key=mac_pools.c.id)


def show_all(tx: Tx, rows: Sequence[Row[Any]]) -> list[MacPool]:
    """Rows of :func:`netweft.engine.queries.mac_pools.select` with their ranges."""
    ranges = queries.ranges_of(tx, [row.id for row in rows])
    return [
        MacPool(
            id=row.id,
            href=f"/macpools/{row.id}",
            name=row.name,
            description=row.description,
            comment=row.comment,
            allow_duplicates=row.allow_duplicates,
            default_pool=row.is_default,
            ranges=[Range(from_=mac_text(one.first), to=mac_text(one.last)) for one in ranges[row.id]],
        )
        for row in rows
    ]


def _show(call: Call[Any], pool_id: str) -> MacPool:
    with call.read() as tx:
        return show_all(tx, [queries.get(tx, pool_id)])[0]


@loads(MacPool)
def load(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, MacPool]:
    """MAC pools by their ids."""
    condition = authorize.visible(tx, call.actor, ObjectType.MAC_POOL)
    statement = queries.select().where(mac_pools.c.id.in_(ids))
    rows = tx.execute(statement if condition is None else statement.where(condition)).all()
    return {str(pool.id): pool for pool in show_all(tx, rows)}


@routes.get("/macpools", many(MacPool), needs=READ, queries=LISTED)
def list_mac_pools(call: Call[None]) -> list[MacPool]:
    """All MAC pools."""
    with call.read() as tx:
        return show_all(tx, visible_page(tx, call, queries.select(), ObjectType.MAC_POOL, SEARCHABLE))


@routes.get("/macpools/{pool_id}", MacPool, needs=READ)
def get_mac_pool(call: Call[None]) -> MacPool:
    """One MAC pool."""
    with call.read() as tx:
        see(tx, call, ObjectType.MAC_POOL, call.ids["pool_id"])
    return _show(call, call.ids["pool_id"])


@routes.post("/macpools", MacPool, needs=ActionGroup.CREATE_MAC_POOL)
def post_mac_pool(call: Call[MacPool]) -> MacPool:
    """Add a pool."""
    body = call.body
    spec = AddMacPool(
        name=required(body.name, "MacPool [name]"),
        ranges=_ranges(body) or (),
        description=given(body.description, ""),
        comment=given(body.comment, ""),
        allow_duplicates=given(body.allow_duplicates, False),
        is_default=given(body.default_pool, False),
    )
    return _show(call, call.run(add_mac_pool, call.actor, spec))


@routes.put("/macpools/{pool_id}", MacPool, needs=ActionGroup.EDIT_MAC_POOL)
def put_mac_pool(call: Call[MacPool]) -> MacPool:
    """Change a pool; ranges that are sent replace those that it has."""
    body = call.body
    ranges = _ranges(body)
    spec = UpdateMacPool(
        id=call.ids["pool_id"],
        name=keep(body.name),
        ranges=KEEP if ranges is None else ranges,
        description=keep(body.description),
        comment=keep(body.comment),
        allow_duplicates=keep(body.allow_duplicates),
        is_default=keep(body.default_pool),
    )
    call.run(update_mac_pool, call.actor, spec)
    return _show(call, spec.id)


@routes.delete("/macpools/{pool_id}", needs=ActionGroup.DELETE_MAC_POOL)
def delete_mac_pool(call: Call[None]) -> None:
    """Remove a pool that no cluster uses."""
    call.run(remove_mac_pool, call.actor, call.ids["pool_id"])


def _ranges(body: MacPool) -> tuple[MacRange, ...] | None:
    """The ranges of a request, None when it names none. Raises MalformedError for what is no MAC address."""
    if isinstance(body.ranges, UnsetType):
        return None
    try:
        return tuple(
            MacRange(mac_number(required(one.from_, "Range [from]")), mac_number(required(one.to, "Range [to]")))
            for one in body.ranges
        )
    except ValueError as error:
        raise MalformedError(f"MacPool [ranges]: {error}. Write six hexadecimal pairs with colons.") from error
