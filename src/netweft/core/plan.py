"""From the host as it is to the host as it should be: the steps, in an order that traffic suffers least from.

The planner plays each step that it decides on a :class:`~netweft.core.world.World`, and compares that with what is
wanted again: so what a kernel does by itself (VLAN devices that vanish with their bond, routes that go with an address)
needs no rule here.

The order:

1. marks on what is ours from now on; traffic classes of NICs and bonds that stay, since a kernel may lack shaping, and
is to say so before anything else has changed (new bonds get theirs in 2);
2. what stands in the way of a name or a VLAN goes; new bonds and bridges come, still empty;
3. links leave bonds; one run of OVS steps; new VLAN devices; NICs join bonds;
4. each link, lower ones first: ports, MTU, MAC, options, up. A bridge loses an old port before it gets the new one,
else both would be one network; 5. addresses, those that move taken from one link and put on the other in one breath;
routes and rules, new before old; neighbours are told what is elsewhere now; DHCP; 6. what is not needed any more goes;
resolvers; marks on what is not ours any more are taken away, at last.

So a plan that was interrupted anywhere leaves everything marked that the next plan has to look at.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from netweft.core import steps as s
from netweft.core.errors import HostError
from netweft.core.host import (
    MAIN_TABLE,
    PROTOCOL,
    SPOILT,
    Bond,
    Bridge,
    Host,
    Nic,
    OvsBridge,
    OvsPort,
    Route,
    TrafficClass,
    Vlan,
)
from netweft.core.limits import IPV6_MIN_MTU
from netweft.core.options import ONLY_WHILE_DOWN, ONLY_WITHOUT_PORTS, changed_keys
from netweft.core.paths import moved
from netweft.core.world import (
    AnyLink,
    World,
    WorldLink,
    canonical,
    comes_by_itself,
    is_ipv6,
    without_passing_macs,
)

__all__ = ["PlanError", "plan"]


class PlanError(HostError):
    """No plan leads to the wanted host without touching what is not ours; the text says what is in the way."""

    code = "ACTION_TYPE_FAILED_HOST_PLAN"


def plan(current: Host, desired: Host) -> list[s.Step]:
    """The steps that turn the managed part of ``current`` into that of ``desired``; none when they are equal there.

    A link is managed when either side marks it as ours; a route or rule when its protocol is ours, a route also when
    its link is managed. Raises PlanError when something that is not ours is in the way, a NIC is missing, or the wanted
    host cannot be (a link on itself, two routes of the same network, table and metric).
    """
    return _Planner(current, desired).plan()


class _Planner:
    def __init__(self, current: Host, desired: Host) -> None:
        self.current = current
        self.desired = without_passing_macs(desired)
        self.world = World(current)
        self.steps: list[s.Step] = []
        self.want: dict[str, AnyLink] = {}
        self.want_bridges: dict[str, OvsBridge] = {}
        self.want_ports: dict[str, OvsPort] = {}
        self.ports: dict[str, list[str]] = {}
        self.gone: dict[str, WorldLink] = {}
        self.held: dict[str, str] = {}
        self.coming: set[str] = set()
        self._find_wanted()
        self._find_gone()
        self.order = self._in_order()

    def plan(self) -> list[s.Step]:
        self._mark()
        self._shape([name for name in self.order if name in self.world.links and not self._is_stale(name)])
        self._forget_autoconf()
        self._make_room()
        self._create_bonds_and_bridges()
        self._shape(self.order)
        self._leave_bonds()
        self._change_ovs()
        self._create_vlans()
        self._change_bonds()
        for name in self.order:
            self._set_autoconf(name)
        for name in self.order:
            self._settle(self.want[name])
        self._move_addresses()
        self._change_routes()
        self._announce()
        self._set_dhcp()
        self._delete_gone()
        if self.world.dns != self.desired.dns:
            self._do(s.SetDns(self.desired.dns))
        self._unmark()
        return self.steps

    def _do(self, step: s.Step) -> None:
        self.steps.append(step)
        self.world.apply(step)

    # What is wanted.

    def _find_wanted(self) -> None:
        self._find_wanted_nics()
        desired = self.desired
        links: tuple[AnyLink, ...] = (
            *desired.bonds.values(),
            *desired.vlans.values(),
            *desired.bridges.values(),
        )
        for link in links:
            if self._is_managed(link.name, link.owner):
                self.want[link.name] = link
        for name, bridge in desired.ovs_bridges.items():
            if self._is_managed(name, bridge.owner):
                self.want_bridges[name] = bridge
        for name, port in desired.ovs_ports.items():
            if self._is_port_managed(port):
                self.want_ports[name] = port
                if port.is_internal:
                    self.want[name] = port
        for name, wanted in self.want.items():
            if wanted.master:
                self.ports.setdefault(wanted.master, []).append(name)

    def _find_wanted_nics(self) -> None:
        for name, nic in self.desired.nics.items():
            mine = self.world.links.get(name)
            if nic.owner or (mine is not None and mine.owner):
                if mine is None or not isinstance(mine.value, Nic):
                    raise PlanError(
                        f"There is no NIC {name} on the host; attach its networks elsewhere, or put the NIC back."
                    )
                self.want[name] = nic

    def _is_managed(self, name: str, owner: str) -> bool:
        """Whether a wanted virtual thing is ours to make or change. Raises PlanError when its name belongs to something
        that is not ours.
        """
        world = self.world
        mine = world.links.get(name) or world.ovs_bridges.get(name)
        if mine is not None and not isinstance(getattr(mine, "value", None), Nic) and mine.owner:
            return True
        if owner and (mine is not None or name in world.guests or name in self.current.unmanaged):
            raise PlanError(f"{name} exists on the host and is not ours; rename or remove it there first.")
        return bool(owner)

    def _is_port_managed(self, port: OvsPort) -> bool:
        if port.is_internal:
            return self._is_managed(port.name, port.owner)
        mine = self.world.ovs_ports.get(port.name)
        if mine is not None and port.owner and not mine.owner:
            raise PlanError(f"OVS port {port.name} exists on the host and is not ours; remove it there first.")
        return bool(port.owner or (mine is not None and mine.owner))

    def _find_gone(self) -> None:
        """Our links that are not wanted any more: virtual ones to delete, NICs to set free."""
        for name, link in self.world.links.items():
            want = self.want.get(name)
            if link.owner and want is None:
                if isinstance(link.value, Nic):
                    self.want[name] = Nic(name=name, up=link.up, mac=link.value.facts.permanent_mac)
                else:
                    self.gone[name] = link
            if link.owner or want is not None:
                kept = want.addresses if want is not None else ()
                for address in link.addresses:
                    if address not in kept:
                        self.held[address.ip] = name
        if self.held:
            self.coming = {address.ip for want in self.want.values() for address in want.addresses}

    def _in_order(self) -> list[str]:
        """Wanted links, each after those that it stands on; those that get an address from another link last among
        their like.
        """
        depths: dict[str, int] = {}

        def depth(name: str) -> int:
            found = depths.get(name)
            if found is None:
                depths[name] = -1
                link = self.want[name]
                lower = [name for name in self._below(link) if name in self.want]
                found = depths[name] = 1 + max(map(depth, lower), default=0)
            if found < 0:
                raise PlanError(f"{name} depends on itself.")
            return found

        held = self.held
        rank = {Bond: 0, Nic: 1, OvsPort: 2}
        keyed = []
        for name, link in self.want.items():
            receives = bool(held) and any(address.ip in held for address in link.addresses)
            kind = rank.get(type(link))
            keyed.append((kind if kind is not None else 2 + depth(name), receives, name))
        return [name for _, _, name in sorted(keyed)]

    def _below(self, link: AnyLink) -> list[str]:
        if isinstance(link, Vlan):
            return [link.base]
        return self.ports.get(link.name, []) if isinstance(link, Bridge) else []

    # 1. Marks

    def _mark(self) -> None:
        for name in self.order:
            want, link = self.want[name], self.world.links.get(name)
            if link is None or isinstance(want, OvsPort) or type(link.value) is not type(want):
                continue
            if want.owner and link.owner != want.owner:
                self._do(s.SetOwner(name, want.owner))

    def _unmark(self) -> None:
        for name in self.order:
            want, link = self.want[name], self.world.links[name]
            if link.owner and not want.owner and not isinstance(want, OvsPort):
                self._do(s.SetOwner(name, ""))
        for bridge in self.want_bridges.values():
            if bridge != self.world.ovs_bridges[bridge.name]:
                self._do(s.SetOvsBridge(bridge))
        for port in self.want_ports.values():
            if port.owner != self.world.ovs_ports[port.name].owner:
                self._do(s.SetOvsPort(port))

    def _shape(self, names: Iterable[str]) -> None:
        for name in names:
            want = self.want[name]
            if isinstance(want, Nic | Bond):
                self._shape_link(self.world.links[name], {traffic.tag: traffic for traffic in want.shaping})

    def _shape_link(self, link: WorldLink, want: dict[int | None, TrafficClass]) -> None:
        if want.get(None) == SPOILT:
            return  # a checkpoint that holds it; that cannot be had back
        if link.shaping and (not want or link.shaping.get(None) == SPOILT):
            self._do(s.StopShaping(link.name))
        if not want:
            return
        if not link.shaping:
            self._check_queueing(link)
            self._do(s.StartShaping(link.name, want[None]))
        for gone in [tag for tag in link.shaping if tag is not None and tag not in want]:
            self._do(s.RemoveTrafficClass(link.name, gone))
        for tag, traffic in want.items():
            if tag not in link.shaping:
                self._do(s.AddTrafficClass(link.name, traffic))
            elif link.shaping[tag] != traffic:
                self._do(s.SetTrafficClass(link.name, traffic))

    def _check_queueing(self, link: WorldLink) -> None:
        if isinstance(link.value, Nic | Bond) and link.value.queueing:
            raise PlanError(
                f"{link.name} has a queueing discipline that is not ours ({link.value.queueing}), so its traffic "
                "cannot be shaped; remove it on the host, or take the QoS off the networks there."
            )

    # 2. Room for what is new

    def _forget_autoconf(self) -> None:
        """Of ports that leave their bonds, and of VLAN devices over them. The MTU that such a port had before it joined
        may have no room for IPv6, and the setting would be lost, or not: nobody knows.
        """
        for name in self.order:
            link = self.world.links.get(name)
            if link is not None and self._leaves_bond(link):
                for one in (link, *self.world.vlans_over(name)):
                    if one.autoconf and one.name in self.want:
                        self._do(s.SetAutoconf(one.name, on=False))

    def _leaves_bond(self, link: WorldLink) -> bool:
        master = self.world.links.get(link.master)
        if master is None or not isinstance(master.value, Bond):
            return False
        return self.want[link.name].master != link.master or (link.master in self.want and self._is_stale(link.master))

    def _make_room(self) -> None:
        """Delete what cannot be changed into what is wanted, and what has a name, a VLAN or a bond's place that
        something wanted needs.
        """
        doomed = {name for name in self.order if self._is_stale(name)}
        for name, want in self.want.items():
            if isinstance(want, Vlan) and (name not in self.world.links or name in doomed):
                other = self.world.vlans.get(want.base, {}).get(want.tag)
                if other and other != name:
                    self._check_ours(other)
                    doomed.add(other)
        doomed |= {name for name in self.want_bridges if name in self.world.links}
        for name in (*self.gone, *doomed):
            for vlan in self.world.vlans_over(name):
                self._check_ours(vlan.name)
        self._make_room_in_ovs(doomed)
        for name in sorted(doomed):
            if name in self.world.links:
                self._do(s.DeleteLink(name))

    def _check_ours(self, name: str) -> None:
        if not self.world.links[name].owner:
            raise PlanError(f"VLAN device {name} is not ours and in the way; remove it on the host first.")

    def _is_stale(self, name: str) -> bool:
        """Whether a link of that name is there that cannot become the wanted one."""
        link, want = self.world.links.get(name), self.want[name]
        if link is None or link.value is want:
            return False
        match want, link.value:
            case (Nic(), Nic()) | (Bridge(), Bridge()):
                return False
            case (Bond() as new, Bond() as old):
                return new.mode != old.mode or bool(changed_keys(old.options, new.options) & ONLY_WITHOUT_PORTS)
            case (Vlan() as new, Vlan() as old):
                return (new.base, new.tag) != (old.base, old.tag)
            case (OvsPort() as new, OvsPort() as old):
                return new.bridge != old.bridge
            case _:
                return True

    def _make_room_in_ovs(self, doomed: set[str]) -> None:
        world = self.world
        for name in sorted(world.ovs_bridges):
            if name in self.want:
                self._delete_ovs_bridge(name)
        for name, port in sorted(world.ovs_ports.items()):
            is_taken = port.is_internal and (name in doomed or name in self.want_bridges)
            if is_taken or any(interface in doomed for interface in port.interfaces):
                self._delete_ovs_port(name)

    def _create_bonds_and_bridges(self) -> None:
        for name in self.order:
            want = self.want[name]
            if name not in self.world.links and isinstance(want, Bond | Bridge):
                self._do(s.CreateLink(want))

    # 3. Bonds, Open vSwitch, VLAN devices

    def _leave_bonds(self) -> None:
        """Free the ports of bonds that should be elsewhere, and whatever Open vSwitch shall have."""
        doors = {interface for port in self.want_ports.values() for interface in port.interfaces}
        for name in self.order:
            link = self.world.links.get(name)
            if link is None or not link.master or link.master == self.want[name].master:
                continue
            master = self.world.links.get(link.master)
            if name in doors or (master is not None and isinstance(master.value, Bond)):
                self._do(s.SetMaster(name, ""))

    def _change_ovs(self) -> None:
        """In one run, so that it can be one transaction."""
        self._delete_in_ovs()
        world, want_bridges, want_ports = self.world, self.want_bridges, self.want_ports
        for name in sorted(want_bridges):
            bridge, old_bridge = want_bridges[name], world.ovs_bridges.get(name)
            if old_bridge is None:
                self._do(s.CreateOvsBridge(bridge))
            elif old_bridge != (marked := replace(bridge, owner=bridge.owner or old_bridge.owner)):
                self._do(s.SetOvsBridge(marked))
        for name in sorted(want_ports):
            new, old = want_ports[name], world.ovs_ports.get(name)
            if old is None:
                self._do(s.CreateOvsPort(new))
            elif _in_ovsdb(old) != _in_ovsdb(new):
                self._do(s.SetOvsPort(replace(new, owner=new.owner or old.owner)))

    def _delete_in_ovs(self) -> None:
        world = self.world
        for name, bridge in sorted(world.ovs_bridges.items()):
            want = self.want_bridges.get(name)
            if (bridge.owner and want is None) or (want is not None and want.datapath != bridge.datapath):
                self._delete_ovs_bridge(name)
        for name, port in sorted(world.ovs_ports.items()):
            wanted = self.want_ports.get(name)
            is_changed = wanted is not None and (wanted.bridge, wanted.interfaces) != (port.bridge, port.interfaces)
            if is_changed or (port.owner and wanted is None):
                self._delete_ovs_port(name)

    def _delete_ovs_bridge(self, name: str) -> None:
        for port in sorted(self.world.bridge_ports[name]):
            self._stop_dhcp(port)
        self._do(s.DeleteOvsBridge(name))

    def _delete_ovs_port(self, name: str) -> None:
        self._stop_dhcp(name)
        self._do(s.DeleteOvsPort(name))

    def _stop_dhcp(self, name: str) -> None:
        link = self.world.links.get(name)
        if link is not None and isinstance(link.value, OvsPort) and (link.dhcp4 or link.dhcp6):
            self._do(s.SetDhcp(name, dhcp4=False, dhcp6=False))

    def _create_vlans(self) -> None:
        for name in self.order:
            want = self.want[name]
            if isinstance(want, Vlan) and name not in self.world.links:
                self._raise_mtu(want)
                base = self.world.links[want.base]
                self._do(s.CreateLink(replace(want, mac="") if want.mac == base.mac else want))

    def _raise_mtu(self, vlan: Vlan) -> None:
        """Give the base the MTU that the VLAN device needs."""
        base = self.world.links.get(vlan.base)
        if base is None:
            raise PlanError(f"{vlan.name}: its base {vlan.base} is not on the host.")
        if base.mtu >= vlan.mtu:
            return
        want = self.want.get(vlan.base)
        if want is None or want.mtu < vlan.mtu:
            raise PlanError(
                f"{vlan.name} needs an MTU of {vlan.mtu}, and {vlan.base} has {want.mtu if want else base.mtu}."
            )
        if isinstance(want, Vlan):
            self._raise_mtu(replace(want, mtu=vlan.mtu))
        self._do(s.SetMtu(vlan.base, want.mtu))

    def _change_bonds(self) -> None:
        for name in self.order:
            want, link = self.want[name], self.world.links[name]
            if isinstance(want, Bond):
                changed = changed_keys(link.options or {}, want.options)
                if changed:
                    if changed & ONLY_WHILE_DOWN and link.up:
                        self._do(s.SetUp(name, up=False))
                    self._do(s.SetBondOptions(name, tuple(sorted(want.options.items()))))
                for port in sorted(self.ports.get(name, ())):
                    self._join_bond(port, name)

    def _join_bond(self, port: str, bond: str) -> None:
        link = self.world.links[port]
        if link.master != bond:
            if link.up:
                self._do(s.SetUp(port, up=False))
            self._do(s.SetMaster(port, bond))

    def _set_autoconf(self, name: str) -> None:
        """To be done before a link goes up, which is when a router is asked. A link whose MTU has no room for IPv6, or
        is not known, has to wait until it has another.
        """
        want, link = self.want[name], self.world.links[name]
        if link.autoconf != want.autoconf and link.mtu >= IPV6_MIN_MTU:
            self._do(s.SetAutoconf(name, want.autoconf))

    # 4. Each link

    def _settle(self, want: AnyLink) -> None:
        name, link = want.name, self.world.links[want.name]
        if isinstance(want, Bridge):
            self._change_ports(name)
            if link.stp != want.stp or link.options != want.options:
                self._do(s.SetBridgeOptions(name, want.stp, tuple(sorted(want.options.items()))))
        if link.master and not want.master:
            self._do(s.SetMaster(name, ""))
        if link.mtu != want.mtu:
            self._do(s.SetMtu(name, want.mtu))
        self._set_autoconf(name)
        if want.mac and link.mac != want.mac and not self._has_macs_of_bond(link):
            self._do(s.SetMac(name, want.mac))
        if link.up != want.up:
            self._do(s.SetUp(name, want.up))

    def _change_ports(self, bridge: str) -> None:
        for port in self.world.ports_of(bridge):
            want = self.want.get(port)
            if port not in self.world.links:
                continue  # It went with the bond or VLAN device below it that was a port, too.
            if port in self.gone:
                self._do(s.DeleteLink(port))
            elif want is not None and want.master != bridge:
                self._do(s.SetMaster(port, ""))
        for port in sorted(self.ports.get(bridge, ())):
            if self.world.links[port].master != bridge:
                self._do(s.SetMaster(port, bridge))

    def _has_macs_of_bond(self, link: WorldLink) -> bool:
        master = self.world.links.get(link.master)
        return master is not None and isinstance(master.value, Bond)

    # 5. Addresses, routes, DHCP

    def _move_addresses(self) -> None:
        changing = [name for name in self.order if self.want[name].addresses != self.world.links[name].addresses]
        receiving = dict.fromkeys(name for name in changing if self._receives(name))
        for name in changing:
            if name not in receiving:
                self._replace_addresses(name)
        for name in receiving:
            self._receive(name)
        for name in changing:
            self._remove_addresses(name)

    def _receives(self, name: str) -> bool:
        """Whether a link shall have an address that another has now."""
        held = self.held
        return bool(held) and any(
            held.get(address.ip, name) != name
            for address in self.want[name].addresses
            if address not in self.world.links[name].addresses
        )

    def _replace_addresses(self, name: str) -> None:
        """New addresses before the old ones go; but IPv6 has an address only once, whatever its prefix."""
        want, link = self.want[name], self.world.links[name]
        missing = [address for address in want.addresses if address not in link.addresses]
        twice = {address.ip for address in missing if is_ipv6(address.ip)}
        for address in link.addresses:
            if address.ip in twice:
                self._do(s.RemoveAddress(name, address))
        for address in missing:
            self._do(s.AddAddress(name, address))
        for address in link.addresses:
            if address not in want.addresses and address.ip not in self.coming:
                self._do(s.RemoveAddress(name, address))

    def _remove_addresses(self, name: str) -> None:
        want, link = self.want[name], self.world.links[name]
        for address in link.addresses:
            if address not in want.addresses:
                self._do(s.RemoveAddress(name, address))

    def _receive(self, name: str) -> None:
        """Put the missing addresses on a link, each just after it left the link that had it."""
        want = self.want[name]
        for address in want.addresses:
            if address in self.world.links[name].addresses:
                continue
            giver = self.world.links.get(self.held.get(address.ip, ""))
            for old in giver.addresses if giver is not None else ():
                if old.ip == address.ip:
                    self._do(s.RemoveAddress(giver.name, old))  # type: ignore[union-attr] # it has addresses, so it is there
            self._do(s.AddAddress(name, address))

    def _is_route_managed(self, route: Route) -> bool:
        is_ours = route.protocol == PROTOCOL or route.link in self.want or route.link in self.gone
        return is_ours and not comes_by_itself(route, self.want.get(route.link))

    def _change_routes(self) -> None:
        world = self.world
        wanted = dict.fromkeys(canonical(r) for r in self.desired.routes if self._is_route_managed(r))
        old = [route for route in world.routes if route not in wanted and self._is_route_managed(route)]
        missing = [route for route in wanted if route not in world.routes]
        if missing:
            _check_apart(wanted)
            at = {(r.to, r.table, r.metric): r for r in world.routes}
            for route in sorted(missing, key=lambda r: (bool(r.via), r.table != MAIN_TABLE, r)):
                self._make_way(route, at.get((route.to, route.table, route.metric)))
                self._do(s.AddRoute(route))
        rules = [rule for rule in self.desired.rules if rule.protocol == PROTOCOL]
        for rule in rules:
            if rule not in world.rules:
                self._do(s.AddRule(rule))
        for rule in [rule for rule in world.rules if rule.protocol == PROTOCOL and rule not in rules]:
            self._do(s.RemoveRule(rule))
        for route in old:
            if route in world.routes and route.link not in self.gone:
                self._do(s.RemoveRoute(route))

    def _make_way(self, route: Route, other: Route | None) -> None:
        if route.link not in self.world.links:
            raise PlanError(f"The route to {route.to} goes over {route.link}, which is not on the host.")
        if other is None:
            return
        if not self._is_route_managed(other):
            raise PlanError(
                f"The route to {route.to} over {other.link} is not ours and in the way of ours over {route.link}; "
                "remove it on the host first."
            )
        self._do(s.RemoveRoute(other))

    def _announce(self) -> None:
        """Before clients are stopped and old links removed, which takes seconds that neighbours need not wait."""
        if self.steps:
            for name in moved(World(self.current), self.world, (*self.order, *sorted(self.want_bridges))):
                self._do(s.Announce(name))

    def _set_dhcp(self) -> None:
        wanted = [(name, _dhcp_of(self.want[name])) for name in self.order]
        changes = [s.SetDhcp(name, *client) for name, client in wanted if _dhcp_of(self.world.links[name]) != client]
        for step in sorted(changes, key=lambda step: step.dhcp4 or step.dhcp6):
            self._do(step)

    # 6. What is left over

    def _delete_gone(self) -> None:
        rank = {Bridge: 0, Vlan: 1, Bond: 2}
        for name in sorted(self.gone, key=lambda name: (rank.get(type(self.gone[name].value), 3), name)):
            if name in self.world.links:
                self._do(s.DeleteLink(name))


def _dhcp_of(link: AnyLink | WorldLink) -> tuple[bool, bool, bool]:
    return link.dhcp4, link.dhcp6, link.leased_default


def _check_apart(routes: Iterable[Route]) -> None:
    """A routing table has one route to a network with one metric (fib_table_insert(), fib6_add()). Raises PlanError."""
    seen: dict[tuple[str, int, int], Route] = {}
    for route in routes:
        first = seen.setdefault((route.to, route.table, route.metric), route)
        if first is not route:
            ways = " and ".join(f"over {r.link}{f' via {r.via}' if r.via else ''}" for r in (first, route))
            raise PlanError(
                f"The host cannot have two routes to {route.to} in table {route.table} with metric {route.metric}: "
                f"{ways}. Leave one out, for example one of two gateways."
            )


def _in_ovsdb(port: OvsPort) -> tuple[object, ...]:
    return port.owner, port.tag, port.trunks, port.bond_mode, port.lacp, dict(port.options)
