"""What Open vSwitch has for the options of kernel bonds."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from netweft.core.host import OvsPort
from netweft.core.ovs_bonds import kernel_bond_mode, kernel_bond_options, ovs_bond, ovs_bond_problem

PAIRS = [
    ("active-backup", {}, {}),
    ("active-backup", {"miimon": "250", "updelay": "500"}, {"bond-miimon-interval": "250", "bond_updelay": "500"}),
    ("active-backup", {"primary": "eth0"}, {"bond-primary": "eth0"}),
    (
        "balance-xor",
        {"miimon": "100", "use_carrier": "0"},
        {"bond-detect-mode": "miimon", "bond-miimon-interval": "100"},
    ),
    ("802.3ad", {"use_carrier": "0"}, {"bond-detect-mode": "miimon", "bond-miimon-interval": "100"}),
    (
        "802.3ad",
        {"ad_actor_sys_prio": "7", "ad_actor_system": "02:00:00:00:00:01", "downdelay": "200", "lacp_rate": "fast"},
        {
            "bond_downdelay": "200",
            "lacp-system-id": "02:00:00:00:00:01",
            "lacp-system-priority": "7",
            "lacp-time": "fast",
        },
    ),
]


@pytest.mark.parametrize(("mode", "options", "there"), PAIRS)
def test_options_have_a_counterpart_and_come_back(
    mode: str, options: Mapping[str, str], there: Mapping[str, str]
) -> None:
    assert ovs_bond_problem("bond0", mode, options) is None
    bond = ovs_bond(mode, options)
    assert bond.options == there
    port = OvsPort(name="bond0", bridge="sw", bond_mode=bond.bond_mode, lacp=bond.lacp, options=bond.options)
    assert (kernel_bond_mode(port), kernel_bond_options(port)) == (mode, options)


@pytest.mark.parametrize(
    ("policy", "mode", "ovs_mode"),
    [
        ("layer2+3", "802.3ad", "balance-tcp"),
        ("layer3+4", "802.3ad", "balance-tcp"),
        ("vlan+srcmac", "802.3ad", "balance-slb"),
        ("vlan+srcmac", "balance-xor", "balance-slb"),
    ],
)
def test_who_shares_frames_how(policy: str, mode: str, ovs_mode: str) -> None:
    options = {"xmit_hash_policy": policy}
    assert ovs_bond_problem("bond0", mode, options) is None
    assert (ovs_bond(mode, options).bond_mode, ovs_bond(mode, options).options) == (ovs_mode, {})


@pytest.mark.parametrize(
    ("mode", "options", "words"),
    [
        ("active-backup", {"arp_interval": "100"}, "has no option arp_interval"),
        ("active-backup", {"fail_over_mac": "active"}, "has no option fail_over_mac"),
        ("balance-xor", {"xmit_hash_policy": "layer3+4"}, "cannot distribute frames by layer3+4 in mode balance-xor"),
        ("802.3ad", {"xmit_hash_policy": "encap2+3"}, "cannot distribute frames by encap2+3"),
        ("802.3ad", {"miimon": "0"}, "always monitors the links"),
        ("active-backup", {"use_carrier": "0"}, "needs a miimon above 0"),
    ],
)
def test_options_without_a_counterpart_are_refused(mode: str, options: Mapping[str, str], words: str) -> None:
    assert words in str(ovs_bond_problem("bond0", mode, options))
