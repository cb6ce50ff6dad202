"""The context of a job's function: its job, transactions that hold the job, pauses, steps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

from netweft.engine.db import Database, Tx
from netweft.engine.job_progress import add_step, finish_step, show_progress
from netweft.engine.patience import PATIENCE, Patience
from netweft.engine.queue import ATTEMPTS_MAX, Job, hold
from netweft.engine.slots import Waiting

P = ParamSpec("P")
T = TypeVar("T")


class PostponedError(Exception):
    """Raised by a job's function that has to be called again, ``delay`` seconds from now: what it needs is not there
    yet, or the engine stops.
    """

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__(f"again in {delay} s")
        self.delay = delay


@dataclass(frozen=True)
class JobContext:
    """What a job's function gets: its job, the database, the event that says that the engine stops, what it enters
    while it waits (``waiting``), so that other jobs may work meanwhile, and how long it waits for hosts.
    ``kept_waiting``: what providers that this job has waited for in vain failed with, by their ids: it waits for none
    twice.
    """

    db: Database
    job: Job
    stop: threading.Event
    waiting: Waiting = nullcontext
    patience: Patience = PATIENCE
    kept_waiting: dict[str, str] = field(default_factory=dict)

    def pause(self, seconds: float) -> None:
        """Wait, but not when the engine stops: another worker goes on then. Raises PostponedError."""
        with self.waiting():
            if self.stop.wait(seconds):
                raise PostponedError

    def write(self, command: Callable[Concatenate[Tx, JobContext, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``command(tx, job, ...)`` in a transaction in which the job is this replica's (:func:`hold`). Raises
        LostError.
        """

        def held(tx: Tx) -> T:
            hold(tx, self.job)
            return command(tx, self, *args, **kwargs)

        return self.db.run(held)

    @property
    def only_asks(self) -> bool:
        """Whether so many replicas have died during the job that its function may only query the outcome."""
        return self.job.attempts > ATTEMPTS_MAX

    def progress(self, **progress: Any) -> None:  # noqa: ANN401 - any JSON value
        """Publish the job's progress (:func:`show_progress`), in a transaction of its own."""
        self.db.run(show_progress, self.job.id, progress)

    @contextmanager
    def step(self, description: str, *, step_type: str = "executing") -> Iterator[str]:
        """A step that users see, from begin to end of the block; failed when the block raises. Holds no transaction
        meanwhile.
        """
        step_id = self.db.run(add_step, self.job.id, description, step_type=step_type)
        try:
            yield step_id
        except BaseException:
            self.db.run(finish_step, step_id, succeeded=False)
            raise
        self.db.run(finish_step, step_id)
