"""HTTP on one connection: uvicorn's protocol, and bounds on what a client may send, hold and leave unread.

uvicorn parses and answers; what it does not limit is limited here, where its parser says how far a request has come:
size, number and time of the headers, requests that wait, bodies that nobody reads, answers that nobody takes. How large
and how slow a body may be that *is* read is the application's matter (:mod:`netweft.api.bodies`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from http import HTTPStatus

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from netweft.engine.connections import KNOWN, Connections, Place

_SLICE = 16 * 1024
"""Octets that the parser gets at a time, so that nothing grows much beyond its limit before it is looked at."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, config: uvicorn.Config, state: ServerState, connections: Connections, place: Place) -> None:
        super().__init__(config, state, {KNOWN: self._mark_authenticated})
        self._connections = connections
        self._limits = connections.limits
        self._place = place
        self._in_head = True
        """Whether the next octet belongs to a request line or headers, those of the next request included."""
        self._octets = 0
        """Of the present head or body."""
        self._cycles: deque[RequestResponseCycle] = deque()
        """Requests that are not answered yet, oldest first: uvicorn knows the newest only."""
        self._is_closing = False
        self._timer: asyncio.TimerHandle | None = None
        self._send_timer: asyncio.TimerHandle | None = None

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the class above has it
        """The handshake is done: a request is expected."""
        super().connection_made(transport)
        self._place.close = transport.abort
        self._expect(self._limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._expect(None)
        self._watch_sending(None)
        self._connections.leave(self._place)
        for cycle in self._cycles:
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Let the parser have it, a slice at a time."""
        for start in range(0, len(data), _SLICE):
            if self._is_closing or self.transport.is_closing():
                return
            self._feed(data if len(data) <= _SLICE else data[start : start + _SLICE])

    def _feed(self, part: bytes) -> None:
        self._octets += len(part)  # the callbacks begin anew where a head or a body ends
        super().data_received(part)
        if self._is_closing:
            return
        if not self._in_head:
            if self._octets > self._limits.discard_octets:
                self._close()
        elif self._octets > self._limits.head_octets:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._octets and self._timer is None:
            self._expect(self._limits.head_seconds)

    # What the parser found

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header. What follows a chunked body is not read: nobody asked for it."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A request: its body follows, if it has one."""
        self._in_head, self._octets = False, 0
        self._expect(None)
        if self._is_closing:
            return
        if len(self.headers) > self._limits.head_fields:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif len(self.pipeline) >= self._limits.pipeline:
            self._close()
        else:
            self._place.busy = True
            before = self.cycle
            super().on_headers_complete()
            if self.cycle is not before:
                self._cycles.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        """A part of the body, which waits until the application reads it."""
        if not self._is_closing:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """All of a request is there."""
        self._in_head, self._octets = True, 0
        if not self._is_closing:
            if self.cycle.response_complete:  # uvicorn's own timer was stopped by the body that came after the answer
                self._expect(self._limits.idle_seconds)
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """It is answered. What is left of its body is thrown away, within limits."""
        self._cycles.popleft()
        super().on_response_complete()
        if not self.pipeline:
            self._connections.used(self._place)
        if not self._in_head:
            self._expect(self._limits.discard_seconds)

    # Clients that take no answer

    def pause_writing(self) -> None:
        """The client is slower than its answer comes."""
        super().pause_writing()
        self._watch_sending(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """It has taken most of it."""
        super().resume_writing()
        self._watch_sending(None)

    def _watch_sending(self, waiting: int | None) -> None:
        """Cut the connection unless enough of these octets are taken in time; None: no more is waiting."""
        if self._send_timer is not None:
            self._send_timer.cancel()
        self._send_timer = None
        if waiting is not None:
            self._send_timer = self.loop.call_later(self._limits.send_seconds, self._check_sending, waiting)

    def _check_sending(self, before: int) -> None:
        left = self.transport.get_write_buffer_size()
        if before - left < self._limits.send_octets:
            self.transport.abort()
        else:
            self._watch_sending(left)

    # Ends

    def timeout_keep_alive_handler(self) -> None:
        """The idle timeout after an answer has expired."""
        self._close()

    def _expect(self, seconds: float | None) -> None:
        """Start the timeout of what is being received, in seconds; None: stop it."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        if self.flow.read_paused:  # the engine itself has paused reading
            self._expect(self._limits.head_seconds)
        elif self._in_head and self._octets:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._close()

    def _refuse(self, status: HTTPStatus) -> None:
        """Send the status, unless an earlier request is still unanswered, and close."""
        if not (self.transport.is_closing() or self._place.busy):
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode())
        self._close()

    def _close(self) -> None:
        """Close the connection; abort it when that takes too long."""
        self._is_closing = True
        self._expect(None)
        if not self.transport.is_closing():
            self.transport.close()
        self._timer = self.loop.call_later(self._limits.close_seconds, self.transport.abort)

    def _mark_authenticated(self) -> None:
        """Called by threads: a user has logged in."""
        if not self._place.authenticated:
            self.loop.call_soon_threadsafe(self._connections.authenticated, self._place)
