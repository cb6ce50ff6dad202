"""A host's NICs as oVirt's API shows them: NICs, bonds and VLAN devices, each with the network on it.

In an OVS cluster there are no VLAN devices, and a bond is a port with several interfaces. The API then shows a tagged
network on a device ``<base>.<tag>``, and an OVS bond as the equivalent bond of the kernel, so that clients see one
shape (VDSM does the same).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from netweft.core.host import Address, Bond, Host, Link, Nic, OvsPort
from netweft.core.intent import HostQos
from netweft.core.interface_cards import is_dynamic
from netweft.core.ovs_bonds import kernel_bond_mode, kernel_bond_options
from netweft.core.sync import Location, locate_networks, reported_qos

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
    """Addresses of one IP version: how they came (``none``, ``static``, ``dhcp`` ...), the first one, and the
    gateway.
    """

    method: str = "none"
    address: Address | None = None
    gateway: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NicView:
    """A NIC, bond or VLAN device. ``network_id``: what is on it, empty for nothing of ours; ``qos``: what it has there.

    ``master``: the bond that it is a port of. ``speed`` in Mbit/s, 0 for unknown.
    """

    name: str
    kind: Kind
    mac: str
    mtu: int
    is_up: bool
    speed: int = 0
    base: str = ""
    vlan: int | None = None
    master: str = ""
    bond: BondView | None = None
    network_id: str = ""
    qos: HostQos | None = None
    bridged: bool = False
    ipv4: FamilyView = field(default_factory=FamilyView)
    ipv6: FamilyView = field(default_factory=FamilyView)


def nic_views(host: Host, locations: Mapping[str, Location] | None = None) -> dict[str, NicView]:
    """Every NIC, bond (those of Open vSwitch, too) and VLAN device of a host by name, except NICs that only guests can
    use (VDSM leaves them out as well). ``locations``: the result of :func:`~netweft.core.sync.locate_networks`, for
    callers that have it.
    """
    viewer = _Viewer(host)
    locations = locate_networks(host) if locations is None else locations
    on = {_carrier(location): location for location in locations.values()}
    views = {base.name: viewer.view(base, on.get(base.name)) for base in viewer.bases.values()}
    for vlan in host.vlans.values():
        if vlan.base in viewer.bases:
            views[vlan.name] = viewer.view(vlan, on.get(vlan.name), base=vlan.base, tag=vlan.tag)
    for name, location in on.items():
        if name not in views and location.base in viewer.bases:
            base = viewer.bases[location.base]
            views[name] = viewer.view(replace(base, name=name), location, base=base.name, tag=location.vlan)
    return views


def _carrier(location: Location) -> str:
    """The NIC, bond or VLAN device on which a network shows."""
    if location.vlan is None or not location.base:
        return location.base
    return location.vlan_link or f"{location.base}.{location.vlan}"


class _Viewer:
    """A host with the links below its networks: ``bases``, NICs and bonds by name."""

    def __init__(self, host: Host) -> None:
        self.links = host.links()
        self.slaves = {name: host.ports_of(name) for name in host.bonds}
        nics = {name: nic for name, nic in host.nics.items() if not is_dynamic(nic.facts)}
        self.bases: dict[str, Nic | Bond] = {**nics, **host.bonds}
        for port in host.ovs_ports.values():
            if len(port.interfaces) > 1:
                self.slaves[port.name] = list(port.interfaces)
                self.bases[port.name] = self._ovs_bond(port)
        self.master_of = {slave: bond for bond, slaves in self.slaves.items() for slave in slaves}

    def _ovs_bond(self, port: OvsPort) -> Bond:
        """What a kernel bond would be that does the same; it is no link, so that what a link has is its ports'."""
        ports = [self.links[name] for name in port.interfaces if name in self.links]
        mode = kernel_bond_mode(port)
        return Bond(
            name=port.name,
            owner=port.owner,
            up=any(link.up for link in ports),
            carrier=any(link.up and link.carrier for link in ports),
            mtu=min((link.mtu for link in ports), default=0),
            mac=next((link.mac for link in ports), ""),
            mode=mode,
            options=kernel_bond_options(port),
        )

    def view(self, link: Link, location: Location | None, *, base: str = "", tag: int | None = None) -> NicView:
        """A NIC or bond, or a VLAN device with that tag over that base, with what is on it."""
        top = self.links.get(location.top, link) if location else link
        addresses = location.addresses if location else (*link.addresses, *link.dynamic)
        bond = self._bond(link) if isinstance(link, Bond) and not base else None
        return NicView(
            name=link.name,
            kind="vlan" if base else "bond" if bond else "nic",
            mac=link.mac,
            mtu=location.mtu if location else link.mtu,
            is_up=link.up and link.carrier,
            speed=self._speed(self.bases[base or link.name]),
            base=base,
            vlan=tag,
            master=self.master_of.get(link.name, ""),
            bond=bond,
            network_id=location.network_id if location else "",
            qos=reported_qos(location) if location else None,
            bridged=location.bridged if location else False,
            ipv4=_family(4, top, addresses, location.gateway4 if location else ""),
            ipv6=_family(6, top, addresses, location.gateway6 if location else ""),
        )

    def _bond(self, bond: Bond) -> BondView:
        return BondView(
            mode=bond.mode,
            options=bond.options,
            slaves=tuple(self.slaves[bond.name]),
            active_slave=bond.active_port,
            partner_mac=bond.partner_mac,
        )

    def _speed(self, base: Nic | Bond) -> int:
        """A bond is as fast as its ports together, or as the active one."""
        if isinstance(base, Nic):
            return base.facts.speed
        nics = [link for name in self.slaves[base.name] if isinstance(link := self.links.get(name), Nic)]
        speeds = [nic.facts.speed for nic in nics]
        return max(speeds, default=0) if base.mode == "active-backup" else sum(speeds)


def _family(version: int, link: Link, addresses: tuple[Address, ...], gateway: str) -> FamilyView:
    mine = [address for address in addresses if address.version == version]
    if version == 4:  # noqa: PLR2004 -- IP version
        method = "dhcp" if link.dhcp4 else "static" if mine else "none"
    elif link.dhcp6:
        method = "poly_dhcp_autoconf" if link.autoconf else "dhcp"
    else:
        method = "autoconf" if link.autoconf else "static" if mine else "none"
    return FamilyView(method=method, address=mine[0] if mine else None, gateway=gateway)
