"""What a host has, observed without the rest of an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netweft.agent.announce import Announcer
from netweft.agent.dhcp import Dhcp
from netweft.agent.handles import Handles
from netweft.agent.held import Held
from netweft.agent.netlink import Netlink
from netweft.agent.observe import observe
from netweft.agent.resolver import Resolver

if TYPE_CHECKING:
    from pathlib import Path

    from netweft.agent.ovsdb import Ovsdb
    from netweft.core.host import Host


def observed(folder: Path, ovsdb: Ovsdb | None = None) -> Host:
    """The host, by drivers that are created now. ``folder``: where its DHCP clients and resolver file are."""
    with Netlink() as netlink:
        return observe(
            Handles(
                netlink=netlink,
                dhcp=Dhcp(folder),
                resolver=Resolver(folder / "resolv.conf", folder / "saved"),
                announcer=Announcer(ovsdb, tuple),
                held=Held(),
                ovsdb=ovsdb,
            )
        )
