"""Limits the connections of clients: which are accepted, and which are closed for them.

Nobody who has not logged in can keep others out. A connection is *anonymous* until a request on it was admitted. When
there are too many of those, of one address or altogether, the one that has waited longest for nothing makes room;
connections of users are let go only when there is no other choice, and never while a request of theirs is answered.
"""

from __future__ import annotations

import ipaddress
import resource
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

KNOWN = "netweft.known"
"""The entry of a request's ``scope["state"]`` that the application calls, from any thread, once it knows the sender."""
_MOST_DESCRIPTORS = 65536
"""More files than this the engine never has open; a limit far beyond would only make other programs slow."""
_IPV6_SITE = 64
"""Bits of an IPv6 address that one client does not choose freely (RFC 6177: a site gets a /64 at least)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many connections clients may have, how large requests may be before their sender is known, and how long each
    part of them may take. Times in seconds, sizes in octets.
    """

    connections: int = 4096
    """At a time, of all clients."""
    anonymous: int = 1024
    """Of these, such on which nobody has logged in."""
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
    """Of a body, with all that frames it. What the application does not read is thrown away up to here."""
    discard_seconds: float = 5.0
    """In which the rest of a body has to come when the answer has gone out already."""
    send_seconds: float = 30.0
    """In which a client takes at least ``send_octets`` of an answer that waits for it."""
    send_octets: int = 32 * 1024
    close_seconds: float = 5.0
    """From the moment at which a connection is closed to that at which it is cut."""

    def divided(self, processes: int) -> Limits:
        """A part of these for each of several processes that accept from the same sockets, so that all together take
        no more. Who comes gets to any of them, so that one address may be refused by one before it has all it may.
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
    """One connection. ``close`` ends it; ``busy`` while a request on it is answered."""

    site: str
    close: Callable[[], object]
    busy: bool = False
    known: bool = False


@dataclass
class Connections:
    """All of them, oldest first. To be used in the thread of the event loop."""

    limits: Limits
    _anonymous: dict[Place, None] = field(default_factory=dict)
    _of_site: dict[str, dict[Place, None]] = field(default_factory=lambda: defaultdict(dict))
    _known: dict[Place, None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._anonymous) + len(self._known)

    def enter(self, address: str, close: Callable[[], object]) -> Place | None:
        """A place for a new connection, for which others may have to go; None when none of those can."""
        place = Place(site_of(address), close)
        of_site = self._of_site.get(place.site, {})
        has_room = (
            (len(of_site) < self.limits.per_address or self._shed(of_site))
            and (len(self._anonymous) < self.limits.anonymous or self._shed(self._anonymous))
            and (len(self) < self.limits.connections or self._shed(self._anonymous) or self._shed(self._known))
        )
        if not has_room:
            return None
        self._anonymous[place] = None
        self._of_site[place.site][place] = None
        return place

    def leave(self, place: Place) -> None:
        """It is closed; nothing happens when it has left already."""
        self._forget_anonymous(place)
        self._known.pop(place, None)

    def authenticated(self, place: Place) -> None:
        """A user has logged in on it."""
        if place in self._anonymous:
            self._forget_anonymous(place)
            self._known[place] = None
            place.known = True

    def used(self, place: Place) -> None:
        """A request on it was answered: it is the youngest of its kind."""
        place.busy = False
        if place in self._known:
            del self._known[place]
            self._known[place] = None

    def _forget_anonymous(self, place: Place) -> None:
        self._anonymous.pop(place, None)
        of_site = self._of_site.get(place.site, {})
        of_site.pop(place, None)
        if not of_site:
            self._of_site.pop(place.site, None)

    def _shed(self, places: Iterable[Place]) -> bool:
        """Let the oldest of these go that nobody waits for. Whether there was one."""
        idle = next((place for place in places if not place.busy), None)
        if idle is None:
            return False
        self.leave(idle)
        idle.close()
        return True


def site_of(address: str) -> str:
    """What one client comes from: an IPv4 address, or the network of an IPv6 address."""
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
    """Let this process have as many files open as it may, and tell how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return _MOST_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
