"""``/netweft/v1/rows/permissions``: who has which role on what, by names: an addition of Netweft, since oVirt lists
permissions thing by thing, and names some kinds of things in none of them.
"""

from __future__ import annotations

import msgspec

from netweft.api.permissions import PARENTS
from netweft.api.routes import ADDITIONS, API, READ, Call, Routes, many
from netweft.api.search import LISTED, listed
from netweft.api.values import Named
from netweft.engine.access.objects import ObjectType
from netweft.engine.queries.permission_rows import PERMISSIONS, PermissionLine

routes = Routes("rows", ADDITIONS)

_PATHS = {object_type: f"{API}/{path}" for path, object_type in PARENTS.items()}


class RowOfPermission(msgspec.Struct, kw_only=True, frozen=True):
    """A role that a user has, or the group of all (``everyone``), on an object and all below it. ``href``: of the
    permission in oVirt's API, which removes it; ``type``: of the object, which for ``system`` has no name.
    """

    id: str
    href: str
    user: Named
    everyone: bool
    role: Named
    type: str
    object: Named


@routes.get("/rows/permissions", many(RowOfPermission), needs=READ, queries=LISTED)
def list_permissions(call: Call[None]) -> list[RowOfPermission]:
    """Permissions of all users on all things, by the names of users and roles."""
    with call.read() as tx:
        return [_show(row) for row in listed(tx, call, PERMISSIONS)]


def _show(row: PermissionLine) -> RowOfPermission:
    path = _PATHS.get(ObjectType(row.object_type))
    return RowOfPermission(
        id=row.id,
        href=f"{path}/{row.object_id}/permissions/{row.id}" if path else f"{API}/permissions/{row.id}",
        user=Named(id=row.user_id, name=row.user_name),
        everyone=row.is_group,
        role=Named(id=row.role_id, name=row.role_name),
        type=row.object_type,
        object=Named(id=row.object_id, name=row.object_name),
    )
