"""What a host has, as the kernel and Open vSwitch tell it, as one :class:`Host`.

Nothing is remembered from earlier looks; ownership is read off the marks that the things themselves carry.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET, AF_INET6
from typing import TYPE_CHECKING

from netweft.agent import netlink as nl
from netweft.agent.dumps import DHCP_MARK, GUEST_MARK, RawLink, dump_links
from netweft.agent.link_options import (
    BOND_OPTIONS,
    IFLA_BOND_ACTIVE_SLAVE,
    IFLA_BOND_AD_INFO,
    IFLA_BOND_AD_INFO_PARTNER_MAC,
    IFLA_BOND_MODE,
    IFLA_BR_STP_STATE,
    Names,
    bond_defaults,
    mac_text,
    read_options,
    read_set_bridge_options,
)
from netweft.agent.nic_facts import read_facts
from netweft.agent.shaping import observe as observe_shaping
from netweft.core.host import (
    MARK,
    PROTOCOL,
    Address,
    Bond,
    Bridge,
    GuestPort,
    Host,
    Nic,
    Route,
    Rule,
    Vlan,
)
from netweft.core.kernel import canonical
from netweft.core.options import MODES
from netweft.core.protocol import LinkCounters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netweft.agent.handles import Handles

_ARPHRD_LOOPBACK = 772
_NIC_KINDS = frozenset({"", "veth", "dummy"})
_OVS_KIND = "openvswitch"
_DEVCONF_FORWARDING, _DEVCONF_ACCEPT_RA, _DEVCONF_DISABLE_IPV6 = 0, 3, 26  # linux/ipv6.h
_DEVCONF_OCTETS = 4
_IPV6_CONF = struct.Struct("=4i")
_IPV4_OCTETS = 4
_COUNTERS = struct.Struct("=8Q")


@dataclass(frozen=True, slots=True)
class _Addresses:
    """The addresses of one link: configured ones, and those from DHCP and router advertisements."""

    permanent: tuple[Address, ...] = ()
    dynamic: tuple[Address, ...] = ()


_NO_ADDRESSES = _Addresses()


def observe(handles: Handles) -> Host:
    """All networking of the host.

    Raises NetlinkError, or OvsdbError when there should be an Open vSwitch and it does not answer.
    """
    links = dump_links(handles.netlink)
    names = Names({link.name: link.index for link in links}, {link.index: link.name for link in links})
    all_routes = [_routes(handles.netlink, family, names) for family in (AF_INET, AF_INET6)]
    leased = frozenset(source for _, sources in all_routes for source in sources)
    host = _Sorter(handles, names, links, leased).host()
    return replace(
        host,
        routes=tuple(sorted(route for routes, _ in all_routes for route in routes)),
        rules=tuple(sorted(rule for family in (AF_INET, AF_INET6) for rule in _rules(handles.netlink, family))),
        dns=handles.resolver.servers(),
    )


def dynamic_addresses(handles: Handles) -> dict[str, tuple[Address, ...]]:
    """The addresses from DHCP and router advertisements, by link. Raises NetlinkError."""
    name_of = {link.index: link.name for link in dump_links(handles.netlink)}
    with_dhcp = handles.dhcp.running()
    indexes = frozenset(index for index, name in name_of.items() if name in with_dhcp)
    names = Names({name: index for index, name in name_of.items()}, name_of)
    leased = {source for family in (AF_INET, AF_INET6) for source in _routes(handles.netlink, family, names)[1]}
    found = _addresses(handles.netlink, indexes, frozenset(leased))
    return {name_of[index]: addresses.dynamic for index, addresses in found.items() if addresses.dynamic}


def counters(netlink: nl.Netlink) -> dict[str, LinkCounters]:
    """The counters of all links. Raises NetlinkError."""
    found = {}
    for link in dump_links(netlink, statistics=True):
        if nl.IFLA_STATS64 in link.attrs:
            _, _, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped = _COUNTERS.unpack_from(
                link.attrs[nl.IFLA_STATS64]
            )
            found[link.name] = LinkCounters(
                rx_bytes=rx_bytes,
                tx_bytes=tx_bytes,
                rx_errors=rx_errors,
                tx_errors=tx_errors,
                rx_dropped=rx_dropped,
                tx_dropped=tx_dropped,
            )
    return found


class _Sorter:
    """Sorts the links into the fields of a Host."""

    def __init__(self, handles: Handles, names: Names, links: Sequence[RawLink], leased: frozenset[str]) -> None:
        self._handles = handles
        self._names = names
        self._links = links
        self._dhcp = handles.dhcp.running()
        self._kind_of = {link.index: link.kind for link in links}
        self._addresses = _addresses(
            handles.netlink, frozenset(names.index_of[name] for name in self._dhcp if name in names.index_of), leased
        )
        bridges, ports, guests = handles.ovsdb.observe() if handles.ovsdb else ({}, {}, {})
        self._ovs_bridges, self._ovs_ports, self._ovs_guests = bridges, ports, guests
        self._shaping = observe_shaping(handles.netlink)

    def host(self) -> Host:
        nics: dict[str, Nic] = {}
        bonds: dict[str, Bond] = {}
        vlans: dict[str, Vlan] = {}
        bridges: dict[str, Bridge] = {}
        ovs_ports = dict(self._ovs_ports)
        guests: dict[str, GuestPort] = {}
        unmanaged = []
        for link in self._links:
            name = link.name
            port = ovs_ports.get(name)
            if self._is_left_out(link):
                continue
            if link.alias.startswith(GUEST_MARK):
                guests[name] = GuestPort(name=name, vnic=link.alias.removeprefix(GUEST_MARK), bridge=self._master(link))
            elif port and port.is_internal:
                ovs_ports[name] = replace(port, **self._link_fields(link))  # type: ignore[arg-type] # keys are fields
            elif link.kind == "bridge":
                bridges[name] = self._bridge(link)
            elif link.kind == "bond":
                bonds[name] = self._bond(link)
            elif self._is_plain_vlan(link):
                vlans[name] = self._vlan(link)
            elif link.kind in _NIC_KINDS and link.is_ethernet:
                nics[name] = self._nic(link)
            elif not (self._ovs_bridges and _is_ovs_plumbing(link)):
                unmanaged.append(name)
        return Host(
            nics=nics,
            bonds=bonds,
            vlans=vlans,
            bridges=bridges,
            ovs_bridges=self._ovs_bridges,
            ovs_ports=ovs_ports,
            guest_ports={**guests, **self._ovs_guests},
            unmanaged=tuple(sorted(unmanaged)),
            chassis=self._handles.ovsdb.chassis() if self._handles.ovsdb else None,
        )

    def _is_left_out(self, link: RawLink) -> bool:
        """Whether it is reported elsewhere, or is no part of the host's networking: loopback, DHCP links."""
        is_of_ovs = link.name in self._ovs_bridges or link.name in self._ovs_guests
        return is_of_ovs or link.type == _ARPHRD_LOOPBACK or link.alias.startswith(DHCP_MARK)

    def _link_fields(self, link: RawLink, ipv6: bytes | None = None) -> dict[str, object]:
        """The fields of :class:`Link` from the kernel, without name and owner. ``ipv6``: its settings, if at hand."""
        attrs = link.attrs
        dhcp4, dhcp6, leased_default = self._dhcp.get(link.name, (False, False, False))
        addresses = self._addresses.get(link.index, _NO_ADDRESSES)
        return {
            "up": link.is_up,
            "mtu": link.mtu,
            "mac": mac_text(link.mac),
            "addresses": addresses.permanent,
            "dynamic": addresses.dynamic,
            "dhcp4": dhcp4,
            "dhcp6": dhcp6,
            "leased_default": leased_default,
            "autoconf": _accepts_advertisements(link.ipv6_settings if ipv6 is None else ipv6),
            "carrier": bool(nl.number(attrs.get(nl.IFLA_CARRIER, b""))),
        }

    def _common(self, link: RawLink, ipv6: bytes | None = None) -> dict[str, object]:
        alias = link.alias
        owner = alias.removeprefix(MARK) if alias.startswith(MARK) else ""
        return {"name": link.name, "owner": owner, "master": self._master(link), **self._link_fields(link, ipv6)}

    def _master(self, link: RawLink) -> str:
        """The bond or Linux bridge; ports of Open vSwitch are read from OVSDB instead."""
        return self._names.name_of[link.master] if self._kind_of.get(link.master) in {"bond", "bridge"} else ""

    def _nic(self, link: RawLink) -> Nic:
        facts = read_facts(self._handles.netlink.fileno(), link.name, mac_text(_permanent_mac(link)))
        classes, other = self._shaping.get(link.index, ((), ""))
        ipv6 = link.ipv6_settings
        common = self._common(link, ipv6)
        return Nic(facts=facts, shaping=classes, queueing=other, ipv6_off=_has_ipv6_off(ipv6), **common)  # type: ignore[arg-type] # keys are fields

    def _bridge(self, link: RawLink) -> Bridge:
        data = nl.attributes(link.info)
        return Bridge(
            stp=bool(nl.number(data.get(IFLA_BR_STP_STATE, b""))),
            options=read_set_bridge_options(data),
            **self._common(link),  # type: ignore[arg-type] # keys are fields
        )

    def _bond(self, link: RawLink) -> Bond:
        data = nl.attributes(link.info)
        mode = MODES[nl.number(data[IFLA_BOND_MODE])]
        defaults = bond_defaults(mode)
        options = read_options(BOND_OPTIONS, data, self._names)
        classes, other = self._shaping.get(link.index, ((), ""))
        partner = nl.attributes(data.get(IFLA_BOND_AD_INFO, b"")).get(IFLA_BOND_AD_INFO_PARTNER_MAC, b"")
        return Bond(
            mode=mode,
            options={name: value for name, value in options.items() if value != defaults[name]},
            active_port=self._names.name_of.get(nl.number(data.get(IFLA_BOND_ACTIVE_SLAVE, b"")), ""),
            partner_mac=mac_text(partner) if any(partner) else "",
            shaping=classes,
            queueing=other,
            **self._common(link),  # type: ignore[arg-type] # keys are fields
        )

    def _is_plain_vlan(self, link: RawLink) -> bool:
        """802.1Q over a link of this namespace.

        802.1ad, and devices whose base was moved elsewhere, are not supported.
        """
        if link.kind != "vlan" or nl.IFLA_LINK_NETNSID in link.attrs:
            return False
        return nl.attributes(link.info).get(nl.IFLA_VLAN_PROTOCOL, nl.ETH_P_8021Q) == nl.ETH_P_8021Q

    def _vlan(self, link: RawLink) -> Vlan:
        tag = nl.number(nl.attributes(link.info)[nl.IFLA_VLAN_ID])
        base = self._names.name_of[nl.number(link.attrs[nl.IFLA_LINK])]
        return Vlan(base=base, tag=tag, **self._common(link))  # type: ignore[arg-type] # keys are fields


