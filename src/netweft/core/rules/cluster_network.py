"""When a network may be attached to a cluster, change its roles there, or be detached.

oVirt's commands: AttachNetworkToCluster, UpdateNetworkOnCluster, DetachNetworkToCluster.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from netweft.core.errors import Problem
from netweft.core.roles import Role
from netweft.core.rules.fields import listed

HANDED_BACK = frozenset({Role.DISPLAY, Role.MIGRATION, Role.DEFAULT_ROUTE})
"""Roles that the management network takes over when another network loses them. Gluster is simply removed; the role
management can only move.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A NIC that carries a network without having an address on it."""

    nic: str
    host: str


def is_not_attached(network: str, cluster: str, *, is_attached: bool) -> Problem | None:
    """A network is attached to a cluster once."""
    if is_attached:
        return Problem(
            "NETWORK_ALREADY_ATTACHED_TO_CLUSTER",
            f"The network '{network}' is already attached to the cluster '{cluster}'. Update it there instead.",
        )
    return None


def is_attached(network: str, cluster: str, *, is_attached: bool) -> Problem | None:
    """Only an attached network has roles to change or can be detached."""
    if not is_attached:
        return Problem(
            "NETWORK_NOT_EXISTS_IN_CURRENT_CLUSTER",
            f"The network '{network}' is not attached to the cluster '{cluster}'. Attach it first.",
        )
    return None


def management_is_required(network: str, roles: Collection[Role], *, required: bool) -> Problem | None:
    """The management network is required on every host."""
    if Role.MANAGEMENT in roles and not required:
        return Problem(
            "ACTION_TYPE_FAILED_MANAGEMENT_NETWORK_REQUIRED",
            f"The management network '{network}' must be required. Send required=true.",
        )
    return None


def management_moves_in_empty_cluster(
    before: Collection[Role], after: Collection[Role], hosts: Sequence[str]
) -> Problem | None:
    """The management role moves only while the cluster has no hosts (``hosts``: their names)."""
    if Role.MANAGEMENT in after and Role.MANAGEMENT not in before and hosts:
        return Problem(
            "ACTION_TYPE_FAILED_MANAGEMENT_NETWORK_CANNOT_BE_CHANGED",
            f"The management network cannot change while the cluster has hosts: {listed(hosts)}. Move or remove them "
            "first.",
        )
    return None


def management_is_not_unset(network: str, before: Collection[Role], after: Collection[Role]) -> Problem | None:
    """A cluster always has a management network: the role moves to another network, and is never just removed."""
    if Role.MANAGEMENT in before and Role.MANAGEMENT not in after:
        return Problem(
            "ACTION_TYPE_FAILED_MANAGEMENT_NETWORK_UNSET",
            f"'{network}' cannot simply stop being the management network. Give another network the management role "
            "instead.",
        )
    return None


def role_has_addresses(network: str, roles: Collection[Role], missing: Sequence[Missing]) -> Problem | None:
    """A role network has an IPv4 or IPv6 address on every NIC of the cluster that carries it.

    ``missing``: those that have none.
    """
    if missing and any(role != Role.MANAGEMENT for role in roles):
        places = listed(f"{one.nic} of {one.host}" for one in missing)
        return Problem(
            "NETWORK_ADDR_MANDATORY_FOR_ROLE_NETWORK",
            f"The network '{network}' needs an IP address wherever it has a role, but has none on: {places}. Give it "
            "addresses there first.",
        )
    return None


def isolation_is_possible(network: str, *, port_isolation: bool, switch_type: str) -> Problem | None:
    """Port isolation is a property of Linux bridges."""
    if port_isolation and switch_type != "legacy":
        return Problem(
            "ACTION_TYPE_FAILED_PORT_ISOLATION_INCOMPATIBLE_SWITCH_TYPE",
            f"The network '{network}' has port isolation, which needs a cluster with the switch type 'legacy'. Use "
            "another cluster or network.",
        )
    return None


def is_no_management_network(network: str, roles: Collection[Role]) -> Problem | None:
    """The management network is not detached."""
    if Role.MANAGEMENT in roles:
        return Problem(
            "NETWORK_CANNOT_REMOVE_MANAGEMENT_NETWORK",
            f"'{network}' is the management network of the cluster. Give another network the management role first.",
        )
    return None
