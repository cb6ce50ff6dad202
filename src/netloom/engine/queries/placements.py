"""Where a virtual machine can run: the cluster's hosts and the machine's needs, as the scheduler wants them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from netloom.core.nic_view import NicView, nic_views
from netloom.core.protocol import GuestState
from netloom.core.schedule import Choice, FreeFunctions, GuestNeeds, HostState, NetworkOn, Uplink, choose
from netloom.core.sync import locate_networks
from netloom.engine.db import Tx
from netloom.engine.model.cluster_networks import cluster_networks
from netloom.engine.model.clusters import clusters
from netloom.engine.model.hosts import hosts
from netloom.engine.model.networks import networks
from netloom.engine.queries import functions as function_queries
from netloom.engine.queries import host_networks as host_queries
from netloom.engine.queries import vms as vm_queries


def choice(
    tx: Tx, vm: sa.Row[Any], vnics: Sequence[sa.Row[Any]], host_id: str = "", leaving: GuestState | None = None
) -> Choice:
    """The hosts of the machine's cluster on which it can run, and why not on the others; of that one host, if given.

    ``vnics``: the rows of :func:`netloom.engine.queries.vms.select_vnics` of the machine. ``leaving``: the guest as it
    runs on the host that it is to leave, which is not asked.
    """
    wanted = hosts.c.id == host_id if host_id else hosts.c.cluster_id == vm.cluster_id
    if leaving:
        wanted = sa.and_(wanted, hosts.c.id != vm.host_id)
    host_ids = list(tx.scalars(sa.select(hosts.c.id).where(wanted)))
    promised = vm_queries.memory_promised(tx, host_ids)
    needs = _needs(tx, vm, vnics)
    restricted, held = function_queries.served(tx, host_ids), function_queries.held(tx, host_ids)
    states = [
        replace(_state(data, promised), functions=_functions(data, restricted[data.row.id], held[data.row.id]))
        if needs.passthrough
        else _state(data, promised)
        for data in host_queries.load(tx, host_ids).values()
    ]
    if leaving:
        switch_type = tx.execute(sa.select(clusters.c.switch_type).where(clusters.c.id == vm.cluster_id)).scalar_one()
        needs = replace(needs, driver=leaving.driver, switch_type=switch_type)
    return choose(needs, states)


def _needs(tx: Tx, vm: sa.Row[Any], vnics: Sequence[sa.Row[Any]]) -> GuestNeeds:
    of_cluster = sa.select(networks.c.id, networks.c.name).join(
        cluster_networks, cluster_networks.c.network_id == networks.c.id
    )
    of_cluster = of_cluster.where(cluster_networks.c.cluster_id == vm.cluster_id)
    required = tx.execute(of_cluster.where(cluster_networks.c.required, cluster_networks.c.status == "operational"))
    display = tx.execute(of_cluster.where(cluster_networks.c.display)).first()
    bridged = [row for row in vnics if row.network_id and row.plugged and not row.passthrough]
    passed = [row for row in vnics if row.plugged and row.passthrough]
    return GuestNeeds(
        id=vm.id,
        cluster_id=vm.cluster_id,
        networks={
            row.network_id: row.network_name for row in (*bridged, *vm_queries.failovers_of(tx, passed).values())
        },
        passthrough={row.id: row.network_id for row in passed},
        required={row.id: row.name for row in required},
        display=(display.id, display.name) if display else None,
        memory=vm.memory,
        driver=vm.custom_properties.get("driver", ""),
    )


def _state(data: host_queries.HostData, promised: Mapping[str, tuple[int, int]]) -> HostState:
    guests, memory = promised.get(data.row.id, (0, 0))
    capabilities = data.report.capabilities if data.report else None
    whole = capabilities.memory if capabilities else 0
    views = nic_views(data.host)
    on = locate_networks(data.host)
    return HostState(
        id=data.row.id,
        name=data.row.name,
        status=data.row.status,
        cluster_id=data.row.cluster_id,
        networks={
            one.network_id: NetworkOn(
                in_sync=data.is_in_sync(one),
                has_boot_protocol=any(ip.method != "none" for ip in one.assignments),
                uplink=on[one.network_id].base,
            )
            for one in data.intent.attachments
            if one.network_id in on
        },
        guest_drivers=capabilities.guest_drivers if capabilities else (),
        guests=guests,
        memory=whole,
        memory_free=whole - memory,
        switch_type=data.intent.switch_type,
        uplinks={name: _uplink(view, views) for name, view in views.items() if view.kind != "vlan"},
    )


def _functions(
    data: host_queries.HostData, restricted: Mapping[str, function_queries.Served], held: Collection[str]
) -> tuple[FreeFunctions, ...]:
    free = function_queries.free(data, restricted, held)
    return tuple(FreeFunctions(nic=one.nic, free=len(one.functions), networks=one.networks) for one in free)


def _uplink(view: NicView, views: Mapping[str, NicView]) -> Uplink:
    ports = [views[slave] for slave in view.bond.slaves if slave in views] if view.bond else [view]
    return Uplink(ports=max(1, len(ports)), ports_up=sum(port.is_up for port in ports))
