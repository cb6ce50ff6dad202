"""Steps in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netweft.core import steps as s
from netweft.core.host import Bond, Chassis, OvsPort, Vlan
from netweft.core.shaping import class_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def describe(step: s.Step) -> str:
    """The step as one line for people."""
    return _TEXTS[type(step)](step)


def _link_text(step: s.CreateLink) -> str:
    link = step.link
    mac = f", MAC {link.mac}" if link.mac else ""
    match link:
        case Vlan():
            return f"create VLAN device {link.name} (tag {link.tag} over {link.base}, MTU {link.mtu}{mac})"
        case Bond():
            return f"create bond {link.name} (mode {link.mode}{_pairs(link.options)}, MTU {link.mtu}{mac})"
        case _:
            stp = ", STP" if link.stp else ""
            return f"create bridge {link.name} (MTU {link.mtu}{mac}{stp}{_pairs(link.options)})"


def _pairs(options: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    return "".join(f", {key} {value}" for key, value in sorted(dict(options).items()))


def _port_text(port: OvsPort) -> str:
    if port.is_internal:
        what = "internal"
    elif len(port.interfaces) == 1:
        what = "uplink"
    else:
        what = f"{port.bond_mode or 'bond'} of {' and '.join(port.interfaces)}, LACP {port.lacp}"
    tag = f", tag {port.tag}" if port.tag is not None else ""
    trunks = f", trunks {' '.join(map(str, port.trunks))}" if port.trunks else ""
    mtu = f", MTU {port.mtu}" if port.is_internal else ""
    mac = f", MAC {port.mac}" if port.mac else ""
    return f"OVS port {port.name} on {port.bridge} ({what}{tag}{trunks}{mtu}{mac}{_pairs(port.options)})"


def _route_text(route: s.AddRoute | s.RemoveRoute) -> str:
    r = route.route
    via = f" via {r.via}" if r.via else ""
    metric = f", metric {r.metric}" if r.metric else ""
    return f"route to {r.to}{via} over {r.link} (table {r.table}{metric})"


def _rule_text(step: s.AddRule | s.RemoveRule) -> str:
    r = step.rule
    return f"rule {r.priority}: {'from' if r.source else 'to'} {r.source or r.destination} lookup table {r.table}"


def _dhcp_text(step: s.SetDhcp) -> str:
    families = [name for name, on in (("IPv4", step.dhcp4), ("IPv6", step.dhcp6)) if on]
    if not families:
        return f"stop DHCP on {step.name}"
    default = ", with its default route" if step.leased_default else ""
    return f"run DHCP for {' and '.join(families)} on {step.name}{default}"


def _chassis_text(step: s.SetChassis) -> str:
    chassis = step.chassis
    if not (chassis.owner or chassis.remote):
        return "remove the OVN chassis settings of the host"
    if not chassis.owner:
        return f"restore the previous ovn-controller settings ({_chassis(chassis)})"
    return f"make the host an OVN chassis ({_chassis(chassis)})"


def _chassis(chassis: Chassis) -> str:
    mapped = " and ".join(f"{name} over {bridge}" for name, bridge in sorted(chassis.mappings.items()))
    parts = {
        "": chassis.system_id,
        "southbound database": chassis.remote,
        chassis.encap_type or "tunnels": chassis.encap_ip and f"at {chassis.encap_ip}",
        "datapath": chassis.datapath,
        "reaches": mapped,
    }
    return ", ".join(f"{what} {value}".strip() for what, value in parts.items() if value)


_TEXTS: Mapping[type, Callable[..., str]] = {
    s.CreateLink: _link_text,
    s.DeleteLink: lambda step: f"delete {step.name}",
    s.SetOwner: lambda step: f"mark {step.name} as {step.owner}" if step.owner else f"remove our mark from {step.name}",
    s.SetMaster: lambda step: (
        f"add {step.name} to {step.master}" if step.master else f"remove {step.name} from its bridge or bond"
    ),
    s.SetUp: lambda step: f"set {step.name} {'up' if step.up else 'down'}",
    s.SetMtu: lambda step: f"set the MTU of {step.name} to {step.mtu}",
    s.SetMac: lambda step: f"set the MAC of {step.name} to {step.mac}",
    s.SetBondOptions: lambda step: f"set the options of bond {step.name}{_pairs(step.options) or ' to the defaults'}",
    s.SetBridgeOptions: lambda step: f"set bridge {step.name}: STP {'on' if step.stp else 'off'}{_pairs(step.options)}",
    s.SetAutoconf: lambda step: f"{'accept' if step.on else 'ignore'} router advertisements on {step.name}",
    s.SetDhcp: _dhcp_text,
    s.AddAddress: lambda step: f"add {step.address} to {step.name}",
    s.RemoveAddress: lambda step: f"remove {step.address} from {step.name}",
    s.AddRoute: lambda step: f"add {_route_text(step)}",
    s.RemoveRoute: lambda step: f"remove {_route_text(step)}",
    s.AddRule: lambda step: f"add {_rule_text(step)}",
    s.RemoveRule: lambda step: f"remove {_rule_text(step)}",
    s.Announce: lambda step: f"announce the addresses and guests of {step.name}",
    s.StartShaping: lambda step: f"shape the traffic of {step.name}: {class_text(step.rest)}",
    s.StopShaping: lambda step: f"stop shaping the traffic of {step.name}",
    s.AddTrafficClass: lambda step: f"shape the traffic of {step.name}: {class_text(step.traffic)}",
    s.SetTrafficClass: lambda step: f"change the shaping of {step.name}: {class_text(step.traffic)}",
    s.RemoveTrafficClass: lambda step: f"remove the traffic class of VLAN {step.tag} on {step.name}",
    s.SetDns: lambda step: f"use resolvers {', '.join(step.servers)}" if step.servers else "restore resolv.conf",
    s.CreateOvsBridge: lambda step: f"create OVS bridge {step.bridge.name} ({step.bridge.datapath} datapath)",
    s.SetOvsBridge: lambda step: f"change OVS bridge {step.bridge.name} (STP {'on' if step.bridge.stp else 'off'})",
    s.DeleteOvsBridge: lambda step: f"delete OVS bridge {step.name}",
    s.CreateOvsPort: lambda step: f"create {_port_text(step.port)}",
    s.SetOvsPort: lambda step: f"change {_port_text(step.port)}",
    s.DeleteOvsPort: lambda step: f"delete OVS port {step.name}",
    s.SetChassis: _chassis_text,
}
"""Every kind of step in words."""
