"""The settings of ovn-controller."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netweft.core import steps as s
from netweft.core.planning.situation import Situation


def unmap_bridges(plan: Situation) -> Iterator[s.Step]:
    """Before the bridges that physical networks were reached by are gone."""
    want, there = plan.want_chassis, plan.world.chassis
    if want is None or there is None:
        return
    leaving = {name for name, bridge in plan.world.ovs_bridges.items() if bridge.owner} - plan.want_bridges.keys()
    kept = {name: bridge for name, bridge in there.mappings.items() if bridge not in leaving}
    if kept != there.mappings:
        yield s.SetChassis(replace(there, owner=want.owner or there.owner, mappings=kept))


def set_chassis(plan: Situation) -> Iterator[s.Step]:
    """After the bridges, and the tunnels' address, are there."""
    want = plan.want_chassis
    if want is not None and want != plan.world.chassis:
        yield s.SetChassis(want)
