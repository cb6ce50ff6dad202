"""Taking over what exists on a host without our mark: bridges, VLAN devices, bonds, ports of Open vSwitch.

Each can become a network: :func:`foreign_networks` lists them, with what prevents it. :func:`take_over` returns the
setup of the host after that: what the engine would adopt if all of it carried our marks (:mod:`netweft.core.adoption`),
under its present names (:mod:`netweft.core.inherited`). So the plan for that setup only sets marks; where it would
interrupt traffic, something has to be changed first (:mod:`netweft.core.rules.foreign_network`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from netweft.core.adoption import adopted, inherited_by
from netweft.core.host import Bridge, Host, Link, OvsPort, Vlan
from netweft.core.intent import HostIntent, HostSetup, NetworkIntent, network_mtu
from netweft.core.kept import SHARED
from netweft.core.sync import Location, locate_networks


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignNetwork:
    """An unmanaged link, as a network. ``name``: of the bridge, VLAN device or port. ``stp``, ``mtu``, ``vlan``,
    ``vm``: what the network must have. ``network_id``: the only network that it can become, and that nothing else can;
    empty for none. ``problem``: what prevents it, a sentence.
    """

    name: str
    nic: str
    vlan: int | None
    vm: bool
    mtu: int
    stp: bool
    addresses: tuple[str, ...]
    network_id: str = ""
    problem: str = ""


def foreign_networks(host: Host, intent: HostIntent, networks: Mapping[str, NetworkIntent]) -> list[ForeignNetwork]:
    """The unmanaged links of a host that can become networks, by name. ``networks``: by id, those of its cluster."""
    tops = _tops(host)
    places = locate_networks(_marked(host, {name: name for name in tops}, ()))
    attached = {one.network_id for one in intent.attachments}
    free = [one for network_id, one in networks.items() if network_id not in attached]
    found = [_foreign(host, intent, places[name], top, free) for name, top in sorted(tops.items())]
    times = Counter(one.network_id for one in found)
    return [one if times[one.network_id] == 1 else replace(one, network_id="") for one in found]


def _tops(host: Host) -> dict[str, Link]:
    """The unmanaged links that would carry a network's addresses."""
    links: Iterable[Link] = (*host.bridges.values(), *host.vlans.values(), *host.ovs_ports.values())
    return {
        link.name: link
        for link in links
        if not link.owner and not link.master and not (isinstance(link, OvsPort) and not link.is_internal)
    }


def _foreign(
    host: Host, intent: HostIntent, place: Location, top: Link, free: Iterable[NetworkIntent]
) -> ForeignNetwork:
    stp = isinstance(top, Bridge) and top.stp
    found = ForeignNetwork(
        name=top.name,
        nic=place.base,
        vlan=place.vlan,
        vm=place.bridged,
        mtu=place.mtu,
        stp=stp,
        addresses=tuple(str(address) for address in place.permanent),
        problem=_problem(host, intent, place, top),
    )
    fitting = [one for one in free if not misfit(found, one)]
    named = [one for one in fitting if top.name in {one.name, one.host_side_name}]
    chosen = named or (fitting if len(fitting) == 1 else [])
    return replace(found, network_id=chosen[0].id) if chosen else found


def misfit(found: ForeignNetwork, network: NetworkIntent) -> str:
    """The differences between a network and an unmanaged link, a few words for each; empty where they match."""
    facts = (
        ("VLAN", network.vlan, found.vlan),
        ("MTU", network_mtu(network), found.mtu),
        ("STP", network.stp, found.stp),
        ("for VMs", network.vm, found.vm),
    )
    return ", ".join(
        f"{what} {_text_of(has)} instead of {_text_of(there)}" for what, has, there in facts if has != there
    )


def _text_of(value: object) -> str:
    return "none" if value is None else ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _problem(host: Host, intent: HostIntent, place: Location, top: Link) -> str:
    if place.switch != intent.switch_type:
        kinds = {"ovs": "Open vSwitch", "legacy": "Linux bridges"}
        return f"It is of {kinds[place.switch]}, and hosts of this Cluster have {kinds[intent.switch_type]}."
    below = _nics_below(host, top)
    if len(below) != 1:
        below_it = f"several NICs ({', '.join(below)})" if below else "no NIC or bond"
        return f"It has {below_it} below it, and a network needs exactly one."
    if (link := host.links().get(below[0])) is not None and link.addresses:
        return f"{below[0]} below it has addresses of its own; move them to {top.name}."
    if top.dynamic and not (top.dhcp4 or top.dhcp6 or top.autoconf):
        return "Its address is from a DHCP client that Netweft did not start; make it static, or stop that client."
    return ""


def _nics_below(host: Host, top: Link) -> list[str]:
    """The NICs and bonds that a network's frames leave by."""
    if isinstance(top, Vlan):
        names = [top.base]
    elif isinstance(top, OvsPort):
        uplinks = [port for port in host.ovs_ports.values() if port.bridge == top.bridge and not port.is_internal]
        return sorted(port.name for port in uplinks if any(name in host.nics for name in port.interfaces))
    else:
        ports = host.ports_of(top.name)
        names = [host.vlans[port].base if port in host.vlans else port for port in ports]
    return sorted({name for name in names if name in host.nics or name in host.bonds})


def take_over(
    host: Host,
    intent: HostIntent,
    networks: Mapping[str, NetworkIntent],
    chosen: Mapping[str, str],
    new_id: Callable[[], str],
) -> HostSetup:
    """The setup of the host when unmanaged links become networks. ``chosen``: ids of networks, by the names of the
    links; ``networks``: at least these, by id.
    """
    places = locate_networks(_marked(host, chosen, ()))
    bases = {place.base for place in places.values() if place.network_id in chosen.values()}
    marked = _marked(host, chosen, bases)
    taken_over = {network_id: networks[network_id] for network_id in chosen.values()}
    found = adopted(marked, intent, taken_over, new_id)
    inherited = dict(intent.inherited)
    for network_id, network in taken_over.items():
        inherited |= inherited_by(host, places[network_id], network)
    return HostSetup(
        attachments=(*intent.attachments, *found.attachments),
        bonds=(*intent.bonds, *found.bonds),
        kept=intent.kept,
        inherited=inherited,
    )


def _marked(host: Host, owners: Mapping[str, str], bases: Collection[str]) -> Host:
    """The host as it would be if things carried these owners, and these NICs and bonds, with what is between, were
    ours.
    """
    for name, owner in owners.items():
        link = host.links()[name]
        host = host.with_link(replace(link, owner=owner))
        for port in host.ports_of(name):
            if port in host.vlans:
                host = host.with_link(replace(host.vlans[port], owner=owner))
    for name in bases:
        for one in (name, *host.ports_of(name)):
            if one in host.links() and not host.links()[one].owner:
                host = host.with_link(replace(host.links()[one], owner=SHARED))
        if name in host.ovs_ports:
            host = replace(host, ovs_ports={**host.ovs_ports, name: replace(host.ovs_ports[name], owner=SHARED)})
    return host
