"""Reads of virtual machines and their vNICs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.hosts import hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.qos import VNIC_LIMITS, qoss
from netweft.engine.model.templates import templates
from netweft.engine.model.vms import ThisRun, VmRow, vms
from netweft.engine.model.vnic_profiles import VnicProfileRow, vnic_profiles
from netweft.engine.model.vnics import FilterParameterRow, VnicRow, filter_parameters, vnics
from netweft.engine.noun import Narrow, Noun, ObjectType, searched
from netweft.engine.queries.grouping import grouped
from netweft.engine.queries.tags import having
from netweft.engine.statements import Among, Statement, rows

V = TypeVar("V", bound=VmRow)


class VmDetails(VmRow, frozen=True, kw_only=True):
    """A virtual machine, and the names of its cluster, data centre, template and host."""

    cluster_name: str
    architecture: str
    data_center_id: str
    data_center_name: str
    template_name: str
    host_name: str | None


VMS = Noun(
    vms,
    VmDetails,
    "VM",
    sa.select(
        vms,
        clusters.c.name.label("cluster_name"),
        clusters.c.cpu_architecture.label("architecture"),
        clusters.c.data_center_id,
        data_centers.c.name.label("data_center_name"),
        templates.c.name.label("template_name"),
        hosts.c.name.label("host_name"),
    ).select_from(
        vms.join(clusters, clusters.c.id == vms.c.cluster_id)
        .join(data_centers, data_centers.c.id == clusters.c.data_center_id)
        .join(templates, templates.c.id == vms.c.template_id)
        .outerjoin(hosts, hosts.c.id == vms.c.host_id)
    ),
    searched(
        vms,
        status=vms.c.status,
        cluster=clusters.c.name,
        datacenter=data_centers.c.name,
        host=hosts.c.name,
        template=templates.c.name,
        tag=having("vm", vms.c.id),
        host__name=hosts.c.name,
        cluster__name=clusters.c.name,
        vm__name=vms.c.name,
    ),
    object_type=ObjectType.VM,
    parent="cluster_id",
)
get = VMS.get


VNICS = Noun(
    vnics,
    VnicRow,
    "vNIC",
    search={
        name: vnics.c[name] for name in ("name", "id", "description", "mac", "interface", "plugged", "linked", "synced")
    },
    parent="vm_id",
)
"""What is the vNICs' own, and nothing of profile and network."""


def on_host(tx: Tx, narrow: Narrow, host_id: str) -> list[VmDetails]:
    """The machines on a host that may be seen, by name."""
    here = VMS.select.where(vms.c.host_id == host_id).order_by(vms.c.name)
    return VMS.all(tx, narrow(ObjectType.VM, here))


def as_it_runs(vm: V, this_run: ThisRun) -> V:
    """A virtual machine's row with the values that it has in one run."""
    return msgspec.structs.replace(vm, **this_run.given())


class VnicDetails(VnicRow, frozen=True, kw_only=True):
    """A vNIC, and of its profile and network what guests and the API need; None for one on no network."""

    profile_name: str | None
    network_id: str | None
    passthrough: bool | None
    migratable: bool | None
    failover_id: str | None
    port_mirroring: bool | None
    network_filter_id: str | None
    profile_properties: dict[str, str] | None
    inbound_average: int | None
    inbound_peak: int | None
    inbound_burst: int | None
    outbound_average: int | None
    outbound_peak: int | None
    outbound_burst: int | None
    network_name: str | None
    vlan_id: int | None
    mtu: int | None
    vm_network: bool | None
    port_isolation: bool | None
    provider_id: str | None
    cluster_id: str
    vm_name: str
    in_cluster: bool


def _select_vnics() -> sa.Select[Any]:
    in_cluster = (
        sa.exists()
        .where(cluster_networks.c.network_id == networks.c.id, cluster_networks.c.cluster_id == vms.c.cluster_id)
        .label("in_cluster")
    )
    return sa.select(
        vnics,
        vnic_profiles.c.name.label("profile_name"),
        vnic_profiles.c.network_id,
        vnic_profiles.c.passthrough,
        vnic_profiles.c.migratable,
        vnic_profiles.c.failover_id,
        vnic_profiles.c.port_mirroring,
        vnic_profiles.c.network_filter_id,
        vnic_profiles.c.custom_properties.label("profile_properties"),
        *(qoss.c[name] for name in VNIC_LIMITS),
        networks.c.name.label("network_name"),
        networks.c.vlan_id,
        networks.c.mtu,
        networks.c.vm_network,
        networks.c.port_isolation,
        networks.c.provider_id,
        vms.c.cluster_id,
        vms.c.name.label("vm_name"),
        in_cluster,
    ).select_from(
        vnics.join(vms, vms.c.id == vnics.c.vm_id)
        .outerjoin(vnic_profiles, vnic_profiles.c.id == vnics.c.profile_id)
        .outerjoin(networks, networks.c.id == vnic_profiles.c.network_id)
        .outerjoin(qoss, qoss.c.id == vnic_profiles.c.qos_id)
    )


