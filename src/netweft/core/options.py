"""Options of bonds and Linux bridges: which there are, in which mode, what may change while they run, and how users
spell them.

Source: drivers/net/bonding/bond_options.c and net/bridge/br_netlink.c of Linux, and Linux: networking/bonding.rst.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MODES = ("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb")
"""The kernel's names of the bond modes 0 to 6."""

_ALL = frozenset(MODES)
_ARP = _ALL - {"802.3ad", "balance-tlb", "balance-alb"}
ACTIVE_PORT_MODES = frozenset({"active-backup", "balance-tlb", "balance-alb"})
"""Bond modes with an active port; the primary option exists only in these."""

_LACP = frozenset({"802.3ad"})

BOND_OPTIONS: Mapping[str, tuple[frozenset[str], str]] = {
    "ad_actor_sys_prio": (_LACP, "65535"),
    "ad_actor_system": (_LACP, "00:00:00:00:00:00"),
    "ad_select": (_LACP, "stable"),
    "ad_user_port_key": (_LACP, "0"),
    "all_slaves_active": (_ALL, "0"),
    "arp_all_targets": (_ALL, "any"),
    "arp_interval": (_ARP, "0"),
    "arp_ip_target": (_ARP, ""),
    "arp_validate": (_ARP, "none"),
    "downdelay": (_ALL, "0"),
    "fail_over_mac": (_ALL, "none"),
    "lacp_rate": (_LACP, "slow"),
    "lp_interval": (_ALL, "1"),
    "miimon": (_ALL, "0"),
    "min_links": (_ALL, "0"),
    "num_peer_notif": (_ALL, "1"),
    "packets_per_slave": (frozenset({"balance-rr"}), "1"),
    "primary": (ACTIVE_PORT_MODES, ""),
    "primary_reselect": (ACTIVE_PORT_MODES, "always"),
    "resend_igmp": (_ALL, "1"),
    "tlb_dynamic_lb": (frozenset({"balance-tlb", "balance-alb"}), "1"),
    "updelay": (_ALL, "0"),
    "use_carrier": (_ALL, "1"),
    "xmit_hash_policy": (_ALL, "layer2"),
}
"""The modes in which the kernel accepts each option, and the default."""

_MIIMON = "100"
"""Milliseconds; the default of ``miimon`` in the modes that cannot do without it (bond_option_mode_set() of the
kernel).
"""

_ALIASES = {"num_grat_arp": "num_peer_notif", "num_unsol_na": "num_peer_notif"}
"""Older names of options, which users still write."""

BOND_VALUES: Mapping[str, tuple[str, ...]] = {
    "ad_select": ("stable", "bandwidth", "count"),
    "arp_all_targets": ("any", "all"),
    "arp_validate": ("none", "active", "backup", "all", "filter", "filter_active", "filter_backup"),
    "fail_over_mac": ("none", "active", "follow"),
    "lacp_rate": ("slow", "fast"),
    "primary_reselect": ("always", "better", "failure"),
    "xmit_hash_policy": ("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac"),
}
"""Options whose values have names: the name of each number, from 0."""

_INT = 2**31 - 1

BOND_NUMBERS: Mapping[str, tuple[int, int]] = {
    "ad_actor_sys_prio": (1, 65535),
    "ad_user_port_key": (0, 1023),
    "all_slaves_active": (0, 1),
    "arp_interval": (0, _INT),
    "downdelay": (0, _INT),
    "lp_interval": (1, _INT),
    "miimon": (0, _INT),
    "min_links": (0, _INT),
    "num_peer_notif": (0, 255),
    "packets_per_slave": (0, 65535),
    "resend_igmp": (0, 255),
    "tlb_dynamic_lb": (0, 1),
    "updelay": (0, _INT),
    "use_carrier": (0, 1),
}
"""Options whose values are numbers: the least and the greatest that the kernel takes (the tables in bond_options.c).
Times are milliseconds, ``lp_interval`` seconds.
"""

ARP_TARGETS_MAX = 16
"""Addresses in ``arp_ip_target`` (BOND_MAX_ARP_TARGETS)."""

_DELAYS = ("updelay", "downdelay")

ONLY_WITHOUT_PORTS = frozenset({"fail_over_mac"})
"""What the kernel changes only while a bond has no ports (BOND_OPTFLAG_NOSLAVES); the mode is the other such thing."""

ONLY_WHILE_DOWN = frozenset(
    {
        "ad_select",
        "ad_user_port_key",
        "lacp_rate",
        "tlb_dynamic_lb",
    }
)
"""What the kernel changes only while a bond is down (BOND_OPTFLAG_IFDOWN)."""

