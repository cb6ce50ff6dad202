"""Users of the engine's own profile, and their passwords."""

from __future__ import annotations

from dataclasses import dataclass

from netweft.core.errors import DeniedError, NotFoundError
from netweft.core.rules import check
from netweft.core.rules import permission as permission_rules
from netweft.core.rules import user as rules
from netweft.engine import audit
from netweft.engine.access import authorize, tokens
from netweft.engine.access.roles import ROLES, ActionGroup
from netweft.engine.access.tokens import INTERNAL
from netweft.engine.actor import Actor
from netweft.engine.commands.permissions import is_super_user, other_super_users
from netweft.engine.db import Database, Tx, insert_if_absent, lock, new_id, utc_now
from netweft.engine.model.users import roles, users

ADDED, REMOVED, PASSWORD_CHANGED = 149, 325, 346
"""Event codes (oVirt: USER_ADD, USER_REMOVE_ADUSER, USER_PASSWORD_CHANGED)."""


@dataclass(frozen=True, slots=True)
class NewPassword:
    """The hash of a password that keeps to the rules; :func:`new_password` makes it, before a transaction."""

    stored: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddUser:
    """``user_name``: name and profile, ``ann@internal``. Without a password the user cannot log in yet."""

    user_name: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    password: NewPassword | None = None


def new_password(action: str, password: str) -> NewPassword:
    """Check a password against the rules and hash it, which takes some 50 ms. ``action`` opens the sentence of the
    ValidationError that is raised.
    """
    check(action, rules.password_is_good(password))
    return NewPassword(tokens.hash_password(password))


def add_user(tx: Tx, actor: Actor, spec: AddUser) -> str:
    """Add a user without any role; returns the id.

    Needs ADD_USERS_AND_GROUPS_FROM_DIRECTORY on the system. Raises DeniedError, ValidationError.
    """
    authorize.require(tx, actor, ActionGroup.ADD_USERS_AND_GROUPS_FROM_DIRECTORY)
    name, domain = tokens.split_name(spec.user_name)
    user_name, action = f"{name}@{domain}", "Cannot add User."
    check(action, rules.user_name_is_valid(user_name), rules.domain_is_known(domain, INTERNAL))
    check(
        action,
        *(
            rules.detail_is_valid(what, text)
            for what, text in (("first name", spec.first_name), ("last name", spec.last_name), ("email", spec.email))
        ),
    )
    user_id = new_id()
    is_added = insert_if_absent(
        tx,
        users,
        id=user_id,
        user_name=user_name,
        domain=domain,
        name=spec.first_name or name,
        last_name=spec.last_name,
        email=spec.email,
        is_group=False,
        password_hash=spec.password.stored if spec.password else None,
        enabled=True,
        created=utc_now(),
    )
    check(action, rules.user_name_is_free(user_name, not is_added))
    audit.record(tx, actor, ADDED, f"User {actor.name} added the user {user_name}.")
    return user_id


def remove_user(tx: Tx, actor: Actor, user_id: str) -> None:
    """Remove a user with all their permissions; their tokens and sessions end with them.

    Needs MANIPULATE_USERS on the system. Raises NotFoundError, DeniedError, ValidationError.
    """
    lock(tx, roles, ROLES["SuperUser"].id)  # so that two of them do not remove each other at once
    row = lock(tx, users, user_id)
    authorize.require(tx, actor, ActionGroup.MANIPULATE_USERS)
    if row.is_group:
        raise NotFoundError(f"There is no user {user_id}.")
    check(
        "Cannot remove User.",
        rules.is_another_user(row.user_name, user_id == actor.user_id),
        permission_rules.super_user_remains(is_super_user(tx, user_id), other_super_users(tx, user_id)),
    )
    tx.execute(users.delete().where(users.c.id == user_id))
    audit.record(tx, actor, REMOVED, f"User {actor.name} removed the user {row.user_name}.")


def set_password(tx: Tx, actor: Actor, user_id: str, password: NewPassword, *, is_proved: bool) -> str:
    """Give a user a new password; what the old one opened ends at once. Returns the user's name.

    One's own when ``is_proved``: the present password was right (:func:`prove`). Anybody else's needs MANIPULATE_USERS
    on the system. Raises NotFoundError, DeniedError.
    """
    row = lock(tx, users, user_id)
    if user_id != actor.user_id:
        authorize.require(tx, actor, ActionGroup.MANIPULATE_USERS)
    elif not is_proved:
        raise DeniedError("Your present password is needed to change it: send it as current.")
    if row.is_group:
        raise NotFoundError(f"There is no user {user_id}.")
    tokens.set_password(tx, user_id, password.stored)
    audit.record(tx, actor, PASSWORD_CHANGED, f"User {actor.name} changed the password of {row.user_name}.")
    return str(row.user_name)


def prove(db: Database, actor: Actor, current: str) -> bool:
    """Whether ``current`` is the actor's password. Wrong ones make the next try wait. Raises DeniedError."""
    try:
        tokens.prove(db, actor.name, current, _PRESENT, actor.correlation_id)
    except tokens.LoginError as error:
        raise DeniedError(f"The present password: {error.text}") from error
    db.run(tokens.forgive, actor.name, _PRESENT)
    return True


_PRESENT = "a change of the password"
"""In place of an address, where guesses are counted."""
