"""The desired state of virtual machines on hosts, and its comparison with their actual state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid5

from msgspec import structs

from netweft.core.errors import HostError
from netweft.core.functions import nics_by_address
from netweft.core.guest_protocol import GuestNic, GuestSpec, GuestState, Lease, Rate
from netweft.core.host import Nic
from netweft.core.hot_plug import apply_hot_pluggable
from netweft.core.limits import DEFAULT_MTU
from netweft.core.network_filters import FILTERS
from netweft.core.sync import Location
from netweft.core.trunks import parse_trunk
from netweft.engine.db import Tx
from netweft.engine.model.rollouts import NOTHING_HELD
from netweft.engine.model.vms import VmRow
from netweft.engine.model.vnics import FilterParameterRow
from netweft.engine.queries import functions as function_queries
from netweft.engine.queries import host_networks as host_queries
from netweft.engine.queries import port_profiles as profile_queries
from netweft.engine.queries import ports as port_queries
from netweft.engine.queries import subnets as subnet_queries
from netweft.engine.queries import vms as queries
from netweft.engine.queries.ports import Port
from netweft.engine.queries.rollouts import held_of
from netweft.engine.queries.vms import Failover, VmDetails, VnicDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class _OverCard:
    """How a vNIC joins a fabric: ``profile``: its port profile; ``is_direct``: the guest drives the dynamic vNIC by
    itself. ``nics``: those of the host by their PCI addresses; ``guid``: of a function of InfiniBand.
    """

    profile: str
    is_direct: bool
    nics: Mapping[str, Nic]
    guid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The desired state of a machine on a host: its row, those of its vNICs, and their filter parameters by vNIC.

    ``functions``: PCI addresses of the virtual functions, and of the dynamic vNICs of a virtual interface card, that
    are assigned on the host, by vNIC; ``over_card``: how vNICs with the latter join a fabric; ``failovers``: their
    failover networks, by their profiles; ``ports``: those on providers, ``leases``: of DHCP, both by vNIC.
    """

    vm: VmDetails
    vnics: list[VnicDetails]
    parameters: Mapping[str, list[FilterParameterRow]]
    functions: Mapping[str, str]
    failovers: Mapping[str, Failover]
    ports: Mapping[str, Port]
    leases: Mapping[str, tuple[Lease, ...]]
    over_card: Mapping[str, _OverCard] = field(default_factory=dict)


def wanted_of(tx: Tx, vm_id: str, host_id: str) -> Wanted:
    """The desired state of a machine; networks that a rollout has not reached on the host yet as they are there. Raises
    NotFoundError.
    """
    kept = held_of(tx, (host_id,)).get(host_id, NOTHING_HELD)
    rows = [structs.replace(row, **kept.kept_of(row.network_id)) for row in queries.vnics_of(tx, (vm_id,))[vm_id]]
    parameters = queries.parameters_of(tx, [row.id for row in rows])
    carried = profile_queries.carried(tx, {row.network_id for row in rows if row.network_id and not row.passthrough})
    asks = carried or any(row.passthrough for row in rows)
    held = function_queries.held(tx, (host_id,))[host_id] if asks else {}
    vm = queries.get(tx, vm_id)
    functions = {vnic_id: address for address, vnic_id in held.items()}
    on_fabrics = [row for row in rows if row.network_id in carried and row.id in functions]
    return Wanted(
        vm=queries.as_it_runs(vm, vm.this_run),
        vnics=rows,
        parameters=parameters,
        functions=functions,
        over_card=_over_card(tx, host_id, on_fabrics, functions),
        failovers={
            profile_id: structs.replace(one, **kept.kept_of(one.network_id))
            for profile_id, one in queries.failovers_of(tx, rows).items()
        },
        ports=port_queries.bound(tx, vm_id) if any(row.provider_id for row in rows) else {},
        leases=subnet_queries.leases_of(tx, [row.id for row in rows if row.plugged and not row.passthrough]),
    )


def _over_card(tx: Tx, host_id: str, rows: Sequence[VnicDetails], functions: Mapping[str, str]) -> dict[str, _OverCard]:
    """How these vNICs join a fabric on a host. ``functions``: those assigned to them, by vNIC."""
    if not rows:
        return {}
    data = host_queries.load_one(tx, host_id)
    capabilities = data.report.capabilities if data.report else None
    cards = capabilities.interface_cards if capabilities else ()
    hardware = capabilities.uuid if capabilities else ""
    fabric_id = {nic.pci_address: card.fabric_id(hardware) for card in cards for nic in card.dynamic}
    guids = function_queries.guids(tx, host_id)
    carrying = profile_queries.carrying(tx, {row.network_id or "" for row in rows}, ready=False)
    nics = nics_by_address(data.host)
    found = {row.id: carrying.get(row.network_id or "", {}).get(fabric_id.get(functions[row.id], "")) for row in rows}
    return {
        vnic_id: _OverCard(
            profile=one.name,
            is_direct=one.high_performance or bool(guids.get(functions[vnic_id])),
            nics=nics,
            guid=guids.get(functions[vnic_id], ""),
        )
        for vnic_id, one in found.items()
        if one is not None
    }


