"""The NICs of hosts: NICs, bonds and VLAN devices as they were last reported."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import UNSET

from netweft.api.follow import loads_link
from netweft.api.host_setup import when_idle
from netweft.api.network_attachments import nic_reference, show_qos, visible_host, visible_hosts
from netweft.api.network_attachments import show as show_attachment
from netweft.api.request_fields import required
from netweft.api.routes import READ, Call, Later, Routes, many
from netweft.api.schema import or_unset, reference
from netweft.api.statistics import add_statistics
from netweft.api.types import (
    Bonding,
    Host,
    HostNic,
    HostNicVirtualFunctionsConfiguration,
    Ip,
    Mac,
    Network,
    NetworkAttachment,
    NetworkLabel,
    Option,
    Statistic,
    Vlan,
)
from netweft.api.values import ip, measured
from netweft.core.errors import NotFoundError
from netweft.core.functions import nics_by_address
from netweft.core.host import Nic, NicFacts
from netweft.core.nic_view import BondView, FamilyView, NicView, nic_views
from netweft.core.options import MODES, bond_mode
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.setup_networks import label_nic, unlabel_nic
from netweft.engine.db import Tx
from netweft.engine.queries import host_networks as queries
from netweft.engine.queries.functions import served
from netweft.engine.queries.host_counters import NOTHING_COUNTED, counters_of
from netweft.engine.queries.host_networks import HostData
from netweft.engine.queries.host_rows import hosts_of_nics

routes = Routes("hosts")

MODE_TEXTS = {
    "balance-rr": "Round-robin",
    "active-backup": "Active-Backup",
    "balance-xor": "Load balance (balance-xor)",
    "broadcast": "Broadcast policy",
    "802.3ad": "Dynamic link aggregation (802.3ad)",
    "balance-tlb": "Adaptive transmit load balancing",
    "balance-alb": "Adaptive load balancing",
}
"""The modes of bonds in words, which clients compare."""

_MEGA = 1_000_000


def show(data: HostData, nic_id: str, view: NicView, restricted: Collection[str]) -> HostNic:
    """A NIC, bond or VLAN device with what is on it. ``restricted``: names of NICs whose virtual functions do not serve
    all networks.
    """
    facts = facts_of(data, view.name)
    network = data.networks.get(view.network_id)
    attachment = next((one for one in data.intent.attachments if one.network_id == view.network_id), None)
    return HostNic(
        id=nic_id,
        href=f"/hosts/{data.row.id}/nics/{nic_id}",
        name=view.name,
        base_interface=view.base or UNSET,
        bonding=or_unset(_bonding(data, view.name, view.bond) if view.bond else None),
        boot_protocol=view.ipv4.method,
        bridged=view.bridged,
        custom_configuration=attachment is not None and not data.is_in_sync(attachment),
        ip=_ip(4, view.ipv4),
        ipv6=_ip(6, view.ipv6),
        ipv6_boot_protocol=view.ipv6.method,
        mac=Mac(address=view.mac),
        mtu=view.mtu,
        properties=[],
        speed=view.speed * _MEGA if view.speed else UNSET,
        status="up" if view.is_up else "down",
        vlan=UNSET if view.vlan is None else Vlan(id=view.vlan),
        host=reference(Host, data.row.id),
        network=or_unset(reference(Network, network.intent.id) if network else None),
        qos=or_unset(show_qos(view.qos) if view.qos else None),
        physical_function=or_unset(_physical(data, facts)),
        virtual_functions_configuration=or_unset(_functions(facts, all_allowed=view.name not in restricted)),
    )


def facts_of(data: HostData, name: str) -> NicFacts:
    """What a NIC is; nothing of a bond or VLAN device."""
    nic = data.host.nics.get(name)
    return nic.facts if nic else NicFacts()


def physical_nic(data: HostData, facts: NicFacts) -> Nic | None:
    """The NIC that one is a virtual function of."""
    return nics_by_address(data.host).get(facts.physical) if facts.physical else None


def _physical(data: HostData, facts: NicFacts) -> HostNic | None:
    physical = physical_nic(data, facts)
    return nic_reference(data, physical.name) if physical else None


def _functions(facts: NicFacts, *, all_allowed: bool) -> HostNicVirtualFunctionsConfiguration | None:
    if not facts.functions_max:
        return None
    return HostNicVirtualFunctionsConfiguration(
        all_networks_allowed=all_allowed,
        max_number_of_virtual_functions=facts.functions_max,
        number_of_virtual_functions=len(facts.functions),
    )


def _ip(version: int, family: FamilyView) -> Ip:
    if family.address is None:
        return ip(version)
    return ip(version, family.address.ip, family.address.prefix, family.gateway)


def _bonding(data: HostData, name: str, bond: BondView) -> Bonding:
    options = bond_options(data, name, bond)
    number = options.pop("mode")
    mode = MODES[int(number)]
    entries = [Option(name="mode", type=MODE_TEXTS.get(mode, mode), value=number)]
    entries += [Option(name=key, value=value) for key, value in options.items()]
    return Bonding(
        ad_partner_mac=Mac(address=bond.partner_mac) if bond.partner_mac else UNSET,
        options=entries,
        slaves=[nic for slave in bond.slaves if (nic := nic_reference(data, slave))],
        active_slave=or_unset(nic_reference(data, bond.active_slave) if bond.active_slave else None),
    )


def bond_options(data: HostData, name: str, bond: BondView) -> dict[str, str]:
    """Options of a bond, ``mode`` by its number; of one that is ours as users wrote them, since clients compare them
    with what they would write.
    """
    wanted = next((one.options for one in data.intent.bonds if one.name == name), None)
    mode = bond_mode(wanted.get("mode", bond.mode)) if wanted else bond.mode
    others = wanted if wanted is not None else bond.options
    return {"mode": str(MODES.index(mode)), **{key: value for key, value in sorted(others.items()) if key != "mode"}}


def _nics(data: HostData, restricted: Collection[str]) -> list[HostNic]:
    views = nic_views(data.host, data.locations)
    return [show(data, nic_id, views[name], restricted) for nic_id, name in data.nics.items() if name in views]


@loads_link(Host, "nics")
def load_nics(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, list[HostNic]]:
    """The NICs of hosts."""
    loaded = visible_hosts(tx, call, ids)
    restricted = served(tx, loaded)
    return {host_id: _nics(data, restricted[host_id]) for host_id, data in loaded.items()}


@loads_link(HostNic, "network_attachments")
def load_attachments(tx: Tx, _call: Call[Any], ids: Sequence[str]) -> dict[str, list[NetworkAttachment]]:
    """The attachments on NICs."""
    found: dict[str, list[NetworkAttachment]] = {nic_id: [] for nic_id in ids}
    for data in queries.load(tx, hosts_of_nics(tx, ids)).values():
        for nic_id, name in data.nics.items():
            base = f"/hosts/{data.row.id}/nics/{nic_id}/networkattachments"
            if nic_id in found:
                found[nic_id] = [show_attachment(data, a, base) for a in data.intent.attachments if a.nic == name]
    return found


@routes.get("/hosts/{host_id}/nics", many(HostNic), needs=READ)
def list_nics(call: Call[None]) -> list[HostNic]:
    """The NICs, bonds and VLAN devices of a host."""
    with call.read() as tx:
        data = visible_host(tx, call)
        return _nics(data, served(tx, (data.row.id,))[data.row.id])


@routes.get("/hosts/{host_id}/nics/{nic_id}", HostNic, needs=READ)
def get_nic(call: Call[None]) -> HostNic:
    """One of them."""
    with call.read() as tx:
        data = visible_host(tx, call)
        restricted = served(tx, (data.row.id,))[data.row.id]
        return show(data, call.ids["nic_id"], view_of(data, call.ids["nic_id"]), restricted)


def view_of(data: HostData, nic_id: str) -> NicView:
    """A NIC of the host. Raises NotFoundError."""
    view = nic_views(data.host).get(data.nics.get(nic_id, ""))
    if view is None:
        raise NotFoundError(f"Host {data.row.name} has no NIC with the id {nic_id}.")
    return view


def _labels(data: HostData, nic_id: str) -> list[NetworkLabel]:
    nic = f"/hosts/{data.row.id}/nics/{nic_id}"
    return [
        NetworkLabel(id=label, href=f"{nic}/networklabels/{label}", host_nic=reference(HostNic, nic_id, nic))
        for label, name in data.labels.items()
        if name == data.nics[nic_id]
    ]


@loads_link(HostNic, "network_labels")
def load_labels(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, list[NetworkLabel]]:
    """The labels of NICs."""
    loaded = visible_hosts(tx, call, hosts_of_nics(tx, ids)).values()
    return {nic_id: _labels(data, nic_id) for data in loaded for nic_id in data.nics if nic_id in ids}


@routes.get("/hosts/{host_id}/nics/{nic_id}/networklabels", many(NetworkLabel), needs=READ)
def list_labels(call: Call[Any]) -> list[NetworkLabel]:
    """The labels of a NIC: it carries every network of its cluster that has one of them."""
    with call.read() as tx:
        data = visible_host(tx, call)
        view_of(data, call.ids["nic_id"])
        return _labels(data, call.ids["nic_id"])


def _label(call: Call[Any], label: str) -> NetworkLabel:
    for one in list_labels(call):
        if one.id == label:
            return one
    raise NotFoundError(f"The NIC {call.ids['nic_id']} has no label '{label}'.")


@routes.get("/hosts/{host_id}/nics/{nic_id}/networklabels/{label_id}", NetworkLabel, needs=READ)
def get_label(call: Call[None]) -> NetworkLabel:
    """One label of a NIC."""
    return _label(call, call.ids["label_id"])


@routes.post("/hosts/{host_id}/nics/{nic_id}/networklabels", NetworkLabel, needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def post_label(call: Call[NetworkLabel]) -> NetworkLabel | Later:
    """Add a label to a NIC, which attaches the networks with the same label."""
    host_id, label = call.ids["host_id"], required(call.body.id, "NetworkLabel [id]")
    job_id = when_idle(call, host_id, lambda: call.run(label_nic, call.actor, host_id, call.ids["nic_id"], label))
    return Later(job_id, lambda: _label(call, label)) if job_id else _label(call, label)


@routes.delete("/hosts/{host_id}/nics/{nic_id}/networklabels/{label_id}", needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def delete_label(call: Call[None]) -> Later | None:
    """Remove a label from a NIC, which detaches the networks that it attached."""
    host_id, label = call.ids["host_id"], call.ids["label_id"]
    job_id = when_idle(call, host_id, lambda: call.run(unlabel_nic, call.actor, host_id, call.ids["nic_id"], label))
    return Later(job_id) if job_id else None


def _statistics(tx: Tx, call: Call[None]) -> list[Statistic]:
    data, nic_id = visible_host(tx, call), call.ids["nic_id"]
    view = view_of(data, nic_id)
    counters = counters_of(tx, (data.row.id,)).get(data.row.id, {}).get(view.name, NOTHING_COUNTED)
    href = f"/hosts/{data.row.id}/nics/{nic_id}/statistics"
    values = {
        "data.total.rx": (counters.rx_bytes, "bytes"),
        "data.total.tx": (counters.tx_bytes, "bytes"),
        "errors.total.rx": (counters.rx_errors, "none"),
        "errors.total.tx": (counters.tx_errors, "none"),
        "drops.total.rx": (counters.rx_dropped, "none"),
        "drops.total.tx": (counters.tx_dropped, "none"),
        "data.current.rx": (counters.rx_rate, "bytes_per_second"),
        "data.current.tx": (counters.tx_rate, "bytes_per_second"),
    }
    owner = reference(HostNic, nic_id, f"/hosts/{data.row.id}/nics/{nic_id}")
    return [
        measured(name, value, href, unit, kind="gauge" if "current" in name else "counter", host_nic=owner)
        for name, (value, unit) in values.items()
    ]


add_statistics(
    routes,
    "/hosts/{host_id}/nics/{nic_id}/statistics",
    _statistics,
    summary="Counters and rates of a NIC.",
    one="One statistic of a NIC.",
)
