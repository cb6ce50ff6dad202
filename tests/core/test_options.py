"""How options that users write become what a kernel reports."""

from __future__ import annotations

import pytest

from netweft.core.options import (
    bond_default,
    bond_mode,
    bond_options,
    bond_problem,
    bridge_options,
    bridge_problem,
    repeated,
)


@pytest.mark.parametrize(
    ("text", "mode"), [("0", "balance-rr"), ("4", "802.3ad"), ("active-backup", "active-backup"), ("9", "9")]
)
def test_bond_mode(text: str, mode: str) -> None:
    assert bond_mode(text) == mode


def test_bond_options_are_those_that_differ_from_the_mode_by_their_kernel_names() -> None:
    written = {
        "mode": "4",
        "miimon": "100",
        "xmit_hash_policy": "2",
        "lacp_rate": "fast",
        "num_grat_arp": "3",
        "odd": "1",
    }
    assert bond_options(written) == {
        "lacp_rate": "fast",
        "num_peer_notif": "3",
        "odd": "1",
        "xmit_hash_policy": "layer2+3",
    }
    assert bond_options({"mode": "1", "miimon": "100", "xmit_hash_policy": "0"}) == {"miimon": "100"}
    assert bond_options({"mode": "1", "xmit_hash_policy": "17"}) == {"xmit_hash_policy": "17"}


def test_bond_options_are_written_as_the_kernel_writes_them() -> None:
    written = {
        "mode": "802.3ad",
        "miimon": "0250",
        "updelay": " 500",
        "ad_actor_system": "02:AB:00:00:00:01",
        "lacp_rate": "9",
        "min_links": "1" + "0" * 5000,
    }
    assert bond_options(written) == {
        "ad_actor_system": "02:ab:00:00:00:01",
        "lacp_rate": "9",
        "miimon": "250",
        "min_links": "1" + "0" * 5000,
        "updelay": "500",
    }
    assert (
        bond_options({"mode": "1", "arp_ip_target": "192.0.2.2, 192.0.2.1"})["arp_ip_target"] == "192.0.2.2,192.0.2.1"
    )
    assert bond_mode("1" + "0" * 5000) == "1" + "0" * 5000


def test_what_the_kernel_takes_of_bond_options() -> None:
    for mode, options in (
        ("active-backup", {"miimon": "100", "updelay": "200", "primary": "eth0"}),
        ("active-backup", {"arp_interval": "100", "arp_ip_target": "192.0.2.1,192.0.2.2", "arp_validate": "all"}),
        ("802.3ad", {"updelay": "300", "ad_actor_system": "02:00:00:00:00:01"}),
        ("802.3ad", {"miimon": "0"}),
    ):
        assert bond_problem("bond0", mode, options) is None


def test_the_first_that_is_there_twice() -> None:
    assert [repeated(names) for names in ("", "abc", "abcbc")] == ["", "", "b"]


def test_miimon_is_on_in_modes_that_cannot_do_without() -> None:
    assert [bond_default(mode, "miimon") for mode in ("802.3ad", "active-backup")] == ["100", "0"]


def test_bridge_options() -> None:
    text = "priority=32768 ageing_time=500 group_fwd_mask=8 odd=x hello_time=soon multicast_snooping"
    assert bridge_options(text) == {
        "ageing_time": "500",
        "group_fwd_mask": "0x8",
        "hello_time": "soon",
        "multicast_snooping": "",
        "odd": "x",
    }


@pytest.mark.parametrize("option", ["hello_time=101", "multicast_startup_query_interval=98", "ageing_time=4294967295"])
def test_times_of_bridges_that_kernels_round_are_refused(option: str) -> None:
    assert bridge_problem("br", bridge_options(option), stp=False)
    assert (
        bridge_problem("br", bridge_options("hello_time=102 multicast_startup_query_interval=3125"), stp=False) is None
    )
