"""Runs jobs: claims them, runs their functions in threads, sends heartbeats, and runs the timers.

Work that is announced runs on the announcement and on a timer (:class:`Timer`), so a lost announcement only delays it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Concatenate, ParamSpec, TypeAlias

import structlog

from netweft.core.errors import NetweftError
from netweft.engine import claims, leases, queue
from netweft.engine.db import Database, Tx, new_id
from netweft.engine.job_context import JobContext, PostponedError
from netweft.engine.operations.unfinished import give_up
from netweft.engine.outages import first_line, is_away
from netweft.engine.patience import PATIENCE, Patience
from netweft.engine.queue import HEARTBEAT, WORK, Job, LostError, Result
from netweft.engine.slots import Slots

P = ParamSpec("P")

JobFunction: TypeAlias = Callable[[JobContext], Result]
"""What a kind of job does; returns its result, or a command to run in the transaction that ends the job. Raises
NetweftError when it fails, PostponedError to be called again.
"""

WORKING = 16
"""Jobs that run at the same time, by default."""
_POLL = 1.0
"""Seconds between polls for jobs whose delay has passed, or whose announcement was lost."""

_PATIENCE = 2
"""How many heartbeats in a row a replica sends before it takes over from replicas without any."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Something to do every so many seconds, and at once when ``topic`` is announced."""

    name: str
    every: float
    run: Callable[[Database], None]
    topic: str = ""


