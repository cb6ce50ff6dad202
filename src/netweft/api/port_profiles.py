"""Port profiles, at ``/netweft/v1/networks/{id}/portprofiles``: by which configuration providers a network is carried.
An addition of Netweft.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from netweft.api.provider_networks import Provision, provision
from netweft.api.request_fields import require_visible
from netweft.api.routes import ADDITIONS, READ, Call, Later, Routes, many
from netweft.api.schema import keep
from netweft.core.errors import NotFoundError
from netweft.engine.access.objects import ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.port_profiles import (
    AddPortProfile,
    UpdatePortProfile,
    add_port_profile,
    remove_port_profile,
    update_port_profile,
)
from netweft.engine.db import Tx
from netweft.engine.model.provider_objects import ProviderObjectRow
from netweft.engine.queries import port_profiles as queries
from netweft.engine.queries.port_profiles import PortProfileDetails
from netweft.engine.queries.references import Ref

routes = Routes("port_profiles", ADDITIONS)

_NEEDS = ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK
_PATH = "/networks/{network_id}/portprofiles"


class NewPortProfile(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new port profile, of a provider given by id or name. ``qos_policy``: the name of a policy there;
    ``high_performance``: whether guests reach the adapter without the host.
    """

    provider_id: str | None = None
    provider_name: str | None = None
    qos_policy: str | UnsetType = UNSET
    high_performance: bool | UnsetType = UNSET


class PortProfileChange(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A change of a port profile. ``qos_policy``: null for none. Other fields are accepted and ignored."""

    qos_policy: str | UnsetType | None = UNSET
    high_performance: bool | UnsetType = UNSET
    href: msgspec.Raw | UnsetType = UNSET
    network_id: msgspec.Raw | UnsetType = UNSET
    network_name: msgspec.Raw | UnsetType = UNSET
    provider_id: msgspec.Raw | UnsetType = UNSET
    provider_name: msgspec.Raw | UnsetType = UNSET
    type: msgspec.Raw | UnsetType = UNSET
    name: msgspec.Raw | UnsetType = UNSET
    mtu: msgspec.Raw | UnsetType = UNSET
    provision: msgspec.Raw | UnsetType = UNSET


class PortProfile(msgspec.Struct, kw_only=True, frozen=True):
    """A network in the fabric of a configuration provider (``type``: of that). ``name``: the name that guests'
    interfaces refer to, null until it exists; ``mtu``: that of the fabric for it, null while it is unknown.
    """

    href: str
    network_id: str
    network_name: str
    provider_id: str
    provider_name: str
    type: str
    qos_policy: str | None
    high_performance: bool
    name: str | None
    mtu: int | None
    provision: Provision


def _show(row: PortProfileDetails, there: ProviderObjectRow) -> PortProfile:
    return PortProfile(
        href=f"{ADDITIONS}/networks/{row.network_id}/portprofiles/{row.provider_id}",
        network_id=row.network_id,
        network_name=row.network_name,
        provider_id=row.provider_id,
        provider_name=row.provider_name,
        type=row.provider_type,
        qos_policy=row.qos_policy or None,
        high_performance=row.high_performance,
        name=there.external_id or None,
        mtu=there.mtu or None,
        provision=provision(there),
    )


def _listed(tx: Tx, network_id: str) -> list[PortProfile]:
    there = queries.objects_of(tx, network_id)
    return [_show(row, there[row.provider_id]) for row in queries.of_network(tx, network_id)]


def _one(tx: Tx, network_id: str, provider_id: str) -> PortProfile:
    row = queries.find(tx, network_id, provider_id)
    if row is None:
        raise NotFoundError(f"The network {network_id} has no port profile of a provider with the id {provider_id}.")
    return _show(row, queries.objects_of(tx, network_id)[provider_id])


def _read(call: Call[Any], network_id: str, provider_id: str) -> PortProfile:
    with call.read() as tx:
        return _one(tx, network_id, provider_id)


@routes.get(_PATH, many(PortProfile), needs=READ)
def list_profiles(call: Call[None]) -> list[PortProfile]:
    """The port profiles of a network, by the names of their providers."""
    network_id = call.ids["network_id"]
    with call.read() as tx:
        require_visible(tx, call, ObjectType.NETWORK, network_id)
        return _listed(tx, network_id)


@routes.post(_PATH, NewPortProfile, gives=PortProfile, needs=_NEEDS)
def post_profile(call: Call[NewPortProfile]) -> Later:
    """Carry the network in the fabric of a configuration provider."""
    body, network_id = call.body, call.ids["network_id"]
    spec = AddPortProfile(
        network_id=network_id,
        provider=Ref(id=body.provider_id, name=body.provider_name),
        qos_policy=keep(body.qos_policy),
        high_performance=keep(body.high_performance),
    )
    provider_id, job_id = call.run(add_port_profile, call.actor, spec)
    return Later(job_id, lambda: _read(call, network_id, provider_id), may_fail=True)


@routes.get(_PATH + "/{provider_id}", PortProfile, needs=READ)
def get_profile(call: Call[None]) -> PortProfile:
    """The port profile of a network of one configuration provider."""
    network_id = call.ids["network_id"]
    with call.read() as tx:
        require_visible(tx, call, ObjectType.NETWORK, network_id)
        return _one(tx, network_id, call.ids["provider_id"])


@routes.put(_PATH + "/{provider_id}", PortProfileChange, gives=PortProfile, needs=_NEEDS)
def put_profile(call: Call[PortProfileChange]) -> PortProfile | Later:
    """Change how the fabric carries the network; what is left out stays."""
    body, network_id, provider_id = call.body, call.ids["network_id"], call.ids["provider_id"]
    spec = UpdatePortProfile(
        network_id=network_id,
        provider_id=provider_id,
        qos_policy=keep("" if body.qos_policy is None else body.qos_policy),
        high_performance=keep(body.high_performance),
    )
    job_id = call.run(update_port_profile, call.actor, spec)
    if job_id is None:
        return _read(call, network_id, provider_id)
    return Later(job_id, lambda: _read(call, network_id, provider_id), may_fail=True)


@routes.delete(_PATH + "/{provider_id}", needs=_NEEDS)
def delete_profile(call: Call[None]) -> Later:
    """Stop carrying the network in the fabric."""
    job_id = call.run(remove_port_profile, call.actor, call.ids["network_id"], call.ids["provider_id"])
    return Later(job_id, may_fail=True)
