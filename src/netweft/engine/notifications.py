"""Notifications after a commit: threads that wait for a change check again."""

from __future__ import annotations

import selectors
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from sqlalchemy.engine import URL

CHANNEL = "netweft"
"""PostgreSQL's channel for notifications between replicas."""

log = structlog.get_logger(__name__)


class Notifications:
    """The subscribers, by topic."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._callbacks: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)

    def subscribe(self, topic: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` at each notification of ``topic``, in the notifying thread.

        Returns a function that unsubscribes.
        """
        with self._mutex:
            self._callbacks[topic].append(callback)

        def unsubscribe() -> None:
            with self._mutex:
                self._callbacks[topic].remove(callback)
                if not self._callbacks[topic]:
                    del self._callbacks[topic]

        return unsubscribe

    @contextmanager
    def listen(self, topic: str) -> Iterator[threading.Event]:
        """An event that is set at each notification of the topic."""
        event = threading.Event()
        unsubscribe = self.subscribe(topic, event.set)
        try:
            yield event
        finally:
            unsubscribe()

    def notify(self, topics: set[str]) -> None:
        """Notify the subscribers of these topics."""
        with self._mutex:
            callbacks = [callback for topic in topics for callback in self._callbacks.get(topic, ())]
        for callback in callbacks:
            callback()

    def notify_all(self) -> None:
        """Notify all subscribers."""
        with self._mutex:
            topics = set(self._callbacks)
        self.notify(topics)


class Listener(threading.Thread):
    """LISTENs on PostgreSQL for notifications of other replicas; after a lost connection it notifies all subscribers,
    as some may have been missed.
    """

    def __init__(self, url: URL, notifications: Notifications) -> None:
        super().__init__(name="database-listener", daemon=True)
        # As SQLAlchemy understands the URL: written out again it would have a space of "options" as a plus sign.
        self._where: dict[str, Any] = dict(url.get_dialect()().create_connect_args(url)[1])
        self._notifications = notifications
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self.start()
        self._ready.wait(timeout=10)

    def run(self) -> None:
        """The thread's work, until it is closed."""
        while not self._stopping.is_set():
            try:
                self._listen()
            except psycopg.Error as error:  # it may come back, whatever became of it
                log.warning("lost the database's notifications, trying again", reason=str(error).strip())
                self._stopping.wait(1)

    def _listen(self) -> None:
        with psycopg.connect(**self._where | {"autocommit": True}) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self._notifications.notify_all()
            self._ready.set()
            with selectors.DefaultSelector() as ready:
                ready.register(connection.fileno(), selectors.EVENT_READ)
                ready.register(self._woken, selectors.EVENT_READ)
                while not self._stopping.is_set():
                    ready.select()
                    for notice in connection.notifies(timeout=0):
                        self._notifications.notify({notice.payload})

    def close(self) -> None:
        """End, and wait for the end."""
        self._stopping.set()
        self._wake.close()
        self.join()
        self._woken.close()
