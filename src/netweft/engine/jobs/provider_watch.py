"""What happens to providers by themselves: what has failed is tried again when its time has come, and each is asked now
and then how it is, on which hosts it can have ports, and whether it still has our networks.
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
"""Seconds between looks for what is to be tried again."""
ASKED_EVERY = 60.0
"""Seconds between two questions how a provider is."""
ORPHANS_EVERY = 600.0
"""Seconds between two looks for what it has of ours that is not known here."""
SYNC_EVERY = 300.0
"""Seconds between two imports of what it has and data centres have not, where that is wanted."""

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


class Asking:
    """Asks providers how they are, each in a thread of its own: one that hangs delays the news of no other, and is
    asked again when it has answered. ``every``: seconds between two questions; of several engines one asks.
    """

    def __init__(self, outside: Providers, *, every: float = ASKED_EVERY) -> None:
        self._outside = outside
        self._every = timedelta(seconds=every)
        self._threads: dict[str, Thread] = {}
        self._done: dict[str, float] = {}

    def round(self, db: Database) -> None:
        """Begin to ask those that nobody has asked for a while."""
        self._threads = {one: thread for one, thread in self._threads.items() if thread.is_alive()}
        before = utc_now() - self._every
        with db.read() as tx:
            due = rows(tx, ProviderRow, sa.select(providers).where(_is_due(before)).order_by(providers.c.id))
        for row in due:
            if row.id not in self._threads and db.run(_claim, row, before):
                thread = Thread(target=self._ask, args=(db, row), name=f"provider-{row.name}", daemon=True)
                self._threads[row.id] = thread
                thread.start()

    def close(self) -> None:
        """Wait for the answers, or for the end of the time that providers have for them."""
        for thread in self._threads.values():
            thread.join()

    def _ask(self, db: Database, row: ProviderRow) -> None:
        try:
            if row.purpose == CONFIGURATION:
                _ask_fabric(self._outside, db, row)
                return
            networks = _ask(self._outside, db, row)
            if networks is not None:
                self._sync(db, row, networks)
                self._find_orphans(db, row)
        except Exception as error:
            if is_away(error):  # the provider is asked again
                log.warning("no provider could be asked", provider=row.name, reason=first_line(error))
            else:
                log.exception("no provider could be asked", provider=row.name)

    def _sync(self, db: Database, row: ProviderRow, networks: Sequence[ProviderNetwork]) -> None:
        """Now and then, as what was refused is tried again."""
        if row.auto_sync and self._is_time(f"sync {row.id}", SYNC_EVERY):
            db.run(sync_networks.enqueue_if_any, row, networks)

    def _is_time(self, what: str, every: float) -> bool:
        """Whether it was not done for so many seconds; it counts as done then."""
        is_time = time.monotonic() - self._done.get(what, -every) >= every
        if is_time:
            self._done[what] = time.monotonic()
        return is_time

    def _find_orphans(self, db: Database, row: ProviderRow) -> None:
        """Now and then, as it takes lists of all that is there."""
        if not self._is_time(f"orphans {row.id}", ORPHANS_EVERY):
            return
        try:
            with self._outside.connected(row) as there:
                found = orphans.orphans_on(db, there)
        except ProviderError as error:
            log.warning("nobody could look for orphans", provider=row.name, reason=error.text)
        else:
            db.run(orphans.count, row.id, len(found))


def _ask(outside: Providers, db: Database, row: ProviderRow) -> Sequence[ProviderNetwork] | None:
    """Its networks, where somebody wants to know them; None when it did not answer."""
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


def _ask_fabric(outside: Providers, db: Database, row: ProviderRow) -> None:
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
    """What is wanted there that can be compared."""
    with db.read() as tx:
        return provider_objects.but_ports(tx, row.id)


def _is_due(before: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(providers.c.checked_at.is_(None), providers.c.checked_at < before)


def _claim(tx: Tx, row: ProviderRow, before: datetime) -> bool:
    """Whether it is for this engine to ask a provider that nobody has asked since then."""
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
    """A provider that was removed meanwhile has no hosts any more."""
    if provider_state.answered(tx, row.id, latency):
        provider_hosts.replace(tx, row.id, found)
        provider_networks.compare(tx, SYSTEM, row.id, known, frozenset(one.id for one in networks))
