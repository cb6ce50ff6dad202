"""Limits of network values, shared by all modules."""

from __future__ import annotations

from typing import Final

LINK_NAME_MAX: Final = 15
"""Characters that the kernel allows in the name of a link (IFNAMSIZ less the terminating zero)."""

PORT_MAX: Final = 65535
"""The highest TCP or UDP port."""

VLAN_MAX: Final = 4094
"""The highest VLAN id of IEEE 802.1Q; 4095 is reserved."""

DEFAULT_MTU: Final = 1500
"""Octets; the Ethernet payload of RFC 894, and the MTU that a NIC returns to when we no longer use it."""

MTU_MIN: Final = 68
"""Octets; the smallest MTU of an IPv4 link (RFC 791, section 3.2), and of an Ethernet link (ETH_MIN_MTU of the
kernel).
"""

IPV6_MIN_MTU: Final = 1280
"""Octets; the smallest MTU of a link with IPv6 (RFC 8200, section 5): below it the kernel removes IPv6."""

MTU_MAX: Final = 65535
"""Octets; the largest IPv4 packet (RFC 791), and the largest MTU of bonds, bridges and VLAN devices (ETH_MAX_MTU). The
limit of a NIC depends on its driver.
"""

INTERNAL_MTU_MAX: Final = 65521
"""Octets; the largest MTU of an OVS internal port with either datapath. In user space it is a tap device, whose frame
has at most 65535 octets (tun.c).
"""
