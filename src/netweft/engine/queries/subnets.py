"""Reads of subnets, and of the addresses that vNICs have of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from ipaddress import ip_network

import sqlalchemy as sa

from netweft.core.guest_protocol import Lease
from netweft.engine.db import Tx
from netweft.engine.model.networks import networks
from netweft.engine.model.records import Record
from netweft.engine.model.subnets import AddressPool, HostRoute, SubnetRow, subnets, vnic_addresses
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.noun import Noun
from netweft.engine.queries.grouping import grouped
from netweft.engine.statements import Among, Statement


class SubnetDetails(SubnetRow, frozen=True, kw_only=True):
    """A subnet, and of its network what one asks."""

    network_name: str
    data_center_id: str


FIRST_COME = (subnets.c.created_at, subnets.c.id)
"""The order in which subnets of a network give addresses."""

SUBNETS = Noun(
    subnets,
    SubnetDetails,
    "subnet",
    sa.select(subnets, networks.c.name.label("network_name"), networks.c.data_center_id).join(
        networks, networks.c.id == subnets.c.network_id
    ),
    {name: subnets.c[name] for name in ("name", "id", "description", "cidr", "gateway", "dhcp", "created_at")},
    order=FIRST_COME,
    parent="network_id",
)
get = SUBNETS.get


def of_network(tx: Tx, network_id: str) -> list[SubnetDetails]:
    """The subnets of a network, in the order in which they give addresses."""
    return SUBNETS.all(tx, SUBNETS.select.where(subnets.c.network_id == network_id).order_by(*FIRST_COME))


def used(tx: Tx, subnet_ids: Collection[str]) -> dict[str, int]:
    """How many addresses vNICs have of each subnet; one of which they have none is not there."""
    query = sa.select(vnic_addresses.c.subnet_id, sa.func.count()).group_by(vnic_addresses.c.subnet_id)
    return dict(tx.execute(query.where(vnic_addresses.c.subnet_id.in_(subnet_ids))).all())


def used_addresses(tx: Tx, subnet_id: str) -> list[str]:
    """The addresses of a subnet that vNICs have, in no order."""
    return _TAKEN.scalars(tx, subnet_id=subnet_id)


_TAKEN = Statement(sa.select(vnic_addresses.c.address).where(vnic_addresses.c.subnet_id == sa.bindparam("subnet_id")))


def _users() -> sa.Select[str, str]:
    return (
        sa.select(vms.c.name, vnics.c.name)
        .select_from(vnic_addresses)
        .join(vnics, vnics.c.id == vnic_addresses.c.vnic_id)
        .join(vms, vms.c.id == vnics.c.vm_id)
        .order_by(vms.c.name, vnics.c.name)
    )


def vnics_using(tx: Tx, subnet_id: str) -> list[str]:
    """The vNICs with an address of a subnet, as ``vm/vnic``."""
    return ["/".join(names) for names in tx.execute(_users().where(vnic_addresses.c.subnet_id == subnet_id))]


def user_of(tx: Tx, subnet_id: str, address: str) -> str:
    """The vNIC that has an address, as ``vm/vnic``; empty when none has."""
    here = vnic_addresses.c.subnet_id == subnet_id, vnic_addresses.c.address == address
    return "/".join(tx.execute(_users().where(*here)).first() or ())


class OfProfile(Record, frozen=True):
    """A vNIC profile's network, and one of its subnets; None where it has none."""

    profile_id: str
    network_id: str
    network_name: str
    subnet_id: str | None
    subnet_name: str | None
    cidr: str | None
    gateway: str | None
    allocation_pools: tuple[AddressPool, ...] | None
    dhcp_server: str | None


COLUMNS = (
    subnets.c.id.label("subnet_id"),
    subnets.c.name.label("subnet_name"),
    subnets.c.cidr,
    subnets.c.gateway,
    subnets.c.allocation_pools,
    subnets.c.dhcp_server,
)
"""Of a subnet what giving addresses needs."""


