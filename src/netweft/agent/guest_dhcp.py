"""DHCP, DHCPv6 and router advertisements for the guests of this host only.

Each network (a bridge, and its VLAN with Open vSwitch) of which a guest here has leases gets a dnsmasq in a network
namespace of its own. A veth leads there; it is no port of any bridge, but filters redirect requests from guests' ports
to it and replies back (:mod:`netweft.agent.guest_dhcp_filters`). The desired state is derived from the running guests,
the current state from processes and filters, so nothing is lost when the agent is killed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING

from netweft.agent import guest_dhcp_filters as filters
from netweft.agent import netlink as nl
from netweft.agent.dnsmasq import LINK, DnsmasqError, Server, Servers, addresses, configuration
from netweft.agent.dumps import DHCP_MARK, dump_links
from netweft.agent.guests import veth
from netweft.agent.poller import Poller
from netweft.agent.settings import write_setting
from netweft.core.limits import LINK_NAME_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from netweft.agent.dumps import RawLink
    from netweft.core.guest_protocol import GuestNic

log = logging.getLogger(__name__)

EVERY = 5.0
"""Poll interval in seconds without notifications, which do not cover a killed dnsmasq or removed filters."""

GAP = 0.5
"""Shortest poll interval in seconds."""

DHCP_LINK = "nwd"
"""Prefix of the names of links to servers."""

PROGRAM = "dnsmasq"

_FAILURES = (OSError, DnsmasqError, ValueError)

_INSIDE = {
    "net/ipv4/ip_forward": "0",  # no way between guests that are to be apart; the machine's own is inherited
    "net/ipv6/conf/all/forwarding": "0",
    "net/ipv6/conf/default/accept_dad": "0",  # the link-local address is to be used at once; nobody else has its MAC
    "net/ipv6/conf/default/accept_ra": "0",
    "net/ipv6/conf/default/router_solicitations": "0",
}


class GuestDhcp:
    """The DHCP servers of one agent. ``folder``: for their files; emptied by a reboot."""

    def __init__(self, folder: Path) -> None:
        self._servers = Servers(folder)
        self._lock = Lock()

    def check(self, nics: Iterable[GuestNic]) -> str:
        """Why this host cannot serve these vNICs; empty when it can or has no need to."""
        if any(nic.leases for nic in nics) and not can_serve():
            return "this host has no dnsmasq, which serves guests their addresses; install the package dnsmasq-base"
        return ""

    def apply(self, plugged: Callable[[], Iterable[GuestNic]]) -> list[str]:
        """Serve exactly the leases of these vNICs. Returns the failures, a line each. ``plugged``: the vNICs of the
        running guests; called once the lock is acquired.
        """
        with self._lock:
            nics = [nic for nic in plugged() if nic.leases and nic.bridge and nic.linked and not nic.function]
            running = self._servers.running()
            with nl.Netlink() as netlink:
                if not nics and not running and not filters.with_ingress(netlink):
                    return []
                desired, problems = _by_network(nics)
                for name in running.keys() - desired.keys():
                    try:
                        self._end(netlink, name, running[name])
                    except _FAILURES as error:
                        problems.append(f"The DHCP server of {name} was not removed: {error}")
                for name, nics in desired.items():
                    try:
                        self._serve(netlink, name, nics)
                    except _FAILURES as error:
                        problems.append(f"No DHCP is served to guests on {nics[0].bridge}: {error}")
                try:
                    _redirect(netlink, desired)
                except OSError as error:
                    problems.append(f"DHCP does not reach all guests of this host: {error}")
            return problems

    def _serve(self, netlink: nl.Netlink, name: str, nics: Sequence[GuestNic]) -> None:
        """Run a server for these vNICs; restart it if its configuration changed."""
        text = configuration(nics)
        server = self._servers.running().get(name)
        link = _link(netlink, name)
        if server and server.configuration == text and link and link.is_up:
            return
        self._end(netlink, name, server)
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            veth.in_new_namespace(lambda inner: self._start_inside(inner, here, name, nics))
        finally:
            os.close(here)
        link = _link(netlink, name)
        if link is None:
            raise DnsmasqError("its link no longer exists")
        veth.open_host_end(netlink, link)

    def _end(self, netlink: nl.Netlink, name: str, server: Server | None) -> None:
        """Stop a server, and remove its link: the kernel does that with the namespace, but not at once."""
        if server:
            self._servers.stop(name, server)
        if link := _link(netlink, name):
            veth.remove(netlink, link)

    def _start_inside(self, inner: nl.Netlink, host: int, name: str, nics: Sequence[GuestNic]) -> None:
        for setting, value in _INSIDE.items():
            write_setting(setting, value)
        veth.lay_to_host(inner, LINK, filters.SERVER_MAC, name, f"{DHCP_MARK}{nics[0].bridge}", host)
        link = _link(inner, LINK)
        if link is None:
            raise DnsmasqError("its link no longer exists")
        veth.open_far_end(inner, link, addresses(nics))
        self._servers.start(name, configuration(nics))


def watch(serve: Callable[[], None]) -> Poller:
    """Call ``serve``, which serves the leases of the guests, at intervals: without any request to the agent, guests end
    or arrive from other hosts, servers are killed and filters are removed. The servers outlive the poller.
    """

    def poll() -> bool:
        serve()
        return True

    return Poller("watch of the DHCP of guests", poll, every=EVERY, gap=GAP)


def can_serve() -> bool:
    """Whether dnsmasq is installed."""
    return shutil.which(PROGRAM) is not None


def link_name(bridge: str, tag: int | None) -> str:
    """The name of the link to a network's server, which is also the name of the server."""
    digest = hashlib.sha256(f"{bridge} {tag}".encode()).hexdigest()
    return f"{DHCP_LINK}{digest[: LINK_NAME_MAX - len(DHCP_LINK)]}"


