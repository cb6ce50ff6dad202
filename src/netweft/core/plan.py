"""From the current host to the desired host: the steps, in the order that interrupts traffic least.

The phases (:mod:`netweft.core.planning`) yield steps; each is played on a :class:`~netweft.core.world.World` before the
next is computed, and the result is compared with the desired host again: so what a kernel does by itself (VLAN devices
that vanish with their bond, routes that vanish with an address) needs no rule here.

The order:

1. marks on what is ours from now on; traffic classes of NICs and bonds that stay, since a kernel without shaping has to
refuse before anything else has changed (new bonds get theirs in 2);
2. what blocks a name or a VLAN is removed; new bonds and bridges are created, still empty;
3. links leave bonds; removed bridges are removed from ovn-controller's settings; one run of OVS steps; new VLAN
devices; NICs join bonds;
4. each link, lower ones first: ports, MTU, MAC, options, up. A bridge loses an old port before it gets the new one,
else both would be one network;
5. addresses, each moved from one link to the other at once; routes and rules, new before old; neighbours are informed
of moved addresses; ovn-controller gets the new bridges and address; DHCP;
6. what is no longer needed is removed; resolvers; last, the marks of what is no longer ours are removed.

So a plan that was interrupted anywhere leaves everything marked that the next plan has to consider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from netweft.core import steps as s
from netweft.core.host import Host
from netweft.core.planning import addresses, chassis, links, marks, switches
from netweft.core.planning.situation import PlanError, Situation

__all__ = ["PlanError", "plan"]


def plan(current: Host, desired: Host) -> list[s.Step]:
    """The steps that turn the managed part of ``current`` into that of ``desired``; none when they are equal there.

    A link is managed when either side marks it as ours; a route or rule when its protocol is ours, a route also when
    its link is managed. Raises PlanError when something that is not ours is in the way, a NIC is missing, or the
    desired host is impossible (a link on itself, two routes of the same network, table and metric).
    """
    situation = Situation(current, desired)
    for phase in PHASES:
        situation.play(phase(situation))
    return situation.steps


def _shape_present(situation: Situation) -> Iterator[s.Step]:
    present = situation.world.links
    yield from marks.shape(situation, [n for n in situation.order if n in present and not situation.is_stale(n)])


def _shape_all(situation: Situation) -> Iterator[s.Step]:
    yield from marks.shape(situation, situation.order)


def _set_autoconf(situation: Situation) -> Iterator[s.Step]:
    for name in situation.order:
        yield from links.set_autoconf(situation, name)


def _adjust_links(situation: Situation) -> Iterator[s.Step]:
    for name in situation.order:
        yield from links.adjust(situation, situation.want[name])


def _set_resolvers(situation: Situation) -> Iterator[s.Step]:
    if situation.world.dns != situation.desired.dns:
        yield s.SetDns(situation.desired.dns)


PHASES: tuple[Callable[[Situation], Iterator[s.Step]], ...] = (
    marks.mark,
    _shape_present,
    links.reset_autoconf,
    links.make_room,
    links.create_bonds_and_bridges,
    _shape_all,
    links.leave_bonds,
    chassis.unmap_bridges,
    switches.change_ovs,
    links.create_vlans,
    links.change_bonds,
    _set_autoconf,
    _adjust_links,
    addresses.move_addresses,
    addresses.change_routes,
    addresses.announce,
    chassis.set_chassis,
    addresses.set_dhcp,
    links.delete_gone,
    _set_resolvers,
    marks.unmark,
)
"""Each phase computes its next step after the step before has been played."""