def of_profiles(tx: Tx, profile_ids: Collection[str]) -> dict[str, list[OfProfile]]:
    """Network and subnets of each profile, in the order in which they give addresses: at least one row for each."""
    return grouped(_OF_PROFILES.all(tx, profile_ids=profile_ids), "profile_id") if profile_ids else {}


_OF_PROFILES = Statement(
    sa.select(
        vnic_profiles.c.id.label("profile_id"),
        vnic_profiles.c.network_id,
        networks.c.name.label("network_name"),
        *COLUMNS,
    )
    .select_from(
        vnic_profiles.join(networks, networks.c.id == vnic_profiles.c.network_id).outerjoin(
            subnets, subnets.c.network_id == vnic_profiles.c.network_id
        )
    )
    .where(Among(vnic_profiles.c.id, "profile_ids"))
    .order_by(*FIRST_COME),
    record=OfProfile,
)


class VnicAddress(Record, frozen=True):
    """An address that a vNIC has, and its subnet."""

    vnic_id: str
    address: str
    subnet_id: str
    subnet_name: str
    cidr: str
    gateway: str


def of_vnics(tx: Tx, vnic_ids: Collection[str]) -> dict[str, list[VnicAddress]]:
    """The addresses of each vNIC, in the order of their subnets."""
    return grouped(_OF_VNICS.all(tx, vnic_ids=vnic_ids), "vnic_id")


class ServedAddress(Record, frozen=True):
    """A vNIC's address in a subnet with DHCP, and the options that its guest gets with it."""

    vnic_id: str
    address: str
    cidr: str
    gateway: str
    dns_servers: tuple[str, ...]
    host_routes: tuple[HostRoute, ...]
    dhcp_server: str


def leases_of(tx: Tx, vnic_ids: Collection[str]) -> dict[str, tuple[Lease, ...]]:
    """What hosts serve the guests of vNICs by DHCP, by vNIC, in the order of their subnets; one that they serve
    nothing is not there, as on networks of providers, which do it themselves.
    """
    found = _SERVED.all(tx, vnic_ids=vnic_ids) if vnic_ids else []
    return {vnic_id: tuple(map(_lease, some)) for vnic_id, some in grouped(found, "vnic_id").items()}


def _lease(row: ServedAddress) -> Lease:
    """Gateways and routes of IPv6 come from router advertisements."""
    prefix = ip_network(row.cidr).prefixlen
    lease = Lease(address=f"{row.address}/{prefix}", server=row.dhcp_server, dns_servers=tuple(row.dns_servers))
    if not row.dhcp_server:
        return lease
    routes = tuple((one.destination, one.next_hop) for one in row.host_routes)
    return replace(lease, gateway=row.gateway, routes=routes)


_SERVED = Statement(
    sa.select(
        vnic_addresses.c.vnic_id,
        vnic_addresses.c.address,
        *(subnets.c[name] for name in ("cidr", "gateway", "dns_servers", "host_routes", "dhcp_server")),
    )
    .join(subnets, subnets.c.id == vnic_addresses.c.subnet_id)
    .join(networks, networks.c.id == subnets.c.network_id)
    .where(Among(vnic_addresses.c.vnic_id, "vnic_ids"), subnets.c.dhcp, networks.c.provider_id.is_(None))
    .order_by(*FIRST_COME, vnic_addresses.c.address),
    record=ServedAddress,
)

_OF_VNICS = Statement(
    sa.select(
        vnic_addresses.c.vnic_id,
        vnic_addresses.c.address,
        vnic_addresses.c.subnet_id,
        subnets.c.name.label("subnet_name"),
        subnets.c.cidr,
        subnets.c.gateway,
    )
    .join(subnets, subnets.c.id == vnic_addresses.c.subnet_id)
    .where(Among(vnic_addresses.c.vnic_id, "vnic_ids"))
    .order_by(*FIRST_COME, vnic_addresses.c.address),
    record=VnicAddress,
)
