"""Users, roles, permissions, and the tokens that users hold."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import Index, PrimaryKeyConstraint, String, UniqueConstraint

from netweft.engine.model.base import ID_LENGTH
from netweft.engine.model.records import Key, LongText, Record, Refers, With, stored


class UserRow(Record, frozen=True):
    """A user, or the group of all."""

    id: Key
    # "admin@internal": the part after the last @ is the profile (ovirt-engine: the same form in every client).
    user_name: Annotated[str, String(255), With(unique=True)]
    domain: Annotated[str, String(255)]
    name: Annotated[str, String(255)]
    last_name: Annotated[str, String(255)]
    email: Annotated[str, String(255)]
    # Everyone is a group that all users are in; a group cannot log in.
    is_group: bool
    enabled: bool
    created: datetime
    password_hash: LongText | None = None


users = stored("users", UserRow)


class RoleRow(Record, frozen=True):
    """A role."""

    id: Key
    name: Annotated[str, String(126), With(unique=True)]
    administrative: bool
    mutable: bool
    description: LongText = ""


roles = stored("roles", RoleRow)


class RoleGroupRow(Record, frozen=True):
    """An action group that a role allows."""

    role_id: Annotated[str, Refers("roles.id", on_delete="CASCADE", index=False)]
    action_group: Annotated[str, String(64)]


role_groups = stored("role_groups", RoleGroupRow, PrimaryKeyConstraint("role_id", "action_group"))

# Every request asks which roles have what it needs.
Index("ix_role_groups_action_group", role_groups.c.action_group, role_groups.c.role_id)


class PermissionRow(Record, frozen=True):
    """A role that a user has on a thing."""

    id: Key
    user_id: Annotated[str, Refers("users.id", on_delete="CASCADE")]
    role_id: Annotated[str, Refers("roles.id")]
    object_type: Annotated[str, String(32)]
    # No foreign key, as it may be in any of several tables; the command that removes a thing removes its permissions.
    object_id: Annotated[str, String(ID_LENGTH), With(index=True)]
    created: datetime


permissions = stored(
    "permissions",
    PermissionRow,
    UniqueConstraint("user_id", "role_id", "object_id"),
)


class TokenRow(Record, frozen=True):
    """A token that a user holds."""

    # SHA-256 of the token; the token itself has 256 random bits, so a slow hash would add nothing.
    token_hash: Annotated[str, String(64), With(primary_key=True)]
    user_id: Annotated[str, Refers("users.id", on_delete="CASCADE")]
    purpose: Annotated[str, String(16)]
    created: datetime
    expires: Annotated[datetime, With(index=True)]


tokens = stored("tokens", TokenRow)


class LoginFailureRow(Record, frozen=True):
    """Failed logins."""

    # Whom and from where: so that another client's guesses never lock the user out elsewhere.
    user_name: Annotated[str, String(255), With(primary_key=True)]
    address: Annotated[str, String(64), With(primary_key=True)]
    count: int
    blocked_until: datetime


login_failures = stored("login_failures", LoginFailureRow)
