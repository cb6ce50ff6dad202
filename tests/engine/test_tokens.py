"""Who somebody is: passwords, guessers, tokens, sessions."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import insert, select, update

from databases import HASHER
from netweft.engine.access import tokens
from netweft.engine.access.tokens import Credentials, LoginError, Purpose
from netweft.engine.db import Database, new_id, utc_now
from netweft.engine.model.events import events
from netweft.engine.model.users import login_failures, users
from netweft.engine.model.users import tokens as token_table

login = partial(tokens.login, hasher=HASHER)


@pytest.fixture
def db(db: Database) -> Database:
    """With a user admin@internal whose password is "right"."""
    with db.write() as tx:
        tx.execute(
            insert(users).values(
                id=new_id(), user_name="admin@internal", domain="internal", name="admin", last_name="", email="",
                is_group=False, enabled=True, created=utc_now(), password_hash=tokens.hash_password("right", HASHER),
            )
        )  # fmt: skip
    return db


def test_names_split_at_the_last_at() -> None:
    assert tokens.split_name("admin@internal") == ("admin", "internal")
    assert tokens.split_name("admin@ovirt@internalsso") == ("admin@ovirt", "internalsso")
    assert tokens.split_name("admin") == ("admin", "internal")
    assert tokens.split_name("@internal") == ("", "internal")


def test_the_right_password_opens_and_all_else_does_not(db: Database) -> None:
    assert login(db, "admin@internal", "right", "192.0.2.1").name == "admin@internal"
    for name, password in [("admin@internal", "wrong"), ("admin@internal", ""), ("nobody@internal", "right")]:
        with pytest.raises(LoginError, match="Cannot authenticate user"):
            login(db, name, password, "192.0.2.1")
    db.run(lambda tx: tx.execute(update(users).values(enabled=False)))
    with pytest.raises(LoginError):
        login(db, "admin@internal", "right", "192.0.2.1")
    with db.read() as tx:
        codes = tx.execute(select(events.c.code).order_by(events.c.id)).scalars().all()
    assert codes == [30, 114, 114, 114, 114]


def test_a_password_that_is_stored_at_another_cost_is_hashed_anew(db: Database) -> None:
    desired = PasswordHasher(time_cost=2, memory_cost=128, parallelism=1)
    tokens.login(db, "admin@internal", "right", "192.0.2.1", hasher=desired)
    with db.read() as tx:
        stored = tx.execute(select(users.c.password_hash)).scalar_one()
    assert extract_parameters(stored) == extract_parameters(desired.hash("right"))
    assert desired.verify(stored, "right")


def test_a_password_of_nobody_is_verified_as_one_of_somebody() -> None:
    """Else the time of an answer would tell which users there are."""
    assert extract_parameters(tokens.NOBODYS_HASH) == extract_parameters(PasswordHasher().hash("right"))
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(tokens.NOBODYS_HASH, "right")


def test_a_guesser_has_to_wait_and_others_do_not(db: Database) -> None:
    for _ in range(tokens.FREE_TRIES + 1):
        with pytest.raises(LoginError):
            login(db, "admin@internal", "wrong", "192.0.2.66")
    with pytest.raises(LoginError) as caught:
        login(db, "admin@internal", "right", "192.0.2.66")
    assert caught.value.wait > 0
    assert login(db, "admin@internal", "right", "192.0.2.1"), "from elsewhere the user may"
    db.run(lambda tx: tx.execute(update(login_failures).values(blocked_until=utc_now() - timedelta(seconds=1))))
    assert login(db, "admin@internal", "right", "192.0.2.66"), "after the wait, the right one is right"


def test_a_token_is_somebody_until_it_is_revoked_or_expires(db: Database) -> None:
    user = login(db, "admin", "right", "")
    first, second = db.run(tokens.issue, user), db.run(tokens.issue, user)
    with db.read() as tx:
        assert tokens.user_of(tx, first) == tokens.user_of(tx, second) == user
        assert tokens.user_of(tx, first + "x") is None
        assert tokens.user_of(tx, first, Purpose.SESSION) is None
        stored = tx.execute(select(token_table)).all()
        assert not any(first in str(row) for row in stored)
    db.run(tokens.revoke, first)
    db.run(tokens.revoke, first)
    db.run(lambda tx: tx.execute(update(token_table).values(expires=utc_now())))
    with db.read() as tx:
        assert tokens.user_of(tx, first) is tokens.user_of(tx, second) is None


def test_a_session_lives_on_while_it_is_used(db: Database) -> None:
    session = db.run(tokens.issue, login(db, "admin", "right", ""), Purpose.SESSION)
    with db.read() as tx:
        assert not tokens.needs_touch(tx, session)
    soon = utc_now() + timedelta(minutes=2)
    db.run(lambda tx: tx.execute(update(token_table).values(expires=soon)))
    with db.read() as tx:
        assert tokens.needs_touch(tx, session)
    db.run(tokens.touch, session)
    with db.read() as tx:
        assert tx.execute(select(token_table.c.expires)).scalar_one() > soon
        assert not tokens.needs_touch(tx, session)


def test_a_new_password_ends_what_the_old_one_opened(db: Database) -> None:
    credentials = Credentials(db)
    user = credentials.check("admin@internal", "right", "")
    token = db.run(tokens.issue, user)
    db.run(tokens.set_password, user.id, tokens.hash_password("new", HASHER))
    with db.read() as tx:
        assert tokens.user_of(tx, token) is None
    with pytest.raises(LoginError):
        credentials.check("admin@internal", "right", "")
    assert credentials.check("admin@internal", "new", "") == user


def test_the_same_credentials_again_are_no_login(db: Database) -> None:
    now = [0.0]
    credentials = Credentials(db, clock=lambda: now[0], hasher=HASHER)
    for _ in range(10):
        credentials.check("admin@internal", "right", "")
    with db.read() as tx:
        assert len(tx.execute(select(events.c.id)).all()) == 1
    now[0] = 61.0
    credentials.check("admin@internal", "right", "")
    with db.read() as tx:
        assert len(tx.execute(select(events.c.id)).all()) == 2
    with pytest.raises(LoginError):
        credentials.check("admin@internal", "wrong", "")


def test_sixty_guesses_at_once_count_as_sixty(db: Database) -> None:
    """Only as many are looked at as when they come one after another."""
    with ThreadPoolExecutor(60) as guessers:
        start = threading.Barrier(60, timeout=60)

        def guess(number: int) -> None:
            start.wait()
            with pytest.raises(LoginError):
                login(db, "admin@internal", f"guess {number}", "192.0.2.66")

        list(guessers.map(guess, range(60)))
    with db.read() as tx:
        looked_at = tx.execute(select(events.c.id).where(events.c.code == tokens.USER_LOGIN_FAILED)).all()
        counted = tx.execute(select(login_failures.c.count)).scalar_one()
    assert len(looked_at) == counted == tokens.FREE_TRIES + 1


def test_a_right_password_forgives_the_wrong_ones(db: Database) -> None:
    for password in ("wrong", "wrong", "right"):
        with contextlib.suppress(LoginError):
            login(db, "admin@internal", password, "192.0.2.66")
    with db.read() as tx:
        assert tx.execute(select(login_failures)).all() == []
