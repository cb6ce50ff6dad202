"""Going by the database's clock, and telling whoever runs the engine when a machine's own clock is another."""

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
"""Seconds between looks at the database's clock."""

log = structlog.get_logger(__name__)


@dataclass
class ClockWatch:
    """The watch of one replica. It tells once when the clocks begin to differ, and once when they agree again.

    ``clock``: the engine's.
    """

    clock: Clock = CLOCK
    told: bool = False

    def timer(self) -> Timer:
        """Rings often."""
        return Timer(name="clock", every=EVERY, run=self.round)

    def round(self, db: Database) -> None:
        """Look at the database's clock once."""
        with db.read_once() as tx:
            self.clock.follow(tx)
        if self.clock.is_off == self.told:
            return
        if self.clock.is_off:
            text, code, severity = self.clock.told, DIFFERS, Severity.WARNING
            log.warning("the clock differs", difference=round(self.clock.difference, 3), reason=text)
        else:
            text = f"The clock of {socket.gethostname()} is synchronized with the database's again."
            code, severity = AGREES, Severity.NORMAL
            log.info("the clock agrees again")
        db.run(audit.record, SYSTEM, code, text, severity)
        self.told = self.clock.is_off
