"""Giving users roles on things, and taking them back."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select

from netweft.core.errors import NotFoundError
from netweft.core.rules import check
from netweft.core.rules import permission as rules
from netweft.engine import audit
from netweft.engine.access import authorize, objects
from netweft.engine.access.objects import SYSTEM_ID, ObjectRef, ObjectType
from netweft.engine.access.roles import EVERYONE, ROLES, ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, insert_if_absent, lock, new_id, utc_now
from netweft.engine.model.users import permissions, role_groups, roles, users
from netweft.engine.queries.references import Ref, resolve

GIVEN, TAKEN = 850, 852
GIVEN_ON_SYSTEM, TAKEN_ON_SYSTEM = 866, 868
"""Event codes (oVirt: USER_ADD_PERMISSION, USER_REMOVE_PERMISSION, USER_ADD_SYSTEM_PERMISSION,
USER_REMOVE_SYSTEM_PERMISSION).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPermission:
    """``user`` (None: everyone) gets ``role`` on ``target`` and all below it."""

    role: Ref
    target: ObjectRef
    user: Ref | None = None


def add_permission(tx: Tx, actor: Actor, spec: AddPermission) -> str:
    """Give a role; returns the permission's id, also when it was given before.

    Needs MANIPULATE_PERMISSIONS on the target. Raises NotFoundError, DeniedError, ValidationError.
    """
    if spec.target.type != ObjectType.SYSTEM:
        lock(tx, objects.table_of(spec.target.type), spec.target.id)
    authorize.require(tx, actor, ActionGroup.MANIPULATE_PERMISSIONS, spec.target)
    role = lock(tx, roles, resolve(tx, roles, spec.role, "role"))
    user = lock(tx, users, EVERYONE if spec.user is None else _user(tx, spec.user))
    groups = tx.scalars(select(role_groups.c.action_group).where(role_groups.c.role_id == role.id))
    missing = [group for group in groups if not authorize.may(tx, actor, ActionGroup(group), spec.target)]
    check("Cannot add Permission.", rules.grants_only_own_permissions(role.name, missing))
    key = {"user_id": user.id, "role_id": role.id, "object_id": spec.target.id}
    permission_id = new_id()
    if not insert_if_absent(tx, permissions, id=permission_id, object_type=spec.target.type, created=utc_now(), **key):
        same = [permissions.c[name] == value for name, value in key.items()]
        return str(tx.execute(select(permissions.c.id).where(*same)).scalar_one())
    text = f"User {actor.name} granted the role {role.name} on {_words(tx, spec.target)} to {user.user_name}."
    audit.record(tx, actor, GIVEN_ON_SYSTEM if spec.target.type == ObjectType.SYSTEM else GIVEN, text)
    return permission_id


def remove_permission(tx: Tx, actor: Actor, permission_id: str) -> None:
    """Take a role back. Needs MANIPULATE_PERMISSIONS on the thing.

    Raises NotFoundError, DeniedError, ValidationError.
    """
    lock(tx, roles, ROLES["SuperUser"].id)  # so that two of them do not take each other's at once
    row = lock(tx, permissions, permission_id)
    target = ObjectRef(ObjectType(row.object_type), row.object_id)
    authorize.require(tx, actor, ActionGroup.MANIPULATE_PERMISSIONS, target)
    is_super = row.role_id == ROLES["SuperUser"].id and row.object_id == SYSTEM_ID
    check("Cannot remove Permission.", rules.super_user_remains(is_super, other_super_users(tx, row.user_id)))
    tx.execute(permissions.delete().where(permissions.c.id == permission_id))
    role = tx.execute(select(roles.c.name).where(roles.c.id == row.role_id)).scalar_one()
    user = tx.execute(select(users.c.user_name).where(users.c.id == row.user_id)).scalar_one()
    code = TAKEN_ON_SYSTEM if target.type == ObjectType.SYSTEM else TAKEN
    audit.record(tx, actor, code, f"User {actor.name} revoked the role {role} on {_words(tx, target)} from {user}.")


_SUPER_USER = permissions.c.role_id == ROLES["SuperUser"].id, permissions.c.object_id == SYSTEM_ID


def is_super_user(tx: Tx, user_id: str) -> bool:
    """Whether a user was given all rights on the system."""
    found = select(permissions.c.id).where(*_SUPER_USER, permissions.c.user_id == user_id)
    return tx.execute(found).first() is not None


def other_super_users(tx: Tx, user_id: str) -> int:
    """How many others than this one were given all rights on the system and can log in (everyone counts as one)."""
    can_log_in = or_(users.c.is_group, and_(users.c.enabled, users.c.password_hash.is_not(None)))
    others = select(func.count()).select_from(permissions.join(users, users.c.id == permissions.c.user_id))
    return int(tx.execute(others.where(*_SUPER_USER, users.c.id != user_id, can_log_in)).scalar_one())


def _user(tx: Tx, ref: Ref) -> str:
    """The user of an id, or of the name under which they log in."""
    by = users.c.id == ref.id if ref.id else users.c.user_name == ref.name
    user_id = tx.execute(select(users.c.id).where(by)).scalar()
    if user_id is None:
        raise NotFoundError(f"There is no user {ref.id or ref.name}.")
    return str(user_id)


def _words(tx: Tx, target: ObjectRef) -> str:
    noun = target.type.replace("_", " ")
    if target.type == ObjectType.SYSTEM:
        return noun
    table = objects.table_of(target.type)
    return f"{noun} {tx.execute(select(table.c.name).where(table.c.id == target.id)).scalar_one()}"
