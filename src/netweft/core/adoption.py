"""Adopting what a host carries and the engine does not know: the host comes from another engine, comes back, or the
engine's database is older than the host's state.

Marked networks become attachments, by the network's id, else by its name on hosts, and bonds. The rest of what carries
our mark is kept as it is (:mod:`netweft.core.kept`), and reported.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from netweft.core.desired_linux import vlan_name
from netweft.core.desired_ovs import ovs_bridge_name
from netweft.core.host import Host
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, Inherited, IpAssignment, NetworkIntent
from netweft.core.kept import owners_on
from netweft.core.nic_view import nic_views
from netweft.core.sync import Location, locate_networks, reported_qos


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What is new for the engine. ``kept``: owners of networks, and of an OVN chassis, that stay as they are.
    ``inherited``: what has names other than ours, since it was taken over before.
    """

    attachments: tuple[AttachmentIntent, ...] = ()
    bonds: tuple[BondIntent, ...] = ()
    kept: tuple[str, ...] = ()
    inherited: Mapping[str, Inherited] = field(default_factory=dict)


def adopted(
    host: Host, intent: HostIntent, networks: Mapping[str, NetworkIntent], new_id: Callable[[], str]
) -> Adoption:
    """What to adopt of a host in addition to its intent. ``networks``: by id, those of its cluster."""
    has = {attachment.network_id for attachment in intent.attachments}
    places = {owner: place for owner, place in locate_networks(host).items() if owner not in has}
    found = {owner: networks[owner] for owner in places if owner in networks}
    free = {one.host_side_name: one for one in networks.values() if one.id not in has and one not in found.values()}
    for owner, place in sorted(places.items()):
        if owner not in found and place.bridged and place.base and place.top in free:
            found[owner] = free.pop(place.top)
    own = {owner: network for owner, network in sorted(found.items()) if places[owner].base}
    names = {one.host_side_name for one in networks.values() if one.id in has}
    replaced = {owner for owner, place in places.items() if place.top in names}
    kept = owners_on(host) - has - own.keys() - replaced
    if host.chassis and host.chassis.owner and not intent.chassis:
        kept.add(host.chassis.owner)
    others = {places[owner].base for owner in kept & places.keys()} - {places[owner].base for owner in own}
    return Adoption(
        attachments=tuple(attachment_on(host, places[owner], network, new_id()) for owner, network in own.items()),
        bonds=_bonds(host, intent, others, new_id),
        kept=tuple(sorted(kept)),
        inherited=_inherited(host, own, places),
    )


def _inherited(host: Host, own: Mapping[str, NetworkIntent], places: Mapping[str, Location]) -> dict[str, Inherited]:
    """What does not look like ours: it has another name than we give, or a MAC address that is no NIC's."""
    macs = {mac for nic in host.nics.values() for mac in (nic.mac, nic.facts.permanent_mac)}
    return {
        name: one
        for owner, network in own.items()
        for name, one in inherited_by(host, places[owner], network).items()
        if name != one.name or one.mac not in {"", *macs}
    }


def inherited_by(host: Host, place: Location, network: NetworkIntent) -> dict[str, Inherited]:
    """The links below a network and those that it consists of on a host, to be adopted."""
    links = host.links()
    found = {}
    if place.bridged:
        found[network.host_side_name] = Inherited(name=place.top, mac=links[place.top].mac)
    if place.vlan_link and place.vlan is not None:
        found[vlan_name(place.base, place.vlan)] = Inherited(name=place.vlan_link)
    if place.switch == "ovs":
        found[ovs_bridge_name(place.base)] = Inherited(name=place.plug)
    if place.base in host.bonds or place.switch == "ovs":
        found[place.base] = Inherited(name=place.base)
    return found


def _bonds(
    host: Host, intent: HostIntent, others: Collection[str], new_id: Callable[[], str]
) -> tuple[BondIntent, ...]:
    """Our bonds, of the kind that the host's switch type has. Bonds that only kept networks use stay with those."""
    named = {*others, *(bond.name for bond in intent.bonds)}
    parts = host.bonds if intent.switch_type == "legacy" else host.ovs_ports
    ours = [name for name, part in parts.items() if part.owner and name not in named]
    views = nic_views(host)
    return tuple(
        BondIntent(id=new_id(), name=name, slaves=tuple(view.slaves), options={"mode": view.mode, **view.options})
        for name in sorted(ours)
        if name in views and (view := views[name].bond)
    )


def attachment_on(host: Host, place: Location, network: NetworkIntent, attachment_id: str) -> AttachmentIntent:
    """The attachment that describes a network as it is on the host, as far as attachments can."""
    qos = reported_qos(place)
    options = host.bridges[place.top].options if place.top in host.bridges else {}
    text = " ".join(f"{name}={value}" for name, value in sorted(options.items()))
    return AttachmentIntent(
        id=attachment_id,
        network_id=network.id,
        nic=place.base,
        assignments=(_ipv4(place), _ipv6(place)),
        properties={"bridge_opts": text} if text else {},
        qos=None if qos == network.qos else qos,
    )


def _ipv4(place: Location) -> IpAssignment:
    return IpAssignment(method="dhcp") if place.dhcp4 else _static(place, 4, place.gateway4)


def _ipv6(place: Location) -> IpAssignment:
    if place.dhcp6 and place.autoconf:
        return IpAssignment(version=6, method="poly_dhcp_autoconf")
    if place.dhcp6 or place.autoconf:
        return IpAssignment(version=6, method="dhcp" if place.dhcp6 else "autoconf")
    return _static(place, 6, place.gateway6)


def _static(place: Location, version: Literal[4, 6], gateway: str) -> IpAssignment:
    own = next((address for address in place.addresses if address.version == version), None)
    if own is None:
        return IpAssignment(version=version)
    return IpAssignment(version=version, method="static", address=own.ip, prefix=own.prefix, gateway=gateway)
