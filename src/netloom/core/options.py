"""Options of bonds and Linux bridges: which there are, in which mode, what may change while they run, and how users spell them.

Source: drivers/net/bonding/bond_options.c and net/bridge/br_netlink.c of Linux, and Linux: networking/bonding.rst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MODES = ("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb")
"""The kernel's names of the bond modes 0 to 6."""

_ALL = frozenset(MODES)
_ARP = _ALL - {"802.3ad", "balance-tlb", "balance-alb"}
_PRIMARY = frozenset({"active-backup", "balance-tlb", "balance-alb"})
_LACP = frozenset({"802.3ad"})

BOND_OPTIONS: Mapping[str, frozenset[str]] = {
    "active_slave": _PRIMARY,
    "ad_actor_sys_prio": _LACP,
    "ad_actor_system": _LACP,
    "ad_select": _LACP,
    "ad_user_port_key": _LACP,
    "all_slaves_active": _ALL,
    "arp_all_targets": _ALL,
    "arp_interval": _ARP,
    "arp_ip_target": _ARP,
    "arp_missed_max": _ARP,
    "arp_validate": _ARP,
    "downdelay": _ALL,
    "fail_over_mac": _ALL,
    "lacp_active": _LACP,
    "lacp_rate": _LACP,
    "lp_interval": _ALL,
    "miimon": _ALL,
    "min_links": _ALL,
    "num_grat_arp": _ALL,
    "num_unsol_na": _ALL,
    "packets_per_slave": frozenset({"balance-rr"}),
    "peer_notif_delay": _ALL,
    "primary": _PRIMARY,
    "primary_reselect": _PRIMARY,
    "resend_igmp": _ALL,
    "tlb_dynamic_lb": frozenset({"balance-tlb", "balance-alb"}),
    "updelay": _ALL,
    "use_carrier": _ALL,
    "xmit_hash_policy": _ALL,
}
"""In which modes the kernel takes each option."""

BOND_VALUES: Mapping[str, tuple[str, ...]] = {
    "ad_select": ("stable", "bandwidth", "count"),
    "arp_all_targets": ("any", "all"),
    "arp_validate": ("none", "active", "backup", "all", "filter", "filter_active", "filter_backup"),
    "fail_over_mac": ("none", "active", "follow"),
    "lacp_active": ("off", "on"),
    "lacp_rate": ("slow", "fast"),
    "primary_reselect": ("always", "better", "failure"),
    "xmit_hash_policy": ("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac"),
}
"""Options whose values have names: the name of each number, from 0."""

ONLY_WITHOUT_PORTS = frozenset({"fail_over_mac"})
"""What the kernel changes only while a bond has no ports (BOND_OPTFLAG_NOSLAVES); the mode is the other such thing."""

ONLY_WHILE_DOWN = frozenset(
    {
        "ad_actor_sys_prio",
        "ad_actor_system",
        "ad_select",
        "ad_user_port_key",
        "lacp_active",
        "lacp_rate",
        "tlb_dynamic_lb",
    }
)
"""What the kernel changes only while a bond is down (BOND_OPTFLAG_IFDOWN)."""

BRIDGE_OPTIONS: Mapping[str, tuple[int, int]] = {
    "ageing_time": (0, 2**32 - 1),
    "default_pvid": (0, 4094),
    "forward_delay": (200, 3000),
    "group_fwd_mask": (0, 65535),
    "hash_max": (1, 2**31),
    "hello_time": (100, 1000),
    "max_age": (600, 4000),
    "multicast_last_member_count": (0, 2**32 - 1),
    "multicast_last_member_interval": (0, 2**63),
    "multicast_membership_interval": (0, 2**63),
    "multicast_querier": (0, 1),
    "multicast_querier_interval": (0, 2**63),
    "multicast_query_interval": (0, 2**63),
    "multicast_query_response_interval": (0, 2**63),
    "multicast_query_use_ifaddr": (0, 1),
    "multicast_router": (0, 2),
    "multicast_snooping": (0, 1),
    "multicast_startup_query_count": (0, 2**32 - 1),
    "multicast_startup_query_interval": (0, 2**63),
    "nf_call_arptables": (0, 1),
    "nf_call_ip6tables": (0, 1),
    "nf_call_iptables": (0, 1),
    "priority": (0, 65535),
    "vlan_filtering": (0, 1),
    "vlan_stats_enabled": (0, 1),
}
"""The values that the kernel takes for each bridge attribute, by the attribute's name in sysfs."""

