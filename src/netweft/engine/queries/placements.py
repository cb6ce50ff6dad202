"""Where a virtual machine can run: the cluster's hosts and the machine's needs, as input of the scheduler."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from netweft.core.candidates import (
    NATIVE,
    CarriedVnic,
    FreeFunctions,
    GuestNeeds,
    HostState,
    NetworkOn,
    ProvidedNetwork,
    Uplink,
)
from netweft.core.guest_protocol import GuestState
from netweft.core.host import MEGABIT
from netweft.core.nic_view import NicView, nic_views
from netweft.core.protocol import LinkCounters
from netweft.core.schedule import Choice, choose
from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.hosts import HostRow, host_counters, host_reports, hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.providers import providers
from netweft.engine.model.vms import VmRow
from netweft.engine.queries import functions as function_queries
from netweft.engine.queries import host_networks as host_queries
from netweft.engine.queries import network_views
from netweft.engine.queries import port_profiles as profile_queries
from netweft.engine.queries import subnets as subnet_queries
from netweft.engine.queries import vms as vm_queries
from netweft.engine.queries.functions import ReportedFunctions, reported_free
from netweft.engine.queries.host_counters import counters_of
from netweft.engine.queries.provider_hosts import agents_on, hosts_of, twins_of
from netweft.engine.queries.vms import VnicDetails
from netweft.engine.statements import rows


def choice(
    tx: Tx, vm: VmRow, vnics: Sequence[VnicDetails], host_id: str = "", leaving: GuestState | None = None
) -> Choice:
    """The hosts of the machine's cluster on which it can run, and why not on the others; of that one host, if given.

    ``vnics``: those of the machine. ``leaving``: the guest as it
    runs on the host that it is to leave, which is no candidate.
    """
    wanted = hosts.c.id == host_id if host_id else hosts.c.cluster_id == vm.cluster_id
    if leaving:
        wanted = sa.and_(wanted, hosts.c.id != vm.host_id)
    kept = _kept(tx, wanted)
    needs = _needs(tx, vm, vnics)
    has_functions = needs.passthrough or needs.carried
    mine = {row.id for row in vnics}
    states = _with_functions(tx, kept, needs, mine) if has_functions else [one.state for one in kept]
    if needs.provided:
        needs, states = _with_agents(tx, needs, states)
    if leaving and needs.carried:
        needs = replace(needs, implemented=_implemented(tx, needs, leaving))
    if leaving:
        switch_type = tx.execute(sa.select(clusters.c.switch_type).where(clusters.c.id == vm.cluster_id)).scalar_one()
        needs = replace(needs, driver=leaving.driver, switch_type=switch_type)
    return choose(needs, states)


def _implemented(tx: Tx, needs: GuestNeeds, guest: GuestState) -> dict[str, str]:
    """How a running guest has each of its networks that fabrics carry: changes on its host since its start do not
    affect it.
    """
    types = profile_queries.types(tx, {one.network_id for one in needs.carried.values()})
    on_card = {nic.id for nic in guest.nics if nic.profile}
    return {
        one.network_id: types.get(one.network_id, NATIVE) if vnic in on_card else NATIVE
        for vnic, one in needs.carried.items()
        if vnic in {nic.id for nic in guest.nics}
    }


def _needs(tx: Tx, vm: VmRow, vnics: Sequence[VnicDetails]) -> GuestNeeds:
    of_cluster = sa.select(networks.c.id, networks.c.name).join(
        cluster_networks, cluster_networks.c.network_id == networks.c.id
    )
    of_cluster = of_cluster.where(cluster_networks.c.cluster_id == vm.cluster_id)
    is_needed = cluster_networks.c.required, cluster_networks.c.status == "operational"
    required = tx.execute(of_cluster.where(*is_needed)).all()
    display = tx.execute(of_cluster.where(cluster_networks.c.display)).first()
    bridged = [row for row in vnics if row.plugged and not row.passthrough]
    passed = [row for row in vnics if row.plugged and row.passthrough]
    on_providers = {row.network_id for row in bridged if row.provider_id}
    leases = subnet_queries.leases_of(tx, [row.id for row in bridged])
    carried = _carried(tx, bridged, leases)
    return GuestNeeds(
        id=vm.id,
        cluster_id=vm.cluster_id,
        networks={
            **{
                row.network_id: row.network_name
                for row in bridged
                if row.network_id and row.network_name and not row.provider_id
            },
            **{one.network_id: one.network_name for one in vm_queries.failovers_of(tx, passed).values()},
        },
        passthrough={row.id: row.network_id or "" for row in passed},
        required=dict(required),
        display=(display[0], display[1]) if display else None,
        memory=vm.memory,
        driver=vm.custom_properties.get("driver", ""),
        provided=_provided(tx, on_providers) if on_providers else {},
        leases=bool(leases),
        carried=carried,
        unready=profile_queries.unready(tx, {one.network_id for one in carried.values()}),
    )


def card_obstacle(tx: Tx, vnic: VnicDetails) -> str:
    """The property of a vNIC that a dynamic vNIC cannot have, for users; empty for none."""
    (one,) = _carried(tx, [vnic], subnet_queries.leases_of(tx, [vnic.id])).values()
    return one.obstacle


def driven_by_guests(tx: Tx, vnics: Sequence[VnicDetails]) -> frozenset[str]:
    """Those of the vNICs, by id, which a guest would drive directly with a dynamic vNIC."""
    carried = profile_queries.carried(tx, {row.network_id for row in vnics if row.network_id})
    return frozenset(row.id for row in vnics if carried.get(row.network_id or ""))


def cards_with(tx: Tx, network_id: str, host_id: str) -> frozenset[str]:
    """The virtual interface cards of a host to which a fabric carries a network, by their ids in the fabric."""
    by_server = profile_queries.carrying(tx, {network_id}, ready=True).get(network_id)
    if not by_server:
        return frozenset()
    report = host_queries.load_one(tx, host_id).report
    cards = report.capabilities.interface_cards if report else ()
    known = {card.fabric_id(report.capabilities.uuid) for card in cards} if report else set()
    return frozenset(known & by_server.keys())


def _carried(tx: Tx, bridged: Sequence[VnicDetails], leases: Collection[str]) -> dict[str, CarriedVnic]:
    """The vNICs whose networks fabrics carry; ``leases``: the ids of those that hosts serve addresses by DHCP."""
    carried = profile_queries.carried(tx, {row.network_id for row in bridged if row.network_id})
    return {
        row.id: CarriedVnic(
            name=row.name,
            network_id=row.network_id,
            obstacle=_obstacle(row, is_direct=carried[row.network_id], is_served=row.id in leases),
        )
        for row in bridged
        if row.network_id in carried
    }


def _obstacle(row: VnicDetails, *, is_direct: bool, is_served: bool) -> str:
    """The property of a vNIC, its profile or its network that a fabric does not support for a dynamic vNIC.
    ``is_direct``: the guest drives it directly; ``is_served``: the host is to serve it addresses by DHCP.
    """
    has = {
        "no link, and would be driven by the VM itself": is_direct and not row.linked,
        "a network filter": row.network_filter_id,
        "port mirroring": row.port_mirroring,
        "limits of its traffic": row.inbound_average or row.outbound_average,
        "port isolation": row.port_isolation,
        "a VLAN trunk": (row.profile_properties or {}).get("trunk"),
        "addresses by the host's DHCP": is_served,
    }
    return ", ".join(what for what, holds in has.items() if holds)


def _provided(tx: Tx, network_ids: Collection[str | None]) -> dict[str, ProvidedNetwork]:
    query = (
        sa.select(networks.c.id, networks.c.name, networks.c.provider_id, providers.c.name, networks.c.physical_network)
        .join(providers, providers.c.id == networks.c.provider_id)
        .where(networks.c.id.in_(network_ids))
    )
    return {
        network_id: ProvidedNetwork(
            name=name, provider_id=provider_id, provider_name=provider_name, physical_network=physical_network
        )
        for network_id, name, provider_id, provider_name, physical_network in tx.execute(query)
    }


class _Origin(HostRow, frozen=True, kw_only=True):
    """A host, its cluster's type of switches, and when its report and its counters were taken."""

    switch_type: str
    taken_at: datetime | None
    counted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A host's state, and its sources: its rows, and all networks of the cluster (their hash). ``functions``: of its
    NICs, those that it reports as free.
    """

    made_of: tuple[_Origin, int]
    state: HostState
    functions: tuple[ReportedFunctions, ...]


_KEPT: dict[str, _Kept] = {}
"""By the host's id. Outdated entries are recognized by their ``made_of`` and made again."""

