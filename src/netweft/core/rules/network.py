"""When a network may be added, changed or removed.

oVirt's commands: AddNetwork, UpdateNetwork, RemoveNetwork, LabelNetwork.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from netweft.core.errors import Problem
from netweft.core.limits import IPV6_MIN_MTU, LINK_NAME_MAX, MTU_MAX, MTU_MIN, VLAN_MAX
from netweft.core.rules.fields import in_use, listed, name_server, one_or_many

NAME_SERVERS_MAX = 3
"""The maximum number of name servers in a resolver file (resolv.conf(5), MAXNS)."""

_HOST_SIDE_NAME: Final = re.compile(rf"[0-9A-Za-z_-]{{1,{LINK_NAME_MAX}}}")
_LABEL: Final = re.compile(r"[0-9A-Za-z_-]+")
_RESERVED: Final = re.compile(r"lo|all|default|(br|ovs)-.*")
"""Names that a link cannot have: the loopback, two folders of /proc/sys/net/ipv4/conf, our Open vSwitch bridges
(:func:`netweft.core.desired_ovs.ovs_bridge_name`), and the devices of Open vSwitch itself (``ovs-system``,
``ovs-netdev``).
"""

_IN_USE = "ACTION_TYPE_FAILED_NETWORK_IN_ONE_USE", "ACTION_TYPE_FAILED_NETWORK_IN_MANY_USES"
"""Codes for one user and for several."""


def host_side_name(name: str, network_id: str) -> str:
    """The name of its bridge on hosts: its own where a link can have it, else ``on`` and 13 characters of its id."""
    if _HOST_SIDE_NAME.fullmatch(name) and not _RESERVED.fullmatch(name):
        return name
    return "on" + network_id.replace("-", "")[:13]


def name_is_no_bond(name: str) -> Problem | None:
    """Names that begin with ``bond`` are for bonds."""
    if name.lower().startswith("bond"):
        return Problem(
            "NETWORK_CANNOT_CONTAIN_BOND_NAME",
            f"The name of the logical network '{name}' begins with 'bond', which is reserved for bonds. Choose a "
            "different name.",
        )
    return None


def name_is_free(name: str, others: Collection[str]) -> Problem | None:
    """No other network of the data centre (``others``: their names) has the name."""
    if name in others:
        return Problem(
            "ACTION_TYPE_FAILED_NETWORK_NAME_IN_USE",
            f"The name of the logical network '{name}' is already used by an existing logical network in the same "
            "data-center.\n-Please choose a different name.",
        )
    return None


def name_is_no_host_side_name(name: str, others: Collection[str]) -> Problem | None:
    """No other network of the data centre (``others``: their host-side names) has this name on hosts."""
    if name in others:
        return Problem(
            "NETWORK_NAME_USED_AS_VDSM_NETWORK_NAME",
            f"The name of the logical network '{name}' is the name of another network of the data centre on hosts. "
            "Choose a different name.",
        )
    return None


def vlan_is_valid(vlan_id: int | None) -> Problem | None:
    """0 to 4094, or none."""
    if vlan_id is not None and not 0 <= vlan_id <= VLAN_MAX:
        return Problem(
            "NETWORK_VLAN_OUT_OF_RANGE", f"VLAN {vlan_id} does not exist. Use 0 to {VLAN_MAX}, or leave it out."
        )
    return None


def mtu_is_valid(mtu: int) -> Problem | None:
    """0 (the default) or 68 to 65535 octets."""
    if mtu != 0 and not MTU_MIN <= mtu <= MTU_MAX:
        return Problem(
            "NETWORK_MTU_INVALID", f"An MTU of {mtu} is not possible. Use {MTU_MIN} to {MTU_MAX}, or 0 for the default."
        )
    return None


def name_servers_are_valid(servers: Sequence[str]) -> Problem | None:
    """At most three IP addresses that a host can query, none twice."""
    if len(servers) > NAME_SERVERS_MAX:
        return Problem(
            "NETWORK_TOO_MANY_NAME_SERVERS",
            f"{len(servers)} name servers are given, but a host can have at most {NAME_SERVERS_MAX}. Leave some out.",
        )
    for server in servers:
        if name_server(server) is None:
            return Problem(
                "NAME_SERVER_INVALID_ADDRESS",
                f"Name server '{server}' is not an IP address of a name server. Give one as IPv4 or IPv6 address.",
            )
    if len({name_server(server) for server in servers}) < len(servers):
        return Problem("NAME_SERVER_DUPLICATED", f"A name server is given twice: {', '.join(servers)}. Name each once.")
    return None


def label_is_valid(label: str | None) -> Problem | None:
    """Letters, digits, ``_`` and ``-``, or no label at all."""
    if label is not None and not _LABEL.fullmatch(label):
        return Problem(
            "NETWORK_LABEL_FORMAT_INVALID",
            f"The label '{label}' may only contain letters, digits, '_' and '-'. Choose another label.",
        )
    return None


def stp_needs_vm_network(*, stp: bool, is_vm_network: bool) -> Problem | None:
    """Only the bridge of a VM network can run the spanning tree protocol."""
    if stp and not is_vm_network:
        return Problem(
            "NON_VM_NETWORK_CANNOT_SUPPORT_STP",
            "STP can only be enabled on a VM network. Turn STP off, or add the usage 'vm'.",
        )
    return None


def isolation_needs_vm_network(*, port_isolation: bool, is_vm_network: bool) -> Problem | None:
    """Ports that are kept apart are ports of VMs."""
    if port_isolation and not is_vm_network:
        return Problem(
            "NON_VM_NETWORK_CANNOT_SUPPORT_PORT_ISOLATION",
            "Port isolation can only be enabled on a VM network. Turn port isolation off, or add the usage 'vm'.",
        )
    return None


def isolation_is_kept(*, before: bool, after: bool) -> Problem | None:
    """Port isolation is decided when the network is added."""
    if before != after:
        return Problem(
            "ACTION_TYPE_FAILED_NETWORK_PORT_ISOLATION_CANNOT_BE_CHANGED",
            "Port isolation cannot be changed once the network exists. Add another network instead.",
        )
    return None


def data_center_is_kept(before: str, after: str) -> Problem | None:
    """A network stays in its data centre."""
    if before != after:
        return Problem(
            "ACTION_TYPE_FAILED_DATA_CENTER_ID_CANNOT_BE_CHANGED",
            "A network cannot move to another data centre. Add a network there instead.",
        )
    return None


def unused_by_vms(name: str, vms: Sequence[str]) -> Problem | None:
    """No VM has a vNIC on the network (``vms``: names of those that have)."""
    return _unused(name, "VMs", vms)


def unused_by_templates(name: str, templates: Sequence[str]) -> Problem | None:
    """No template has a vNIC on the network (``templates``: names of those that have)."""
    return _unused(name, "templates", templates)


def _unused(name: str, by: str, users: Sequence[str]) -> Problem | None:
    remedy = "Put their vNICs on other networks first."
    return in_use(f"The network '{name}'", by, users, _IN_USE, remedy) if users else None


def rename_leaves_hosts_alone(name: str, hosts: Sequence[str]) -> Problem | None:
    """A network that hosts carry (``hosts``: their names) keeps its name, because it is the name of their bridges."""
    if hosts:
        return Problem(
            one_or_many(hosts, _IN_USE),
            f"The network '{name}' cannot be renamed while hosts carry it: {listed(hosts)}. Remove it from those "
            "hosts first.",
        )
    return None


def mtu_leaves_room_for_ipv6(name: str, mtu: int, hosts: Sequence[str]) -> Problem | None:
    """A network on which hosts have IPv6 (``hosts``: their names) needs an MTU of 1280 (RFC 8200, section 5)."""
    if hosts and 0 < mtu < IPV6_MIN_MTU:
        return Problem(
            "NETWORK_ATTACHMENT_IPV6_MTU_TOO_SMALL",
            f"The network '{name}' cannot have an MTU of {mtu} while hosts have IPv6 on it, which needs "
            f"{IPV6_MIN_MTU}: {listed(hosts)}. Remove the IPv6 configuration from those hosts first.",
        )
    return None


def is_not_labelled(name: str, label: str | None) -> Problem | None:
    """A network has at most one label."""
    if label:
        return Problem(
            "ACTION_TYPE_FAILED_NETWORK_ALREADY_LABELED",
            f"The network '{name}' already has the label '{label}'. Remove that label first.",
        )
    return None


def is_no_management_network(name: str, clusters: Sequence[str]) -> Problem | None:
    """The management network of a cluster (``clusters``: their names) stays."""
    if clusters:
        return Problem(
            "NETWORK_CANNOT_REMOVE_MANAGEMENT_NETWORK",
            f"'{name}' is the management network of these clusters: {listed(clusters)}. "
            "Give them another management network, or remove them, first.",
        )
    return None
