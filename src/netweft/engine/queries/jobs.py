"""Reads of jobs and their steps, as users see them."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.engine.db import Tx
from netweft.engine.model.jobs import JobRow, JobStepRow, job_steps, jobs
from netweft.engine.noun import Noun
from netweft.engine.queries.grouping import grouped
from netweft.engine.statements import rows

JOBS = Noun(
    jobs,
    JobRow,
    "job",
    search={
        "description": jobs.c.description,
        "id": jobs.c.id,
        "status": jobs.c.status,
        "correlation_id": jobs.c.correlation_id,
        "owner": jobs.c.owner_name,
        "start_time": jobs.c.start_time,
        "end_time": jobs.c.end_time,
    },
    order=(jobs.c.number.desc(),),
    owner="owner_id",
)
"""The newest first."""


def steps_of(tx: Tx, job_ids: Collection[str]) -> dict[str, list[JobStepRow]]:
    """The steps of each job, in their order."""
    query = sa.select(job_steps).where(job_steps.c.job_id.in_(job_ids)).order_by(job_steps.c.number)
    return grouped(rows(tx, JobStepRow, query), "job_id")


def step(tx: Tx, job_id: str, step_id: str) -> JobStepRow:
    """One of them. Raises NotFoundError."""
    for row in rows(
        tx, JobStepRow, sa.select(job_steps).where(job_steps.c.job_id == job_id, job_steps.c.id == step_id)
    ):
        return row
    raise NotFoundError(f"There is no step {step_id}.")
