"""The catalogue of network filters that a vNIC profile can name: libvirt's, and one of oVirt's own.

It does not change.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NetworkFilter:
    """Rules on what a vNIC may send. ``since``: the first compatibility version of clusters that have it."""

    id: str
    name: str
    since: str


def _filter(number: int, name: str, since: str) -> NetworkFilter:
    return NetworkFilter(f"00000018-0018-0018-0018-{number:012x}", name, since)


FILTERS = {
    one.id: one
    for one in (
        _filter(1, "vdsm-no-mac-spoofing", "3.2"),
        _filter(2, "allow-arp", "3.6"),
        _filter(3, "allow-dhcp", "3.6"),
        _filter(4, "allow-dhcp-server", "3.6"),
        _filter(5, "allow-incoming-ipv4", "3.6"),
        _filter(6, "allow-ipv4", "3.6"),
        _filter(7, "clean-traffic", "3.6"),
        _filter(8, "no-arp-ip-spoofing", "3.6"),
        _filter(9, "no-arp-mac-spoofing", "3.6"),
        _filter(10, "no-arp-spoofing", "3.6"),
        _filter(11, "no-ip-multicast", "3.6"),
        _filter(12, "no-ip-spoofing", "3.6"),
        _filter(13, "no-mac-broadcast", "3.6"),
        _filter(14, "no-mac-spoofing", "3.6"),
        _filter(15, "no-other-l2-traffic", "3.6"),
        _filter(16, "no-other-rarp-traffic", "3.6"),
        _filter(17, "qemu-announce-self", "3.6"),
        _filter(18, "qemu-announce-self-rarp", "3.6"),
        _filter(19, "clean-traffic-gateway", "4.2"),
    )
}
"""All filters by their ids, which are the same in every engine."""

IDS = {one.name: one.id for one in FILTERS.values()}
"""Ids by name."""

DEFAULT_FILTER = IDS["vdsm-no-mac-spoofing"]
"""The id of the default filter of a profile: a guest sends from its own MAC address only."""
