"""Play steps on a host as a value, refusing what a kernel, an OVSDB or ovs-vswitchd refuses.

The effects of the steps are in :mod:`netweft.core.world`; here is why a step may not be done, one function per kind of
step, each with the rule of the Linux kernel (or of ovs-vswitchd.conf.db(5)) that it stands for. The contract tests hold
it against the real things.

The agent sets ``net.ipv4.conf.all.promote_secondaries``, so an address that is removed takes no other address with it.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING

from netweft.core import steps as s
from netweft.core.errors import HostError
from netweft.core.host import MAIN_TABLE, NAME_MAX, Bond, Bridge, Nic, OvsPort, Vlan
from netweft.core.kernel import canonical, is_ipv6
from netweft.core.limits import INTERNAL_MTU_MAX, IPV6_MIN_MTU, MTU_MAX, MTU_MIN, VLAN_MAX
from netweft.core.options import MODES, bond_problem, bond_running_problem, bridge_problem
from netweft.core.shaping import class_problem
from netweft.core.world import World
from netweft.core.world_link import UNKNOWN, WorldLink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from netweft.core.host import Host, Route

IPV4_BITS = 32
"""Bits of an IPv4 address."""

OVS_BOND_MODES = ("active-backup", "balance-slb", "balance-tcp")


class StepRefusedError(HostError):
    """A kernel or an OVSDB refuses the step."""

    code = "ACTION_TYPE_FAILED_HOST_REFUSED"


class Simulation:
    """A host that steps are played on one after the other; for many steps this is much cheaper than :func:`simulate`
    for each.
    """

    def __init__(self, host: Host) -> None:
        self.world = World(host)

    def apply(self, step: s.Step) -> None:
        """Do the step; raises StepRefusedError, and changes nothing, where the real thing refuses it."""
        problem = REFUSALS[type(step)](self.world, step)
        if problem:
            raise StepRefusedError(problem)
        self.world.apply(step)

    @property
    def host(self) -> Host:
        """The host as it is now."""
        return self.world.freeze()


def simulate(host: Host, step: s.Step) -> Host:
    """The host after the step. Raises StepRefusedError where the real thing refuses it."""
    return simulate_all(host, (step,))


def simulate_all(host: Host, steps: Iterable[s.Step]) -> Host:
    """The host after all steps. Raises StepRefusedError at the first that the real thing refuses."""
    simulation = Simulation(host)
    for step in steps:
        simulation.apply(step)
    return simulation.host


def _name_problem(world: World, name: str) -> str | None:
    """dev_valid_name() of the kernel, and that the name is free."""
    if not 0 < len(name.encode()) <= NAME_MAX or name in {".", ".."} or any(c in "/:" or c.isspace() for c in name):
        return f"{name!r} is no name for a link: 1 to {NAME_MAX} characters without slash, colon or blank are"
    if name in world.links or name in world.ovs_bridges or name in world.guests or name in world.host.unmanaged:
        return f"{name} exists already"
    return None


def _mtu_problem(name: str, mtu: int, *, most: int = MTU_MAX) -> str | None:
    if not MTU_MIN <= mtu <= most:
        return f"{name}: an MTU of {mtu} is not between {MTU_MIN} and {most}"
    return None


def _mac_problem(name: str, mac: str) -> str | None:
    """is_valid_ether_addr() of the kernel: not multicast, not zero."""
    if not re.fullmatch("([0-9a-f]{2}:){5}[0-9a-f]{2}", mac):  # octets of a MAC
        return f"{name}: {mac!r} is no MAC address"
    if int(mac[:2], 16) & 1 or mac == "00:00:00:00:00:00":
        return f"{name}: {mac} is not the MAC address of one station"
    return None


def _missing(world: World, name: str) -> str | None:
    return None if name in world.links else f"there is no link {name}"


def _over_base_problem(world: World, name: str, base: str, mtu: int) -> str | None:
    """The rule of vlan_dev_change_mtu() and vlan_newlink(): not more than the base."""
    most = world.links[base].mtu
    return f"{name}: an MTU of {mtu} is more than the {most} of {base}" if most is not UNKNOWN and mtu > most else None


def _create_link(world: World, step: s.CreateLink) -> str | None:
    link = step.link
    problem = (
        _name_problem(world, link.name)
        or _mtu_problem(link.name, link.mtu)
        or (_mac_problem(link.name, link.mac) if link.mac else None)
    )
    match link:
        case Vlan():
            return problem or _create_vlan(world, link)
        case Bond():
            if link.mode not in MODES:
                return problem or f"{link.name}: there is no bond mode {link.mode!r}"
            return (
                problem
                or bond_problem(link.name, link.mode, link.options)
                or _primary_problem(world, link.name, link.options)
            )
        case _:
            return problem or bridge_problem(link.name, link.options, stp=link.stp)


def _create_vlan(world: World, link: Vlan) -> str | None:
    if link.base not in world.links:
        return f"{link.name}: its base {link.base} is not there"
    if not 0 <= link.tag <= VLAN_MAX:
        return f"{link.name}: there is no VLAN {link.tag}"
    if link.tag in world.vlans.get(link.base, ()):
        return f"{link.name}: VLAN {link.tag} over {link.base} is there already, as {world.vlans[link.base][link.tag]}"
    return _over_base_problem(world, link.name, link.base, link.mtu)


def _delete_link(world: World, step: s.DeleteLink) -> str | None:
    link = world.links.get(step.name)
    if link is None:
        return f"there is no link {step.name}"
    if isinstance(link.value, Nic):
        return f"{step.name} is a NIC, which cannot be removed"
    if isinstance(link.value, OvsPort):
        return f"{step.name} is a port of {link.value.bridge}, and is removed there"
    return None


def _set_owner(world: World, step: s.SetOwner) -> str | None:
    link = world.links.get(step.name)
    if link is not None and isinstance(link.value, OvsPort):
        return f"{step.name} is a port of {link.value.bridge}, and is marked there"
    return _missing(world, step.name)


def _set_master(world: World, step: s.SetMaster) -> str | None:  # noqa: PLR0911 # a return for each reason
    link = world.links.get(step.name)
    if link is None:
        return f"there is no link {step.name}"
    if not step.master or step.master == link.master:
        return None
    master = world.links.get(step.master)
    if master is None:
        return f"{step.name}: there is no link {step.master} to join"
    if step.name in world.port_of:
        return f"{step.name} is part of OVS port {world.port_of[step.name]}"
    match master.value:
        case Bond():
            return _join_bond_problem(world, link, master)
        case Bridge():
            return _join_bridge_problem(world, link, master)
        case _:
            return f"{step.name} cannot join {step.master}, which is neither bond nor bridge"


def _join_bond_problem(world: World, link: WorldLink, bond: WorldLink) -> str | None:
    if not isinstance(link.value, Nic):
        return f"{link.name} is no NIC, and cannot join bond {bond.name}"
    old = world.links.get(link.master)
    leaves_bond = old is not None and isinstance(old.value, Bond)
    return f"{link.name} must be down to join bond {bond.name}" if link.up and not leaves_bond else None


def _join_bridge_problem(world: World, link: WorldLink, bridge: WorldLink) -> str | None:
    if isinstance(link.value, Bridge):
        return f"{link.name} is a bridge, and cannot be a port of bridge {bridge.name}"
    if bridge.name in _below(world, link):
        return f"{link.name} is above {bridge.name}, and cannot be its port: that is a loop"
    return None


def _below(world: World, link: WorldLink) -> set[str]:
    """The names of the links that frames of this one go through further down."""
    found: set[str] = set()
    todo = [link]
    while todo:
        value = todo.pop().value
        lower = world.ports_of(value.name) if isinstance(value, Bond | Bridge) else []
        if isinstance(value, Vlan):
            lower = [value.base]
        new = set(lower) - found
        found |= new
        todo += [world.links[name] for name in new]
    return found


def _set_up(world: World, step: s.SetUp) -> str | None:
    """vlan_dev_open() of the kernel: a VLAN device cannot be up over a base that is down."""
    link = world.links.get(step.name)
    if link is None:
        return f"there is no link {step.name}"
    if step.up and isinstance(link.value, Vlan) and not world.links[link.value.base].up:
        return f"{step.name} cannot go up while its base {link.value.base} is down"
    return None


def _set_mtu(world: World, step: s.SetMtu) -> str | None:
    link = world.links.get(step.name)
    if link is None:
        return f"there is no link {step.name}"
    if isinstance(link.value, Vlan):
        problem = _over_base_problem(world, step.name, link.value.base, step.mtu)
        return problem or _mtu_problem(step.name, step.mtu)
    return _mtu_problem(step.name, step.mtu, most=INTERNAL_MTU_MAX if isinstance(link.value, OvsPort) else MTU_MAX)


def _set_mac(world: World, step: s.SetMac) -> str | None:
    return _missing(world, step.name) or _mac_problem(step.name, step.mac)


def _set_bond_options(world: World, step: s.SetBondOptions) -> str | None:
    link = world.links.get(step.name)
    if link is None or not isinstance(link.value, Bond):
        return f"there is no bond {step.name}"
    has_ports = bool(world.ports.get(step.name))
    options = dict(step.options)
    return (
        bond_problem(step.name, link.value.mode, options)
        or _primary_problem(world, step.name, options)
        or bond_running_problem(step.name, link.options or {}, options, up=link.up, has_ports=has_ports)
    )


def _primary_problem(world: World, name: str, options: Mapping[str, str]) -> str | None:
    """A primary is named by the index of a link that is there; whether it is a port counts later."""
    primary = options.get("primary", "")
    return None if not primary or primary in world.links else f"{name}: there is no link {primary} to be its primary"


def _set_bridge_options(world: World, step: s.SetBridgeOptions) -> str | None:
    link = world.links.get(step.name)
    if link is None or not isinstance(link.value, Bridge):
        return f"there is no bridge {step.name}"
    return bridge_problem(step.name, dict(step.options), stp=step.stp)


def _link_is_there(world: World, step: s.SetDhcp) -> str | None:
    return _missing(world, step.name)


def _set_autoconf(world: World, step: s.SetAutoconf) -> str | None:
    """A link without IPv6 has no such setting."""
    link = world.links.get(step.name)
    return _no_ipv6(link) if link is not None else _missing(world, step.name)


def _no_ipv6(link: WorldLink) -> str | None:
    """addrconf_notify() of the kernel: a link has IPv6 while its MTU has room for it; an unknown one may not."""
    if link.has_room_for_ipv6:
        return None
    return f"{link.name}: no IPv6 while its MTU is {link.mtu}; it takes {IPV6_MIN_MTU}"


def _add_address(world: World, step: s.AddAddress) -> str | None:
    """inet_insert_ifa() and ipv6_add_addr(): IPv4 has an address once per prefix length, IPv6 once."""
    link = world.links.get(step.name)
    if link is None:
        return f"there is no link {step.name}"
    ip, ipv6 = step.address.ip, is_ipv6(step.address.ip)
    try:
        ip_interface(str(step.address))
    except ValueError:
        return f"{step.name}: {step.address} is no address"
    if ipv6 and (problem := _no_ipv6(link)):
        return problem
    if ipv6 and isinstance(link.value, Nic) and link.value.ipv6_off:
        return f"{step.name}: IPv6 is switched off"
    same = [other for other in link.addresses if other.ip == ip and (ipv6 or other.prefix == step.address.prefix)]
    return f"{step.name} has {same[0]} already" if same else None


def _remove_address(world: World, step: s.RemoveAddress) -> str | None:
    link = world.links.get(step.name)
    if link is None:
        return f"there is no link {step.name}"
    return None if step.address in link.addresses else f"{step.name} has no address {step.address}"


def _add_route(world: World, step: s.AddRoute) -> str | None:  # noqa: PLR0911 # a return for each reason
    route = canonical(step.route)
    link = world.links.get(route.link)
    if link is None:
        return f"route {route.to}: there is no link {route.link}"
    try:
        ip_network(route.to)
    except ValueError:
        return f"route {route.to}: that is no network"
    if not link.up:
        return f"route {route.to}: {route.link} is down"
    if is_ipv6(route.to) and (problem := _no_ipv6(link)):
        return f"route {route.to}: {problem}"
    key = (route.to, route.table, route.metric)
    if any((other.to, other.table, other.metric) == key for other in world.routes):
        return f"route {route.to} is in table {route.table} with metric {route.metric} already"
    if _is_connected(world, route):
        return f"route {route.to} came into table {route.table} with an address already"
    if route.via and not _reachable(world, link, route):
        return f"route {route.to}: gateway {route.via} is not in a network of {route.link}"
    return None


def _is_connected(world: World, route: Route) -> bool:
    """fib_add_ifaddr(): an IPv4 address brings a route to its network, metric 0, in the main table while its link is
    up.
    """
    if is_ipv6(route.to) or route.is_default or (route.table, route.metric) != (MAIN_TABLE, 0):
        return False
    return any(
        address.network == route.to and address.prefix < IPV4_BITS  # bits of an IPv4 address
        for link in world.links.values()
        if link.up
        for address in (*link.addresses, *link.dynamic)
    )


def _reachable(world: World, link: WorldLink, through: Route) -> bool:
    """fib_check_nh() and ip6_route_check_nh(): an address of the link covers the gateway, or an on-link route does.

    They look for that route in the new one's table, then in the main one.
    """
    target = ip_address(through.via)
    if is_ipv6(through.via) and target.is_link_local:  # of IP
        return True
    networks = [address.network for address in (*link.addresses, *link.dynamic)]
    over = world.routes_over.get(link.name, ())
    networks += [route.to for route in over if not route.via and route.table in {through.table, MAIN_TABLE}]
    return any(target in ip_network(network) for network in networks)


def _remove_route(world: World, step: s.RemoveRoute) -> str | None:
    found = canonical(step.route) in world.routes
    return None if found else f"there is no route {step.route.to} over {step.route.link} in table {step.route.table}"


def _add_rule(world: World, step: s.AddRule) -> str | None:
    rule = step.rule
    if bool(rule.source) == bool(rule.destination):
        return f"a rule with priority {rule.priority} needs a source or a destination"
    return f"the rule for {rule.source or rule.destination} is there already" if rule in world.rules else None


def _remove_rule(world: World, step: s.RemoveRule) -> str | None:
    rule = step.rule
    return None if rule in world.rules else f"there is no rule for {rule.source or rule.destination}"


def _start_shaping(world: World, step: s.StartShaping) -> str | None:
    """tc_modify_qdisc() of the kernel: in the place of a queueing discipline that somebody chose no other is made."""
    link = world.links.get(step.name)
    if link is None or not isinstance(link.value, Nic | Bond):
        return f"there is no NIC or bond {step.name}"
    if link.shaping or link.value.queueing:
        return f"{step.name} has a queueing discipline already"
    return class_problem(step.name, step.rest)


def _shaped(world: World, name: str) -> str | None:
    link = world.links.get(name)
    return None if link is not None and link.shaping else f"the traffic of {name} is not shaped"


def _stop_shaping(world: World, step: s.StopShaping) -> str | None:
    return _shaped(world, step.name)


def _add_traffic_class(world: World, step: s.AddTrafficClass) -> str | None:
    if step.traffic.tag in (link.shaping if (link := world.links.get(step.name)) else ()):
        return f"{step.name} has {_class_name(step.traffic.tag)} already"
    return _shaped(world, step.name) or class_problem(step.name, step.traffic)


def _set_traffic_class(world: World, step: s.SetTrafficClass) -> str | None:
    problem = _shaped(world, step.name) or class_problem(step.name, step.traffic)
    return problem or _class_missing(world, step.name, step.traffic.tag)


def _remove_traffic_class(world: World, step: s.RemoveTrafficClass) -> str | None:
    return _shaped(world, step.name) or _class_missing(world, step.name, step.tag)


def _class_missing(world: World, name: str, tag: int | None) -> str | None:
    return None if tag in world.links[name].shaping else f"{name} has no {_class_name(tag)}"


def _class_name(tag: int | None) -> str:
    return "class for the rest" if tag is None else f"class for VLAN {tag}"


def _announce(world: World, step: s.Announce) -> str | None:
    return None if step.name in world.ovs_bridges else _missing(world, step.name)


def _set_dns(_world: World, _step: s.SetDns) -> str | None:
    return None


def _create_ovs_bridge(world: World, step: s.CreateOvsBridge) -> str | None:
    if step.bridge.datapath not in {"system", "netdev"}:
        return f"{step.bridge.name}: there is no datapath {step.bridge.datapath!r}"
    return _name_problem(world, step.bridge.name)


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
            _name_problem(world, port.name)
            or _mtu_problem(port.name, port.mtu, most=INTERNAL_MTU_MAX)
            or (_mac_problem(port.name, port.mac) if port.mac else None)
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


REFUSALS: dict[type, Callable[..., str | None]] = {
    s.CreateLink: _create_link,
    s.DeleteLink: _delete_link,
    s.SetOwner: _set_owner,
    s.SetMaster: _set_master,
    s.SetUp: _set_up,
    s.SetMtu: _set_mtu,
    s.SetMac: _set_mac,
    s.SetBondOptions: _set_bond_options,
    s.SetBridgeOptions: _set_bridge_options,
    s.SetAutoconf: _set_autoconf,
    s.SetDhcp: _link_is_there,
    s.AddAddress: _add_address,
    s.RemoveAddress: _remove_address,
    s.AddRoute: _add_route,
    s.RemoveRoute: _remove_route,
    s.AddRule: _add_rule,
    s.RemoveRule: _remove_rule,
    s.Announce: _announce,
    s.StartShaping: _start_shaping,
    s.StopShaping: _stop_shaping,
    s.AddTrafficClass: _add_traffic_class,
    s.SetTrafficClass: _set_traffic_class,
    s.RemoveTrafficClass: _remove_traffic_class,
    s.SetDns: _set_dns,
    s.CreateOvsBridge: _create_ovs_bridge,
    s.DeleteOvsBridge: _delete_ovs_bridge,
    s.SetOvsBridge: _set_ovs_bridge,
    s.CreateOvsPort: _create_ovs_port,
    s.SetOvsPort: _set_ovs_port,
    s.DeleteOvsPort: _delete_ovs_port,
}
"""Why a step of each kind may be refused."""
