"""Whether the engine is well, and its figures, for machines that watch it."""

from __future__ import annotations

import anyio.to_thread
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import func, literal, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from netweft.engine.db import Database
from netweft.engine.model.hosts import host_drifts, hosts
from netweft.engine.model.jobs import jobs

REQUESTS = Counter("netweft_requests", "Requests answered.", ("noun", "method", "status"))
SECONDS = Histogram("netweft_request_seconds", "Seconds from a request to its answer.", ("noun", "method"))
JOBS = Gauge("netweft_jobs_unfinished", "Jobs that have not ended.")
HOSTS = Gauge("netweft_hosts", "Hosts by their status.", ("status",))
DRIFTING = Gauge("netweft_hosts_out_of_sync", "Hosts whose networking is not as wanted.")


class Watch:
    """The endpoints for those who watch. They tell nothing of who and what, and so need no login."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def health(self, _request: Request) -> Response:
        """200 when the database answers, else 503."""
        try:
            await anyio.to_thread.run_sync(self._ask)
        except SQLAlchemyError as error:
            return JSONResponse({"status": "failed", "reason": type(error).__name__}, 503)
        return JSONResponse({"status": "ok"})

    def _ask(self) -> None:
        with self.db.read() as tx:
            tx.execute(select(literal(1)))

    async def metrics(self, _request: Request) -> Response:
        """All figures in Prometheus' text format."""
        content = await anyio.to_thread.run_sync(self._figures)
        return Response(content, media_type=CONTENT_TYPE_LATEST)

    def _figures(self) -> bytes:
        with self.db.read() as tx:
            unfinished = select(func.count()).select_from(jobs).where(jobs.c.status == "started")
            JOBS.set(tx.execute(unfinished).scalar_one())
            by_status = tx.execute(select(hosts.c.status, func.count()).group_by(hosts.c.status)).all()
            DRIFTING.set(tx.execute(select(func.count()).select_from(host_drifts)).scalar_one())
        HOSTS.clear()
        for status, count in by_status:
            HOSTS.labels(status).set(count)
        return generate_latest()
