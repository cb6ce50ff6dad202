"""How far providers are with what is wanted of them: an addition of Netweft, for which oVirt has no place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from netweft.api.networks import NETWORKS
from netweft.api.routes import ADDITIONS, READ, Call, Routes, many
from netweft.api.shown import require_visible
from netweft.engine.access.objects import ObjectType
from netweft.engine.db import Tx
from netweft.engine.model.networks import NetworkRow, networks
from netweft.engine.model.provider_objects import ProviderObjectRow
from netweft.engine.queries import networks as network_queries
from netweft.engine.queries import provider_objects as queries
from netweft.engine.queries.providers import PROVIDERS

routes = Routes("provider_networks", ADDITIONS)


class Provision(msgspec.Struct, kw_only=True, frozen=True):
    """How far a provider is with what is wanted of it.

    ``provider``: its name; ``external_id``: the provider's own id, empty until it has one; ``owned``: whether Netweft
    made it there, else it was imported. ``state``: ``ok``; ``locked`` while the provider has yet to do it; ``error``
    with the reason, how often it has failed in a row, and when it is tried again.
    """

    provider: str
    external_id: str
    owned: bool
    state: str
    reason: str
    attempts: int
    next_try: datetime | None


class NetworkState(Provision, kw_only=True, frozen=True):
    """A network. ``physical_network``: what its provider calls the wire that it is on, empty for one of tunnels. One
    that hosts have by themselves has no provider, and is ``ok``.
    """

    id: str
    name: str
    physical_network: str


class ProviderObject(Provision, kw_only=True, frozen=True):
    """What is wanted of a provider (``present``), or to be removed from it (``absent``): a ``network``, a ``subnet`` or
    the ``port`` of a vNIC. ``id``: what that has here, or had. ``host``: where a port is bound, by the provider's name.
    """

    kind: str
    id: str
    wanted: str
    host: str


_NATIVE = {"external_id": "", "owned": True, "state": "ok", "reason": "", "attempts": 0, "next_try": None}


def provisions(tx: Tx, found: Sequence[ProviderObjectRow]) -> dict[str, Provision]:
    """How far providers are with these, by their ids here."""
    names = _names(tx) if found else {}
    return {row.object_id: Provision(**_told(row, names)) for row in found}


def _names(tx: Tx) -> dict[str, str]:
    return {row.id: row.name for row in PROVIDERS.all(tx, PROVIDERS.select)}


def _told(row: ProviderObjectRow, names: dict[str, str]) -> dict[str, Any]:
    same = ("external_id", "owned", "state", "attempts", "next_try")
    return {name: getattr(row, name) for name in same} | {"reason": row.error, "provider": names[row.provider_id]}


@routes.get("/networks", many(NetworkState), needs=READ)
def list_networks(call: Call[None]) -> list[NetworkState]:
    """How the networks are that providers have."""
    with call.read() as tx:
        return _states(tx, NETWORKS.visible(tx, call, networks.c.provider_id.is_not(None)))


@routes.get("/networks/{network_id}", NetworkState, needs=READ)
def get_network(call: Call[None]) -> NetworkState:
    """How one network is."""
    network_id = call.ids["network_id"]
    with call.read() as tx:
        require_visible(tx, call, ObjectType.NETWORK, network_id)
        return _states(tx, [network_queries.get(tx, network_id)])[0]


@routes.get("/providers/{provider_id}/objects", many(ProviderObject), needs=READ)
def list_objects(call: Call[None]) -> list[ProviderObject]:
    """All that is wanted of a provider, and what is still to be removed from it."""
    provider_id = call.ids["provider_id"]
    with call.read() as tx:
        require_visible(tx, call, ObjectType.PROVIDER, provider_id)
        names = _names(tx)
        return [
            ProviderObject(kind=row.kind, id=row.object_id, wanted=row.wanted, host=row.host, **_told(row, names))
            for row in queries.of_provider(tx, provider_id)
        ]


def _states(tx: Tx, found: Sequence[NetworkRow]) -> list[NetworkState]:
    there = {row.object_id: row for row in queries.of_networks(tx, [row.id for row in found])}
    names = _names(tx) if there else {}
    return [
        NetworkState(
            id=row.id,
            name=row.name,
            physical_network=row.physical_network,
            **(_told(there[row.id], names) if row.id in there else {**_NATIVE, "provider": ""}),
        )
        for row in found
    ]
