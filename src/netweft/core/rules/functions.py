"""What is allowed to be done with the virtual functions of a host's NIC (section 1.4 of oVirt's behaviour)."""

from __future__ import annotations

from collections.abc import Collection

from netweft.core.errors import Problem


def nic_exists(host: str, nic: str) -> Problem | None:
    """The NIC (its name, empty for unknown) is one of the host's."""
    if nic:
        return None
    return Problem("HOST_NETWORK_INTERFACE_NOT_EXIST", f"Host {host} has no such network interface.")


def nic_knows_functions(nic: str, most: int) -> Problem | None:
    """The NIC can have virtual functions."""
    if most:
        return None
    text = f"The selected network interface {nic} is not SR-IOV enabled."
    return Problem("ACTION_TYPE_FAILED_NIC_IS_NOT_SRIOV_ENABLED", text)


def count_is_in_range(nic: str, count: int, most: int) -> Problem | None:
    """The NIC can have that many."""
    if 0 <= count <= most:
        return None
    text = f"The specified number of VFs on network interface {nic} is {count}, the valid range is 0 - {most}."
    return Problem("ACTION_TYPE_FAILED_NUM_OF_VFS_NOT_IN_VALID_RANGE", text)


def all_are_free(nic: str, in_use: Collection[str]) -> Problem | None:
    """No function is in use (``in_use``: their PCI addresses) when their number changes: all of them go for it."""
    if not in_use:
        return None
    text = (
        f"The selected network interface {nic} has VFs that are in use: {', '.join(sorted(in_use))}. Unplug the vNICs"
        " that have them, and take networks off them first."
    )
    return Problem("ACTION_TYPE_FAILED_NUM_OF_VFS_CANNOT_BE_CHANGED", text)


def not_all_networks_are_allowed(nic: str, *, all_allowed: bool) -> Problem | None:
    """Networks and labels are named only where not all networks are allowed."""
    if not all_allowed:
        return None
    text = (
        f"All networks are allowed on the VFs of {nic}, cannot set specific network/label. Set all_networks_allowed to"
        " false first."
    )
    return Problem("ACTION_TYPE_FAILED_CANNOT_SET_SPECIFIC_NETWORKS", text)


def network_exists(network_id: str, *, known: bool) -> Problem | None:
    """The network exists."""
    if known:
        return None
    return Problem("ACTION_TYPE_FAILED_NETWORK_NOT_EXIST", f"Network with id {network_id} doesn't exist.")


def network_is_new(network: str, nic: str, listed: Collection[str]) -> Problem | None:
    """A network is added once."""
    if network not in listed:
        return None
    text = f"Network {network} already exists in network interface {nic} VFs configuration."
    return Problem("ACTION_TYPE_FAILED_NETWORK_ALREADY_IN_VFS_CONFIG", text)


def label_is_new(label: str, nic: str, listed: Collection[str]) -> Problem | None:
    """A label is added once."""
    if label not in listed:
        return None
    text = f"Label {label} already exists in network interface {nic} VFs configuration."
    return Problem("ACTION_TYPE_FAILED_LABEL_ALREADY_IN_VFS_CONFIG", text)
