"""Jobs: who gets which, in what order, and what becomes of those whose worker dies."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from databases import ON_POSTGRESQL
from netweft.core.errors import HostError, NotFoundError
from netweft.engine import audit, claims, job_progress, queue
from netweft.engine.actor import SYSTEM, Actor
from netweft.engine.db import Database, Tx, new_id, utc_now
from netweft.engine.job_context import JobContext, PostponedError
from netweft.engine.model.events import events
from netweft.engine.model.jobs import job_steps, jobs
from netweft.engine.operations.unfinished import GIVEN_UP
from netweft.engine.queue import Job, LostError, Status
from netweft.engine.slots import Slots
from netweft.engine.worker import Timer, Worker

KINDS = frozenset({"work"})
ANNA = Actor(user_id="00000000-0000-0000-0000-00000000000a", name="anna@internal", correlation_id="abc")


def ask(db: Database, key: str = "", payload: dict | None = None, delay: float = 0.0) -> str:
    return db.run(queue.enqueue, ANNA, "work", key, "Doing work", payload, delay=delay)


def claim(db: Database, replica: str = "one") -> Job | None:
    return claims.claim_next(db, replica, KINDS)


def silence(db: Database) -> None:
    """Let the last sign of life of every running job be long ago."""
    db.run(lambda tx: tx.execute(update(jobs).values(heartbeat=utc_now() - timedelta(hours=1))))


def ended(db: Database, job_id: str) -> queue.Outcome:
    outcome = queue.wait_for(db, job_id, 60)
    assert outcome is not None
    return outcome


def test_jobs_of_a_key_run_one_at_a_time_oldest_first_and_others_pass(db: Database) -> None:
    first, second, other = ask(db, "host:a"), ask(db, "host:a"), ask(db, "host:b")
    one = claim(db)
    assert one is not None
    assert one.id == first
    assert one.actor == ANNA
    two = claim(db, "two")
    assert two is not None
    assert two.id == other
    assert claim(db, "three") is None
    db.run(queue.finish, one)
    three = claim(db, "three")
    assert three is not None
    assert three.id == second


def test_a_job_asked_for_in_a_transaction_that_fails_never_was(db: Database) -> None:
    def fail(tx: Tx) -> None:
        queue.enqueue(tx, SYSTEM, "work", "", "Doing work")
        raise KeyError

    with pytest.raises(KeyError):
        db.run(fail)
    assert claim(db) is None


def test_many_workers_do_every_job_once_and_no_two_of_a_key_together(db: Database) -> None:
    asked = [ask(db, f"host:{number % 5}") for number in range(60)]
    done: Counter[str] = Counter()
    together: Counter[str] = Counter()
    mutex = threading.Lock()
    errors: list[str] = []

    def work(replica: str) -> None:
        for _ in range(10_000):
            if sum(done.values()) == len(asked):
                return
            job = claim(db, replica)
            if job is None:
                continue
            with mutex:
                together[job.lock_key] += 1
                if together[job.lock_key] > 1:
                    errors.append(job.lock_key)
            with mutex:
                together[job.lock_key] -= 1
                done[job.id] += 1
            db.run(queue.finish, job)

    threads = [threading.Thread(target=work, args=(f"replica-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert done == Counter(asked)


def test_a_delayed_job_waits_and_keeps_its_place(db: Database) -> None:
    ask(db, "host:a", delay=3600)
    ask(db, "host:a")
    ask(db, "host:b")
    job = claim(db)
    assert job is not None
    assert job.lock_key == "host:b"
    assert claim(db) is None


def test_a_dead_workers_job_is_taken_over_and_the_dead_can_say_nothing_more(db: Database) -> None:
    ask(db, "host:a")
    lost = claim(db, "dead")
    assert lost is not None
    assert db.run(claims.take_over) == 0, "it was alive a moment ago"
    silence(db)
    assert db.run(claims.beat, "dead", [lost.id]) == {lost.id}
    assert db.run(claims.take_over) == 0, "it shows signs of life"
    silence(db)
    assert db.run(claims.take_over) == 1
    mine = claim(db, "heir")
    assert mine is not None
    assert (mine.id, mine.attempts) == (lost.id, 2)
    for act in (queue.finish, queue.hold, queue.put_back):
        with pytest.raises(LostError):
            db.run(act, lost)
    assert db.run(claims.beat, "dead", [lost.id]) == set()
    db.run(queue.finish, mine)
    with pytest.raises(LostError):
        db.run(queue.finish, mine)


def kill(db: Database, times: int) -> Job:
    """Let so many workers die over the job, and claim it once more."""
    for number in range(times):
        assert claim(db, f"victim-{number}")
        assert db.run(claims.take_over, silent_for=0) == 1
    job = claim(db)
    assert job is not None
    db.run(claims.take_over, silent_for=0)
    return job


def test_a_job_that_kills_its_workers_is_given_up_and_leaves_an_event(db: Database) -> None:
    job_id = ask(db, "host:a")
    kill(db, queue.ATTEMPTS_MAX)
    done: list[Job] = []
    worker = Worker(db, {"work": lambda context: done.append(context.job)})
    worker.start()
    outcome = ended(db, job_id)
    worker.stop()
    assert not done, "it is not tried again"
    assert (outcome.status, outcome.error_code) == (Status.FAILED, "JOB_LOST")
    assert "Gave up" in outcome.error
    with db.read() as tx:
        event = tx.execute(select(events)).one()
    assert (event.code, event.job_id, event.severity, event.user_id) == (GIVEN_UP, job_id, "error", ANNA.user_id)
    assert event.description == f"Doing work: {outcome.error}"


def test_a_job_that_can_find_out_how_it_ended_is_let_do_so_before_it_is_given_up(db: Database) -> None:
    job_id = ask(db, "host:a")
    kill(db, queue.ATTEMPTS_MAX)
    worker = Worker(db, {"work": lambda context: {"only_asks": context.only_asks}}, asking={"work"})
    worker.start()
    assert ended(db, job_id).result == {"only_asks": True}
    worker.stop()
    job_id = ask(db, "host:a")
    kill(db, queue.ASKED_MAX)
    worker = Worker(db, {"work": lambda _: {}}, asking={"work"})
    worker.start()
    assert "Gave up" in ended(db, job_id).error
    worker.stop()


def test_once_means_one_that_still_waits(db: Database) -> None:
    first = db.run(queue.enqueue_once, SYSTEM, "work", "host:a", "Doing work")
    assert db.run(queue.enqueue_once, SYSTEM, "work", "host:a", "Doing work") == first
    assert claim(db)
    second = db.run(queue.enqueue_once, SYSTEM, "work", "host:a", "Doing work")
    assert second != first, "the running one may have looked already"
    with db.read() as tx:
        assert queue.busy_with(tx, "host:a") == first
        assert queue.busy_with(tx, "host:b") is None


def test_one_that_waits_does_not_begin_before_who_relies_on_it_has_committed(db: Database) -> None:
    first = db.run(queue.enqueue_once, SYSTEM, "work", "host:a", "Doing work")
    claimed: list[Job | None] = []
    other = threading.Thread(target=lambda: claimed.append(claim(db)))
    with db.write() as tx:
        assert queue.enqueue_once(tx, SYSTEM, "work", "host:a", "Doing work") == first
        other.start()
        other.join(1)
        assert not any(claimed), "it would not find what this transaction writes"
    other.join()
    got = next(filter(None, claimed), None) or claim(db)
    assert got is not None
    assert got.id == first


def test_steps_and_progress_are_seen_while_the_job_runs(db: Database) -> None:
    job_id = ask(db)
    job = claim(db)
    assert job is not None
    context = JobContext(db=db, job=job, stop=threading.Event())
    with context.step("First"):
        context.progress(phase="applying", seconds_left=12)
        with db.read() as tx:
            assert tx.execute(select(jobs.c.progress)).scalar_one() == {"phase": "applying", "seconds_left": 12}
            assert tx.execute(select(job_steps.c.status)).scalar_one() == "started"
    with pytest.raises(HostError), context.step("Second"):
        raise HostError("no")
    left = db.run(job_progress.add_step, job_id, "Third")
    db.run(queue.fail, job, "no", "CODE")
    with db.read() as tx:
        steps = tx.execute(select(job_steps.c.description, job_steps.c.status).order_by(job_steps.c.number)).all()
    assert [tuple(step) for step in steps] == [("First", "finished"), ("Second", "failed"), ("Third", "failed")]
    assert left
    with pytest.raises(NotFoundError):
        db.run(job_progress.finish_step, "none")


def test_waiting_ends_with_the_job_or_the_time(db: Database) -> None:
    job_id = ask(db)
    assert queue.wait_for(db, job_id, 0.05) is None
    job = claim(db)
    assert job is not None
    waiting = threading.Thread(target=lambda: db.run(queue.finish, job, {"answer": 42}))
    waiting.start()
    assert ended(db, job_id).result == {"answer": 42}
    waiting.join()
    with pytest.raises(NotFoundError):
        queue.wait_for(db, "none", 1)


def test_old_jobs_are_swept_unless_they_are_to_be_cleared_by_hand(db: Database) -> None:
    gone, kept = ask(db), db.run(queue.enqueue, ANNA, "work", "", "Doing work", auto_cleared=False)
    for _ in range(2):
        job = claim(db)
        assert job is not None
        db.run(queue.finish, job)
    assert db.run(queue.sweep) == 0
    db.run(lambda tx: tx.execute(update(jobs).values(end_time=utc_now() - timedelta(days=8))))
    assert db.run(queue.sweep) == 1
    with db.read() as tx:
        assert tx.execute(select(jobs.c.id)).scalars().all() == [kept]
    assert gone != kept


def test_a_worker_does_what_is_asked_and_says_how_it_ended(db: Database) -> None:
    tries: Counter[str] = Counter()

    def work(context: JobContext) -> dict | None:
        case = context.job.payload["case"]
        tries[case] += 1
        if case == "refused":
            raise HostError("The host refuses.", code="REFUSED")
        if case == "broken":
            raise KeyError(case)
        if case == "later" and tries[case] < 3:
            raise PostponedError
        return {"case": case}

    worker = Worker(db, {"work": work}, slots=Slots(3))
    worker.start()
    try:
        cases = ("good", "refused", "broken", "later")
        good, refused, broken, later = (ask(db, case, {"case": case}) for case in cases)
        strange = db.run(queue.enqueue, SYSTEM, "unknown", "", "Of a newer engine")
        assert ended(db, good).result == {"case": "good"}
        assert (ended(db, refused).error, ended(db, refused).error_code) == ("The host refuses.", "REFUSED")
        assert broken in ended(db, broken).error
        assert ended(db, later).status == Status.FINISHED
        assert tries["later"] == 3
        assert queue.wait_for(db, strange, 0) is None
    finally:
        worker.stop()
    assert worker.busy() == 0


def test_what_a_job_records_last_is_there_exactly_when_it_has_ended(db: Database) -> None:
    """Stored with its end: by nobody who has lost the job, and not when the record is refused."""

    def record(tx: Tx) -> None:
        audit.record(tx, SYSTEM, 1, "recorded")

    def refuse(tx: Tx) -> None:
        record(tx)
        raise HostError("no room", code="FULL")

    def recorded() -> int:
        with db.read() as tx:
            return len(tx.execute(select(events.c.id)).all())

    ask(db)
    lost = kill(db, 1)
    with pytest.raises(LostError):
        db.run(queue.finish, lost, record)
    assert recorded() == 0
    last = {"good": record, "bad": refuse}
    worker = Worker(db, {"work": lambda job: last[job.job.payload.get("last", "good")]})
    worker.start()
    try:
        assert ended(db, lost.id).status == Status.FINISHED
        assert recorded() == 1
        refused = ended(db, ask(db, payload={"last": "bad"}))
        assert (refused.status, refused.error, refused.error_code) == (Status.FAILED, "no room", "FULL")
        assert recorded() == 1
    finally:
        worker.stop()


def test_a_job_that_waits_lends_its_place_to_another(db: Database) -> None:
    """Those that work are as many as may, those that wait are more."""
    over = threading.Event()
    working: list[int] = []
    most: list[int] = []

    def work(context: JobContext) -> None:
        if context.job.payload["case"] == "waits":
            with context.waiting():
                assert over.wait(60)
        working.append(1)
        most.append(len(working))
        time.sleep(0.01)
        working.pop()

    worker = Worker(db, {"work": work}, slots=Slots(1, 10))
    worker.start()
    try:
        waiting = [ask(db, f"slow:{number}", {"case": "waits"}) for number in range(10)]
        assert ended(db, ask(db, "quick", {"case": "works"})).status == Status.FINISHED
        over.set()
        assert {ended(db, job_id).status for job_id in waiting} == {Status.FINISHED}
        assert max(most) == 1
    finally:
        worker.stop()


def test_a_worker_that_stops_tells_its_jobs_and_another_goes_on(db: Database) -> None:
    started = threading.Event()

    def patient(context: JobContext) -> None:
        started.set()
        assert context.stop.wait(60)
        raise PostponedError

    first = Worker(db, {"work": patient})
    first.start()
    job_id = ask(db)
    assert started.wait(60)
    first.stop()
    second = Worker(db, {"work": lambda _: {"done": True}})
    second.start()
    try:
        assert ended(db, job_id).result == {"done": True}
    finally:
        second.stop()


@ON_POSTGRESQL
def test_replicas_share_the_work(db: Database, database_url: str) -> None:
    other = Database(database_url)
    meeting = threading.Barrier(2)

    def meet(_: JobContext) -> None:
        meeting.wait(60)  # so that one worker cannot do both

    workers = [Worker(each, {"work": meet}, slots=Slots(1, waiting=0)) for each in (db, other)]
    for worker in workers:
        worker.start()
    try:
        for job_id in (ask(db), ask(db)):
            assert ended(other, job_id).status == Status.FINISHED
    finally:
        for worker in workers:
            worker.stop()
        other.close()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_an_engine_on_sqlite_that_starts_again_goes_on_with_what_was_running(db: Database) -> None:
    """Nobody else can be alive there; on PostgreSQL the heartbeat decides."""
    job_id = ask(db)
    assert claim(db, "the process that was killed")
    worker = Worker(db, {"work": lambda _: {"done": True}})
    worker.start()
    try:
        assert ended(db, job_id).result == {"done": True}
    finally:
        worker.stop()


def test_timers_run_on_time_and_on_signal_and_survive_errors(db: Database) -> None:
    started = threading.Semaphore(0)

    def run(_: Database) -> None:
        started.release()
        raise KeyError("timers continue")

    worker = Worker(db, {}, [Timer(name="often", every=0.05, run=run), Timer(name="rare", every=3600, run=run)])
    worker.start()
    try:
        for _ in range(5):
            assert started.acquire(timeout=60)
    finally:
        worker.stop()
    started = threading.Semaphore(0)
    worker = Worker(db, {}, [Timer(name="rare", every=3600, run=lambda _: started.release(), topic="jobs")])
    worker.start()
    try:
        assert started.acquire(timeout=60), "at the start"
        ask(db, new_id())
        assert started.acquire(timeout=60), "on the signal"
    finally:
        worker.stop()
