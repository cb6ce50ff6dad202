"""Numbers that networks keep within, wherever they are asked for."""

from __future__ import annotations

from typing import Final

VLAN_MAX: Final = 4094
"""The highest VLAN id of IEEE 802.1Q; 4095 is reserved."""

DEFAULT_MTU: Final = 1500
"""Octets; the Ethernet payload of RFC 894, and what a NIC goes back to when nothing of ours uses it any more."""

MTU_MIN: Final = 68
"""Octets; what every IPv4 link carries whole (RFC 791, section 3.2), and the least of an Ethernet link (ETH_MIN_MTU of
the kernel).
"""

IPV6_MIN_MTU: Final = 1280
"""Octets; the least of a link with IPv6 (RFC 8200, section 5): below it the kernel takes IPv6 off."""

MTU_MAX: Final = 65535
"""Octets; the largest IPv4 packet (RFC 791), and the most of bonds, bridges and VLAN devices (ETH_MAX_MTU). What a NIC
takes at most is its driver's to say.
"""

INTERNAL_MTU_MAX: Final = 65521
"""Octets; the most of an OVS internal port with either datapath. In user space it is a tap device, whose frame has
65535 (tun.c).
"""
