"""From the intent for one host (networks, attachments, bonds) to the desired host."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeVar
from zlib import adler32

from netweft.core.chassis import desired_chassis
from netweft.core.desired_base import Attached, Base
from netweft.core.desired_linux import linux_carrier, linux_links
from netweft.core.desired_ovs import ovs_carrier, ovs_links
from netweft.core.host import MEGABIT, Address, Host, Nic, Route, Rule, TrafficClass
from netweft.core.inherited import real_name, with_inherited
from netweft.core.intent import IPV4, HostIntent, HostQos, IpAssignment, effective_qos, network_mtu
from netweft.core.kept import keep
from netweft.core.limits import DEFAULT_MTU
from netweft.core.shaping import by_tag, rest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

T = TypeVar("T")

RULE_PRIORITY = 3200
"""Priority of the rules that lead to a network's own routing table; after the local table, before the main one (as VDSM
has it).
"""

_RESERVED_TABLES = range(256)
"""Routing tables that an administrator or the kernel may use: unspec, 1 to 252 by hand, default, main, local."""


def desired_host(intent: HostIntent, report: Host) -> Host:
    """The desired host, given what the host reports (its NICs and their MAC addresses, and what we do not manage).

    It contains NICs that we no longer use as released, and NICs that we never used, and kept networks, as reported.
    Raises IntentError for a bond mode that Open vSwitch does not have.
    """
    bases = _bases(intent, report)
    if intent.switch_type == "legacy":
        parts = [linux_links(base, report) for base in bases]
        carried = [(one, linux_carrier(one.network, base.name)) for base in bases for one in base.networks]
    else:
        parts = [ovs_links(base, report, intent.ovs_datapath) for base in bases]
        carried = [(one, ovs_carrier(one.network)) for base in bases for one in base.networks]
    nics = _all(part.nics for part in parts)
    tunnel_network = intent.chassis.tunnel_network if intent.chassis else ""
    tunnel_links = [link for attached, link in carried if attached.network.id == tunnel_network]
    others = {name: _released(nic) for name, nic in report.nics.items() if name not in nics}
    desired = Host(
        nics=nics | others,
        bonds=_all(part.bonds for part in parts),
        vlans=_all(part.vlans for part in parts),
        bridges=_all(part.bridges for part in parts),
        ovs_bridges=_all(part.ovs_bridges for part in parts),
        ovs_ports=_all(part.ovs_ports for part in parts),
        routes=tuple(sorted(route for attached, link in carried for route in _routes(attached, link))),
        rules=tuple(sorted(rule for attached, link in carried for rule in _rules(attached, link))),
        dns=_resolvers(bases),
        chassis=desired_chassis(intent, report, [real_name(intent, link) for link in tunnel_links]),
    )
    return keep(with_inherited(desired, intent.inherited), report, intent.kept)


def _all(parts: Iterable[Mapping[str, T]]) -> dict[str, T]:
    return {name: value for part in parts for name, value in part.items()}


def _released(nic: Nic) -> Nic:
    """A NIC without networks: as it was before it was ours, or as reported."""
    return Nic(name=nic.name, mac=nic.facts.permanent_mac, facts=nic.facts) if nic.owner else nic


def traffic_class(tag: int | None, qos: HostQos) -> TrafficClass:
    """A QoS as a host represents it; without a share (which rules require) the smallest one."""
    return TrafficClass(
        tag=tag,
        share=qos.link_share or 1,
        upper_limit=qos.upper_limit and qos.upper_limit * MEGABIT,
        real_time=qos.real_time and qos.real_time * MEGABIT,
    )


# The desired networks over each NIC and bond


def _bases(intent: HostIntent, report: Host) -> list[Base]:
    """The NICs and bonds with networks, and the bonds without any; sorted by name."""
    networks = {network.id: network for network in intent.networks}
    bonds = {bond.name: bond for bond in intent.bonds}
    on: dict[str, list[Attached]] = {name: [] for name in bonds}
    for attachment in intent.attachments:
        network = networks[attachment.network_id]
        has_default = network.id == intent.default_route_network
        attached = Attached(attachment=attachment, network=network, has_default=has_default)
        on.setdefault(attachment.nic, []).append(attached)
    return [
        Base(
            name=name,
            bond=bonds.get(name),
            mtu=_mtu(name, on[name], report),
            shaping=_shaping(on[name]),
            networks=tuple(on[name]),
        )
        for name in sorted(on)
    ]


def _mtu(base: str, networks: Sequence[Attached], report: Host) -> int:
    """An untagged network has the MTU of its NIC; tagged ones fit into it, as do VLAN devices there that are not
    ours.
    """
    most = max((network_mtu(attached.network) for attached in networks), default=DEFAULT_MTU)
    if any(attached.network.vlan is None for attached in networks):
        return most
    others = [vlan.mtu for vlan in report.vlans.values() if vlan.base == base and not vlan.owner]
    return max(DEFAULT_MTU, most, *others)


def _shaping(networks: Iterable[Attached]) -> tuple[TrafficClass, ...]:
    """A class for each network with QoS. The remaining frames use the class of the untagged network, else they get the
    largest share (as VDSM has it).
    """
    classes = {}
    for attached in networks:
        qos = effective_qos(attached.attachment, attached.network)
        if qos is not None:
            classes[attached.network.vlan] = traffic_class(attached.network.vlan, qos)
    if classes and None not in classes:
        classes[None] = rest_of(classes.values())
    return by_tag(classes.values())


# Routes and resolvers


def _resolvers(bases: Iterable[Base]) -> tuple[str, ...] | None:
    """Those of the network with the default route; None leaves the resolver file to the host."""
    for base in bases:
        for attached in base.networks:
            if attached.has_default:
                return attached.attachment.dns or attached.network.dns or None
    return None


def _gateways(attached: Attached) -> Iterator[IpAssignment]:
    return (ip for ip in attached.attachment.assignments if ip.method == "static" and ip.gateway)


def _routes(attached: Attached, link: str) -> Iterator[Route]:
    """The default route, or what a network's own routing table has: a way out, and its subnet."""
    for ip in _gateways(attached):
        gateway = str(ip_address(ip.gateway))
        to = "0.0.0.0/0" if ip.version == IPV4 else "::/0"
        if attached.has_default:
            yield Route(to=to, link=link, via=gateway)
        else:
            yield Route(to=to, link=link, via=gateway, table=_table(link))
            yield Route(to=_subnet(ip), link=link, table=_table(link))


def _rules(attached: Attached, link: str) -> Iterator[Rule]:
    """What leads to the network's own routing table: packets from its subnet, and to it."""
    if not attached.has_default:
        for ip in _gateways(attached):
            yield Rule(table=_table(link), priority=RULE_PRIORITY, source=_subnet(ip))
            yield Rule(table=_table(link), priority=RULE_PRIORITY, destination=_subnet(ip))


def _subnet(ip: IpAssignment) -> str:
    return Address(ip=ip.address, prefix=ip.prefix).network


def _table(link: str) -> int:
    """A routing table of the link's own: its number follows from the link's name (as VDSM has it), so it stays from one
    time to the next.
    """
    table = adler32(link.encode())
    return table if table not in _RESERVED_TABLES else table + len(_RESERVED_TABLES)
