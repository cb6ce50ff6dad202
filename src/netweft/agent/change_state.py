"""The state of a host's last change: on the disk, in memory, and for requests that wait for its progress."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from threading import Condition
from time import monotonic
from typing import TYPE_CHECKING

from netweft.agent import change_requests
from netweft.agent.store import Record, StoreError
from netweft.agent.transitions import Trigger, is_news, transition
from netweft.core.protocol import PROGRESS_EVERY, Phase

if TYPE_CHECKING:
    from netweft.agent.events import Events
    from netweft.agent.store import Store
    from netweft.core.protocol import Change, ChangeRequest

log = logging.getLogger(__name__)

HOST_FILES = ("checkpoint-", "desired-", "committed-")


class ChangeState:
    """The stored record of the last change, and state that is not stored: ``steps`` done and their total, the
    ``deadline`` of its confirmation (time.monotonic), whether it ``is_busy``.

    ``moved`` is the lock of all this (reentrant), and is notified of each change of it.
    """

    def __init__(self, store: Store, events: Events) -> None:
        self._store = store
        self._events = events
        self.record = Record()
        self.moved = Condition()
        self.steps = (0, 0)
        self.deadline = 0.0
        self.is_busy = False

    def load(self) -> None:
        """Read the stored record. Raises StoreError."""
        self.record = self._store.load()
        change = self.record.change
        self.steps = (change.steps_done, change.steps_total) if change else (0, 0)

    def save(self, record: Record) -> None:
        """Store a record and make it the current one. Raises StoreError."""
        self._store.save(record)
        self.record = record

    def sweep(self) -> None:
        """Remove the files of changes before this one."""
        self._store.sweep(self.record, HOST_FILES)

    def change(self) -> Change:
        """The change with its current progress. There must be one."""
        change = self.record.change
        if change is None:
            raise RuntimeError("there is no change")
        left = max(0.0, self.deadline - monotonic()) if change.phase is Phase.AWAITING else None
        done, total = self.steps
        return replace(change, steps_done=done, steps_total=total, seconds_left=left)

    def repeated(self, request: ChangeRequest) -> Change | None:
        """The change of a repeated request; None for a new one. Raises RefusalError for one that is too old.

        The caller holds the lock.
        """
        record = self.record
        if request.generation > record.generation:
            return None
        same = request.generation == record.generation and record.change
        if same and (request.confirm_within, request.commit) == (record.confirm_within, record.commit):
            with suppress(StoreError):
                if self._store.host(record.desired) == request.desired:
                    return self.change()
        raise change_requests.stale(request, record.generation)

    def await_news(self, generation: int, phase: str, wait: float) -> None:
        """Return once there is a newer change, or this one awaits its confirmation or has ended (in a phase other than
        ``phase``); with a delay on other progress; and in any case after ``wait`` seconds.
        """
        until, pause = monotonic() + wait, monotonic() + PROGRESS_EVERY
        with self.moved:
            steps = self.steps
            while (now := monotonic()) < until:
                change = self.record.change
                if change is None or is_news(change, generation=generation, phase=phase):
                    return
                if now >= pause:
                    if change.phase != phase or self.steps != steps:
                        return
                    pause = now + PROGRESS_EVERY
                self.moved.wait(min(pause, until) - now)

    def enter(self, trigger: Trigger, *, error: str = "", difference: tuple[str, ...] = ()) -> None:
        """Store the next phase, then publish it. After a final phase the host accepts the next change.

        Raises StoreError, with the phase unchanged, if the next phase must be stored.
        """
        with self.moved:
            record, change = self.record, self.record.change
            if change is None:
                raise RuntimeError("a phase without a change")
            move = transition(change.phase, trigger)
            done, total = self.steps
            error = error or change.error
            change = replace(
                change, phase=move.to, steps_done=done, steps_total=total, error=error, difference=difference
            )
            if move.keeps and record.peers:
                change = replace(change, lost_peers=None)
            record = replace(record, change=change, committed=record.desired if move.commits else record.committed)
            try:
                self._store.save(record)
            except StoreError:
                if move.needs_disk:
                    raise
                log.exception("going on although the phase %s could not be stored", move.to)
            self.record = record
            self.is_busy = not move.to.is_final
            self.moved.notify_all()
            self._events.change(record.generation, move.to)
