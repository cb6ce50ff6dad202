"""Waiting for background work of a guest's host: migrating the guest, or saving its memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from netweft.core.errors import HostError
from netweft.core.protocol import EventPage
from netweft.engine.agents import Agent
from netweft.engine.job_context import JobContext, PostponedError
from netweft.engine.payloads import OnVm

_WAIT = 5.0
"""Seconds of one long poll; a stop of the engine is noticed in between."""
_BETWEEN = 5.0
"""Timeout of :func:`wait_until`, in seconds."""
_AGAIN = 0.2
"""Seconds between two polls."""


def last_event(agent: Agent) -> int:
    """The number of the host's newest event."""
    last = 0
    while events := agent.events(last, 0).events:
        last = events[-1].id
    return last


def wait_for_end(
    job: JobContext,
    agent: Agent,
    kind: str,
    after: int,
    *,
    is_under_way: Callable[[], bool],
    is_done: Callable[[], bool],
) -> None:
    """Wait for the event of that kind about the job's guest, after event ``after``. Raises HostError when the guest
    stayed, PostponedError when the engine stops, or when the guest stayed for an unknown reason.

    ``is_under_way`` and ``is_done`` decide when no event arrives, as the agent was restarted.
    """
    guest_id = OnVm.of(job.job).vm_id
    while True:
        page = agent.events(after, _WAIT)
        if _has_gone(page, kind, guest_id):
            return
        after = page.events[-1].id if page.events else after
        if not is_under_way():
            if wait_until(job, partial(_has_ended, agent, kind, guest_id, after, is_done)):
                return
            raise PostponedError(_AGAIN)
        if job.stop.is_set():
            raise PostponedError


def wait_until(job: JobContext, holds: Callable[[], bool]) -> bool:
    """Whether a condition holds, now or within the moment in which neither host reports the guest: it has stopped on
    one host, and is not yet up on the other. Raises PostponedError when the engine stops.
    """
    end = time.monotonic() + _BETWEEN
    while not holds():
        if time.monotonic() > end:
            return False
        job.pause(_AGAIN)
    return True


def _has_ended(agent: Agent, kind: str, guest_id: str, after: int, is_done: Callable[[], bool]) -> bool:
    return _has_gone(agent.events(after, 0), kind, guest_id) or is_done()


def _has_gone(page: EventPage, kind: str, guest_id: str) -> bool:
    """Whether these events report that the guest has left. Raises HostError when they report that it stayed."""
    ends = [event.detail for event in page.events if event.kind == kind and event.subject == guest_id]
    if ends and ends[-1]:
        raise HostError(ends[-1])
    return bool(ends)
