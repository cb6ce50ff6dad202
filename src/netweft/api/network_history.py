"""``GET /netweft/v1/networks/{id}/history``: what was changed of a network, by whom."""

from __future__ import annotations

from datetime import datetime

import msgspec

from netweft.api.request_fields import require_visible
from netweft.api.routes import ADDITIONS, READ, Call, Routes, many
from netweft.engine.access.objects import ObjectType
from netweft.engine.queries.events import changes_of

routes = Routes("network_history", ADDITIONS)


class NetworkChange(msgspec.Struct, kw_only=True, frozen=True):
    """A change of a network, or of its role in a cluster. ``changes``: a line each; ``user``: who made it;
    ``correlation_id``: of the request, and of the rollout to its hosts; ``event``: the id of its event.
    """

    at: datetime
    user: str
    text: str
    changes: list[str]
    correlation_id: str
    event: int


@routes.get("/networks/{network_id}/history", many(NetworkChange), needs=READ, queries=("max", "before"))
def list_changes(call: Call[None]) -> list[NetworkChange]:
    """What was changed of a network, the last first; kept for 90 days. With ``before`` (RFC 3339) what was changed
    before that moment.
    """
    network_id, most, before = call.ids["network_id"], call.query.size(), call.query.moment("before")
    with call.read() as tx:
        require_visible(tx, call, ObjectType.NETWORK, network_id)
        found = changes_of(tx, network_id, before, most)
    return [
        NetworkChange(
            at=row.time,
            user=row.user_name,
            text=row.description,
            changes=list(row.changes or ()),
            correlation_id=row.correlation_id,
            event=row.id,
        )
        for row in found
    ]
