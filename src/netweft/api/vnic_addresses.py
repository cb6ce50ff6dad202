"""The addresses of vNICs, at ``/netweft/v1/vms/{id}/nics``: an addition of Netweft. oVirt's vNIC has no place for
them; a request that adds or changes one says them in its query.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

import msgspec

from netweft.api.collections import Collection
from netweft.api.routes import ADDITIONS, Call, Routes
from netweft.core.keep import KEEP, Keep
from netweft.engine.db import Tx
from netweft.engine.model.vnics import VnicRow
from netweft.engine.operations.vnic_addresses import AUTO, RequestedAddresses
from netweft.engine.queries import subnets as queries
from netweft.engine.queries.vms import VNICS

routes = Routes("vms", ADDITIONS)

QUERY = "address"
"""The parameter by which a request says which addresses a vNIC shall have."""
_NONE = "none"


class VnicAddress(msgspec.Struct, kw_only=True, frozen=True):
    """An address, with the settings of its subnet that a guest needs."""

    address: str
    prefix: int
    ip_version: int
    gateway: str | None
    subnet_id: str
    subnet_name: str


class VnicAddresses(msgspec.Struct, kw_only=True, frozen=True):
    """A vNIC and its addresses."""

    id: str
    name: str
    mac: str
    addresses: list[VnicAddress]


def _show_all(tx: Tx, vnics: Sequence[VnicRow]) -> list[VnicAddresses]:
    found = queries.of_vnics(tx, [vnic.id for vnic in vnics])
    return [
        VnicAddresses(
            id=vnic.id, name=vnic.name, mac=vnic.mac, addresses=[_show(row) for row in found.get(vnic.id, ())]
        )
        for vnic in vnics
    ]


Collection(routes, VNICS, VnicAddresses, "/vms/{vm_id}/nics/{nic_id}", show_all=_show_all).reads(
    "The vNICs of a virtual machine by name, with the addresses that they have of their networks' subnets.", ""
)


def _show(row: queries.VnicAddress) -> VnicAddress:
    cidr = ip_network(row.cidr)
    return VnicAddress(
        address=row.address,
        prefix=cidr.prefixlen,
        ip_version=cidr.version,
        gateway=row.gateway or None,
        subnet_id=row.subnet_id,
        subnet_name=row.subnet_name,
    )


def wishes(call: Call[Any]) -> RequestedAddresses | Keep:
    """What a request says of a vNIC's addresses: these (with commas between them), ``none``, or ``auto``."""
    text = call.query.text(QUERY)
    if not text:
        return KEEP
    if text == AUTO:
        return AUTO
    return () if text == _NONE else tuple(part.strip() for part in text.split(","))
