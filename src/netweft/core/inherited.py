"""Links that were not created by Netweft and were taken over as they are: they keep their names and MAC addresses, so
that traffic is not interrupted.

A setup refers to them by the names that Netweft would have given them: a network's bridge or port by the network's name
on hosts, a VLAN device as ``eth1.100``, an Open vSwitch bridge as ``br-eth1``, a bond or an uplink by its own name. A
desired host is built with those names; :func:`with_inherited` replaces them by the real ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from netweft.core.desired_linux import vlan_name
from netweft.core.desired_ovs import ovs_bridge_name
from netweft.core.host import Host, Link, OvsBridge
from netweft.core.intent import HostSetup, Inherited, NetworkIntent

L = TypeVar("L", bound=Link | OvsBridge)


def with_inherited(desired: Host, inherited: Mapping[str, Inherited]) -> Host:
    """The desired host with the names and MAC addresses of what was taken over."""
    if not inherited:
        return desired
    names = {name: one.name for name, one in inherited.items()}
    macs = {name: one.mac for name, one in inherited.items() if one.mac}

    def real(name: str) -> str:
        return names.get(name, name)

    def linked(link: L) -> L:
        fields = {field: real(getattr(link, field)) for field in ("master", "bridge") if hasattr(link, field)}
        mac = {"mac": macs[link.name]} if link.name in macs else {}
        return replace(link, name=real(link.name), **fields, **mac)  # type: ignore[arg-type] # of the link's kind

    def part(links: Mapping[str, L]) -> dict[str, L]:
        return {real(name): linked(link) for name, link in links.items()}

    chassis = desired.chassis
    if chassis is not None:
        chassis = replace(chassis, mappings={key: real(name) for key, name in chassis.mappings.items()})
    return replace(
        desired,
        nics={name: linked(nic) for name, nic in desired.nics.items()},
        bonds=part(desired.bonds),
        vlans=part(desired.vlans),
        bridges=part(desired.bridges),
        ovs_bridges=part(desired.ovs_bridges),
        ovs_ports=part(desired.ovs_ports),
        routes=tuple(sorted(replace(route, link=real(route.link)) for route in desired.routes)),
        chassis=chassis,
        taken_over=tuple(sorted(names.values())),
    )


def real_name(setup: HostSetup, name: str) -> str:
    """What is called so on the host that we would have given a name."""
    one = setup.inherited.get(name)
    return one.name if one else name


def still_inherited(setup: HostSetup, networks: Mapping[str, NetworkIntent]) -> dict[str, Inherited]:
    """The part of what was taken over that a setup still uses. ``networks``: by their ids."""
    used = {bond.name for bond in setup.bonds}
    for attachment in setup.attachments:
        network = networks[attachment.network_id]
        used |= {network.host_side_name, attachment.nic, ovs_bridge_name(attachment.nic)}
        if network.vlan is not None:
            used.add(vlan_name(attachment.nic, network.vlan))
    return {name: one for name, one in setup.inherited.items() if name in used}
