"""Subnets of networks, and the addresses of them that vNICs have."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from sqlalchemy import PrimaryKeyConstraint, String, UniqueConstraint

from netweft.engine.model.records import Key, LongText, Name, Record, Refers, With, stored

_ADDRESS_LENGTH = 45
"""Characters of an IPv6 address at most."""


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
    # Of {"first": ..., "last": ...}; none: all of it but the gateway.
    allocation_pools: list[dict[str, str]] = msgspec.field(default_factory=list)
    dns_servers: list[str] = msgspec.field(default_factory=list)
    # Of {"destination": ..., "next_hop": ...}.
    host_routes: list[dict[str, str]] = msgspec.field(default_factory=list)
    dhcp: bool = False
    # The DHCP server's address on each host; empty without DHCP, and with IPv6.
    dhcp_server: Annotated[str, String(_ADDRESS_LENGTH), With(server_default="")] = ""


subnets = stored("subnets", SubnetRow, UniqueConstraint("network_id", "name"))


class VnicAddressRow(Record, frozen=True):
    """An address that a vNIC has."""

    subnet_id: Annotated[str, Refers("subnets.id", index=False)]
    address: Annotated[str, String(_ADDRESS_LENGTH)]
    vnic_id: Annotated[str, Refers("vnics.id", on_delete="CASCADE")]


vnic_addresses = stored("vnic_addresses", VnicAddressRow, PrimaryKeyConstraint("subnet_id", "address"))
"""The primary key is what keeps two vNICs from getting the same one."""
