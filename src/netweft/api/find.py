"""``GET /netweft/v1/find``: things of all kinds by a part of their name, address or MAC."""

from __future__ import annotations

import msgspec

from netweft.api.routes import ADDITIONS, READ, Call, Routes, many
from netweft.core.errors import MalformedError
from netweft.engine.access import visibility
from netweft.engine.queries import find as queries

routes = Routes("find", ADDITIONS)

_MOST, _LIMIT = 20, 100
"""How much is found when ``max`` does not say, and at most."""
_LONGEST = 200


class Found(msgspec.Struct, kw_only=True, frozen=True):
    """A search result. ``kind``: host, network, cluster, vm, vnic, vnic_profile, subnet, qos, mac_pool, provider or
    rollout; ``parent``: the id of its parent (of a vNIC the virtual machine, of a profile or subnet the network, of a
    QoS the data centre), null for others; ``context``: a text that distinguishes it from others of its name.
    """

    kind: str
    id: str
    name: str
    parent: str | None
    context: str


@routes.get("/find", many(Found), needs=READ, queries=("q", "max"))
def list_found(call: Call[None]) -> list[Found]:
    """Objects whose name, address, MAC or VLAN matches ``q`` (case-insensitive), best first; at most ``max``."""
    text = call.query.text("q")
    if len(text) > _LONGEST:
        raise MalformedError(f"q: more than {_LONGEST} characters.")
    most = min(call.query.size() or _MOST, _LIMIT)
    owner = call.actor.user_id if call.actor.filtered else None
    with call.read() as tx:
        found = queries.find(tx, visibility.narrow(tx, call.actor), owner, text, most)
    return [
        Found(kind=one.kind, id=one.id, name=one.name, parent=one.parent_id, context=one.context.strip())
        for one in found
    ]
