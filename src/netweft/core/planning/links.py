"""Links: room for what is new, bonds, bridges, VLAN devices, what each link is to be, and what is left over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netweft.core import steps as s
from netweft.core.host import Bond, Bridge, Vlan
from netweft.core.options import ONLY_WHILE_DOWN, changed_keys
from netweft.core.planning.situation import PlanError, Situation
from netweft.core.planning.switches import make_room_in_ovs
from netweft.core.world_link import UNKNOWN, AnyLink, WorldLink


def reset_autoconf(plan: Situation) -> Iterator[s.Step]:
    """Of ports that leave their bonds, and of VLAN devices over them. The MTU that such a port had before it joined may
    be too small for IPv6; whether the setting would then be lost is unknown.
    """
    for name in plan.order:
        link = plan.world.links.get(name)
        if link is not None and _leaves_bond(plan, link):
            for one in (link, *plan.world.vlans_over(name)):
                if one.autoconf and one.name in plan.want:
                    yield s.SetAutoconf(one.name, on=False)


def _leaves_bond(plan: Situation, link: WorldLink) -> bool:
    master = plan.world.links.get(link.master)
    if master is None or not isinstance(master.value, Bond):
        return False
    return plan.want[link.name].master != link.master or (link.master in plan.want and plan.is_stale(link.master))


def make_room(plan: Situation) -> Iterator[s.Step]:
    """Delete what cannot become the desired link, and what has a name, a VLAN or a bond's place that a desired link
    needs.
    """
    doomed = {name for name in plan.order if plan.is_stale(name)}
    for name, want in plan.want.items():
        if isinstance(want, Vlan) and (name not in plan.world.links or name in doomed):
            other = plan.world.vlans.get(want.base, {}).get(want.tag)
            if other and other != name:
                _check_ours(plan, other)
                doomed.add(other)
    doomed |= {name for name in plan.want_bridges if name in plan.world.links}
    for name in (*plan.gone, *doomed):
        for vlan in plan.world.vlans_over(name):
            _check_ours(plan, vlan.name)
    yield from make_room_in_ovs(plan, doomed)
    for name in sorted(doomed):
        if name in plan.world.links:
            yield s.DeleteLink(name)


def _check_ours(plan: Situation, name: str) -> None:
    if not plan.world.links[name].owner:
        raise PlanError(f"VLAN device {name} was not made by Netweft and conflicts; remove it on the host first.")


def create_bonds_and_bridges(plan: Situation) -> Iterator[s.Step]:
    """Still empty."""
    for name in plan.order:
        want = plan.want[name]
        if name not in plan.world.links and isinstance(want, Bond | Bridge):
            yield s.CreateLink(want)


def leave_bonds(plan: Situation) -> Iterator[s.Step]:
    """Free the ports of bonds that should be elsewhere, and whatever Open vSwitch shall have."""
    interfaces = {interface for port in plan.want_ports.values() for interface in port.interfaces}
    for name in plan.order:
        link = plan.world.links.get(name)
        if link is None or not link.master or link.master == plan.want[name].master:
            continue
        master = plan.world.links.get(link.master)
        if name in interfaces or (master is not None and isinstance(master.value, Bond)):
            yield s.SetMaster(name, "")


def create_vlans(plan: Situation) -> Iterator[s.Step]:
    """Each over a base whose MTU has room for it. Raises PlanError where it has not."""
    for name in plan.order:
        want = plan.want[name]
        if isinstance(want, Vlan) and name not in plan.world.links:
            yield from _raise_mtu(plan, want)
            base = plan.world.links[want.base]
            yield s.CreateLink(replace(want, mac="") if want.mac == base.mac else want)


def _raise_mtu(plan: Situation, vlan: Vlan) -> Iterator[s.Step]:
    """Give the base the MTU that the VLAN device needs."""
    base = plan.world.links.get(vlan.base)
    if base is None:
        raise PlanError(f"{vlan.name}: its base {vlan.base} is not on the host.")
    if base.mtu is not UNKNOWN and base.mtu >= vlan.mtu:
        return
    want = plan.want.get(vlan.base)
    if want is None or want.mtu < vlan.mtu:
        raise PlanError(
            f"{vlan.name} needs an MTU of {vlan.mtu}, and {vlan.base} has {want.mtu if want else base.mtu}."
        )
    if isinstance(want, Vlan):
        yield from _raise_mtu(plan, replace(want, mtu=vlan.mtu))
    yield s.SetMtu(vlan.base, want.mtu)


def change_bonds(plan: Situation) -> Iterator[s.Step]:
    """Options and ports of bonds."""
    for name in plan.order:
        want, link = plan.want[name], plan.world.links[name]
        if isinstance(want, Bond):
            changed = changed_keys(link.options or {}, want.options)
            if changed:
                if changed & ONLY_WHILE_DOWN and link.up:
                    yield s.SetUp(name, up=False)
                yield s.SetBondOptions(name, tuple(sorted(want.options.items())))
            for port in sorted(plan.ports.get(name, ())):
                yield from _join_bond(plan, port, name)


def _join_bond(plan: Situation, port: str, bond: str) -> Iterator[s.Step]:
    link = plan.world.links[port]
    if link.master != bond:
        if link.up:
            yield s.SetUp(port, up=False)
        yield s.SetMaster(port, bond)


def set_autoconf(plan: Situation, name: str) -> Iterator[s.Step]:
    """This is done before a link goes up, which is when the kernel solicits routers. A link whose MTU is too small for
    IPv6, or unknown, has to wait until it has another.
    """
    want, link = plan.want[name], plan.world.links[name]
    if link.autoconf != want.autoconf and link.has_room_for_ipv6:
        yield s.SetAutoconf(name, want.autoconf)


def adjust(plan: Situation, want: AnyLink) -> Iterator[s.Step]:
    """Make one link what it is to be: ports, MTU, MAC, options, up."""
    name, link = want.name, plan.world.links[want.name]
    if isinstance(want, Bridge):
        yield from _change_ports(plan, name)
        if link.stp != want.stp or link.options != want.options:
            yield s.SetBridgeOptions(name, want.stp, tuple(sorted(want.options.items())))
    if link.master and not want.master:
        yield s.SetMaster(name, "")
    if link.mtu != want.mtu:
        yield s.SetMtu(name, want.mtu)
    yield from set_autoconf(plan, name)
    if want.mac and link.mac != want.mac and not _has_macs_of_bond(plan, link):
        yield s.SetMac(name, want.mac)
    if link.up != want.up:
        yield s.SetUp(name, want.up)


def _change_ports(plan: Situation, bridge: str) -> Iterator[s.Step]:
    for port in plan.world.ports_of(bridge):
        want = plan.want.get(port)
        if port not in plan.world.links:
            continue  # It went with the bond or VLAN device below it that was a port, too.
        if port in plan.gone:
            yield s.DeleteLink(port)
        elif want is not None and want.master != bridge:
            yield s.SetMaster(port, "")
    for port in sorted(plan.ports.get(bridge, ())):
        if plan.world.links[port].master != bridge:
            yield s.SetMaster(port, bridge)


def _has_macs_of_bond(plan: Situation, link: WorldLink) -> bool:
    master = plan.world.links.get(link.master)
    return master is not None and isinstance(master.value, Bond)


def delete_gone(plan: Situation) -> Iterator[s.Step]:
    """What is not needed any more, upper links first."""
    rank = {Bridge: 0, Vlan: 1, Bond: 2}
    for name in sorted(plan.gone, key=lambda name: (rank.get(type(plan.gone[name].value), 3), name)):
        if name in plan.world.links:
            yield s.DeleteLink(name)
