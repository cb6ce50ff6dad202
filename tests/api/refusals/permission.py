"""Roles that are given and taken. Here somebody asks who is no super user, where one could not be refused."""

from __future__ import annotations

from api.refusals.site import Refusal, Site, Table
from netweft.engine.access.objects import ObjectRef, ObjectType

HOSTS = 0


def prepare(site: Site) -> None:
    site.names["network"] = site.client.first_id("/networks")
    site.names["mine"] = site.client.first_id("/permissions")


def as_ann(site: Site) -> None:
    """From now on a user asks who administers one network."""
    site.names["ann"] = site.engine.add_user(
        "ann@internal", "NetworkAdmin", ObjectRef(ObjectType.NETWORK, site.names["network"])
    )
    with site.engine.client("ann@internal") as ann:
        site.client.headers["Authorization"] = ann.headers["Authorization"]


TABLE: Table = (
    Refusal(
        "permission.super_user_remains",
        "DELETE",
        "/permissions/{mine}",
        "",
        "ACTION_TYPE_FAILED_LAST_SUPER_USER",
        "This is the last super user of the system",
    ),
    as_ann,
    Refusal(
        "permission.grants_only_own_permissions",
        "POST",
        "/networks/{network}/permissions",
        "<permission><role><name>SuperUser</name></role><user id='{ann}'/></permission>",
        "PERMISSION_ADD_FAILED_ONLY_SYSTEM_SUPER_USER_CAN_GIVE_ADMIN_ROLES",
        "You cannot grant the role SuperUser here",
    ),
)
