"""Reads of the vNICs of all virtual machines with their related names, for long lists."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.hosts import hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.records import Record
from netweft.engine.model.subnets import vnic_addresses
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import VnicRow, vnics
from netweft.engine.noun import Narrow, Noun, ObjectType
from netweft.engine.queries.grouping import grouped
from netweft.engine.statements import Among, Statement, rows


class VnicLine(VnicRow, frozen=True, kw_only=True):
    """A vNIC with the names of what it is in and on; None for one on no network, or of a machine on no host."""

    vm_name: str
    vm_status: str
    cluster_id: str
    cluster_name: str
    host_id: str | None
    host_name: str | None
    profile_name: str | None
    network_id: str | None
    network_name: str | None


def _address(test: Callable[[Any], sa.ColumnElement[bool]]) -> sa.ColumnElement[bool]:
    return sa.exists().where(vnic_addresses.c.vnic_id == vnics.c.id, test(vnic_addresses.c.address))


VNICS = Noun(
    vnics,
    VnicLine,
    "vNIC",
    sa.select(
        vnics,
        vms.c.name.label("vm_name"),
        vms.c.status.label("vm_status"),
        vms.c.cluster_id,
        clusters.c.name.label("cluster_name"),
        vms.c.host_id,
        hosts.c.name.label("host_name"),
        vnic_profiles.c.name.label("profile_name"),
        vnic_profiles.c.network_id,
        networks.c.name.label("network_name"),
    ).select_from(
        vnics.join(vms, vms.c.id == vnics.c.vm_id)
        .join(clusters, clusters.c.id == vms.c.cluster_id)
        .join(data_centers, data_centers.c.id == clusters.c.data_center_id)
        .outerjoin(hosts, hosts.c.id == vms.c.host_id)
        .outerjoin(vnic_profiles, vnic_profiles.c.id == vnics.c.profile_id)
        .outerjoin(networks, networks.c.id == vnic_profiles.c.network_id)
    ),
    {
        "vm": vms.c.name,
        "name": vnics.c.name,
        "mac": vnics.c.mac,
        "profile": vnic_profiles.c.name,
        "network": networks.c.name,
        "host": hosts.c.name,
        "cluster": clusters.c.name,
        "datacenter": data_centers.c.name,
        "address": _address,
        "plugged": vnics.c.plugged,
        "linked": vnics.c.linked,
        "synced": vnics.c.synced,
        "status": vms.c.status,
        "id": vnics.c.id,
        "vm.id": vnics.c.vm_id,
        "profile.id": vnics.c.profile_id,
        "network.id": vnic_profiles.c.network_id,
    },
    order=(vms.c.name, vnics.c.name, vnics.c.id),
    parent="vm_id",
)


class _Address(Record, frozen=True):
    vnic_id: str
    address: str


def addresses_of(tx: Tx, vnic_ids: Collection[str]) -> dict[str, list[_Address]]:
    """The addresses that each vNIC has of subnets."""
    return grouped(_ADDRESSES.all(tx, vnic_ids=vnic_ids), "vnic_id")


_ADDRESSES = Statement(
    sa.select(vnic_addresses.c.vnic_id, vnic_addresses.c.address)
    .where(Among(vnic_addresses.c.vnic_id, "vnic_ids"))
    .order_by(vnic_addresses.c.address),
    record=_Address,
)


class Holder(Record, frozen=True):
    """A vNIC with a MAC address that others have, too."""

    id: str
    mac: str
    name: str
    vm_name: str


_SHARED = sa.select(vnics.c.mac).group_by(vnics.c.mac).having(sa.func.count() > 1).scalar_subquery()


def holders(tx: Tx, narrow: Narrow) -> dict[str, list[Holder]]:
    """The vNICs whose MAC address several have, by that, of machines that may be seen."""
    query = sa.select(vnics.c.id, vnics.c.mac, vnics.c.name, vms.c.name.label("vm_name"))
    query = (
        query.join(vms, vms.c.id == vnics.c.vm_id).where(vnics.c.mac.in_(_SHARED)).order_by(vms.c.name, vnics.c.name)
    )
    return grouped(rows(tx, Holder, narrow(ObjectType.VM, query)), "mac")
