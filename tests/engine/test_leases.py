"""Which replica watches which host: shared out fairly, taken over from the dead, spread again; and whose jobs are
whose.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import sqlalchemy as sa

import rows
from databases import ON_POSTGRESQL
from netweft.engine import claims, leases, queue
from netweft.engine.actor import SYSTEM
from netweft.engine.db import Database, new_id, utc_now
from netweft.engine.model.clusters import clusters
from netweft.engine.model.hosts import hosts
from netweft.engine.model.jobs import jobs
from netweft.engine.model.replicas import host_leases, replicas
from netweft.engine.seed import seed
from statements_seen import executions_in

pytestmark = ON_POSTGRESQL

KINDS = frozenset({"work"})
ONE, TWO, THREE = "one", "two", "three"


def add_hosts(db: Database, count: int) -> list[str]:
    with db.write() as tx:
        if tx.scalar(sa.select(clusters.c.id)) is None:
            rows.add_roles(tx)
            seed(tx, SYSTEM)
        cluster = tx.scalars(sa.select(clusters.c.id)).one()
        return [rows.add_host(tx, cluster, f"host-{number}") for number in range(count)]


def come(db: Database, *names: str) -> None:
    for name in names:
        db.run(leases.show_life, name)


def share_leases(db: Database, *names: str) -> Counter[str]:
    """Let each look a few times at what there is; returns how many hosts each has."""
    for _ in range(3):
        for name in names:
            leases.share(db, name)
    with db.read() as tx:
        return Counter(tx.scalars(sa.select(host_leases.c.replica_id)))


def silence(db: Database, name: str) -> None:
    with db.write() as tx:
        past = utc_now() - timedelta(seconds=leases.TAKE_OVER + 1)
        tx.execute(sa.update(replicas).where(replicas.c.id == name).values(heartbeat=past))


def watched(db: Database, name: str) -> set[str]:
    with db.read() as tx:
        return set(tx.scalars(sa.select(hosts.c.id).where(leases.is_of(name))))


def test_hosts_are_shared_out_and_spread_again(db: Database) -> None:
    ids = add_hosts(db, 11)
    come(db, ONE)
    assert share_leases(db, ONE) == {ONE: 11}
    assert watched(db, ONE) == set(ids)
    come(db, TWO)
    assert sorted(share_leases(db, ONE, TWO).values()) == [5, 6]
    come(db, THREE)
    assert sorted(share_leases(db, ONE, TWO, THREE).values()) == [3, 4, 4]
    parts = [watched(db, name) for name in (ONE, TWO, THREE)]
    assert set.union(*parts) == set(ids)
    assert sum(map(len, parts)) == len(ids)
    before = parts[0]
    db.run(leases.leave, THREE)
    assert sorted(share_leases(db, ONE, TWO).values()) == [5, 6]
    assert watched(db, ONE) >= before, "nothing moves that need not"


def test_more_hosts_than_are_taken_at_once(db: Database) -> None:
    add_hosts(db, 450)
    come(db, ONE)
    leases.share(db, ONE)
    assert share_leases(db) == {ONE: 450}


def test_the_dead_are_struck_off_and_the_living_are_not(db: Database) -> None:
    add_hosts(db, 4)
    come(db, ONE, TWO)
    assert share_leases(db, ONE, TWO) == {ONE: 2, TWO: 2}
    db.run(claims.take_over)
    assert share_leases(db, ONE, TWO) == {ONE: 2, TWO: 2}
    silence(db, TWO)
    come(db, TWO)
    db.run(claims.take_over)
    assert share_leases(db, ONE, TWO) == {ONE: 2, TWO: 2}, "it gave a sign just in time"
    silence(db, TWO)
    db.run(claims.take_over)
    assert share_leases(db, ONE, TWO) == {ONE: 4}, "who was struck off takes nothing"
    come(db, TWO)
    assert share_leases(db, ONE, TWO) == {ONE: 2, TWO: 2}, "until it gives signs of life again"


def test_hosts_that_come_and_go(db: Database) -> None:
    come(db, ONE, TWO)
    assert share_leases(db, ONE, TWO) == {}
    ids = add_hosts(db, 3)
    assert share_leases(db, ONE, TWO).total() == 3
    with db.write() as tx:
        tx.execute(sa.delete(hosts).where(hosts.c.id == ids[0]))
    assert share_leases(db, ONE, TWO) == {ONE: 1, TWO: 1}


def test_a_host_that_somebody_works_on_delays_nobody(db: Database, database_url: str) -> None:
    ids = add_hosts(db, 3)
    come(db, ONE)
    other = Database(database_url)
    with other.write() as tx:
        tx.execute(sa.select(hosts).where(hosts.c.id == ids[0]).with_for_update())
        leases.share(db, ONE)
        assert watched(db, ONE) == set(ids[1:])
    other.close()
    assert share_leases(db, ONE) == {ONE: 3}


def ask(db: Database, key: str) -> str:
    return db.run(queue.enqueue, SYSTEM, "work", key, "Doing work")


def claimed(db: Database, name: str) -> str | None:
    job = claims.claim_next(db, name, KINDS)
    return None if job is None else job.id


def test_jobs_of_a_host_are_for_the_replica_that_watches_it(db: Database) -> None:
    mine, theirs = add_hosts(db, 2)
    come(db, ONE, TWO)
    with db.write() as tx:
        for host_id, name in ((mine, ONE), (theirs, TWO)):
            tx.execute(sa.insert(host_leases).values(host_id=host_id, replica_id=name))
    other, own, free = ask(db, f"host:{theirs}"), ask(db, f"host:{mine}"), ask(db, f"vm:{new_id()}")
    assert [claimed(db, ONE) for _ in range(3)] == [own, free, None]
    assert claimed(db, TWO) == other


def test_jobs_of_a_host_that_nobody_watches_are_for_anybody(db: Database) -> None:
    (host_id,) = add_hosts(db, 1)
    job_id = ask(db, f"host:{host_id}")
    come(db, TWO)
    share_leases(db, TWO)
    assert claimed(db, ONE) is None
    silence(db, TWO)
    db.run(claims.take_over)
    assert claimed(db, ONE) == job_id


def test_a_job_waits_no_longer_for_its_replica_than_a_death_takes_to_be_noticed(db: Database) -> None:
    (host_id,) = add_hosts(db, 1)
    come(db, TWO)
    share_leases(db, TWO)
    job_id = ask(db, f"host:{host_id}")
    assert claimed(db, ONE) is None
    with db.write() as tx:
        tx.execute(sa.update(jobs).values(not_before=utc_now() - timedelta(seconds=leases.TAKE_OVER + 1)))
    assert claimed(db, ONE) == job_id


def test_a_running_job_stays_where_it_runs_when_its_host_moves(db: Database) -> None:
    (host_id,) = add_hosts(db, 1)
    come(db, ONE)
    share_leases(db, ONE)
    ask(db, f"host:{host_id}")
    job = claims.claim_next(db, ONE, KINDS)
    assert job is not None
    come(db, TWO)
    with db.write() as tx:
        tx.execute(sa.update(host_leases).values(replica_id=TWO))
    assert claimed(db, TWO) is None
    db.run(queue.hold, job)
    db.run(queue.finish, job)


def test_a_sign_of_life_waits_for_no_job(db: Database, database_url: str) -> None:
    """A job that has locked its row while it waits for something must not make its replica look dead."""
    come(db, ONE)
    ask(db, "vm:a")
    job = claims.claim_next(db, ONE, KINDS)
    assert job is not None
    other = Database(database_url)
    with other.write() as tx:
        queue.hold(tx, job)
        db.run(leases.show_life, ONE)
        assert db.run(claims.beat, ONE, [job.id]) == {job.id}
    other.close()
    with db.write() as tx:
        tx.execute(sa.update(jobs).values(heartbeat=utc_now() - timedelta(hours=1)))
    assert db.run(claims.take_over) == 0, "its replica is alive"


def test_locks_of_a_session_of_which_nothing_more_is_heard_are_ended_by_postgresql(db: Database) -> None:
    with db.read() as tx:
        assert tx.scalar(sa.select(sa.func.current_setting("idle_in_transaction_session_timeout"))) == "10s"


def test_a_claim_reads_a_few_rows_by_indexes_however_many_jobs_and_hosts_there_are(db: Database) -> None:
    ids = add_hosts(db, 1000)
    come(db, ONE, TWO)
    share_leases(db, ONE, TWO)
    with db.write() as tx:
        for host_id in ids:
            queue.enqueue(tx, SYSTEM, "work", f"host:{host_id}", "Doing work")
        tx.execute(sa.text("ANALYZE"))
    with db.write() as tx:
        with executions_in(tx) as sent:
            assert claims.claim(tx, ONE, KINDS)
        text, values = next((text, values) for text, values in sent if "SKIP LOCKED" in text)
        with tx.connection.cursor() as cursor:  # type: ignore[attr-defined]  # the driver's
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {text}", values)
            plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan" not in plan, plan
    for index in ("ix_jobs_waiting", "ix_jobs_open", "uq_host_leases_host_id"):
        assert index in plan, plan
    assert "Sort" not in plan, "it stops at the first that it may have"
