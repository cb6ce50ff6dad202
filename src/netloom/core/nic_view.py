"""A host's NICs as oVirt's API shows them: NICs, bonds and VLAN devices, each with the network on it.

In an OVS cluster there are no VLAN devices; a tagged network then shows on a device ``<base>.<tag>`` that only the API knows, so that
clients see one shape (VDSM does the same).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from netloom.core.host import Address, Bond, Host, Link, Nic
from netloom.core.sync import Location, locate_networks

Kind = Literal["nic", "bond", "vlan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BondView:
    """What a bond is: ``mode`` by the kernel's name, ``options`` that differ from its defaults, the slaves' names."""

    mode: str
    options: Mapping[str, str] = field(default_factory=dict)
    slaves: tuple[str, ...] = ()
    active_slave: str = ""
    partner_mac: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyView:
    """Addresses of one IP version: how they came (``none``, ``static``, ``dhcp`` ...), the first one, and the gateway."""

    method: str = "none"
    address: Address | None = None
    gateway: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NicView:
    """A NIC, bond or VLAN device. ``network_id``: what is on it, empty for nothing of ours. ``speed`` in Mbit/s, 0 for unknown."""

    name: str
    kind: Kind
    mac: str
    mtu: int
    is_up: bool
    speed: int = 0
    base: str = ""
    vlan: int | None = None
    bond: BondView | None = None
    network_id: str = ""
    bridged: bool = False
    is_default_route: bool = False
    ipv4: FamilyView = field(default_factory=FamilyView)
    ipv6: FamilyView = field(default_factory=FamilyView)


def nic_views(host: Host) -> dict[str, NicView]:
    """Every NIC, bond and VLAN device of a host by name."""
    locations = locate_networks(host)
    on = {_carrier(location): location for location in locations.values()}
    views: dict[str, NicView] = {}
    for link in (*host.nics.values(), *host.bonds.values()):
        views[link.name] = _view(host, link, on.get(link.name))
    bases = set(views)
    for vlan in host.vlans.values():
        if vlan.base in bases:
            views[vlan.name] = _view(host, vlan, on.get(vlan.name), base=vlan.base, tag=vlan.tag)
    for name, location in on.items():
        if name and name not in views and location.base in bases:
            views[name] = _view(host, host.links()[location.base], location, base=location.base, tag=location.vlan)
    return views


def _carrier(location: Location) -> str:
    """The NIC, bond or VLAN device on which a network shows."""
    if location.vlan is None or not location.base:
        return location.base
    return location.vlan_link or f"{location.base}.{location.vlan}"


def _view(host: Host, link: Link, location: Location | None, *, base: str = "", tag: int | None = None) -> NicView:
    top = host.links().get(location.top, link) if location else link
    addresses = location.addresses if location else (*link.addresses, *link.dynamic)
    kind: Kind = "vlan" if base else "bond" if isinstance(link, Bond) else "nic"
    return NicView(
        name=f"{base}.{tag}" if base and link.name == base else link.name,
        kind=kind,
        mac=link.mac,
        mtu=location.mtu if location else link.mtu,
        is_up=link.up and link.carrier,
        speed=_speed(host, link),
        base=base,
        vlan=tag,
        bond=_bond(host, link) if kind == "bond" and isinstance(link, Bond) else None,
        network_id=location.network_id if location else "",
        bridged=location.bridged if location else False,
        is_default_route=location.default_route if location else False,
        ipv4=_family(4, top, addresses, location.gateway4 if location else ""),
        ipv6=_family(6, top, addresses, location.gateway6 if location else ""),
    )


def _bond(host: Host, bond: Bond) -> BondView:
    return BondView(
        mode=bond.mode,
        options=bond.options,
        slaves=tuple(host.ports_of(bond.name)),
        active_slave=bond.active_port,
        partner_mac=bond.partner_mac,
    )


def _family(version: int, link: Link, addresses: tuple[Address, ...], gateway: str) -> FamilyView:
    mine = [address for address in addresses if address.version == version]
    if version == 4:  # noqa: PLR2004 -- IP version
        method = "dhcp" if link.dhcp4 else "static" if mine else "none"
    elif link.dhcp6:
        method = "poly_dhcp_autoconf" if link.autoconf else "dhcp"
    else:
        method = "autoconf" if link.autoconf else "static" if mine else "none"
    return FamilyView(method=method, address=mine[0] if mine else None, gateway=gateway)


def _speed(host: Host, link: Link) -> int:
    """A bond is as fast as its ports together, or as the active one; a VLAN device as its base."""
    if isinstance(link, Nic):
        return link.facts.speed
    if isinstance(link, Bond):
        speeds = [host.nics[name].facts.speed for name in host.ports_of(link.name) if name in host.nics]
        return (max(speeds, default=0)) if link.mode == "active-backup" else sum(speeds)
    base = host.links().get(getattr(link, "base", ""))
    return _speed(host, base) if base else 0