_WORD = 2**32 - 1
_QUERY = (100, 8640000)
"""The kernel keeps what lies outside as the nearer end (BR_MULTICAST_QUERY_INTVL_MIN, _MAX)."""

BRIDGE_OPTIONS: Mapping[str, tuple[int, int, int]] = {
    "ageing_time": (0, _WORD, 30000),
    "forward_delay": (200, 3000, 1500),
    "group_fwd_mask": (0, 2**16 - 1, 0),
    "hash_max": (1, 2**31, 4096),
    "hello_time": (100, 1000, 200),
    "max_age": (600, 4000, 2000),
    "multicast_igmp_version": (2, 3, 2),
    "multicast_last_member_count": (0, _WORD, 2),
    "multicast_last_member_interval": (0, _WORD, 100),
    "multicast_membership_interval": (0, _WORD, 26000),
    "multicast_mld_version": (1, 2, 1),
    "multicast_querier": (0, 1, 0),
    "multicast_querier_interval": (0, _WORD, 25500),
    "multicast_query_interval": (*_QUERY, 12500),
    "multicast_query_response_interval": (0, _WORD, 1000),
    "multicast_query_use_ifaddr": (0, 1, 0),
    "multicast_router": (0, 2, 1),
    "multicast_snooping": (0, 1, 1),
    "multicast_startup_query_count": (0, _WORD, 2),
    "multicast_startup_query_interval": (*_QUERY, 3125),
    "multicast_stats_enabled": (0, 1, 0),
    "nf_call_arptables": (0, 1, 0),
    "nf_call_ip6tables": (0, 1, 0),
    "nf_call_iptables": (0, 1, 0),
    "priority": (0, 2**16 - 1, 32768),
    "vlan_filtering": (0, 1, 0),
    "vlan_stats_enabled": (0, 1, 0),
}
"""By name in sysfs: the least and the greatest value that the kernel accepts, and the default. Times in 1/100 s."""

_RESERVED_GROUPS = 0x0007
"""Bits of ``group_fwd_mask`` that the kernel refuses (BR_GROUPFWD_RESTRICTED: STP, pause frames, LACP)."""


_NUMBER = re.compile("0x[0-9A-Fa-f]{1,16}|[0-9]{1,20}")
"""As many digits as 64 bits can have."""


def bond_mode(text: str) -> str:
    """The kernel's name of a bond mode given as number or name; anything else is returned as it is."""
    number = _number(text)
    return MODES[number] if number is not None and number < len(MODES) else text


def bond_options(options: Mapping[str, str]) -> dict[str, str]:
    """A user's options of a bond as an observed bond has them: kernel's names and texts, without the mode and without
    defaults, sorted.
    """
    mode = bond_mode(options.get("mode", ""))
    kernel = {}
    for key in sorted(options):
        name = bond_option_name(key)
        value = _bond_value(name, options[key].strip())
        if key != "mode" and value != bond_default(mode, name):
            kernel[name] = value
    return kernel


def bond_option_name(key: str) -> str:
    """The kernel's present name of an option."""
    return _ALIASES.get(key, key)


def _bond_value(name: str, text: str) -> str:
    """A value as the kernel gives it back; what it would not take stays as it is."""
    number = _number(text)
    names = BOND_VALUES.get(name, ())
    if number is not None and number < len(names):
        return names[number]
    if number is not None and name in BOND_NUMBERS:
        return str(number)
    if name == "arp_ip_target":
        return ",".join(part.strip() for part in text.split(","))
    return text.lower() if name == "ad_actor_system" else text


def bond_default(mode: str, name: str) -> str | None:
    """The default of an option of a bond; None for an unknown option."""
    if name == "miimon" and mode not in _ARP:
        return _MIIMON
    return BOND_OPTIONS[name][1] if name in BOND_OPTIONS else None


def bridge_options(text: str) -> dict[str, str]:
    """The ``bridge_opts`` property (``key=value`` pairs with blanks between) as an observed bridge has it: without
    defaults, sorted.

    What cannot be understood stays as it is, for the kernel, or a rule before it, to refuse.
    """
    options = {}
    for pair in sorted(text.split()):
        key, _, value = pair.partition("=")
        number = _number(value)
        if key not in BRIDGE_OPTIONS or number is None:
            options[key] = value
        elif number != BRIDGE_OPTIONS[key][2]:
            options[key] = hex(number) if key == "group_fwd_mask" else str(number)
    return options


