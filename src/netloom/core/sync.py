"""Is a network on a host as the data centre wants it? Property by property, with the names that oVirt's API gives them."""

from __future__ import annotations

from dataclasses import dataclass

from netloom.core.desired import AttachmentIntent, HostIntent, SwitchType
from netloom.core.host import Address, Host


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One property: its name in the API, and both values as text (``true``, ``1500``, ``LEGACY``, ``STATIC_IP``; None: none)."""

    name: str
    expected: str | None
    actual: str | None
    in_sync: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a network is on an observed host.

    ``base``: its NIC or bond (empty for a bridge without uplink). ``top``: the link with its addresses (bridge, VLAN device, NIC, bond or OVS internal port).
    ``vlan_link``: its VLAN device, empty for none. ``plug``: the Linux or OVS bridge that guests' vNICs go into (empty: none), with ``vlan`` as
    access tag if ``switch`` is ``ovs``. ``addresses`` include those that DHCP or router advertisements brought.
    """

    network_id: str
    switch: SwitchType
    base: str
    top: str
    vlan_link: str
    vlan: int | None
    bridged: bool
    mtu: int
    plug: str
    addresses: tuple[Address, ...]
    dhcp4: bool
    dhcp6: bool
    autoconf: bool
    gateway4: str
    gateway6: str
    default_route: bool


def find_network(host: Host, network_id: str) -> Location | None:
    """Where the network is on the host, None if it is not there."""
    raise NotImplementedError((host, network_id))


def locate_networks(host: Host) -> dict[str, Location]:
    """Where every network of ours is on the host, by network id: one pass for callers who want them all."""
    raise NotImplementedError(host)


def compare_attachment(intent: HostIntent, attachment: AttachmentIntent, report: Host) -> tuple[Reported, ...]:
    """Wanted and reported values of every property of an attachment (oVirt's in-sync rules). Not on the host at all: one property, ``network``, out of sync."""
    raise NotImplementedError((intent, attachment, report))
