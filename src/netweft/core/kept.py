"""Networks that we created on a host for another engine, or for an earlier installation of this one.

The engine that a host joins does not know them, but they may carry traffic. So they stay on the host, shown as
unmanaged, until a request removes them (``removed_unmanaged``) or attaches a network of the same name. They are
identified by their owners, the ids in their marks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from netweft.core.host import MAIN_TABLE, PROTOCOL, Bond, Bridge, Host, Link, Nic, OvsPort, Vlan
from netweft.core.shaping import by_tag, rest_of

SHARED = "base"
"""Owner of what several networks share: a NIC, a bond, an OVS bridge and its uplink."""

_UPPERMOST = (OvsPort, Bridge, Vlan, Bond, Nic)
"""Kinds of links, those first that have the addresses of a network that is on several."""


def owners_on(report: Host) -> set[str]:
    """The owners of all networks of ours on a host."""
    return {link.owner for link in report.links().values()} - {"", SHARED}


def kept_names(report: Host, owners: Collection[str]) -> dict[str, str]:
    """What such networks are called: the name of the link with their addresses; each with its owner."""
    return {_links_of(report, owner)[0].name: owner for owner in sorted(owners_on(report) & set(owners))}


def keep(desired: Host, report: Host, owners: Collection[str]) -> Host:
    """The desired host with the networks of ``owners`` as they are on the reported one, as far as no desired network
    needs their place (:func:`displaced`).
    """
    for owner in sorted(owners_on(report) & set(owners)):
        desired = _with_network(desired, report, _links_of(report, owner)) or desired
    return desired


def displaced(desired: Host, report: Host, owners: Collection[str]) -> list[str]:
    """Names of those of these networks for which the desired host has no room: their name, VLAN, or NIC is used for
    something else.
    """
    there = owners_on(keep(desired, report, owners))
    return sorted(name for name, owner in kept_names(report, owners).items() if owner not in there)


def _links_of(report: Host, owner: str) -> list[Link]:
    links = [link for link in report.links().values() if link.owner == owner]
    return sorted(links, key=lambda link: (_UPPERMOST.index(type(link)), link.name))


def _with_network(desired: Host, report: Host, links: Sequence[Link]) -> Host | None:
    """The desired host with one more network, which consists of these links, upper ones first; None when there is no
    room.
    """
    taken = {*desired.links(), *desired.ovs_bridges, *desired.ovs_ports} - desired.nics.keys() - desired.bonds.keys()
    host: Host | None = desired
    for link in reversed(links):
        if link.name in taken or host is None:
            return None
        host = _with_link(host, report, link)
    return _with_routing(host, report, {link.name for link in links}) if host else None


def _with_link(desired: Host, report: Host, link: Link) -> Host | None:
    """With one link and those below it."""
    match link:
        case OvsPort():
            host = _with_ovs_bridge(desired, report, link)
        case Bridge():
            host = _with_ports(desired, report, link.name)
        case Vlan():
            host = _with_tag(desired, report, link)
        case _:
            return _with_untagged(desired, report, link)
    return host.with_link(link) if host else None


# What they stand on


def _with_untagged(desired: Host, report: Host, link: Link) -> Host | None:
    """With a network on the NIC or bond itself."""
    host = _with_base(desired, report, link.name)
    base = host.links()[link.name] if host else None
    if host is None or base is None or not _is_free(base):
        return None
    fields = ("owner", "addresses", "dhcp4", "dhcp6", "leased_default", "autoconf")
    host = _with_untagged_mtu(host, report, link.name)
    base = host.links()[link.name]
    return host.with_link(replace(base, **{field: getattr(link, field) for field in fields}))


def _with_ports(desired: Host, report: Host, bridge: str) -> Host | None:
    """With the ports of a Linux bridge, its VLAN devices aside."""
    host: Host | None = desired
    for name in report.ports_of(bridge):
        if name in report.nics or name in report.bonds:
            host = _with_base(host, report, name) if host else None
            base = host.links()[name] if host else None
            if host is None or base is None or not _is_free(base):
                return None
            host = _with_untagged_mtu(host.with_link(replace(base, master=bridge)), report, name)
    return host


def _with_tag(desired: Host, report: Host, vlan: Vlan) -> Host | None:
    """With the link below a VLAN device; a VLAN exists once, and fits into the MTU."""
    host = _with_base(desired, report, vlan.base)
    if host is None or any((one.base, one.tag) == (vlan.base, vlan.tag) for one in host.vlans.values()):
        return None
    base = host.links()[vlan.base]
    if vlan.mtu > base.mtu and not _is_free(base):
        return None  # an untagged network has the MTU of its NIC
    return _with_traffic(_with_mtu(host, base.name, max(base.mtu, vlan.mtu)), report, base.name, vlan.tag)


def _with_untagged_mtu(host: Host, report: Host, base: str) -> Host:
    """An untagged network has the MTU of its NIC, which limits all others there."""
    others = [vlan.mtu for vlan in host.vlans.values() if vlan.base == base]
    return _with_traffic(_with_mtu(host, base, max(report.links()[base].mtu, *others, 0)), report, base, None)


def _with_mtu(host: Host, base: str, mtu: int) -> Host:
    for name in (base, *host.ports_of(base)):
        host = host.with_link(replace(host.links()[name], mtu=mtu))
    return host


def _with_traffic(host: Host, report: Host, name: str, tag: int | None) -> Host:
    """With what the frames of a network get of a NIC or bond."""
    base = host.nics[name] if name in host.nics else host.bonds[name]
    reported = report.nics[name] if name in report.nics else report.bonds[name]
    mine = {one.tag: one for one in reported.shaping if one.tag == tag}
    classes = {**mine, **{one.tag: one for one in base.shaping}}
    if mine and None not in classes:
        classes[None] = rest_of(classes.values())
    return host.with_link(replace(base, shaping=by_tag(classes.values())))


def _with_base(desired: Host, report: Host, name: str) -> Host | None:
    """With a NIC or bond, as desired, or as it is where it is not part of the desired host. None when that is
    impossible, or Open vSwitch or a bond has it.
    """
    reported = report.links().get(name)
    if not isinstance(reported, Nic | Bond):
        return None
    ports = report.ports_of(name)
    is_used = not _is_unused(desired, name)
    if is_used and desired.ports_of(name) != ports:
        return None
    if not is_used and not all(_is_unused(desired, port) for port in ports):
        return None
    host = _as_reported(desired, report, (name, *ports))
    is_inside = any(name in port.interfaces for port in host.ovs_ports.values())
    is_port = host.links()[name].master in {*host.bonds, *report.bonds}
    return None if is_inside or is_port else host


def _with_ovs_bridge(desired: Host, report: Host, port: OvsPort) -> Host | None:
    """With the OVS bridge of a port and its uplinks."""
    uplinks = {one.name: one for one in report.ovs_ports.values() if one.bridge == port.bridge and one.interfaces}
    if port.bridge in desired.ovs_bridges:
        there = [one for one in desired.ovs_ports.values() if one.bridge == port.bridge]
        has_room = all(one.tag != port.tag for one in there if one.is_internal)
        same = {one.name: one.interfaces for one in there if one.interfaces}
        return desired if has_room and same == {one.name: one.interfaces for one in uplinks.values()} else None
    names = [name for one in uplinks.values() for name in one.interfaces]
    if not all(_is_unused(desired, name) and name in report.nics for name in names):
        return None
    host = _as_reported(desired, report, names)
    bridges = {**host.ovs_bridges, port.bridge: report.ovs_bridges[port.bridge]}
    return replace(host, ovs_bridges=bridges, ovs_ports={**host.ovs_ports, **uplinks})


def _as_reported(desired: Host, report: Host, names: Iterable[str]) -> Host:
    """With these NICs and bonds as they are where they are not part of the desired host, without what is on them."""
    host = desired
    for name in names:
        if _is_unused(desired, name):
            reported = report.links()[name]
            master = reported.master if reported.master in report.bonds else ""
            bare = replace(
                reported, owner=SHARED, master=master, addresses=(), dhcp4=False, dhcp6=False, leased_default=False
            )
            host = host.with_link(replace(bare, autoconf=False))
    return host


def _is_unused(desired: Host, name: str) -> bool:
    """Whether a NIC or bond is not part of the desired host: it is absent, or not ours."""
    link = desired.links().get(name)
    return link is None or not link.owner


def _is_free(base: Link) -> bool:
    """Whether the desired host has no untagged network on a NIC or bond."""
    return not base.master and base.owner == SHARED


# What leads over them


def _with_routing(desired: Host, report: Host, names: Collection[str]) -> Host:
    """With our routes over these links, unless a desired one has the same destination; the rules that point to their
    tables; and our resolvers, unless the desired host has others.
    """
    taken = {(route.to, route.table, route.metric) for route in desired.routes}
    mine = [route for route in report.routes if route.link in names and route.protocol == PROTOCOL]
    routes = [route for route in mine if (route.to, route.table, route.metric) not in taken]
    tables = {route.table for route in routes} - {MAIN_TABLE}
    rules = {rule for rule in report.rules if rule.protocol == PROTOCOL and rule.table in tables}
    return replace(
        desired,
        routes=tuple(sorted({*desired.routes, *routes})),
        rules=tuple(sorted({*desired.rules, *rules})),
        dns=report.dns if desired.dns is None else desired.dns,
    )