def but_unbound(wanted: Wanted) -> Wanted:
    """Without the plugged vNICs on networks of providers that have no bound port yet."""
    return replace(wanted, vnics=[row for row in wanted.vnics if not _is_unbound(row, wanted)])


def _is_unbound(row: VnicDetails, wanted: Wanted) -> bool:
    return row.plugged and row.provider_id is not None and row.id not in wanted.ports


def guest_spec(wanted: Wanted, locations: Mapping[str, Location], driver: str) -> GuestSpec:
    """The guest's specification for its host. Raises HostError when a network of a plugged vNIC is missing there."""
    vm = wanted.vm
    orders = _boot_orders(vm.boot_devices, [row.id for row in wanted.vnics if row.plugged and not row.passthrough])
    nics = tuple(
        replace(nic, **own) if (own := _own(nic, row, wanted, orders)) else nic
        for row in wanted.vnics
        if row.plugged
        for nic in (
            _passed(row, wanted, locations) if row.passthrough else (_nic(row, _place(row, wanted, locations)),)
        )
    )
    cpus = vm.sockets * vm.cores * vm.threads
    return GuestSpec(
        id=vm.id,
        name=vm.name,
        driver=driver,
        memory=vm.memory,
        cpus=cpus,
        nics=nics,
        properties=_driver_properties(vm),
    )


def _own(nic: GuestNic, row: VnicDetails, wanted: Wanted, orders: Mapping[str, int]) -> dict[str, Any]:
    """The properties of a vNIC that do not come from its profile and network; most have none."""
    here = [one for one in wanted.vm.addresses if one.nic == row.name]
    own = {
        "addresses": tuple(one.address for one in here),
        "gateways": tuple(one.gateway for one in here if one.gateway),
        "boot_order": orders.get(nic.id, 0),
        "filter_parameters": tuple((one.name, one.value) for one in wanted.parameters.get(row.id, ())),
        "leases": wanted.leases.get(row.id, ()),
    }
    return {name: value for name, value in own.items() if value}


def _boot_orders(devices: Sequence[str], vnics: Sequence[str]) -> dict[str, int]:
    """The place of each vNIC among the devices that a machine boots from, if it boots from the network. The disk has
    the first place that is left.
    """
    if "network" not in devices:
        return {}
    before = "hd" in devices and devices.index("hd") < devices.index("network")
    return {vnic: order for order, vnic in enumerate(vnics, 2 if before else 1)}


def _driver_properties(vm: VmRow) -> dict[str, str]:
    """The driver's settings for the machine's boot and hardware."""
    booted = {"kernel": vm.os_kernel, "initrd": vm.os_initrd, "cmdline": vm.os_cmdline}
    booted |= {"cpu_mode": vm.cpu_mode, "stateless": "true" if vm.stateless else ""}
    chosen = {name: value for name, value in vm.custom_properties.items() if name != "driver"}
    return {name: value for name, value in {**booted, **chosen}.items() if value}


def _passed(row: VnicDetails, wanted: Wanted, locations: Mapping[str, Location]) -> tuple[GuestNic, ...]:
    """A vNIC that is a virtual function, and before it its failover, for when the function is away."""
    address = wanted.functions.get(row.id)
    if address is None:
        raise HostError(f"The host has no virtual function for vNIC '{row.name}'.", code="VAR__DETAIL__NO_SUITABLE_VF")
    mtu = row.mtu or DEFAULT_MTU
    function = GuestNic(id=row.id, name=row.name, mac=row.mac, bridge="", function=address, tag=row.vlan_id, mtu=mtu)
    if not row.failover_id:
        return (function,)
    profile = wanted.failovers[row.failover_id]
    location = _location(profile, locations)
    standby = GuestNic(
        id=str(uuid5(UUID(row.id), "standby")),
        name=row.name,
        mac=row.mac,
        bridge=location.plug,
        tag=location.vlan if location.switch == "ovs" else None,
        mtu=profile.mtu or DEFAULT_MTU,
        isolated=profile.port_isolation,
        filter=_filter(profile, location),
        stands_by=True,
    )
    return standby, replace(function, standby=standby.id)


def _location(row: VnicDetails | Failover, locations: Mapping[str, Location]) -> Location:
    """Where the row's network can be plugged into. Raises HostError."""
    location = locations.get(row.network_id or "")
    if location is None or not location.plug:
        raise HostError(
            f"Network '{row.network_name}' is not on the host.", code="ACTIVATE_DEACTIVATE_NETWORK_NOT_IN_VDS"
        )
    return location


