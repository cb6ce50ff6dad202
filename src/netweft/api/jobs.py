"""Jobs and their steps: work that somebody asked for, and work of other systems."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UnsetType

from netweft.api.collections import Collection, same_fields
from netweft.api.follow import loads_link
from netweft.api.request_fields import required
from netweft.api.routes import ADDITIONS, READ, Call, Routes, many
from netweft.api.schema import or_default, or_unset, reference
from netweft.api.types import Action, Job, Step, User
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands import external_jobs
from netweft.engine.commands.external_jobs import AddJob
from netweft.engine.db import Tx
from netweft.engine.model.jobs import JobRow, JobStepRow
from netweft.engine.queries import jobs as queries

routes = Routes("jobs")
additions = Routes("jobs", ADDITIONS)


def show(row: JobRow) -> Job:
    """A job."""
    return Job(
        **same_fields(Job, row),
        href=f"/jobs/{row.id}",
        owner=or_unset(reference(User, row.owner_id) if row.owner_id else None),
    )


def show_step(row: JobStepRow) -> Step:
    """A step of a job."""
    href = f"/jobs/{row.job_id}/steps"
    return Step(
        **same_fields(Step, row, "progress"),
        href=f"{href}/{row.id}",
        progress=or_unset(None if row.progress is None else int(row.progress)),
        job=reference(Job, row.job_id),
        parent_step=or_unset(reference(Step, row.parent_id, f"{href}/{row.parent_id}") if row.parent_id else None),
    )


JOBS = Collection(routes, queries.JOBS, Job, "/jobs/{job_id}", show=show)
JOBS.reads("Jobs, newest first.", "One job.")


@routes.post("/jobs", Job, needs=ActionGroup.INJECT_EXTERNAL_TASKS)
def post_job(call: Call[Job]) -> Job:
    """Show a job of another system."""
    spec = AddJob(
        description=required(call.body.description, "Job [description]"),
        auto_cleared=or_default(call.body.auto_cleared, True),
    )
    return JOBS.one(call, call.run(external_jobs.add_job, call.actor, spec))


@routes.action("/jobs/{job_id}/end", needs=ActionGroup.INJECT_EXTERNAL_TASKS)
def end_job(call: Call[Action]) -> None:
    """End a job of another system."""
    succeeded, force = or_default(call.body.succeeded, True), or_default(call.body.force, False)
    call.run(external_jobs.end_job, call.actor, call.ids["job_id"], succeeded=succeeded, force=force)


@routes.action("/jobs/{job_id}/clear", needs=ActionGroup.INJECT_EXTERNAL_TASKS)
def clear_job(call: Call[Action]) -> None:
    """Remove an ended job of another system from the list."""
    call.run(external_jobs.clear_job, call.actor, call.ids["job_id"])


@loads_link(Job, "steps")
def load_steps(tx: Tx, _call: Call[Any], ids: Sequence[str]) -> dict[str, list[Step]]:
    """The steps of jobs."""
    found = queries.steps_of(tx, ids)
    return {job_id: [show_step(row) for row in found[job_id]] for job_id in ids}


@routes.get("/jobs/{job_id}/steps", many(Step), needs=READ)
def list_steps(call: Call[None]) -> list[Step]:
    """The steps of a job in their order."""
    with call.read() as tx:
        job_id = JOBS.row(tx, call).id
        return load_steps(tx, call, [job_id])[job_id]


@routes.get("/jobs/{job_id}/steps/{step_id}", Step, needs=READ)
def get_step(call: Call[None]) -> Step:
    """One step."""
    with call.read() as tx:
        return show_step(queries.step(tx, JOBS.row(tx, call).id, call.ids["step_id"]))


@routes.post("/jobs/{job_id}/steps", Step, needs=ActionGroup.INJECT_EXTERNAL_TASKS)
def post_step(call: Call[Step]) -> Step:
    """Begin a step of a job of another system."""
    body, job_id = call.body, call.ids["job_id"]
    parent = None if isinstance(body.parent_step, UnsetType) else or_default(body.parent_step.id, "") or None
    description = required(body.description, "Step [description]")
    step_id = call.run(
        external_jobs.add_step, call.actor, job_id, description, required(body.type, "Step [type]"), parent
    )
    with call.read() as tx:
        return show_step(queries.step(tx, job_id, step_id))


@routes.action("/jobs/{job_id}/steps/{step_id}/end", needs=ActionGroup.INJECT_EXTERNAL_TASKS)
def end_step(call: Call[Action]) -> None:
    """End a step."""
    succeeded = or_default(call.body.succeeded, True)
    call.run(external_jobs.end_step, call.actor, call.ids["job_id"], call.ids["step_id"], succeeded=succeeded)


class Progress(msgspec.Struct, kw_only=True, frozen=True):
    """The progress of a job. ``progress``: ``phase``, ``deadline``, ``seconds_left``, ``steps``, ``message``, as far as
    the job reports them; ``error``: why it failed.
    """

    id: str
    kind: str
    description: str
    status: str
    correlation_id: str
    start_time: datetime
    end_time: datetime | None
    last_updated: datetime
    progress: dict[str, Any]
    result: dict[str, Any]
    error: str
    error_code: str


def _show_progress(row: JobRow) -> Progress:
    """The progress of a job."""
    return Progress(
        id=row.id,
        kind=row.kind,
        description=row.description,
        status=row.status,
        correlation_id=row.correlation_id,
        start_time=row.start_time,
        end_time=row.end_time,
        last_updated=row.last_updated,
        progress=row.progress or {},
        result=row.result or {},
        error=row.error or "",
        error_code=row.error_code or "",
    )


PROGRESS = Collection(additions, queries.JOBS, Progress, "/jobs/{job_id}", show=_show_progress)
PROGRESS.reads(
    "The progress of jobs, newest first.",
    "The progress of a job: its phase, the seconds to its deadline, its steps, and why it failed.",
)
