"""What happens to providers by themselves: what has failed is tried again when its time has come, and each is asked now
and then how it is, on which hosts it can have ports, and whether it still has our networks.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from netweft.engine import queue
from netweft.engine.actor import SYSTEM
from netweft.engine.db import Database, Tx, utc_now
from netweft.engine.jobs.providers import Providers, hosts_of
from netweft.engine.model.provider_hosts import ProviderHostRow
from netweft.engine.model.providers import ProviderRow, providers
from netweft.engine.operations import provider_hosts, provider_networks
from netweft.engine.payloads import SyncPorts
from netweft.engine.queries import ports, provider_objects
from netweft.engine.statements import rows
from netweft.providers.contract import ProviderError

EVERY = 2.0
"""Seconds between looks for what is to be tried again."""
ASKED_EVERY = 60.0
"""Seconds between two questions how a provider is."""

log = structlog.get_logger(__name__)


def retry(db: Database) -> None:
    """Have done what is due on providers, and for the ports of virtual machines there."""
    with db.read() as tx:
        now = utc_now()
        is_due = bool(provider_objects.providers_due(tx, now) or ports.due(tx, now))
    if is_due:
        db.run(_enqueue)


def _enqueue(tx: Tx) -> None:
    now = utc_now()
    for provider_id in provider_objects.providers_due(tx, now):
        provider_networks.reconcile(tx, SYSTEM, provider_id)
    for vm_id in ports.due(tx, now):
        text = "Bringing ports of a virtual machine to their providers"
        queue.enqueue_once(tx, SYSTEM, "sync_ports", f"vm:{vm_id}", text, SyncPorts(vm_id=vm_id))


def ask(outside: Providers, db: Database, *, every: float = ASKED_EVERY) -> None:
    """Ask those providers how they are that nobody has asked for a while; of several engines one does."""
    before = utc_now() - timedelta(seconds=every)
    with db.read() as tx:
        due = rows(tx, ProviderRow, sa.select(providers).where(_is_due(before)).order_by(providers.c.id))
    for row in due:
        if not db.run(_claim, row, before):
            continue
        try:
            began = time.monotonic()
            with outside.connected(row) as there:
                found = hosts_of(row.id, there)
                there_are = frozenset(one.id for one in there.networks())
            latency = round(1000 * (time.monotonic() - began))
        except ProviderError as error:
            db.run(_record_failure, row, error.text)
        else:
            db.run(_record, row, found, there_are, latency)


def _is_due(before: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(providers.c.checked_at.is_(None), providers.c.checked_at < before)


def _claim(tx: Tx, row: ProviderRow, before: datetime) -> bool:
    """Whether it is for this engine to ask a provider that nobody has asked since then."""
    mine = providers.c.id == row.id, _is_due(before)
    return bool(tx.execute(sa.update(providers).where(*mine).values(checked_at=utc_now())).rowcount)


def _record(
    tx: Tx, row: ProviderRow, found: Sequence[ProviderHostRow], there_are: frozenset[str], latency: int
) -> None:
    """A provider that was removed meanwhile has no hosts any more."""
    values = {"status": "ok", "status_reason": "", "latency": latency, "checked_at": utc_now()}
    if tx.execute(sa.update(providers).where(providers.c.id == row.id).values(values)).rowcount:
        provider_hosts.replace(tx, row.id, found)
        provider_networks.compare(tx, SYSTEM, row.id, there_are)


def _record_failure(tx: Tx, row: ProviderRow, reason: str) -> None:
    values = {"status": "error", "status_reason": reason, "checked_at": utc_now()}
    tx.execute(sa.update(providers).where(providers.c.id == row.id).values(values))
    if row.status != "error":
        log.warning("provider does not answer", provider=row.name, reason=reason)
