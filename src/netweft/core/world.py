"""A host that steps can be played on: what a kernel and an OVSDB do when asked, side effects included.

:class:`World` is the mutable twin of :class:`~netweft.core.host.Host`: indexed, so that a step costs the same on a host
with ten links or ten thousand. It assumes that a step is allowed; :mod:`netweft.core.simulate` says which are not. Both
the planner and the simulation stand on it, so that what a plan counts on and what the simulation shows cannot differ.

What a kernel decides from things that no observation shows is marked unknown: an MTU of 0, a MAC of "". It is unknown
whether a bridge follows its ports in MTU and MAC (it stops once somebody set them), and which MTU a NIC had before it
joined a bond.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from netweft.core import steps as s
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
from netweft.core.shaping import by_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

AnyLink: TypeAlias = Nic | Bond | Vlan | Bridge | OvsPort

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


def comes_by_itself(route: Route, link: Link | None) -> bool:
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


_FROZEN = (
    "owner",
    "up",
    "mtu",
    "mac",
    "master",
    "addresses",
    "dhcp4",
    "dhcp6",
    "leased_default",
    "autoconf",
    "dynamic",
)


class WorldLink:
    """A link that can change. ``value`` is the link as it was when it entered the world, for what never changes (kind,
    base, tag, mode).
    """

    __slots__ = (
        "addresses",
        "autoconf",
        "dhcp4",
        "dhcp6",
        "dynamic",
        "leased_default",
        "mac",
        "master",
        "mtu",
        "name",
        "options",
        "owner",
        "shaping",
        "stp",
        "up",
        "value",
    )

    def __init__(self, value: AnyLink) -> None:
        self.value = value
        self.name = value.name
        self.owner = value.owner
        self.up = value.up
        self.mtu = value.mtu
        self.mac = value.mac
        self.master = value.master
        self.addresses = value.addresses
        self.dhcp4 = value.dhcp4
        self.dhcp6 = value.dhcp6
        self.leased_default = value.leased_default
        self.autoconf = value.autoconf
        self.dynamic = value.dynamic
        self.options = None if isinstance(value, Nic | Vlan) else value.options
        self.stp = isinstance(value, Bridge) and value.stp
        classes = value.shaping if isinstance(value, Nic | Bond) else ()
        self.shaping = {traffic.tag: traffic for traffic in classes}

    def reset(self) -> None:
        """Make it what a new link is: down and alone, whatever its value says."""
        self.up = self.dhcp4 = self.dhcp6 = self.leased_default = self.autoconf = False
        self.master = ""
        self.addresses = self.dynamic = ()
        self.shaping = {}

    def freeze(self) -> AnyLink:
        """The link as a value."""
        changed: dict[str, object] = {
            name: mine for name in _FROZEN if (mine := getattr(self, name)) != getattr(self.value, name)
        }
        if isinstance(self.value, Bond | Bridge) and self.options != self.value.options:
            changed["options"] = self.options
        if isinstance(self.value, Bridge) and self.stp != self.value.stp:
            changed["stp"] = self.stp
        if isinstance(self.value, Nic | Bond) and (classes := by_tag(self.shaping.values())) != self.value.shaping:
            changed["shaping"] = classes
        return replace(self.value, **changed) if changed else self.value  # type: ignore[arg-type] # names and types are those of the value's own fields


class World:
    """The links, OVS parts, routes and rules of a host, with indexes, and :meth:`apply` for each kind of step."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.links: dict[str, WorldLink] = {}
        self.ports: dict[str, dict[str, None]] = {}
        self.vlans: dict[str, dict[int, str]] = {}
        self.ovs_bridges: dict[str, OvsBridge] = dict(host.ovs_bridges)
        self.ovs_ports: dict[str, OvsPort] = {}
        self.bridge_ports: dict[str, dict[str, None]] = {name: {} for name in host.ovs_bridges}
        self.doors: dict[str, str] = {}
        self.routes: dict[Route, None] = {}
        self.routes_over: dict[str, dict[Route, None]] = {}
        self.rules: dict[Rule, None] = dict.fromkeys(host.rules)
        self.dns = host.dns
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

    def apply(self, step: s.Step) -> None:
        """Do what the step does, trusting that it is allowed."""
        EFFECTS[type(step)](self, step)

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
            guest_ports=dict(self.guests),
            unmanaged=self.host.unmanaged,
        )

    def _with_present_primary(self, bond: Bond) -> Bond:
        """A kernel remembers the name of a primary that is no port, and tells of none until it is
        (bond_fill_info()).
        """
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
            self.doors[interface] = port.name

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
            self._change_mac(link, "")
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

    def _change_mtu(self, link: WorldLink, mtu: int) -> None:
        if mtu == link.mtu:
            return
        link.mtu = mtu
        if 0 < mtu < IPV6_MIN_MTU:
            self._drop_ipv6(link)
            link.autoconf = False
        for vlan in self.vlans_over(link.name):
            if mtu == 0 or vlan.mtu > mtu:
                self._change_mtu(vlan, mtu)
        if isinstance(link.value, Bond):
            for port in self.ports_of(link.name):
                self._change_mtu(self.links[port], mtu)
        self._follow_ports(link.master)

    def _change_mac(self, link: WorldLink, mac: str) -> None:
        old = link.mac
        link.mac = mac
        for vlan in self.vlans_over(link.name):
            if vlan.up and vlan.mac == old:  # while it is down it keeps what it had
                self._change_mac(vlan, mac if old else "")
        if isinstance(link.value, Bond) and not keeps_port_macs(link):
            for port in self.ports_of(link.name):
                self._change_mac(self.links[port], mac)
        self._follow_ports(link.master)

    def _follow_ports(self, name: str) -> None:
        """Let a bridge whose ports changed do what it does: follow them, or not, if it was ever told its MTU or MAC."""
        bridge = self.links.get(name)
        if bridge is None or not isinstance(bridge.value, Bridge):
            return
        ports = [self.links[port] for port in self.ports_of(name)]
        if bridge.mtu != min((port.mtu for port in ports), default=DEFAULT_MTU):
            self._change_mtu(bridge, 0)
        guests = self.guests_on.get(name)
        if bridge.mac and (guests or bridge.mac != min((port.mac for port in ports), default="")):
            self._change_mac(bridge, "")

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
            self._change_mac(master, "" if master.mac else link.mac)
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
        self._change_mtu(link, 0)
        self._change_mac(link, link.value.facts.permanent_mac if isinstance(link.value, Nic) else "")
        if not left:
            self._change_mac(master, "")

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

    # One method for each kind of step.

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
        """Start or stop DHCP; what a lease brought goes with the client."""
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
        """Tell others; nothing changes here."""

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
        """Change what OVSDB holds of a port; the link of an internal port stays as it is."""
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

    def _remove_ovs_port(self, name: str) -> None:
        port = self.ovs_ports.pop(name)
        del self.bridge_ports[port.bridge][name]
        for interface in port.interfaces:
            del self.doors[interface]
        if port.is_internal:
            self._remove(self.links[name])


def keeps_port_macs(bond: WorldLink | Bond) -> bool:
    """Whether the ports of a bond keep their own MAC addresses (``fail_over_mac``) instead of taking the bond's."""
    return (bond.options or {}).get("fail_over_mac", "none") not in {"none", "0"}


def without_passing_macs(host: Host) -> Host:
    """The host as it can be wanted or compared: a bond with ``fail_over_mac`` wears the MAC of the port that is active,
    and a VLAN device over it mostly wears the bond's.
    """
    passing = {name: bond.mac for name, bond in host.bonds.items() if bond.mac and keeps_port_macs(bond)}
    if not passing:
        return host
    bonds = {name: replace(bond, mac="") if name in passing else bond for name, bond in host.bonds.items()}
    vlans = {
        name: replace(vlan, mac="") if vlan.mac == passing.get(vlan.base) else vlan for name, vlan in host.vlans.items()
    }
    return replace(host, bonds=bonds, vlans=vlans)


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
}
"""What each kind of step does."""
