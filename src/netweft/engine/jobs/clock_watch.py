"""Following the database's clock, and reporting when this machine's own clock differs from it."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import structlog

from netweft.engine import audit
from netweft.engine.actor import SYSTEM
from netweft.engine.audit import Severity
from netweft.engine.clock import CLOCK, Clock
from netweft.engine.db import Database
from netweft.engine.worker import Timer

DIFFERS, AGREES = 20_151, 20_152
"""Event codes of our own: oVirt has one engine, whose clock is right."""
EVERY = 5.0
"""Seconds between readings of the database's clock."""

log = structlog.get_logger(__name__)


@dataclass
class ClockWatch:
    """The clock watch of one replica. Records one event when the clocks begin to differ, and one when they agree again.

    ``clock``: the engine's. ``reported``: whether the last event said that they differ.
    """

    clock: Clock = CLOCK
    reported: bool = False

    def timer(self) -> Timer:
        """The timer that calls :meth:`round`."""
        return Timer(name="clock", every=EVERY, run=self.round)

    def round(self, db: Database) -> None:
        """Compare the clocks once."""
        with db.read_once() as tx:
            self.clock.follow(tx)
        if self.clock.is_off == self.reported:
            return
        if self.clock.is_off:
            text, code, severity = self.clock.message, DIFFERS, Severity.WARNING
            log.warning("the clock differs", difference=round(self.clock.difference, 3), reason=text)
        else:
            text = f"The clock of {socket.gethostname()} is synchronized with the database's again."
            code, severity = AGREES, Severity.NORMAL
            log.info("the clock agrees again")
        db.run(audit.record, SYSTEM, code, text, severity)
        self.reported = self.clock.is_off
