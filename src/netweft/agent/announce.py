"""Announces the addresses and the guests of a host to its neighbours.

Otherwise their caches would have to expire: up to a minute for addresses, minutes for the ports of switches.

The host must also resolve its own neighbours on the new link. The kernel sends a request only once a second, and the
first may be lost while a bridge or switch is not ready; so each announcement includes requests for them.
"""

from __future__ import annotations

import logging
import socket
from ipaddress import IPv4Address, IPv4Interface, IPv6Address
from pathlib import Path
from threading import Thread
from time import sleep
from typing import TYPE_CHECKING, TypeAlias

from netweft.agent import netlink as nl
from netweft.agent.dumps import GUEST_MARK, dump_links, dump_unresolved, dump_usable_addresses
from netweft.agent.frames import (
    arp_request,
    gratuitous_arp,
    guest_here,
    neighbour_advertisement,
    neighbour_solicitation,
)
from netweft.agent.guests.veth import host_end
from netweft.agent.link_options import mac_bytes
from netweft.agent.openflow import send_as_ports
from netweft.agent.ovsdb_session import OvsdbError
from netweft.agent.settings import read_setting

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from netweft.agent.dumps import RawLink
    from netweft.agent.ovsdb import Ovsdb
    from netweft.core.guest_protocol import GuestNic

log = logging.getLogger(__name__)

PAUSES = (0.05, 0.1, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
"""Seconds between announcements: a carrier may come late, and guests are plugged in again after the change."""

Frame: TypeAlias = "tuple[str, bytes]"
"""The name of the outgoing link, and the octets."""


class Announcer:
    """Announces what is on links and bridges of the calling thread's namespace.

    ``guests``: returns the vNICs of the running guests.
    """

    def __init__(self, ovsdb: Ovsdb | None, guests: Callable[[], Sequence[GuestNic]]) -> None:
        self._ovsdb = ovsdb
        self._guests = guests

    def announce(self, names: Collection[str]) -> None:
        """Announce what is on those links and bridges once, and repeat it in a thread.

        Failures are only logged: they are no reason to roll a change back.
        """
        self._announce(names)
        Thread(target=self._repeat, args=(names,), name="announcements", daemon=True).start()

    def _repeat(self, names: Collection[str]) -> None:
        for pause in PAUSES:
            sleep(pause)
            self._announce(names)

    def _announce(self, names: Collection[str]) -> None:
        try:
            with nl.Netlink() as netlink:
                links = dump_links(netlink)
                here = {link.index: link for link in links if link.name in names and link.is_up}
                of_host = list(_of_addresses(netlink, here))
            vnics = [nic for nic in self._guests() if nic.bridge in names and nic.mac]
            _send([*of_host, *_of_guests(links, vnics)])
            self._send_for_ovs(links, vnics)
        except (OSError, nl.NetlinkError, OvsdbError, ValueError) as error:
            log.warning("the addresses of %s are not announced to its neighbours: %s", ", ".join(sorted(names)), error)

    def _send_for_ovs(self, links: Iterable[RawLink], vnics: Iterable[GuestNic]) -> None:
        linux = {link.name for link in links if link.kind == "bridge"}
        switched = [nic for nic in vnics if nic.bridge not in linux]
        if not switched or not self._ovsdb:
            return
        ports = self._ovsdb.port_numbers()
        for bridge in {nic.bridge for nic in switched}:
            here = [(ports.get(host_end(nic.id), 0), nic.mac) for nic in switched if nic.bridge == bridge]
            frames = [(port, guest_here(mac_bytes(mac))) for port, mac in here if port > 0]
            send_as_ports(Path(self._ovsdb.path).with_name(f"{bridge}.mgmt"), frames)


def _of_addresses(netlink: nl.Netlink, links: Mapping[int, RawLink]) -> Iterator[Frame]:
    """A frame for each usable address of the links (by index), including link-local ones, and one for each neighbour
    that is being resolved there.
    """
    unresolved = dump_unresolved(netlink)
    for index, address in dump_usable_addresses(netlink):
        link = links.get(index)
        if link is None:
            continue
        targets = [target for at, target in unresolved if at == index and target in address.network]
        if isinstance(address, IPv4Interface):
            yield link.name, gratuitous_arp(link.mac, address.ip)
            for target in targets:
                yield link.name, arp_request(link.mac, address.ip, IPv4Address(target))
        else:
            yield link.name, neighbour_advertisement(link.mac, address.ip, is_router=_forwards(link.name))
            for target in targets:
                yield link.name, neighbour_solicitation(link.mac, address.ip, IPv6Address(target))


def _forwards(link: str) -> bool:
    return read_setting(f"net/ipv6/conf/{link}/forwarding") not in {"", "0"}


def _of_guests(links: Sequence[RawLink], vnics: Iterable[GuestNic]) -> Iterator[Frame]:
    """A frame for each guest on a Linux bridge, through the bridge's uplinks."""
    bridges = {link.index: link.name for link in links if link.kind == "bridge"}
    uplinks: dict[str, list[str]] = {}
    for link in links:
        if link.master in bridges and link.is_up and not link.alias.startswith(GUEST_MARK):
            uplinks.setdefault(bridges[link.master], []).append(link.name)
    for nic in vnics:
        for uplink in uplinks.get(nic.bridge, ()):
            yield uplink, guest_here(mac_bytes(nic.mac))


def _send(frames: Iterable[Frame]) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as endpoint:
        for link, frame in frames:
            try:
                endpoint.sendto(frame, (link, 0))
            except OSError as error:  # concerns this link only, which has just gone down or been removed
                log.warning("the guests of %s are not announced to its neighbours: %s", link, error)