_RESERVED_GROUPS = 0x0007
"""Bits of ``group_fwd_mask`` that the kernel refuses (BR_GROUPFWD_RESTRICTED: STP, pause frames, LACP)."""


def bond_mode(text: str) -> str:
    """The kernel's name of a bond mode that a user wrote as number or name; what is neither comes back as it is."""
    return MODES[int(text)] if text.isdecimal() and int(text) < len(MODES) else text


def bond_options(options: Mapping[str, str]) -> dict[str, str]:
    """A user's options of a bond, the mode left out, with the kernel's textual values: sorted, names instead of numbers."""
    kernel = {}
    for key in sorted(options):
        names, value = BOND_VALUES.get(key, ()), options[key].strip()
        if key != "mode":
            kernel[key] = names[int(value)] if value.isdecimal() and int(value) < len(names) else value
    return kernel


def bridge_options(text: str) -> dict[str, str]:
    """The ``bridge_opts`` property as users write it: ``key=value`` pairs with blanks between, sorted by key. What has no value is left out."""
    pairs = (pair.partition("=") for pair in text.split())
    return dict(sorted((key, value) for key, equals, value in pairs if equals))


def bond_problem(name: str, mode: str, options: Mapping[str, str]) -> str | None:
    """Why the kernel refuses these options of a bond in this mode."""
    for key, value in options.items():
        if key not in BOND_OPTIONS:
            return f"{name}: bonds have no option {key!r}"
        if mode not in BOND_OPTIONS[key]:
            return f"{name}: a bond in mode {mode} has no option {key}"
        names = BOND_VALUES.get(key)
        if names and value not in names:
            return f"{name}: {key} cannot be {value!r}, but {', '.join(names)}"
    return None


def bond_running_problem(
    name: str, old: Mapping[str, str], new: Mapping[str, str], *, up: bool, has_ports: bool
) -> str | None:
    """Why the kernel does not change the options of this bond now."""
    changed = changed_keys(old, new)
    if has_ports and changed & ONLY_WITHOUT_PORTS:
        return f"{name}: {', '.join(sorted(changed & ONLY_WITHOUT_PORTS))} cannot change while the bond has ports"
    if up and changed & ONLY_WHILE_DOWN:
        return f"{name}: {', '.join(sorted(changed & ONLY_WHILE_DOWN))} cannot change while the bond is up"
    return None


def changed_keys(old: Mapping[str, str], new: Mapping[str, str]) -> set[str]:
    """The keys whose values differ, or that only one side has."""
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


def bridge_problem(name: str, options: Mapping[str, str], *, stp: bool) -> str | None:
    """Why the kernel refuses these options of a bridge; it checks the forward delay only while STP is on."""
    for key, value in options.items():
        if key not in BRIDGE_OPTIONS:
            return f"{name}: bridges have no option {key!r}"
        least, most = BRIDGE_OPTIONS[key]
        if key == "forward_delay" and not stp:
            least, most = 0, 2**32 - 1
        if not value.isdecimal() or not least <= int(value) <= most:
            return f"{name}: {key} cannot be {value!r}, but a number from {least} to {most}"
        if key == "group_fwd_mask" and int(value) & _RESERVED_GROUPS:
            return f"{name}: group_fwd_mask cannot have bit 0, 1 or 2"
    return None
