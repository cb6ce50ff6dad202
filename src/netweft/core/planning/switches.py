"""What Open vSwitch has: bridges and ports, in one run, so that it can be one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netweft.core import steps as s
from netweft.core.host import OvsPort
from netweft.core.planning.situation import Situation


def make_room_in_ovs(plan: Situation, doomed: set[str]) -> Iterator[s.Step]:
    """Delete bridges and ports whose name or interface a desired one needs."""
    world = plan.world
    for name in sorted(world.ovs_bridges):
        if name in plan.want:
            yield from _delete_ovs_bridge(plan, name)
    for name, port in sorted(world.ovs_ports.items()):
        is_taken = port.is_internal and (name in doomed or name in plan.want_bridges)
        if is_taken or any(interface in doomed for interface in port.interfaces):
            yield from delete_ovs_port(plan, name)


def change_ovs(plan: Situation) -> Iterator[s.Step]:
    """In one run, so that it can be one transaction."""
    yield from _delete_in_ovs(plan)
    world, want_bridges, want_ports = plan.world, plan.want_bridges, plan.want_ports
    for name in sorted(want_bridges):
        bridge, old_bridge = want_bridges[name], world.ovs_bridges.get(name)
        if old_bridge is None:
            yield s.CreateOvsBridge(bridge)
        elif old_bridge != (marked := replace(bridge, owner=bridge.owner or old_bridge.owner)):
            yield s.SetOvsBridge(marked)
    for name in sorted(want_ports):
        new, old = want_ports[name], world.ovs_ports.get(name)
        if old is None:
            yield s.CreateOvsPort(new)
        elif _in_ovsdb(old) != _in_ovsdb(new):
            yield s.SetOvsPort(replace(new, owner=new.owner or old.owner))


def _delete_in_ovs(plan: Situation) -> Iterator[s.Step]:
    world = plan.world
    for name, bridge in sorted(world.ovs_bridges.items()):
        want = plan.want_bridges.get(name)
        if (bridge.owner and want is None) or (want is not None and want.datapath != bridge.datapath):
            yield from _delete_ovs_bridge(plan, name)
    for name, port in sorted(world.ovs_ports.items()):
        desired = plan.want_ports.get(name)
        is_changed = desired is not None and (desired.bridge, desired.interfaces) != (port.bridge, port.interfaces)
        if is_changed or (port.owner and desired is None):
            yield from delete_ovs_port(plan, name)


def _delete_ovs_bridge(plan: Situation, name: str) -> Iterator[s.Step]:
    for port in sorted(plan.world.bridge_ports[name]):
        yield from _stop_dhcp(plan, port)
    yield s.DeleteOvsBridge(name)


def delete_ovs_port(plan: Situation, name: str) -> Iterator[s.Step]:
    """Delete a port, after its DHCP client has been stopped."""
    yield from _stop_dhcp(plan, name)
    yield s.DeleteOvsPort(name)


def _stop_dhcp(plan: Situation, name: str) -> Iterator[s.Step]:
    link = plan.world.links.get(name)
    if link is not None and isinstance(link.value, OvsPort) and (link.dhcp4 or link.dhcp6):
        yield s.SetDhcp(name, dhcp4=False, dhcp6=False)


def _in_ovsdb(port: OvsPort) -> tuple[object, ...]:
    return port.owner, port.tag, port.trunks, port.bond_mode, port.lacp, dict(port.options)