class Worker:
    """The jobs and timers of one replica. ``functions`` by the kind of job; jobs of other kinds are left to other
    replicas. ``asking``: the kinds whose functions can find out how things stand without doing anything
    (:attr:`netweft.engine.job_context.JobContext.only_asks`); others are given up when they have killed too many
    replicas. ``replica``: its id; empty for a new one.
    ``slots``: places for the jobs. ``patience``: how long they wait for hosts.
    """

    def __init__(
        self,
        db: Database,
        functions: Mapping[str, JobFunction],
        timers: Sequence[Timer] = (),
        *,
        slots: Slots | None = None,
        asking: Collection[str] = (),
        replica: str = "",
        patience: Patience = PATIENCE,
    ) -> None:
        self.replica = replica or new_id()
        self._db = db
        self._functions = functions
        self._timers = timers
        self._asking = asking
        self._patience = patience
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._slots = slots or Slots(WORKING)
        self._pool = ThreadPoolExecutor(self._slots.all, thread_name_prefix="job")
        self._mutex = threading.Lock()
        self._running: dict[str, Job] = {}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start. On SQLite, jobs that an earlier process left unfinished are taken over at once: it must be dead."""
        if self._db.is_sqlite:
            self._db.run(claims.take_over, silent_for=0)
        else:
            self._db.run(leases.show_life, self.replica)
        self._spawn("job-dispatch", self._dispatch)
        self._spawn("job-heartbeat", self._show_life)
        for timer in self._timers:
            self._spawn(f"timer-{timer.name}", partial(self._keep_time, timer))

    def stop(self) -> None:
        """Claim no more jobs, signal the running ones (``JobContext.stop``) and wait. It need not have started."""
        self._stopping.set()
        self._db.notifications.notify({WORK, *(timer.topic for timer in self._timers)})
        for dispatcher in self._threads[:1]:
            dispatcher.join()  # from now on nothing is submitted
        self._pool.shutdown()
        self._ended.set()
        for thread in self._threads:
            thread.join()
        if not self._db.is_sqlite:
            self._leave()

    def busy(self) -> int:
        """How many jobs are running here."""
        with self._mutex:
            return len(self._running)

    def _leave(self) -> None:
        try:
            self._db.run(leases.leave, self.replica)
        except Exception as error:
            if not is_away(error):
                raise
            log.warning("the leases of hosts are not released: they will expire", reason=first_line(error))

    def _spawn(self, name: str, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _dispatch(self) -> None:
        kinds = frozenset(self._functions)
        with self._db.listen(WORK) as news:
            while not self._stopping.is_set():
                news.clear()
                if not self._slots.enter(_POLL):
                    continue
                job = self._claim(kinds)
                if job is None:
                    self._slots.leave()
                    news.wait(_POLL)
                else:
                    with self._mutex:
                        self._running[job.id] = job
                    self._pool.submit(self._run, job)

    def _claim(self, kinds: frozenset[str]) -> Job | None:
        try:
            return claims.claim_next(self._db, self.replica, kinds)
        except Exception as error:
            if is_away(error):  # it comes back
                log.warning("no job could be claimed", reason=first_line(error))
            else:
                log.exception("no job could be claimed")
            self._stopping.wait(_POLL)
            return None

    def _run(self, job: Job) -> None:
        started = time.monotonic()
        waiting = self._slots.waiting
        context = JobContext(db=self._db, job=job, stop=self._stopping, waiting=waiting, patience=self._patience)
        with (
            self._slots.held(),
            structlog.contextvars.bound_contextvars(job=job.id, kind=job.kind, correlation_id=job.correlation_id),
        ):
            try:
                self._finish(context)
            except LostError as error:
                log.warning("the job was taken over by another engine", reason=error.text)
            except Exception:
                log.exception("the end of a job could not be stored; it will be taken over")
            finally:
                with self._mutex:
                    del self._running[job.id]
                log.debug("job ended", seconds=round(time.monotonic() - started, 3))

    def _finish(self, context: JobContext) -> None:
        """Run the function and store how it ended. Raises LostError, and what the database raises."""
        job = context.job
        if context.only_asks and (job.kind not in self._asking or job.attempts > queue.ASKED_MAX):
            log.error("gave up on the job", attempts=job.attempts)
            self._store(give_up, job)
            return
        try:
            result = self._functions[job.kind](context)
            if callable(result):
                self._store(queue.finish, job, result)
                return
        except PostponedError as postponed:
            self._store(queue.put_back, job, delay=postponed.delay)
        except LostError:
            raise
        except Exception as error:
            if is_away(error):
                log.warning("the database went away in the middle of a job: it is repeated", reason=first_line(error))
                self._store(queue.put_back, job)
            elif isinstance(error, NetweftError):
                log.info("job failed", code=error.code, reason=error.text)
                self._store(queue.fail, job, error.text, error.code)
            else:
                log.exception("job broke")
                text = f"The engine failed during this job. Its log has details: look for job {job.id}."
                self._store(queue.fail, job, text, NetweftError.code)
        else:
            self._store(queue.finish, job, result)

    def _store(self, command: Callable[Concatenate[Tx, P], None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Store how a job ended, also when the database has to come back first; when the engine stops before that, the
        job is taken over. Raises LostError, and what the database raises.
        """
        while True:
            try:
                self._db.run(command, *args, **kwargs)
            except Exception as error:
                if not is_away(error) or self._stopping.wait(_POLL):
                    raise
            else:
                return

    def _show_life(self) -> None:
        """Send heartbeats, and take over from replicas that send none.

        After an outage of the database every replica gets the time to send a heartbeat first.
        """
        reached = 0
        while not self._ended.wait(HEARTBEAT):
            with self._mutex:
                mine = list(self._running)
            asked_at = time.monotonic()
            try:
                if not self._db.is_sqlite:
                    self._db.run(leases.show_life, self.replica)
                self._db.run(claims.beat, self.replica, mine)
                reached = reached + 1 if time.monotonic() - asked_at < HEARTBEAT else 0
                if reached > _PATIENCE:
                    self._db.run(claims.take_over)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next heartbeat may succeed
                reached = 0
                log.warning("the heartbeat failed", reason=first_line(error))

    def _keep_time(self, timer: Timer) -> None:
        with self._db.listen(timer.topic or f"timer:{timer.name}") as news:
            while not self._stopping.is_set():
                news.clear()
                try:
                    timer.run(self._db)
                except Exception as error:
                    if is_away(error):
                        log.warning("timer failed", timer=timer.name, reason=first_line(error))
                    else:
                        log.exception("timer failed", timer=timer.name)
                self._wait(news, timer.every)

    def _wait(self, news: threading.Event, seconds: float) -> None:
        """Wait for the announcement, the timeout, or the stop of the worker."""
        deadline = time.monotonic() + seconds
        while not self._stopping.is_set() and (left := deadline - time.monotonic()) > 0:
            if news.wait(min(left, _POLL)):
                return
