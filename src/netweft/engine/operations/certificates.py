"""Certificates of hosts: signing them, renewing them in time, and recording failures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa

from netweft.core.protocol import Credentials
from netweft.engine import audit, queue
from netweft.engine.actor import SYSTEM, Actor
from netweft.engine.agent_connections import parse_address
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, utc_now
from netweft.engine.model.events import events
from netweft.engine.model.hosts import HostRow, hosts
from netweft.engine.operations import host_changes
from netweft.engine.payloads import OnHost
from netweft.engine.pki import Authority, expiry
from netweft.engine.statements import rows

STARTED, FINISHED, FAILED = 880, 881, 882
HOST_EXPIRES, HOST_EXPIRED = 845, 877
CA_EXPIRES, CA_EXPIRED = 849, 848
"""Event codes (oVirt: HOST_CERTIFICATION_ENROLLMENT_STARTED and so on, HOST_CERTIFICATION_IS_ABOUT_TO_EXPIRE,
HOST_CERTIFICATION_HAS_EXPIRED, ENGINE_CA_CERTIFICATION_...).
"""

CA_NOTICE = timedelta(days=365)
"""How long before an authority expires a warning is recorded: all its hosts have to join another."""
_REPORTED_EVERY = timedelta(days=1)
_UNREACHABLE = ("installing", "non_responsive")


def enqueue(tx: Tx, actor: Actor, host: HostRow) -> str:
    """Enqueue the job that renews a host's certificates, unless it is there; returns its id."""
    key, description = host_changes.key_of(host.id), f"Enrolling certificate for Host {host.name}"
    return queue.enqueue_once(tx, actor, "enroll_certificate", key, description, OnHost(host_id=host.id))


def sign_for(tx: Tx, authority: Authority, host_ids: Sequence[str], requests: Credentials) -> Credentials:
    """Sign the requests of a host, or of an agent that simulates several. Raises MalformedError."""
    address = ""
    if len(host_ids) == 1:
        given = tx.execute(sa.select(hosts.c.address).where(hosts.c.id == host_ids[0])).scalar_one()
        address = urlsplit(f"//{given}").hostname or ""
    return authority.sign(requests, host_ids, address)


def note_expiry(tx: Tx, host_ids: Sequence[str], signed: Credentials) -> datetime:
    """Store and return when the hosts' certificates expire."""
    until = expiry(signed.host)
    tx.execute(sa.update(hosts).where(hosts.c.id.in_(host_ids)).values(certificate_expires=until))
    return until


def sharing(tx: Tx, host_id: str) -> list[str]:
    """The host, and the other simulated ones of its agent, which share its certificate."""
    url = tx.execute(sa.select(hosts.c.agent_url).where(hosts.c.id == host_id)).scalar_one()
    endpoint = parse_address(url)
    if not endpoint.is_simulated:
        return [host_id]
    agent = url.removesuffix("/").removesuffix(endpoint.prefix) + "/"
    same = sa.select(hosts.c.id).where(sa.func.substr(hosts.c.agent_url, 1, len(agent)) == agent)
    return [host_id, *tx.scalars(same.where(hosts.c.id != host_id).order_by(hosts.c.name))]


def renew_due(tx: Tx, authority: Authority, *, ca_notice: timedelta = CA_NOTICE) -> None:
    """Enqueue the renewals that are due, and record what was not renewed in time. Called at intervals.

    ``ca_notice``: how long before an authority expires a warning is recorded.
    """
    _watch_authorities(tx, authority, ca_notice)
    asked = set()
    joined = sa.select(hosts).where(hosts.c.agent_url != "", hosts.c.status.not_in(("installing", "install_failed")))
    for host in rows(tx, HostRow, joined.order_by(hosts.c.name)):
        if not authority.is_due(host.certificate_expires):
            continue
        endpoint = urlsplit(host.agent_url).netloc
        if host.status not in _UNREACHABLE and endpoint not in asked:
            asked.add(endpoint)
            enqueue(tx, SYSTEM, host)
        _warn(tx, authority, host)


def _warn(tx: Tx, authority: Authority, host: HostRow) -> None:
    """Half of the time for a renewal has passed without one, or all of it."""
    if host.certificate_expires is None or host.certificate_expires - utc_now() > authority.life / 6:
        return
    until = f"{host.certificate_expires:%Y-%m-%d %H:%M} UTC"
    if host.certificate_expires > utc_now():
        text = f"Host {host.name} certification is about to expire at {until} and could not be renewed so far."
        _record_once_a_day(tx, authority, HOST_EXPIRES, text, Severity.WARNING, host)
    else:
        text = f"Host {host.name} certification has expired at {until}: the host has to join again, with a new token."
        _record_once_a_day(tx, authority, HOST_EXPIRED, text, Severity.ALERT, host)


def _watch_authorities(tx: Tx, authority: Authority, notice: timedelta) -> None:
    until = min(
        expiry(one) for one in (authority.authorities.host, authority.authorities.libvirt, authority.authorities.qemu)
    )
    if until - utc_now() > notice:
        return
    text = f"Engine CA's certification {{}} at {until:%Y-%m-%d}: every host has to join an engine with a new one."
    if until > utc_now():
        _record_once_a_day(tx, authority, CA_EXPIRES, text.format("is about to expire"), Severity.WARNING)
    else:
        _record_once_a_day(tx, authority, CA_EXPIRED, text.format("has expired"), Severity.ALERT)


def record_failure(tx: Tx, authority: Authority, actor: Actor, host: HostRow, reason: str, job_id: str) -> None:
    """Record that a host did not get its certificates: at most once a day for automatic renewals, which are retried."""
    text = f"Failed to enroll certificate for host {host.name}: {reason}"
    if actor.is_system:
        _record_once_a_day(tx, authority, FAILED, text, Severity.ERROR, host)
    else:
        audit.record(tx, actor, FAILED, text, Severity.ERROR, host=host.id, cluster=host.cluster_id, job=job_id)


def _record_once_a_day(
    tx: Tx, authority: Authority, code: int, text: str, severity: Severity, host: HostRow | None = None
) -> None:
    """Record an event, unless the same was recorded a short while ago."""
    since = utc_now() - min(_REPORTED_EVERY, authority.life / 12)
    about = events.c.host_id == (host.id if host else None)
    if tx.scalar(sa.select(events.c.id).where(events.c.code == code, about, events.c.time > since)) is None:
        ids = audit.About(host=host.id, cluster=host.cluster_id) if host else audit.About()
        audit.record(tx, SYSTEM, code, text, severity, **ids)
