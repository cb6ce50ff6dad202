"""A host that steps can be played on: what a kernel and an OVSDB do, side effects included.

It assumes that a step is allowed; :mod:`netweft.core.simulate` refuses others. The planner and the simulation both use
it, so that they cannot differ.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netweft.core import steps as s
from netweft.core.host import (
    OvsPort,
    Vlan,
)
from netweft.core.kernel import DHCP_ROUTE, Kernel, canonical, is_ipv6
from netweft.core.world_link import AnyLink, WorldLink

if TYPE_CHECKING:
    from collections.abc import Callable


class World(Kernel):
    """A host with a method for each kind of step, and :meth:`apply` for any."""

    def apply(self, step: s.Step) -> None:
        """Do what the step does, trusting that it is allowed."""
        EFFECTS[type(step)](self, step)

    def create_link(self, step: s.CreateLink) -> None:
        """Bring in a bond, VLAN device or bridge."""
        link = step.link
        mine = self.links[link.name] = WorldLink(link)
        mine.reset()
        if isinstance(link, Vlan):
            self.vlans.setdefault(link.base, {})[link.tag] = link.name
            mine.mac = link.mac or self.links[link.base].mac

    def delete_link(self, step: s.DeleteLink) -> None:
        """Take a bond, VLAN device or bridge away."""
        self._remove(self.links[step.name])

    def set_owner(self, step: s.SetOwner) -> None:
        """Mark a link."""
        self.links[step.name].owner = step.owner

    def set_master(self, step: s.SetMaster) -> None:
        """Move a link out of its bond or bridge, and into another."""
        link = self.links[step.name]
        if link.master == step.master:
            return
        if link.master:
            self._leave(link)
        if step.master:
            self._join(link, self.links[step.master])

    def set_up(self, step: s.SetUp) -> None:
        """Switch a link on or off."""
        link = self.links[step.name]
        if link.up != step.up:
            (self._go_up if step.up else self._go_down)(link)

    def set_mtu(self, step: s.SetMtu) -> None:
        """Set an MTU."""
        self._change_mtu(self.links[step.name], step.mtu)

    def set_mac(self, step: s.SetMac) -> None:
        """Set a MAC address. ovs-vswitchd takes a port down and up again for it where it forwards in user space, as the
        port is a tap device there (netdev_linux_set_etheraddr()).
        """
        link = self.links[step.name]
        restarts = link.up and link.mac != step.mac and self._is_tap(link.value)
        if restarts:
            self._go_down(link)
        self._change_mac(link, step.mac)
        if restarts:
            self._go_up(link)

    def _is_tap(self, link: AnyLink) -> bool:
        return isinstance(link, OvsPort) and self.ovs_bridges[link.bridge].datapath == "netdev"

    def set_bond_options(self, step: s.SetBondOptions) -> None:
        """Set the options of a bond."""
        self.links[step.name].options = dict(step.options)

    def set_bridge_options(self, step: s.SetBridgeOptions) -> None:
        """Set STP and the options of a bridge."""
        link = self.links[step.name]
        link.stp, link.options = step.stp, dict(step.options)

    def set_autoconf(self, step: s.SetAutoconf) -> None:
        """Listen to router advertisements, or not."""
        self.links[step.name].autoconf = step.on

    def set_dhcp(self, step: s.SetDhcp) -> None:
        """Start or stop DHCP; addresses and routes of a lease are removed with the client."""
        link = self.links[step.name]
        for ipv6, was, now in ((False, link.dhcp4, step.dhcp4), (True, link.dhcp6, step.dhcp6)):
            if was and not now:
                over = self.routes_over.get(link.name, ())
                self._drop_routes(link.name, [r for r in over if r.protocol == DHCP_ROUTE and is_ipv6(r.to) == ipv6])
                link.dynamic = tuple(address for address in link.dynamic if is_ipv6(address.ip) != ipv6)
        link.dhcp4, link.dhcp6, link.leased_default = step.dhcp4, step.dhcp6, step.leased_default

    def add_address(self, step: s.AddAddress) -> None:
        """Put an address on a link."""
        link = self.links[step.name]
        link.addresses = tuple(sorted((*link.addresses, step.address)))

    def remove_address(self, step: s.RemoveAddress) -> None:
        """Take an address off a link. Without any IPv4 address left the kernel drops the link's IPv4 routes."""
        link = self.links[step.name]
        link.addresses = tuple(address for address in link.addresses if address != step.address)
        if not is_ipv6(step.address.ip) and all(is_ipv6(other.ip) for other in (*link.addresses, *link.dynamic)):
            self._drop_routes(link.name, [r for r in self.routes_over.get(link.name, ()) if not is_ipv6(r.to)])

    def add_route(self, step: s.AddRoute) -> None:
        """Add a route."""
        self._put_route(canonical(step.route))

    def remove_route(self, step: s.RemoveRoute) -> None:
        """Remove a route."""
        self._drop_routes(step.route.link, [canonical(step.route)])

    def add_rule(self, step: s.AddRule) -> None:
        """Add a policy rule."""
        self.rules[step.rule] = None

    def remove_rule(self, step: s.RemoveRule) -> None:
        """Remove a policy rule."""
        del self.rules[step.rule]

    def announce(self, step: s.Announce) -> None:
        """Inform neighbours; nothing changes here."""

    def start_shaping(self, step: s.StartShaping) -> None:
        """Shape, with one class for all."""
        self.links[step.name].shaping = {None: step.rest}

    def stop_shaping(self, step: s.StopShaping) -> None:
        """Shape no more."""
        self.links[step.name].shaping = {}

    def put_traffic_class(self, step: s.AddTrafficClass | s.SetTrafficClass) -> None:
        """Bring in a class, or change it."""
        self.links[step.name].shaping[step.traffic.tag] = step.traffic

    def remove_traffic_class(self, step: s.RemoveTrafficClass) -> None:
        """Take a class away."""
        del self.links[step.name].shaping[step.tag]

    def set_dns(self, step: s.SetDns) -> None:
        """Write the resolvers, or hand the file back."""
        self.dns = step.servers

    def create_ovs_bridge(self, step: s.CreateOvsBridge) -> None:
        """Bring in an OVS bridge."""
        self.ovs_bridges[step.bridge.name] = step.bridge
        self.bridge_ports[step.bridge.name] = {}

    def set_ovs_bridge(self, step: s.SetOvsBridge) -> None:
        """Change an OVS bridge."""
        self.ovs_bridges[step.bridge.name] = step.bridge

    def delete_ovs_bridge(self, step: s.DeleteOvsBridge) -> None:
        """Take an OVS bridge away with its ports."""
        for port in list(self.bridge_ports[step.name]):
            self._remove_ovs_port(port)
        self._unplug_guests(step.name)
        del self.bridge_ports[step.name], self.ovs_bridges[step.name]

    def create_ovs_port(self, step: s.CreateOvsPort) -> None:
        """Bring in an OVS port; an internal one is a link, down and without addresses."""
        port = step.port
        clean = replace(
            port,
            up=not port.is_internal,
            master="",
            addresses=(),
            dhcp4=False,
            dhcp6=False,
            leased_default=False,
            autoconf=False,
            dynamic=(),
        )
        self._put_ovs_port(clean)

    def set_ovs_port(self, step: s.SetOvsPort) -> None:
        """Change a port in OVSDB; the link of an internal port stays as it is."""
        port = step.port
        self.ovs_ports[port.name] = port
        if port.is_internal:
            link = self.links[port.name]
            link.value = port
            link.owner = port.owner
            link.options = port.options

    def delete_ovs_port(self, step: s.DeleteOvsPort) -> None:
        """Take a port off its OVS bridge."""
        self._remove_ovs_port(step.name)

    def set_chassis(self, step: s.SetChassis) -> None:
        """Tell ovn-controller something else."""
        self.chassis = step.chassis


