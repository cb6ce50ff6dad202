"""Netweft's additions that belong to no noun: the event stream, and how hosts join."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import anyio.to_thread
import msgspec
from sqlalchemy.exc import SQLAlchemyError

from netweft.api.routes import ADDITIONS, PUBLIC, READ, Call, Raw, Routes, Stream, is_number
from netweft.core.errors import MalformedError
from netweft.engine import audit
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands import enrollments
from netweft.engine.commands.enrollments import EnrollReply, EnrollRequest
from netweft.engine.db import Database, utc_now
from netweft.engine.model.events import EventRow
from netweft.engine.outages import is_away
from netweft.engine.queries import events as queries

routes = Routes("netweft", ADDITIONS)

POLL_INTERVAL = 2.0
"""Seconds between polls of the events without a notification (other replicas send none)."""
ALIVE = 15.0
"""Seconds of silence after which a comment is sent: proxies keep the connection, and a dead client is noticed."""
MISSING_ID_WAIT = timedelta(seconds=5)
"""How long a missing id may still be committed: PostgreSQL assigns ids before the commit."""
_BATCH = 500


class EventLine(msgspec.Struct, kw_only=True, frozen=True):
    """An event in the stream. The ids name what it is about."""

    id: int
    code: int
    severity: str
    description: str
    time: datetime
    correlation_id: str
    origin: str
    user: str
    data_center_id: str | None
    cluster_id: str | None
    host_id: str | None
    network_id: str | None
    vm_id: str | None
    job_id: str | None


class Enrollment(msgspec.Struct, kw_only=True, frozen=True):
    """What a host's agent needs to join, once: run ``command`` on the host."""

    token: str
    fingerprint: str
    command: str


@routes.raw("/events", "text/event-stream", needs=READ)
def stream_events(call: Call[None]) -> Stream:
    """Events as they happen (server-sent events); resumed by the header Last-Event-ID, or after the id in ``after``."""
    text = call.headers.get("last-event-id", "") or call.query.text("after")
    if text and not is_number(text):
        raise MalformedError(f"Last-Event-ID: '{text[:60]}' is no id of an event.")
    with call.read() as tx:
        last = int(text) if text else queries.last(tx)
    only_user = call.actor.user_id if call.actor.filtered else None
    return Stream(lambda: _lines(call.db, last, only_user, call.services.ending))


async def _lines(db: Database, last: int, only_user: str | None, ending: threading.Event) -> AsyncIterator[bytes]:
    news, loop = asyncio.Event(), asyncio.get_running_loop()

    def notify() -> None:
        loop.call_soon_threadsafe(news.set)

    stop = db.subscribe(audit.TOPIC, notify)
    silent_since = loop.time()
    try:
        yield b": events follow\n\n"
        while not ending.is_set():
            news.clear()
            rows = await anyio.to_thread.run_sync(_events_if_any, db, last)
            for row in rows:
                last = row.id
                if only_user is None or row.user_id == only_user:
                    silent_since = loop.time()
                    yield _line(row)
            if not rows:
                if loop.time() - silent_since > ALIVE:
                    silent_since = loop.time()
                    yield b": alive\n\n"
                with anyio.move_on_after(POLL_INTERVAL):
                    await news.wait()
    finally:
        stop()


def _events_if_any(db: Database, last: int) -> Sequence[EventRow]:
    """As :func:`_next_events`; none while the database is away, since the stream goes on where it was."""
    try:
        return _next_events(db, last)
    except SQLAlchemyError as error:
        if not is_away(error):
            raise
        return ()


def _next_events(db: Database, last: int) -> Sequence[EventRow]:
    """The events after ``last`` up to the first missing id that may still be committed."""
    with db.read() as tx:
        rows = queries.following(tx, last, _BATCH)
    now = utc_now()
    for index, row in enumerate(rows):
        if row.id != last + 1 and now - row.time < MISSING_ID_WAIT:
            return rows[:index]
        last = row.id
    return rows


def _line(row: EventRow) -> bytes:
    line = EventLine(
        id=row.id,
        code=row.code,
        severity=row.severity,
        description=row.description,
        time=row.time,
        correlation_id=row.correlation_id,
        origin=row.origin,
        user=row.user_name,
        data_center_id=row.data_center_id,
        cluster_id=row.cluster_id,
        host_id=row.host_id,
        network_id=row.network_id,
        vm_id=row.vm_id,
        job_id=row.job_id,
    )
    return b"id: %d\nevent: event\ndata: %s\n\n" % (row.id, msgspec.json.encode(line))


@routes.raw("/ca.pem", "application/x-pem-file", needs=PUBLIC)
def get_authority(call: Call[None]) -> Raw:
    """The certificate of the engine's authority. Trust it only after comparing its fingerprint."""
    return Raw(call.services.authority.certificate.encode(), "application/x-pem-file")


@routes.post("/enroll", EnrollRequest, gives=EnrollReply, needs=PUBLIC)
def enroll(call: Call[EnrollRequest]) -> EnrollReply:
    """Enroll a host's agent: exchange its one-time token for a certificate."""
    return call.run(enrollments.enroll, call.services.authority, call.body)


@routes.post("/hosts/{host_id}/enrollment", dict[str, Any], gives=Enrollment, needs=ActionGroup.EDIT_HOST_CONFIGURATION)
def post_enrollment(call: Call[dict[str, Any]]) -> Enrollment:
    """Create a one-time enrollment token for this host's agent, valid for a day; it replaces earlier ones."""
    token = call.run(enrollments.create_enrollment, call.actor, call.ids["host_id"])
    fingerprint = call.services.authority.fingerprint
    # A variable of one command is for its process alone; a word of its command line would be for everybody to see.
    command = f"NETWEFT_ENROLL_TOKEN={token} netweft agent --enroll {call.origin()} --ca-fingerprint {fingerprint}"
    return Enrollment(token=token, fingerprint=fingerprint, command=command)
