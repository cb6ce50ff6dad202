"""Users, roles, permissions, and the tokens that users hold."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from netweft.engine.model.base import ID_LENGTH, Utc, id_column, metadata, reference

users = Table(
    "users",
    metadata,
    id_column(),
    # "admin@internal": the part after the last @ is the profile (ovirt-engine: the same form in every client).
    Column("user_name", String(255), nullable=False, unique=True),
    Column("domain", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    Column("last_name", String(255), nullable=False),
    Column("email", String(255), nullable=False),
    # Everyone is a group that all users are in; a group cannot log in.
    Column("is_group", Boolean, nullable=False),
    Column("password_hash", Text),
    Column("enabled", Boolean, nullable=False),
    Column("created", Utc, nullable=False),
)

roles = Table(
    "roles",
    metadata,
    id_column(),
    Column("name", String(126), nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("administrative", Boolean, nullable=False),
    Column("mutable", Boolean, nullable=False),
)

role_groups = Table(
    "role_groups",
    metadata,
    Column("role_id", String(ID_LENGTH), ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
    Column("action_group", String(64), primary_key=True),
)

# Every request asks which roles have what it needs.
Index("ix_role_groups_action_group", role_groups.c.action_group, role_groups.c.role_id)

permissions = Table(
    "permissions",
    metadata,
    id_column(),
    reference("user_id", "users.id", on_delete="CASCADE"),
    reference("role_id", "roles.id"),
    Column("object_type", String(32), nullable=False),
    # No foreign key, as it may be in any of several tables; the command that removes a thing removes its permissions.
    Column("object_id", String(ID_LENGTH), nullable=False, index=True),
    Column("created", Utc, nullable=False),
    UniqueConstraint("user_id", "role_id", "object_id"),
)

tokens = Table(
    "tokens",
    metadata,
    # SHA-256 of the token; the token itself has 256 random bits, so a slow hash would add nothing.
    Column("token_hash", String(64), primary_key=True),
    reference("user_id", "users.id", on_delete="CASCADE"),
    Column("purpose", String(16), nullable=False),
    Column("created", Utc, nullable=False),
    Column("expires", Utc, nullable=False, index=True),
)

login_failures = Table(
    "login_failures",
    metadata,
    # Whom and from where: so that a stranger's guesses never lock the user out elsewhere.
    Column("user_name", String(255), primary_key=True),
    Column("address", String(64), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("blocked_until", Utc, nullable=False),
)
