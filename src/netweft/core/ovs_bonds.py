"""The counterparts in Open vSwitch of the kernel's bond modes and options, and back.

Source: ovs-vswitchd.conf.db(5), table Port, "Bonding Configuration". An option without a counterpart is refused, so
that none is silently dropped. Open vSwitch always monitors the links, by carrier by default, and distributes frames by
a hash that its mode determines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netweft.core.host import OvsPort
from netweft.core.options import bond_default

_MODES: Mapping[str, tuple[str, str]] = {
    "active-backup": ("active-backup", "off"),
    "balance-xor": ("balance-slb", "off"),
    "802.3ad": ("balance-tcp", "active"),
}
"""Its bond mode and LACP setting for each of the kernel's bond modes that it has a counterpart of."""

OVS_MODES = frozenset(_MODES)
"""The kernel's bond modes that Open vSwitch has a counterpart of."""

BY_ADDRESS = "vlan+srcmac"
"""The kernel's name of the hash of balance-slb: by source address and VLAN."""

_HASHES: Mapping[str, frozenset[str]] = {
    "active-backup": frozenset({"layer2"}),
    "balance-xor": frozenset({"layer2", BY_ADDRESS}),
    "802.3ad": frozenset({"layer2", "layer2+3", "layer3+4", BY_ADDRESS}),
}
"""The ``xmit_hash_policy`` that each mode takes. balance-tcp hashes layers 2 to 4 and serves for the three policies of
some of these; none of them lets a connection change its link.
"""

COLUMNS = ("bond_updelay", "bond_downdelay")
"""What table Port has a column for; all else is in its ``other_config``."""

_KEYS: Mapping[str, str] = {
    "ad_actor_sys_prio": "lacp-system-priority",
    "ad_actor_system": "lacp-system-id",
    "downdelay": "bond_downdelay",
    "lacp_rate": "lacp-time",
    "miimon": "bond-miimon-interval",
    "primary": "bond-primary",
    "updelay": "bond_updelay",
}
"""Options that are there under another name, with the same values."""

_DETECT_MODE = "bond-detect-mode"


@dataclass(frozen=True, slots=True, kw_only=True)
class OvsBond:
    """The fields of an OVS port that make it a bond, as :class:`OvsPort` has them."""

    bond_mode: str
    lacp: str
    options: Mapping[str, str] = field(default_factory=dict)


def ovs_bond(mode: str, options: Mapping[str, str]) -> OvsBond:
    """The OVS bond that does what a kernel bond would, whose options are given as an observed one has them.

    ``miimon`` counts where ``use_carrier`` is off; else it is kept for who reads it.
    """
    bond_mode, lacp = _MODES[mode]
    if options.get("xmit_hash_policy") == BY_ADDRESS:
        bond_mode = "balance-slb"
    found = {_KEYS[name]: value for name, value in options.items() if name in _KEYS}
    if options.get("use_carrier") == "0":
        found[_DETECT_MODE] = "miimon"
        found["bond-miimon-interval"] = options.get("miimon") or bond_default(mode, "miimon") or ""
    return OvsBond(bond_mode=bond_mode, lacp=lacp, options=dict(sorted(found.items())))


def ovs_bond_problem(name: str, mode: str, options: Mapping[str, str]) -> str | None:
    """Which of a kernel bond's options Open vSwitch has no counterpart of."""
    for key, value in options.items():
        if key == "xmit_hash_policy":
            if value not in _HASHES[mode]:
                return f"{name}: Open vSwitch cannot distribute frames by {value} in mode {mode}"
        elif key not in {*_KEYS, "use_carrier"}:
            return f"{name}: Open vSwitch has no option {key}"
    miimon = options.get("miimon") or bond_default(mode, "miimon")
    if miimon == "0" and ("miimon" in options or "use_carrier" in options):
        return f"{name}: Open vSwitch always monitors the links and needs a miimon above 0"
    return None


def kernel_bond_mode(port: OvsPort) -> str:
    """The kernel's bond mode that is equivalent to an OVS bond.

    With LACP it is 802.3ad, however the traffic is distributed; without settings in OVSDB it is active-backup.
    """
    if port.bond_mode in {"", "active-backup"}:
        return "active-backup"
    return "balance-xor" if port.lacp == "off" else "802.3ad"


def kernel_bond_options(port: OvsPort) -> dict[str, str]:
    """The kernel's options that do what those of an OVS bond do, without defaults, sorted; what has no counterpart is
    left out.
    """
    mode = kernel_bond_mode(port)
    found = {name: port.options[key] for name, key in _KEYS.items() if key in port.options}
    if port.options.get(_DETECT_MODE) == "miimon":
        found["use_carrier"] = "0"
    if mode == "802.3ad" and port.bond_mode == "balance-slb":
        found["xmit_hash_policy"] = BY_ADDRESS
    return {name: value for name, value in sorted(found.items()) if value != bond_default(mode, name)}
