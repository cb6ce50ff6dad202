"""Pools of MAC addresses."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UnsetType

from netweft.api.collections import Collection, same_fields, spec_fields
from netweft.api.request_fields import required
from netweft.api.routes import Call, Routes
from netweft.api.schema import keep
from netweft.api.types import MacPool, Range
from netweft.core.errors import MalformedError
from netweft.core.keep import KEEP
from netweft.core.rules.mac_pool import MacRange, mac_number, mac_text
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.mac_pools import AddMacPool, UpdateMacPool, add_mac_pool, remove_mac_pool, update_mac_pool
from netweft.engine.db import Tx
from netweft.engine.model.mac_pools import MacPoolRow
from netweft.engine.queries import mac_pools as queries

routes = Routes("macpools")


def show_all(tx: Tx, rows: Sequence[MacPoolRow]) -> list[MacPool]:
    """Pools with their ranges."""
    ranges = queries.ranges_of(tx, [row.id for row in rows])
    return [
        MacPool(
            **same_fields(MacPool, row),
            href=f"/macpools/{row.id}",
            default_pool=row.is_default,
            ranges=[Range(from_=mac_text(one.first), to=mac_text(one.last)) for one in ranges[row.id]],
        )
        for row in rows
    ]


POOLS = Collection(routes, queries.MAC_POOLS, MacPool, "/macpools/{pool_id}", show_all=show_all)
POOLS.reads("All MAC pools.", "One MAC pool.")


@routes.post("/macpools", MacPool, needs=ActionGroup.CREATE_MAC_POOL)
def post_mac_pool(call: Call[MacPool]) -> MacPool:
    """Add a pool."""
    body = call.body
    required(body.name, "MacPool [name]")
    ranges, is_default = _ranges(body) or (), keep(body.default_pool)
    spec = AddMacPool(**spec_fields(body, AddMacPool), ranges=ranges, is_default=is_default)
    return POOLS.one(call, call.run(add_mac_pool, call.actor, spec))


@POOLS.changes(ActionGroup.EDIT_MAC_POOL)
def change_mac_pool(call: Call[MacPool]) -> None:
    """Change a pool; ranges that are sent replace those that it has."""
    body = call.body
    ranges = _ranges(body)
    spec = UpdateMacPool(
        id=POOLS.id(call),
        **spec_fields(body, UpdateMacPool),
        ranges=KEEP if ranges is None else ranges,
        is_default=keep(body.default_pool),
    )
    call.run(update_mac_pool, call.actor, spec)


POOLS.removes(ActionGroup.DELETE_MAC_POOL, remove_mac_pool, "Remove a pool that no cluster uses.")


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
