"""Watching all hosts: a short question to each every few seconds, its whole report when something happened or a
minute has passed.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
import structlog

from netloom.core.errors import HostError, NotFoundError
from netloom.engine.agents import Agents, UnreachableError
from netloom.engine.commands.host_reports import TakeReport, lose_host, take_report
from netloom.engine.db import Database, utc_now
from netloom.engine.model.hosts import hosts

EVERY = 2.0
"""Seconds between rounds; a round over many hosts takes as long as it takes."""
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


@dataclass
class Monitor:
    """The watch of one replica. Several replicas may watch the same hosts: taking a report in twice changes nothing."""

    agents: Agents
    _sights: dict[str, _Sight] = field(default_factory=dict)
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_THREADS, thread_name_prefix="monitor")
    )

    def round(self, db: Database) -> None:
        """Look at every host once."""
        with db.read() as tx:
            joined = sa.and_(hosts.c.agent_url != "", hosts.c.status.not_in(("installing", "install_failed")))
            rows = tx.execute(
                sa.select(hosts.c.id, hosts.c.name, hosts.c.agent_url, hosts.c.status).where(joined)
            ).all()
        known = {row.id for row in rows}
        for host_id in set(self._sights) - known:
            del self._sights[host_id]
        for _ in self._pool.map(lambda row: self._look_safely(db, row), rows):
            pass

    def _look_safely(self, db: Database, row: sa.Row[Any]) -> None:
        """One host's trouble, even a defect of ours, must not keep the others from being watched."""
        try:
            self._look(db, row)
        except NotFoundError:
            log.debug("the host was removed meanwhile", host=row.name)
        except Exception:
            log.exception("a host could not be looked at", host=row.name)

    def _look(self, db: Database, row: sa.Row[Any]) -> None:
        sight = self._sights.setdefault(row.id, _Sight())
        agent = self.agents.of(row.id, row.agent_url)
        try:
            page = agent.events(sight.event, 0)
            news = page.boot != sight.boot or page.lost or bool(page.events)
            due = time.monotonic() - sight.reported > REPORT_EVERY or row.status in {"non_responsive", "unassigned"}
            if news or due or sight.silent_since is not None:
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

    def _note_silence(self, db: Database, row: sa.Row[Any], sight: _Sight, error: UnreachableError) -> None:
        now = time.monotonic()
        sight.silent_since = sight.silent_since or now
        if now - sight.silent_since >= LOST_AFTER and row.status != "non_responsive":
            db.run(lose_host, row.id, error.text)

    def close(self) -> None:
        """Stop watching."""
        self._pool.shutdown()
