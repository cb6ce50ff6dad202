"""Reads of permissions with the names of who has which role on what."""

from __future__ import annotations

import sqlalchemy as sa

from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.hosts import hosts
from netweft.engine.model.mac_pools import mac_pools
from netweft.engine.model.networks import networks
from netweft.engine.model.providers import providers
from netweft.engine.model.templates import templates
from netweft.engine.model.users import PermissionRow, permissions, roles, users
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.noun import Noun


class PermissionLine(PermissionRow, frozen=True, kw_only=True):
    """A permission with names. ``object_name``: empty of the system."""

    user_name: str
    is_group: bool
    role_name: str
    object_name: str


_THINGS = (data_centers, clusters, hosts, networks, vnic_profiles, vms, templates, mac_pools, providers)
# Ids are unique over all tables, so that at most one of them has the name.
_NAMES = [sa.select(table.c.name).where(table.c.id == permissions.c.object_id).scalar_subquery() for table in _THINGS]
OBJECT_NAME = sa.func.coalesce(*_NAMES, "")

PERMISSIONS = Noun(
    permissions,
    PermissionLine,
    "permission",
    sa.select(
        permissions,
        users.c.user_name,
        users.c.is_group,
        roles.c.name.label("role_name"),
        OBJECT_NAME.label("object_name"),
    ).select_from(
        permissions.join(users, users.c.id == permissions.c.user_id).join(roles, roles.c.id == permissions.c.role_id)
    ),
    {
        "user": users.c.user_name,
        "role": roles.c.name,
        "object": OBJECT_NAME,
        "type": permissions.c.object_type,
        "id": permissions.c.id,
        "user.id": permissions.c.user_id,
        "object.id": permissions.c.object_id,
    },
    order=(users.c.user_name, roles.c.name, permissions.c.id),
    owner="user_id",
)
