"""``/netweft/v1/hosts/{id}/history``: what was changed on a host, by whom, how it ended; how setups differ; and having
an earlier one back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from netweft.api.host_setup import when_idle
from netweft.api.network_attachments import visible_host
from netweft.api.routes import ADDITIONS, READ, Call, Later, Routes, is_number, many
from netweft.core.errors import NotFoundError
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.setup_networks import restore_host_networks
from netweft.engine.queries import host_history as queries

routes = Routes("host_history", ADDITIONS)


class Revision(msgspec.Struct, kw_only=True, frozen=True):
    """A generation of a host. ``state``: pending, applied or refused, with its ``error``; ``user``: who made it, null
    for the engine itself; ``changes``: how it changed the setup, a line each, none where the same setup was applied
    again.
    """

    generation: int
    reason: str
    user: str | None
    state: str
    error: str
    created_at: datetime
    ended_at: datetime | None
    changes: list[str]


class ChangeFacts(msgspec.Struct, kw_only=True, frozen=True):
    """The record of a generation: the requested configuration of the host (``intent``), the resulting desired state
    (``desired``), and its networking afterwards (``observed``). null where it is unknown.
    """

    generation: int
    intent: dict[str, Any] | None
    desired: dict[str, Any] | None
    observed: dict[str, Any] | None


class SetupDifference(msgspec.Struct, kw_only=True, frozen=True):
    """How a host was set up at ``generation`` and at ``other`` (null: now), a line for each thing that differs."""

    generation: int
    other: int | None
    changes: list[str]


class Restore(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """``commit``: commit the result, so that the host's boot restores it."""

    commit: bool = False


class Restored(msgspec.Struct, kw_only=True, frozen=True):
    """``changed``: whether there was anything to do."""

    changed: bool


@routes.get("/hosts/{host_id}/history", many(Revision), needs=READ, queries=("max", "before"))
def list_revisions(call: Call[None]) -> list[Revision]:
    """What was changed on a host, the last first; kept for 90 days, and the last 20 at least. With ``before`` (RFC
    3339) what was asked for before that moment.
    """
    before = call.query.moment("before")
    with call.read() as tx:
        host_id = visible_host(tx, call).row.id
        found = queries.revisions(tx, host_id, call.query.size(), before)
    return [
        Revision(
            generation=one.generation,
            reason=one.reason,
            user=one.user_name or None,
            state=one.state,
            error=one.error,
            created_at=one.created_at,
            ended_at=one.ended_at,
            changes=list(one.changes),
        )
        for one in found
    ]


@routes.get("/hosts/{host_id}/history/{generation}", ChangeFacts, needs=READ)
def get_generation(call: Call[None]) -> ChangeFacts:
    """What a host was to be by a generation, and what it was after it."""
    generation = _generation(call.ids["generation"])
    with call.read() as tx:
        found = queries.facts(tx, visible_host(tx, call).row.id, generation)
    parts = {name: msgspec.to_builtins(getattr(found, name)) for name in ("intent", "desired", "observed")}
    return ChangeFacts(generation=generation, **parts)


@routes.get("/hosts/{host_id}/history/{generation}/difference", SetupDifference, needs=READ, queries=("other",))
def get_difference(call: Call[None]) -> SetupDifference:
    """How the setup of a generation differs from another one, or from the current one."""
    other = call.query.integer("other")
    with call.read() as tx:
        host_id, generation = visible_host(tx, call).row.id, _generation(call.ids["generation"])
        changes = queries.compare(tx, host_id, generation, other)
    return SetupDifference(generation=generation, other=other, changes=list(changes))


@routes.post(
    "/hosts/{host_id}/history/{generation}/restore", Restore, gives=Restored, needs=ActionGroup.CONFIGURE_HOST_NETWORK
)
def post_restore(call: Call[Restore]) -> Restored | Later:
    """Set a host up as it was when it had taken a generation: an ordinary setup, which is rolled back if it fails.
    Networks are as they are defined now.
    """
    host_id, generation, commit = call.ids["host_id"], _generation(call.ids["generation"]), call.body.commit
    job_id = when_idle(
        call, host_id, lambda: call.run(restore_host_networks, call.actor, host_id, generation, commit=commit)
    )
    return Restored(changed=False) if job_id is None else Later(job_id, lambda: Restored(changed=True))


def _generation(text: str) -> int:
    if not is_number(text):
        raise NotFoundError(f"There is no generation '{text[:40]}': they have numbers.")
    return int(text)
