"""Logs, ``/health`` and ``/metrics``."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator

import anyio.to_thread
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from netloom.engine.db import Database
from netloom.engine.model.hosts import hosts
from netloom.engine.model.jobs import jobs
from netloom.engine.queue import Status
from netloom.engine.worker import Worker

log = structlog.get_logger(__name__)

_SECRET = ("password", "token", "secret", "authorization", "cookie", "private_key")


def configure_logging(level: str, *, as_json: bool) -> None:
    """Log to standard error, as text or as JSON lines. Values under names that sound like secrets are left out."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            *([structlog.processors.format_exc_info] if as_json else []),
            structlog.processors.JSONRenderer()
            if as_json
            else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", force=True
    )


def _console() -> structlog.typing.Processor:
    # The plain traceback: structlog's rich one prints the values of variables, secrets among them.
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)


def _without_secrets(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for name in event:
        if any(part in name.lower() for part in _SECRET):
            event[name] = "(left out)"
    return event


class Metrics:
    """What is counted, in the words of Prometheus."""

    def __init__(self, db: Database, worker: Worker) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "netloom_http_requests", "Requests answered.", ["method", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "netloom_http_request_seconds", "From the request to its answer.", ["method"], registry=self.registry
        )
        running = Gauge("netloom_jobs_running", "Jobs that run in this replica.", registry=self.registry)
        running.set_function(worker.busy)
        self.registry.register(_Stored(db))


class _Stored(Collector):
    """What the database knows, read when it is asked for."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Hosts by status, and the jobs that wait or run."""
        with self._db.read() as tx:
            by_status = tx.execute(select(hosts.c.status, func.count()).group_by(hosts.c.status)).all()
            open_jobs = tx.execute(select(func.count()).where(jobs.c.status == Status.STARTED)).scalar_one()
        family = GaugeMetricFamily("netloom_hosts", "Hosts by status.", labels=["status"])
        for status, count in by_status:
            family.add_metric([status], count)
        yield family
        yield GaugeMetricFamily("netloom_jobs_open", "Jobs that wait or run, in all replicas.", value=open_jobs)


class Counted:
    """The application, with every request counted. ``METHODS`` keeps clients from inventing labels."""

    METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note its status and time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in self.METHODS else "other"
        started = time.perf_counter()

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.requests.labels(method, str(message["status"])).inc()
                self._metrics.seconds.labels(method).observe(time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, note)


def routes(db: Database, metrics: Metrics) -> list[Route]:
    """``/health`` (also where oVirt has it) and ``/metrics``; anybody may ask, and learns numbers only."""

    def look() -> None:
        with db.read() as tx:
            tx.execute(select(1))

    async def is_well() -> bool:
        try:
            await anyio.to_thread.run_sync(look)
        except SQLAlchemyError as error:
            log.warning("the database does not answer", reason=str(error))
            return False
        return True

    async def health(_: Request) -> Response:
        well = await is_well()
        return JSONResponse({"status": "ok" if well else "database"}, 200 if well else 503)

    async def ovirt_health(_: Request) -> Response:
        well = await is_well()
        return PlainTextResponse("DB Up!Welcome to Health Status!" if well else "DB Down!", 200 if well else 500)

    async def numbers(_: Request) -> Response:
        content = await anyio.to_thread.run_sync(generate_latest, metrics.registry)
        return Response(content, media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/health", health),
        Route("/ovirt-engine/services/health", ovirt_health),
        Route("/metrics", numbers),
    ]
