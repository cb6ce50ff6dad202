"""What a plan does, in words, and what it affects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from netweft.core import steps as s
from netweft.core.chassis import INTEGRATION_BRIDGE
from netweft.core.host import Bond, Host, Loss, Nic, Vlan
from netweft.core.kernel import is_ipv6
from netweft.core.paths import Ways
from netweft.core.step_texts import describe
from netweft.core.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class StepImpact:
    """A step of a plan: in words, what traffic it costs, whose networks and which guests' vNICs cross what it changes.

    ``owners``: ids of networks, sorted; ``vnics``: ids of vNICs, sorted; ``nics``: names of the NICs that it names.
    """

    step: s.Step
    text: str
    loss: Loss
    owners: tuple[str, ...]
    vnics: tuple[str, ...]
    nics: tuple[str, ...] = ()


def loss(step: s.Step, host: Host) -> Loss:
    """What the step alone costs those who use what it changes, on this host."""
    return _loss(step, World(host))


def touched(step: s.Step, host: Host) -> set[str]:
    """The names of the links and OVS bridges whose traffic the step may affect: those that it names, and all above
    them.
    """
    return _touched(step, World(host))


def explain(
    steps: Sequence[s.Step], host: Host, shared: str = "base", *, management: Collection[str] = ()
) -> tuple[StepImpact, ...]:
    """Each step of a plan with its impact, on the host as it is just then.

    What the rest of the same plan gives back is a moment's loss, not an outage. ``shared``: the owner that is no
    network. ``management``: the owners by which the host is managed: what moves those to other NICs may cut it off.
    """
    world, found = World(host), []
    outcome = _Outcome(host, steps, management)
    for position, step in enumerate(steps):
        names, cost = _touched(step, world), _loss(step, world)
        if cost is Loss.OUTAGE and outcome.gives_back(step, position, world):
            cost = Loss.BLIP
        guests = (
            {guest for name in names for guest in world.guests_on.get(name, ())} if cost is not Loss.NONE else set()
        )
        owners = {world.links[name].owner for name in names if name in world.links}
        vnics = sorted(world.guests[guest].vnic for guest in guests)
        owned = tuple(sorted(owners - {"", shared}))
        impact = StepImpact(
            step=step, text=describe(step), loss=cost, owners=owned, vnics=tuple(vnics), nics=_nics(step, host)
        )
        found.append(impact)
        world.apply(step)
    return tuple(found)


# What a step takes, and whether the plan gives it back.


class _Outcome:
    """What of that which a host's neighbours reach is still reached when a plan is done, and by the same way."""

    def __init__(self, host: Host, steps: Sequence[s.Step], management: Collection[str]) -> None:
        start, end = World(host), World(host)
        for step in steps:
            end.apply(step)
        self._end = end
        self._bridges = {name: guest.bridge for name, guest in host.guest_ports.items()}
        self._ways = Ways(start), Ways(end)
        self._addresses = self._ways[0].of_addresses(), self._ways[1].of_addresses()
        vital = [link for link in start.links.values() if link.owner in management]
        self._vital = {address.ip for link in vital for address in (*link.addresses, *link.dynamic)}
        self._added = {_added(step): position for position, step in enumerate(steps)}

    def gives_back(self, step: s.Step, position: int, world: World) -> bool:
        """Whether those who lose something by the step have it again when the plan is done; ``world``: before it."""
        match step:
            case s.RemoveRoute() | s.RemoveRule():
                return self._added.get(_removed(step), -1) > position
            case s.SetDhcp(name, dhcp4, dhcp6):
                stays = {4: dhcp4, 6: dhcp6}
                leased = [address for address in world.links[name].dynamic if not stays[address.version]]
                return bool(leased) and all(self._keeps_address(address.ip) for address in leased)
            case s.SetBridgeOptions() | s.SetAutoconf() | s.SetChassis():
                return False
            case s.RemoveAddress(_, address):
                return self._keeps_address(address.ip)
            case s.SetMaster(name, _):
                return self._keeps(_with_all_above([name], world), world)
            case _:
                return self._keeps(_touched(step, world), world)

    def _keeps(self, names: Iterable[str], world: World) -> bool:
        links = [world.links[name] for name in names if name in world.links]
        addresses = [address.ip for link in links for address in (*link.addresses, *link.dynamic)]
        guests = [guest for name in names for guest in world.guests_on.get(name, ())]
        return all(map(self._keeps_address, addresses)) and all(map(self._keeps_guest, guests))

    def _keeps_address(self, ip: str) -> bool:
        start, end = (addresses.get(ip) for addresses in self._addresses)
        if start is None or end is None:
            return start is None
        is_risky = ip in self._vital and start[1].is_elsewhere(end[1])
        return start[1].is_soon(end[1]) and not is_risky

    def _keeps_guest(self, guest: str) -> bool:
        """A guest whose bridge is created again is plugged in again after the plan."""
        bridge = self._bridges[guest]
        start, end = (ways.of(bridge) for ways in self._ways)
        return (bridge in self._end.links or bridge in self._end.ovs_bridges) and start.is_soon(end)


