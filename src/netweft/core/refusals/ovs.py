"""Refusals of steps for bridges and ports of Open vSwitch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netweft.core import steps as s
from netweft.core.host import Bond, Nic, OvsPort
from netweft.core.limits import INTERNAL_MTU_MAX, VLAN_MAX
from netweft.core.refusals.links import mac_problem, mtu_problem, name_problem
from netweft.core.world import World

if TYPE_CHECKING:
    from collections.abc import Callable


OVS_BOND_MODES = ("active-backup", "balance-slb", "balance-tcp")


def _create_ovs_bridge(world: World, step: s.CreateOvsBridge) -> str | None:
    if step.bridge.datapath not in {"system", "netdev"}:
        return f"{step.bridge.name}: there is no datapath {step.bridge.datapath!r}"
    return name_problem(world, step.bridge.name)


def _set_ovs_bridge(world: World, step: s.SetOvsBridge) -> str | None:
    old = world.ovs_bridges.get(step.bridge.name)
    if old is None:
        return f"there is no OVS bridge {step.bridge.name}"
    return None if old.datapath == step.bridge.datapath else f"{old.name} cannot change its datapath"


def _delete_ovs_bridge(world: World, step: s.DeleteOvsBridge) -> str | None:
    return None if step.name in world.ovs_bridges else f"there is no OVS bridge {step.name}"


def _create_ovs_port(world: World, step: s.CreateOvsPort) -> str | None:
    port = step.port
    if port.bridge not in world.ovs_bridges:
        return f"{port.name}: there is no OVS bridge {port.bridge}"
    if port.name in world.ovs_ports:
        return f"OVS port {port.name} exists already"
    if port.is_internal:
        return (
            name_problem(world, port.name)
            or mtu_problem(port.name, port.mtu, most=INTERNAL_MTU_MAX)
            or (mac_problem(port.name, port.mac) if port.mac else None)
            or _ovs_settings_problem(port)
        )
    if len(port.interfaces) == 1 and port.interfaces[0] != port.name:
        return f"{port.name}: a port of one interface has its name, {port.interfaces[0]}"
    problems = (_interface_problem(world, port, interface) for interface in port.interfaces)
    return next(filter(None, problems), None) or _ovs_settings_problem(port)


def _interface_problem(world: World, port: OvsPort, interface: str) -> str | None:
    link = world.links.get(interface)
    if link is None or not isinstance(link.value, Nic | Bond):
        return f"{port.name}: there is no NIC or bond {interface}"
    if link.master:
        return f"{port.name}: {interface} is a port of {link.master}"
    if interface in world.port_of:
        return f"{port.name}: {interface} is part of OVS port {world.port_of[interface]}"
    return None


def _ovs_settings_problem(port: OvsPort) -> str | None:
    """The ranges of the columns of table Port in ovs-vswitchd.conf.db(5)."""
    tags = port.trunks if port.tag is None else (port.tag, *port.trunks)
    if any(not 0 <= tag <= VLAN_MAX + 1 for tag in tags):
        return f"{port.name}: its VLANs {', '.join(map(str, tags))} are not all between 0 and {VLAN_MAX + 1}"
    if port.bond_mode and port.bond_mode not in OVS_BOND_MODES:
        return f"{port.name}: there is no OVS bond mode {port.bond_mode!r}"
    if port.lacp not in {"off", "active", "passive"}:
        return f"{port.name}: LACP cannot be {port.lacp!r}"
    return None


def _set_ovs_port(world: World, step: s.SetOvsPort) -> str | None:
    port = step.port
    old = world.ovs_ports.get(port.name)
    if old is None:
        return f"there is no OVS port {port.name}"
    if (old.bridge, old.interfaces) != (port.bridge, port.interfaces):
        return f"OVS port {port.name} cannot change its bridge or interfaces"
    return _ovs_settings_problem(port)


def _delete_ovs_port(world: World, step: s.DeleteOvsPort) -> str | None:
    return None if step.name in world.ovs_ports else f"there is no OVS port {step.name}"


def _set_chassis(world: World, _step: s.SetChassis) -> str | None:
    return "Open vSwitch is not installed, so ovn-controller cannot be configured" if world.chassis is None else None


REFUSALS: dict[type, Callable[..., str | None]] = {
    s.CreateOvsBridge: _create_ovs_bridge,
    s.DeleteOvsBridge: _delete_ovs_bridge,
    s.SetOvsBridge: _set_ovs_bridge,
    s.CreateOvsPort: _create_ovs_port,
    s.SetOvsPort: _set_ovs_port,
    s.DeleteOvsPort: _delete_ovs_port,
    s.SetChassis: _set_chassis,
}
"""Why a step of each kind may be refused."""
