"""Whether a network on a host is in sync, property by property: by the names in oVirt's API, and by names of ours for
drift that those do not cover.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import ip_address, ip_network

from netweft.core.compare import Difference
from netweft.core.drift import Drift
from netweft.core.host import FOREIGN_SHAPING, MAIN_TABLE, MEGABIT, Address, Host, Link, OvsPort, TrafficClass
from netweft.core.intent import (
    IPV4,
    AttachmentIntent,
    HostIntent,
    HostQos,
    IpAssignment,
    NetworkIntent,
    SwitchType,
    effective_qos,
    network_mtu,
)
from netweft.core.kept import SHARED
from netweft.core.shaping import rest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One property: its name in the API, and both values as text (``true``, ``1500``, ``LEGACY``, ``STATIC_IP``; None:
    none). ``is_shared``: it belongs to the NIC or bond that the network shares with others, or could.
    """

    name: str
    expected: str | None
    actual: str | None
    in_sync: bool
    is_shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """The location of a network on an observed host.

    ``base``: its NIC or bond (also an OVS bond; empty for a bridge without uplink). ``top``: the link with its
    addresses (bridge, VLAN device, NIC, bond or OVS internal port). ``vlan_link``: its VLAN device, empty for none.
    ``plug``: the Linux or OVS bridge for guests' vNICs (empty: none), with ``vlan`` as access tag if ``switch`` is
    ``ovs``. ``addresses`` include those from DHCP or router advertisements, ``permanent`` do not. ``traffic``: the
    class of its frames on the base (None: they have none); ``is_rest``: that is the class without tag.
    """

    network_id: str
    switch: SwitchType
    base: str
    top: str
    vlan_link: str
    vlan: int | None
    bridged: bool
    mtu: int
    plug: str
    addresses: tuple[Address, ...]
    dhcp4: bool
    dhcp6: bool
    autoconf: bool
    gateway4: str
    gateway6: str
    default_route: bool
    permanent: tuple[Address, ...] = ()
    traffic: TrafficClass | None = None
    is_rest: bool = False


def locate_networks(host: Host) -> dict[str, Location]:
    """The location of every network of ours on the host, by network id, in one pass."""
    return _Map(host).locations()


