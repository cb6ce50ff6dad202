"""Leaves the engine by hand: removes everything that Netweft created except the links of the management network, and
the identity.
"""

from __future__ import annotations

import logging
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from netweft.agent.chassis import leave_behind
from netweft.agent.networking import NetworkingError
from netweft.agent.reconcile import restore
from netweft.core.desired import desired_host
from netweft.core.intent import HostIntent
from netweft.core.kept import kept_names, owners_on
from netweft.core.management import management_link

if TYPE_CHECKING:
    from netweft.agent.identity import Identity
    from netweft.agent.service import HostService
    from netweft.core.host import Host

log = logging.getLogger(__name__)


class LeaveError(Exception):
    """The host cannot leave and is unchanged; the message says what to do first."""


def leave(service: HostService, identity: Identity, address: str) -> None:
    """Remove everything of ours from the host except its management network, which boots no longer restore, and delete
    keys and engine. Raises LeaveError, NetworkingError, OSError.

    ``address``: the URL at which the engine reaches the host; empty for the one that it joined with.
    """
    guests = [guest.name for guest in service.guests.list() if guest.status != "down"]
    if guests:
        raise LeaveError(f"guests are on this host: {', '.join(sorted(guests))}; stop or move them first")
    now = service.driver.observe()
    desired = cleared(now, _addresses(address or identity.address))
    left = restore(service.driver, desired)
    leave_behind(service.driver, now.chassis, desired.chassis)
    if left:
        raise NetworkingError(f"not everything could be removed: {'; '.join(left)}")
    identity.forget()
    stays = ", ".join(sorted(kept_names(desired, owners_on(desired)))) or "nothing"
    log.info("the host has left the engine; these of Netweft's networks stay on it: %s", stays)


def cleared(now: Host, addresses: set[str]) -> Host:
    """The host with nothing of ours but the link that has one of the addresses. Raises LeaveError without one."""
    link = management_link(now, addresses)
    if link is None:
        raise LeaveError(
            f"no link of this host has its address ({', '.join(sorted(addresses))}), so the network to keep is not"
            " known: give the address with --address https://ADDRESS:PORT"
        )
    return desired_host(HostIntent(kept=(link.owner,)), now)


def _addresses(url: str) -> set[str]:
    name = urlsplit(url).hostname or "127.0.0.1"
    try:
        return {str(ip_address(str(entry[4][0]).split("%")[0])) for entry in socket.getaddrinfo(name, None)}
    except OSError as error:
        raise LeaveError(f"the name {name} of this host cannot be resolved: {error}") from error
