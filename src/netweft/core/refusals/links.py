"""Refusals of steps for links: their names, numbers, options, and what they join."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from netweft.core import steps as s
from netweft.core.host import Bond, Bridge, Nic, OvsPort, Vlan
from netweft.core.limits import INTERNAL_MTU_MAX, LINK_NAME_MAX, MTU_MAX, MTU_MIN, VLAN_MAX
from netweft.core.options import MODES, bond_problem, bond_running_problem, bridge_problem
from netweft.core.world import World
from netweft.core.world_link import UNKNOWN, WorldLink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def name_problem(world: World, name: str) -> str | None:
    """dev_valid_name() of the kernel, and that the name is free."""
    if (
        not 0 < len(name.encode()) <= LINK_NAME_MAX
        or name in {".", ".."}
        or any(c in "/:" or c.isspace() for c in name)
    ):
        return f"{name!r} is no name for a link: 1 to {LINK_NAME_MAX} characters without slash, colon or blank are"
    if name in world.links or name in world.ovs_bridges or name in world.guests or name in world.host.unmanaged:
        return f"{name} exists already"
    return None


def mtu_problem(name: str, mtu: int, *, most: int = MTU_MAX) -> str | None:
    """Why a link cannot have the MTU, if so."""
    if not MTU_MIN <= mtu <= most:
        return f"{name}: an MTU of {mtu} is not between {MTU_MIN} and {most}"
    return None


def mac_problem(name: str, mac: str) -> str | None:
    """is_valid_ether_addr() of the kernel: not multicast, not zero."""
    if not re.fullmatch("([0-9a-f]{2}:){5}[0-9a-f]{2}", mac):  # octets of a MAC
        return f"{name}: {mac!r} is no MAC address"
    if int(mac[:2], 16) & 1 or mac == "00:00:00:00:00:00":
        return f"{name}: {mac} is not the MAC address of one station"
    return None


def missing(world: World, name: str) -> str | None:
    """Why nothing can be done with a link: it is not there."""
    return None if name in world.links else f"there is no link {name}"


def _over_base_problem(world: World, name: str, base: str, mtu: int) -> str | None:
    """The rule of vlan_dev_change_mtu() and vlan_newlink(): not more than the base."""
    most = world.links[base].mtu
    return f"{name}: an MTU of {mtu} is more than the {most} of {base}" if most is not UNKNOWN and mtu > most else None


def _create_link(world: World, step: s.CreateLink) -> str | None:
    link = step.link
    problem = (
        name_problem(world, link.name)
        or mtu_problem(link.name, link.mtu)
        or (mac_problem(link.name, link.mac) if link.mac else None)
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
    return missing(world, step.name)


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
        return problem or mtu_problem(step.name, step.mtu)
    return mtu_problem(step.name, step.mtu, most=INTERNAL_MTU_MAX if isinstance(link.value, OvsPort) else MTU_MAX)


def _set_mac(world: World, step: s.SetMac) -> str | None:
    return missing(world, step.name) or mac_problem(step.name, step.mac)


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


def _announce(world: World, step: s.Announce) -> str | None:
    return None if step.name in world.ovs_bridges else missing(world, step.name)


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
    s.Announce: _announce,
}
"""Why a step of each kind may be refused."""
