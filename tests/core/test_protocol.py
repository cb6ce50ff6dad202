"""What the values that travel between engine and agent say."""

from __future__ import annotations

from dataclasses import replace

from netweft.core.guest_protocol import GuestNic
from netweft.core.hot_plug import FIXED_WHILE_PLUGGED, apply_hot_pluggable, apply_on_arrival

NIC = GuestNic(id="1", name="nic1", mac="02:00:00:00:00:01", bridge="blue")
OTHER = replace(
    NIC,
    mac="02:00:00:00:00:02",
    bridge="red",
    mtu=9000,
    model="e1000",
    queues=4,
    boot_order=1,
    port="p",
    tag=100,
    function="0000:01:10.0",
    profile="0x5",
    guid="0002c90000000001",
    standby="2",
    stands_by=True,
)


def test_a_vnic_that_is_not_plugged_in_becomes_what_is_wanted() -> None:
    assert apply_hot_pluggable([], [OTHER]) == (OTHER,)


def test_vnics_are_identified_by_their_ids() -> None:
    second, third = replace(OTHER, id="2"), replace(NIC, id="3")
    assert apply_hot_pluggable([third, second, NIC], [OTHER, second]) == (replace(NIC, bridge="red", tag=100), second)


def test_a_virtual_function_that_is_plugged_in_changes_in_nothing() -> None:
    function = replace(NIC, bridge="", function="0000:01:10.0", tag=100)
    assert apply_hot_pluggable([function], [replace(function, name="nic2", tag=200)]) == (
        replace(function, name="nic2"),
    )


def test_a_vnic_that_is_plugged_in_keeps_what_cannot_change() -> None:
    assert apply_hot_pluggable([NIC], [OTHER]) == (replace(NIC, bridge="red", tag=100),)
    assert all(getattr(NIC, name) != getattr(OTHER, name) for name in FIXED_WHILE_PLUGGED)


def test_what_a_guest_has_of_a_card_is_another_where_it_arrives() -> None:
    here = replace(NIC, bridge="dyn1", function="0000:81:00.1", profile="nw-red")
    there = replace(here, bridge="dyn2", function="0000:82:00.1")
    assert apply_on_arrival([here], [there]) == (there,)
    assert apply_on_arrival([here], []) == ()
    function = replace(NIC, bridge="", function="0000:03:10.0")
    assert apply_on_arrival([function], [replace(function, function="0000:03:10.2")]) == (function,)
    bridged = replace(NIC, bridge="red")
    assert apply_on_arrival([NIC], [bridged]) == apply_hot_pluggable([NIC], [bridged])
    assert apply_on_arrival([here], [bridged]) == (here,)