def _removed(step: s.RemoveRoute | s.RemoveRule) -> tuple[object, ...]:
    """The removed parts, in the form in which :func:`_added` returns added ones."""
    if isinstance(step, s.RemoveRoute):
        return step.route.to, step.route.table
    return step.rule.source, step.rule.destination


def _added(step: s.Step) -> tuple[object, ...]:
    match step:
        case s.AddRoute(route):
            return route.to, route.table
        case s.AddRule(rule):
            return rule.source, rule.destination
        case _:
            return ()


# How far a step reaches.


def _touched(step: s.Step, world: World) -> set[str]:
    return _with_all_above([name for name in _named(step) if _exists(name, world)], world)


def _exists(name: str, world: World) -> bool:
    return name in world.links or name in world.ovs_bridges or name in world.ovs_ports


def _with_all_above(names: list[str], world: World) -> set[str]:
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            names += _above(name, world)
    return found


def _named(step: s.Step) -> tuple[str, ...]:  # noqa: PLR0911 # a return for each kind of step
    match step:
        case s.CreateLink(link):
            return (link.name,)
        case s.SetMaster(name, master):
            return name, master
        case s.AddRoute(route) | s.RemoveRoute(route):
            return (route.link,)
        case s.CreateOvsBridge(bridge) | s.SetOvsBridge(bridge):
            return (bridge.name,)
        case s.CreateOvsPort(port) | s.SetOvsPort(port):
            return port.name, *port.interfaces
        case s.SetChassis():
            return (INTEGRATION_BRIDGE,)
        case s.AddRule() | s.RemoveRule() | s.SetDns():
            return ()
        case _:
            return (step.name,)


def _nics(step: s.Step, host: Host) -> tuple[str, ...]:
    """The NICs that a step names, as what it changes or as what a VLAN device is over."""
    base = (step.link.base,) if isinstance(step, s.CreateLink) and isinstance(step.link, Vlan) else ()
    return tuple(dict.fromkeys(name for name in (*_named(step), *base) if name in host.nics))


def _above(name: str, world: World) -> list[str]:
    """The links directly above a link: its bond or bridge, the VLAN devices over it, an OVS bridge with its internal
    ports.
    """
    found = list(world.vlans.get(name, {}).values())
    link = world.links.get(name)
    if link is not None and link.master:
        found.append(link.master)
    if name in world.port_of:
        found.append(world.port_of[name])
    port = world.ovs_ports.get(name)
    if port is not None and not port.is_internal:
        found.append(port.bridge)
    if name in world.ovs_bridges:
        found += [other for other in world.bridge_ports[name] if world.ovs_ports[other].is_internal]
    return found


# What a step costs.

_OnOneLink: TypeAlias = (
    s.SetMtu | s.SetBondOptions | s.StartShaping | s.StopShaping | s.SetTrafficClass | s.RemoveTrafficClass
)


def _loss(step: s.Step, world: World) -> Loss:
    measure = _LOSSES.get(type(step))
    return measure(step, world) if measure else Loss.NONE


def _is_used(name: str, world: World) -> bool:
    """Whether a link may be in use: it, or a link above it, has addresses or guests."""
    names = _with_all_above([name], world)
    links = [world.links[name] for name in names if name in world.links]
    has_addresses = any(link.addresses or link.dynamic or link.dhcp4 or link.dhcp6 for link in links)
    return has_addresses or any(world.guests_on.get(name) for name in names)


def _outage_if_used(step: s.DeleteLink | s.DeleteOvsPort | s.DeleteOvsBridge, world: World) -> Loss:
    return Loss.OUTAGE if _is_used(step.name, world) else Loss.NONE


def _blip_if_used(step: _OnOneLink, world: World) -> Loss:
    return Loss.BLIP if _is_used(step.name, world) else Loss.NONE


def _loss_of_master(step: s.SetMaster, world: World) -> Loss:
    """The other ports of a bond carry its traffic when one leaves; a bridge has no such replacement. A NIC that becomes
    a port loses its own addresses' traffic.
    """
    link = world.links[step.name]
    if link.master and link.master != step.master:
        if not _is_used(link.master, world):
            return Loss.NONE
        others = [port for port in world.ports_of(link.master) if port != step.name and world.links[port].up]
        is_bond = isinstance(world.links[link.master].value, Bond)
        return Loss.BLIP if is_bond and others else Loss.OUTAGE
    return Loss.OUTAGE if step.master and (link.addresses or link.dynamic) else Loss.NONE


def _loss_of_down(step: s.SetUp, world: World) -> Loss:
    link = world.links[step.name]
    if step.up or not link.up or not _is_used(step.name, world):
        return Loss.NONE
    others = [port for port in world.ports_of(link.master) if port != step.name and world.links[port].up]
    is_spare = link.master in world.links and isinstance(world.links[link.master].value, Bond) and bool(others)
    return Loss.BLIP if is_spare and not (link.addresses or world.vlans.get(step.name)) else Loss.OUTAGE


