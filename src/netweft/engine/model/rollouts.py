"""Rollouts: changes for several hosts, and the definitions that each host keeps until the change reaches it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from sqlalchemy import Index, PrimaryKeyConstraint, String, true

from netweft.engine.model.base import ID_LENGTH
from netweft.engine.model.records import Growing, Id, LongText, Record, Refers, With, stored


class RolloutRow(Record, frozen=True):
    """A change that goes out to several hosts."""

    # The order in which they were begun.
    number: Growing
    id: Annotated[str, String(ID_LENGTH), With(unique=True)]
    # A core.rollout.Status.
    status: Annotated[str, String(16), With(index=True)]
    owner_name: Annotated[str, String(255)]
    correlation_id: Annotated[str, String(64)]
    created_at: datetime
    # What has changed; completes the sentence "Applied because ...".
    reason: LongText
    owner_id: Id | None = None
    ended_at: datetime | None = None
    # Why it was halted, or how it ended; may be empty.
    error: LongText = ""
    # Why it cannot be reverted; empty where it can.
    irreversible: LongText = ""
    # JSON of two queries.rollouts.Definitions: what it changed, as it was before and as it is after.
    before: dict[str, Any] = msgspec.field(default_factory=dict)
    after: dict[str, Any] = msgspec.field(default_factory=dict)


rollouts = stored(
    "rollouts",
    RolloutRow,
    sqlite_autoincrement=True,
)


class RolloutHostRow(Record, frozen=True):
    """A host of a rollout."""

    rollout_id: Annotated[str, Refers("rollouts.id", on_delete="CASCADE", index=False)]
    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE")]
    # From 0 on; those of a wave change at the same time.
    wave: int
    canary: bool
    # A core.rollout.HostState.
    state: Annotated[str, String(16)]
    # Whether the host keeps its former definitions.
    held: bool
    # JSON of queries.rollouts.Held: its former definitions, as far as the rollout changes them.
    before: dict[str, Any]
    # Its task: apply its desired state, propagate its labels, and the networks that it loses by them.
    applies: bool
    labels: bool
    lost: list[str] = msgspec.field(default_factory=list)
    # Of the current change, or the last one.
    job_id: Id | None = None
    changed_at: datetime | None = None
    error: LongText = ""
    # JSON of jobs.rollout_guests.Guest: those that are moved to other hosts while it changes.
    guests: list[dict[str, Any]] = msgspec.field(default_factory=list)
    # JSON of a core.rollout.Health: how it was before, and right after it changed.
    health: dict[str, Any] | None = None


rollout_hosts = stored(
    "rollout_hosts",
    RolloutHostRow,
    PrimaryKeyConstraint("rollout_id", "host_id"),
)

# The desired state of hosts is read often, and few hosts keep former definitions.
Index(
    "ix_rollout_hosts_held",
    rollout_hosts.c.host_id,
    sqlite_where=rollout_hosts.c.held == true(),
    postgresql_where=rollout_hosts.c.held,
)
