"""Reads of users, roles and permissions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.users import PermissionRow, RoleRow, UserRow, permissions, role_groups, roles, users
from netweft.engine.noun import Noun
from netweft.engine.statements import rows


def _login_name(test: Callable[[Any], sa.ColumnElement[bool]]) -> sa.ColumnElement[bool]:
    """Clients name a user with the profile or, as oVirt stores it, with the authorisation provider behind it."""
    return sa.or_(test(users.c.user_name), test(users.c.user_name + sa.literal("-authz")))


USERS = Noun(
    users,
    UserRow,
    "user",
    sa.select(users).where(users.c.is_group.is_(False)),
    {
        "name": users.c.name,
        "usrname": _login_name,
        "id": users.c.id,
        "lastname": users.c.last_name,
        "email": users.c.email,
        "directory": users.c.domain,
    },
    order=(users.c.user_name, users.c.id),
    owner="id",
)
GROUPS = Noun(
    users, UserRow, "group", sa.select(users).where(users.c.is_group), {"name": users.c.name, "id": users.c.id}
)
ROLES = Noun(
    roles,
    RoleRow,
    "role",
    search={
        "name": roles.c.name,
        "id": roles.c.id,
        "description": roles.c.description,
        "administrative": roles.c.administrative,
    },
)


PERMISSIONS = Noun(permissions, PermissionRow, "permission")


def roles_of(tx: Tx, user_id: str) -> list[RoleRow]:
    """The roles that a user has on anything, by name."""
    granted = sa.select(permissions.c.role_id).where(permissions.c.user_id == user_id)
    return ROLES.all(tx, ROLES.select.where(roles.c.id.in_(granted)).order_by(roles.c.name))


def action_groups_of(tx: Tx, role_id: str) -> list[str]:
    """The action groups that a role allows, by name."""
    query = sa.select(role_groups.c.action_group).where(role_groups.c.role_id == role_id)
    return list(tx.scalars(query.order_by(role_groups.c.action_group)))


def domains(tx: Tx) -> list[str]:
    """The domains that users are of."""
    query = sa.select(users.c.domain).where(users.c.is_group.is_(False)).distinct()
    return list(tx.scalars(query.order_by(users.c.domain)))


def permissions_on(tx: Tx, object_id: str, most: int | None = None) -> list[PermissionRow]:
    """The permissions that are given on a thing, the oldest first."""
    return _permissions(tx, permissions.c.object_id == object_id, most)


def permissions_of(tx: Tx, user_id: str, most: int | None = None) -> list[PermissionRow]:
    """The permissions that a user has, the oldest first."""
    return _permissions(tx, permissions.c.user_id == user_id, most)


def _permissions(tx: Tx, which: sa.ColumnElement[bool], most: int | None) -> list[PermissionRow]:
    query = sa.select(permissions).where(which).order_by(permissions.c.created, permissions.c.id)
    return rows(tx, PermissionRow, query.limit(most))
