"""Monitoring one host. One event loop runs this for every host."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import structlog

from netweft.core.errors import HostError, NotFoundError
from netweft.core.protocol import EventPage, Phase
from netweft.engine.agent_answers import UnreachableError, decode_report
from netweft.engine.agents import AgentLine, Agents, Sight
from netweft.engine.db import Database, utc_now
from netweft.engine.jobs.pace import Pace
from netweft.engine.model.records import Record
from netweft.engine.outages import first_line, is_away
from netweft.engine.reports.host_reports import TakeReport, lose_host, take_report
from netweft.engine.reports.host_sightings import evaluate_again, stored_tag

T = TypeVar("T")

EVERY = 2.0
"""Seconds between requests to a host that does not answer."""
EVENT_PATIENCE = 5.0
"""Seconds beyond the long poll's duration after which a host counts as silent."""
DEBOUNCE = 0.2
"""Seconds from an event to fetching the report: events come in bursts, and jobs store the report that they cause."""
_ARRIVING = 32
"""Hosts that are being connected and polled for the first time, at a time."""
_TAKING = 2
"""How many of those are stored at a time: fewer than there are threads, which others need as well."""
_URGENT = ("non_responsive", "unassigned")
"""Statuses of hosts that are polled continuously."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """The intervals of monitoring a host, in seconds.

    ``wait``: the duration of a long poll for events. ``look``: between polls for the report when there are no events.
    ``count``: between polls for its counters. ``evaluate``: between evaluations of an unchanged report. ``lost_after``:
    without an answer until the host counts as not responding. ``is_spread``: whether the first of each comes at random
    before it is due, so that hosts are not all polled at once.
    """

    wait: float = 25.0
    look: float = 120.0
    count: float = 120.0
    evaluate: float = 3600.0
    lost_after: float = 10.0
    is_spread: bool = True

    def begun(self, seconds: float) -> float:
        """When an interval of so many seconds began for a host that is added now, by the monotonic clock."""
        return time.monotonic() - (random.random() * seconds if self.is_spread else 0.0)  # noqa: S311 - not a secret


INTERVALS = Intervals()
"""The defaults."""


class WatchedHost(Record, frozen=True):
    """The columns of a monitored host."""

    id: str
    name: str
    agent_url: str
    status: str
    cluster_id: str


@dataclass(slots=True)
class Host:
    """The state of monitoring a host in this process; when it is lost, the host is polled again. ``row``: as
    :func:`netweft.engine.jobs.monitor.watched` has it.

    ``circumstances``: the part of its cluster that its status depends on; ``evaluated_with``: the same at the last
    evaluation. ``evaluated``, ``counted``: the times of the last evaluation and count, by the monotonic clock.
    """

    row: WatchedHost
    circumstances: object
    evaluated_with: object
    evaluated: float
    counted: float
    looked: float = float("-inf")
    silent_since: float | None = None
    line: AgentLine | None = None
    url: str = ""
    """The address of ``line``."""
    boot: str = ""
    event: int = 0

    def disconnect(self) -> None:
        """Close the connection, if there is one."""
        if self.line is not None:
            self.line.close()
            self.line = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Poll:
    """The result of a poll. ``known``: the tag of the stored report; ``is_open``: whether that is to be evaluated again
    although it has not changed.
    """

    sight: Sight
    asked_at: datetime
    known: str
    is_open: bool


class HostWatch:
    """To be used in one event loop. ``pool``: threads for the database; ``counted``: receives the counters, by host."""

    def __init__(
        self, agents: Agents, db: Database, pool: Executor, counted: dict[str, bytes], intervals: Intervals
    ) -> None:
        self._intervals = intervals
        self._agents = agents
        self._db = db
        self._pool = pool
        self._counted = counted
        self._pace = Pace(_ARRIVING)
        self._taking = asyncio.Semaphore(_TAKING)

    async def follow(self, host: Host) -> None:
        """Monitor a host until this is cancelled."""
        try:
            while True:
                if not await self._safely(host, self._attend):
                    await asyncio.sleep(EVERY)
        finally:
            host.disconnect()

    async def once(self, host: Host) -> None:
        """Poll a host once, on its own connection."""
        try:
            await self._safely(host, self._arrive)
        finally:
            host.disconnect()

    async def _safely(self, host: Host, action: Callable[[Host], Awaitable[bool]]) -> bool:
        """An error of one host, even a defect of ours, must not stop the monitoring of the others."""
        try:
            try:
                return await action(host)
            except UnreachableError as error:
                host.disconnect()
                await self._note_silence(host, error)
        except NotFoundError:
            log.debug("the host was removed meanwhile", host=host.row.name)
        except HostError as error:
            host.disconnect()
            host.silent_since = None
            log.warning("a host could not report", host=host.row.name, reason=error.text)
        except Exception as error:
            host.disconnect()
            if is_away(error):  # it comes back
                log.warning("a host could not be monitored", host=host.row.name, reason=first_line(error))
            else:
                log.exception("a host could not be monitored", host=host.row.name)
        return False

    async def _attend(self, host: Host) -> bool:
        """Wait for the next event, or until the next poll is due. Returns whether to continue at once."""
        if host.line is None or host.url != host.row.agent_url or not self._agents.is_current(host.line):
            return await self._arrive(host)
        is_urgent = host.row.status in _URGENT
        if is_urgent or time.monotonic() - host.looked > self._intervals.look:
            await self._take(host, await self._poll(host, host.line))
            return not is_urgent
        try:
            page = await host.line.events(host.event, self._intervals.wait, EVENT_PATIENCE)
        except UnreachableError:  # perhaps only the connection was lost: reconnect
            host.disconnect()
            host.silent_since = time.monotonic()
            return True
        if page.events or page.lost or page.boot != host.boot:
            await asyncio.sleep(DEBOUNCE)
            if _is_changing(page):
                host.event = page.events[-1].id
            else:
                await self._take(host, await self._poll(host, host.line))
        return True

    async def _arrive(self, host: Host) -> bool:
        """Connect to a host and poll it."""
        host.disconnect()
        host.url = host.row.agent_url
        async with self._pace.turn():
            host.line = await self._agents.line(host.row.id, host.url)
            poll = await self._poll(host, host.line)
        async with self._taking:
            await self._take(host, poll)
        return host.row.status not in _URGENT

    async def _poll(self, host: Host, line: AgentLine) -> _Poll:
        known, is_open = await self._in_pool(self._stored_tag, host.row.id)
        asked_at = utc_now()
        poll = _Poll(sight=await line.poll(known), asked_at=asked_at, known=known, is_open=is_open)
        host.boot, host.event, host.looked = poll.sight.boot, poll.sight.event, time.monotonic()
        host.silent_since = None
        if host.looked - host.counted > self._intervals.count:
            host.counted = host.looked
            self._counted[host.row.id] = await line.counters()
        return poll

    async def _take(self, host: Host, poll: _Poll) -> None:
        """Store the report, or evaluate the stored one again if that is due."""
        is_due = time.monotonic() - host.evaluated > self._intervals.evaluate
        is_stale = host.evaluated_with != host.circumstances or is_due
        if poll.sight.report is None and not poll.is_open and not is_stale:
            return
        evaluated_with = host.circumstances
        await self._in_pool(self._store, host.row.id, poll, is_stale)
        host.evaluated_with, host.evaluated = evaluated_with, time.monotonic()

    def _stored_tag(self, host_id: str) -> tuple[str, bool]:
        with self._db.read_once() as tx:
            return stored_tag(tx, host_id)

    def _store(self, host_id: str, poll: _Poll, is_stale: bool) -> None:
        sight = poll.sight
        if sight.report is None:
            self._db.run(evaluate_again, host_id, poll.known, poll.asked_at)
            return
        if self._stored_tag(host_id) == (sight.tag, False) and not is_stale:
            return  # the job that caused the change has stored it
        report = decode_report(host_id, sight.report, sight.tag)
        self._db.run(take_report, TakeReport(host_id=host_id, report=report, asked_at=poll.asked_at))

    async def _note_silence(self, host: Host, error: UnreachableError) -> None:
        log.debug("a host does not answer", host=host.row.name, reason=error.text)
        now = time.monotonic()
        host.silent_since = host.silent_since or now
        if now - host.silent_since >= self._intervals.lost_after and host.row.status != "non_responsive":
            await self._in_pool(self._db.run, lose_host, host.row.id, error.text)

    async def _in_pool(self, call: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 - those of the call
        return await asyncio.get_running_loop().run_in_executor(self._pool, call, *args)


def _is_changing(page: EventPage) -> bool:
    """Whether the newest of these events is of a change in progress: an event will follow when it ends."""
    newest = page.events[-1] if page.events else None
    return newest is not None and newest.kind == "change" and not Phase(newest.detail).is_final
