"""Authenticates a request and checks access to its endpoint: one statement, since every request needs it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from netweft.engine.access.authorize import FOR_ADMINISTRATORS, HAVING_GROUP
from netweft.engine.access.objects import SYSTEM_ID
from netweft.engine.access.roles import EVERYONE, ActionGroup
from netweft.engine.access.tokens import Purpose, digest, holder
from netweft.engine.db import Tx, utc_now
from netweft.engine.model.records import Record
from netweft.engine.model.users import permissions, users
from netweft.engine.statements import Statement


@dataclass(frozen=True, slots=True)
class AuthContext:
    """A user, and whether they have the requested permission on any object (``somewhere``), and on the system and so on
    all objects (``everywhere``).
    """

    user_id: str
    user_name: str
    somewhere: bool
    everywhere: bool


def of_token(tx: Tx, token: str, group: ActionGroup | None) -> AuthContext | None:
    """The context of a bearer token's user; None when the token is unknown or has expired, or its user is disabled.

    ``group``: the requested permission; None for any administrator role.
    """
    statement = _of_token(by_group=group is not None)
    values = {"digest": digest(token), "purpose": Purpose.BEARER, "now": utc_now()}
    return _context_of(statement.first(tx, group=str(group), **values))


def of_user(tx: Tx, user_id: str, group: ActionGroup | None) -> AuthContext | None:
    """The context of a user who was authenticated otherwise; None when they were removed or disabled."""
    return _context_of(_of_user(by_group=group is not None).first(tx, user_id=user_id, group=str(group)))


class _Row(Record, frozen=True):
    id: str
    user_name: str
    somewhere: bool
    everywhere: bool


def _context_of(row: _Row | None) -> AuthContext | None:
    return None if row is None else AuthContext(row.id, row.user_name, row.somewhere, row.everywhere)


@cache
def _of_token(*, by_group: bool) -> Statement[_Row]:
    return Statement(holder(*_columns(by_group=by_group)), record=_Row)


@cache
def _of_user(*, by_group: bool) -> Statement[_Row]:
    the_user = sa.and_(users.c.id == sa.bindparam("user_id"), users.c.enabled.is_(True))
    return Statement(sa.select(*_columns(by_group=by_group)).where(the_user), record=_Row)


def _columns(*, by_group: bool) -> tuple[sa.ColumnElement[Any], ...]:
    """The columns of an :class:`AuthContext`, for a row of users."""
    held = (
        sa.select(sa.literal(1))
        .select_from(permissions)
        .where(
            permissions.c.user_id.in_((users.c.id, EVERYONE)),
            permissions.c.role_id.in_(HAVING_GROUP if by_group else FOR_ADMINISTRATORS),
        )
    )
    on_system = held.where(permissions.c.object_id == SYSTEM_ID)
    return (users.c.id, users.c.user_name, held.exists().label("somewhere"), on_system.exists().label("everywhere"))
