"""The current time. Replicas share a database and use its clock, so that their own clocks may differ.

Times that only SQL compares (heartbeats, when a job is due) come from that clock directly: :class:`Moment`. All others
are computed from its last reading (:meth:`Clock.now`), so that a time that one replica wrote means the same to another.
Only certificates use the machine's own clock, since their verifiers do.
"""

from __future__ import annotations

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Float, bindparam, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from netweft.engine.model.base import Utc
from netweft.engine.statements import Statement
from netweft.engine.transaction import Tx


class Moment(FunctionElement[datetime]):
    """So many seconds (a number, or a ``bindparam``) after now, by the database's clock, in its SQL dialect."""

    type = Utc()
    inherit_cache = True
    name = "moment"

    def __init__(self, seconds: Any = 0.0) -> None:  # noqa: ANN401 - a number or an expression
        super().__init__(literal(seconds, Float) if isinstance(seconds, int | float) else seconds)


@compiles(Moment, "postgresql")
def _in_postgresql(element: Moment, compiler: Any, **options: Any) -> str:  # noqa: ANN401 - as SQLAlchemy calls it
    seconds = compiler.process(element.clauses, **options)
    return f"(clock_timestamp() + make_interval(secs => {seconds}))"


@compiles(Moment, "sqlite")
def _in_sqlite(element: Moment, compiler: Any, **options: Any) -> str:  # noqa: ANN401 - the same
    seconds = compiler.process(element.clauses, **options)
    # As SQLAlchemy writes a DateTime, whose text is compared: with six digits of a second's fraction, though SQLite
    # knows three.
    return f"(strftime('%Y-%m-%d %H:%M:%f000', 'now', printf('%+.3f seconds', {seconds})))"


_ASK = Statement(select(Moment(bindparam("seconds", type_=Float))))


OFF = 5.0
"""Seconds of difference that are reported: more than network delays and a busy machine explain."""


class Clock:
    """A clock that follows another one. A reading is as precise as its round trip was short."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._anchor: tuple[datetime, float] | None = None
        self.difference = 0.0
        """Seconds by which this machine's clock was ahead of the other at the last reading."""

    @property
    def is_off(self) -> bool:
        """Whether the difference is to be reported."""
        return abs(self.difference) > OFF

    @property
    def message(self) -> str:
        """A sentence that describes the difference."""
        way = "ahead of" if self.difference > 0 else "behind"
        return (
            f"The clock of {socket.gethostname()} is {abs(self.difference):.0f} s {way} the database's, which all "
            "engines use: synchronize both with the same time servers."
        )

    def now(self) -> datetime:
        """The other clock's time; this machine's own before the first reading."""
        anchor = self._anchor
        return datetime.now(UTC) if anchor is None else _after(anchor, time.monotonic())

    def follow(self, tx: Tx) -> None:
        """Read PostgreSQL's clock, which may be another machine's; SQLite's is this machine's."""
        if tx.dialect.name == "sqlite":
            return
        before = time.monotonic()
        (time_there,) = _ASK.ask(tx, seconds=0.0).one()
        self.set(time_there, before, time.monotonic(), datetime.now(UTC))

    def set(self, time_there: datetime, before: float, after: float, own: datetime) -> None:
        """Take in a reading. ``before`` and ``after``: when it was requested and received, by the monotonic clock;
        ``own``: this machine's clock when it was received.

        A reading that is consistent with earlier ones changes nothing: time does not jitter with the network.
        """
        with self._mutex:
            self.difference = (own - timedelta(seconds=(after - before) / 2) - time_there).total_seconds()
            if self._anchor is None or not _after(self._anchor, before) <= time_there <= _after(self._anchor, after):
                self._anchor = time_there, (before + after) / 2


def _after(anchor: tuple[datetime, float], moment: float) -> datetime:
    return anchor[0] + timedelta(seconds=moment - anchor[1])


CLOCK = Clock()
"""The engine's: a process is one replica of one engine."""
