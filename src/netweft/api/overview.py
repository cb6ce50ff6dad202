"""``GET /netweft/v1/overview``: whether anything is wrong with the fleet, and what is moving."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from netweft.api.rollouts import Rollout, facts_of
from netweft.api.routes import ADDITIONS, READ, Call, Routes
from netweft.engine.access import tokens, visibility
from netweft.engine.db import utc_now
from netweft.engine.queries import overview as queries
from netweft.engine.queries import rollouts as rollout_queries

routes = Routes("overview", ADDITIONS)

_MOST = 20
"""Entries of each list when ``max`` does not say."""
_NO_CHANGES = (tokens.USER_LOGGED_IN, tokens.USER_LOGIN_FAILED, tokens.USER_LOGGED_OUT)


class Subject(msgspec.Struct, kw_only=True, frozen=True):
    """The subject of a problem or change. ``kind``: host, network, rollout, provider, mac_pool, vm or cluster."""

    kind: str
    id: str
    name: str


class FleetProblem(msgspec.Struct, kw_only=True, frozen=True):
    """A problem in the fleet. ``severity``: error or warning; ``code``: host_status, network_missing, link_down,
    rollout_halted, provider_away, drift, uncommitted or mac_pool; ``since``: null where it is unknown.
    """

    severity: str
    code: str
    about: Subject
    text: str
    since: datetime | None


class ClusterDrift(msgspec.Struct, kw_only=True, frozen=True):
    """How many hosts of a cluster differ from their configuration."""

    id: str
    name: str
    hosts: int
    out_of_sync: int


class RunningJob(msgspec.Struct, kw_only=True, frozen=True):
    """A job that runs, or waits for another one. ``host``: the id of the host that it changes; ``progress``: as
    reported by the job.
    """

    id: str
    description: str
    user: str
    host: str | None
    start_time: datetime
    progress: dict[str, Any]


class PoolUse(msgspec.Struct, kw_only=True, frozen=True):
    """How many addresses of a MAC pool are in use."""

    id: str
    name: str
    size: int
    used: int


class LastChange(msgspec.Struct, kw_only=True, frozen=True):
    """A change by a user. ``event``: the id of its event; ``about``: null where the object no longer exists."""

    event: int
    at: datetime
    user: str
    severity: str
    text: str
    about: Subject | None


class Overview(msgspec.Struct, kw_only=True, frozen=True):
    """Problems and running work of the fleet at ``checked_at``.

    ``problems``: errors first, at most so many of each kind; ``problem_counts``: all of them, by severity. ``hosts``:
    how many have each status. ``clusters``: those with hosts. ``rollouts``: those that are not finished. ``changes``:
    the latest changes by users.
    """

    checked_at: datetime
    problems: list[FleetProblem]
    problem_counts: dict[str, int]
    hosts: dict[str, int]
    clusters: list[ClusterDrift]
    rollouts: list[Rollout]
    jobs: list[RunningJob]
    mac_pools: list[PoolUse]
    changes: list[LastChange]


@routes.get("/overview", Overview, needs=READ, queries=("max",))
def get_overview(call: Call[None]) -> Overview:
    """Problems and running work among the objects that the user may see. ``max``: entries of each list."""
    most = call.query.size() or _MOST
    owner = call.actor.user_id if call.actor.filtered else None
    with call.read() as tx:
        narrow = visibility.narrow(tx, call.actor)
        problems, counts = queries.problems(tx, narrow, owner, most)
        pools = queries.pool_uses(tx, narrow)
        full = [*_full(pools)]
        rollouts = queries.open_rollouts(tx, owner, most)
        states = rollout_queries.states_of(tx, [row.id for row in rollouts])
        return Overview(
            checked_at=utc_now(),
            problems=[*map(_problem, problems), *full],
            problem_counts={**counts, queries.WARNING: counts[queries.WARNING] + len(full)},
            hosts={one.status: one.number for one in queries.host_statuses(tx, narrow)},
            clusters=[ClusterDrift(**msgspec.structs.asdict(one)) for one in queries.drift_by_cluster(tx, narrow)],
            rollouts=[Rollout(**facts_of(row, states)) for row in rollouts],
            jobs=[_job(one) for one in queries.running_jobs(tx, owner, most)],
            mac_pools=[PoolUse(**msgspec.structs.asdict(one)) for one in pools],
            changes=[_change(one) for one in queries.last_changes(tx, owner, _NO_CHANGES, most)],
        )


def _problem(one: queries.FleetProblem) -> FleetProblem:
    about = Subject(kind=one.kind, id=one.id, name=one.name)
    return FleetProblem(severity=one.severity, code=one.code, about=about, text=one.text, since=one.since)


def _full(pools: list[queries.PoolUse]) -> Iterator[FleetProblem]:
    for one in pools:
        if queries.is_nearly_full(one):
            about = Subject(kind="mac_pool", id=one.id, name=one.name)
            text = f"{one.used} of {one.size} addresses are in use."
            yield FleetProblem(severity=queries.WARNING, code="mac_pool", about=about, text=text, since=None)


def _job(one: queries.RunningJob) -> RunningJob:
    return RunningJob(
        id=one.id,
        description=one.description,
        user=one.owner_name,
        host=one.host_id,
        start_time=one.start_time,
        progress=one.progress or {},
    )


def _change(one: queries.LastChange) -> LastChange:
    about = Subject(**dict(zip(("kind", "id", "name"), one.about, strict=True))) if one.about else None
    return LastChange(
        event=one.id, at=one.time, user=one.user_name, severity=one.severity, text=one.description, about=about
    )