def _by_network(nics: Iterable[GuestNic]) -> tuple[dict[str, list[GuestNic]], list[str]]:
    """The vNICs to serve, by the name of their server; and problems with others.

    When an address moves between vNICs, this host may have both for a moment. dnsmasq would not start with a duplicate,
    so neither is served until the change has arrived.
    """
    found: dict[str, list[GuestNic]] = {}
    for nic in nics:
        found.setdefault(link_name(nic.bridge, nic.tag), []).append(nic)
    problems = []
    for name, some in found.items():
        counts = Counter(lease.address for nic in some for lease in nic.leases)
        twice = {address for address, count in counts.items() if count > 1}
        problems += [f"Two vNICs on {some[0].bridge} are to have {address}: none is served." for address in twice]
        found[name] = [nic for nic in some if twice.isdisjoint(lease.address for lease in nic.leases)]
    return {name: some for name, some in found.items() if some}, problems


def _link(netlink: nl.Netlink, name: str) -> RawLink | None:
    return next((link for link in dump_links(netlink) if link.name == name), None)


def _redirect(netlink: nl.Netlink, desired: Mapping[str, Sequence[GuestNic]]) -> None:
    """Set the filters on all guests' ports and on the links to servers. Raises OSError."""
    links = {link.name: link for link in dump_links(netlink)}
    rules: dict[str, list[filters.Rule]] = {name: [] for name in links if name.startswith(veth.GUEST_LINK)}
    for name, nics in desired.items():
        for nic in nics:
            server, port = links.get(name), links.get(veth.host_end(nic.id))
            if server and port:
                rules[port.name] += filters.questions(nic, server.index)
                rules.setdefault(name, []).extend(filters.answers(nic.mac, port.index))
    ready = filters.with_ingress(netlink)
    for name, of_link in rules.items():
        index = links[name].index
        if of_link and index not in ready:
            filters.give_ingress(netlink, index)
        if of_link or index in ready:
            ours = filters.SERVER_PRIORITIES if name in desired else filters.GUEST_PRIORITIES
            filters.apply(netlink, index, of_link, ours)
