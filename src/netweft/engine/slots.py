"""Limits how many jobs run at a time, and how many more may wait for their hosts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

Waiting: TypeAlias = Callable[[], AbstractContextManager[None]]
"""A context for the time during which a thread waits."""

_WAITING = 240


class Slots:
    """Slots for jobs. Each job has a thread; while it waits for a host, another job may use its slot, so that slow
    hosts do not delay the jobs of others, while no more than ``working`` jobs contend for the processor.
    """

    def __init__(self, working: int, waiting: int = _WAITING) -> None:
        self.all = working + waiting
        self._most = working
        self._lock = threading.Lock()
        self._entry = threading.Condition(self._lock)
        self._return = threading.Condition(self._lock)
        self._working = 0
        self._away = 0
        self._returning = 0
        self._here = threading.local()

    def enter(self, timeout: float) -> bool:
        """Take a slot for a new job, if one is free within so many seconds. Jobs that return from waiting go first."""
        with self._lock:
            if not self._entry.wait_for(self._is_free, timeout):
                return False
            self._working += 1
            return True

    def leave(self) -> None:
        """Release the slot."""
        with self._lock:
            self._working -= 1
            self._next()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Mark the current thread as a job's; its slot is released at the end."""
        self._here.works = True
        try:
            yield
        finally:
            self._here.works = False
            self.leave()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Lend this thread's slot to others while it waits; without effect in threads without one."""
        if not getattr(self._here, "works", False):
            yield
            return
        self._here.works = False
        with self._lock:
            self._working -= 1
            self._away += 1
            self._next()
        try:
            yield
        finally:
            with self._lock:
                self._returning += 1
                self._return.wait_for(lambda: self._working < self._most)
                self._returning -= 1
                self._away -= 1
                self._working += 1
            self._here.works = True

    def _is_free(self) -> bool:
        return self._working + self._returning < self._most and self._working + self._away < self.all

    def _next(self) -> None:
        """Wake a waiting thread: a slot has become free. Called with the lock."""
        (self._return if self._returning else self._entry).notify()