def _number(text: str) -> int | None:
    """A number as sysfs takes it: decimal, or hexadecimal with ``0x``."""
    return int(text, 16 if text.startswith("0x") else 10) if _NUMBER.fullmatch(text) else None


def bond_problem(name: str, mode: str, options: Mapping[str, str]) -> str | None:
    """Why the kernel refuses these options of a bond in this mode, or ignores them."""
    for key, value in options.items():
        if key not in BOND_OPTIONS:
            return f"{name}: bonds have no option {key!r}"
        if mode not in BOND_OPTIONS[key][0]:
            return f"{name}: a bond in mode {mode} has no option {key}"
        if problem := _value_problem(key, value):
            return f"{name}: {problem}"
    problem = _monitoring_problem(mode, options)
    return f"{name}: {problem}" if problem else None


def _value_problem(key: str, value: str) -> str | None:
    names = BOND_VALUES.get(key)
    if names and value not in names:
        return f"{key} cannot be {value!r}, but {', '.join(names)}"
    if key in BOND_NUMBERS:
        least, most = BOND_NUMBERS[key]
        number = _number(value)
        if number is None or not least <= number <= most:
            return f"{key} cannot be {value!r}: use a number from {least} to {most}"
    if key == "arp_ip_target":
        return _targets_problem(value.split(","))
    if key == "ad_actor_system" and (not _MAC.fullmatch(value) or int(value[:2], 16) & 1):
        return f"ad_actor_system cannot be {value!r}: use the MAC address of one station"
    return None


_MAC = re.compile("([0-9a-f]{2}:){5}[0-9a-f]{2}")


def _targets_problem(targets: list[str]) -> str | None:
    """bond_option_arp_ip_target_add() of the kernel."""
    for target in targets:
        if not _is_target(target):
            return f"arp_ip_target cannot have {target!r}: use IPv4 addresses with commas between"
    if twice := repeated(targets):
        return f"arp_ip_target has {twice} twice"
    if len(targets) > ARP_TARGETS_MAX:
        return f"arp_ip_target has {len(targets)} addresses, and {ARP_TARGETS_MAX} is the most"
    return None


def _is_target(text: str) -> bool:
    """bond_is_ip_target_ok() of the kernel: neither in 0.0.0.0/8 nor the broadcast address."""
    try:
        address = IPv4Address(text)
    except ValueError:
        return False
    return address.packed[0] > 0 and address != IPv4Address("255.255.255.255")


def _monitoring_problem(mode: str, options: Mapping[str, str]) -> str | None:
    """Options of link monitoring depend on each other: bond_changelink() accepts ARP or MII monitoring, not both, and
    the delays are counted in intervals of the latter (bond_option_updelay_set() rounds what is no multiple).
    """
    miimon = int(options.get("miimon") or bond_default(mode, "miimon") or 0)
    for delay in _DELAYS:
        value = int(options.get(delay, "0"))
        if value and not miimon:
            return f"{delay} is counted in intervals of miimon, which is not set"
        if value and value % miimon:
            return f"{delay} cannot be {value}: use a multiple of miimon, {miimon}"
    for key, off in (("arp_interval", "0"), ("arp_validate", "none")):
        if miimon and options.get(key, off) != off:
            return f"{key} and miimon exclude each other: links are monitored by ARP or by MII"
    return None


def repeated(names: Iterable[str]) -> str:
    """The first of the names that was there before; empty when each is there once."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


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


_TICKED = frozenset(name for name in BRIDGE_OPTIONS if name.endswith(("_time", "_interval", "_delay", "_age")))
"""Times, which a kernel keeps in ticks: one with 250 a second has no odd number of 1/100 s."""


def bridge_problem(name: str, options: Mapping[str, str], *, stp: bool) -> str | None:
    """Why the kernel refuses these options of a bridge; it checks the forward delay only while STP is on."""
    for key, value in options.items():
        if key not in BRIDGE_OPTIONS:
            return f"{name}: bridges have no option {key!r}"
        least, most, _ = BRIDGE_OPTIONS[key]
        if key == "forward_delay" and not stp:
            least, most = 0, _WORD
        number = _number(value)
        if number is None or not least <= number <= most:
            return f"{name}: {key} cannot be {value!r}: use a number from {least} to {most}"
        if key in _TICKED and number % 2:
            return f"{name}: {key} cannot be {value}: use an even number, as kernels round others"
        if key == "group_fwd_mask" and number & _RESERVED_GROUPS:
            return f"{name}: group_fwd_mask cannot have bit 0, 1 or 2"
    return None
