"""Adding, changing and removing vNIC profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from msgspec.structs import replace

from netweft.core.errors import Problem
from netweft.core.keep import KEEP, Keep
from netweft.core.network_filters import DEFAULT_FILTER, FILTERS
from netweft.core.rules import check, fields
from netweft.core.rules import provider_network as provider_rules
from netweft.core.rules import qos as qos_rules
from netweft.core.rules import vnic_profile as rules
from netweft.engine import audit
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import EVERYONE, ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.changes import Texts, changes, made, updated
from netweft.engine.db import Tx, lock, new_id
from netweft.engine.model.networks import networks
from netweft.engine.model.vnic_profiles import VnicProfileRow, vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.operations import ports, vnic_sync
from netweft.engine.operations.races import translate_constraint_errors
from netweft.engine.queries import networks as network_queries
from netweft.engine.queries import qos as qos_queries
from netweft.engine.queries import vnic_profiles as queries
from netweft.engine.queries.references import Ref, resolve
from netweft.engine.queries.vnic_profiles import VNIC_PROFILES
from netweft.engine.statements import add

_ADD = "Cannot add VM network interface profile."
_UPDATE = "Cannot edit VM network interface profile."
_REMOVE = "Cannot remove VM network interface profile."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fields(Texts):
    """``network_filter_id``: None for no filter; when kept by a new profile, the default filter, or none for
    passthrough.
    """

    port_mirroring: bool | Keep = KEEP
    passthrough: bool | Keep = KEEP
    migratable: bool | Keep = KEEP
    network_filter_id: str | Keep | None = KEEP
    custom_properties: Mapping[str, str] | Keep = KEEP
    qos_id: str | Keep | None = KEEP
    failover_id: str | Keep | None = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class AddVnicProfile(_Fields):
    """A profile to be."""

    name: str
    network: Ref
    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateVnicProfile(_Fields):
    """What changes of a profile."""

    id: str
    network: Ref | Keep = KEEP


def add_vnic_profile(tx: Tx, actor: Actor, spec: AddVnicProfile) -> str:
    """Add a profile to a VM network; returns its id.

    Needs CREATE_NETWORK_VNIC_PROFILE on the network. Raises NotFoundError, DeniedError, ValidationError.
    """
    network = network_queries.get(tx, resolve(tx, networks, spec.network, "network"))
    authorize.require(tx, actor, ActionGroup.CREATE_NETWORK_VNIC_PROFILE, ObjectRef(ObjectType.NETWORK, network.id))
    profile = made(VnicProfileRow, spec, id=new_id(), network_id=network.id)
    if spec.network_filter_id is KEEP and not profile.passthrough and network.provider_id is None:
        profile = replace(profile, network_filter_id=DEFAULT_FILTER)
    check(
        _ADD,
        rules.network_is_vm_network(network.name, is_vm_network=network.vm_network),
        *_problems(profile, port_isolation=network.port_isolation),
        _provider_problem(profile, is_provided=network.provider_id is not None),
        *_reference_problems(tx, network.data_center_id, profile),
        _name_is_free(tx, profile),
    )
    with translate_constraint_errors(_ADD, lambda _: rules.name_is_free(spec.name, (spec.name,))):
        add(tx, vnic_profiles, profile)
    if spec.public:
        authorize.grant(tx, EVERYONE, "VnicProfileUser", ObjectRef(ObjectType.VNIC_PROFILE, profile.id))
    text = f"VM network interface profile {spec.name} was added for network {network.name} by {actor.name}."
    audit.record(tx, actor, 1122, text, data_center=network.data_center_id, network=network.id)
    return profile.id


def update_vnic_profile(tx: Tx, actor: Actor, spec: UpdateVnicProfile) -> None:
    """Change a profile. vNICs of running VMs that use it take over what they can, and are out of sync until then.

    Needs CONFIGURE_NETWORK_VNIC_PROFILE on the profile. Raises NotFoundError, DeniedError, ValidationError.
    """
    lock(tx, vnic_profiles, spec.id)
    before = queries.get(tx, spec.id)
    authorize.require(
        tx, actor, ActionGroup.CONFIGURE_NETWORK_VNIC_PROFILE, ObjectRef(ObjectType.VNIC_PROFILE, spec.id)
    )
    after = updated(before, spec)
    changed = changes(before, after)
    network_id = before.network_id if spec.network is KEEP else resolve(tx, networks, spec.network, "network")
    check(
        _UPDATE,
        rules.network_is_kept(before.network_id, network_id),
        *_problems(after, port_isolation=before.port_isolation),
        _provider_problem(after, is_provided=before.provider_id is not None),
        rules.failover_is_another(spec.id, after.failover_id),
        *_reference_problems(tx, before.data_center_id, after),
        _name_is_free(tx, after) if "name" in changed else None,
        rules.kept_while_used(queries.vms_using(tx, spec.id), {name.removesuffix("_id") for name in changed}),
        rules.is_no_failover(before.name, queries.served_by(tx, spec.id)) if changed else None,
    )
    if not changed:
        return
    with translate_constraint_errors(_UPDATE, lambda _: rules.name_is_free(after.name, (after.name,))):
        tx.execute(sa.update(vnic_profiles).where(vnic_profiles.c.id == spec.id).values(changed))
    if {"network_filter_id", "custom_properties", "qos_id"} & changed.keys():
        vnic_sync.mark(tx, vnics.c.profile_id == spec.id)
        vnic_sync.sync_guests(tx, actor, vnic_sync.ON_PROFILE_UPDATE, vnics.c.profile_id == spec.id)
    if "custom_properties" in changed:
        ports.want_again(tx, ports.of_vnics(vnics.c.profile_id == spec.id))
    text = f"VM network interface profile {after.name} was changed by {actor.name}."
    audit.record(tx, actor, 1124, text, data_center=before.data_center_id, network=before.network_id)


def remove_vnic_profile(tx: Tx, actor: Actor, profile_id: str) -> None:
    """Remove a profile that no vNIC has.

    Needs DELETE_NETWORK_VNIC_PROFILE on it. Raises NotFoundError, DeniedError, ValidationError.
    """
    lock(tx, vnic_profiles, profile_id)
    profile = queries.get(tx, profile_id)
    authorize.require(
        tx, actor, ActionGroup.DELETE_NETWORK_VNIC_PROFILE, ObjectRef(ObjectType.VNIC_PROFILE, profile_id)
    )
    check(
        _REMOVE,
        rules.unused_by_vms(profile.name, queries.vms_using(tx, profile_id)),
        rules.unused_by_templates(profile.name, queries.templates_using(tx, profile_id)),
        rules.is_no_failover(profile.name, queries.served_by(tx, profile_id), is_removed=True),
    )
    authorize.forget(tx, profile_id)
    with translate_constraint_errors(_REMOVE, lambda _: None):
        tx.execute(sa.delete(vnic_profiles).where(vnic_profiles.c.id == profile_id))
    text = (
        f"VM network interface profile {profile.name} was removed from network {profile.network_name} by {actor.name}."
    )
    audit.record(tx, actor, 1126, text, data_center=profile.data_center_id, network=profile.network_id)


def add_default_profile(
    tx: Tx, network_id: str, network_name: str, filter_id: str | None = DEFAULT_FILTER, *, public: bool
) -> str:
    """The profile that a VM network begins with, named like it. Asks no rule, records no event; returns its id."""
    profile = VnicProfileRow(
        id=new_id(), network_id=network_id, name=network_name, is_default=True, network_filter_id=filter_id
    )
    add(tx, vnic_profiles, profile)
    if public:
        authorize.grant(tx, EVERYONE, "VnicProfileUser", ObjectRef(ObjectType.VNIC_PROFILE, profile.id))
    return profile.id


def rename_default_profile(tx: Tx, network_id: str, before: str, after: str) -> None:
    """The profile with the network's name is renamed with it, unless another profile of the network is called so."""
    if not VNIC_PROFILES.is_taken(tx, after, vnic_profiles.c.network_id == network_id):
        tx.execute(
            sa.update(vnic_profiles)
            .where(vnic_profiles.c.network_id == network_id, vnic_profiles.c.name == before)
            .values(name=after)
        )


