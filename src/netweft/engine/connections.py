"""Limits the connections of clients: which are accepted, and which are closed for them.

Clients that have not logged in cannot keep others out. A connection is *anonymous* until a request on it is admitted.
When there are too many of those, of one address or in total, the one that has been idle longest is closed. Connections
of users are closed only when no anonymous one is left, and never during a request.
"""

from __future__ import annotations

import ipaddress
import resource
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

KNOWN = "netweft.known"
"""The entry of a request's ``scope["state"]`` that the application calls, from any thread, when it is authenticated."""
_MOST_DESCRIPTORS = 65536
"""The engine never has more files open; a far higher limit would only make other programs slow."""
_IPV6_SITE = 64
"""Bits of an IPv6 address that one client does not choose freely (RFC 6177: a site gets a /64 at least)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many connections clients may have, how large requests may be before they are authenticated, and how long
    each part of them may take. Times in seconds, sizes in octets.
    """

    connections: int = 4096
    """At a time, of all clients."""
    anonymous: int = 1024
    """Of these, anonymous ones."""
    per_address: int = 512
    """Anonymous connections of one IPv4 address, or one IPv6 network of 64 bits."""
    handshake_seconds: float = 10.0
    """From the connection to the end of the TLS handshake."""
    head_octets: int = 32 * 1024
    """Request line and headers."""
    head_fields: int = 100
    """Headers of one request."""
    head_seconds: float = 10.0
    """From the first octet of a request, on a new connection from its beginning, to the end of its headers."""
    idle_seconds: int = 5
    """Between an answer and the next request."""
    pipeline: int = 8
    """Requests on one connection that wait for their answer."""
    discard_octets: int = 8 * 2**20
    """Of a body, with its framing. Up to this size, an unread rest is discarded."""
    discard_seconds: float = 5.0
    """For the rest of a body after the answer has been sent."""
    send_seconds: float = 30.0
    """In which a client must accept at least ``send_octets`` of an answer."""
    send_octets: int = 32 * 1024
    close_seconds: float = 5.0
    """From closing a connection to aborting it."""

    def divided(self, processes: int) -> Limits:
        """The share of each of several processes that accept from the same sockets. A client reaches any of them, so
        one address may be refused by a process before the total is reached.
        """
        return replace(
            self,
            connections=-(-self.connections // processes),
            anonymous=-(-self.anonymous // processes),
            per_address=-(-self.per_address // processes),
        )

    def within(self, descriptors: int) -> Limits:
        """These, with no more connections than half the files that may be open: the rest is for hosts, database and
        files.
        """
        total = min(self.connections, descriptors // 2)
        anonymous = min(self.anonymous, total * 3 // 4)
        per_address = min(self.per_address, anonymous * 2 // 3)
        return replace(self, connections=total, anonymous=anonymous, per_address=per_address)


@dataclass(eq=False)
class Place:
    """One connection. ``close`` closes it; ``busy`` during a request; ``authenticated``: a user has logged in on it."""

    site: str
    close: Callable[[], object]
    busy: bool = False
    authenticated: bool = False


@dataclass
class Connections:
    """All of them, oldest first. To be used in the thread of the event loop."""

    limits: Limits
    _anonymous: dict[Place, None] = field(default_factory=dict)
    _of_site: dict[str, dict[Place, None]] = field(default_factory=lambda: defaultdict(dict))
    _authenticated: dict[Place, None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._anonymous) + len(self._authenticated)

    def enter(self, address: str, close: Callable[[], object]) -> Place | None:
        """Admit a new connection, closing others if there are too many; None when none of those can be closed."""
        place = Place(site_of(address), close)
        of_site = self._of_site.get(place.site, {})
        has_room = (
            (len(of_site) < self.limits.per_address or self._shed(of_site))
            and (len(self._anonymous) < self.limits.anonymous or self._shed(self._anonymous))
            and (len(self) < self.limits.connections or self._shed(self._anonymous) or self._shed(self._authenticated))
        )
        if not has_room:
            return None
        self._anonymous[place] = None
        self._of_site[place.site][place] = None
        return place

    def leave(self, place: Place) -> None:
        """Remove a closed connection; does nothing when it is removed already."""
        self._forget_anonymous(place)
        self._authenticated.pop(place, None)

    def authenticated(self, place: Place) -> None:
        """A user has logged in on it."""
        if place in self._anonymous:
            self._forget_anonymous(place)
            self._authenticated[place] = None
            place.authenticated = True

    def used(self, place: Place) -> None:
        """A request on it has ended: it is the most recently used of its kind."""
        place.busy = False
        if place in self._authenticated:
            del self._authenticated[place]
            self._authenticated[place] = None

    def _forget_anonymous(self, place: Place) -> None:
        self._anonymous.pop(place, None)
        of_site = self._of_site.get(place.site, {})
        of_site.pop(place, None)
        if not of_site:
            self._of_site.pop(place.site, None)

    def _shed(self, places: Iterable[Place]) -> bool:
        """Close the oldest of these that is idle. Returns whether there was one."""
        idle = next((place for place in places if not place.busy), None)
        if idle is None:
            return False
        self.leave(idle)
        idle.close()
        return True


def site_of(address: str) -> str:
    """The origin that limits apply to: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, _IPV6_SITE), strict=False))
    return str(found)


def raise_descriptors() -> int:
    """Raise this process's limit of open files as far as allowed; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return _MOST_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
