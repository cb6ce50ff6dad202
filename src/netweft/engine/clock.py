"""What time it is. Replicas share a database and so go by its clock: none compares its own with another's.

What only the database compares (signs of life, when a job is due) it takes from its clock itself: :class:`Moment`. All
else is reckoned from the last look at that clock (:meth:`Clock.now`), so that what one replica wrote means the same to
another. Only certificates go by the machine's own clock, since those who judge them do.
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
    """So many seconds (a number, or a ``bindparam``) after now, by the database's clock, in its own words."""

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
"""Seconds of difference that are told: more than the delays of a network and of a busy machine explain."""


class Clock:
    """A clock that is set by another one: by looks at it, of which each is as good as its answer was quick."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._anchor: tuple[datetime, float] | None = None
        self.difference = 0.0
        """Seconds by which this machine's clock was ahead of the other at the last look."""

    @property
    def is_off(self) -> bool:
        """Whether the difference is one to tell."""
        return abs(self.difference) > OFF

    @property
    def told(self) -> str:
        """A sentence on the difference."""
        way = "ahead of" if self.difference > 0 else "behind"
        return (
            f"The clock of {socket.gethostname()} is {abs(self.difference):.0f} s {way} the database's, which all "
            "engines use: synchronize both with the same time servers."
        )

    def now(self) -> datetime:
        """The time there; this machine's own before the first look."""
        anchor = self._anchor
        return datetime.now(UTC) if anchor is None else _after(anchor, time.monotonic())

    def follow(self, tx: Tx) -> None:
        """Look at the clock of PostgreSQL, which another machine may keep; SQLite's is this machine's."""
        if tx.dialect.name == "sqlite":
            return
        before = time.monotonic()
        (told,) = _ASK.ask(tx, seconds=0.0).one()
        self.set(told, before, time.monotonic(), datetime.now(UTC))

    def set(self, told: datetime, before: float, after: float, own: datetime) -> None:
        """Take in an answer. ``before`` and ``after``: when it was asked for and came, by the machine's steady clock;
        ``own``: what the machine's clock said when it came.

        An answer that does not contradict the earlier ones changes nothing: time does not jitter with the network.
        """
        with self._mutex:
            self.difference = (own - timedelta(seconds=(after - before) / 2) - told).total_seconds()
            if self._anchor is None or not _after(self._anchor, before) <= told <= _after(self._anchor, after):
                self._anchor = told, (before + after) / 2


def _after(anchor: tuple[datetime, float], moment: float) -> datetime:
    return anchor[0] + timedelta(seconds=moment - anchor[1])


CLOCK = Clock()
"""The engine's: a process is one replica of one engine."""
