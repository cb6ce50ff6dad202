"""Permissions: the roles that users have on things, below each thing, below each user, and on the system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET
from sqlalchemy import Row, Select, select

from netloom.api import users as users_api
from netloom.api.routes import LOGIN, READ, Call, Routes, many
from netloom.api.schema import reference
from netloom.api.shown import first, ref, required_ref, see
from netloom.api.types import Cluster, DataCenter, Group, Host, Permission, Role, Template, User, Vm
from netloom.core.errors import NotFoundError
from netloom.engine.commands import authorize
from netloom.engine.commands.authorize import EVERYONE, SYSTEM_ID, ActionGroup, ObjectRef, ObjectType
from netloom.engine.commands.users import AddPermission, add_permission, remove_permission
from netloom.engine.db import Tx
from netloom.engine.model.users import permissions
from netloom.engine.model.users import users as users_table

routes = Routes("permissions")

PARENTS = {
    "datacenters": ObjectType.DATA_CENTER,
    "clusters": ObjectType.CLUSTER,
    "hosts": ObjectType.HOST,
    "networks": ObjectType.NETWORK,
    "vnicprofiles": ObjectType.VNIC_PROFILE,
    "vms": ObjectType.VM,
    "templates": ObjectType.TEMPLATE,
    "macpools": ObjectType.MAC_POOL,
}
"""What has permissions, by the path of its collection."""

_SHOWN = {
    ObjectType.DATA_CENTER: DataCenter,
    ObjectType.CLUSTER: Cluster,
    ObjectType.HOST: Host,
    ObjectType.VM: Vm,
    ObjectType.TEMPLATE: Template,
}
"""Objects that a permission names; oVirt's has no element for the others."""


def show(row: Row[Any], href: str) -> Permission:
    """A row of permissions, in the collection at ``href``."""
    permission = Permission(id=row.id, href=f"{href}/{row.id}", role=reference(Role, row.role_id))
    if row.user_id == EVERYONE:
        permission.group = reference(Group, EVERYONE)
    else:
        permission.user = reference(User, row.user_id)
    kind = _SHOWN.get(ObjectType(row.object_type))
    if kind is not None:
        setattr(permission, ObjectType(row.object_type).value, reference(kind, row.object_id))
    return permission


def _on(object_id: str) -> Select[Any]:
    return (
        select(permissions)
        .where(permissions.c.object_id == object_id)
        .order_by(permissions.c.created, permissions.c.id)
    )


def _one(tx: Tx, statement: Select[Any], permission_id: str) -> Row[Any]:
    row = tx.execute(statement.where(permissions.c.id == permission_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no permission {permission_id}.")
    return row


def _add(call: Call[Permission], target: ObjectRef, href: str) -> Permission:
    body = call.body
    group = ref(body.group)
    role = required_ref(body.role, "Permission [role")
    user = None if group is not None else required_ref(body.user, "Permission [user")
    spec = AddPermission(role=role, user=user, group=group, target=target)
    permission_id = call.run(add_permission, call.actor, spec)
    with call.read() as tx:
        return show(_one(tx, _on(target.id), permission_id), href)
