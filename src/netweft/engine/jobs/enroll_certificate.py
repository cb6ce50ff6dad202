"""Giving a host new keys and certificates while it runs: it asks, the engine signs, and looks whether it shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netweft.core.errors import HostError, NetweftError
from netweft.core.protocol import Credentials
from netweft.engine import audit
from netweft.engine.agents import Agent, Agents
from netweft.engine.db import Tx
from netweft.engine.job_context import JobContext
from netweft.engine.jobs.apply_host import actor_of
from netweft.engine.model.hosts import HostRow
from netweft.engine.operations import certificates
from netweft.engine.payloads import OnHost
from netweft.engine.pki import Authority
from netweft.engine.queries import hosts


def run(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``enroll_certificate``. Raises HostError, with the certificate that the host had still good.

    Repeated, it gives the keys that wait on the host another certificate.
    """
    host_id = OnHost.of(job.job).host_id
    with job.db.read() as tx:
        row = hosts.plain(tx, host_id)
        host_ids = certificates.sharing(tx, host_id)
    try:
        signed = _renew(agents, job, agents.of(host_id, row.agent_url), host_ids)
    except NetweftError as error:
        job.write(_record_failure, agents.authority, row, error.text)
        raise
    job.write(_record, row, host_ids, signed)
    return {}


def _renew(agents: Agents, job: JobContext, agent: Agent, host_ids: list[str]) -> Credentials:
    requests = agent.request_certificates()
    with job.db.read() as tx:
        signed = certificates.sign_for(tx, agents.authority, host_ids, requests)
    agent.put_certificates(signed)
    if not agent.shows(signed.host):
        raise HostError("The host accepted its new certificate, but does not present it.")
    return signed


def _record(tx: Tx, job: JobContext, row: HostRow, host_ids: list[str], signed: Credentials) -> None:
    until = certificates.note_expiry(tx, host_ids, signed)
    text = f"Enrolling certificate for host {row.name} was completed successfully; it is good until {until:%Y-%m-%d}."
    audit.record(tx, actor_of(job), certificates.FINISHED, text, host=row.id, cluster=row.cluster_id, job=job.job.id)


def _record_failure(tx: Tx, job: JobContext, authority: Authority, row: HostRow, reason: str) -> None:
    certificates.record_failure(tx, authority, actor_of(job), row, reason, job.job.id)
