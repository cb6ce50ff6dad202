"""Port profiles: having networks carried by the fabrics of configuration providers."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.core.keep import KEEP, Keep
from netweft.core.rules import check
from netweft.core.rules import port_profile as rules
from netweft.engine.actor import Actor
from netweft.engine.changes import changes, made, updated
from netweft.engine.db import Tx, lock
from netweft.engine.model.networks import NetworkRow
from netweft.engine.model.port_profiles import PortProfileRow, port_profiles
from netweft.engine.model.providers import providers
from netweft.engine.operations import fabric_members
from netweft.engine.operations import port_profiles as operations
from netweft.engine.operations.network_access import lock_network, record_event
from netweft.engine.operations.races import translate_constraint_errors
from netweft.engine.queries import port_profiles as queries
from netweft.engine.queries.port_profiles import PortProfileDetails
from netweft.engine.queries.providers import CONFIGURATION_PROVIDERS
from netweft.engine.queries.references import Ref, resolve
from netweft.engine.statements import add

ADDED, UPDATED, REMOVED = 20_168, 20_169, 20_170
"""Event codes of our own."""

_ADD = "Cannot add Port Profile."
_UPDATE = "Cannot edit Port Profile."
_REMOVE = "Cannot remove Port Profile."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fields:
    """``qos_policy``: by its name there, empty for none."""

    qos_policy: str | Keep = KEEP
    high_performance: bool | Keep = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPortProfile(_Fields):
    """A network that the fabric of a provider shall carry."""

    network_id: str
    provider: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePortProfile(_Fields):
    """What changes of how a fabric carries a network."""

    network_id: str
    provider_id: str


def add_port_profile(tx: Tx, actor: Actor, spec: AddPortProfile) -> tuple[str, str]:
    """Have a fabric carry a network. Returns the provider's id, and that of the job that brings it there.

    Needs CONFIGURE_STORAGE_POOL_NETWORK on the network. Raises NotFoundError, DeniedError, ValidationError.
    """
    network = lock_network(tx, actor, spec.network_id)
    provider = CONFIGURATION_PROVIDERS.get(tx, resolve(tx, providers, spec.provider, "configuration provider"))
    lock(tx, providers, provider.id)  # it is not removed meanwhile
    row = made(PortProfileRow, spec, network_id=network.id, provider_id=provider.id)
    there = queries.of_network(tx, network.id)
    is_there = any(one.provider_id == provider.id for one in there)
    check(
        _ADD,
        rules.network_is_of_hosts(network.name, is_provided=network.provider_id is not None),
        rules.network_is_for_guests(network.name, vm_network=network.vm_network),
        rules.network_has_vlan(network.name, network.vlan_id),
        rules.qos_policy_is_valid(row.qos_policy),
        rules.network_has_no_profile(network.name, provider.name, is_there=is_there),
        rules.network_has_one_technology(network.name, provider.type, {one.provider_type for one in there}),
    )
    operations.check_technology(tx, _ADD, network, provider.type)
    taken = rules.network_has_no_profile(network.name, provider.name, is_there=True)
    with translate_constraint_errors(_ADD, lambda _: taken):
        add(tx, port_profiles, row)
    fabric_members.align(tx, {network.id})
    job_id = operations.want(tx, actor, network.id, provider.id)
    record_event(
        tx, actor, ADDED, f"A port profile for network {network.name} was added on provider {provider.name}", network
    )
    return provider.id, job_id


def update_port_profile(tx: Tx, actor: Actor, spec: UpdatePortProfile) -> str | None:
    """Change how a fabric carries a network. Returns the id of the job that brings the change there, if there is one.

    Needs CONFIGURE_STORAGE_POOL_NETWORK on the network. Raises NotFoundError, DeniedError, ValidationError.
    """
    network, profile = _found(tx, actor, spec.network_id, spec.provider_id)
    before = PortProfileRow(**{name: getattr(profile, name) for name in PortProfileRow.__struct_fields__})
    after = updated(before, spec)
    check(_UPDATE, rules.qos_policy_is_valid(after.qos_policy))
    changed = changes(before, after)
    if not changed:
        return None
    tx.execute(sa.update(port_profiles).where(*_at(spec.network_id, spec.provider_id)).values(changed))
    job_id = operations.want(tx, actor, network.id, spec.provider_id)
    text = f"The port profile of network {network.name} of provider {profile.provider_name} was changed"
    record_event(tx, actor, UPDATED, text, network)
    return job_id


def remove_port_profile(tx: Tx, actor: Actor, network_id: str, provider_id: str) -> str:
    """Have a fabric carry a network no more. Returns the id of the job that removes its port profile there.

    Needs CONFIGURE_STORAGE_POOL_NETWORK on the network. Raises NotFoundError, DeniedError, ValidationError.
    """
    network, profile = _found(tx, actor, network_id, provider_id)
    if len(queries.of_network(tx, network_id)) == 1:
        check(_REMOVE, rules.profile_is_unused(network.name, queries.vms_on(tx, network_id)))
    tx.execute(sa.delete(port_profiles).where(*_at(network_id, provider_id)))
    job_id = operations.release(tx, actor, network_id, provider_id)
    text = f"The port profile of network {network.name} of provider {profile.provider_name} was removed"
    record_event(tx, actor, REMOVED, text, network)
    return job_id


def _found(tx: Tx, actor: Actor, network_id: str, provider_id: str) -> tuple[NetworkRow, PortProfileDetails]:
    network = lock_network(tx, actor, network_id)
    profile = queries.find(tx, network_id, provider_id)
    if profile is None:
        raise NotFoundError(f"Network '{network.name}' has no port profile of a provider with the id {provider_id}.")
    return network, profile


def _at(network_id: str, provider_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return port_profiles.c.network_id == network_id, port_profiles.c.provider_id == provider_id