def remove_profiles(tx: Tx, network_id: str) -> None:
    """All profiles of a network that no VM uses go with it. Asks no rule, records no event."""
    found = tx.scalars(sa.select(vnic_profiles.c.id).where(vnic_profiles.c.network_id == network_id)).all()
    authorize.forget(tx, *found)
    with translate_constraint_errors("Cannot remove the profiles of Network.", lambda _: None):
        tx.execute(sa.delete(vnic_profiles).where(vnic_profiles.c.network_id == network_id))


def _problems(profile: VnicProfileRow, *, port_isolation: bool) -> tuple[Problem | None, ...]:
    """The rules that look at the profile alone."""
    return (
        *fields.texts_are_valid("profile", profile),
        rules.properties_are_known(profile.custom_properties),
        rules.filter_is_known(profile.network_filter_id, FILTERS),
        rules.migratable_needs_passthrough(passthrough=profile.passthrough, migratable=profile.migratable),
        rules.passthrough_stands_alone(
            passthrough=profile.passthrough,
            port_mirroring=profile.port_mirroring,
            filtered=profile.network_filter_id is not None,
            limited=profile.qos_id is not None,
            port_isolation=port_isolation,
        ),
        rules.failover_is_possible(
            passthrough=profile.passthrough,
            migratable=profile.migratable,
            has_failover=profile.failover_id is not None,
        ),
    )


def _provider_problem(profile: VnicProfileRow, *, is_provided: bool) -> Problem | None:
    if not is_provided:
        return provider_rules.profile_suits_hosts(profile.name, profile.custom_properties)
    return provider_rules.profile_suits_provider(
        profile.name,
        passthrough=profile.passthrough,
        port_mirroring=profile.port_mirroring,
        properties=profile.custom_properties,
    )


def _reference_problems(tx: Tx, data_center_id: str, profile: VnicProfileRow) -> tuple[Problem | None, ...]:
    """The rules on the QoS and the profile that a profile names."""
    qos_id, failover_id = profile.qos_id, profile.failover_id
    failover = VNIC_PROFILES.find(tx, failover_id) if failover_id else None
    return (
        qos_rules.serves_vnics(qos_id, qos_queries.types_of(tx, data_center_id, qos_id)) if qos_id else None,
        rules.failover_is_fit(failover_id, is_fit=queries.can_take_over(tx, data_center_id, failover_id))
        if failover_id
        else None,
        provider_rules.failover_is_native(failover.network_name, is_provided=failover.provider_id is not None)
        if failover
        else None,
    )


def _name_is_free(tx: Tx, profile: VnicProfileRow) -> Problem | None:
    here = vnic_profiles.c.network_id == profile.network_id
    taken = VNIC_PROFILES.is_taken(tx, profile.name, here, besides=profile.id)
    return rules.name_is_free(profile.name, (profile.name,) if taken else ())
