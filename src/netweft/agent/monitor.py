"""Watches the kernel: changes of links, of their carrier and of addresses become events. Every notification also
triggers a poll of the whole host.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import socket
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
IFF_LOWER_UP = 0x10000

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
"""Poll interval in milliseconds while the agent is changing the host."""

BUFFER = 4 * 1024 * 1024
"""Size of the receive buffer in octets; a change of a thousand links produces about two million."""


class Monitor:
    """A thread that turns the kernel's messages into events until it is closed.

    ``busy``: whether the agent itself is changing the host. Notifications wait then (or are lost, so that readers of
    events have to read the whole report): most are of the agent's own changes, and reading them meanwhile would slow
    these down by a quarter. ``plugging``: whether the agent is changing its guests. There are no events for their links
    then; the change makes its own. ``notify``: called for every notification.
    """

    def __init__(
        self, events: Events, busy: Callable[[], bool], plugging: Callable[[], bool], notify: Callable[[], None]
    ) -> None:
        self._events = events
        self._notify = notify
        self._busy = busy
        self._plugging = plugging
        self._links: dict[int, tuple[str, str]] = {}
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.setsockopt(socket.SOL_SOCKET, nl.SO_RCVBUFFORCE, BUFFER)
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
            for message in netlink.dump(nl.RTM_GETLINK, nl.IFINFO.pack(0, 0, 0, 0, 0)):
                self._link(nl.RTM_NEWLINK, message, emit=False)

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
            self._parse(self._socket.recv(1 << 17))
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            log.info("the kernel sent more notifications than the buffer holds")
            self._read_links()
            self._events.lose()

    def _parse(self, data: bytes) -> None:
        self._notify()
        offset = 0
        while offset + nl.HEADER.size <= len(data):
            length, kind, _flags, _sequence, _port = nl.HEADER.unpack_from(data, offset)
            body = data[offset + nl.HEADER.size : offset + length]
            if kind in {nl.RTM_NEWLINK, nl.RTM_DELLINK}:
                self._link(kind, body, emit=True)
            elif kind in {nl.RTM_NEWADDR, nl.RTM_DELADDR}:
                self._address(kind, body)
            offset += (length + 3) & ~3

    def _link(self, kind: int, body: bytes, *, emit: bool) -> None:
        family, _type, index, flags, _change = nl.IFINFO.unpack_from(body)
        if family != socket.AF_UNSPEC:
            return  # a bridge's notification of a port; the port has one of its own
        name = nl.string(nl.attributes(body, nl.IFINFO.size).get(nl.IFLA_IFNAME, b""))
        if kind == nl.RTM_DELLINK:
            state = "gone"
            previous = self._links.pop(index, None)
        else:
            state = "down" if not flags & nl.IFF_UP else "up" if flags & IFF_LOWER_UP else "no carrier"
            previous = self._links.get(index)
            self._links[index] = (name, state)
        if emit and previous != (name, state) and not self._is_ours(name):
            self._events.add("link", name, state)

    def _address(self, kind: int, body: bytes) -> None:
        family, prefix, _flags, _scope, index = nl.IFADDR.unpack_from(body)
        attributes = nl.attributes(body, nl.IFADDR.size)
        packed = attributes.get(nl.IFA_LOCAL) or attributes.get(nl.IFA_ADDRESS)
        if packed is None:
            return
        name, _state = self._links.get(index, ("", ""))
        if self._is_ours(name):
            return
        sign = "+" if kind == nl.RTM_NEWADDR else "-"
        self._events.add("address", name, f"{sign}{socket.inet_ntop(family, packed)}/{prefix}")

    def _is_ours(self, name: str) -> bool:
        """Whether the agent is changing this link for a guest."""
        return name.startswith(DHCP_LINK) or (name.startswith(GUEST_LINK) and self._plugging())
