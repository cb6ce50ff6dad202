"""Encodes a kernel step as one or two netlink requests, which are sent in one datagram."""

from __future__ import annotations

import errno
import sys
from functools import singledispatchmethod
from ipaddress import ip_address, ip_network
from socket import AF_INET, AF_INET6
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from netweft.agent import netlink as nl
from netweft.agent import shaping
from netweft.agent.dumps import query_link
from netweft.agent.link_options import (
    BOND_OPTIONS,
    BRIDGE_DEFAULTS,
    BRIDGE_OPTIONS,
    IFLA_BOND_MODE,
    IFLA_BR_STP_STATE,
    Names,
    bond_defaults,
    mac_bytes,
    read_bridge_options,
    read_options,
    write_options,
)
from netweft.core.host import MAIN_TABLE, MARK, Address, Bond, Bridge, Route, Rule, Vlan
from netweft.core.kernel import IPV6_METRIC, is_ipv6
from netweft.core.limits import MTU_MAX
from netweft.core.options import MODES
from netweft.core.steps import (
    AddAddress,
    AddRoute,
    AddRule,
    AddTrafficClass,
    CreateLink,
    DeleteLink,
    KernelStep,
    RemoveAddress,
    RemoveRoute,
    RemoveRule,
    RemoveTrafficClass,
    SetBondOptions,
    SetBridgeOptions,
    SetMac,
    SetMaster,
    SetMtu,
    SetOwner,
    SetTrafficClass,
    SetUp,
    StartShaping,
    StopShaping,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from netweft.agent.dumps import RawLink

Requests: TypeAlias = tuple[nl.Request, ...]

FIRST_OWN_INDEX = 1 << 16
"""First index of links that we create. We choose indexes so that later requests of the same datagram can refer to the
links; those of the kernel start at 1 and stay below.
"""

_LONGEST_PREFIX_WITH_BROADCAST = 30  # RFC 3021: a /31 has no broadcast address
_TABLES_IN_HEADER = 256


class ImpossibleStepError(Exception):
    """A step that cannot be sent: it refers to a link that does not exist, or has an invalid value."""

    def __init__(self, number: int, words: str) -> None:
        super().__init__(words)
        self.errno = number


class Encoder:
    """Encodes steps as requests. Tracks the effects of the steps on the links.

    ``held``: addresses that no other host can have, for which the kernel need not detect duplicates. ``dynamic``: those
    from DHCP or router advertisements, by link; one that becomes permanent is never removed.
    """

    def __init__(
        self,
        netlink: nl.Netlink,
        links: Iterable[RawLink],
        held: Collection[str] = (),
        dynamic: Mapping[str, Sequence[Address]] = MappingProxyType({}),
    ) -> None:
        self._netlink = netlink
        self._held = held
        self._dynamic = dynamic
        links = tuple(links)
        self._index_of = {link.name: link.index for link in links}
        bonds = {link.index: link.name for link in links if link.kind == "bond"}
        self._ports_of = {name: {link.name for link in links if link.master == index} for index, name in bonds.items()}
        self._next_index = max(FIRST_OWN_INDEX, *self._index_of.values()) + 1

    def requests(self, step: KernelStep) -> Requests:
        """The requests for a step. Raises ImpossibleStepError."""
        return _by_kind(type(step))(self, step)

    @singledispatchmethod
    def _requests(self, step: KernelStep) -> Requests:
        raise TypeError(f"{step} is no step of the kernel")

    @_requests.register
    def _create(self, step: CreateLink) -> Requests:
        link = step.link
        index, self._next_index = self._next_index, self._next_index + 1
        # The kernel accepts no alias when it creates a link. A bridge whose MTU was never changed follows the smallest
        # of its ports (br_mtu_auto_adjust); ours is created with another one, so that setting the desired one is a
        # change.
        first_mtu = link.mtu if not isinstance(link, Bridge) else link.mtu + 1 if link.mtu < MTU_MAX else link.mtu - 1
        created = nl.text(nl.IFLA_IFNAME, link.name) + nl.u32(nl.IFLA_MTU, first_mtu) + self._kind(link)
        created += nl.attribute(nl.IFLA_ADDRESS, mac_bytes(link.mac)) if link.mac else b""
        self._index_of[link.name] = index
        if isinstance(link, Bond):
            self._ports_of[link.name] = set()
        finish = nl.text(nl.IFLA_IFALIAS, _alias(link.owner)) + (
            nl.u32(nl.IFLA_MTU, link.mtu) if isinstance(link, Bridge) else b""
        )
        return (
            nl.Request(nl.RTM_NEWLINK, _link(index) + created, nl.CREATE_NEW),
            nl.Request(nl.RTM_SETLINK, _link(index) + finish),
        )

    def _kind(self, link: Bond | Vlan | Bridge) -> bytes:
        if isinstance(link, Vlan):
            base = nl.u32(nl.IFLA_LINK, self._index(link.base))
            return base + _link_info("vlan", nl.attribute(nl.IFLA_VLAN_ID, link.tag.to_bytes(2, sys.byteorder)))
        if isinstance(link, Bridge):
            return _link_info("bridge", self._bridge_data(link.stp, link.options))
        if link.mode not in MODES:
            raise ImpossibleStepError(errno.EINVAL, f"there is no bond mode {link.mode}")
        mode = nl.attribute(IFLA_BOND_MODE, bytes([MODES.index(link.mode)]))
        return _link_info("bond", mode + self._options("bond", link.options))

    def _bridge_data(self, stp: bool, options: Mapping[str, str]) -> bytes:
        return self._options("bridge", options) + nl.u32(IFLA_BR_STP_STATE, int(stp))

    def _options(self, kind: str, options: Mapping[str, str]) -> bytes:
        names = Names(self._index_of, {index: name for name, index in self._index_of.items()} if kind == "bond" else {})
        try:
            return write_options(BOND_OPTIONS if kind == "bond" else BRIDGE_OPTIONS, options, names)
        except ValueError as error:
            raise ImpossibleStepError(errno.EINVAL, str(error)) from error

    @_requests.register
    def _delete(self, step: DeleteLink) -> Requests:
        # A port gets back its MTU when its bond is deleted, but without a notification (__bond_release_one of the
        # kernel), so it stays without IPv6 if the bond's had no room for it.
        ports = [port for port in self._ports_of.pop(step.name, ()) if port in self._index_of]
        freed = [request for port in sorted(ports) for request in self._change(port, nl.u32(nl.IFLA_MASTER, 0))]
        index = self._index(step.name)
        del self._index_of[step.name]
        return (*freed, nl.Request(nl.RTM_DELLINK, _link(index)))

    @_requests.register
    def _set_owner(self, step: SetOwner) -> Requests:
        return self._change(step.name, nl.text(nl.IFLA_IFALIAS, _alias(step.owner)))

    @_requests.register
    def _set_master(self, step: SetMaster) -> Requests:
        changed = self._change(step.name, nl.u32(nl.IFLA_MASTER, self._index(step.master) if step.master else 0))
        for bond, ports in self._ports_of.items():
            (ports.add if bond == step.master else ports.discard)(step.name)
        return changed

    @_requests.register
    def _set_up(self, step: SetUp) -> Requests:
        return (
            nl.Request(
                nl.RTM_SETLINK, nl.IFINFO.pack(0, 0, self._index(step.name), nl.IFF_UP if step.up else 0, nl.IFF_UP)
            ),
        )

    @_requests.register
    def _set_mtu(self, step: SetMtu) -> Requests:
        return self._change(step.name, nl.u32(nl.IFLA_MTU, step.mtu))

    @_requests.register
    def _set_mac(self, step: SetMac) -> Requests:
        return self._change(step.name, nl.attribute(nl.IFLA_ADDRESS, mac_bytes(step.mac)))

    @_requests.register
    def _set_bond_options(self, step: SetBondOptions) -> Requests:
        link = self._queried(step.name, "bond")
        data = nl.attributes(link.info)
        mode = MODES[nl.number(data[IFLA_BOND_MODE])]
        names = Names(self._index_of, {index: name for name, index in self._index_of.items()})
        desired = {**bond_defaults(mode), **dict(step.options)}
        now = read_options(BOND_OPTIONS, data, names)
        changed = {
            name: value
            for name, value in desired.items()
            if name in dict(step.options) or name in now
            if now.get(name) != value
        }
        if changed.get("miimon", "0") != "0":  # the kernel keeps the delays as numbers of its intervals
            changed |= {name: desired[name] for name in ("updelay", "downdelay")}
        # The delays can only be changed while miimon is set, so they go first.
        first = [name for name in ("updelay", "downdelay") if changed.get("miimon") == "0" and name in changed]
        delays: dict[str, str] = {name: changed.pop(name) for name in first}
        return tuple(
            nl.Request(nl.RTM_NEWLINK, _link(link.index) + _link_info("bond", self._options("bond", part)))
            for part in (delays, changed)
            if part
        )

    @_requests.register
    def _set_bridge_options(self, step: SetBridgeOptions) -> Requests:
        link = self._queried(step.name, "bridge")
        now = read_bridge_options(nl.attributes(link.info))
        desired = {**BRIDGE_DEFAULTS, **dict(step.options)}
        changed = {
            name: value
            for name, value in desired.items()
            if name in dict(step.options) or name in now
            if now.get(name) != value
        }
        data = self._bridge_data(step.stp, changed)
        if not step.stp:  # first, because with STP on the timers must keep its limits
            data = nl.u32(IFLA_BR_STP_STATE, 0) + data
        return (nl.Request(nl.RTM_NEWLINK, _link(link.index) + _link_info("bridge", data)),)

    def _queried(self, name: str, kind: str) -> RawLink:
        link = query_link(self._netlink, self._index(name))
        if link.kind != kind:
            raise ImpossibleStepError(errno.EOPNOTSUPP, f"{name} is no {kind}")
        return link

    @_requests.register
    def _add_address(self, step: AddAddress) -> Requests:
        flags = nl.IFA_F_NODAD if step.address.ip in self._held else 0
        added = self._address(step.name, step.address, flags)
        there = [address for address in self._dynamic.get(step.name, ()) if address.ip == step.address.ip]
        if step.address in there:
            return (nl.Request(nl.RTM_NEWADDR, added, nl.NLM_F_REPLACE),)
        # IPv6 has an address once, whatever its prefix.
        old = [address for address in there if is_ipv6(address.ip)]
        removed = [nl.Request(nl.RTM_DELADDR, self._address(step.name, address)) for address in old]
        return (*removed, nl.Request(nl.RTM_NEWADDR, added, nl.CREATE_NEW))

    @_requests.register
    def _remove_address(self, step: RemoveAddress) -> Requests:
        return (nl.Request(nl.RTM_DELADDR, self._address(step.name, step.address)),)

    def _address(self, name: str, address: Address, flags: int = 0) -> bytes:
        return address_message(self._index(name), address, flags)

    @_requests.register
    def _add_route(self, step: AddRoute) -> Requests:
        on_link = not step.route.via and not is_ipv6(step.route.to)
        scope = nl.RT_SCOPE_LINK if on_link else nl.RT_SCOPE_UNIVERSE
        return (nl.Request(nl.RTM_NEWROUTE, self._route(step.route, scope), nl.CREATE_NEW),)

    @_requests.register
    def _remove_route(self, step: RemoveRoute) -> Requests:
        return (nl.Request(nl.RTM_DELROUTE, self._route(step.route, nl.RT_SCOPE_NOWHERE)),)

    def _route(self, route: Route, scope: int) -> bytes:
        to = ip_network(route.to)
        metric = route.metric or (IPV6_METRIC if is_ipv6(route.to) else 0)
        packed = nl.RTMSG.pack(
            _family(route.to), to.prefixlen, 0, 0, _short(route.table), route.protocol, scope, nl.RTN_UNICAST, 0
        )
        packed += (
            nl.attribute(nl.RTA_DST, to.network_address.packed)
            + nl.u32(nl.RTA_TABLE, route.table)
            + nl.u32(nl.RTA_PRIORITY, metric)
        )
        packed += nl.attribute(nl.RTA_GATEWAY, ip_address(route.via).packed) if route.via else b""
        return packed + nl.u32(nl.RTA_OIF, self._index(route.link))

    @_requests.register
    def _add_rule(self, step: AddRule) -> Requests:
        return (nl.Request(nl.RTM_NEWRULE, _rule(step.rule), nl.CREATE_NEW),)

    @_requests.register
    def _remove_rule(self, step: RemoveRule) -> Requests:
        return (nl.Request(nl.RTM_DELRULE, _rule(step.rule)),)

    @_requests.register
    def _start_shaping(self, step: StartShaping) -> Requests:
        return shaping.start(self._index(step.name), step.rest)

    @_requests.register
    def _stop_shaping(self, step: StopShaping) -> Requests:
        return shaping.stop(self._index(step.name))

    @_requests.register
    def _add_traffic_class(self, step: AddTrafficClass) -> Requests:
        return shaping.add(self._index(step.name), step.traffic)

    @_requests.register
    def _set_traffic_class(self, step: SetTrafficClass) -> Requests:
        return shaping.change(self._index(step.name), step.traffic)

    @_requests.register
    def _remove_traffic_class(self, step: RemoveTrafficClass) -> Requests:
        return shaping.remove(self._index(step.name), step.tag)

    def _index(self, name: str) -> int:
        if name not in self._index_of:
            raise ImpossibleStepError(errno.ENODEV, f"there is no link {name}")
        return self._index_of[name]

    def _change(self, name: str, attributes: bytes) -> Requests:
        return (nl.Request(nl.RTM_SETLINK, _link(self._index(name)) + attributes),)


# The method for a kind of step, without the wrapper that asking for it through an instance makes anew each time.
_by_kind: Callable[[type], Callable[[Encoder, KernelStep], Requests]] = vars(Encoder)["_requests"].dispatcher.dispatch


def address_message(index: int, address: Address, flags: int = 0) -> bytes:
    """An address of a link, to be added or removed."""
    ip = ip_address(address.ip)
    family = _family(address.ip)
    packed = nl.IFADDR.pack(family, address.prefix, flags, nl.RT_SCOPE_UNIVERSE, index)
    packed += nl.attribute(nl.IFA_LOCAL, ip.packed) + nl.attribute(nl.IFA_ADDRESS, ip.packed)
    if family == AF_INET and address.prefix <= _LONGEST_PREFIX_WITH_BROADCAST:
        packed += nl.attribute(nl.IFA_BROADCAST, ip_network(address.network).broadcast_address.packed)
    return packed


def subnet_route(index: int, address: Address) -> nl.Request:
    """The route to the subnet of an IPv4 address as the kernel makes it; a DHCP client has put its own in its place."""
    ip, subnet = ip_address(address.ip), ip_network(address.network)
    scope, table = nl.RT_SCOPE_LINK, MAIN_TABLE
    packed = nl.RTMSG.pack(AF_INET, subnet.prefixlen, 0, 0, table, nl.RTPROT_KERNEL, scope, nl.RTN_UNICAST, 0)
    packed += nl.attribute(nl.RTA_DST, subnet.network_address.packed) + nl.attribute(nl.RTA_PREFSRC, ip.packed)
    return nl.Request(nl.RTM_NEWROUTE, packed + nl.u32(nl.RTA_OIF, index), nl.NLM_F_CREATE | nl.NLM_F_REPLACE)


def _link(index: int) -> bytes:
    return nl.IFINFO.pack(0, 0, index, 0, 0)


def _link_info(kind: str, data: bytes) -> bytes:
    return nl.attribute(nl.IFLA_LINKINFO, nl.text(nl.IFLA_INFO_KIND, kind) + nl.attribute(nl.IFLA_INFO_DATA, data))


def _alias(owner: str) -> str:
    return MARK + owner if owner else ""


def _family(ip: str) -> int:
    return AF_INET6 if is_ipv6(ip) else AF_INET


def _short(table: int) -> int:
    """Table numbers that fit go into the header too; larger ones are in an attribute only."""
    return table if table < _TABLES_IN_HEADER else 0


def _rule(rule: Rule) -> bytes:
    source, destination = (ip_network(prefix) if prefix else None for prefix in (rule.source, rule.destination))
    lengths = destination.prefixlen if destination else 0, source.prefixlen if source else 0
    packed = nl.RTMSG.pack(
        _family(rule.source or rule.destination), *lengths, 0, _short(rule.table), 0, 0, nl.FR_ACT_TO_TBL, 0
    )
    packed += nl.attribute(nl.FRA_SRC, source.network_address.packed) if source else b""
    packed += nl.attribute(nl.FRA_DST, destination.network_address.packed) if destination else b""
    return (
        packed
        + nl.u32(nl.FRA_PRIORITY, rule.priority)
        + nl.u32(nl.FRA_TABLE, rule.table)
        + nl.attribute(nl.FRA_PROTOCOL, bytes([rule.protocol]))
    )
