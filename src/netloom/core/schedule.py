"""Where a guest may run. Filters over hosts, in a fixed order; every host that is refused says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """What the choice depends on. ``networks``: ids of networks that the host reports, each with whether it is in
    sync there.
    """

    id: str
    name: str
    status: str
    cluster_id: str
    networks: Mapping[str, bool]
    guest_drivers: tuple[str, ...]
    guests: int
    memory_free: int
    """Octets of the host's memory that no guest was promised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestNeeds:
    """What a guest needs. ``networks``: names by id of the networks that its plugged vNICs are on."""

    cluster_id: str
    networks: Mapping[str, str]
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """``host``: the id of the best host, None when none fits; ``refusals``: a sentence for each host that does not,
    by its id.
    """

    host: str | None
    refusals: Mapping[str, str]


def choose(guest: GuestNeeds, hosts: Sequence[HostState]) -> Choice:
    """The host with the fewest guests among those that fit; of equals the one with most free memory, then by name."""
    refusals = {host.id: why for host in hosts if (why := refusal(guest, host))}
    fit = [host for host in hosts if host.id not in refusals]
    best = min(fit, key=lambda host: (host.guests, -host.memory_free, host.name), default=None)
    return Choice(host=best.id if best else None, refusals=refusals)


def refusal(guest: GuestNeeds, host: HostState) -> str:
    """Why the guest cannot run there, empty when it can."""
    return _host_is_unfit(guest, host) or _network_is_unfit(guest, host)


def _host_is_unfit(guest: GuestNeeds, host: HostState) -> str:
    if host.cluster_id != guest.cluster_id:
        return f"Host {host.name} is in another Cluster."
    if host.status != "up":
        return f"Host {host.name} is in status {host.status}, not up."
    if not host.guest_drivers:
        return f"Host {host.name} has nothing to run guests with."
    if guest.memory > host.memory_free:
        return f"Host {host.name} has {host.memory_free} octets of memory left, and the VM needs {guest.memory}."
    return ""


def _network_is_unfit(guest: GuestNeeds, host: HostState) -> str:
    missing = sorted(name for network, name in guest.networks.items() if network not in host.networks)
    if missing:
        return f"Host {host.name} does not have these networks: {', '.join(missing)}."
    stale = sorted(name for network, name in guest.networks.items() if not host.networks[network])
    if stale:
        return f"Host {host.name} has these networks out of sync: {', '.join(stale)}."
    return ""
