"""The cable of a guest that is a network namespace: a veth, one end in the guest and the other on the host."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import os
import struct
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from netweft.agent import netlink as nl
from netweft.agent.dumps import GUEST_MARK, dump_links, dump_neighbours
from netweft.agent.link_options import mac_bytes
from netweft.agent.settings import write_setting
from netweft.core.limits import LINK_NAME_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from netweft.agent.dumps import RawLink
    from netweft.core.guest_protocol import GuestNic

Result = TypeVar("Result")

NAMESPACES = Path("/run/netns")
"""The named network namespaces (ip-netns(8))."""

GUEST_LINK = "nwg"
"""Prefix of the names of vNICs' links on the host."""

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_SIOCETHTOOL, _ETHTOOL_STXCSUM = 0x8946, 0x17  # linux/sockios.h, linux/ethtool.h
_IFLA_PROTINFO, _IFLA_NET_NS_FD, _IFLA_BRPORT_ISOLATED, _VETH_INFO_PEER = 12, 28, 33, 1  # linux/if_link.h, linux/veth.h
_NESTED = 0x8000  # linux/netlink.h, NLA_F_NESTED
_AF_BRIDGE, _AF_INET6 = 7, 10
_MAIN_TABLE, _RTPROT_STATIC = 254, 4  # linux/rtnetlink.h
_IPV4_OCTETS = 4

_HOST_END_SETTINGS = {"ipv6/conf/{}/disable_ipv6": "1", "ipv4/conf/{}/arp_ignore": "8"}
"""Keep the host itself silent on a guest's cable: with Open vSwitch's userspace datapath, its stack receives the frames
too.
"""


class CableError(OSError):
    """The kernel refused; the message says what."""


def host_end(vnic: str) -> str:
    """The name of a vNIC's link on the host, made from its id."""
    return f"{GUEST_LINK}{hashlib.sha256(vnic.encode()).hexdigest()[: LINK_NAME_MAX - len(GUEST_LINK)]}"


def guest_end(nic: GuestNic) -> str:
    """The name of a vNIC's link in the guest: the vNIC's own, unless no link can have it."""
    valid = nic.name not in {"", ".", "..", "lo"} and nic.name.isascii() and nic.name.isprintable()
    if valid and len(nic.name) <= LINK_NAME_MAX and not set(nic.name) & set("/: "):
        return nic.name
    return f"nic{hashlib.sha256(nic.id.encode()).hexdigest()[:8]}"


