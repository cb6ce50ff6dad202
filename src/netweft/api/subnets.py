"""Subnets of networks, at ``/netweft/v1/networks/{id}/subnets`` and ``/netweft/v1/subnets``: an addition of Netweft,
since oVirt has them on networks of providers only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from netweft.api.collections import Collection
from netweft.api.provider_networks import Provision, provision
from netweft.api.routes import ADDITIONS, Call, Later, Routes
from netweft.api.schema import Text, keep
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.subnets import AddSubnet, UpdateSubnet, add_subnet, remove_subnet, update_subnet
from netweft.engine.db import Tx
from netweft.engine.model.subnets import AddressPool, HostRoute
from netweft.engine.operations import provider_networks
from netweft.engine.queries import networks as network_queries
from netweft.engine.queries import provider_objects as object_queries
from netweft.engine.queries import subnets as queries
from netweft.engine.queries.subnets import SubnetDetails

routes = Routes("subnets", ADDITIONS)


class SubnetFields(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What can be said of a subnet. ``gateway``: null for none. ``allocation_pools``: an empty list for all of the
    subnet but its gateway.
    """

    description: Text = UNSET
    gateway: str | UnsetType | None = UNSET
    allocation_pools: tuple[AddressPool, ...] | UnsetType = UNSET
    dns_servers: tuple[str, ...] | UnsetType = UNSET
    host_routes: tuple[HostRoute, ...] | UnsetType = UNSET
    dhcp: bool | UnsetType = UNSET


class NewSubnet(SubnetFields, kw_only=True, frozen=True):
    """A new subnet; ``cidr``: such as ``192.0.2.0/24`` or ``2001:db8::/64``."""

    name: str
    cidr: str


class SubnetChange(SubnetFields, kw_only=True, frozen=True):
    """A change of a subnet. Its ``cidr`` cannot change, but may be sent. Other fields are accepted and ignored, since
    clients send whole subnets back.
    """

    name: Text = UNSET
    cidr: Text = UNSET
    id: msgspec.Raw | UnsetType = UNSET
    href: msgspec.Raw | UnsetType = UNSET
    network_id: msgspec.Raw | UnsetType = UNSET
    network_name: msgspec.Raw | UnsetType = UNSET
    ip_version: msgspec.Raw | UnsetType = UNSET
    used: msgspec.Raw | UnsetType = UNSET
    created_at: msgspec.Raw | UnsetType = UNSET
    provision: msgspec.Raw | UnsetType = UNSET
    dhcp_server: msgspec.Raw | UnsetType = UNSET


class Subnet(msgspec.Struct, kw_only=True, frozen=True):
    """A subnet. ``used``: the number of its addresses that vNICs have; ``provision``: its state on the provider of its
    network, null where the network has none. ``dhcp_server``: the address of the DHCP server on hosts; absent without
    DHCP and for IPv6.
    """

    id: str
    href: str
    network_id: str
    network_name: str
    name: str
    description: str
    cidr: str
    ip_version: int
    gateway: str | None
    allocation_pools: tuple[AddressPool, ...]
    dns_servers: tuple[str, ...]
    host_routes: tuple[HostRoute, ...]
    dhcp: bool
    used: int
    created_at: datetime
    provision: Provision | None
    dhcp_server: str | UnsetType = UNSET


def _show(tx: Tx, rows: Sequence[SubnetDetails]) -> list[Subnet]:
    used = queries.used(tx, [row.id for row in rows])
    provided = {one.object_id: provision(one) for one in object_queries.of_subnets(tx, [row.id for row in rows])}
    return [
        Subnet(
            id=row.id,
            href=f"{ADDITIONS}/subnets/{row.id}",
            network_id=row.network_id,
            network_name=row.network_name,
            name=row.name,
            description=row.description,
            cidr=row.cidr,
            ip_version=ip_network(row.cidr).version,
            gateway=row.gateway or None,
            allocation_pools=row.allocation_pools,
            dns_servers=row.dns_servers,
            host_routes=row.host_routes,
            dhcp=row.dhcp,
            used=used.get(row.id, 0),
            created_at=row.created_at,
            provision=provided.get(row.id),
            dhcp_server=row.dhcp_server or UNSET,
        )
        for row in rows
    ]


SUBNETS = Collection(
    routes, queries.SUBNETS, Subnet, "/subnets/{subnet_id}", show_all=_show, below="/networks/{network_id}"
)
SUBNETS.reads(
    "",
    "One subnet.",
    below=("The subnets of a network, in the order in which they give addresses to vNICs.", ""),
)


def _spec_fields(body: SubnetFields) -> dict[str, Any]:
    """What a request says, as the commands call it; what it does not say stays."""
    return {
        "description": keep(body.description),
        "gateway": keep(body.gateway) or "",
        "allocation_pools": keep(body.allocation_pools),
        "host_routes": keep(body.host_routes),
        "dns_servers": keep(body.dns_servers),
        "dhcp": keep(body.dhcp),
    }


@routes.post(
    "/networks/{network_id}/subnets", NewSubnet, gives=Subnet, needs=ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK
)
def post_subnet(call: Call[NewSubnet]) -> Subnet | Later:
    """Add a subnet to the network; to the provider as well that has the network."""
    body = call.body
    spec = AddSubnet(network_id=call.ids["network_id"], name=body.name, cidr=body.cidr, **_spec_fields(body))
    subnet_id = call.run(add_subnet, call.actor, spec)
    with call.read() as tx:
        provider_id = network_queries.get(tx, spec.network_id).provider_id
        job_id = provider_networks.reconciling(tx, provider_id) if provider_id else None
    return SUBNETS.brought(call, job_id, subnet_id)


@SUBNETS.changes(ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK, takes=SubnetChange)
def change_subnet(call: Call[SubnetChange]) -> str | None:
    """Change a subnet; what is left out stays. Addresses that vNICs have stay theirs."""
    body = call.body
    spec = UpdateSubnet(id=SUBNETS.id(call), name=keep(body.name), cidr=keep(body.cidr), **_spec_fields(body))
    return call.run(update_subnet, call.actor, spec)


SUBNETS.removes(
    ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK,
    remove_subnet,
    "Remove a subnet of which no vNIC has an address; from the provider as well that has its network.",
)