_KEPT_MAX = 10_000


def _kept(tx: Tx, wanted: sa.ColumnElement[bool]) -> list[_Kept]:
    """Hosts with their states. Making one costs much more than checking whether it is current."""
    query = sa.select(
        hosts, clusters.c.switch_type, host_reports.c.taken_at, host_counters.c.taken_at.label("counted_at")
    ).select_from(
        hosts.join(clusters, clusters.c.id == hosts.c.cluster_id)
        .outerjoin(host_reports, host_reports.c.host_id == hosts.c.id)
        .outerjoin(host_counters, host_counters.c.host_id == hosts.c.id)
    )
    found = rows(tx, _Origin, query.where(wanted))
    host_ids = [one.id for one in found]
    # Networks are values of many kinds; that two of their texts have the same hash does not happen.
    known = hash(repr(network_views.networks_of_clusters(tx, {one.cluster_id for one in found})))
    made_of = {one.id: (one, known) for one in found}
    true = {one: kept for one in host_ids if (kept := _KEPT.get(one)) and kept.made_of == made_of[one]}
    fresh = [one for one in host_ids if one not in true]
    if len(_KEPT) + len(fresh) > _KEPT_MAX:
        _KEPT.clear()
    counted = counters_of(tx, fresh) if fresh else {}
    made = {
        one: _Kept(made_of=made_of[one], state=_state(data, counted.get(one, {})), functions=reported_free(data))
        for one, data in (host_queries.load(tx, fresh) if fresh else {}).items()
    }
    promised = vm_queries.memory_promised(tx, host_ids)
    states = []
    for one in host_ids:
        kept = made.get(one) or true[one]
        state = kept.state
        guests, memory = promised.get(one, (0, 0))
        if (state.guests, state.memory_free) != (guests, state.memory - memory):
            kept = replace(kept, state=replace(state, guests=guests, memory_free=state.memory - memory))
        _KEPT[one] = kept
        states.append(kept)
    return states


