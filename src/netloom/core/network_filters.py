"""The catalogue of network filters that a vNIC profile can name: libvirt's, and the one that oVirt adds. Read-only."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

_NAMES = (
    "vdsm-no-mac-spoofing",
    "allow-arp",
    "allow-dhcp",
    "allow-dhcp-server",
    "allow-incoming-ipv4",
    "allow-ipv4",
    "clean-traffic",
    "clean-traffic-gateway",
    "no-arp-ip-spoofing",
    "no-arp-mac-spoofing",
    "no-arp-spoofing",
    "no-ip-multicast",
    "no-ip-spoofing",
    "no-mac-broadcast",
    "no-mac-spoofing",
    "no-other-l2-traffic",
    "no-other-rarp-traffic",
    "qemu-announce-self",
    "qemu-announce-self-rarp",
)

FILTERS = {str(uuid5(NAMESPACE_URL, f"netloom:network-filter:{name}")): name for name in _NAMES}
"""Name by id. Ids are made from the names, so that they are the same in every engine."""

IDS = {name: filter_id for filter_id, name in FILTERS.items()}
"""Id by name."""

DEFAULT_FILTER = IDS["vdsm-no-mac-spoofing"]
"""The id of the filter that a profile gets when nobody says otherwise: a guest sends from its own MAC address only."""
