"""Removing a host: its networks are removed from it, except that of its management, and then its rows are removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netweft.core.errors import HostError, NotFoundError
from netweft.core.rollout import CONFIRM_WITHIN
from netweft.engine import audit
from netweft.engine.agent_answers import UnreachableError
from netweft.engine.agents import Agents
from netweft.engine.audit import Severity
from netweft.engine.commands.hosts import forget_host
from netweft.engine.db import Tx, lock
from netweft.engine.job_context import JobContext
from netweft.engine.jobs.apply_host import actor_of, apply, wait_for_report
from netweft.engine.model.host_networks import Candidate
from netweft.engine.model.hosts import hosts
from netweft.engine.operations import host_changes
from netweft.engine.payloads import ApplyHost, RemoveHost
from netweft.engine.queries import host_networks as queries

NOT_REMOVED = 20_022
"""Event code of our own: oVirt never clears a host."""

_PATIENCE = 5.0
"""Seconds for the host to answer before the change is requested."""


def run(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``remove_host``. Raises HostError when the host could not be cleared; it is then still there, unless it
    was to go in any case (``force`` in the payload).
    """
    payload = RemoveHost.of(job.job)
    host_id, force = payload.host_id, payload.force
    with job.db.read() as tx:
        known = queries.load(tx, (host_id,)).get(host_id)
    if known is None:
        return {}  # this job, in another life of its engine, has removed it
    try:
        _clear(agents, job, known)
    except HostError as error:
        job.write(_record_failure, host_id, error, force=force)
        if not force:
            raise
    job.write(_forget, host_id)
    return {}


def _clear(agents: Agents, job: JobContext, known: queries.HostData) -> None:
    try:
        wait_for_report(job, agents.of(known.row.id, known.row.agent_url), _PATIENCE)
    except UnreachableError as error:
        raise HostError(f"Host {known.row.name} cannot be reached: {error.text}", code=UnreachableError.code) from error
    generation = job.write(_begin, known.row.id)
    apply(
        agents,
        job,
        ApplyHost(host_id=known.row.id, generation=generation, confirm_within=CONFIRM_WITHIN, commit=True),
    )


def _begin(tx: Tx, job: JobContext, host_id: str) -> int:
    """Store the pending change; returns the one that this job has stored before, if any."""
    lock(tx, hosts, host_id)
    mine = [row for row in host_changes.pending(tx, host_id) if row.job_id == job.job.id]
    if mine:
        return int(mine[0].generation)
    data = queries.load_one(tx, host_id)
    management = {network_id for network_id, view in data.networks.items() if "management" in view.roles}
    attachments = tuple(one for one in data.intent.attachments if one.network_id in management)
    if not attachments:
        text = (
            f"Management network of Host {data.row.name} is not attached to it, so the links to keep are not known."
            " Install the Host again first, or remove it without clearing it."
        )
        raise HostError(text, code="MANAGEMENT_NETWORK_NOT_ON_HOST")
    nics = {one.nic for one in attachments}
    bonds = tuple(bond for bond in data.intent.bonds if bond.name in nics)
    candidate = Candidate(attachments=attachments, bonds=bonds, labels={}, is_leaving=True)
    return host_changes.next_generation(tx, actor_of(job), host_id, candidate, "the host is removed", job.job.id)


def _record_failure(tx: Tx, job: JobContext, host_id: str, error: HostError, *, force: bool) -> None:
    host = lock(tx, hosts, host_id)
    text = f"The networks of Host {host.name} could not be removed from it: {error.text}"
    severity = Severity.WARNING if force else Severity.ERROR
    audit.record(tx, actor_of(job), NOT_REMOVED, text, severity, host=host_id, job=job.job.id)


def _forget(tx: Tx, job: JobContext, host_id: str) -> None:
    try:
        host = lock(tx, hosts, host_id)
    except NotFoundError:
        return
    forget_host(tx, actor_of(job), host)
