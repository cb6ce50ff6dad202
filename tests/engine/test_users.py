"""Users of the engine's own profile: coming, going, and their passwords."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from netweft.core.errors import DeniedError, NotFoundError, ValidationError
from netweft.engine.access import authorize, tokens
from netweft.engine.access.objects import SYSTEM_REF
from netweft.engine.access.roles import EVERYONE
from netweft.engine.access.tokens import Credentials, LoginError, Purpose
from netweft.engine.actor import SYSTEM, Actor
from netweft.engine.commands.permissions import remove_permission
from netweft.engine.commands.users import AddUser, add_user, new_password, prove, remove_user, set_password
from netweft.engine.db import Database, Tx
from netweft.engine.model.events import events
from netweft.engine.model.users import permissions, users
from netweft.engine.model.users import tokens as token_table
from rows import add_roles
from rows import add_user as add_user_row

PASSWORD = "correct horse battery"


@pytest.fixture
def admin(db: Database) -> Actor:
    def add(tx: Tx) -> Actor:
        add_roles(tx)
        actor = add_user_row(tx, "admin", ("SuperUser", SYSTEM_REF))
        tx.execute(update(users).where(users.c.id == actor.user_id).values(password_hash=HASH.stored))
        return actor

    return db.run(add)


HASH = new_password("", PASSWORD)


def add(db: Database, actor: Actor, name: str, *roles: str) -> str:
    user_id = db.run(add_user, actor, AddUser(user_name=name, password=HASH))
    for role in roles:
        db.run(authorize.grant, user_id, role, SYSTEM_REF)
    return user_id


def test_a_new_user_logs_in_and_is_told_of(db: Database, admin: Actor) -> None:
    user_id = add(db, admin, "ann@internal")
    assert tokens.login(db, "ann@internal", PASSWORD, "").id == user_id
    silent = db.run(add_user, admin, AddUser(user_name="bob"))
    with pytest.raises(LoginError):
        tokens.login(db, "bob@internal", "", "")
    with db.read() as tx:
        assert tx.execute(select(users.c.user_name).where(users.c.id == silent)).scalar() == "bob@internal"
        told = tx.execute(select(events.c.code).where(events.c.code == 149)).all()
    assert len(told) == 2


def test_passwords_are_stored_as_hashes() -> None:
    assert new_password("", "x" * 12).stored.startswith("$argon2id$")


def test_a_removed_user_is_out_at_once(db: Database, admin: Actor) -> None:
    user_id = add(db, admin, "ann", "NetworkAdmin")
    credentials = Credentials(db)
    user = credentials.check("ann", PASSWORD, "")
    bearer, session = db.run(tokens.issue, user), db.run(tokens.issue, user, Purpose.SESSION)
    db.run(remove_user, admin, user_id)
    with db.read() as tx:
        assert tokens.user_of(tx, bearer) is tokens.user_of(tx, session, Purpose.SESSION) is None
        assert tx.execute(select(token_table).where(token_table.c.user_id == user_id)).all() == []
        assert tx.execute(select(permissions).where(permissions.c.user_id == user_id)).all() == []
        assert tx.execute(select(events.c.description).where(events.c.code == 325)).scalars().all() == [
            "User admin@internal removed the user ann@internal."
        ]
    with pytest.raises(LoginError):
        credentials.check("ann", PASSWORD, "")
    with pytest.raises(NotFoundError):
        db.run(remove_user, admin, user_id)
    with pytest.raises(NotFoundError):
        db.run(remove_user, admin, EVERYONE)


def test_nobody_removes_themselves_or_the_last_super_user(db: Database, admin: Actor) -> None:
    assert admin.user_id is not None
    with pytest.raises(ValidationError) as caught:
        db.run(remove_user, admin, admin.user_id)
    assert [problem.code for problem in caught.value.problems] == [
        "USER_CANNOT_REMOVE_HIMSELF",
        "ACTION_TYPE_FAILED_LAST_SUPER_USER",
    ]
    db.run(lambda tx: authorize.grant(tx, tx_user(tx, admin, "speechless"), "SuperUser", SYSTEM_REF))
    with pytest.raises(ValidationError) as caught:
        db.run(remove_user, SYSTEM, admin.user_id)
    assert caught.value.code == "ACTION_TYPE_FAILED_LAST_SUPER_USER", "who has no password cannot log in"
    with db.read() as tx:
        mine = tx.execute(select(permissions.c.id).where(permissions.c.user_id == admin.user_id)).scalar_one()
    with pytest.raises(ValidationError, match="last super user"):
        db.run(remove_permission, admin, mine)
    second = add(db, admin, "second", "SuperUser")
    db.run(remove_user, Actor(user_id=second, name="second@internal"), admin.user_id)


def tx_user(tx: Tx, actor: Actor, name: str) -> str:
    return add_user(tx, actor, AddUser(user_name=name))


def test_a_new_password_ends_what_the_old_one_opened(db: Database, admin: Actor) -> None:
    user_id = add(db, admin, "ann")
    ann = Actor(user_id=user_id, name="ann@internal")
    token = db.run(tokens.issue, tokens.login(db, "ann", PASSWORD, ""))
    with pytest.raises(DeniedError, match="present password"):
        db.run(set_password, ann, user_id, HASH, is_proved=False)
    with pytest.raises(DeniedError, match="present password"):
        prove(db, ann, "wrong")
    other = new_password("", "another good password")
    assert db.run(set_password, ann, user_id, other, is_proved=prove(db, ann, PASSWORD)) == "ann@internal"
    with db.read() as tx:
        assert tokens.user_of(tx, token) is None
        assert tx.execute(select(events.c.code).where(events.c.code == 346)).all()
    with pytest.raises(LoginError):
        tokens.login(db, "ann", PASSWORD, "")
    assert tokens.login(db, "ann", "another good password", "")
    db.run(set_password, admin, user_id, HASH, is_proved=False)
    assert tokens.login(db, "ann", PASSWORD, "")


def test_only_those_who_may(db: Database, admin: Actor) -> None:
    ann = Actor(user_id=add(db, admin, "ann", "DataCenterAdmin"), name="ann@internal")
    other = add(db, admin, "bob")
    with pytest.raises(DeniedError):
        db.run(add_user, ann, AddUser(user_name="carl"))
    with pytest.raises(DeniedError):
        db.run(remove_user, ann, other)
    with pytest.raises(DeniedError):
        db.run(set_password, ann, other, HASH, is_proved=False)
    with pytest.raises(NotFoundError):
        db.run(set_password, admin, EVERYONE, HASH, is_proved=False)
