"""Watches Open vSwitch's database: a change of the columns that the agent reads triggers a poll of the host."""

from __future__ import annotations

import logging
import os
import select
from threading import Thread
from typing import TYPE_CHECKING

from netweft.agent.ovsdb_session import OvsdbError, Session
from netweft.agent.ovsdb_tables import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

AGAIN = 2000
"""Milliseconds between attempts to connect to the database."""


class OvsdbWatch:
    """A thread that calls ``notify`` for changes until it is closed. ``timeout``: seconds for an answer.

    It has a connection of its own: a monitor (RFC 7047 section 4.1.5) writes to it when something changes.
    """

    def __init__(self, path: str, timeout: float, notify: Callable[[], None]) -> None:
        self._path = path
        self._timeout = timeout
        self._notify = notify
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = Thread(target=self._run, name="ovsdb watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        os.close(self._wake)

    def _run(self) -> None:
        while True:
            try:
                with Session(self._path, self._timeout) as session:
                    session.monitor(COLUMNS)
                    self._notify()
                    self._follow(session)
            except OvsdbError as error:
                log.info("lost the watch of Open vSwitch's database: %s", error)
            else:
                return
            if self._wait(AGAIN):
                return

    def _follow(self, session: Session) -> None:
        """Notify of each change until the watch is closed. Raises OvsdbError."""
        while not self._wait(None, session.fileno()):
            session.echo()  # once it is answered, all earlier updates have been read
            if session.take_updates():
                self._notify()

    def _wait(self, milliseconds: int | None, *descriptors: int) -> bool:
        """Wait until one of the descriptors is readable or the time is over. Whether the watch is closed."""
        poll = select.poll()
        for descriptor in (self._wake, *descriptors):
            poll.register(descriptor, select.POLLIN)
        return any(descriptor == self._wake for descriptor, _ in poll.poll(milliseconds))
