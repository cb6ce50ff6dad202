"""Rights: who may do what on which thing.

A permission gives a user (or everyone) a role on an object; a role is a set of action groups. A permission holds for
the object and for all below it (:mod:`netweft.engine.access.objects`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ScalarSelect, bindparam, case, func, literal, select

from netweft.core.errors import DeniedError
from netweft.engine.access.objects import PARENT, SYSTEM_ID, SYSTEM_REF, ObjectRef, ObjectType, table_of
from netweft.engine.access.roles import EVERYONE, ROLES, ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, new_id, utc_now
from netweft.engine.model.users import permissions, role_groups, roles
from netweft.engine.statements import Statement, inserting


def require(tx: Tx, actor: Actor, group: ActionGroup, *objects: ObjectRef) -> None:
    """Raise DeniedError unless the actor may do ``group`` on one of the objects (most commands name one; none means the
    system).
    """
    if actor.is_system or group in actor.everywhere:
        return
    on = objects or (SYSTEM_REF,)
    ids = {f"id{number}": ref.id for number, ref in enumerate(on)}
    allowed = _allowed(tuple(ref.type for ref in on))
    if allowed.first(tx, user_id=actor.user_id, group=str(group), **ids) is None:
        raise DeniedError(
            f"The user {actor.name} is not authorized to perform this action: "
            f"it needs a role with {group} on the {on[0].type.replace('_', ' ')} or above it."
        )


def may(tx: Tx, actor: Actor, group: ActionGroup, *objects: ObjectRef) -> bool:
    """Whether :func:`require` would let the actor pass."""
    try:
        require(tx, actor, group, *objects)
    except DeniedError:
        return False
    return True


HAVING_GROUP = select(role_groups.c.role_id).where(role_groups.c.action_group == bindparam("group"))
"""The roles that allow ``:group``. As a sub-query, so that both databases go through the index of permissions by user,
role and object: a user may have permissions on thousands of things.
"""
FOR_ADMINISTRATORS = select(roles.c.id).where(roles.c.administrative.is_(True))
"""The roles for administrators, as a sub-query likewise."""


@cache
def _allowed(types: tuple[ObjectType, ...]) -> Statement[tuple[Any, ...]]:
    """Whether ``:user_id`` has ``:group`` on one of the things ``:id0``, ``:id1`` ... of these types.

    Put together once for each combination, since every command asks it.
    """
    above = [one for number, object_type in enumerate(types) for one in _chain(object_type, bindparam(f"id{number}"))]
    return Statement(
        select(literal(1))
        .select_from(permissions)
        .where(
            permissions.c.user_id.in_((bindparam("user_id"), EVERYONE)),
            permissions.c.role_id.in_(HAVING_GROUP),
            permissions.c.object_id.in_((SYSTEM_ID, *above)),
        )
        .limit(1)
    )


def _chain(object_type: ObjectType, object_id: BindParameter[str]) -> list[BindParameter[str] | ScalarSelect[Any]]:
    """The id of a thing and of those above it but the system. Sub-queries, so that one statement answers."""
    parts: list[BindParameter[str] | ScalarSelect[Any]] = [object_id]
    here: BindParameter[str] | ScalarSelect[Any] = object_id
    while object_type in PARENT:
        parent, column = PARENT[object_type]
        table = table_of(object_type).alias()
        here = select(table.c[column]).where(table.c.id == here).scalar_subquery()
        parts.append(here)
        object_type = parent
    return parts


def held(tx: Tx, actor: Actor) -> dict[str, bool]:
    """The action groups that a user has anywhere, by role or as everyone has them, and whether on the whole system."""
    return {group: bool(everywhere) for group, everywhere in _HELD.all(tx, user_id=actor.user_id)}


_HELD = Statement(
    select(
        role_groups.c.action_group,
        func.max(case((permissions.c.object_id == SYSTEM_ID, 1), else_=0)).label("everywhere"),
    )
    .join_from(permissions, role_groups, role_groups.c.role_id == permissions.c.role_id)
    .where(permissions.c.user_id.in_((bindparam("user_id"), EVERYONE)))
    .group_by(role_groups.c.action_group)
    .order_by(role_groups.c.action_group)
)


def is_administrator(tx: Tx, actor: Actor) -> bool:
    """Whether the actor has a role for administrators anywhere; such users see everything unless they ask for their own
    view.
    """
    if actor.is_system:
        return True
    return _ADMINISTRATIVE.first(tx, user_id=actor.user_id) is not None


_ADMINISTRATIVE = Statement(
    select(literal(1))
    .select_from(permissions)
    .where(
        permissions.c.user_id.in_((bindparam("user_id"), EVERYONE)),
        permissions.c.role_id.in_(FOR_ADMINISTRATORS),
    )
    .limit(1)
)


def grant(tx: Tx, user_id: str, role_name: str, ref: ObjectRef) -> str:
    """Give a user (or EVERYONE) a predefined role on a thing, without asking who may (commands have asked); returns the
    permission's id.
    """
    permission_id = new_id()
    _GRANT.run(
        tx,
        id=permission_id,
        user_id=user_id,
        role_id=ROLES[role_name].id,
        object_type=ref.type,
        object_id=ref.id,
        created=utc_now(),
    )
    return permission_id


_GRANT = inserting(permissions)


def forget(tx: Tx, *object_ids: str) -> None:
    """Remove all permissions on things that are being removed."""
    tx.execute(permissions.delete().where(permissions.c.object_id.in_(object_ids)))