def _loss_of_mtu(step: s.SetMtu, world: World) -> Loss:
    """Drivers restart a NIC for another MTU; virtual links take it as they go, but without IPv6 below its least MTU."""
    is_nic = isinstance(world.links[step.name].value, Nic | Bond)
    return _blip_if_used(step, world) if is_nic else Loss.NONE


def _loss_of_mac(step: s.SetMac, world: World) -> Loss:
    """A NIC or bond carries other links' frames and restarts; the MAC of any other link matters to its own addresses
    only.
    """
    link = world.links[step.name]
    is_used = _is_used(step.name, world) if isinstance(link.value, Nic | Bond) else bool(link.addresses or link.dynamic)
    return Loss.BLIP if is_used else Loss.NONE


def _loss_of_bridge_options(step: s.SetBridgeOptions, world: World) -> Loss:
    """A bridge that starts STP listens and learns for twice its forward delay before it forwards (IEEE 802.1D)."""
    starts = step.stp and not world.links[step.name].stp
    return Loss.OUTAGE if starts and _is_used(step.name, world) else Loss.NONE


def _loss_of_dhcp(step: s.SetDhcp, world: World) -> Loss:
    """A client whose use of the gateway changes restarts, and keeps its lease."""
    link = world.links[step.name]
    if (link.dhcp4 and not step.dhcp4) or (link.dhcp6 and not step.dhcp6):
        return Loss.OUTAGE
    return Loss.BLIP if link.dhcp4 and link.leased_default != step.leased_default else Loss.NONE


def _loss_of_autoconf(step: s.SetAutoconf, world: World) -> Loss:
    has_some = any(is_ipv6(address.ip) for address in world.links[step.name].dynamic)
    return Loss.OUTAGE if has_some and not step.on else Loss.NONE


def _loss_of_new_port(step: s.CreateOvsPort, world: World) -> Loss:
    """A NIC that becomes an OVS port hands its frames to Open vSwitch, and its own addresses hear nothing any more."""
    links = [world.links[name] for name in step.port.interfaces if name in world.links]
    return Loss.OUTAGE if any(link.addresses or link.dynamic for link in links) else Loss.NONE


def _loss_of_changed_port(step: s.SetOvsPort, world: World) -> Loss:
    old = world.ovs_ports[step.port.name]
    if (old.tag, old.trunks) != (step.port.tag, step.port.trunks):
        return Loss.OUTAGE if _is_used(step.port.name, world) else Loss.NONE
    is_same = (old.bond_mode, old.lacp) == (step.port.bond_mode, step.port.lacp)
    return Loss.NONE if is_same or not _is_used(step.port.name, world) else Loss.BLIP


def _loss_of_chassis(step: s.SetChassis, world: World) -> Loss:
    """When the chassis gets another name or southbound database, another OVN, or none, serves its guests; they lose the
    mapped physical networks. Tunnels at another address are set up again, as is the integration bridge in another
    datapath.
    """
    old, new = world.chassis, step.chassis
    if old is None or not (old.system_id and old.remote) or not _is_used(INTEGRATION_BRIDGE, world):
        return Loss.NONE
    if (old.system_id, old.remote) != (new.system_id, new.remote) or not new.encap_ip:
        return Loss.OUTAGE
    if any(new.mappings.get(name) != bridge for name, bridge in old.mappings.items()):
        return Loss.OUTAGE
    tunnels = [(one.encap_type, one.encap_ip, one.datapath) for one in (old, new)]
    return Loss.BLIP if tunnels[0] != tunnels[1] else Loss.NONE


def _always_outage(_step: object, _world: World) -> Loss:
    return Loss.OUTAGE


_LOSSES: Mapping[type, Callable[..., Loss]] = {
    s.DeleteLink: _outage_if_used,
    s.DeleteOvsPort: _outage_if_used,
    s.DeleteOvsBridge: _outage_if_used,
    s.SetMaster: _loss_of_master,
    s.SetUp: _loss_of_down,
    s.SetMtu: _loss_of_mtu,
    s.SetMac: _loss_of_mac,
    s.SetBondOptions: _blip_if_used,
    s.SetBridgeOptions: _loss_of_bridge_options,
    s.SetDhcp: _loss_of_dhcp,
    s.SetAutoconf: _loss_of_autoconf,
    s.RemoveAddress: _always_outage,
    s.RemoveRoute: _always_outage,
    s.RemoveRule: _always_outage,
    s.CreateOvsPort: _loss_of_new_port,
    s.SetOvsPort: _loss_of_changed_port,
    s.SetChassis: _loss_of_chassis,
    # The kernel throws away what waits in the queues that it takes away.
    s.StartShaping: _blip_if_used,
    s.StopShaping: _blip_if_used,
    s.SetTrafficClass: _blip_if_used,
    s.RemoveTrafficClass: _blip_if_used,
}
"""Kinds of step that may cost traffic."""
