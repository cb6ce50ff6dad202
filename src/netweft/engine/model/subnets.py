"""Subnets of networks, and the addresses of them that vNICs have."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from sqlalchemy import PrimaryKeyConstraint, String, UniqueConstraint

from netweft.engine.model.records import Key, LongText, Name, Record, Refers, With, stored

_ADDRESS_LENGTH = 45
"""Characters of an IPv6 address at most."""


class AddressPool(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A range of addresses to assign, from ``first`` to ``last``."""

    first: str
    last: str


class HostRoute(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A route for guests: to ``destination`` (CIDR) by ``next_hop``."""

    destination: str
    next_hop: str


class SubnetRow(Record, frozen=True):
    """A subnet of a network. Addresses are texts in the one form that they have."""

    id: Key
    network_id: Annotated[str, Refers("networks.id", on_delete="CASCADE", index=False)]
    name: Name
    cidr: Annotated[str, String(_ADDRESS_LENGTH + 4)]
    # Addresses are assigned from the oldest subnet of their version with free ones.
    created_at: datetime
    description: LongText = ""
    # Empty: none.
    gateway: Annotated[str, String(_ADDRESS_LENGTH)] = ""
    # None: all of it but the gateway.
    allocation_pools: tuple[AddressPool, ...] = ()
    dns_servers: tuple[str, ...] = ()
    host_routes: tuple[HostRoute, ...] = ()
    dhcp: bool = False
    # The DHCP server's address on each host; empty without DHCP, and with IPv6.
    dhcp_server: Annotated[str, String(_ADDRESS_LENGTH), With(server_default="")] = ""

    @property
    def pools(self) -> tuple[tuple[str, str], ...]:
        """The first and the last address of each allocation pool."""
        return tuple((pool.first, pool.last) for pool in self.allocation_pools)

    @property
    def routes(self) -> tuple[tuple[str, str], ...]:
        """The destination and the next hop of each host route."""
        return tuple((route.destination, route.next_hop) for route in self.host_routes)


subnets = stored("subnets", SubnetRow, UniqueConstraint("network_id", "name"))


class VnicAddressRow(Record, frozen=True):
    """An address that a vNIC has."""

    subnet_id: Annotated[str, Refers("subnets.id", index=False)]
    address: Annotated[str, String(_ADDRESS_LENGTH)]
    vnic_id: Annotated[str, Refers("vnics.id", on_delete="CASCADE")]


vnic_addresses = stored("vnic_addresses", VnicAddressRow, PrimaryKeyConstraint("subnet_id", "address"))
"""The primary key is what keeps two vNICs from getting the same one."""
