"""Installing a host whose agent has joined: adopt networks that it carries already, attach the management network to
the NIC with the host's address, and activate the host.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

import sqlalchemy as sa

from netweft.core.errors import HostError, NetweftError, NotFoundError
from netweft.core.host_request import HostView
from netweft.core.management import check_vlan, management_attachment, management_link
from netweft.core.protocol import HostReport
from netweft.core.rollout import CONFIRM_WITHIN
from netweft.core.rules.setup_networks import validate
from netweft.engine import audit, queue
from netweft.engine.agent_answers import UnreachableError
from netweft.engine.agent_connections import parse_address
from netweft.engine.agents import Agents
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, lock, new_id, utc_now
from netweft.engine.job_context import JobContext
from netweft.engine.jobs.apply_host import actor_of, apply, wait_for_report
from netweft.engine.model.host_networks import Candidate
from netweft.engine.model.hosts import HostRow, hosts
from netweft.engine.operations import host_changes, host_drifts
from netweft.engine.payloads import ApplyHost, OnHost
from netweft.engine.queries import host_networks as queries
from netweft.engine.queries.hosts import plain
from netweft.engine.reports.adoption import adopt
from netweft.engine.reports.host_reports import TakeReport, evaluate_status, take_report

INSTALLED, INSTALL_FAILED = 504, 505
"""Event codes (oVirt: VDS_INSTALL, VDS_INSTALL_FAILED)."""

_PATIENCE = 60.0
"""Seconds for the agent to listen after it has joined."""

_ACTION = "Cannot install Host."


def run(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``install_host``. Raises HostError or ValidationError; the host is then in status install_failed,
    with the reason.
    """
    host_id = OnHost.of(job.job).host_id
    with job.db.read() as tx:
        row = plain(tx, host_id)
    try:
        result = _install(agents, job, row)
    except NetweftError as error:
        if not isinstance(error, queue.LostError | NotFoundError):
            job.write(record_failure, host_id, error)
        raise
    job.write(_record_success, host_id)
    return result


def _install(agents: Agents, job: JobContext, row: HostRow) -> Mapping[str, Any]:
    agent = agents.of(row.id, row.agent_url)
    asked_at = utc_now()
    try:
        report = wait_for_report(job, agent, _PATIENCE)
    except UnreachableError as error:
        raise HostError(f"Host {row.name} cannot be reached: {error.text}", code=UnreachableError.code) from error
    addresses = _addresses(row.agent_url)
    job.write(_take_over, row.id, report, asked_at)
    generation = job.write(_begin, row.id, report, addresses)
    task = ApplyHost(host_id=row.id, generation=generation, confirm_within=CONFIRM_WITHIN, commit=True)
    return apply(agents, job, task)


def _addresses(agent_url: str) -> set[str]:
    """The addresses at which the engine reaches the host; none of a simulated one. Raises HostError when its name is
    unknown.
    """
    endpoint = parse_address(agent_url)
    if endpoint.is_simulated:
        return set()
    try:
        return {str(ip_address(str(entry[4][0]).split("%")[0])) for entry in socket.getaddrinfo(endpoint.host, None)}
    except OSError as error:
        raise HostError(f"The name '{endpoint.host}' of the host cannot be resolved: {error}.") from error


def _take_over(tx: Tx, job: JobContext, host_id: str, report: HostReport, asked_at: Any) -> None:  # noqa: ANN401 - a datetime
    """Store the first report and adopt the host's networks, in a separate transaction: this is kept even if the
    installation fails.
    """
    lock(tx, hosts, host_id)
    if any(row.job_id == job.job.id for row in host_changes.pending(tx, host_id)):
        return
    host_changes.catch_up(tx, host_id, report.generation)
    take_report(tx, TakeReport(host_id=host_id, report=report, asked_at=asked_at))
    adopt(tx, host_id, report.host)


def _begin(tx: Tx, job: JobContext, host_id: str, report: HostReport, addresses: set[str]) -> int:
    """Store the pending change; returns the one that this job has stored before, if any."""
    lock(tx, hosts, host_id)
    mine = [row for row in host_changes.pending(tx, host_id) if row.job_id == job.job.id]
    if mine:
        return int(mine[0].generation)
    view = queries.view(tx, host_id)
    candidate = _candidate(view, report, addresses)
    reason = "the host is installed"
    return host_changes.next_generation(tx, actor_of(job), host_id, candidate, reason, job.job.id, _ACTION)


def _candidate(view: HostView, report: HostReport, addresses: set[str]) -> Candidate:
    """The host's networks with the management network on the NIC of its address. Raises ValidationError, HostError."""
    management = next((one for one in view.networks.values() if "management" in one.roles), None)
    present = {attachment.network_id for attachment in view.intent.attachments}
    if management is None:
        raise HostError(f"The Cluster of Host {view.name} has no management network.")
    if management.intent.id in present:
        link = management_link(report.host, addresses)
        if link is not None and link.owner == management.intent.id:
            check_vlan(report.host, link, management, view.name)
        return Candidate.of(view.intent)
    request = management_attachment(report.host, management, addresses, view.name)
    final = validate(view, request, new_id, _ACTION, installs=True)
    return Candidate.of(final)


def _record_success(tx: Tx, job: JobContext, host_id: str) -> None:
    host = lock(tx, hosts, host_id)
    tx.execute(sa.update(hosts).where(hosts.c.id == host_id).values(status="unassigned", status_reason=""))
    text = f"Host {host.name} installed."
    audit.record(tx, actor_of(job), INSTALLED, text, host=host_id, cluster=host.cluster_id, job=job.job.id)
    _, report = queries.last_report(tx, host_id)
    if report:
        evaluate_status(tx, host_id, report)
    drift = queries.load_one(tx, host_id).drift
    if not drift.is_empty and not drift.obstacle:  # hosts that are being installed follow no change of their cluster
        host_changes.request_apply(tx, actor_of(job), host_id, "its configuration changed while it was being installed")
    else:
        host_drifts.record_drift(tx, host_id)


def record_failure(tx: Tx, job: JobContext, host_id: str, error: NetweftError) -> None:
    """Set the host's status to install_failed, with an event."""
    host = lock(tx, hosts, host_id)
    values = {"status": "install_failed", "status_reason": error.text}
    tx.execute(sa.update(hosts).where(hosts.c.id == host_id).values(**values))
    text = f"Host {host.name} installation failed. {error.text}"
    audit.record(tx, actor_of(job), INSTALL_FAILED, text, Severity.ERROR, host=host_id, job=job.job.id)
