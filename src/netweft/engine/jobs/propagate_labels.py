"""Attaching networks to a host by the labels of its NICs, after a network, a cluster or the host has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netweft.core.errors import NetweftError, NotFoundError
from netweft.core.rollout import CONFIRM_WITHIN
from netweft.engine import audit, queue
from netweft.engine.agents import Agents
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, lock
from netweft.engine.job_context import JobContext
from netweft.engine.jobs.apply_host import actor_of, apply
from netweft.engine.model.hosts import hosts
from netweft.engine.operations import host_changes, host_labels
from netweft.engine.operations.host_changes import PERSIST_FAILED
from netweft.engine.payloads import ApplyHost, OnHost, PropagateLabels
from netweft.engine.queries.cluster_networks import lock_to_use

_ACTION = "Cannot apply labels."


def run(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``propagate_labels``. Raises ValidationError, BusyError and HostError: the host then lacks networks,
    with an event, and it is retried when the host comes up the next time.
    """
    host_id = OnHost.of(job.job).host_id
    try:
        generation = job.write(_begin, host_id)
    except NetweftError as error:
        if not isinstance(error, queue.LostError | NotFoundError):
            job.write(_record_refusal, host_id, error)
        raise
    if generation is None:
        return {}
    task = ApplyHost(host_id=host_id, generation=generation, confirm_within=CONFIRM_WITHIN, commit=True)
    return apply(agents, job, task)


def _begin(tx: Tx, job: JobContext, host_id: str) -> int | None:
    """Store the pending change; returns the one that this job has stored before, if any. None when the host need not
    change.
    """
    host = lock(tx, hosts, host_id)
    lock_to_use(tx, host.cluster_id)
    waiting = host_changes.pending(tx, host_id)
    mine = [row for row in waiting if row.job_id == job.job.id]
    if mine:
        return int(mine[0].generation)
    payload = PropagateLabels.of(job.job)
    lost, reason = payload.lost, payload.reason
    if any(host_changes.is_being_brought(tx, row) for row in waiting):
        # Their generations are lower than ours would be, and their jobs wait for us: they go first.
        host_labels.request(tx, actor_of(job), host_id, host.name, lost, reason)
        return None
    host_changes.require_idle(tx, host_id, host.name)
    candidate = host_labels.setup_by_labels(tx, host_id, lost, _ACTION)
    if candidate is None:
        return None
    return host_changes.next_generation(tx, actor_of(job), host_id, candidate, reason, job.job.id, _ACTION)


def _record_refusal(tx: Tx, job: JobContext, host_id: str, error: NetweftError) -> None:
    host = lock(tx, hosts, host_id)
    text = f"Failed to apply labels on host {host.name}. {error.text}"
    audit.record(tx, actor_of(job), PERSIST_FAILED, text, Severity.ERROR, host=host_id, job=job.job.id)
