"""Reads of virtual machines and their vNICs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.hosts import hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.qos import qoss
from netweft.engine.model.templates import templates
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import filter_parameters, vnics
from netweft.engine.statements import Among, Statement

QOS_LIMITS = tuple(f"{way}_{kind}" for way in ("inbound", "outbound") for kind in ("average", "peak", "burst"))
"""Columns of a vNIC's QoS: Mbit/s, and MB for the bursts."""


def select() -> sa.Select[Any]:
    """Every column of virtual machines, and the names of their cluster, data centre, template and host."""
    return sa.select(
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
    )


def get(tx: Tx, vm_id: str) -> sa.Row[Any]:
    """One row of :func:`select`; raises NotFoundError."""
    row = _GET.first(tx, id=vm_id)
    if row is None:
        raise NotFoundError(f"There is no VM with the id {vm_id}.")
    return row


_GET = Statement(select().where(vms.c.id == sa.bindparam("id")))


def as_it_runs(vm: sa.Row[Any], this_run: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a row but for some values
    """A virtual machine's row with the values that it has in one run."""
    return SimpleNamespace(**{**vm._asdict(), **this_run})


def select_vnics() -> sa.Select[Any]:
    """Every column of vNICs, and of their profile and network what guests and the API need; nulls for one on no
    network.
    """
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
        *(qoss.c[name] for name in QOS_LIMITS),
        networks.c.name.label("network_name"),
        networks.c.vlan_id,
        networks.c.mtu,
        networks.c.vm_network,
        networks.c.port_isolation,
        vms.c.cluster_id,
        vms.c.name.label("vm_name"),
        in_cluster,
    ).select_from(
        vnics.join(vms, vms.c.id == vnics.c.vm_id)
        .outerjoin(vnic_profiles, vnic_profiles.c.id == vnics.c.profile_id)
        .outerjoin(networks, networks.c.id == vnic_profiles.c.network_id)
        .outerjoin(qoss, qoss.c.id == vnic_profiles.c.qos_id)
    )


def vnics_of(tx: Tx, vm_ids: Collection[str]) -> dict[str, list[sa.Row[Any]]]:
    """The rows of :func:`select_vnics` of each virtual machine, by name."""
    found: dict[str, list[sa.Row[Any]]] = defaultdict(list)
    for row in _VNICS_OF.all(tx, vm_ids=vm_ids):
        found[row.vm_id].append(row)
    return found


def own_facts_of(tx: Tx, vm_ids: Collection[str]) -> dict[str, list[sa.Row[Any]]]:
    """What is the vNICs' own, and nothing of profile and network, of each virtual machine by name: cheaper where many
    are listed.
    """
    found: dict[str, list[sa.Row[Any]]] = defaultdict(list)
    for row in _OWN_FACTS_OF.all(tx, vm_ids=vm_ids):
        found[row.vm_id].append(row)
    return found


_VNICS_OF = Statement(select_vnics().where(Among(vnics.c.vm_id, "vm_ids")).order_by(vnics.c.name))


_OWN_FACTS_OF = Statement(sa.select(vnics).where(Among(vnics.c.vm_id, "vm_ids")).order_by(vnics.c.name))


def get_vnic(tx: Tx, vm_id: str, vnic_id: str) -> sa.Row[Any]:
    """One row of :func:`select_vnics`; raises NotFoundError when the virtual machine has no such vNIC."""
    row = _GET_VNIC.first(tx, id=vnic_id, vm_id=vm_id)
    if row is None:
        raise NotFoundError(f"VM {vm_id} has no vNIC with the id {vnic_id}.")
    return row


_GET_VNIC = Statement(select_vnics().where(vnics.c.id == sa.bindparam("id"), vnics.c.vm_id == sa.bindparam("vm_id")))


def vnic_names(tx: Tx, vm_id: str, *, besides: str = "") -> list[str]:
    """The names of a virtual machine's vNICs, but for that of one."""
    return [row.name for row in VNIC_NAMES.all(tx, vm_id=vm_id, besides=besides)]


VNIC_NAMES = Statement(
    sa.select(vnics.c.name).where(vnics.c.vm_id == sa.bindparam("vm_id"), vnics.c.id != sa.bindparam("besides"))
)
""":func:`vnic_names`, for who asks more at once."""


def failovers_of(tx: Tx, rows: Collection[sa.Row[Any]]) -> dict[str, sa.Row[Any]]:
    """By profile the networks, as :func:`select_vnics` has them, that take over for pass-through vNICs."""
    wanted = {row.failover_id for row in rows if row.failover_id}
    if not wanted:
        return {}
    columns = (
        networks.c.name.label("network_name"),
        *(networks.c[name] for name in ("vlan_id", "mtu", "port_isolation")),
    )
    query = sa.select(vnic_profiles, *columns).join(networks, networks.c.id == vnic_profiles.c.network_id)
    return {row.id: row for row in tx.execute(query.where(vnic_profiles.c.id.in_(wanted)))}


def parameters_of(tx: Tx, vnic_ids: Collection[str]) -> dict[str, list[sa.Row[Any]]]:
    """The filter parameters of each vNIC, by name."""
    found: dict[str, list[sa.Row[Any]]] = defaultdict(list)
    for row in _PARAMETERS_OF.all(tx, vnic_ids=vnic_ids):
        found[row.vnic_id].append(row)
    return found


_PARAMETERS_OF = Statement(
    sa.select(filter_parameters)
    .where(Among(filter_parameters.c.vnic_id, "vnic_ids"))
    .order_by(filter_parameters.c.name, filter_parameters.c.id)
)


def get_parameter(tx: Tx, vnic_id: str, parameter_id: str) -> sa.Row[Any]:
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
    query = sa.select(
        all_of.c.place, sa.func.count().label("number"), sa.func.sum(all_of.c.memory).label("memory")
    ).group_by(all_of.c.place)
    return {row.place: (int(row.number), int(row.memory)) for row in tx.execute(query)}
