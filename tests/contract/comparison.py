"""Exact comparison of what the simulation says with what was observed."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netloom.core.host import Host

PARTS = ("nics", "bonds", "vlans", "bridges", "ovs_bridges", "ovs_ports")
UNKNOWN = {"mac": "", "mtu": 0}
"""What the simulation says where the kernel decides by what no observation shows."""


def unlike(simulated: Host, observed: Host) -> list[str]:
    """Where the two differ, a line each; nothing is left out but what the simulation calls unknown."""
    return [
        *(line for part in PARTS for line in _unlike_part(getattr(simulated, part), getattr(observed, part))),
        *_unlike_sets("route", simulated.routes, observed.routes),
        *_unlike_sets("rule", simulated.rules, observed.rules),
        *([f"dns: simulated {simulated.dns}, observed {observed.dns}"] if simulated.dns != observed.dns else []),
    ]


def _unlike_part(simulated: dict[str, object], observed: dict[str, object]) -> Iterator[str]:
    for name in sorted(simulated.keys() | observed.keys()):
        if name not in observed:
            yield f"{name}: simulated, not observed"
        elif name not in simulated:
            yield f"{name}: observed, not simulated"
        else:
            yield from _unlike_fields(name, simulated[name], observed[name])


def _unlike_fields(name: str, simulated: object, observed: object) -> Iterator[str]:
    for field in fields(simulated):  # type: ignore[arg-type] # links are dataclasses
        mine, its = getattr(simulated, field.name), getattr(observed, field.name)
        if field.compare and mine != its and not (field.name in UNKNOWN and mine == UNKNOWN[field.name]):
            yield f"{name}.{field.name}: simulated {mine!r}, observed {its!r}"


def _unlike_sets(what: str, simulated: tuple[object, ...], observed: tuple[object, ...]) -> Iterator[str]:
    for item in sorted({*simulated, *observed}, key=str):
        if item not in observed:
            yield f"{what} simulated, not observed: {item}"
        elif item not in simulated:
            yield f"{what} observed, not simulated: {item}"