def vnics_of(tx: Tx, vm_ids: Collection[str]) -> dict[str, list[VnicDetails]]:
    """The vNICs of each virtual machine, by name."""
    return grouped(_VNICS_OF.all(tx, vm_ids=vm_ids), "vm_id")


_VNICS_OF = Statement(_select_vnics().where(Among(vnics.c.vm_id, "vm_ids")).order_by(vnics.c.name), record=VnicDetails)


def get_vnic(tx: Tx, vm_id: str, vnic_id: str) -> VnicDetails:
    """One of them; raises NotFoundError when the virtual machine has no such vNIC."""
    row = _GET_VNIC.first(tx, id=vnic_id, vm_id=vm_id)
    if row is None:
        raise NotFoundError(f"VM {vm_id} has no vNIC with the id {vnic_id}.")
    return row


_GET_VNIC = Statement(
    _select_vnics().where(vnics.c.id == sa.bindparam("id"), vnics.c.vm_id == sa.bindparam("vm_id")), record=VnicDetails
)


def vnic_names(tx: Tx, vm_id: str, *, besides: str = "") -> list[str]:
    """The names of a virtual machine's vNICs, but for that of one."""
    return VNIC_NAMES.scalars(tx, vm_id=vm_id, besides=besides)


VNIC_NAMES = Statement(
    sa.select(vnics.c.name).where(vnics.c.vm_id == sa.bindparam("vm_id"), vnics.c.id != sa.bindparam("besides"))
)
""":func:`vnic_names`, for who asks more at once."""


class Failover(VnicProfileRow, frozen=True, kw_only=True):
    """A profile that takes over, and of its network what guests need."""

    network_name: str
    vlan_id: int | None
    mtu: int
    port_isolation: bool


def failovers_of(tx: Tx, passed: Collection[VnicDetails]) -> dict[str, Failover]:
    """By profile what takes over for pass-through vNICs."""
    wanted = {row.failover_id for row in passed if row.failover_id}
    if not wanted:
        return {}
    columns = (
        networks.c.name.label("network_name"),
        *(networks.c[name] for name in ("vlan_id", "mtu", "port_isolation")),
    )
    query = sa.select(vnic_profiles, *columns).join(networks, networks.c.id == vnic_profiles.c.network_id)
    return {row.id: row for row in rows(tx, Failover, query.where(vnic_profiles.c.id.in_(wanted)))}


def parameters_of(tx: Tx, vnic_ids: Collection[str]) -> dict[str, list[FilterParameterRow]]:
    """The filter parameters of each vNIC, by name."""
    return grouped(_PARAMETERS_OF.all(tx, vnic_ids=vnic_ids), "vnic_id")


_PARAMETERS_OF = Statement(
    sa.select(filter_parameters)
    .where(Among(filter_parameters.c.vnic_id, "vnic_ids"))
    .order_by(filter_parameters.c.name, filter_parameters.c.id),
    record=FilterParameterRow,
)


def get_parameter(tx: Tx, vnic_id: str, parameter_id: str) -> FilterParameterRow:
    """One of them; raises NotFoundError."""
    for row in parameters_of(tx, (vnic_id,))[vnic_id]:
        if row.id == parameter_id:
            return row
    raise NotFoundError(f"vNIC {vnic_id} has no filter parameter with the id {parameter_id}.")


def memory_promised(tx: Tx, host_ids: Collection[str]) -> dict[str, tuple[int, int]]:
    """For each host with virtual machines how many there are, and their memory in octets: those that run there, those
    that are being started there, and those that migrate there.
    """
    here = sa.select(vms.c.host_id.label("place"), vms.c.memory).where(vms.c.host_id.in_(host_ids))
    coming = sa.select(vms.c.target_host_id.label("place"), vms.c.memory).where(vms.c.target_host_id.in_(host_ids))
    all_of = here.union_all(coming).subquery()
    query = sa.select(all_of.c.place, sa.func.count(), sa.func.sum(all_of.c.memory)).group_by(all_of.c.place)
    return {host_id: (number, int(memory)) for host_id, number, memory in tx.execute(query)}
