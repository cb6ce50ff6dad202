"""Adding, changing and removing the subnets of networks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import sqlalchemy as sa
from msgspec.structs import replace

from netweft.core.addresses import server_address
from netweft.core.keep import KEEP, Keep
from netweft.core.rules import check, fields
from netweft.core.rules import subnet as rules
from netweft.engine.actor import Actor
from netweft.engine.changes import changes, made, updated
from netweft.engine.db import Tx, lock, new_id, utc_now
from netweft.engine.model.networks import NetworkRow
from netweft.engine.model.subnets import AddressPool, HostRoute, SubnetRow, subnets, vnic_addresses
from netweft.engine.model.vnics import vnics
from netweft.engine.operations import provider_networks, vnic_sync
from netweft.engine.operations.network_access import lock_network, record_event
from netweft.engine.operations.races import translate_constraint_errors
from netweft.engine.queries import subnets as queries
from netweft.engine.queries.subnets import SUBNETS
from netweft.engine.statements import add

ADDED, UPDATED, REMOVED = 10950, 10952, 10954
"""Event codes (Netweft's own: oVirt's subnets are its providers')."""

_ADD = "Cannot add Subnet."
_UPDATE = "Cannot edit Subnet."
_REMOVE = "Cannot remove Subnet."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fields:
    """``gateway``: empty for none. ``allocation_pools``: what addresses are given out of; none for all of the subnet
    but the gateway.
    """

    name: str | Keep = KEEP
    description: str | Keep = KEEP
    gateway: str | Keep = KEEP
    allocation_pools: tuple[AddressPool, ...] | Keep = KEEP
    dns_servers: tuple[str, ...] | Keep = KEEP
    host_routes: tuple[HostRoute, ...] | Keep = KEEP
    dhcp: bool | Keep = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class AddSubnet(_Fields):
    """A new subnet. ``cidr``: such as ``192.0.2.0/24``."""

    network_id: str
    name: str
    cidr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSubnet(_Fields):
    """What changes of a subnet."""

    id: str
    cidr: str | Keep = KEEP


def add_subnet(tx: Tx, actor: Actor, spec: AddSubnet) -> str:
    """Add a subnet to a network; vNICs that come to it from then on have addresses of it. Returns its id.

    Needs CONFIGURE_STORAGE_POOL_NETWORK on the network. Raises NotFoundError, DeniedError, ValidationError.
    """
    network = lock_network(tx, actor, spec.network_id)
    provider_networks.require_writable(tx, _ADD, network, f"Subnet '{spec.name}'")
    check(_ADD, rules.cidr_is_valid(spec.cidr))
    subnet = made(SubnetRow, spec, id=new_id(), created_at=utc_now())
    subnet = _with_server(_ADD, network, _checked(_ADD, network, subnet), ())
    others = {row.name: row.cidr for row in queries.of_network(tx, network.id)}
    check(
        _ADD,
        rules.name_is_free(subnet.name, is_taken=subnet.name in others),
        rules.overlaps_no_other(ip_network(subnet.cidr), others),
    )
    add(tx, subnets, subnet)
    provider_networks.want_subnet(tx, actor, network, subnet.id)
    record_event(tx, actor, ADDED, f"Subnet {subnet.name} ({subnet.cidr}) was added to network {network.name}", network)
    return subnet.id


def update_subnet(tx: Tx, actor: Actor, spec: UpdateSubnet) -> str | None:
    """Change a subnet. Addresses that vNICs have stay theirs, also outside of its new allocation pools. Returns the id
    of the job that brings the change to the network's provider, if there is one.

    Needs CONFIGURE_STORAGE_POOL_NETWORK on its network. Raises NotFoundError, DeniedError, ValidationError.
    """
    network = lock_network(tx, actor, queries.get(tx, spec.id).network_id)
    before = lock(tx, subnets, spec.id)
    check(_UPDATE, rules.cidr_is_valid(before.cidr if spec.cidr is KEEP else spec.cidr))
    after = updated(before, spec)
    check(_UPDATE, rules.cidr_is_kept(before.cidr, str(ip_network(after.cidr))))
    after = _with_server(_UPDATE, network, _checked(_UPDATE, network, after), queries.used_addresses(tx, spec.id))
    changed = changes(before, after)
    here = subnets.c.network_id == network.id
    user = queries.user_of(tx, spec.id, after.gateway) if changed.get("gateway") else ""
    check(
        _UPDATE,
        rules.name_is_free(after.name, is_taken=SUBNETS.is_taken(tx, after.name, here, besides=spec.id)),
        rules.gateway_is_free(after.gateway, user),
    )
    if not changed:
        return None
    provider_networks.require_writable(tx, _UPDATE, network, f"Subnet '{before.name}'")
    tx.execute(sa.update(subnets).where(subnets.c.id == spec.id).values(changed))
    job_id = provider_networks.want_subnet(tx, actor, network, spec.id)
    if job_id is None and (before.dhcp or after.dhcp):
        served = vnics.c.id.in_(sa.select(vnic_addresses.c.vnic_id).where(vnic_addresses.c.subnet_id == spec.id))
        vnic_sync.mark(tx, served)
        vnic_sync.sync_guests(tx, actor, vnic_sync.ON_NETWORK_UPDATE, served)
    record_event(tx, actor, UPDATED, f"Subnet {after.name} of network {network.name} was changed", network)
    return job_id


def remove_subnet(tx: Tx, actor: Actor, subnet_id: str) -> str | None:
    """Remove a subnet of which no vNIC has an address. Returns the id of the job that removes it from the network's
    provider, if there is one.

    Needs CONFIGURE_STORAGE_POOL_NETWORK on its network. Raises NotFoundError, DeniedError, ValidationError.
    """
    subnet = queries.get(tx, subnet_id)
    network = lock_network(tx, actor, subnet.network_id)
    provider_networks.require_writable(tx, _REMOVE, network, f"Subnet '{subnet.name}'")
    check(_REMOVE, rules.is_unused(subnet.name, queries.vnics_using(tx, subnet_id)))
    with translate_constraint_errors(_REMOVE, lambda _: None):
        tx.execute(sa.delete(subnets).where(subnets.c.id == subnet_id))
    job_id = provider_networks.release_subnet(tx, actor, network, subnet_id)
    record_event(tx, actor, REMOVED, f"Subnet {subnet.name} was removed from network {network.name}", network)
    return job_id


def _checked(action: str, network: NetworkRow, subnet: SubnetRow) -> SubnetRow:
    """The subnet with its addresses in the one form that they have. Its CIDR is valid. Raises ValidationError for what
    the rules on it alone refuse.
    """
    cidr = ip_network(subnet.cidr)
    pools, routes = subnet.pools, subnet.routes
    check(
        action,
        fields.name_is_valid("Subnet", subnet.name),
        fields.text_is_valid("subnet", "description", subnet.description),
        rules.cidr_is_for_guests(cidr),
        rules.lists_are_short(pools, subnet.dns_servers, routes),
        rules.dhcp_can_be_served(cidr, dhcp=subnet.dhcp and network.provider_id is None),
    )
    check(
        action,
        rules.gateway_is_valid(cidr, subnet.gateway),
        *(rules.pool_is_valid(cidr, pool) for pool in pools),
        rules.dns_servers_are_valid(cidr, subnet.dns_servers),
        rules.host_routes_are_valid(cidr, routes),
    )
    check(action, rules.pools_are_apart(pools), rules.pools_leave_gateway(subnet.gateway, pools))
    ranges = sorted((ip_address(first), ip_address(last)) for first, last in pools)
    return replace(
        subnet,
        cidr=str(cidr),
        gateway=subnet.gateway and str(ip_address(subnet.gateway)),
        allocation_pools=tuple(AddressPool(first=str(first), last=str(last)) for first, last in ranges),
        dns_servers=tuple(str(ip_address(server)) for server in subnet.dns_servers),
        host_routes=tuple(
            HostRoute(destination=str(ip_network(target)), next_hop=str(ip_address(hop))) for target, hop in routes
        ),
    )


def _with_server(action: str, network: NetworkRow, subnet: SubnetRow, used: Collection[str]) -> SubnetRow:
    """The subnet with an address that hosts serve DHCP from, if they do: that which it had, else one that neither its
    gateway nor a vNIC has (``used``: those of vNICs). Raises ValidationError when none is left.
    """
    by_hosts = subnet.dhcp and network.provider_id is None
    server = subnet.dhcp_server if by_hosts else ""
    if by_hosts and server in {"", subnet.gateway}:
        server = server_address(subnet.cidr, {*used, subnet.gateway} - {""})
    check(
        action,
        rules.dhcp_has_address(ip_network(subnet.cidr), server, dhcp=by_hosts),
        rules.dhcp_leaves_addresses(server, subnet.pools),
    )
    return replace(subnet, dhcp_server=server)
