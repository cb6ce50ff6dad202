"""The handles for observing and executing, opened once and passed on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netweft.agent.announce import Announcer
    from netweft.agent.dhcp import Dhcp
    from netweft.agent.held import Held
    from netweft.agent.netlink import Netlink
    from netweft.agent.ovsdb import Ovsdb
    from netweft.agent.resolver import Resolver


@dataclass(frozen=True, slots=True, kw_only=True)
class Handles:
    """The interfaces to a host's networking.

    ``ovsdb`` is None on a host without Open vSwitch. Use them in threads of the host's network
    namespace only: settings under /proc/sys/net are those of the thread's namespace.
    """

    netlink: Netlink
    dhcp: Dhcp
    resolver: Resolver
    announcer: Announcer
    held: Held
    ovsdb: Ovsdb | None = None
