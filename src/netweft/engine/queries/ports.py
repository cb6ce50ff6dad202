"""Reads of the ports that vNICs have, or shall have, on providers of networks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.networks import networks
from netweft.engine.model.provider_objects import provider_objects
from netweft.engine.model.providers import providers
from netweft.engine.model.records import Record
from netweft.engine.model.subnets import vnic_addresses
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.queries.provider_objects import NETWORK, SUBNET
from netweft.engine.statements import Statement

PORT = "port"
"""The kind of the objects that these are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortNeeds:
    """A plugged vNIC on a network of a provider. ``network_id``: the provider's, empty while the network is not there;
    ``security_groups``: None when its profile sets none.
    """

    vnic_id: str
    vnic_name: str
    vm_id: str
    vm_name: str
    mac: str
    network_name: str
    network_id: str
    provider_id: str
    provider_name: str
    addresses: tuple[str, ...]
    security_groups: tuple[str, ...] | None


class _Needs(Record, frozen=True):
    vnic_id: str
    vnic_name: str
    vm_name: str
    mac: str
    network_name: str
    provider_id: str
    provider_name: str
    properties: dict[str, str]
    external_id: str | None


_NEEDS = Statement(
    sa.select(
        vnics.c.id.label("vnic_id"),
        vnics.c.name.label("vnic_name"),
        vms.c.name.label("vm_name"),
        vnics.c.mac,
        networks.c.name.label("network_name"),
        networks.c.provider_id,
        providers.c.name.label("provider_name"),
        vnic_profiles.c.custom_properties.label("properties"),
        provider_objects.c.external_id,
    )
    .select_from(
        vnics.join(vms, vms.c.id == vnics.c.vm_id)
        .join(vnic_profiles, vnic_profiles.c.id == vnics.c.profile_id)
        .join(networks, networks.c.id == vnic_profiles.c.network_id)
        .join(providers, providers.c.id == networks.c.provider_id)
        .outerjoin(
            provider_objects,
            sa.and_(
                provider_objects.c.kind == NETWORK,
                provider_objects.c.object_id == networks.c.id,
                provider_objects.c.wanted == "present",
            ),
        )
    )
    .where(vnics.c.vm_id == sa.bindparam("vm_id"), vnics.c.plugged)
    .order_by(vnics.c.name),
    record=_Needs,
)
_ADDRESSES = Statement(
    sa.select(vnic_addresses.c.vnic_id, vnic_addresses.c.address)
    .join(vnics, vnics.c.id == vnic_addresses.c.vnic_id)
    .where(vnics.c.vm_id == sa.bindparam("vm_id"))
    .order_by(vnic_addresses.c.address)
)


def needs(tx: Tx, vm_id: str) -> list[PortNeeds]:
    """What the plugged vNICs of a machine need of providers, by their names."""
    found = _NEEDS.all(tx, vm_id=vm_id)
    if not found:
        return []
    addresses: dict[str, list[str]] = defaultdict(list)
    for vnic_id, address in _ADDRESSES.all(tx, vm_id=vm_id):
        addresses[vnic_id].append(address)
    return [
        PortNeeds(
            vnic_id=row.vnic_id,
            vnic_name=row.vnic_name,
            vm_id=vm_id,
            vm_name=row.vm_name,
            mac=row.mac,
            network_name=row.network_name,
            network_id=row.external_id or "",
            provider_id=row.provider_id,
            provider_name=row.provider_name,
            addresses=tuple(addresses[row.vnic_id]),
            security_groups=_security_groups(row.properties),
        )
        for row in found
    ]


class NotThere(Record, frozen=True):
    """A network, or a subnet of one, that a provider does not have yet, and the vNIC that needs it. ``error``: of the
    last attempt, if any.
    """

    vnic_id: str
    kind: str
    network_name: str
    provider_name: str
    state: str
    error: str


_NOT_THERE = Statement(
    sa.select(
        vnics.c.id.label("vnic_id"),
        provider_objects.c.kind,
        networks.c.name.label("network_name"),
        providers.c.name.label("provider_name"),
        provider_objects.c.state,
        provider_objects.c.error,
    )
    .distinct()
    .select_from(
        vnics.join(vnic_profiles, vnic_profiles.c.id == vnics.c.profile_id)
        .join(networks, networks.c.id == vnic_profiles.c.network_id)
        .join(providers, providers.c.id == networks.c.provider_id)
        .join(
            provider_objects,
            sa.or_(
                sa.and_(provider_objects.c.kind == NETWORK, provider_objects.c.object_id == networks.c.id),
                sa.and_(provider_objects.c.kind == SUBNET, provider_objects.c.parent_id == networks.c.id),
            ),
        )
    )
    .where(
        vnics.c.vm_id == sa.bindparam("vm_id"),
        vnics.c.plugged,
        provider_objects.c.wanted == "present",
        provider_objects.c.external_id == "",
    )
    .order_by(networks.c.name, provider_objects.c.kind),
    record=NotThere,
)


def not_there(tx: Tx, vm_id: str) -> list[NotThere]:
    """The networks and subnets that providers must create before the plugged vNICs of a machine can have ports."""
    return _NOT_THERE.all(tx, vm_id=vm_id)


def _security_groups(properties: dict[str, str]) -> tuple[str, ...] | None:
    """Those of a profile (oVirt's custom property); None when it sets none."""
    text = properties.get("SecurityGroups")
    return None if text is None else tuple(one.strip() for one in text.split(",") if one.strip())


class Port(Record, frozen=True):
    """Where a vNIC's port is. ``external_id``: the provider's id of it; ``bridge``: the OVS bridge on its host;
    ``mtu``: 0 when unknown.
    """

    vnic_id: str
    external_id: str
    bridge: str
    mtu: int


_PORTS = Statement(
    sa.select(
        provider_objects.c.object_id.label("vnic_id"),
        provider_objects.c.external_id,
        provider_objects.c.bridge,
        provider_objects.c.mtu,
    ).where(
        provider_objects.c.kind == PORT,
        provider_objects.c.parent_id == sa.bindparam("vm_id"),
        provider_objects.c.wanted == "present",
        provider_objects.c.bridge != "",
    ),
    record=Port,
)


def bound(tx: Tx, vm_id: str) -> dict[str, Port]:
    """The bound ports of a machine, by vNIC."""
    return {port.vnic_id: port for port in _PORTS.all(tx, vm_id=vm_id)}


class Released(Record, frozen=True):
    """A port that its vNIC no longer needs."""

    provider_id: str
    vnic_id: str


_RELEASED = Statement(
    sa.select(provider_objects.c.provider_id, provider_objects.c.object_id.label("vnic_id"))
    .where(
        provider_objects.c.kind == PORT,
        provider_objects.c.parent_id == sa.bindparam("vm_id"),
        provider_objects.c.wanted == "absent",
    )
    .order_by(provider_objects.c.object_id),
    record=Released,
)


def released(tx: Tx, vm_id: str) -> list[Released]:
    """The ports of a machine that are to be removed."""
    return _RELEASED.all(tx, vm_id=vm_id)


_DUE = Statement(
    sa.select(provider_objects.c.parent_id)
    .distinct()
    .where(provider_objects.c.kind == PORT, provider_objects.c.next_try <= sa.bindparam("now"))
)


def due(tx: Tx, now: datetime) -> list[str]:
    """The machines with a port that is due for a retry."""
    return _DUE.scalars(tx, now=now)
