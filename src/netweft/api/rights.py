"""``GET /netweft/v1/rights``: what the user who asks may do, so that a client need not offer the rest."""

from __future__ import annotations

import msgspec

from netweft.api.routes import ADDITIONS, LOGIN, Call, Routes, many
from netweft.engine.access import authorize

routes = Routes("rights", ADDITIONS)


class Right(msgspec.Struct, kw_only=True, frozen=True):
    """An action group, as oVirt names the permits of roles. ``everywhere``: on the whole system, and not only on some
    objects and what is below them.
    """

    name: str
    everywhere: bool


@routes.get("/rights", many(Right), needs=LOGIN)
def list_rights(call: Call[None]) -> list[Right]:
    """The action groups that the user has on any object, by a permission of their own or of everyone."""
    with call.read() as tx:
        return [Right(name=name, everywhere=where) for name, where in authorize.held(tx, call.actor).items()]
