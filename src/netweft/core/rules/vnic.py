"""What is allowed to be done with a vNIC of a virtual machine (section 1.6 of oVirt's behaviour).

Unlike in oVirt, native networks serve vNICs in a cluster of switch type OVS too.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from netweft.core.errors import Problem
from netweft.core.rules import fields

_PARAMETER_NAME, _PARAMETER_VALUE = re.compile(r"[A-Za-z0-9_]{1,255}"), re.compile(r"[A-Za-z0-9_.:]{1,255}")

NAME_MAX = 50
"""Characters, as in oVirt."""

COUNT_MAX = 26
"""vNICs of one virtual machine: the PCI slots that are left on oVirt's standard machine."""

PASSTHROUGH = "pci_passthrough"
"""The interface model of a vNIC that is a virtual function of its host."""

SUPPORTED_INTERFACES = frozenset({"virtio", "e1000", "e1000e", "rtl8139", PASSTHROUGH})
"""Those that run on the guests we start."""

CHANGEABLE = frozenset({"up", "down"})
"""A virtual machine in any other status is just on its way to one of these."""


def name_is_valid(name: str) -> Problem | None:
    """The name is neither empty nor too long."""
    if name.strip() and len(name) <= NAME_MAX:
        return None
    text = f"The vNIC name '{name}' is not valid: give 1 to {NAME_MAX} characters."
    return Problem("ACTION_TYPE_FAILED_VM_INTERFACE_NAME_INVALID", text)


def name_is_free(name: str, used: Collection[str]) -> Problem | None:
    """No other vNIC of the virtual machine has the name."""
    code = "NETWORK_INTERFACE_NAME_ALREADY_IN_USE"
    return fields.name_is_free("network interface", name, used, code=code, where=" by this VM")


def count_is_within_limit(count: int) -> Problem | None:
    """The machine has a slot for each vNIC."""
    if count <= COUNT_MAX:
        return None
    text = f"Maximum number of PCI devices exceeded: a VM has room for {COUNT_MAX} network interfaces."
    return Problem("ACTION_TYPE_FAILED_EXCEEDED_MAX_PCI_SLOTS", text)


def interface_is_supported(interface: str) -> Problem | None:
    """The interface model is one that our guests run with."""
    if interface in SUPPORTED_INTERFACES:
        return None
    text = (
        f"The network interface type '{interface}' is not supported for this VM."
        f" Use one of {', '.join(sorted(SUPPORTED_INTERFACES))}."
    )
    return Problem("ACTION_TYPE_FAILED_VM_INTERFACE_TYPE_IS_NOT_SUPPORTED_BY_OS", text)


def profile_exists(profile_id: str | None, known: bool) -> Problem | None:
    """The vNIC profile, where one is given, exists."""
    if profile_id is None or known:
        return None
    return Problem("ACTION_TYPE_FAILED_VNIC_PROFILE_NOT_EXISTS", f"There is no vNIC profile with id {profile_id}.")


def network_is_in_cluster(network: str | None, cluster: str, attached: bool) -> Problem | None:
    """The profile's network is attached to the virtual machine's cluster."""
    if network is None or attached:
        return None
    text = f"Network '{network}' is not attached to Cluster '{cluster}'. Attach it first, or choose another profile."
    return Problem("ACTION_TYPE_FAILED_NETWORK_NOT_IN_CLUSTER", text)


def network_is_for_vms(network: str | None, vm_network: bool) -> Problem | None:
    """The profile's network is a VM network."""
    if network is None or vm_network:
        return None
    return Problem("ACTION_TYPE_FAILED_NOT_A_VM_NETWORK", f"Network '{network}' is not a VM network.")


def type_matches_profile(interface: str, *, passthrough: bool) -> Problem | None:
    """The interface type is that of a virtual function where the profile is for pass-through, and only there."""
    if (interface == PASSTHROUGH) == passthrough:
        return None
    if passthrough:
        text = f"The vNIC profile is for passthrough, which the interface type '{interface}' does not match."
    else:
        text = f"The interface type '{interface}' needs a vNIC profile for passthrough. Choose one, or another type."
    return Problem("ACTION_TYPE_FAILED_VM_INTERFACE_TYPE_NOT_MATCH_PROFILE", text)


def passthrough_is_linked(interface: str, *, linked: bool) -> Problem | None:
    """A virtual function cannot be unlinked."""
    if linked or interface != PASSTHROUGH:
        return None
    text = "Unlinking of a passthrough vNIC is not supported. Unplug it instead."
    return Problem("ACTION_TYPE_FAILED_UNLINKING_OF_PASSTHROUGH_VNIC_IS_NOT_SUPPORTED", text)


