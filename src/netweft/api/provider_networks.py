"""How far providers are with what is wanted of them: an addition of Netweft, for which oVirt has no place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from netweft.api.networks import NETWORKS
from netweft.api.request_fields import require_visible
from netweft.api.routes import ADDITIONS, READ, Call, Routes, many
from netweft.core.errors import NotFoundError
from netweft.engine.access.objects import ObjectType
from netweft.engine.db import Tx
from netweft.engine.model.provider_objects import ProviderObjectRow
from netweft.engine.queries import networks as network_queries
from netweft.engine.queries import provider_objects as queries
from netweft.engine.queries.networks import NetworkDetails
from netweft.engine.queries.providers import PROVIDERS

routes = Routes("provider_networks", ADDITIONS)


class Provision(msgspec.Struct, kw_only=True, frozen=True):
    """The state of an object on its provider. ``external_id``: its id there, null until it is known; ``imported``: it
    existed there before, so it is never changed or removed there. ``wanted``: ``present``, or ``absent`` while it is to
    be removed. ``state``: ``locked`` until the provider has made the change, ``ok``, or ``error`` with the ``reason``
    and the time of the next try.
    """

    provider_id: str
    external_id: str | None
    imported: bool
    wanted: str
    state: str
    reason: str
    attempts: int
    next_try: datetime | None


class ProvidedNetwork(msgspec.Struct, kw_only=True, frozen=True):
    """A network on a provider. ``physical_network``: the provider's name of its physical network, null for a tunnelled
    one; ``mtu``: in octets, null while it is unknown.
    """

    id: str
    name: str
    physical_network: str | None
    vlan_id: int | None
    mtu: int | None
    provision: Provision


class ProviderObject(msgspec.Struct, kw_only=True, frozen=True):
    """An object that a provider should have, or that is to be removed from it: a ``network``, a ``subnet``, the
    ``port`` of a vNIC, the port ``profile`` of a network, or a port that is a ``member`` of one (its GUID is the
    ``external_id``). ``id``: its id here, or that of its network; ``name``: its name here, null for removed objects and
    for ports of vNICs. ``host``: where a port is bound, by the provider's name.
    """

    kind: str
    id: str
    name: str | None
    host: str | None
    provision: Provision


def provision(row: ProviderObjectRow) -> Provision:
    """What a provider has of it."""
    return Provision(
        provider_id=row.provider_id,
        external_id=row.external_id or None,
        imported=not row.owned,
        wanted=row.wanted,
        state=row.state,
        reason=row.error,
        attempts=row.attempts,
        next_try=row.next_try,
    )


def provider_object(row: queries.NamedObject) -> ProviderObject:
    """What is wanted of a provider."""
    return ProviderObject(
        kind=row.kind, id=row.object_id, name=row.name, host=row.host or None, provision=provision(row)
    )


@routes.get("/networks", many(ProvidedNetwork), needs=READ)
def list_networks(call: Call[None]) -> list[ProvidedNetwork]:
    """The networks that are on providers, by name."""
    with call.read() as tx:
        return _show(tx, NETWORKS.visible(tx, call, network_queries.ON_PROVIDERS))


@routes.get("/networks/{network_id}", ProvidedNetwork, needs=READ)
def get_network(call: Call[None]) -> ProvidedNetwork:
    """One of them."""
    with call.read() as tx:
        found = _show(tx, [NETWORKS.row(tx, call)])
    if not found:
        raise NotFoundError(f"The network {NETWORKS.id(call)} is on no provider.")
    return found[0]


@routes.get("/providers/{provider_id}/objects", many(ProviderObject), needs=READ)
def list_objects(call: Call[None]) -> list[ProviderObject]:
    """Every object that a provider should have, and those still to be removed from it."""
    provider_id = call.ids["provider_id"]
    with call.read() as tx:
        require_visible(tx, call, ObjectType.PROVIDER, provider_id)
        return [provider_object(row) for row in queries.of_provider(tx, PROVIDERS.get(tx, provider_id).id)]


def _show(tx: Tx, rows: Sequence[NetworkDetails]) -> list[ProvidedNetwork]:
    by_network = {one.object_id: one for one in queries.of_networks(tx, [row.id for row in rows])}
    return [
        ProvidedNetwork(
            id=row.id,
            name=row.name,
            physical_network=row.physical_network or None,
            vlan_id=row.vlan_id,
            mtu=by_network[row.id].mtu or None,
            provision=provision(by_network[row.id]),
        )
        for row in rows
        if row.id in by_network
    ]