class _Map:
    """An observed host with indexes. A network is where its mark is; on several links, on the upper one."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.ports: dict[str, list[Link]] = {}
        self.uplinks: dict[str, str] = {}
        self.members: dict[str, tuple[str, ...]] = {}
        for part in (host.nics, host.bonds, host.vlans):
            for link in part.values():
                if link.master:
                    self.ports.setdefault(link.master, []).append(link)
        for port in host.ovs_ports.values():
            if not port.is_internal:
                uplink = port.name if len(port.interfaces) > 1 else port.interfaces[0]
                self.uplinks[port.bridge] = min(uplink, self.uplinks.get(port.bridge, uplink))
                self.members[uplink] = port.interfaces
        self.shaping = {name: link.shaping for part in (host.nics, host.bonds) for name, link in part.items()}
        for name, interfaces in self.members.items():
            shapings = {self.shaping.get(interface, ()) for interface in interfaces}
            self.shaping[name] = shapings.pop() if len(shapings) == 1 else ()
        self.gateways: dict[tuple[str, int], tuple[int, str]] = {}
        for route in host.routes:
            if route.is_default:
                key, far = (route.link, route.version), int(route.table != MAIN_TABLE)
                self.gateways[key] = min((far, route.via), self.gateways.get(key, (2, "")))

    def locations(self) -> dict[str, Location]:
        host, found = self.host, {}
        for base in (*host.nics.values(), *host.bonds.values()):
            found[base.owner] = self._location(base, base=base.name)
        for vlan in host.vlans.values():
            found[vlan.owner] = self._location(vlan, base=vlan.base, vlan=vlan.tag, vlan_link=vlan.name)
        for port in host.ovs_ports.values():
            if port.is_internal:
                base_name = self.uplinks.get(port.bridge, "")
                found[port.owner] = self._location(port, base=base_name, vlan=port.tag, plug=port.bridge)
        for bridge in host.bridges.values():
            below = next(iter(self.ports.get(bridge.name, ())), None)
            vlan_below = host.vlans.get(below.name) if below else None
            if vlan_below:
                tagged = {"base": vlan_below.base, "vlan": vlan_below.tag, "vlan_link": vlan_below.name}
            else:
                tagged = {"base": below.name if below else ""}
            found[bridge.owner] = self._location(bridge, plug=bridge.name, **tagged)  # type: ignore[arg-type] # the keys are the parameters
        return {owner: location for owner, location in found.items() if owner not in {"", SHARED}}

    def _location(
        self, top: Link, *, base: str, vlan: int | None = None, vlan_link: str = "", plug: str = ""
    ) -> Location:
        near4, gateway4 = self.gateways.get((top.name, 4), (2, ""))
        near6, gateway6 = self.gateways.get((top.name, 6), (2, ""))
        classes = {traffic.tag: traffic for traffic in self.shaping.get(base, ())}
        others = [traffic for tag, traffic in classes.items() if tag is not None]
        return Location(
            network_id=top.owner,
            switch="ovs" if isinstance(top, OvsPort) else "legacy",
            base=base,
            top=top.name,
            vlan_link=vlan_link,
            vlan=vlan,
            bridged=bool(plug),
            mtu=top.mtu,
            plug=plug,
            addresses=(*top.addresses, *top.dynamic),
            permanent=top.addresses,
            dhcp4=top.dhcp4,
            dhcp6=top.dhcp6,
            autoconf=top.autoconf,
            gateway4=gateway4,
            gateway6=gateway6,
            default_route=0 in {near4, near6},
            traffic=classes.get(vlan),
            is_rest=vlan is None and bool(others) and classes.get(None) == rest_of(others),
        )


def compare_attachment(
    intent: HostIntent,
    attachment: AttachmentIntent,
    report: Host,
    drift: Drift,
    locations: Mapping[str, Location] | None = None,
) -> tuple[Reported, ...]:
    """Desired and reported values of every property of an attachment, by oVirt's in-sync rules; then the rest of the
    host's drift that belongs to it, under names of ours (``storage.up``, ``eth1.mtu``).

    A network that is not on the host at all is out of sync in the properties that every network has. ``drift``: of this
    report (:func:`~netweft.core.drift.find_drift`). ``locations``: the result of :func:`locate_networks`, for callers
    who compare many attachments.

    Two rules are ours: ``nic``, when the network is on another NIC than desired (oVirt would follow it there); and a
    network with the default route is expected to have one only if its addresses can provide one (a gateway, DHCP,
    router advertisements), as otherwise nothing could bring it in sync.
    """
    network = next(network for network in intent.networks if network.id == attachment.network_id)
    at = (locations if locations is not None else locate_networks(report)).get(network.id)
    rows = tuple(_compare(intent, network, attachment, report, at))
    is_covered = _covered_by({one.name for one in rows if not one.in_sync}, is_there=at is not None)
    own = (one for one in drift.attachments.get(attachment.id, ()) if not is_covered(one))
    below = (one for one in drift.bases.get(attachment.nic, ()) if not is_covered(one))
    return (*rows, *(_differs(one) for one in own), *(_differs(one, is_shared=True) for one in below))


_PLACE = frozenset({"nic", "vlan", "bridged", "switchType"})
"""Properties whose difference means that the network is implemented in another way: then all of it differs."""

_TELLS: Mapping[str, str] = {
    "mtu": "mtu",
    "addresses": "ipv",
    "dhcp4": "ipv4",
    "dhcp6": "ipv6",
    "autoconf": "ipv6",
    "shaping": "outAverage",
}
"""Prefixes of the names of oVirt's properties that cover a difference in a field of a link."""


def _covered_by(names: Collection[str], *, is_there: bool) -> Callable[[Difference], bool]:
    """Whether oVirt's properties cover a difference, given the names of those that are out of sync."""
    is_elsewhere = not is_there or bool(_PLACE & set(names))

    def is_covered(one: Difference) -> bool:
        if is_elsewhere and (one.part != "link" or one.field not in _TELLS):
            return True
        if one.part == "resolvers":
            return "dns_configuration" in names
        if one.part in {"route", "rule"}:
            return any(name == "default_route" or name.endswith("_gateway") for name in names)
        return one.field in _TELLS and (not is_there or any(name.startswith(_TELLS[one.field]) for name in names))

    return is_covered


def _differs(one: Difference, *, is_shared: bool = False) -> Reported:
    return Reported(name=one.what, expected=one.expected, actual=one.actual, in_sync=False, is_shared=is_shared)


