"""Roles, as data: what each allows. A permission gives a user, or everyone, a role on a thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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
