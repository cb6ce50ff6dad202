"""Whether a vNIC, of a machine or of a template, may have a profile."""

from __future__ import annotations

from netweft.core.rules import check
from netweft.core.rules import vnic as rules
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.db import Tx
from netweft.engine.queries import vnic_profiles as profile_queries


def check_profile(
    tx: Tx,
    actor: Actor,
    action: str,
    cluster_id: str,
    profile_id: str | None,
    group: ActionGroup = ActionGroup.CONFIGURE_VM_NETWORK,
) -> bool:
    """The profile exists, the actor may use it, and its network serves virtual machines of this cluster. Returns
    whether it is for pass-through.

    Part of other commands. Raises ValidationError, DeniedError.
    """
    profile = None if profile_id is None else profile_queries.for_cluster(tx, profile_id, cluster_id)
    return check_found_profile(tx, actor, action, profile_id, profile, group)


def check_found_profile(
    tx: Tx,
    actor: Actor,
    action: str,
    profile_id: str | None,
    profile: profile_queries.ProfileForCluster | None,
    group: ActionGroup = ActionGroup.CONFIGURE_VM_NETWORK,
) -> bool:
    """:func:`check_profile` for who has what :func:`profile_queries.for_cluster` says."""
    if profile_id is None:
        return False
    check(action, rules.profile_exists(profile_id, profile is not None))
    if profile is None:
        return False
    authorize.require(tx, actor, group, ObjectRef(ObjectType.VNIC_PROFILE, profile_id))
    check(
        action,
        rules.network_is_in_cluster(profile.network_name, profile.cluster_name, profile.attached),
        rules.network_is_for_vms(profile.network_name, profile.vm_network),
        rules.trunk_needs_ovs(
            profile.name,
            profile.cluster_name,
            profile.network_name,
            trunk=bool(profile.custom_properties.get("trunk")),
            switch_type=profile.switch_type,
            vlan=profile.vlan_id,
        ),
    )
    return bool(profile.passthrough)


def check_type(action: str, interface: str, *, passthrough: bool, linked: bool) -> None:
    """The interface type and the profile, which is for pass-through or not, go together.

    Part of other commands. Raises ValidationError.
    """
    check(
        action,
        rules.type_matches_profile(interface, passthrough=passthrough),
        rules.passthrough_is_linked(interface, linked=linked),
    )
