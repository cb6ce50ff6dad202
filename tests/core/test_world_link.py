"""What nobody can know of a link while steps are played on it."""

from __future__ import annotations

from dataclasses import replace

from netweft.core.host import Bond, Bridge, Nic
from netweft.core.world_link import UNKNOWN, WorldLink

MAC = "02:00:00:00:00:01"


def test_unknown_values_equal_no_desired_value_and_are_left_out_of_the_host() -> None:
    link = WorldLink(Bond(name="bond0", mtu=1500, mac=MAC, mode="802.3ad"))
    assert (link.mtu, link.mac) == (1500, MAC)
    link.mtu = link.mac = UNKNOWN
    assert UNKNOWN not in {0, "", 1500, MAC}
    assert link.freeze() == replace(link.value, mtu=0, mac="")
    assert str(link.mtu) == "not known"


def test_what_a_host_leaves_open_is_unknown() -> None:
    bridge = Bridge(name="blue", mtu=0, mac="")
    link = WorldLink(bridge)
    assert (link.mtu, link.mac) == (UNKNOWN, UNKNOWN)
    assert link.freeze() is bridge


def test_ipv6_needs_an_mtu_that_is_known_to_have_room_for_it() -> None:
    link = WorldLink(Nic(name="eth0", mtu=1280))
    assert link.has_room_for_ipv6
    link.mtu = 1279
    assert not link.has_room_for_ipv6
    link.mtu = UNKNOWN
    assert not link.has_room_for_ipv6