def _state(data: host_queries.HostData, statistics: Mapping[str, LinkCounters]) -> HostState:
    """A host's state, as if no guest were on it."""
    capabilities = data.report.capabilities if data.report else None
    whole = capabilities.memory if capabilities else 0
    views = nic_views(data.host, data.locations)
    on = data.locations
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
        hostname=capabilities.hostname if capabilities else "",
        uuid=capabilities.uuid if capabilities else "",
        dhcp_server=bool(capabilities and capabilities.dhcp_server),
        guests=0,
        memory=whole,
        memory_free=whole,
        switch_type=data.intent.switch_type,
        uplinks={name: _uplink(view, views, statistics) for name, view in views.items() if view.kind != "vlan"},
    )


def _with_functions(tx: Tx, kept: Sequence[_Kept], needs: GuestNeeds, mine: Collection[str]) -> list[HostState]:
    """The states with the virtual functions that are free, and what fabrics carry to the hosts' cards of the networks
    of the guest.
    """
    carrying = profile_queries.carrying(tx, {one.network_id for one in needs.carried.values()}, ready=True)
    host_ids = [one.state.id for one in kept if one.functions]
    restricted, held = function_queries.served(tx, host_ids), function_queries.held(tx, host_ids)
    leaving = function_queries.leaving(tx, (shown for one in kept for shown in one.functions))
    found = []
    for one in kept:
        state = one.state
        if not one.functions:
            found.append(state)
            continue
        taken = {function for function, vnic in held[state.id].items() if vnic not in mine}
        free = function_queries.free(one.functions, restricted[state.id], taken, leaving)
        functions = tuple(
            FreeFunctions(
                nic=nic.nic,
                free=len(nic.functions),
                networks=frozenset(net for net, by in carrying.items() if nic.card in by) if nic.card else nic.networks,
                is_card=bool(nic.card),
            )
            for nic in free
        )
        cards = {nic.card for nic in free}
        carried = {net: by[card].type for net, by in carrying.items() for card in cards if card in by}
        found.append(replace(state, functions=functions, carried=carried))
    return found


def _with_agents(tx: Tx, needs: GuestNeeds, states: Sequence[HostState]) -> tuple[GuestNeeds, list[HostState]]:
    """The states with the hosts that the providers of the guest's networks have; a provider without such a list is
    assumed to serve any host.
    """
    known = hosts_of(tx, {one.provider_id for one in needs.provided.values()})
    provided = {network: one for network, one in needs.provided.items() if one.provider_id in known}
    agents = agents_on(known, {state.id: state.hostname for state in states})
    twins = twins_of(tx, [state.id for state in states])
    states = [replace(one, agents=agents.get(one.id, {}), twin=twins.get(one.id, "")) for one in states]
    return replace(needs, provided=provided), states


def _uplink(view: NicView, views: Mapping[str, NicView], statistics: Mapping[str, LinkCounters]) -> Uplink:
    """A NIC or bond. Its utilization is that of its busier direction, if its speed is known."""
    ports = [views[slave] for slave in view.bond.slaves if slave in views] if view.bond else [view]
    counted = [statistics[port.name] for port in ports if port.name in statistics]
    used = max(sum(one.rx_rate for one in counted), sum(one.tx_rate for one in counted)) * 8
    load = min(1.0, used / (view.speed * MEGABIT)) if view.speed else 0.0
    return Uplink(load=load, ports=max(1, len(ports)), ports_up=sum(port.is_up for port in ports))
