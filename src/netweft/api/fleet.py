"""``/netweft/v1/fleet``: all that the file of a fleet holds, in one answer: an addition of Netweft."""

from __future__ import annotations

from typing import Any

import msgspec

from netweft.api.routes import ADDITIONS, READ, Call, Routes, many
from netweft.engine.access import visibility
from netweft.engine.queries import fleet as queries

routes = Routes("fleet", ADDITIONS)


class FleetThing(msgspec.Struct, kw_only=True, frozen=True):
    """One object of the fleet. ``noun``: its kind, as on the command line; ``names``: of its parents, from the top, and
    its own; ``id``: null for objects without one; ``values``: of its fields, as in the file.
    """

    noun: str
    names: list[str]
    id: str | None
    values: dict[str, Any]


class FleetNic(msgspec.Struct, kw_only=True, frozen=True):
    """A NIC, bond or VLAN device that a host has reported. ``pci_address``, ``permanent_mac``, ``driver`` and ``speed``
    (Mbit/s): null where they are not known.
    """

    host: str
    name: str
    pci_address: str | None
    permanent_mac: str | None
    driver: str | None
    speed: int | None


@routes.get("/fleet", many(FleetThing), needs=READ)
def list_fleet(call: Call[None]) -> list[FleetThing]:
    """Data centres, clusters, networks, profiles, QoS, subnets, MAC pools, providers, hosts and their networking, as
    they are wanted. Without passwords.
    """
    with call.read() as tx:
        found = queries.things(tx, visibility.narrow(tx, call.actor))
        return [
            FleetThing(noun=one.noun, names=list(one.names), id=one.id or None, values=dict(one.values))
            for one in found
        ]


@routes.get("/fleet/nics", many(FleetNic), needs=READ)
def list_fleet_nics(call: Call[None]) -> list[FleetNic]:
    """The NICs of all hosts with the facts by which the file of a fleet may name them."""
    with call.read() as tx:
        found = queries.nics(tx, visibility.narrow(tx, call.actor))
        return [
            FleetNic(
                host=one.host,
                name=one.name,
                pci_address=one.facts.pci_address or None,
                permanent_mac=one.facts.permanent_mac or None,
                driver=one.facts.driver or None,
                speed=one.facts.speed or None,
            )
            for one in found
        ]