def host_has_function(vnic: str, host: str, *, found: bool) -> Problem | None:
    """A pass-through vNIC of a running guest can be plugged only while its host has a virtual function for it."""
    if found:
        return None
    text = f"Host '{host}', where the VM runs, has no free virtual function for vNIC '{vnic}'."
    return Problem("VAR__DETAIL__NO_SUITABLE_VF", text)


def vm_may_change(status: str) -> Problem | None:
    """The virtual machine is up or down, not in between."""
    if status in CHANGEABLE:
        return None
    text = f"VM is in status {status}: wait until it is up or down."
    return Problem("ACTIVATE_DEACTIVATE_NIC_VM_STATUS_ILLEGAL", text)


def may_change_while_running(running: bool, plugged: bool, changed: Collection[str]) -> Problem | None:
    """Model and MAC of a vNIC that stays plugged into a running guest stay as they are."""
    if not (running and plugged and changed):
        return None
    text = f"{' and '.join(sorted(changed))} of a plugged vNIC of a running VM cannot be changed: unplug it first."
    return Problem("CANNOT_PERFORM_HOT_UPDATE", text)


def may_be_removed(running: bool, plugged: bool) -> Problem | None:
    """A vNIC that is plugged into a running guest is unplugged before it is removed."""
    if not (running and plugged):
        return None
    text = "The vNIC is plugged into a running VM. Please deactivate it before you remove it."
    return Problem("ACTION_TYPE_FAILED_CANNOT_REMOVE_ACTIVE_DEVICE", text)


def network_is_on_host(network: str | None, host: str, present: bool) -> Problem | None:
    """A vNIC of a running guest can be plugged only into a network that the guest's host carries."""
    if network is None or present:
        return None
    text = f"Network '{network}' is not on Host '{host}', where the VM runs. Attach it to the host first."
    return Problem("ACTIVATE_DEACTIVATE_NETWORK_NOT_IN_VDS", text)


def mac_is_not_plugged_elsewhere(mac: str, others: Collection[str]) -> Problem | None:
    """No other plugged vNIC has the MAC address (pools that allow duplicates are not checked)."""
    if not others:
        return None
    text = f"MAC Address {mac} is already in use by VM or snapshot: {', '.join(sorted(others))}."
    return Problem("NETWORK_MAC_ADDRESS_IN_USE", text)


def trunk_needs_ovs(
    profile: str, cluster: str, network: str, *, trunk: bool, switch_type: str, vlan: int | None
) -> Problem | None:
    """A Linux bridge carries tagged frames of guests where its network is untagged; below the bridge of a tagged one is
    a VLAN device, which would tag them twice. (Whether a host's kernel supports it, the host reports.)
    """
    if not trunk or switch_type == "ovs" or vlan is None:
        return None
    text = (
        f"vNIC profile '{profile}' has a trunk, which on network '{network}' with its VLAN {vlan} needs Open vSwitch,"
        f" and Cluster '{cluster}' has switch type {switch_type}. Use a profile without trunk, or one of an untagged"
        " network."
    )
    return Problem("ACTION_TYPE_FAILED_TRUNK_NEEDS_OVS", text)


def may_be_rewired(hot: bool, mirroring: Collection[str]) -> Problem | None:
    """While it runs (``hot``: its profile or its link changes and it stays plugged), a vNIC neither begins nor ends to
    mirror; ``mirroring``: names of those of its profiles, before and after, that do.
    """
    if not (hot and mirroring):
        return None
    text = (
        f"The vNIC profile {', '.join(sorted(set(mirroring)))} mirrors its network, so the vNIC cannot be changed while"
        " it is plugged into a running VM: unplug it first."
    )
    return Problem("CANNOT_PERFORM_HOT_UPDATE_WITH_PORT_MIRRORING", text)


def parameter_is_valid(name: str, value: str) -> Problem | None:
    """A filter's parameter has a name of letters, digits and underscores; its value may have dots and colons, too."""
    if not _PARAMETER_NAME.fullmatch(name):
        text = f"The filter parameter's name '{name[:100]}' is not valid: use letters, digits and '_'."
        return Problem("ACTION_TYPE_FAILED_NETWORK_FILTER_PARAMETER_NAME_INVALID", text)
    if not _PARAMETER_VALUE.fullmatch(value):
        text = f"The filter parameter's value '{value[:100]}' is not valid: use letters, digits, '_', '.' and ':'."
        return Problem("ACTION_TYPE_FAILED_NETWORK_FILTER_PARAMETER_VALUE_INVALID", text)
    return None
