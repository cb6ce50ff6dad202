"""Jobs that fetch a host's report: refresh, activate, commit, and setting the number of virtual functions."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from netweft.core.errors import HostError
from netweft.core.protocol import FunctionsRequest
from netweft.engine import audit
from netweft.engine.agent_answers import UnreachableError
from netweft.engine.agents import Agent, Agents
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, utc_now
from netweft.engine.job_context import JobContext
from netweft.engine.jobs.apply_host import actor_of, wait_for_report
from netweft.engine.payloads import OnHost, SetFunctions
from netweft.engine.queries import hosts
from netweft.engine.reports.host_counters import take_counters
from netweft.engine.reports.host_reports import TakeReport, lose_host, take_report

REFRESHED, REFRESH_FAILED, COMMITTED, COMMIT_FAILED, ACTIVATED, ACTIVATE_FAILED = 606, 607, 1104, 1105, 16, 18
"""Event codes (oVirt: HOST_REFRESHED_CAPABILITIES, NETWORK_COMMINT_NETWORK_CHANGES, VDS_ACTIVATE, and their
failures).
"""

_PATIENCE = 5.0


def refresh(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``refresh_host``. Raises HostError when the host does not answer."""
    return _ask_for_report(agents, job, "refreshed", REFRESHED, REFRESH_FAILED)


def activate(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``activate_host``: the report decides on the host's status. Raises HostError when the host does not
    answer.
    """
    return _ask_for_report(agents, job, "activated", ACTIVATED, ACTIVATE_FAILED)


def commit(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``commit_host``. Raises HostError when the host does not answer or cannot."""
    return _ask_for_report(agents, job, "committed", COMMITTED, COMMIT_FAILED, commits=True)


def set_functions(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``set_functions``. Raises HostError when the host does not answer or cannot."""
    payload = SetFunctions.of(job.job)
    with job.db.read() as tx:
        agent = agents.of(payload.host_id, hosts.plain(tx, payload.host_id).agent_url)
    agent.set_functions(FunctionsRequest(nic=payload.nic, count=payload.count))
    take_in(job, agent, payload.host_id)
    return {}


def _ask_for_report(
    agents: Agents, job: JobContext, what: str, code: int, failure: int, *, commits: bool = False
) -> Mapping[str, Any]:
    host_id = OnHost.of(job.job).host_id
    with job.db.read() as tx:
        row = hosts.plain(tx, host_id)
    agent = agents.of(host_id, row.agent_url)
    subject = f"{'The networking of ' if commits else ''}Host {row.name}"
    try:
        if commits:
            agent.commit()
        take_in(job, agent, host_id)
        job.db.run(take_counters, {host_id: agent.counters()})
    except HostError as error:
        job.write(_record_failure, host_id, f"{subject} could not be {what}: {error.text}", failure, error)
        raise
    job.write(_record, host_id, f"{subject} was {what}.", code)
    return {}


def take_in(job: JobContext, agent: Agent, host_id: str) -> None:
    """Fetch the report and store it. Raises UnreachableError, LostError."""
    asked_at = utc_now()
    report = wait_for_report(job, agent, _PATIENCE)
    job.db.run(take_report, TakeReport(host_id=host_id, report=report, asked_at=asked_at))


def take_in_if_reachable(job: JobContext, agent: Agent, host_id: str) -> None:
    """:func:`take_in` after work that is done: if the host does not answer, the monitor handles it."""
    with suppress(UnreachableError):
        take_in(job, agent, host_id)


def _record(tx: Tx, job: JobContext, host_id: str, text: str, code: int) -> None:
    audit.record(tx, actor_of(job), code, text, host=host_id, job=job.job.id)


def _record_failure(tx: Tx, job: JobContext, host_id: str, text: str, code: int, error: HostError) -> None:
    audit.record(tx, actor_of(job), code, text, Severity.ERROR, host=host_id, job=job.job.id)
    if isinstance(error, UnreachableError):
        lose_host(tx, host_id, error.text)