def _filter(row: VnicDetails | Failover, location: Location) -> str:
    """The network filter by name; filters are libvirt's, which has them for Linux bridges only."""
    return FILTERS[row.network_filter_id].name if row.network_filter_id and location.switch != "ovs" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a vNIC goes, by the names of :class:`netweft.core.guest_protocol.GuestNic`."""

    bridge: str
    tag: int | None = None
    mtu: int
    filter: str = ""
    port: str = ""
    function: str = ""
    profile: str = ""
    guid: str = ""


def _place(row: VnicDetails, wanted: Wanted, locations: Mapping[str, Location]) -> _Place | None:
    """None for a vNIC on no network. Raises HostError when its network is not on the host, or its port not bound."""
    if row.network_id is None:
        return None
    mtu = row.mtu or DEFAULT_MTU
    if row.id in wanted.functions:
        return _on_card(row, wanted, mtu)
    if row.provider_id is None:
        location = _location(row, locations)
        tag = location.vlan if location.switch == "ovs" else None
        return _Place(bridge=location.plug, tag=tag, mtu=mtu, filter=_filter(row, location))
    port = wanted.ports.get(row.id)
    if port is None:
        raise HostError(f"vNIC '{row.name}' has no port on network '{row.network_name}' of its provider.")
    return _Place(bridge=port.bridge, mtu=port.mtu or mtu, port=port.external_id)


def _on_card(row: VnicDetails, wanted: Wanted, mtu: int) -> _Place:
    """A dynamic vNIC of the host's virtual interface card. Raises HostError when host or fabric no longer have it."""
    address, joined = wanted.functions[row.id], wanted.over_card.get(row.id)
    nic = joined.nics.get(address) if joined else None
    if joined is None or (nic is None and not joined.is_direct):
        text = (
            f"The host has no dynamic vNIC any more by which vNIC '{row.name}' would join network '{row.network_name}'."
        )
        raise HostError(text, code="VAR__DETAIL__NO_FREE_DYNAMIC_VNIC")
    bridge = "" if joined.is_direct or nic is None else nic.name
    filter_name = FILTERS[row.network_filter_id].name if row.network_filter_id else ""  # it came later, out of sync
    return _Place(
        bridge=bridge, mtu=mtu, filter=filter_name, function=address, profile=joined.profile, guid=joined.guid
    )


def _nic(row: VnicDetails, place: _Place | None) -> GuestNic:
    if place is None:
        return GuestNic(id=row.id, name=row.name, mac=row.mac, bridge="", linked=False, model=row.interface)
    properties = row.profile_properties or {}
    return GuestNic(
        id=row.id,
        name=row.name,
        mac=row.mac,
        bridge=place.bridge,
        tag=place.tag,
        mtu=place.mtu,
        port=place.port,
        function=place.function,
        profile=place.profile,
        guid=place.guid,
        linked=row.linked,
        isolated=bool(row.port_isolation),
        mirrored=bool(row.port_mirroring),
        trunks=parse_trunk(properties.get("trunk", "")),
        model=row.interface,
        filter=place.filter,
        inbound=_rate(row.inbound_average, row.inbound_peak, row.inbound_burst),
        outbound=_rate(row.outbound_average, row.outbound_peak, row.outbound_burst),
        queues=int(properties.get("queues", 0)),
    )


def _rate(average: int | None, peak: int | None, burst: int | None) -> Rate | None:
    """A QoS of Mbit/s and MB, in libvirt's kilobytes."""
    if not average:
        return None
    return Rate(average=average * 125, peak=(peak or 0) * 125, burst=(burst or 0) * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How the vNICs of a running guest differ from their desired state. ``stale``: the ids of those that do; ``live``:
    a difference can be changed while the guest runs.
    """

    stale: frozenset[str]
    live: bool


def drift_of(wanted: Wanted, guest: GuestState, locations: Mapping[str, Location]) -> Drift:
    """Compare a guest's state on its host with its desired state there."""
    unbound = {row.id for row in wanted.vnics if _is_unbound(row, wanted)}
    try:
        spec = guest_spec(but_unbound(wanted), locations, guest.driver)
    except HostError:
        return Drift(stale=frozenset(row.id for row in wanted.vnics if row.plugged), live=False)
    present = {nic.id: nic for nic in guest.nics}
    stands_for = {nic.standby: nic.id for nic in spec.nics if nic.standby}
    stale = unbound | {stands_for.get(nic.id, nic.id) for nic in spec.nics if not _is_same(present.get(nic.id), nic)}
    # The host does not have the network's new VLAN yet.
    switched = [
        (row.id, wanted.failovers.get(row.failover_id or "") if row.passthrough else row)
        for row in wanted.vnics
        if row.plugged and row.network_id and row.provider_id is None and row.id not in wanted.over_card
    ]
    stale |= {vnic for vnic, on in switched if on and locations[on.network_id or ""].vlan != on.vlan_id}
    # The provider does not have the network's new MTU yet.
    ports = [(row, wanted.ports[row.id]) for row in wanted.vnics if row.plugged and row.id in wanted.ports]
    stale |= {row.id for row, port in ports if row.mtu and port.mtu not in {0, row.mtu}}
    return Drift(stale=frozenset(stale), live=set(apply_hot_pluggable(guest.nics, spec.nics)) != set(guest.nics))


def _is_same(present: GuestNic | None, wanted: GuestNic) -> bool:
    """Whether a vNIC has its desired state; its place in the boot order counts at the next start."""
    if present is not None and present.boot_order != wanted.boot_order:
        wanted = replace(wanted, boot_order=present.boot_order)
    return present == wanted
