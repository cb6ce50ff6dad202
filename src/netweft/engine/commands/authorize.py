"""Rights: who may do what on which thing.

A permission gives a user (or everyone) a role on an object; a role is a set of action groups. A permission holds for
the object and for all below it:
system -> data centre -> cluster -> host, VM; data centre -> network -> vNIC profile; system -> MAC pool, template.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    ScalarSelect,
    Select,
    Table,
    bindparam,
    exists,
    false,
    literal,
    or_,
    select,
)

from netweft.core.errors import DeniedError, NotFoundError
from netweft.engine.actor import SYSTEM, Actor
from netweft.engine.db import Tx, new_id, utc_now
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.hosts import hosts
from netweft.engine.model.mac_pools import mac_pools
from netweft.engine.model.networks import networks
from netweft.engine.model.templates import templates
from netweft.engine.model.users import permissions, role_groups, roles
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.statements import Statement, inserting

__all__ = ["EVERYONE", "ROLES", "SYSTEM", "SYSTEM_REF", "ActionGroup", "Actor", "ObjectRef", "ObjectType", "Role"]

SYSTEM_ID = "aaa00000-0000-0000-0000-123456789aaa"
"""The object above all others (oVirt's id of it)."""
EVERYONE = "eee00000-0000-0000-0000-123456789eee"
"""The group that every user is in (oVirt's id of it)."""


class ActionGroup(StrEnum):
    """What a role allows; oVirt's names (``ActionGroup``), which the API shows as a role's permits."""

    LOGIN = "login"
    CREATE_STORAGE_POOL = "create_storage_pool"
    EDIT_STORAGE_POOL_CONFIGURATION = "edit_storage_pool_configuration"
    DELETE_STORAGE_POOL = "delete_storage_pool"
    CREATE_STORAGE_POOL_NETWORK = "create_storage_pool_network"
    CONFIGURE_STORAGE_POOL_NETWORK = "configure_storage_pool_network"
    DELETE_STORAGE_POOL_NETWORK = "delete_storage_pool_network"
    CREATE_CLUSTER = "create_cluster"
    EDIT_CLUSTER_CONFIGURATION = "edit_cluster_configuration"
    DELETE_CLUSTER = "delete_cluster"
    ASSIGN_CLUSTER_NETWORK = "assign_cluster_network"
    CONFIGURE_CLUSTER_NETWORK = "configure_cluster_network"
    CREATE_HOST = "create_host"
    EDIT_HOST_CONFIGURATION = "edit_host_configuration"
    DELETE_HOST = "delete_host"
    MANIPULATE_HOST = "manipulate_host"
    CONFIGURE_HOST_NETWORK = "configure_host_network"
    CREATE_VM = "create_vm"
    EDIT_VM_PROPERTIES = "edit_vm_properties"
    DELETE_VM = "delete_vm"
    RUN_VM = "run_vm"
    STOP_VM = "stop_vm"
    SHUT_DOWN_VM = "shut_down_vm"
    REBOOT_VM = "reboot_vm"
    HIBERNATE_VM = "hibernate_vm"
    MIGRATE_VM = "migrate_vm"
    CONFIGURE_VM_NETWORK = "configure_vm_network"
    MANIPULATE_VM_SNAPSHOTS = "manipulate_vm_snapshots"
    CREATE_TEMPLATE = "create_template"
    EDIT_TEMPLATE_PROPERTIES = "edit_template_properties"
    DELETE_TEMPLATE = "delete_template"
    CONFIGURE_TEMPLATE_NETWORK = "configure_template_network"
    CREATE_NETWORK_VNIC_PROFILE = "create_network_vnic_profile"
    CONFIGURE_NETWORK_VNIC_PROFILE = "configure_network_vnic_profile"
    DELETE_NETWORK_VNIC_PROFILE = "delete_network_vnic_profile"
    CREATE_MAC_POOL = "create_mac_pool"
    EDIT_MAC_POOL = "edit_mac_pool"
    DELETE_MAC_POOL = "delete_mac_pool"
    CONFIGURE_MAC_POOL = "configure_mac_pool"
    MANIPULATE_PERMISSIONS = "manipulate_permissions"
    ADD_USERS_AND_GROUPS_FROM_DIRECTORY = "add_users_and_groups_from_directory"
    MANIPULATE_USERS = "manipulate_users"
    MANIPULATE_ROLES = "manipulate_roles"
    CONFIGURE_ENGINE = "configure_engine"
    AUDIT_LOG_MANAGEMENT = "audit_log_management"
    TAG_MANAGEMENT = "tag_management"
    INJECT_EXTERNAL_EVENTS = "inject_external_events"
    INJECT_EXTERNAL_TASKS = "inject_external_tasks"


class ObjectType(StrEnum):
    """What permissions can be given on."""

    SYSTEM = "system"
    DATA_CENTER = "data_center"
    CLUSTER = "cluster"
    HOST = "host"
    NETWORK = "network"
    VNIC_PROFILE = "vnic_profile"
    VM = "vm"
    TEMPLATE = "template"
    MAC_POOL = "mac_pool"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """A thing that rights are about."""

    type: ObjectType
    id: str


SYSTEM_REF = ObjectRef(ObjectType.SYSTEM, SYSTEM_ID)

_TABLES = {
    ObjectType.DATA_CENTER: data_centers,
    ObjectType.CLUSTER: clusters,
    ObjectType.HOST: hosts,
    ObjectType.NETWORK: networks,
    ObjectType.VNIC_PROFILE: vnic_profiles,
    ObjectType.VM: vms,
    ObjectType.TEMPLATE: templates,
    ObjectType.MAC_POOL: mac_pools,
}
_PARENT = {
    ObjectType.CLUSTER: (ObjectType.DATA_CENTER, "data_center_id"),
    ObjectType.HOST: (ObjectType.CLUSTER, "cluster_id"),
    ObjectType.VM: (ObjectType.CLUSTER, "cluster_id"),
    ObjectType.NETWORK: (ObjectType.DATA_CENTER, "data_center_id"),
    ObjectType.VNIC_PROFILE: (ObjectType.NETWORK, "network_id"),
}


def table_of(object_type: ObjectType) -> Table:
    """The table in which things of a type are rows."""
    return _TABLES[object_type]


def require(tx: Tx, actor: Actor, group: ActionGroup, *objects: ObjectRef) -> None:
    """Raise DeniedError unless the actor may do ``group`` on one of the objects (most commands name one; none means the
    system).
    """
    if actor.is_system or group in actor.everywhere:
        return
    wanted = objects or (SYSTEM_REF,)
    ids = {f"id{number}": ref.id for number, ref in enumerate(wanted)}
    allowed = _allowed(tuple(ref.type for ref in wanted))
    if allowed.first(tx, user_id=actor.user_id, group=str(group), **ids) is None:
        raise DeniedError(
            f"The user {actor.name} is not authorized to perform this action: "
            f"it needs a role with {group} on the {wanted[0].type.replace('_', ' ')} or above it."
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
def _allowed(types: tuple[ObjectType, ...]) -> Statement[Any]:
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
    while object_type in _PARENT:
        parent, column = _PARENT[object_type]
        table = table_of(object_type).alias()
        here = select(table.c[column]).where(table.c.id == here).scalar_subquery()
        parts.append(here)
        object_type = parent
    return parts


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


def visible(tx: Tx, actor: Actor, object_type: ObjectType) -> ColumnElement[bool] | None:
    """Condition on the table of a type: the rows that the actor may see; None for all.

    Raises DeniedError for a user without any administrative role who does not ask for the filtered view, as oVirt does.
    """
    if not actor.filtered:
        if is_administrator(tx, actor):
            return None
        raise DeniedError(
            f"The user {actor.name} may only see what permissions were granted on: send the header Filter: true."
        )
    return table_of(object_type).c.id.in_(visible_ids(actor, object_type))


def only_visible(tx: Tx, actor: Actor, object_type: ObjectType, statement: Select[Any]) -> Select[Any]:
    """A statement about things of a type, for the rows that the actor may see. Raises as :func:`visible` does."""
    condition = visible(tx, actor, object_type)
    return statement if condition is None else statement.where(condition)


def visible_among(tx: Tx, actor: Actor, object_type: ObjectType, ids: Sequence[str]) -> list[str]:
    """Those of the ids that are of things which the actor may see. Raises as :func:`visible` does."""
    column = table_of(object_type).c.id
    return list(tx.scalars(only_visible(tx, actor, object_type, select(column).where(column.in_(ids)))))


def visible_ids(actor: Actor, object_type: ObjectType) -> Select[Any]:
    """The ids of a type on which, above which or below which the actor has a permission.

    Above: a role on a data centre shows its networks. Below: whoever may use a VM sees the cluster and the data
    centre it is in.
    """
    table = table_of(object_type).alias()
    if actor.is_system:
        return select(table.c.id)
    held = permissions.alias()
    on_system = (
        exists().where(held.c.user_id.in_((actor.user_id, EVERYONE)), held.c.object_id == SYSTEM_ID).correlate(None)
    )
    return select(table.c.id).where(
        or_(on_system, _is_below(table, object_type, actor), _is_above(table, object_type, actor))
    )


# Every sub-query below has aliases of its own, so that none is taken for a reference to the query around it.


def _held(actor: Actor) -> Select[Any]:
    """The ids of the things on which the actor has a permission."""
    held = permissions.alias()
    return select(held.c.object_id).where(held.c.user_id.in_((actor.user_id, EVERYONE)))


def _is_below(table: FromClause, object_type: ObjectType, actor: Actor) -> ColumnElement[bool]:
    """Condition on rows of a type: there is a permission on them or above them."""
    own = table.c.id.in_(_held(actor))
    if object_type not in _PARENT:
        return own
    parent_type, column = _PARENT[object_type]
    parent = table_of(parent_type).alias()
    return or_(own, table.c[column].in_(select(parent.c.id).where(_is_below(parent, parent_type, actor))))


def _is_above(table: FromClause, object_type: ObjectType, actor: Actor) -> ColumnElement[bool]:
    """Condition on rows of a type: there is a permission on something below them."""
    conditions = []
    for child_type, (parent_type, column) in _PARENT.items():
        if parent_type == object_type:
            child = table_of(child_type).alias()
            inside = or_(child.c.id.in_(_held(actor)), _is_above(child, child_type, actor))
            conditions.append(table.c.id.in_(select(child.c[column]).where(inside)))
    return or_(false(), *conditions)


def require_visible(tx: Tx, actor: Actor, ref: ObjectRef) -> None:
    """Raise NotFoundError unless the thing exists and the actor may see it (DeniedError as :func:`visible` does)."""
    table = table_of(ref.type)
    condition = visible(tx, actor, ref.type)
    if condition is None:
        found = _present(ref.type).first(tx, id=ref.id)
    else:
        found = tx.execute(select(literal(1)).where(table.c.id == ref.id, condition)).first()
    if found is None:
        raise NotFoundError(f"There is no {ref.type.replace('_', ' ')} {ref.id}.")


@cache
def _present(object_type: ObjectType) -> Statement[Any]:
    return Statement(select(literal(1)).where(table_of(object_type).c.id == bindparam("id")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role that a new engine has."""

    id: str
    name: str
    description: str
    administrative: bool
    groups: frozenset[ActionGroup]


_G = ActionGroup
_VM_USER = frozenset({_G.LOGIN, _G.RUN_VM, _G.STOP_VM, _G.SHUT_DOWN_VM, _G.REBOOT_VM, _G.HIBERNATE_VM})
_VM_MANAGER = _VM_USER | {
    _G.EDIT_VM_PROPERTIES,
    _G.DELETE_VM,
    _G.CONFIGURE_VM_NETWORK,
    _G.MANIPULATE_VM_SNAPSHOTS,
    _G.MANIPULATE_PERMISSIONS,
}
_VM_CREATOR = frozenset({_G.LOGIN, _G.CREATE_VM})
_VNIC_PROFILES = frozenset(
    {_G.CREATE_NETWORK_VNIC_PROFILE, _G.CONFIGURE_NETWORK_VNIC_PROFILE, _G.DELETE_NETWORK_VNIC_PROFILE}
)
_NETWORKS = _VNIC_PROFILES | {
    _G.LOGIN,
    _G.CREATE_STORAGE_POOL_NETWORK,
    _G.CONFIGURE_STORAGE_POOL_NETWORK,
    _G.DELETE_STORAGE_POOL_NETWORK,
    _G.ASSIGN_CLUSTER_NETWORK,
    _G.CONFIGURE_CLUSTER_NETWORK,
    _G.CONFIGURE_HOST_NETWORK,
    _G.CONFIGURE_VM_NETWORK,
    _G.CONFIGURE_TEMPLATE_NETWORK,
    _G.MANIPULATE_PERMISSIONS,
}
_HOSTS = frozenset(
    {
        _G.LOGIN,
        _G.CREATE_HOST,
        _G.EDIT_HOST_CONFIGURATION,
        _G.DELETE_HOST,
        _G.MANIPULATE_HOST,
        _G.CONFIGURE_HOST_NETWORK,
        _G.MANIPULATE_PERMISSIONS,
    }
)
_TEMPLATES = frozenset(
    {
        _G.LOGIN,
        _G.CREATE_TEMPLATE,
        _G.EDIT_TEMPLATE_PROPERTIES,
        _G.DELETE_TEMPLATE,
        _G.CONFIGURE_TEMPLATE_NETWORK,
        _G.MANIPULATE_PERMISSIONS,
    }
)
_CLUSTERS = (
    _HOSTS
    | _VM_MANAGER
    | {
        _G.CREATE_CLUSTER,
        _G.EDIT_CLUSTER_CONFIGURATION,
        _G.DELETE_CLUSTER,
        _G.ASSIGN_CLUSTER_NETWORK,
        _G.CONFIGURE_CLUSTER_NETWORK,
        _G.CREATE_VM,
        _G.MIGRATE_VM,
    }
)
_DATA_CENTERS = (
    _CLUSTERS
    | _NETWORKS
    | _TEMPLATES
    | {_G.CREATE_STORAGE_POOL, _G.EDIT_STORAGE_POOL_CONFIGURATION, _G.DELETE_STORAGE_POOL}
)


def _role(number: str, name: str, description: str, groups: frozenset[ActionGroup], *, administrative: bool) -> Role:
    return Role(id=number, name=name, description=description, administrative=administrative, groups=groups)


ROLES = {
    role.name: role
    for role in (
        _role(
            "00000000-0000-0000-0000-000000000001",
            "SuperUser",
            "Roles management administrator",
            frozenset(ActionGroup),
            administrative=True,
        ),
        _role(
            "00000000-0000-0000-0001-000000000001",
            "UserRole",
            "Standard User Role",
            _VM_USER,
            administrative=False,
        ),
        _role(
            "def00001-0000-0000-0000-def000000001",
            "ClusterAdmin",
            "Administrator Role, permission for all the objects underneath a specific Cluster",
            _CLUSTERS,
            administrative=True,
        ),
        _role(
            "def00002-0000-0000-0000-def000000002",
            "DataCenterAdmin",
            "Administrator Role, permission for all the objects underneath a specific Data Center, except Storage",
            _DATA_CENTERS,
            administrative=True,
        ),
        _role(
            "def00004-0000-0000-0000-def000000004",
            "HostAdmin",
            "Administrator Role, permission for all operations on a specific Host",
            _HOSTS,
            administrative=True,
        ),
        _role(
            "def00005-0000-0000-0000-def000000005",
            "NetworkAdmin",
            "Administrator Role, permission for all operations on a specific Logical Network",
            _NETWORKS,
            administrative=True,
        ),
        _role(
            "def00006-0000-0000-0000-def000000006",
            "UserVmManager",
            "User Role, with permission for any operation on Vms",
            _VM_MANAGER,
            administrative=False,
        ),
        _role(
            "def00008-0000-0000-0000-def000000008",
            "TemplateAdmin",
            "Administrator Role, permission for all operations on a specific Template",
            _TEMPLATES,
            administrative=True,
        ),
        _role(
            "def00009-0000-0000-0000-def000000009",
            "UserTemplateBasedVm",
            "User Role with privileges to create VMs from templates",
            _VM_CREATOR,
            administrative=False,
        ),
        _role(
            "def0000a-0000-0000-0000-def000000010",
            "VnicProfileUser",
            "VM Network Interface Profile User",
            frozenset({_G.LOGIN, _G.CONFIGURE_VM_NETWORK, _G.CONFIGURE_TEMPLATE_NETWORK}),
            administrative=False,
        ),
        _role(
            "def0000c-0000-0000-0000-def00000000c",
            "VmCreator",
            "User Role, permission to create VMs",
            _VM_CREATOR,
            administrative=False,
        ),
        _role(
            "def00013-0000-0000-0000-def000000013",
            "MacPoolAdmin",
            "Administrator Role, permission for all operations on a specific MAC pool",
            frozenset({_G.LOGIN, _G.CREATE_MAC_POOL, _G.EDIT_MAC_POOL, _G.DELETE_MAC_POOL, _G.CONFIGURE_MAC_POOL}),
            administrative=True,
        ),
        _role(
            "def00014-0000-0000-0000-def000000014",
            "MacPoolUser",
            "User Role, permission to use a specific MAC pool",
            frozenset({_G.LOGIN, _G.CONFIGURE_MAC_POOL}),
            administrative=False,
        ),
        _role(
            "def00016-0000-0000-0000-def000000016",
            "ReadOnlyAdmin",
            "Read Only Administrator Role",
            frozenset({_G.LOGIN}),
            administrative=True,
        ),
    )
}
"""The roles of a new engine by name, with oVirt's names."""


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