def _permanent_mac(link: RawLink) -> bytes:
    """The NIC's permanent address, or else its own one while it has that of its bond."""
    if nl.IFLA_PERM_ADDRESS in link.attrs:
        return link.attrs[nl.IFLA_PERM_ADDRESS]
    own = link.attrs.get(nl.IFLA_ADDRESS, b"")
    info = nl.attributes(link.attrs.get(nl.IFLA_LINKINFO, b""))
    if nl.string(info.get(nl.IFLA_INFO_SLAVE_KIND, b"")) != "bond":
        return own
    return nl.attributes(info[nl.IFLA_INFO_SLAVE_DATA]).get(nl.IFLA_BOND_SLAVE_PERM_HWADDR, own)


def _is_ovs_plumbing(link: RawLink) -> bool:
    """Whether it is an internal device of Open vSwitch.

    They are ``ovs-system``, and ``ovs-netdev`` with its kin for the userspace datapath.
    """
    return link.kind == _OVS_KIND or (link.kind == "tun" and link.name.startswith("ovs-"))


def _has_ipv6_off(settings: bytes) -> bool:
    """Whether disable_ipv6 is set; older kernels do not report it here."""
    offset = _DEVCONF_DISABLE_IPV6 * _DEVCONF_OCTETS
    return any(settings[offset : offset + _DEVCONF_OCTETS])


