"""Health and metrics of the engine for monitoring."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from netweft.api.faults import RETRY_AFTER
from netweft.engine.clock import CLOCK
from netweft.engine.db import Database
from netweft.engine.outages import first_line
from netweft.engine.queries import totals

REQUESTS = Counter("netweft_requests", "Requests answered.", ("noun", "method", "status"))
SECONDS = Histogram("netweft_request_seconds", "Seconds from a request to its answer.", ("noun", "method"))
JOBS = Gauge("netweft_jobs_unfinished", "Jobs that have not ended.")
HOSTS = Gauge("netweft_hosts", "Hosts by their status.", ("status",))
DRIFTING = Gauge("netweft_hosts_out_of_sync", "Hosts whose networking is not as configured.")
DATABASE_UP = Gauge("netweft_database_up", "1 when the database answered, 0 when it did not.")
CLOCK_DIFFERENCE = Gauge(
    "netweft_clock_difference_seconds", "Seconds by which this machine's clock is ahead of the database's."
)

log = structlog.get_logger(__name__)


_PATIENCE = 5.0
"""Seconds after which a database that says nothing counts as away: who watches does not wait for ever either."""
_THREADS = 4
_SILENT = "the database does not answer"


class Watch:
    """The endpoints for those who watch. They tell nothing of who and what, and so need no login; they answer while the
    database does not, in threads of their own.
    """

    def __init__(self, db: Database) -> None:
        self.db = db
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="watch")
        self._open: set[asyncio.Future[None]] = set()

    async def health(self, _request: Request) -> Response:
        """200 when the database answers, else 503; with warnings of what can wait."""
        reason = await self._asked(self._ask)
        if reason:
            return JSONResponse({"status": "failed", "reason": reason}, 503, RETRY_AFTER)
        warnings = [CLOCK.message] if CLOCK.is_off else []
        return JSONResponse({"status": "ok", **({"warnings": warnings} if warnings else {})})

    def _ask(self) -> None:
        with self.db.read() as tx:
            totals.nothing(tx)

    async def metrics(self, _request: Request) -> Response:
        """All figures in Prometheus' text format; of those that the database knows none while it is away."""
        if await self._asked(self._count):
            DATABASE_UP.set(0)
            JOBS.set(math.nan)
            DRIFTING.set(math.nan)
            HOSTS.clear()
        else:
            DATABASE_UP.set(1)
        CLOCK_DIFFERENCE.set(CLOCK.difference)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    def _count(self) -> None:
        with self.db.read() as tx:
            unfinished = totals.unfinished_jobs(tx)
            by_status = totals.hosts_by_status(tx)
            drifting = totals.hosts_out_of_sync(tx)
        JOBS.set(unfinished)
        DRIFTING.set(drifting)
        HOSTS.clear()
        for status, number in by_status.items():
            HOSTS.labels(status).set(number)

    async def _asked(self, question: Callable[[], None]) -> str:
        """Why a question could not be answered, empty when it was."""
        if len(self._open) >= _THREADS:
            return _SILENT
        answer = asyncio.get_running_loop().run_in_executor(self._threads, question)
        self._open.add(answer)
        answer.add_done_callback(self._closed)
        try:
            await asyncio.wait_for(asyncio.shield(answer), _PATIENCE)
        except TimeoutError:
            return _SILENT
        except SQLAlchemyError as error:
            log.warning("the database cannot be queried", reason=first_line(error))
            return type(error).__name__
        return ""

    def _closed(self, answer: asyncio.Future[None]) -> None:
        self._open.discard(answer)
        if not answer.cancelled():
            answer.exception()  # looked at, also when nobody waits for it any more
