"""Networks of data centres, at ``/networks`` and below their data centre."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from netweft.api import qos as qos_api
from netweft.api.collections import Collection, same_fields, spec_fields
from netweft.api.request_fields import id_of, kept_ref, ref, required
from netweft.api.routes import Call, Later, Routes
from netweft.api.schema import Entity, or_default, reference
from netweft.api.types import DataCenter, DnsResolverConfiguration, Network, OpenStackNetworkProvider, Vlan
from netweft.core.keep import KEEP, Keep
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.networks import AddNetwork, UpdateNetwork, add_network, remove_network, update_network
from netweft.engine.model.networks import NetworkRow
from netweft.engine.operations import provider_networks
from netweft.engine.queries import networks as queries
from netweft.engine.queries.references import Ref

routes = Routes("networks")

PHYSICAL_NETWORK = "physical_network"
"""The parameter by which a request says what a provider calls the wire that a network is on: oVirt's network has no
element for it.
"""


def show(row: NetworkRow) -> Network:
    """A network."""
    return Network(
        **same_fields(Network, row),
        href=f"/networks/{row.id}",
        usages=["vm"] if row.vm_network else [],
        vdsm_name=row.host_side_name,
        vlan=UNSET if row.vlan_id is None else Vlan(id=row.vlan_id),
        dns_resolver_configuration=DnsResolverConfiguration(name_servers=list(row.name_servers))
        if row.name_servers
        else UNSET,
        data_center=reference(DataCenter, row.data_center_id),
        external_provider=reference(OpenStackNetworkProvider, row.provider_id) if row.provider_id else UNSET,
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


def _vlan_id(body: Network) -> int | None:
    tag = UNSET if isinstance(body.vlan, UnsetType) else body.vlan.id
    return None if isinstance(tag, UnsetType) else tag


def _name_servers(body: Network) -> tuple[str, ...] | Keep:
    dns = body.dns_resolver_configuration
    return KEEP if isinstance(dns, UnsetType) else tuple(or_default(dns.name_servers, []))


@NETWORKS.adds(
    ActionGroup.CREATE_STORAGE_POOL_NETWORK,
    below="Add a network to the data centre; on a provider, if it names one.",
    queries=(PHYSICAL_NETWORK,),
)
def add(call: Call[Network], data_center: Ref) -> Network | Later:
    """Add a network to the data centre that it names; on a provider, if it names one."""
    body = call.body
    required(body.name, "Network [name]")
    spec = AddNetwork(
        data_center=data_center,
        provider=ref(body.external_provider),
        physical=ref(body.external_provider_physical_network),
        physical_name=call.query.text(PHYSICAL_NETWORK),
        **spec_fields(body, AddNetwork),
        **_named(body),
    )
    row = call.run(add_network, call.actor, spec)
    if row.provider_id is None:
        return show(row)
    with call.read() as tx:
        job_id = provider_networks.reconciling(tx, row.provider_id)
    return Later(job_id, lambda: show(row), may_fail=True) if job_id else show(row)


@NETWORKS.changes(
    ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK,
    below="Change a network of a data centre; hosts that carry it, or its provider, follow.",
)
def change(call: Call[Network]) -> str | None:
    """Change a network; hosts that carry it follow, or its provider."""
    body = call.body
    spec = UpdateNetwork(
        id=NETWORKS.id(call),
        data_center=kept_ref(body.data_center, "Network [dataCenter"),
        provider=_kept(body.external_provider),
        physical=_kept(body.external_provider_physical_network),
        **spec_fields(body, UpdateNetwork),
        **_named(body),
    )
    return call.run(update_network, call.actor, spec)


def _kept(entity: Entity | UnsetType) -> Ref | Keep | None:
    """What a change says of a thing; None that there shall be none."""
    return KEEP if isinstance(entity, UnsetType) else ref(entity)


NETWORKS.removes(
    ActionGroup.DELETE_STORAGE_POOL_NETWORK,
    remove_network,
    "Remove a network from clusters, hosts, the provider on which it was made, and the data centre.",
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
