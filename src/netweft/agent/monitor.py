"""Watching the kernel: links that come, go, and lose their carrier, and addresses, become events. Whatever else it
tells of stirs the watch over the whole host.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import socket
import struct
from threading import Thread
from typing import TYPE_CHECKING

from netweft.agent import netlink as nl
from netweft.agent.guest_dhcp import DHCP_LINK
from netweft.agent.guests.veth import GUEST_LINK

if TYPE_CHECKING:
    from collections.abc import Callable

    from netweft.agent.events import Events

log = logging.getLogger(__name__)

# linux/rtnetlink.h and linux/if.h
RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100
RTMGRP_TC, RTMGRP_IPV4_ROUTE, RTMGRP_IPV4_RULE, RTMGRP_IPV6_ROUTE, RTMGRP_IPV6_RULE = 0x8, 0x40, 0x80, 0x400, 0x40000
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_NEWADDR, RTM_DELADDR = 16, 17, 18, 20, 21
IFLA_IFNAME, IFA_ADDRESS, IFA_LOCAL = 3, 1, 2
IFF_UP, IFF_LOWER_UP = 0x1, 0x10000

HEADER = struct.Struct("=IHHII")
LINK = struct.Struct("=BxHiII")
ADDRESS = struct.Struct("=BBBBI")

SO_RCVBUFFORCE = 33
"""asm-generic/socket.h; for the privileged, who may have more than net.core.rmem_max."""

GROUPS = (
    RTMGRP_LINK
    | RTMGRP_IPV4_IFADDR
    | RTMGRP_IPV6_IFADDR
    | RTMGRP_TC
    | RTMGRP_IPV4_ROUTE
    | RTMGRP_IPV4_RULE
    | RTMGRP_IPV6_ROUTE
    | RTMGRP_IPV6_RULE
)

PAUSE = 50
"""Milliseconds between two looks whether the agent is still at work."""

BUFFER = 4 * 1024 * 1024
"""Octets that the kernel may hold for us; a change of a thousand links writes about two million."""


class Monitor:
    """A thread that turns the kernel's messages into events until it is closed.

    ``busy``: whether the agent itself changes the host now. What the kernel tells then waits (or is lost, which sends
    the readers to the whole report): it is mostly what we did ourselves, and reading it would slow the doing down by a
    quarter. ``plugging``: whether it is at work on its guests. What happens to their links then is no news: who does
    the work tells when it is done. ``stir``: called when something may have changed that is no event by itself.
    """

    def __init__(
        self, events: Events, busy: Callable[[], bool], plugging: Callable[[], bool], stir: Callable[[], None]
    ) -> None:
        self._events = events
        self._stir = stir
        self._busy = busy
        self._plugging = plugging
        self._links: dict[int, tuple[str, str]] = {}
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self._socket.bind((0, GROUPS))
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        self._read_links()
        self._thread = Thread(target=self._run, name="monitor", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        self._socket.close()
        os.close(self._wake)

    def _read_links(self) -> None:
        with nl.Netlink() as netlink:
            for message in netlink.dump(RTM_GETLINK, LINK.pack(0, 0, 0, 0, 0)):
                self._link(RTM_NEWLINK, message, tell=False)

    def _run(self) -> None:
        both, wake = select.poll(), select.poll()
        both.register(self._socket, select.POLLIN)
        both.register(self._wake, select.POLLIN)
        wake.register(self._wake, select.POLLIN)
        while not any(descriptor == self._wake for descriptor, _ in both.poll()):
            if self._busy():
                wake.poll(PAUSE)
            else:
                self._read()

    def _read(self) -> None:
        try:
            self._take(self._socket.recv(1 << 17))
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            log.info("the kernel sent more notifications than the buffer holds")
            self._read_links()
            self._events.lose()

    def _take(self, data: bytes) -> None:
        self._stir()
        offset = 0
        while offset + HEADER.size <= len(data):
            length, kind, _flags, _sequence, _port = HEADER.unpack_from(data, offset)
            body = data[offset + HEADER.size : offset + length]
            if kind in {RTM_NEWLINK, RTM_DELLINK}:
                self._link(kind, body, tell=True)
            elif kind in {RTM_NEWADDR, RTM_DELADDR}:
                self._address(kind, body)
            offset += (length + 3) & ~3

    def _link(self, kind: int, body: bytes, *, tell: bool) -> None:
        family, _type, index, flags, _change = LINK.unpack_from(body)
        if family != socket.AF_UNSPEC:
            return  # a bridge's news of its ports, which the link itself tells as well
        name = nl.string(nl.attributes(body, LINK.size).get(IFLA_IFNAME, b""))
        if kind == RTM_DELLINK:
            state = "gone"
            known = self._links.pop(index, None)
        else:
            state = "down" if not flags & IFF_UP else "up" if flags & IFF_LOWER_UP else "no carrier"
            known = self._links.get(index)
            self._links[index] = (name, state)
        if tell and known != (name, state) and not self._is_ours(name):
            self._events.add("link", name, state)

    def _address(self, kind: int, body: bytes) -> None:
        family, prefix, _flags, _scope, index = ADDRESS.unpack_from(body)
        attributes = nl.attributes(body, ADDRESS.size)
        packed = attributes.get(IFA_LOCAL) or attributes.get(IFA_ADDRESS)
        if packed is None:
            return
        name, _state = self._links.get(index, ("", ""))
        if self._is_ours(name):
            return
        sign = "+" if kind == RTM_NEWADDR else "-"
        self._events.add("address", name, f"{sign}{socket.inet_ntop(family, packed)}/{prefix}")

    def _is_ours(self, name: str) -> bool:
        """Whether what happens to a link is what the agent is just doing to a guest."""
        return name.startswith(DHCP_LINK) or (name.startswith(GUEST_LINK) and self._plugging())
