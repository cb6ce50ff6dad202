"""Networks of data centres, at ``/networks`` and below their data centre."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from netweft.api import qos as qos_api
from netweft.api.collections import Collection, said, shown
from netweft.api.routes import ADDITIONS, READ, Call, Routes
from netweft.api.schema import Entity, or_default, reference
from netweft.api.shown import id_of, kept_ref, ref, require_visible, required
from netweft.api.types import DataCenter, DnsResolverConfiguration, Network, OpenStackNetworkProvider, Vlan
from netweft.core.keep import KEEP, Keep
from netweft.engine.access.objects import ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.networks import AddNetwork, UpdateNetwork, add_network, remove_network, update_network
from netweft.engine.db import Tx
from netweft.engine.model.networks import NetworkRow
from netweft.engine.model.provider_objects import ProviderObjectRow
from netweft.engine.queries import networks as queries
from netweft.engine.queries import provider_objects as object_queries
from netweft.engine.queries.providers import PROVIDERS
from netweft.engine.queries.references import Ref

routes = Routes("networks")
additions = Routes("networks", ADDITIONS)


def show(row: NetworkRow) -> Network:
    """A network."""
    return Network(
        **shown(Network, row),
        href=f"/networks/{row.id}",
        usages=["vm"] if row.vm_network else [],
        vdsm_name=row.host_side_name,
        vlan=UNSET if row.vlan_id is None else Vlan(id=row.vlan_id),
        dns_resolver_configuration=DnsResolverConfiguration(name_servers=row.name_servers)
        if row.name_servers
        else UNSET,
        data_center=reference(DataCenter, row.data_center_id),
        external_provider=reference(
            OpenStackNetworkProvider, row.provider_id, f"/openstacknetworkproviders/{row.provider_id}"
        )
        if row.provider_id
        else UNSET,
        external_provider_physical_network=reference(Network, row.physical_network_id)
        if row.physical_network_id
        else UNSET,
        qos=qos_api.refer(row.data_center_id, row.qos_id),
    )


NETWORKS = Collection(
    routes,
    queries.NETWORKS,
    Network,
    "/networks/{network_id}",
    show=show,
    below="/datacenters/{data_center_id}",
)
NETWORKS.reads(
    "Networks of all data centres.",
    "One network.",
    below=("Networks of one data centre.", "One network of a data centre."),
)


def _kept(entity: Entity | UnsetType) -> Ref | Keep | None:
    """What a change says of a thing that need not be; an empty element means none."""
    return KEEP if isinstance(entity, UnsetType) else ref(entity)


def _vlan_id(body: Network) -> int | None:
    tag = UNSET if isinstance(body.vlan, UnsetType) else body.vlan.id
    return None if isinstance(tag, UnsetType) else tag


def _name_servers(body: Network) -> tuple[str, ...] | Keep:
    dns = body.dns_resolver_configuration
    return KEEP if isinstance(dns, UnsetType) else tuple(or_default(dns.name_servers, []))


@NETWORKS.adds(ActionGroup.CREATE_STORAGE_POOL_NETWORK, below="Add a network to the data centre.")
def add(call: Call[Network], data_center: Ref) -> Network:
    """Add a network to the data centre that it names."""
    body = call.body
    required(body.name, "Network [name]")
    provider, physical = ref(body.external_provider), ref(body.external_provider_physical_network)
    spec = AddNetwork(
        data_center=data_center, provider=provider, physical=physical, **said(body, AddNetwork), **_named(body)
    )
    return show(call.run(add_network, call.actor, spec))


@NETWORKS.changes(
    ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK, below="Change a network of a data centre; hosts that carry it follow."
)
def change(call: Call[Network]) -> None:
    """Change a network; hosts that carry it follow."""
    data_center = kept_ref(call.body.data_center, "Network [dataCenter")
    body = call.body
    spec = UpdateNetwork(
        id=NETWORKS.id(call),
        data_center=data_center,
        provider=_kept(body.external_provider),
        physical=_kept(body.external_provider_physical_network),
        **said(body, UpdateNetwork),
        **_named(body),
    )
    call.run(update_network, call.actor, spec)


NETWORKS.removes(
    ActionGroup.DELETE_STORAGE_POOL_NETWORK,
    remove_network,
    "Remove a network from clusters, hosts and the data centre.",
    below="Remove a network of a data centre.",
)


def _named(body: Network) -> dict[str, Any]:
    """What a command calls otherwise than a request does."""
    return {
        "vlan_id": KEEP if isinstance(body.vlan, UnsetType) else _vlan_id(body),
        "vm_network": KEEP if isinstance(body.usages, UnsetType) else "vm" in body.usages,
        "name_servers": _name_servers(body),
        "qos_id": id_of(body.qos),
    }


class NetworkState(msgspec.Struct, kw_only=True):
    """How far the provider of a network is with what is wanted of it.

    ``state``: ``ok``; ``locked`` while the provider has yet to do it; ``error`` with the reason, and when it is tried
    again. ``external_id``: the provider's own id, empty until it has one; ``owned``: whether Netweft made it there,
    else it was imported. A network that hosts have by themselves has no provider, and is ``ok``.
    """

    id: str
    name: str
    provider: str
    external_id: str
    owned: bool
    state: str
    reason: str
    attempts: int
    next_try: str | None


class NetworkStates(msgspec.Struct, kw_only=True):
    """Those of several."""

    networks: list[NetworkState]


@additions.get("/networks", NetworkStates, needs=READ)
def list_states(call: Call[None]) -> NetworkStates:
    """How the networks are that providers have."""
    with call.read() as tx:
        found = [row for row in NETWORKS.visible(tx, call) if row.provider_id is not None]
        return NetworkStates(networks=_states(tx, found))


@additions.get("/networks/{network_id}", NetworkState, needs=READ)
def get_state(call: Call[None]) -> NetworkState:
    """How one network is."""
    network_id = call.ids["network_id"]
    with call.read() as tx:
        require_visible(tx, call, ObjectType.NETWORK, network_id)
        return _states(tx, [queries.get(tx, network_id)])[0]


def _states(tx: Tx, found: Sequence[NetworkRow]) -> list[NetworkState]:
    there = {row.object_id: row for row in object_queries.of_networks(tx, [row.id for row in found])}
    names = {row.id: row.name for row in PROVIDERS.all(tx, PROVIDERS.select)} if there else {}
    return [_state(row, there.get(row.id), names.get(row.provider_id or "", "")) for row in found]


def _state(row: NetworkRow, there: ProviderObjectRow | None, provider: str) -> NetworkState:
    return NetworkState(
        id=row.id,
        name=row.name,
        provider=provider,
        external_id=there.external_id if there else "",
        owned=there.owned if there else True,
        state=there.state if there else "ok",
        reason=there.error if there else "",
        attempts=there.attempts if there else 0,
        next_try=there.next_try.isoformat() if there and there.next_try else None,
    )
