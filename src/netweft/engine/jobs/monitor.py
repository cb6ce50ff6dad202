"""Watching all hosts: each is asked for its next event and answers when there is one, so that what happens there is
known at once; its whole report is asked for then, and when a minute has passed.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import sqlalchemy as sa
import structlog

from netweft.core.errors import HostError, NotFoundError
from netweft.engine.agents import Agents, UnreachableError
from netweft.engine.commands.host_reports import TakeReport, lose_host, take_report
from netweft.engine.db import Database, utc_now
from netweft.engine.leases import is_of
from netweft.engine.model.hosts import hosts
from netweft.engine.outages import first_line, is_away

EVERY = 2.0
"""Seconds between looks at which hosts there are, and between questions to one that does not answer."""
WAIT = 10.0
"""Seconds that a host takes to say that nothing has happened."""
REPORT_EVERY = 60.0
"""Seconds after which a host is looked at as a whole even though nothing seems to have happened."""
LOST_AFTER = 10.0
"""Seconds without an answer after which a host counts as not responding."""
_THREADS = 16

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Sight:
    """What this process remembers of a host between rounds; forgetting it costs one report."""

    boot: str = ""
    event: int = 0
    reported: float = float("-inf")
    silent_since: float | None = None
    answers: bool = False


@dataclass
class Monitor:
    """The watch of one replica, over the hosts that it has by a lease; of all hosts when ``replica`` is empty. Several
    replicas may watch the same hosts: taking a report in twice changes nothing.
    """

    agents: Agents
    replica: str = ""
    _sights: dict[str, _Sight] = field(default_factory=dict)
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_THREADS, thread_name_prefix="monitor")
    )
    _followers: dict[str, Thread] = field(default_factory=dict)
    _closed: Event = field(default_factory=Event)

    def round(self, db: Database) -> None:
        """Look at every host once."""
        rows = _joined(db, self.replica)
        self._forget({row.id for row in rows})
        for _ in self._pool.map(lambda row: self._look_safely(db, row), rows):
            pass

    def watch(self, db: Database) -> None:
        """See to it that every host is followed, from now on until it is removed or the monitor is closed."""
        known = {row.id for row in _joined(db, self.replica)}
        self._forget(known)
        for host_id in known:
            follower = self._followers.get(host_id)
            if not self._closed.is_set() and (follower is None or not follower.is_alive()):
                # They sleep in their questions, from which nothing wakes them when the program ends.
                follower = Thread(target=self._follow, args=(db, host_id), name=f"host {host_id}", daemon=True)
                self._followers[host_id] = follower
                follower.start()

    def _forget(self, known: set[str]) -> None:
        for host_id in set(self._sights) - known:
            self._sights.pop(host_id, None)
            self._followers.pop(host_id, None)

    def _follow(self, db: Database, host_id: str) -> None:
        while not self._closed.is_set():
            try:
                rows = _joined(db, self.replica, hosts.c.id == host_id)
            except Exception as error:
                if is_away(error):  # it comes back
                    log.warning("a host could not be followed", host=host_id, reason=first_line(error))
                else:
                    log.exception("a host could not be followed", host=host_id)
                self._closed.wait(EVERY)
                continue
            if not rows:
                return
            self._look_safely(db, rows[0], WAIT)
            sight = self._sights.get(host_id)
            if sight is None or not sight.answers:
                self._closed.wait(EVERY)

    def _look_safely(self, db: Database, row: sa.Row[Any], wait: float = 0) -> None:
        """One host's trouble, even a defect of ours, must not keep the others from being watched."""
        try:
            self._look(db, row, wait)
        except NotFoundError:
            log.debug("the host was removed meanwhile", host=row.name)
        except Exception as error:
            if is_away(error):
                log.warning("a host could not be looked at", host=row.name, reason=first_line(error))
            else:
                log.exception("a host could not be looked at", host=row.name)

    def _look(self, db: Database, row: sa.Row[Any], wait: float) -> None:
        sight = self._sights.setdefault(row.id, _Sight())
        sight.answers = False
        agent = self.agents.of(row.id, row.agent_url)
        try:
            urgent = row.status in {"non_responsive", "unassigned"} or sight.silent_since is not None
            due = urgent or time.monotonic() - sight.reported > REPORT_EVERY
            page = agent.events(sight.event, 0 if due else wait)
            if self._closed.is_set():
                return
            news = page.boot != sight.boot or page.lost or bool(page.events)
            if news or due:
                asked_at = utc_now()
                report = agent.report()
                db.run(take_report, TakeReport(host_id=row.id, report=report, asked_at=asked_at))
                sight.reported = time.monotonic()
                last = page.events[-1].id if page.events else sight.event
                # Numbers begin anew with each start of the agent.
                sight.boot, sight.event = page.boot, last if page.boot == sight.boot or page.events else 0
        except UnreachableError as error:
            self._note_silence(db, row, sight, error)
        except HostError as error:
            log.warning("a host could not report", host=row.name, reason=error.text)
            sight.silent_since = None
        else:
            sight.silent_since = None
            sight.answers = not urgent

    def _note_silence(self, db: Database, row: sa.Row[Any], sight: _Sight, error: UnreachableError) -> None:
        if self._closed.is_set():
            return
        now = time.monotonic()
        sight.silent_since = sight.silent_since or now
        if now - sight.silent_since >= LOST_AFTER and row.status != "non_responsive":
            db.run(lose_host, row.id, error.text)

    def close(self) -> None:
        """Stop watching."""
        self._closed.set()
        self._pool.shutdown()


def _joined(db: Database, replica: str, *where: sa.ColumnElement[bool]) -> list[Any]:
    """The hosts that have an agent and are this replica's."""
    joined = sa.and_(
        is_of(replica), hosts.c.agent_url != "", hosts.c.status.not_in(("installing", "install_failed")), *where
    )
    with db.read() as tx:
        return list(tx.execute(sa.select(hosts.c.id, hosts.c.name, hosts.c.agent_url, hosts.c.status).where(joined)))