EFFECTS: dict[type, Callable[..., None]] = {
    s.CreateLink: World.create_link,
    s.DeleteLink: World.delete_link,
    s.SetOwner: World.set_owner,
    s.SetMaster: World.set_master,
    s.SetUp: World.set_up,
    s.SetMtu: World.set_mtu,
    s.SetMac: World.set_mac,
    s.SetBondOptions: World.set_bond_options,
    s.SetBridgeOptions: World.set_bridge_options,
    s.SetAutoconf: World.set_autoconf,
    s.SetDhcp: World.set_dhcp,
    s.AddAddress: World.add_address,
    s.RemoveAddress: World.remove_address,
    s.AddRoute: World.add_route,
    s.RemoveRoute: World.remove_route,
    s.AddRule: World.add_rule,
    s.RemoveRule: World.remove_rule,
    s.Announce: World.announce,
    s.StartShaping: World.start_shaping,
    s.StopShaping: World.stop_shaping,
    s.AddTrafficClass: World.put_traffic_class,
    s.SetTrafficClass: World.put_traffic_class,
    s.RemoveTrafficClass: World.remove_traffic_class,
    s.SetDns: World.set_dns,
    s.CreateOvsBridge: World.create_ovs_bridge,
    s.DeleteOvsBridge: World.delete_ovs_bridge,
    s.SetOvsBridge: World.set_ovs_bridge,
    s.CreateOvsPort: World.create_ovs_port,
    s.SetOvsPort: World.set_ovs_port,
    s.DeleteOvsPort: World.delete_ovs_port,
    s.SetChassis: World.set_chassis,
}
"""What each kind of step does."""
