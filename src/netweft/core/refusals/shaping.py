"""Refusals of steps for queueing disciplines and traffic classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netweft.core import steps as s
from netweft.core.host import Bond, Nic
from netweft.core.shaping import class_problem
from netweft.core.world import World

if TYPE_CHECKING:
    from collections.abc import Callable


def _start_shaping(world: World, step: s.StartShaping) -> str | None:
    """tc_modify_qdisc() of the kernel: a queueing discipline that was configured is not replaced."""
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


REFUSALS: dict[type, Callable[..., str | None]] = {
    s.StartShaping: _start_shaping,
    s.StopShaping: _stop_shaping,
    s.AddTrafficClass: _add_traffic_class,
    s.SetTrafficClass: _set_traffic_class,
    s.RemoveTrafficClass: _remove_traffic_class,
}
"""Why a step of each kind may be refused."""
