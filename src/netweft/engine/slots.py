"""Limits how many jobs run at a time, and how many more may wait for their hosts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

Waiting: TypeAlias = Callable[[], AbstractContextManager[None]]
"""What whoever waits enters meanwhile."""

_WAITING = 240


class Slots:
    """Places for jobs. Each has a thread; one that waits for a host lends its place to another until the host has
    answered, so that hosts that are slow or silent keep no other's jobs from being done, while no more than ``working``
    contend for the processor.
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
        """Take a place for a job that begins, if there is one within so many seconds. Who comes back goes first."""
        with self._lock:
            if not self._entry.wait_for(self._is_free, timeout):
                return False
            self._working += 1
            return True

    def leave(self) -> None:
        """Give the place back."""
        with self._lock:
            self._working -= 1
            self._next()

    @contextmanager
    def held(self) -> Iterator[None]:
        """The job's life, in its thread: its place is there, and is given back at the end."""
        self._here.works = True
        try:
            yield
        finally:
            self._here.works = False
            self.leave()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While this thread waits, another may work in its place; without effect in threads that have none."""
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
        """A place has become free. Called with the lock."""
        (self._return if self._returning else self._entry).notify()
