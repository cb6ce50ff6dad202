"""When a cluster may be added, changed or removed. oVirt's commands: AddCluster, UpdateCluster, RemoveCluster."""

from __future__ import annotations

from collections.abc import Sequence

from netweft.core.errors import Problem
from netweft.core.rules.data_center import version_key
from netweft.core.rules.fields import listed

ISOLATION_SINCE = "4.5"
"""The first compatibility version with port isolation."""


def management_network_is_found(name: str | None) -> Problem | None:
    """A cluster needs a management network: the requested one, or the data centre's default."""
    if name is None:
        return Problem(
            "ACTION_TYPE_FAILED_DEFAULT_MANAGEMENT_NETWORK_NOT_FOUND",
            "No single network of the data centre suits as management network. Name one as management_network.",
        )
    return None


def network_is_in_data_center(name: str, *, is_in: bool) -> Problem | None:
    """A cluster takes networks of its own data centre only."""
    if not is_in:
        return Problem(
            "ACTION_TYPE_FAILED_NETWORK_FROM_DIFFERENT_DC",
            f"The network '{name}' belongs to a different data-center. Use a network of the cluster's own data centre.",
        )
    return None


def has_one_provider(count: int) -> Problem | None:
    """A cluster has one default provider at most: its hosts have one ovn-controller."""
    if count <= 1:
        return None
    return Problem(
        "ACTION_TYPE_FAILED_CLUSTER_HAS_SEVERAL_EXTERNAL_NETWORK_PROVIDERS",
        f"{count} external_network_providers are given, but a cluster has one at most. Name one. Networks of the others"
        " can be used without that.",
    )


def data_center_is_kept(before: str, after: str) -> Problem | None:
    """A cluster stays in its data centre, because its networks are those of the data centre."""
    if before != after:
        return Problem(
            "CLUSTER_CANNOT_CHANGE_STORAGE_POOL",
            "A cluster cannot move to another data centre. Add a cluster there instead.",
        )
    return None


def switch_type_may_change(*, running_vms: Sequence[str], active_hosts: Sequence[str]) -> Problem | None:
    """The switch under running vNICs is not exchanged: no VM runs in the cluster, and its hosts are in maintenance."""
    if running_vms:
        return Problem(
            "CLUSTER_CANNOT_CHANGE_SWITCH_TYPE_WITH_RUNNING_VMS",
            f"The switch type cannot change while VMs run in the cluster: {listed(running_vms)}. Stop them first.",
        )
    if active_hosts:
        return Problem(
            "CLUSTER_HOSTS_MUST_BE_DOWN",
            f"The switch type cannot change while hosts of the cluster are active: {listed(active_hosts)}. Put them "
            "into maintenance first.",
        )
    return None


def version_carries_isolation(version: str, isolated: Sequence[str]) -> Problem | None:
    """The version does not fall below what networks with port isolation (``isolated``: their names) need."""
    if isolated and version_key(version) < version_key(ISOLATION_SINCE):
        return Problem(
            "ACTION_TYPE_FAILED_PORT_ISOLATION_UNSUPPORTED_CLUSTER_LEVEL",
            f"Networks with port isolation need compatibility version {ISOLATION_SINCE} or above: {listed(isolated)}. "
            "Detach them first.",
        )
    return None


def version_is_not_below_data_center(version: str, data_center_version: str) -> Problem | None:
    """No cluster is older than its data centre."""
    if version_key(version) < version_key(data_center_version):
        return Problem(
            "ACTION_TYPE_FAILED_CANNOT_DECREASE_COMPATIBILITY_VERSION_UNDER_DC",
            f"Compatibility version {version} is below that of the data centre, {data_center_version}. Use that or a "
            "later one.",
        )
    return None


def switch_carries_isolation(switch_type: str, isolated: Sequence[str]) -> Problem | None:
    """Port isolation is a property of Linux bridges."""
    if isolated and switch_type != "legacy":
        return Problem(
            "ACTION_TYPE_FAILED_PORT_ISOLATION_INCOMPATIBLE_SWITCH_TYPE",
            f"Networks with port isolation need the switch type 'legacy': {listed(isolated)}. Detach them, or keep "
            "'legacy'.",
        )
    return None


def has_no_hosts(name: str, hosts: Sequence[str]) -> Problem | None:
    """Hosts go before their cluster does."""
    if hosts:
        return Problem(
            "VDS_CANNOT_REMOVE_CLUSTER_VDS_DETECTED",
            f"The cluster '{name}' still has hosts: {listed(hosts)}. Remove them, or move them to another cluster, "
            "first.",
        )
    return None


def has_no_vms(name: str, vms: Sequence[str]) -> Problem | None:
    """VMs go before their cluster does."""
    if vms:
        return Problem(
            "VM_CANNOT_REMOVE_CLUSTER_VMS_DETECTED",
            f"The cluster '{name}' still has VMs: {listed(vms)}. Remove them, or move them to another cluster, first.",
        )
    return None