def _compare(
    intent: HostIntent, network: NetworkIntent, attachment: AttachmentIntent, report: Host, at: Location | None
) -> Iterator[Reported]:
    yield _reported("mtu", str(network_mtu(network)), str(at.mtu) if at else None)
    is_ovs = intent.switch_type == "ovs"
    # Guests can be plugged into every network of Open vSwitch, so there is no difference to see.
    bridged = network.vm if at and at.switch == "ovs" and is_ovs else at and at.bridged
    yield _reported("bridged", _yes(network.vm), _yes(bridged) if at else None)
    yield _reported("vlan", _number(network.vlan), _number(at.vlan) if at else None, is_there=at is not None)
    yield _reported("switchType", intent.switch_type.upper(), at.switch.upper() if at else None)
    if at and at.base != attachment.nic:
        yield _reported("nic", attachment.nic, at.base)
    for ip in attachment.assignments:
        yield from _compare_ip(ip, at)
    yield from _compare_qos(effective_qos(attachment, network), at)
    has_role = network.id == intent.default_route_network
    if has_role:
        yield _compare_dns(attachment.dns or network.dns, report.dns or ())
    methods = {ip.method for ip in attachment.assignments}
    brings_one = bool(methods - {"none", "static"}) or any(ip.gateway for ip in attachment.assignments)
    # A host does not report routes that came by DHCP or router advertisements; and while nobody answers those who ask
    # for them, that is not the host's fault.
    has_one = at and (at.default_route or (has_role and (at.dhcp4 or at.dhcp6 or at.autoconf)))
    yield _reported("default_route", _yes(has_role and brings_one), _yes(has_one) if at else None)


def reported_qos(at: Location) -> HostQos | None:
    """The QoS that a network has on the host, None for none."""
    if at.traffic is None or at.is_rest or at.traffic == FOREIGN_SHAPING:
        return None
    traffic = at.traffic
    return HostQos(
        link_share=traffic.share,
        upper_limit=traffic.upper_limit and traffic.upper_limit // MEGABIT,
        real_time=traffic.real_time and traffic.real_time // MEGABIT,
    )


def _compare_qos(qos: HostQos | None, at: Location | None) -> Iterator[Reported]:
    """When either side has one. The class for the remaining frames of a link counts as a QoS only if one is desired."""
    actual = reported_qos(replace(at, is_rest=at.is_rest and qos is None)) if at else None
    if qos is None and actual is None:
        return
    desired, has = qos or HostQos(), actual or HostQos()
    for name, expected, value in (
        ("outAverageLinkShare", desired.link_share, has.link_share),
        ("outAverageUpperLimit", desired.upper_limit, has.upper_limit),
        ("outAverageRealTime", desired.real_time, has.real_time),
    ):
        yield _reported(name, _number(expected), _number(value))


def _reported(name: str, expected: str | None, actual: str | None, *, is_there: bool = True) -> Reported:
    return Reported(name=name, expected=expected, actual=actual, in_sync=is_there and expected == actual)


def _yes(value: object) -> str:
    return "true" if value else "false"


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _compare_dns(expected: tuple[str, ...], actual: tuple[str, ...]) -> Reported:
    """Resolvers that are not desired do not count."""
    return Reported(
        name="dns_configuration",
        expected=",".join(expected) or None,
        actual=",".join(actual) or None,
        in_sync=set(expected) <= set(actual),
    )


_V4_METHODS = {"static": "STATIC_IP", "dhcp": "DHCP", "none": "NONE"}
_V6_METHODS = {**_V4_METHODS, "autoconf": "AUTOCONF", "poly_dhcp_autoconf": "POLY_DHCP_AUTOCONF"}


def _compare_ip(ip: IpAssignment, at: Location | None) -> Iterator[Reported]:
    family, is_v4 = f"ipv{ip.version}", ip.version == IPV4  # of IP
    mine = [address for address in at.permanent if address.version == ip.version] if at else []
    method = _method(ip.version, at, mine) if at else None
    yield _reported(f"{family}_boot_protocol", (_V4_METHODS if is_v4 else _V6_METHODS)[ip.method], method)
    if not at or ip.method != "static" or method != "STATIC_IP":
        return
    desired = str(ip_address(ip.address))
    actual = next((address for address in mine if address.ip == desired), mine[0])
    yield _reported(f"{family}_address", desired, actual.ip)
    if is_v4:
        yield _reported("ipv4_netmask", _netmask(ip.prefix), _netmask(actual.prefix))
    else:
        yield _reported("ipv6_prefix", str(ip.prefix), str(actual.prefix))
    yield _reported(f"{family}_gateway", _gateway(ip.gateway), _gateway(at.gateway4 if is_v4 else at.gateway6))


def _method(version: int, at: Location, addresses: list[Address]) -> str:
    if version == IPV4 and at.dhcp4:  # of IP
        return "DHCP"
    if version != IPV4 and (at.dhcp6 or at.autoconf):  # of IP
        return "POLY_DHCP_AUTOCONF" if at.dhcp6 and at.autoconf else "DHCP" if at.dhcp6 else "AUTOCONF"
    return "STATIC_IP" if addresses else "NONE"


@cache
def _netmask(prefix: int) -> str:
    return str(ip_network(f"0.0.0.0/{prefix}").netmask)


def _gateway(text: str) -> str | None:
    """The unspecified address means no gateway."""
    return None if not text or ip_address(text).is_unspecified else str(ip_address(text))
