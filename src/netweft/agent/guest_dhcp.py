"""DHCP, DHCPv6 and router advertisements for the guests of this host, and for nobody else.

Each network (a bridge, and its VLAN with Open vSwitch) of which a guest here has leases gets a dnsmasq in a network
namespace of its own. A veth leads there; it is no port of any bridge, but filters take questions from guests' ports to
it and answers back (:mod:`netweft.agent.guest_dhcp_filters`). What is to be is read off the guests that run, what is
there off processes and filters, so an agent that was killed anywhere goes on where it was.
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
from netweft.agent.dnsmasq import LINK, DnsmasqError, Servers, addresses, configuration
from netweft.agent.dumps import DHCP_MARK, dump_links
from netweft.agent.guests import veth
from netweft.agent.looks import Looks
from netweft.agent.settings import write_setting
from netweft.core.limits import LINK_NAME_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from netweft.agent.dumps import RawLink
    from netweft.core.guest_protocol import GuestNic

log = logging.getLogger(__name__)

EVERY = 5.0
"""Seconds between two looks while nothing stirs: a dnsmasq that was killed, filters that were taken away."""

GAP = 0.5
"""Seconds between two looks at least."""

DHCP_LINK = "nwd"
"""What the name of a link to a server begins with."""

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
    """The servers of one agent. ``folder``: where their files are; a reboot empties it."""

    def __init__(self, folder: Path) -> None:
        self._servers = Servers(folder)
        self._lock = Lock()

    def check(self, nics: Iterable[GuestNic]) -> str:
        """Why this host cannot serve these vNICs; empty when it can, or need not."""
        if any(nic.leases for nic in nics) and not can_serve():
            return "this host has no dnsmasq, which serves guests their addresses; install the package dnsmasq-base"
        return ""

    def apply(self, plugged: Callable[[], Iterable[GuestNic]]) -> list[str]:
        """Serve the leases of these vNICs and nothing else, whatever is served now; what could not be done, a line
        each. ``plugged``: those of the guests that run, asked when it is this caller's turn.
        """
        with self._lock:
            nics = [nic for nic in plugged() if nic.leases and nic.bridge and nic.linked and not nic.function]
            running = self._servers.running()
            with nl.Netlink() as netlink:
                if not nics and not running and not filters.with_ingress(netlink):
                    return []
                wanted, problems = _by_network(nics)
                for name, server in running.items():
                    if name not in wanted:
                        self._servers.stop(name, server)
                for name, nics in wanted.items():
                    try:
                        self._serve(netlink, name, nics)
                    except _FAILURES as error:
                        problems.append(f"No DHCP is served to guests on {nics[0].bridge}: {error}")
                try:
                    _lead(netlink, wanted)
                except OSError as error:
                    problems.append(f"DHCP does not reach all guests of this host: {error}")
            return problems

    def _serve(self, netlink: nl.Netlink, name: str, nics: Sequence[GuestNic]) -> None:
        """Have a server run that serves these, one that has just begun unless nothing changed."""
        text = configuration(nics)
        server = self._servers.running().get(name)
        link = _link(netlink, name)
        if server and server.configuration == text and link and link.is_up:
            return
        if server:
            self._servers.stop(name, server)
        if link:  # it goes with the namespace, but not at once
            veth.remove(netlink, link)
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            veth.in_new_namespace(lambda inner: self._start_inside(inner, here, name, nics))
        finally:
            os.close(here)
        link = _link(netlink, name)
        if link is None:
            raise DnsmasqError("its link is gone")
        veth.open_host_end(netlink, link)

    def _start_inside(self, inner: nl.Netlink, host: int, name: str, nics: Sequence[GuestNic]) -> None:
        for setting, value in _INSIDE.items():
            write_setting(setting, value)
        veth.lay_to_host(inner, LINK, filters.SERVER_MAC, name, f"{DHCP_MARK}{nics[0].bridge}", host)
        link = _link(inner, LINK)
        if link is None:
            raise DnsmasqError("its link is gone")
        veth.open_far_end(inner, link, addresses(nics))
        self._servers.start(name, configuration(nics))


def watch(serve: Callable[[], None]) -> Looks:
    """Have the leases of guests served whatever happens by itself: a guest that ends or arrives from another host, a
    server that is killed, filters that others take away. ``serve``: does so. The servers outlive it.
    """

    def look() -> bool:
        serve()
        return True

    return Looks("watch of the DHCP of guests", look, every=EVERY, gap=GAP)


def can_serve() -> bool:
    """Whether what it takes is installed."""
    return shutil.which(PROGRAM) is not None


def link_name(bridge: str, tag: int | None) -> str:
    """The name of the link to a network's server; also the server's."""
    digest = hashlib.sha256(f"{bridge} {tag}".encode()).hexdigest()
    return f"{DHCP_LINK}{digest[: LINK_NAME_MAX - len(DHCP_LINK)]}"


def _by_network(nics: Iterable[GuestNic]) -> tuple[dict[str, list[GuestNic]], list[str]]:
    """The vNICs that are served, by the name of their server; and what is wrong with others.

    One whose host has yet to be told that its address is another's by now is in the way of that one, as dnsmasq would
    not start with both: neither is served until then.
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


def _lead(netlink: nl.Netlink, wanted: Mapping[str, Sequence[GuestNic]]) -> None:
    """Have the filters be those that are needed, on all guests' ports and on the links to servers. Raises OSError."""
    links = {link.name: link for link in dump_links(netlink)}
    rules: dict[str, list[filters.Rule]] = {name: [] for name in links if name.startswith(veth.GUEST_LINK)}
    for name, nics in wanted.items():
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
            ours = filters.SERVER_PRIORITIES if name in wanted else filters.GUEST_PRIORITIES
            filters.apply(netlink, index, of_link, ours)
