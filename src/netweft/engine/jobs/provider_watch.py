"""Timers of providers: failed work is retried when it is due, and each provider is polled for its status, for the hosts
it can have ports on, and for our networks that are missing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Thread

import sqlalchemy as sa
import structlog

from netweft.engine import queue
from netweft.engine.actor import SYSTEM
from netweft.engine.db import Database, Tx, utc_now
from netweft.engine.jobs import orphans, sync_networks
from netweft.engine.jobs.providers import Providers, hosts_of, servers_of
from netweft.engine.model.provider_hosts import ProviderHostRow
from netweft.engine.model.provider_objects import ProviderObjectRow
from netweft.engine.model.providers import CONFIGURATION, ProviderRow, providers
from netweft.engine.operations import fabric_members, port_profiles, provider_hosts, provider_networks, provider_state
from netweft.engine.outages import first_line, is_away
from netweft.engine.payloads import SyncPorts
from netweft.engine.queries import ports, provider_objects
from netweft.engine.statements import rows
from netweft.providers.configuration import PortProfile
from netweft.providers.contract import ProviderError, ProviderNetwork

EVERY = 2.0
"""Seconds between checks for work that is due again."""
POLLED_EVERY = 60.0
"""Seconds between polls of a provider."""
ORPHANS_EVERY = 600.0
"""Seconds between searches for orphans: its objects with our mark that are not known here."""
SYNC_EVERY = 300.0
"""Seconds between imports of its networks that data centres do not have, where that is enabled."""

log = structlog.get_logger(__name__)


def retry(db: Database) -> None:
    """Enqueue the work that is due on providers, and for ports of virtual machines there."""
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


class ProviderMonitor:
    """Polls providers, each in its own thread: one that hangs delays no other, and is polled again after it has
    answered. ``every``: seconds between polls; of several engines, one polls.
    """

    def __init__(self, outside: Providers, *, every: float = POLLED_EVERY) -> None:
        self._outside = outside
        self._every = timedelta(seconds=every)
        self._threads: dict[str, Thread] = {}
        self._done: dict[str, float] = {}

    def round(self, db: Database) -> None:
        """Begin to poll the providers that are due."""
        self._threads = {one: thread for one, thread in self._threads.items() if thread.is_alive()}
        before = utc_now() - self._every
        with db.read() as tx:
            due = rows(tx, ProviderRow, sa.select(providers).where(_is_due(before)).order_by(providers.c.id))
        for row in due:
            if row.id not in self._threads and db.run(_claim, row, before):
                thread = Thread(target=self._poll, args=(db, row), name=f"provider-{row.name}", daemon=True)
                self._threads[row.id] = thread
                thread.start()

    def close(self) -> None:
        """Wait for the answers, or for their timeouts."""
        for thread in self._threads.values():
            thread.join()

    def _poll(self, db: Database, row: ProviderRow) -> None:
        try:
            if row.purpose == CONFIGURATION:
                _poll_fabric(self._outside, db, row)
                return
            networks = _poll(self._outside, db, row)
            if networks is not None:
                self._sync(db, row, networks)
                self._find_orphans(db, row)
        except Exception as error:
            if is_away(error):  # the provider is polled again
                log.warning("the provider could not be polled", provider=row.name, reason=first_line(error))
            else:
                log.exception("the provider could not be polled", provider=row.name)

    def _sync(self, db: Database, row: ProviderRow, networks: Sequence[ProviderNetwork]) -> None:
        """At intervals, so that refused imports are retried."""
        if row.auto_sync and self._is_time(f"sync {row.id}", SYNC_EVERY):
            db.run(sync_networks.enqueue_if_any, row, networks)

    def _is_time(self, what: str, every: float) -> bool:
        """Whether it was not done for so many seconds; marks it as done now."""
        is_time = time.monotonic() - self._done.get(what, -every) >= every
        if is_time:
            self._done[what] = time.monotonic()
        return is_time

    def _find_orphans(self, db: Database, row: ProviderRow) -> None:
        """At intervals, as it lists all objects there."""
        if not self._is_time(f"orphans {row.id}", ORPHANS_EVERY):
            return
        try:
            with self._outside.connected(row) as there:
                found = orphans.orphans_on(db, there)
        except ProviderError as error:
            log.warning("orphans could not be searched", provider=row.name, reason=error.text)
        else:
            db.run(orphans.count, row.id, len(found))


def _poll(outside: Providers, db: Database, row: ProviderRow) -> Sequence[ProviderNetwork] | None:
    """Its networks, if they are needed; None when it did not answer."""
    try:
        began = time.monotonic()
        with outside.connected(row) as there:
            found = hosts_of(row.id, there)
            known = _objects(db, row)
            networks = list(there.networks()) if known or row.auto_sync else []
        latency = round(1000 * (time.monotonic() - began))
    except ProviderError as error:
        db.run(provider_state.failed, row.id, error.text)
        return None
    db.run(_record, row, found, known, networks, latency)
    return networks


def _poll_fabric(outside: Providers, db: Database, row: ProviderRow) -> None:
    """Which hosts a fabric connects, and whether it still has our port profiles."""
    try:
        began = time.monotonic()
        with outside.configuring(row) as there:
            found = servers_of(row.id, there)
            known = _objects(db, row)
            profiles = there.profiles()
        latency = round(1000 * (time.monotonic() - began))
    except ProviderError as error:
        db.run(provider_state.failed, row.id, error.text)
    else:
        db.run(_record_fabric, row, found, known, profiles, latency)


def _record_fabric(
    tx: Tx,
    row: ProviderRow,
    found: Sequence[ProviderHostRow],
    known: Sequence[ProviderObjectRow],
    profiles: Sequence[PortProfile],
    latency: int,
) -> None:
    if not provider_state.answered(tx, row.id, latency):
        return
    provider_hosts.replace(tx, row.id, found)
    port_profiles.compare(tx, SYSTEM, row.id, known, {one.owner for one in profiles})
    fabric_members.align_all(tx, row.id)
    fabric_members.compare(tx, row.id, known, {(one.owner, guid) for one in profiles for guid in one.members})
    wanted = {one.object_id for one in [*known, *provider_objects.but_ports(tx, row.id)]}
    orphans.count(tx, row.id, sum(1 for one in profiles if one.owner and one.owner not in wanted))


def _objects(db: Database, row: ProviderRow) -> list[ProviderObjectRow]:
    """The provider's objects of ours that can be compared."""
    with db.read() as tx:
        return provider_objects.but_ports(tx, row.id)


def _is_due(before: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(providers.c.checked_at.is_(None), providers.c.checked_at < before)


def _claim(tx: Tx, row: ProviderRow, before: datetime) -> bool:
    """Claim a provider for this engine's poll; False when another engine has polled it since."""
    mine = providers.c.id == row.id, _is_due(before)
    return bool(tx.execute(sa.update(providers).where(*mine).values(checked_at=utc_now())).rowcount)


def _record(
    tx: Tx,
    row: ProviderRow,
    found: Sequence[ProviderHostRow],
    known: Sequence[ProviderObjectRow],
    networks: Sequence[ProviderNetwork],
    latency: int,
) -> None:
    """Does nothing for a provider that was removed meanwhile."""
    if provider_state.answered(tx, row.id, latency):
        provider_hosts.replace(tx, row.id, found)
        provider_networks.compare(tx, SYSTEM, row.id, known, frozenset(one.id for one in networks))
