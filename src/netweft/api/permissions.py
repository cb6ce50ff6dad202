"""Permissions: the roles that users have on things, below each thing, below each user, and on the system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netweft.api.request_fields import ref, require_visible, required_ref
from netweft.api.routes import READ, Call, Routes, many
from netweft.api.schema import Entity, reference
from netweft.api.types import Cluster, DataCenter, Group, Host, Permission, Role, Template, User, Vm
from netweft.api.users import USERS
from netweft.core.errors import MalformedError, NotFoundError
from netweft.engine.access import authorize
from netweft.engine.access.objects import SYSTEM_REF, ObjectRef, ObjectType
from netweft.engine.access.roles import EVERYONE, ActionGroup
from netweft.engine.commands.permissions import AddPermission, add_permission, remove_permission
from netweft.engine.db import Tx
from netweft.engine.model.users import PermissionRow
from netweft.engine.queries import users as queries
from netweft.engine.queries.references import Ref

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

_SHOWN: dict[ObjectType, type[Entity]] = {
    ObjectType.DATA_CENTER: DataCenter,
    ObjectType.CLUSTER: Cluster,
    ObjectType.HOST: Host,
    ObjectType.VM: Vm,
    ObjectType.TEMPLATE: Template,
}
"""Objects that a permission names; oVirt's has no element for the others."""


def show(row: PermissionRow, href: str) -> Permission:
    """A permission, in the collection at ``href``."""
    permission = Permission(id=row.id, href=f"{href}/{row.id}", role=reference(Role, row.role_id))
    if row.user_id == EVERYONE:
        permission.group = reference(Group, EVERYONE)
    else:
        permission.user = reference(User, row.user_id)
    kind = _SHOWN.get(ObjectType(row.object_type))
    if kind is not None:
        setattr(permission, ObjectType(row.object_type).value, reference(kind, row.object_id))
    return permission


def _one(tx: Tx, permission_id: str, column: str, holder: str) -> PermissionRow:
    """The permission of which that column says so. Raises NotFoundError."""
    row = queries.PERMISSIONS.find(tx, permission_id)
    if row is None or getattr(row, column) != holder:
        raise NotFoundError(f"There is no permission {permission_id}.")
    return row


def _on(tx: Tx, call: Call[Any], target: ObjectRef) -> PermissionRow:
    """The permission of the path, on that thing. Raises NotFoundError."""
    return _one(tx, call.ids["permission_id"], "object_id", target.id)


Target = Callable[[Call[Any]], ObjectRef]


def _add(call: Call[Permission], target: ObjectRef, href: str) -> Permission:
    body = call.body
    group = ref(body.group)
    if group is not None and group.id != EVERYONE:
        raise MalformedError(f"There is one group, the one of all users: {EVERYONE}.")
    user = None if group is not None else _user_of(body)
    spec = AddPermission(role=required_ref(body.role, "Permission [role"), user=user, target=target)
    permission_id = call.run(add_permission, call.actor, spec)
    with call.read() as tx:
        return show(queries.PERMISSIONS.get(tx, permission_id), href)


def _user_of(body: Permission) -> Ref:
    """Who gets the role: by id, or by the name with which they log in (``user_name``)."""
    holder = body.user
    if isinstance(holder, User) and not holder.id and holder.user_name:
        return Ref(name=holder.user_name)
    return required_ref(holder, "Permission [user")


def _below(path: str, find: Target, *, require_owner: Callable[[Tx, Call[Any]], None]) -> None:
    """The endpoints of the permissions on one kind of thing."""

    def list_permissions(call: Call[None]) -> list[Permission]:
        """The permissions that are given on this very thing."""
        with call.read() as tx:
            require_owner(tx, call)
            found = queries.permissions_on(tx, find(call).id, call.query.size())
            return [show(row, _href(path, call)) for row in found]

    def get_permission(call: Call[None]) -> Permission:
        """One permission."""
        with call.read() as tx:
            require_owner(tx, call)
            return show(_on(tx, call, find(call)), _href(path, call))

    def post_permission(call: Call[Permission]) -> Permission:
        """Grant a user, or the group of everyone, a role on the object and everything below it."""
        return _add(call, find(call), _href(path, call))

    def delete_permission(call: Call[None]) -> None:
        """Revoke the role."""
        with call.read() as tx:
            _on(tx, call, find(call))
        call.run(remove_permission, call.actor, call.ids["permission_id"])

    below = f"{path}/{{permission_id}}"
    routes.get(path, many(Permission), needs=READ, queries=("max",))(list_permissions)
    routes.get(below, Permission, needs=READ)(get_permission)
    routes.post(path, Permission, needs=ActionGroup.MANIPULATE_PERMISSIONS)(post_permission)
    routes.delete(below, needs=ActionGroup.MANIPULATE_PERMISSIONS)(delete_permission)


def _href(path: str, call: Call[Any]) -> str:
    return path.replace("{object_id}", call.ids.get("object_id", ""))


def _thing(object_type: ObjectType) -> tuple[Target, Callable[[Tx, Call[Any]], None]]:
    def find(call: Call[Any]) -> ObjectRef:
        return ObjectRef(object_type, call.ids["object_id"])

    def require_owner(tx: Tx, call: Call[Any]) -> None:
        require_visible(tx, call, object_type, call.ids["object_id"])

    return find, require_owner


for _path, _type in PARENTS.items():
    _find, _is_seen = _thing(_type)
    _below(f"/{_path}/{{object_id}}/permissions", _find, require_owner=_is_seen)


def _require_system(tx: Tx, call: Call[Any]) -> None:
    if call.actor.filtered and not authorize.may(tx, call.actor, ActionGroup.MANIPULATE_PERMISSIONS):
        raise NotFoundError("The permissions on the system are for its administrators.")


_below("/permissions", lambda _call: SYSTEM_REF, require_owner=_require_system)


@routes.get("/users/{user_id}/permissions", many(Permission), needs=READ, queries=("max",))
def list_permissions_of_user(call: Call[None]) -> list[Permission]:
    """All permissions of a user."""
    with call.read() as tx:
        user_id = USERS.row(tx, call).id
        found = queries.permissions_of(tx, user_id, call.query.size())
        return [show(row, f"/users/{user_id}/permissions") for row in found]


@routes.get("/users/{user_id}/permissions/{permission_id}", Permission, needs=READ)
def get_permission_of_user(call: Call[None]) -> Permission:
    """One permission of a user."""
    with call.read() as tx:
        user_id = USERS.row(tx, call).id
        row = _one(tx, call.ids["permission_id"], "user_id", user_id)
        return show(row, f"/users/{user_id}/permissions")
