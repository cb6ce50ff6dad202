"""Exact comparison of what the simulation says with what was observed."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from netweft.core.host import Host

PARTS = ("nics", "bonds", "vlans", "bridges", "ovs_bridges", "ovs_ports")
UNKNOWN = {"mac": "", "mtu": 0}
"""What the simulation says where the kernel decides by what no observation shows."""


def unlike(simulated: Host, observed: Host) -> list[str]:
    """Where the two differ, a line each; nothing is left out but what the simulation calls unknown."""
    restless = _restless_macs(simulated)
    return [
        *(line for part in PARTS for line in _unlike_part(getattr(simulated, part), getattr(observed, part), restless)),
        *_unlike_sets("route", simulated.routes, observed.routes),
        *_unlike_sets("rule", simulated.rules, observed.rules),
        *_unlike_values("dns", simulated.dns, observed.dns),
        *_unlike_values("chassis", simulated.chassis, observed.chassis),
    ]


def _unlike_part(
    simulated: Mapping[str, object], observed: Mapping[str, object], restless: AbstractSet[str]
) -> Iterator[str]:
    for name in sorted(simulated.keys() | observed.keys()):
        if name not in observed:
            yield f"{name}: simulated, not observed"
        elif name not in simulated:
            yield f"{name}: observed, not simulated"
        else:
            ignored = {"mac"} if name in restless else set()
            yield from _unlike_fields(name, simulated[name], observed[name], ignored)


def _unlike_fields(name: str, simulated: object, observed: object, ignored: AbstractSet[str]) -> Iterator[str]:
    for field in fields(simulated):  # type: ignore[arg-type] # links are dataclasses
        mine, its = getattr(simulated, field.name), getattr(observed, field.name)
        is_unknown = field.name in UNKNOWN and mine == UNKNOWN[field.name]
        if field.compare and mine != its and not is_unknown and field.name not in ignored:
            yield f"{name}.{field.name}: simulated {mine!r}, observed {its!r}"


def _restless_macs(host: Host) -> set[str]:
    """Bonds with ``fail_over_mac``, and what takes its MAC from them.

    Such a bond and its ports exchange MACs when it next looks at them; VLAN devices and bridges over it follow.
    """
    found = {name for name, bond in host.bonds.items() if "fail_over_mac" in bond.options}
    found |= {name for name, link in host.links().items() if link.master in found}
    size = 0
    while size != len(found):
        size = len(found)
        found |= {name for name, vlan in host.vlans.items() if vlan.base in found}
        found |= {link.master for name, link in host.links().items() if name in found and link.master in host.bridges}
    return found


def _unlike_values(what: str, simulated: object, observed: object) -> Iterator[str]:
    if simulated != observed:
        yield f"{what}: simulated {simulated}, observed {observed}"


def _unlike_sets(what: str, simulated: tuple[object, ...], observed: tuple[object, ...]) -> Iterator[str]:
    for item in sorted({*simulated, *observed}, key=str):
        if item not in observed:
            yield f"{what} simulated, not observed: {item}"
        elif item not in simulated:
            yield f"{what} observed, not simulated: {item}"
