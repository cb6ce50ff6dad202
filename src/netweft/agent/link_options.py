"""Options of bonds and Linux bridges: the kernel's names and textual values as sysfs has them, and their netlink form.

Sources: linux/if_link.h (attribute numbers), networking/bonding.rst and drivers/net/bonding/bond_options.c (values,
defaults), net/bridge/br_netlink.c and br_private.h (the same for bridges).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

from netweft.agent.netlink import attribute, attributes, number
from netweft.core.limits import VLAN_MAX
from netweft.core.options import BOND_VALUES, bond_default
from netweft.core.options import BRIDGE_OPTIONS as KNOWN_OF_BRIDGES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

IFLA_BOND_MODE, IFLA_BOND_ACTIVE_SLAVE, IFLA_BOND_MIIMON, IFLA_BOND_AD_INFO = 1, 2, 3, 23
IFLA_BOND_AD_INFO_PARTNER_MAC = 5
IFLA_BR_STP_STATE, IFLA_BR_VLAN_FILTERING, IFLA_BR_VLAN_DEFAULT_PVID = 5, 7, 39
IFLA_BR_FORWARD_DELAY, IFLA_BR_AGEING_TIME, IFLA_BR_TOPOLOGY_CHANGE = 1, 4, 14

UNTAGGED = VLAN_MAX
"""The VLAN of untagged frames while a bridge filters VLANs for guests with a trunk. It marks that the filtering belongs
to the guest drivers and is no option of the bridge.
"""


@dataclass(frozen=True, slots=True)
class Names:
    """Links by name and by index, for options that refer to a link."""

    index_of: Mapping[str, int]
    name_of: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its attribute, and how text and payload turn into each other.

    ``write`` raises ValueError for an invalid value.
    """

    kind: int
    write: Callable[[str, Names], bytes]
    read: Callable[[bytes, Names], str]


def _write_number(value: str, _: Names, *, size: int) -> bytes:
    try:
        return int(value).to_bytes(size, sys.byteorder)
    except OverflowError as error:
        raise ValueError(f"{value} is not between 0 and {(1 << 8 * size) - 1}") from error


def _read_number(payload: bytes, _: Names) -> str:
    return str(number(payload))


def _number(kind: int, size: int) -> Option:
    return Option(kind, partial(_write_number, size=size), _read_number)


def _write_word(value: str, _: Names, *, words: tuple[str, ...], size: int) -> bytes:
    if value not in words:
        raise ValueError(f"{value} is none of {', '.join(words)}")
    return words.index(value).to_bytes(size, sys.byteorder)


def _read_word(payload: bytes, _: Names, *, words: tuple[str, ...]) -> str:
    at = number(payload)
    return words[at] if at < len(words) else str(at)


def _word(kind: int, size: int, words: tuple[str, ...]) -> Option:
    return Option(kind, partial(_write_word, words=words, size=size), partial(_read_word, words=words))


def _write_link(value: str, names: Names) -> bytes:
    if value and value not in names.index_of:
        raise ValueError(f"there is no link {value}")
    return (names.index_of[value] if value else 0).to_bytes(4, sys.byteorder)


def _read_link(payload: bytes, names: Names) -> str:
    return names.name_of.get(number(payload), "")


def _write_ips(value: str, _: Names) -> bytes:
    return b"".join(attribute(at, ip_address(ip).packed) for at, ip in enumerate(value.split(",")) if ip)


def _read_ips(payload: bytes, _: Names) -> str:
    return ",".join(str(ip_address(packed)) for packed in attributes(payload).values())


def _write_mac(value: str, _: Names) -> bytes:
    return mac_bytes(value)


def _read_mac(payload: bytes, _: Names) -> str:
    return mac_text(payload)


def _write_hex(value: str, _: Names) -> bytes:
    return int(value, 0).to_bytes(2, sys.byteorder)


def _read_hex(payload: bytes, _: Names) -> str:
    return hex(number(payload))


def _read_quarter(payload: bytes, _: Names) -> str:
    """31.25 s by default, which a kernel with 250 ticks a second gives back as 3124."""
    return {3124: "3125"}.get(number(payload), str(number(payload)))


def mac_text(payload: bytes) -> str:
    """The text of a MAC address, such as ``02:00:00:00:00:01``."""
    return payload.hex(":")


def mac_bytes(value: str) -> bytes:
    """The six octets of a MAC address. Raises ValueError."""
    return bytes.fromhex(value.replace(":", ""))


BOND_OPTIONS: Mapping[str, Option] = {
    "miimon": _number(IFLA_BOND_MIIMON, 4),
    "updelay": _number(4, 4),
    "downdelay": _number(5, 4),
    "use_carrier": _number(6, 1),
    "arp_interval": _number(7, 4),
    "arp_ip_target": Option(8, _write_ips, _read_ips),
    "arp_validate": _word(9, 4, BOND_VALUES["arp_validate"]),
    "arp_all_targets": _word(10, 4, BOND_VALUES["arp_all_targets"]),
    "primary": Option(11, _write_link, _read_link),
    "primary_reselect": _word(12, 1, BOND_VALUES["primary_reselect"]),
    "fail_over_mac": _word(13, 1, BOND_VALUES["fail_over_mac"]),
    "xmit_hash_policy": _word(14, 1, BOND_VALUES["xmit_hash_policy"]),
    "resend_igmp": _number(15, 4),
    "num_peer_notif": _number(16, 1),
    "all_slaves_active": _number(17, 1),
    "min_links": _number(18, 4),
    "lp_interval": _number(19, 4),
    "packets_per_slave": _number(20, 4),
    "lacp_rate": _word(21, 1, BOND_VALUES["lacp_rate"]),
    "ad_select": _word(22, 1, BOND_VALUES["ad_select"]),
    "ad_actor_sys_prio": _number(24, 2),
    "ad_user_port_key": _number(25, 2),
    "ad_actor_system": Option(26, _write_mac, _read_mac),
    "tlb_dynamic_lb": _number(27, 1),
}

