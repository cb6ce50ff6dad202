"""The state of a kernel and an OVSDB, and what they do by themselves when something changes.

:class:`Kernel` is the mutable twin of :class:`~netweft.core.host.Host`: indexed, so that a step costs the same on a
host with ten links or ten thousand.

What depends on state that no observation shows is :data:`~netweft.core.world_link.UNKNOWN`: whether a bridge follows
its ports in MTU and MAC (it stops once they were set), and which MTU a NIC had before it joined a bond.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netweft.core.host import (
    Bond,
    Bridge,
    GuestPort,
    Host,
    Link,
    Nic,
    OvsBridge,
    OvsPort,
    Route,
    Rule,
    Vlan,
)
from netweft.core.limits import DEFAULT_MTU, IPV6_MIN_MTU
from netweft.core.world_link import UNKNOWN, AnyLink, Unknown, WorldLink

if TYPE_CHECKING:
    from collections.abc import Iterable

IPV6_METRIC = 1024
"""What the kernel makes of metric 0 for an IPv6 route."""

KERNEL_ROUTE, RA_ROUTE, DHCP_ROUTE = 2, 9, 16
"""rtnetlink protocol numbers of routes that come by themselves: with an address, a router advertisement, a DHCP lease.
"""


def is_ipv6(text: str) -> bool:
    """Whether an address or prefix in text form is IPv6."""
    return ":" in text


def canonical(route: Route) -> Route:
    """The route as hosts report it: the metric that the kernel gives to an IPv6 route without one counts as none."""
    if route.metric == IPV6_METRIC and ":" in route.to:
        return replace(route, metric=0)
    return route


def is_automatic(route: Route, link: Link | None) -> bool:
    """Whether the kernel, router advertisements or a DHCP client look after the route over a link that should be as
    given (None: any).
    """
    if route.protocol == KERNEL_ROUTE:
        return True
    if link is None:
        return False
    if route.protocol == DHCP_ROUTE:
        return link.dhcp6 if is_ipv6(route.to) else link.dhcp4
    return route.protocol == RA_ROUTE and link.autoconf


class Kernel:
    """The links, OVS parts, routes and rules of a host, with indexes."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.links: dict[str, WorldLink] = {}
        self.ports: dict[str, dict[str, None]] = {}
        self.vlans: dict[str, dict[int, str]] = {}
        self.ovs_bridges: dict[str, OvsBridge] = dict(host.ovs_bridges)
        self.ovs_ports: dict[str, OvsPort] = {}
        self.bridge_ports: dict[str, dict[str, None]] = {name: {} for name in host.ovs_bridges}
        self.port_of: dict[str, str] = {}
        self.routes: dict[Route, None] = {}
        self.routes_over: dict[str, dict[Route, None]] = {}
        self.rules: dict[Rule, None] = dict.fromkeys(host.rules)
        self.dns = host.dns
        self.chassis = host.chassis
        self.guests: dict[str, GuestPort] = dict(host.guest_ports)
        self.guests_on: dict[str, list[str]] = {}
        for part in (host.nics, host.bonds, host.vlans, host.bridges):
            for link in part.values():
                self._put(link)
        for port in host.ovs_ports.values():
            self._put_ovs_port(port)
        for route in host.routes:
            self._put_route(canonical(route))
        for guest in host.guest_ports.values():
            self.guests_on.setdefault(guest.bridge, []).append(guest.name)

    def freeze(self) -> Host:
        """The host as a value."""
        nics: dict[str, Nic] = {}
        bonds: dict[str, Bond] = {}
        vlans: dict[str, Vlan] = {}
        bridges: dict[str, Bridge] = {}
        ovs_ports = dict(self.ovs_ports)
        for name, link in self.links.items():
            match link.freeze():
                case Nic() as nic:
                    nics[name] = nic
                case Bond() as bond:
                    bonds[name] = self._with_present_primary(bond)
                case Vlan() as vlan:
                    vlans[name] = vlan
                case Bridge() as bridge:
                    bridges[name] = bridge
                case port:
                    ovs_ports[name] = port
        return Host(
            nics=nics,
            bonds=bonds,
            vlans=vlans,
            bridges=bridges,
            ovs_bridges=dict(self.ovs_bridges),
            ovs_ports=ovs_ports,
            routes=tuple(sorted(self.routes)),
            rules=tuple(sorted(self.rules)),
            dns=self.dns,
            chassis=self.chassis,
            guest_ports=dict(self.guests),
            unmanaged=self.host.unmanaged,
        )

    def _with_present_primary(self, bond: Bond) -> Bond:
        """A kernel keeps the name of a primary that is not a port, and hides it until it is one (bond_fill_info())."""
        primary = bond.options.get("primary")
        if primary is None or primary in self.ports.get(bond.name, ()):
            return bond
        return replace(bond, options={name: value for name, value in bond.options.items() if name != "primary"})

    def ports_of(self, master: str) -> list[str]:
        """The links that are ports of a bond or Linux bridge."""
        return list(self.ports.get(master, ()))

    def vlans_over(self, base: str) -> list[WorldLink]:
        """The VLAN devices over a link."""
        return [self.links[name] for name in self.vlans.get(base, {}).values()]

    # What happens by itself.

    def _put(self, link: AnyLink) -> WorldLink:
        mine = self.links[link.name] = WorldLink(link)
        if link.master:
            self.ports.setdefault(link.master, {})[link.name] = None
        if isinstance(link, Vlan):
            self.vlans.setdefault(link.base, {})[link.tag] = link.name
        return mine

    def _put_ovs_port(self, port: OvsPort) -> None:
        self.ovs_ports[port.name] = port
        self.bridge_ports.setdefault(port.bridge, {})[port.name] = None
        if port.is_internal:
            self._put(port)
        for interface in port.interfaces:
            self.port_of[interface] = port.name

    def _put_route(self, route: Route) -> None:
        self.routes[route] = None
        self.routes_over.setdefault(route.link, {})[route] = None

    def _drop_routes(self, name: str, routes: Iterable[Route]) -> None:
        over = self.routes_over.get(name, {})
        for route in list(routes):
            del self.routes[route], over[route]

    def _drop_ipv6(self, link: WorldLink) -> None:
        link.addresses = tuple(address for address in link.addresses if not is_ipv6(address.ip))
        self._drop_routes(link.name, [r for r in self.routes_over.get(link.name, ()) if is_ipv6(r.to)])

    def _go_up(self, link: WorldLink) -> None:
        link.up = True
        if isinstance(link.value, Vlan) and link.mac != self.links[link.value.base].mac:
            # It takes the MAC of its base now, unless somebody gave it one of its own (vlan_dev_open).
            self._change_mac(link, UNKNOWN)
        for vlan in self.vlans_over(link.name):
            if not vlan.up:
                self._go_up(vlan)

    def _go_down(self, link: WorldLink) -> None:
        link.up = False
        if link.addresses:
            self._drop_ipv6(link)
        self._drop_routes(link.name, self.routes_over.get(link.name, ()))
        for vlan in self.vlans_over(link.name):
            if vlan.up:
                self._go_down(vlan)

    def _change_mtu(self, link: WorldLink, mtu: int | Unknown) -> None:
        if mtu == link.mtu:
            return
        link.mtu = mtu
        if mtu is not UNKNOWN and mtu < IPV6_MIN_MTU:
            self._drop_ipv6(link)
            link.autoconf = False
        for vlan in self.vlans_over(link.name):
            if mtu is UNKNOWN or (vlan.mtu is not UNKNOWN and vlan.mtu > mtu):
                self._change_mtu(vlan, mtu)
        if isinstance(link.value, Bond):
            for port in self.ports_of(link.name):
                self._change_mtu(self.links[port], mtu)
        self._follow_ports(link.master)

    def _change_mac(self, link: WorldLink, mac: str | Unknown) -> None:
        old = link.mac
        link.mac = mac
        for vlan in self.vlans_over(link.name):
            if vlan.up and vlan.mac == old:  # while it is down it keeps what it had
                self._change_mac(vlan, mac if old is not UNKNOWN else UNKNOWN)
        if isinstance(link.value, Bond) and not keeps_port_macs(link):
            for port in self.ports_of(link.name):
                self._change_mac(self.links[port], mac)
        self._follow_ports(link.master)

    def _follow_ports(self, name: str) -> None:
        """Let a bridge whose ports changed follow them in MTU and MAC, unless these were set."""
        bridge = self.links.get(name)
        if bridge is None or not isinstance(bridge.value, Bridge):
            return
        ports = [self.links[port] for port in self.ports_of(name)]
        mtus = [port.mtu for port in ports if port.mtu is not UNKNOWN]
        if len(mtus) < len(ports) or bridge.mtu != min(mtus, default=DEFAULT_MTU):
            self._change_mtu(bridge, UNKNOWN)
        macs = [port.mac for port in ports if port.mac is not UNKNOWN]
        least = min(macs) if len(macs) == len(ports) > 0 else UNKNOWN
        if bridge.mac is not UNKNOWN and (self.guests_on.get(name) or bridge.mac != least):
            self._change_mac(bridge, UNKNOWN)

    def _join(self, link: WorldLink, master: WorldLink) -> None:
        first = not self.ports.get(master.name)
        link.master = master.name
        self.ports.setdefault(master.name, {})[link.name] = None
        if not isinstance(master.value, Bond):
            self._follow_ports(master.name)
            return
        self._go_up(link)
        self._change_mtu(link, master.mtu)
        if first and master.mac != link.mac:
            # A bond takes the MAC of its first port unless somebody gave it one; what was given shows as a MAC, and so
            # does a random one.
            self._change_mac(master, UNKNOWN if master.mac is not UNKNOWN else link.mac)
        if not keeps_port_macs(master):
            self._change_mac(link, master.mac)

    def _leave(self, link: WorldLink) -> None:
        name, link.master = link.master, ""
        left = self.ports.get(name, {})
        left.pop(link.name, None)
        master = self.links.get(name)
        if master is None or not isinstance(master.value, Bond):
            self._follow_ports(name)
            return
        if link.up:
            self._go_down(link)
        self._change_mtu(link, UNKNOWN)
        self._change_mac(link, (isinstance(link.value, Nic) and link.value.facts.permanent_mac) or UNKNOWN)
        if not left:
            self._change_mac(master, UNKNOWN)

    def _remove(self, link: WorldLink) -> None:
        for vlan in self.vlans_over(link.name):
            self._remove(vlan)
        for port in self.ports_of(link.name):
            self._leave(self.links[port])
        if link.master:
            self._leave(link)
        if isinstance(link.value, Vlan):
            del self.vlans[link.value.base][link.value.tag]
        self._drop_routes(link.name, self.routes_over.get(link.name, ()))
        self._unplug_guests(link.name)
        del self.links[link.name]

    def _unplug_guests(self, bridge: str) -> None:
        for guest in self.guests_on.pop(bridge, ()):
            self.guests[guest] = replace(self.guests[guest], bridge="")

    def _remove_ovs_port(self, name: str) -> None:
        port = self.ovs_ports.pop(name)
        del self.bridge_ports[port.bridge][name]
        for interface in port.interfaces:
            del self.port_of[interface]
        if port.is_internal:
            self._remove(self.links[name])


def keeps_port_macs(bond: WorldLink | Bond) -> bool:
    """Whether the ports of a bond keep their own MAC addresses (``fail_over_mac``) instead of taking the bond's."""
    return (bond.options or {}).get("fail_over_mac", "none") not in {"none", "0"}


def without_failover_macs(host: Host) -> Host:
    """The host in a form for comparison: a bond with ``fail_over_mac`` has the MAC of its active port, and a VLAN
    device over it mostly the bond's.
    """
    passing = {name: bond.mac for name, bond in host.bonds.items() if bond.mac and keeps_port_macs(bond)}
    if not passing:
        return host
    bonds = {name: replace(bond, mac="") if name in passing else bond for name, bond in host.bonds.items()}
    vlans = {
        name: replace(vlan, mac="") if vlan.mac == passing.get(vlan.base) else vlan for name, vlan in host.vlans.items()
    }
    return replace(host, bonds=bonds, vlans=vlans)
