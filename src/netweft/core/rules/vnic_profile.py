"""When a vNIC profile may be added, changed or removed.

oVirt's commands: AddVnicProfile, UpdateVnicProfile, RemoveVnicProfile.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from netweft.core.errors import Problem
from netweft.core.rules import fields
from netweft.core.rules.fields import in_use, listed, one_or_many
from netweft.core.trunks import parse_trunk

_UUIDS = re.compile(
    r"([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(, *[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})*)?", re.IGNORECASE
)
KEPT_WHILE_USED = ("port_mirroring", "passthrough", "failover")
_PROPERTIES = {
    "SecurityGroups": (_UUIDS, "ids with commas between them, or nothing"),
    "queues": (re.compile(r"[1-9][0-9]{0,2}"), "a number of pairs of queues"),
    "trunk": (re.compile(r"[0-9, -]*"), "VLANs and ranges of them with commas between, such as 100,200-210"),
}
"""Custom properties, the syntax of their values, and a hint for users. ``trunk`` is an addition of Netweft: the VLANs
that reach the guest tagged.
"""

_IN_USE = "ACTION_TYPE_FAILED_VNIC_PROFILE_IN_ONE_USE", "ACTION_TYPE_FAILED_VNIC_PROFILE_IN_MANY_USES"
"""Codes for one user and for several."""


def network_is_vm_network(network: str, *, is_vm_network: bool) -> Problem | None:
    """Only a VM network takes vNICs."""
    if not is_vm_network:
        return Problem(
            "ACTION_TYPE_FAILED_CANNOT_ADD_VNIC_PROFILE_TO_NON_VM_NETWORK",
            f"The network '{network}' is not a VM network, so it cannot have vNICs. Add the usage 'vm' to it first.",
        )
    return None


def name_is_free(name: str, others: Collection[str]) -> Problem | None:
    """No other profile of the network (``others``: their names) has the name."""
    code, where = "ACTION_TYPE_FAILED_VNIC_PROFILE_NAME_IN_USE", " by another profile of the network"
    return fields.name_is_free("vNIC profile", name, others, code=code, where=where)


def network_is_kept(before: str, after: str) -> Problem | None:
    """A profile stays with its network."""
    if before != after:
        return Problem(
            "ACTION_TYPE_FAILED_CANNOT_CHANGE_VNIC_PROFILE_NETWORK",
            "A vNIC profile cannot move to another network. Add a profile there instead.",
        )
    return None


def passthrough_stands_alone(
    *, passthrough: bool, port_mirroring: bool, filtered: bool, limited: bool, port_isolation: bool
) -> Problem | None:
    """A vNIC that is a virtual function of the host's NIC passes by all that the host's bridge could do for it."""
    if not passthrough:
        return None
    if port_mirroring or filtered or limited:
        return Problem(
            "ACTION_TYPE_FAILED_PASSTHROUGH_PROFILE_CONTAINS_NOT_SUPPORTED_PROPERTIES",
            "A passthrough profile has neither port mirroring nor a network filter nor a QoS. Turn those off, or "
            "passthrough.",
        )
    if port_isolation:
        return Problem(
            "ACTION_TYPE_FAILED_PASSTHROUGH_PROFILE_NOT_SUPPORTS_PORT_ISOLATION",
            "A network with port isolation cannot have a passthrough profile. Use another network.",
        )
    return None


def migratable_needs_passthrough(*, passthrough: bool, migratable: bool) -> Problem | None:
    """Only a passthrough vNIC can be one that does not migrate."""
    if not passthrough and not migratable:
        return Problem(
            "ACTION_TYPE_FAILED_VNIC_PROFILE_MIGRATABLE_IS_PASSTHROUGH_ONLY",
            "Only a passthrough profile can be non-migratable. Leave migratable out, or turn passthrough on.",
        )
    return None


def failover_is_possible(*, passthrough: bool, migratable: bool, has_failover: bool) -> Problem | None:
    """Only a passthrough vNIC that may migrate needs something to take over while it is away."""
    if has_failover and not (passthrough and migratable):
        return Problem(
            "ACTION_TYPE_FAILED_FAILOVER_IS_SUPPORTED_ONLY_FOR_MIGRATABLE_PASSTROUGH",
            "Only a profile with passthrough that is migratable has a failover profile. Leave the failover out.",
        )
    return None


def failover_is_another(profile_id: str, failover_id: str | None) -> Problem | None:
    """A profile is not its own failover."""
    if failover_id is not None and failover_id == profile_id:
        return Problem(
            "ACTION_TYPE_FAILED_FAILOVER_VNIC_PROFILE_ID_CANNOT_POINT_TO_SELF",
            "A vNIC profile cannot be its own failover. Name another profile, one without passthrough.",
        )
    return None


def failover_is_fit(failover_id: str, *, is_fit: bool) -> Problem | None:
    """The failover profile exists in the data centre and is not passthrough itself (``is_fit``)."""
    if not is_fit:
        return Problem(
            "ACTION_TYPE_FAILED_FAILOVER_VNIC_PROFILE_ID_IS_NOT_VALID",
            f"There is no profile without passthrough with the id {failover_id} in the data centre. Name another as "
            "failover.",
        )
    return None


def is_no_failover(name: str, served: Sequence[str], *, is_removed: bool = False) -> Problem | None:
    """A profile that is the failover of others (``served``: their names) cannot be changed."""
    if served:
        what = "removed" if is_removed else "changed"
        return Problem(
            "ACTION_TYPE_FAILED_UPDATE_OF_FAILOVER_PROFILE_IS_NOT_SUPPORTED",
            f"The profile '{name}' cannot be {what} while it is the failover of: {listed(served)}. Give those another "
            "failover first.",
        )
    return None


def filter_is_known(filter_id: str | None, known: Collection[str]) -> Problem | None:
    """A network filter that is named is in the catalogue."""
    if filter_id is not None and filter_id not in known:
        return Problem(
            "ACTION_TYPE_FAILED_INVALID_VNIC_PROFILE_NETWORK_FILTER_ID",
            f"There is no network filter with the id {filter_id}. See /networkfilters for those that exist.",
        )
    return None


def properties_are_known(properties: Mapping[str, str]) -> Problem | None:
    """Custom properties are ones that a vNIC has, with values that it takes."""
    for name, value in properties.items():
        allowed = _PROPERTIES.get(name)
        if allowed is None:
            return Problem(
                "ACTION_TYPE_FAILED_INVALID_CUSTOM_PROPERTIES_INVALID_KEYS",
                f"There is no custom property '{name}' for vNICs. Use one of {', '.join(sorted(_PROPERTIES))}.",
            )
        pattern, hint = allowed
        if not pattern.fullmatch(value) or (name == "trunk" and not _is_trunk(value)):
            return Problem(
                "ACTION_TYPE_FAILED_INVALID_CUSTOM_PROPERTIES_INVALID_VALUES",
                f"The custom property '{name}' cannot have the value '{value}'. Give {hint}.",
            )
    return None


def _is_trunk(value: str) -> bool:
    try:
        parse_trunk(value)
    except ValueError:
        return False
    return True


def kept_while_used(vms: Sequence[str], changed: Collection[str]) -> Problem | None:
    """Port mirroring, passthrough and failover are not changed under VMs (``vms``: names of those that use the
    profile; ``changed``: names of all that changes).
    """
    what = " and ".join(name.replace("_", " ") for name in KEPT_WHILE_USED if name in changed)
    if not vms or not what:
        return None
    return Problem(
        one_or_many(vms, _IN_USE),
        f"The profile's {what} cannot change while VMs use it: {listed(vms)}. Give their vNICs another profile first.",
    )


def unused_by_vms(name: str, vms: Sequence[str]) -> Problem | None:
    """No vNIC has the profile."""
    return _unused(name, "VMs", vms)


def unused_by_templates(name: str, templates: Sequence[str]) -> Problem | None:
    """No vNIC of a template has the profile."""
    return _unused(name, "templates", templates)


def _unused(name: str, by: str, users: Sequence[str]) -> Problem | None:
    remedy = "Give their vNICs another profile first."
    return in_use(f"The vNIC profile '{name}'", by, users, _IN_USE, remedy) if users else None