def _accepts_advertisements(settings: bytes) -> bool:
    """Whether IPv6 router advertisements have an effect.

    With accept_ra 2 they always do, with 1 unless the link forwards (networking/ip-sysctl.rst).
    """
    if not settings:
        return False
    conf = _IPV6_CONF.unpack_from(settings)
    return bool(conf[_DEVCONF_ACCEPT_RA] > (1 if conf[_DEVCONF_FORWARDING] else 0))


def _ip(packed: bytes) -> str:
    return str(IPv4Address(packed) if len(packed) == _IPV4_OCTETS else IPv6Address(packed))


def _addresses(netlink: nl.Netlink, with_dhcp: frozenset[int], leased: frozenset[str]) -> dict[int, _Addresses]:
    """The addresses of every link.

    ``leased``: source addresses of DHCP routes, which distinguish an unlimited lease from a configured address.
    """
    permanent: dict[int, list[Address]] = defaultdict(list)
    dynamic: dict[int, list[Address]] = defaultdict(list)
    for message in netlink.dump(nl.RTM_GETADDR, nl.IFADDR.pack(0, 0, 0, 0, 0)):
        _, prefix, flags, scope, index = nl.IFADDR.unpack_from(message)
        attrs = nl.attributes(message, nl.IFADDR.size)
        if scope != nl.RT_SCOPE_UNIVERSE:
            continue
        address = Address(ip=_ip(attrs.get(nl.IFA_LOCAL) or attrs[nl.IFA_ADDRESS]), prefix=prefix)
        is_permanent = nl.number(attrs.get(nl.IFA_FLAGS, bytes([flags]))) & nl.IFA_F_PERMANENT
        is_lease = index in with_dhcp and address.ip in leased
        (permanent if is_permanent and not is_lease else dynamic)[index].append(address)
    return {
        index: _Addresses(tuple(sorted(permanent[index])), tuple(sorted(dynamic[index])))
        for index in permanent.keys() | dynamic.keys()
    }


