"""Marks on what is ours, and traffic classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from netweft.core import steps as s
from netweft.core.host import FOREIGN_SHAPING, Bond, Nic, OvsPort, TrafficClass
from netweft.core.planning.situation import PlanError, Situation
from netweft.core.world_link import WorldLink


def mark(plan: Situation) -> Iterator[s.Step]:
    """Mark what is ours from now on."""
    for name in plan.order:
        want, link = plan.want[name], plan.world.links.get(name)
        if link is None or isinstance(want, OvsPort) or type(link.value) is not type(want):
            continue
        if want.owner and link.owner != want.owner:
            yield s.SetOwner(name, want.owner)


def unmark(plan: Situation) -> Iterator[s.Step]:
    """Take the marks off what is not ours any more."""
    for name in plan.order:
        want, link = plan.want[name], plan.world.links[name]
        if link.owner and not want.owner and not isinstance(want, OvsPort):
            yield s.SetOwner(name, "")
    for bridge in plan.want_bridges.values():
        if bridge != plan.world.ovs_bridges[bridge.name]:
            yield s.SetOvsBridge(bridge)
    for port in plan.want_ports.values():
        if port.owner != plan.world.ovs_ports[port.name].owner:
            yield s.SetOvsPort(port)


def shape(plan: Situation, names: Iterable[str]) -> Iterator[s.Step]:
    """Give NICs and bonds their traffic classes."""
    for name in names:
        want = plan.want[name]
        if isinstance(want, Nic | Bond):
            yield from _shape_link(plan.world.links[name], {traffic.tag: traffic for traffic in want.shaping})


def _shape_link(link: WorldLink, want: dict[int | None, TrafficClass]) -> Iterator[s.Step]:
    if want.get(None) == FOREIGN_SHAPING:
        return  # a checkpoint that holds it; that cannot be had back
    if link.shaping and (not want or link.shaping.get(None) == FOREIGN_SHAPING):
        yield s.StopShaping(link.name)
    if not want:
        return
    if not link.shaping:
        _check_queueing(link)
        yield s.StartShaping(link.name, want[None])
    for gone in [tag for tag in link.shaping if tag is not None and tag not in want]:
        yield s.RemoveTrafficClass(link.name, gone)
    for tag, traffic in want.items():
        if tag not in link.shaping:
            yield s.AddTrafficClass(link.name, traffic)
        elif link.shaping[tag] != traffic:
            yield s.SetTrafficClass(link.name, traffic)


def _check_queueing(link: WorldLink) -> None:
    if isinstance(link.value, Nic | Bond) and link.value.queueing:
        raise PlanError(
            f"{link.name} has a queueing discipline that Netweft did not make ({link.value.queueing}), so its traffic "
            "cannot be shaped; remove it on the host, or remove the QoS from the networks there."
        )