def inside(namespace: str, work: Callable[[nl.Netlink], Result]) -> Result:
    """Call ``work`` in a namespace, in a thread of its own, as setns(2) applies to the calling thread.

    Raises OSError, and what ``work`` raises.
    """

    def enter() -> None:
        handle = os.open(NAMESPACES / namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            library = ctypes.CDLL(None, use_errno=True)
            if library.setns(handle, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"cannot enter the namespace {namespace}")
        finally:
            os.close(handle)

    return _elsewhere(enter, work)


def in_new_namespace(work: Callable[[nl.Netlink], Result]) -> Result:
    """The same in a new, unnamed namespace, which exists as long as a program that ``work`` has started.

    Raises OSError, and what ``work`` raises.
    """

    def enter() -> None:
        library = ctypes.CDLL(None, use_errno=True)
        if library.unshare(_CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "cannot create a namespace")

    return _elsewhere(enter, work)


def _elsewhere(enter: Callable[[], None], work: Callable[[nl.Netlink], Result]) -> Result:
    def enter_and_work() -> Result:
        enter()
        with nl.Netlink() as netlink:
            return work(netlink)

    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(enter_and_work).result()


def cables(netlink: nl.Netlink) -> dict[str, RawLink]:
    """The ends of guests' cables in a namespace, by vNIC. Raises NetlinkError."""
    return {
        link.alias.removeprefix(GUEST_MARK): link for link in dump_links(netlink) if link.alias.startswith(GUEST_MARK)
    }


def lay(netlink: nl.Netlink, nic: GuestNic, namespace: str) -> None:
    """Make a vNIC's cable from the host to a namespace, both ends down and the host's marked. Raises CableError."""
    handle = os.open(NAMESPACES / namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        peer = nl.text(nl.IFLA_IFNAME, guest_end(nic)) + nl.u32(nl.IFLA_MTU, nic.mtu)
        peer += nl.attribute(nl.IFLA_ADDRESS, mac_bytes(nic.mac)) + nl.u32(_IFLA_NET_NS_FD, handle)
        data = nl.attribute(_VETH_INFO_PEER, nl.IFINFO.pack(0, 0, 0, 0, 0) + peer)
        kind = nl.text(nl.IFLA_INFO_KIND, "veth") + nl.attribute(nl.IFLA_INFO_DATA, data)
        # As libvirt has it: with 0xfe in front no Linux bridge takes its own address from the host's end.
        address = b"\xfe" + mac_bytes(nic.mac)[1:]
        body = (
            nl.text(nl.IFLA_IFNAME, host_end(nic.id))
            + nl.u32(nl.IFLA_MTU, nic.mtu)
            + nl.attribute(nl.IFLA_ADDRESS, address)
        )
        body += nl.attribute(nl.IFLA_LINKINFO, kind)
        send(netlink, nl.Request(nl.RTM_NEWLINK, nl.IFINFO.pack(0, 0, 0, 0, 0) + body, nl.CREATE_NEW))
    finally:
        os.close(handle)
    mark(netlink, nic.id)


def mark(netlink: nl.Netlink, vnic: str) -> None:
    """Note on a vNIC's link on the host whose it is, so that observing knows it. Raises CableError."""
    body = nl.text(nl.IFLA_IFNAME, host_end(vnic)) + nl.text(nl.IFLA_IFALIAS, f"{GUEST_MARK}{vnic}")
    send(netlink, nl.Request(nl.RTM_SETLINK, nl.IFINFO.pack(0, 0, 0, 0, 0) + body))


def set_up_host_end(netlink: nl.Netlink, link: RawLink, nic: GuestNic, bridge: RawLink | None) -> None:
    """Set a host's end up or down, with its MTU, as a port of a Linux bridge or (None) of none. Raises CableError."""
    _silence(link.name)
    up = nl.IFF_UP if nic.linked and nic.bridge else 0
    body = nl.IFINFO.pack(0, 0, link.index, up, nl.IFF_UP) + nl.u32(nl.IFLA_MTU, nic.mtu)
    if bridge or _is_in_linux_bridge(netlink, link):
        body += nl.u32(nl.IFLA_MASTER, bridge.index if bridge else 0)
    requests = [nl.Request(nl.RTM_SETLINK, body)]
    if bridge:
        isolated = nl.attribute(_IFLA_BRPORT_ISOLATED, bytes([nic.isolated]))
        head = nl.IFINFO.pack(_AF_BRIDGE, 0, link.index, 0, 0)
        requests.append(nl.Request(nl.RTM_SETLINK, head + nl.attribute(_IFLA_PROTINFO | _NESTED, isolated)))
    send(netlink, *requests)


def set_up_guest_ends(netlink: nl.Netlink, nics: Iterable[GuestNic], ended: Mapping[str, Collection[str]]) -> None:
    """In the guest: mark the ends of new cables, and give all of them their MAC, MTU and addresses.

    ``ended``: the addresses that each vNIC had from us so far. Raises CableError.
    """
    links = {link.name: link for link in dump_links(netlink)}
    marked = cables(netlink)
    send(netlink, nl.Request(nl.RTM_SETLINK, nl.IFINFO.pack(0, 0, links["lo"].index, nl.IFF_UP, nl.IFF_UP)))
    for nic in nics:
        link = marked.get(nic.id) or links[guest_end(nic)]
        complete_checksums(netlink, link.name)
        body = nl.text(nl.IFLA_IFALIAS, f"{GUEST_MARK}{nic.id}") + nl.u32(nl.IFLA_MTU, nic.mtu)
        body += nl.attribute(nl.IFLA_ADDRESS, mac_bytes(nic.mac))
        send(netlink, nl.Request(nl.RTM_SETLINK, nl.IFINFO.pack(0, 0, link.index, nl.IFF_UP, nl.IFF_UP) + body))
        _set_addresses(netlink, link.index, nic.addresses, ended.get(nic.id, ()))
        for gateway in nic.gateways:
            send(netlink, _default_route(link.index, gateway))


def lay_to_host(netlink: nl.Netlink, name: str, mac: str, far: str, alias: str, host: int) -> None:
    """Make a cable with this end in the namespace of the caller, the other (``far``) in that of the handle ``host``,
    where it carries a mark from the first moment; both are down. Raises CableError.
    """
    peer = nl.IFINFO.pack(0, 0, 0, 0, 0) + nl.text(nl.IFLA_IFNAME, far)
    kind = nl.text(nl.IFLA_INFO_KIND, "veth")
    kind += nl.attribute(nl.IFLA_INFO_DATA, nl.attribute(_VETH_INFO_PEER, peer))
    body = nl.IFINFO.pack(0, 0, 0, 0, 0) + nl.text(nl.IFLA_IFNAME, name) + nl.attribute(nl.IFLA_ADDRESS, mac_bytes(mac))
    there = nl.IFINFO.pack(0, 0, 0, 0, 0) + nl.text(nl.IFLA_IFNAME, far)
    send(
        netlink,
        nl.Request(nl.RTM_NEWLINK, body + nl.attribute(nl.IFLA_LINKINFO, kind), nl.CREATE_NEW),
        nl.Request(nl.RTM_SETLINK, there + nl.text(nl.IFLA_IFALIAS, alias)),
        nl.Request(nl.RTM_SETLINK, there + nl.u32(_IFLA_NET_NS_FD, host)),
    )
    complete_checksums(netlink, name)


def open_host_end(netlink: nl.Netlink, link: RawLink) -> None:
    """Set the host's end of such a cable up. Raises CableError."""
    _silence(link.name)
    send(netlink, nl.Request(nl.RTM_SETLINK, nl.IFINFO.pack(0, 0, link.index, nl.IFF_UP, nl.IFF_UP)))


def open_far_end(netlink: nl.Netlink, link: RawLink, addresses: Iterable[str]) -> None:
    """Set its other end up, with addresses. Raises CableError."""
    send(netlink, nl.Request(nl.RTM_SETLINK, nl.IFINFO.pack(0, 0, link.index, nl.IFF_UP, nl.IFF_UP)))
    _set_addresses(netlink, link.index, addresses, ())


def addresses(netlink: nl.Netlink) -> dict[str, tuple[str, ...]]:
    """In a guest: the addresses of its cables, by vNIC. Raises NetlinkError."""
    found = {vnic: _addresses(netlink, link.index) for vnic, link in cables(netlink).items()}
    return {vnic: tuple(sorted(str(ip_address(packed)) for packed, _ in some)) for vnic, some in found.items() if some}


def neighbours(netlink: nl.Netlink) -> dict[str, tuple[str, ...]]:
    """The addresses of those whom this host has talked to, by MAC address, as neighbour discovery found them.

    Raises NetlinkError.
    """
    found: dict[str, set[str]] = {}
    for one in dump_neighbours(netlink):
        if one.is_known and one.mac:
            found.setdefault(one.mac, set()).add(str(one.address))
    return {mac: tuple(sorted(addresses)) for mac, addresses in found.items()}


def remove(netlink: nl.Netlink, link: RawLink) -> None:
    """Take a cable away, by either of its ends. Raises CableError."""
    refused = netlink.send([nl.Request(nl.RTM_DELLINK, nl.IFINFO.pack(0, 0, link.index, 0, 0))])
    # A namespace that was deleted takes its links away by and by, so this one may just have gone.
    if refused and refused[0].errno != errno.ENODEV:
        raise CableError(refused[0].errno, refused[0].words)


def _silence(link: str) -> None:
    """Keep the host's own stack off what passes a link."""
    for setting, value in _HOST_END_SETTINGS.items():
        write_setting(f"net/{setting.format(link)}", value)


def _is_in_linux_bridge(netlink: nl.Netlink, link: RawLink) -> bool:
    """Not so the kernel's Open vSwitch, which is a master too but lets nobody else free its ports."""
    return any(other.index == link.master and other.kind == "bridge" for other in dump_links(netlink))


def _set_addresses(netlink: nl.Netlink, index: int, desired: Iterable[str], ended: Iterable[str]) -> None:
    target, former = _packed(desired), _packed(ended)
    present = _addresses(netlink, index)
    requests = [_address_request(nl.RTM_DELADDR, index, *address) for address in present & (former - target)]
    requests += [_address_request(nl.RTM_NEWADDR, index, *address) for address in target - present]
    if requests:
        send(netlink, *requests)


def _default_route(index: int, gateway: str) -> nl.Request:
    """The guest's way to everywhere else; it takes the place of the one that there is. With the address that it is
    reached from it goes by itself.
    """
    packed = ip_address(gateway).packed
    family = 2 if len(packed) == _IPV4_OCTETS else _AF_INET6
    body = nl.RTMSG.pack(family, 0, 0, 0, _MAIN_TABLE, _RTPROT_STATIC, nl.RT_SCOPE_UNIVERSE, nl.RTN_UNICAST, 0)
    body += nl.attribute(nl.RTA_GATEWAY, packed) + nl.u32(nl.RTA_OIF, index)
    return nl.Request(nl.RTM_NEWROUTE, body, nl.NLM_F_CREATE | nl.NLM_F_REPLACE)


def _packed(addresses: Iterable[str]) -> set[tuple[bytes, int]]:
    return {(interface.ip.packed, interface.network.prefixlen) for interface in map(ip_interface, addresses)}


def _addresses(netlink: nl.Netlink, index: int) -> set[tuple[bytes, int]]:
    """The addresses of a link, without those that IPv6 gives itself (link-local)."""
    found = set()
    for message in netlink.dump(nl.RTM_GETADDR, nl.IFADDR.pack(0, 0, 0, 0, 0)):
        _, prefix, _, scope, owner = nl.IFADDR.unpack_from(message)
        if owner == index and scope == nl.RT_SCOPE_UNIVERSE:
            attrs: Mapping[int, bytes] = nl.attributes(message, nl.IFADDR.size)
            found.add((attrs.get(nl.IFA_LOCAL) or attrs[nl.IFA_ADDRESS], prefix))
    return found


def _address_request(kind: int, index: int, packed: bytes, prefix: int) -> nl.Request:
    ipv4 = len(packed) == _IPV4_OCTETS
    family = 2 if ipv4 else _AF_INET6
    # Whoever gave the guest this address answers for its being free, so it need not wait for duplicate detection.
    body = nl.IFADDR.pack(family, prefix, 0 if ipv4 else nl.IFA_F_NODAD, nl.RT_SCOPE_UNIVERSE, index)
    body += nl.attribute(nl.IFA_LOCAL, packed) + nl.attribute(nl.IFA_ADDRESS, packed)
    return nl.Request(kind, body, nl.CREATE_NEW if kind == nl.RTM_NEWADDR else 0)


def complete_checksums(netlink: nl.Netlink, name: str) -> None:
    """Have the guest complete the checksums of its frames.

    A veth would leave that to a receiver, and none does it behind a switch in user space: pings work, TCP hangs.
    """
    value = ctypes.create_string_buffer(struct.pack("=II", _ETHTOOL_STXCSUM, 0), 8)
    request = struct.pack("@16sP", name.encode(), ctypes.addressof(value)).ljust(40, b"\0")
    fcntl.ioctl(netlink.fileno(), _SIOCETHTOOL, request)


def send(netlink: nl.Netlink, *requests: nl.Request) -> None:
    """Send requests as one batch. Raises CableError for the first that the kernel refuses."""
    refused = netlink.send(requests)
    if refused:
        raise CableError(refused[0].errno, refused[0].words)