def _routes(netlink: nl.Netlink, family: int, names: Names) -> tuple[list[Route], set[str]]:
    """The configured unicast routes, and the source addresses of DHCP routes."""
    routes: list[Route] = []
    leased: set[str] = set()
    anywhere = "0.0.0.0/0" if family == AF_INET else "::/0"
    for message in netlink.dump(nl.RTM_GETROUTE, nl.RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)):
        _, length, _, _, table, protocol, _, kind, flags = nl.RTMSG.unpack_from(message)
        if (
            kind != nl.RTN_UNICAST
            or flags & nl.RTM_F_CLONED
            or protocol in {nl.RTPROT_KERNEL, nl.RTPROT_RA, nl.RTPROT_REDIRECT}
        ):
            continue
        attrs = nl.attributes(message, nl.RTMSG.size)
        if protocol == nl.RTPROT_DHCP:
            if nl.RTA_PREFSRC in attrs:
                leased.add(_ip(attrs[nl.RTA_PREFSRC]))
        elif nl.RTA_OIF in attrs:  # else it is a multipath route, which is never ours
            route = Route(
                to=f"{_ip(attrs[nl.RTA_DST])}/{length}" if nl.RTA_DST in attrs else anywhere,
                link=names.name_of.get(nl.number(attrs[nl.RTA_OIF]), ""),
                via=_ip(attrs[nl.RTA_GATEWAY]) if nl.RTA_GATEWAY in attrs else "",
                table=nl.number(attrs.get(nl.RTA_TABLE, bytes([table]))),
                metric=nl.number(attrs.get(nl.RTA_PRIORITY, b"")),
                protocol=protocol,
            )
            routes.append(canonical(route))
    return routes, leased


def _rules(netlink: nl.Netlink, family: int) -> list[Rule]:
    """Our policy rules."""
    rules = []
    for message in netlink.dump(nl.RTM_GETRULE, nl.RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)):
        _, to_length, from_length, _, table, _, _, _, _ = nl.RTMSG.unpack_from(message)
        attrs = nl.attributes(message, nl.RTMSG.size)
        if nl.number(attrs.get(nl.FRA_PROTOCOL, b"")) == PROTOCOL:
            rules.append(
                Rule(
                    table=nl.number(attrs.get(nl.FRA_TABLE, bytes([table]))),
                    priority=nl.number(attrs.get(nl.FRA_PRIORITY, b"")),
                    source=f"{_ip(attrs[nl.FRA_SRC])}/{from_length}" if nl.FRA_SRC in attrs else "",
                    destination=f"{_ip(attrs[nl.FRA_DST])}/{to_length}" if nl.FRA_DST in attrs else "",
                )
            )
    return rules