BRIDGE_OPTIONS: Mapping[str, Option] = {
    "forward_delay": _number(1, 4),
    "hello_time": _number(2, 4),
    "max_age": _number(3, 4),
    "ageing_time": _number(4, 4),
    "priority": _number(6, 2),
    "vlan_filtering": _number(IFLA_BR_VLAN_FILTERING, 1),
    "group_fwd_mask": Option(9, _write_hex, _read_hex),
    "multicast_router": _number(22, 1),
    "multicast_snooping": _number(23, 1),
    "multicast_query_use_ifaddr": _number(24, 1),
    "multicast_querier": _number(25, 1),
    "hash_max": _number(27, 4),
    "multicast_last_member_count": _number(28, 4),
    "multicast_startup_query_count": _number(29, 4),
    "multicast_last_member_interval": _number(30, 8),
    "multicast_membership_interval": _number(31, 8),
    "multicast_querier_interval": _number(32, 8),
    "multicast_query_interval": _number(33, 8),
    "multicast_query_response_interval": _number(34, 8),
    "multicast_startup_query_interval": Option(35, partial(_write_number, size=8), _read_quarter),
    "nf_call_iptables": _number(36, 1),
    "nf_call_ip6tables": _number(37, 1),
    "nf_call_arptables": _number(38, 1),
    "vlan_stats_enabled": _number(41, 1),
    "multicast_stats_enabled": _number(42, 1),
    "multicast_igmp_version": _number(43, 1),
    "multicast_mld_version": _number(44, 1),
}


BRIDGE_DEFAULTS: Mapping[str, str] = {
    name: hex(default) if name == "group_fwd_mask" else str(default)
    for name, (_, _, default) in KNOWN_OF_BRIDGES.items()
}
"""The defaults of the options of a bridge."""


def bond_defaults(mode: str) -> dict[str, str]:
    """The defaults of the options of a bond in this mode."""
    return {name: bond_default(mode, name) or "" for name in BOND_OPTIONS}


def write_options(options: Mapping[str, Option], values: Mapping[str, str], names: Names) -> bytes:
    """The attributes that set these values.

    Raises ValueError naming the unknown option or the invalid value.
    """
    packed = b""
    for name, option in options.items():
        if name in values:
            try:
                packed += attribute(option.kind, option.write(values[name], names))
            except ValueError as error:
                raise ValueError(f"option {name}: {error}") from error
    unknown = sorted(values.keys() - options.keys())
    if unknown:
        raise ValueError(f"option {unknown[0]}: unknown")
    return packed


def read_options(known: Mapping[str, Option], data: Mapping[int, bytes], names: Names) -> dict[str, str]:
    """All options that the kernel reported, as text."""
    return {name: option.read(data[option.kind], names) for name, option in known.items() if option.kind in data}


def _unset(name: str, option: Option) -> frozenset[bytes]:
    payloads = [option.write(BRIDGE_DEFAULTS[name], Names({}, {}))]
    if option.read is _read_quarter:
        payloads.append(option.write("3124", Names({}, {})))
    return frozenset(payloads)


_UNSET = {option.kind: _unset(name, option) for name, option in BRIDGE_OPTIONS.items()}
"""The payloads of each option of a bridge when nobody sets it."""


def read_set_bridge_options(data: Mapping[int, bytes]) -> dict[str, str]:
    """As :func:`read_bridge_options`, without those that are what they are when nobody sets them: nearly all."""
    options = {kind: data[kind] for kind, payloads in _UNSET.items() if kind in data and data[kind] not in payloads}
    if _is_aged_by_spanning_tree(data):
        options.pop(IFLA_BR_AGEING_TIME, None)
    untagged = data.get(IFLA_BR_VLAN_DEFAULT_PVID, b"")
    return read_bridge_options({**options, IFLA_BR_VLAN_DEFAULT_PVID: untagged}) if options else {}


def _is_aged_by_spanning_tree(data: Mapping[int, bytes]) -> bool:
    """Whether the ageing time is what the kernel sets for half a minute after the spanning tree has changed, and not
    what anybody asked for: twice the forward delay (IEEE 802.1D).
    """
    ageing, delay = (number(data.get(kind, b"")) for kind in (IFLA_BR_AGEING_TIME, IFLA_BR_FORWARD_DELAY))
    return bool(number(data.get(IFLA_BR_TOPOLOGY_CHANGE, b""))) and ageing == 2 * delay


def filters_for_guests(data: Mapping[int, bytes]) -> bool:
    """Whether a bridge filters VLANs because guests with trunks are on it."""
    untagged = number(data.get(IFLA_BR_VLAN_DEFAULT_PVID, b""))
    return bool(number(data.get(IFLA_BR_VLAN_FILTERING, b""))) and untagged == UNTAGGED


def read_bridge_options(data: Mapping[int, bytes]) -> dict[str, str]:
    """All options of a bridge that are a plan's business, as text."""
    options = read_options(BRIDGE_OPTIONS, data, Names({}, {}))
    return {name: value for name, value in options.items() if name != "vlan_filtering" or not filters_for_guests(data)}
