"""The database: group commits, rollbacks, and notifications."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import bindparam, create_engine, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, NoResultFound, StatementError

from databases import ON_POSTGRESQL, Databases
from netweft.core.errors import NotFoundError
from netweft.engine import audit
from netweft.engine.actor import SYSTEM
from netweft.engine.db import Database, Tx, announce, lock, new_id, utc_now, violated
from netweft.engine.group_commit import CommitError
from netweft.engine.model.events import events
from netweft.engine.model.users import roles, users
from netweft.engine.statements import Statement, inserting, pipelined

ATTEMPTS = 20
"""Attempts to have a command queue behind another one in time."""
QUEUEING = 0.1
"""Seconds in which a thread queues its command, unless the machine is busy."""


def add_user(tx: Tx, name: str) -> str:
    user_id = new_id()
    tx.execute(
        insert(users).values(
            id=user_id, user_name=name, domain="internal", name=name, last_name="", email="",
            is_group=False, enabled=True, created=utc_now(),
        )
    )  # fmt: skip
    return user_id


def names(db: Database) -> set[str]:
    with db.read() as tx:
        return set(tx.execute(select(users.c.user_name)).scalars())


def in_threads(count: int, work: Callable[[int], None]) -> None:
    errors: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_a_block_that_raises_leaves_nothing(db: Database) -> None:
    def fail(tx: Tx) -> None:
        add_user(tx, "a")
        raise KeyError

    with pytest.raises(KeyError):
        db.run(fail)
    assert names(db) == set()


def test_members_of_a_group_that_fail_undo_only_themselves(db: Database) -> None:
    """Eight threads write at once, in blocks and by commands; every third transaction raises, every fourth breaks a
    constraint.
    """

    def command(tx: Tx, thread: int, number: int) -> int:
        add_user(tx, f"{thread}-{number}")
        if number % 3 == 0:
            raise KeyError
        if number % 4 == 1:
            add_user(tx, f"{thread}-{number}")
        return number

    def work(thread: int) -> None:
        for number in range(24):
            try:
                if (thread + number) % 5 == 0:
                    with db.write() as tx:
                        command(tx, thread, number)
                else:
                    assert db.run(command, thread, number) == number, "each gets what its own command returned"
            except (KeyError, IntegrityError):
                continue
            assert f"{thread}-{number}" in names(db), "visible to everybody once the block has ended"

    in_threads(8, work)
    assert names(db) == {f"{t}-{n}" for t in range(8) for n in range(24) if n % 3 and n % 4 != 1}


def test_what_an_ended_block_wrote_survives_the_process(db: Database, database_url: str) -> None:
    with db.write() as tx:
        add_user(tx, "a")
    other = Database(database_url)
    assert names(other) == {"a"}
    other.close()


def test_what_is_in_the_log_of_sqlite_is_moved_into_the_file_without_a_commit(tmp_path: Path) -> None:
    """Also after looks, whose connections are kept: they must not stand at an earlier moment."""
    db = Database(f"sqlite:///{tmp_path}/moved.db")
    db.migrate()
    db.run(add_user, "a")
    with db.read_once() as tx:
        assert Statement(select(users.c.user_name)).first(tx) == ("a",)
    db.run(add_user, "b")
    with db.read_once() as tx:
        assert len(Statement(select(users.c.user_name)).all(tx)) == 2, "a look sees what was committed before it"
    db.checkpoint()
    (tmp_path / "alone.db").write_bytes((tmp_path / "moved.db").read_bytes())  # without the log beside it
    alone = Database(f"sqlite:///{tmp_path}/alone.db")
    assert names(alone) == {"a", "b"}
    alone.close()
    db.close()


def test_readers_neither_wait_for_writers_nor_see_half_of_their_work(db: Database) -> None:
    with db.write() as tx:
        add_user(tx, "a")
        seen: list[set[str]] = []
        reader = threading.Thread(target=lambda: seen.append(names(db)))
        reader.start()
        reader.join(timeout=30)
        assert seen == [set()]


def test_a_read_sees_one_moment(db: Database) -> None:
    with db.read() as tx:
        before = tx.execute(select(func.count()).select_from(users)).scalar()
        db.run(add_user, "a")
        assert tx.execute(select(func.count()).select_from(users)).scalar() == before


def test_a_read_refuses_to_write(db: Database) -> None:
    with pytest.raises(DBAPIError), db.read() as tx:
        add_user(tx, "a")


def test_a_second_write_inside_the_first_is_refused_rather_than_waited_for(db: Database) -> None:
    with db.write(), pytest.raises(RuntimeError), db.write():
        pass


def test_an_error_that_ends_the_whole_transaction_fails_its_group_and_not_the_next(tmp_path: Path) -> None:
    """The second member of a group fills the disk, which makes SQLite roll the first one back as well."""
    for attempt in range(ATTEMPTS):
        db = Database(f"sqlite:///{tmp_path}/{attempt}.db")
        db.migrate()
        ended = fill_disk_in_a_group(db)
        stored = names(db)
        db.close()
        if ended["first"] is not None:
            break
        assert "first" in stored, "the second came too late for its group"
    assert isinstance(ended["first"], CommitError)
    assert "full" in str(ended["second"])
    assert ended["third"] is None
    assert stored == {"third"}


def fill_disk_in_a_group(db: Database) -> dict[str, BaseException | None]:
    """The errors of three commands: each starts the thread of the next one, which then waits for its turn."""
    ended: dict[str, BaseException | None] = {}

    def first(tx: Tx) -> None:
        threads["second"].start()
        threads["second"].join(QUEUEING)
        add_user(tx, "first")
        pages = tx.execute(text("PRAGMA page_count")).scalar()
        tx.execute(text(f"PRAGMA max_page_count={pages}"))  # the disk is full, as far as this connection knows

    def second(tx: Tx) -> None:
        threads["third"].start()
        for number in range(1000):
            add_user(tx, f"{number}" + "x" * 20_000)

    def third(tx: Tx) -> None:
        add_user(tx, "third")

    def work(name: str, command: Callable[[Tx], object]) -> None:
        try:
            db.run(command)
        except (DBAPIError, CommitError) as error:
            ended[name] = error
        else:
            ended[name] = None

    commands = {"first": first, "second": second, "third": third}
    threads = {name: threading.Thread(target=work, args=(name, one)) for name, one in commands.items()}
    threads["first"].start()
    for thread in threads.values():
        thread.join(timeout=30)
    return ended


def test_the_name_of_a_violated_constraint_is_the_same_everywhere(db: Database) -> None:
    db.run(add_user, "a")
    with pytest.raises(IntegrityError) as caught:
        db.run(add_user, "a")
    assert violated(caught.value) == "uq_users_user_name"
    role = {"id": "r", "name": "x", "description": "", "administrative": True, "mutable": True}
    with pytest.raises(IntegrityError) as caught, db.write() as tx:
        tx.execute(insert(roles), [role, {**role, "name": "y"}])
    assert violated(caught.value) == "pk_roles"


def test_lock_makes_others_wait_and_misses_say_so(db: Database) -> None:
    """Increments of one row by many threads: none is lost."""
    user_id = db.run(add_user, "0")

    def increment(_: int) -> None:
        for _ in range(10):
            with db.write() as tx:
                row = lock(tx, users, user_id)
                tx.execute(update(users).where(users.c.id == user_id).values(user_name=str(int(row.user_name) + 1)))

    in_threads(4, increment)
    assert names(db) == {"40"}
    with pytest.raises(NotFoundError), db.write() as tx:
        lock(tx, users, "none")


def test_a_deadlock_is_repeated_until_both_are_done(db: Database) -> None:
    """Two transactions take two rows in opposite order, at first at the same time."""
    ids = [db.run(add_user, "a"), db.run(add_user, "b")]
    meeting = threading.Barrier(2)
    first_time = [True, True]

    def take(tx: Tx, number: int) -> None:
        lock(tx, users, ids[number])
        if first_time[number] and not db.is_sqlite:
            first_time[number] = False
            meeting.wait(timeout=30)
        lock(tx, users, ids[1 - number])
        tx.execute(update(users).where(users.c.id == ids[number]).values(name="done"))

    in_threads(2, lambda number: db.run(take, number))
    with db.read() as tx:
        assert set(tx.execute(select(users.c.name)).scalars()) == {"done"}


def test_a_command_inside_another_is_refused_rather_than_waited_for(db: Database) -> None:
    with pytest.raises(RuntimeError):
        db.run(lambda _tx: db.run(lambda tx: add_user(tx, "inner")))
    assert names(db) == set()


def test_what_a_thread_bound_to_its_log_holds_in_its_command(db: Database) -> None:
    """Whichever thread runs the command."""

    def work(thread: int) -> None:
        with structlog.contextvars.bound_contextvars(thread=thread):
            for _ in range(20):
                assert db.run(lambda _tx: structlog.contextvars.get_contextvars())["thread"] == thread

    in_threads(4, work)


PUT = inserting(users)
GET = Statement(select(users).where(users.c.user_name == bindparam("name")))


def user_row(name: str) -> dict[str, Any]:
    texts = {"user_name": name, "domain": "internal", "name": name, "last_name": "", "email": ""}
    flags = {"is_group": False, "enabled": True}
    return {"id": new_id(), "created": utc_now(), "password_hash": None, **texts, **flags}


def test_a_prepared_statement_takes_and_gives_what_sqlalchemy_does(db: Database) -> None:
    row = user_row("a")
    with db.write() as tx:
        PUT.run(tx, **row)
        known = tx.execute(select(users).where(users.c.user_name == "a")).one()
        assert GET.all(tx, name="a") == [known]
        assert GET.first(tx, name="a") == known
        assert known._asdict() == row
        assert type(known.enabled) is bool
        assert GET.first(tx, name="b") is None
        with pytest.raises(KeyError):
            GET.first(tx)
    with db.read_once() as tx:
        assert GET.first(tx, name="a") == known


def test_statements_that_travel_together_fail_together(db: Database) -> None:
    """With the error that SQLAlchemy has for it, whichever of them it was."""

    def command(tx: Tx) -> None:
        with pipelined(tx):
            PUT.run(tx, **user_row("a"))
            PUT.run(tx, **user_row("a"))
            PUT.run(tx, **user_row("b"))

    with pytest.raises(IntegrityError) as caught:
        db.run(command)
    assert violated(caught.value) == "uq_users_user_name"
    assert names(db) == set()
    db.run(lambda tx: PUT.run(tx, **user_row("a")))
    assert names(db) == {"a"}


def test_questions_that_travel_together_are_answered_one_by_one(db: Database) -> None:
    """Each sees what those before it have done; an answer may be left unread."""
    columns = [column.name for column in users.columns]
    returning = Statement(insert(users).returning(users), columns)
    row = user_row("a")
    with db.write() as tx:
        with pipelined(tx):
            before = GET.ask(tx, name="a")
            added = returning.ask(tx, **row)
            returning.ask(tx, **user_row("b"))
            after = GET.ask(tx, name="a")
        assert before.all() == []
        assert before.first() is None
        assert dict(zip(columns, added.one(), strict=True)) == row
        assert after.first() == added.one()
        with pytest.raises(NoResultFound):
            before.one()
    assert names(db) == {"a", "b"}


def test_a_statement_whose_text_depends_on_its_values_is_refused(db: Database) -> None:
    expanded = Statement(select(users.c.id).where(users.c.name.in_(bindparam("names", expanding=True))))
    with db.read() as tx, pytest.raises(TypeError):
        expanded.all(tx, names=["a"])


def test_connections_that_broke_while_nobody_used_them_are_made_anew(db: Database) -> None:
    """PostgreSQL was restarted, say; SQLite has nothing that could break."""
    with db.write() as tx:
        add_user(tx, "a")
    if not db.is_sqlite:
        others = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                      " AND datname = current_database()")  # fmt: skip
        killer = create_engine(db.url)
        with killer.connect() as tx:
            assert tx.execute(others).all()
        killer.dispose()
        time.sleep(1.1)  # as long as a connection must have been idle to be asked whether it is there
    assert names(db) == {"a"}
    with db.write() as tx:
        add_user(tx, "b")
    assert names(db) == {"a", "b"}


def test_notifications_follow_the_commit_and_a_rollback_sends_none(db: Database) -> None:
    def fail(tx: Tx) -> None:
        announce(tx, "news", replicas=True)
        raise KeyError

    with db.listen("news") as notified:
        notified.clear()
        with pytest.raises(KeyError):
            db.run(fail)
        assert not notified.is_set()
        with db.write() as tx:
            announce(tx, "news")
            assert not notified.is_set()
        assert notified.is_set()


def test_a_connection_that_is_in_use_when_the_database_is_closed_is_closed_after_that(database_url: str) -> None:
    db = Database(database_url)
    with db.read() as tx:
        driver = tx.connection.driver_connection
        db.close()
        assert tx.execute(select(func.count()).select_from(users)).scalar() is not None
    with pytest.raises(Exception, match="closed"):
        driver.execute("SELECT 1")


@ON_POSTGRESQL
def test_notifications_reach_other_replicas(db: Database, database_url: str) -> None:
    other = Database(database_url)
    with other.listen("news") as notified:
        notified.clear()
        with db.write() as tx:
            announce(tx, "news", replicas=True)
        assert notified.wait(timeout=30)
    other.close()


def test_times_come_back_aware_and_in_utc(db: Database) -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    with db.write() as tx:
        number = audit.record_numbered(tx, SYSTEM, 1, "x")
        tx.execute(update(events).where(events.c.id == number).values(time=noon))
        assert tx.execute(select(events.c.time)).scalar() == datetime(2026, 7, 1, 10, tzinfo=UTC)
        assert tx.execute(select(events.c.time).where(events.c.time < noon + timedelta(seconds=1))).scalar()
        with pytest.raises(StatementError):
            tx.execute(update(events).values(time=datetime(2026, 7, 1)))  # noqa: DTZ001 - that is what is refused


def test_event_numbers_grow_and_are_never_given_twice(db: Database) -> None:
    with db.write() as tx:
        numbers = [audit.record_numbered(tx, SYSTEM, 1, "x") for _ in range(3)]
        tx.execute(events.delete())
        numbers.append(audit.record_numbered(tx, SYSTEM, 1, "x"))
    assert numbers == sorted(set(numbers))


@ON_POSTGRESQL
def test_a_test_gets_an_empty_database_whoever_had_it_before(databases: Databases) -> None:
    """With sessions kept, which only some tests use."""
    first = databases.create()
    kept = databases.open(first)
    databases.keep(first, kept)
    databases.drop(first)
    assert databases.create() == first
    other = Database(first)
    other.run(add_user, "left")
    other.close()
    databases.drop(first)
    again = databases.create()
    database = databases.open(again)
    assert again == first
    assert names(database) == set()
    database.close()
    databases.drop(again)
