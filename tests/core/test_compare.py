"""Differences in words."""

from __future__ import annotations

from dataclasses import replace

from core.strategies import mac_of, machine
from netweft.core.compare import differences
from netweft.core.host import (
    FOREIGN_SHAPING,
    Address,
    Bond,
    Bridge,
    Host,
    Nic,
    OvsBridge,
    OvsPort,
    Route,
    Rule,
    TrafficClass,
    Vlan,
)

A = Address(ip="192.0.2.1", prefix=24)


def owned(host: Host) -> Host:
    return replace(host, nics={name: replace(nic, owner="base") for name, nic in host.nics.items()})


def test_every_field_has_its_words() -> None:
    desired = Host(
        nics={"eth0": Nic(name="eth0", owner="n", addresses=(A,), autoconf=True)},
        bonds={"bond0": Bond(name="bond0", owner="n", options={"updelay": "5", "miimon": "9"})},
        bridges={"br": Bridge(name="br", owner="n", stp=True)},
        vlans={"v": Vlan(name="v", owner="n", base="eth0", tag=1)},
        routes=(Route(to="10.0.0.0/8", link="eth0"),),
        rules=(Rule(table=7, priority=1, source="10.0.0.0/8"),),
        ovs_bridges={"sw": OvsBridge(name="sw", owner="n"), "sw1": OvsBridge(name="sw1")},
        ovs_ports={"p": OvsPort(name="p", owner="n", bridge="sw", interfaces=("p",))},
        dns=("192.0.2.53",),
    )
    there = Host(
        nics={"eth0": Nic(name="eth0", owner="n", mtu=9000, master="bond0")},
        bonds={"bond0": Bond(name="bond0", owner="n")},
        bridges={"v": Bridge(name="v", owner="n")},
        routes=(Route(to="0.0.0.0/0", link="eth0", via="192.0.2.9", table=7),),
        rules=(Rule(table=7, priority=1, destination="10.0.0.0/8"),),
        ovs_bridges={"sw2": OvsBridge(name="sw2", owner="n"), "sw1": OvsBridge(name="sw1", stp=True)},
        ovs_ports={"p": OvsPort(name="p", owner="n", bridge="sw", interfaces=("p",), tag=0)},
    )
    assert differences(desired, there) == (
        "bond0: options should be miimon=9 updelay=5, and is none",
        "br is missing",
        "eth0: mtu should be 1500, and is 9000",
        "eth0: master should be none, and is bond0",
        "eth0: addresses should be 192.0.2.1/24, and is none",
        "eth0: autoconf should be on, and is off",
        "v should be a Vlan, and is a Bridge",
        "OVS bridge sw is missing",
        "OVS bridge sw2 exists, and should not",
        "OVS port p: tag should be none, and is 0",
        "the route to 10.0.0.0/8 over eth0 is missing",
        "the route to 0.0.0.0/0 via 192.0.2.9 over eth0 in table 7 exists, and should not",
        "the rule from 10.0.0.0/8 to table 7 is missing",
        "the rule to 10.0.0.0/8 to table 7 exists, and should not",
        "the resolvers should be 192.0.2.53, and are none",
    )


def test_classes_of_traffic_have_words() -> None:
    rest = TrafficClass(tag=None, share=10)
    vlan = TrafficClass(tag=7, share=100, upper_limit=10**9, real_time=1500)
    desired = Host(nics={"eth0": Nic(name="eth0", owner="n", shaping=(rest, vlan))})
    for there, words in (
        ((), "none"),
        ((FOREIGN_SHAPING,), "something that others changed"),
        ((rest,), "the rest with share 10"),
    ):
        should = "the rest with share 10, VLAN 7 with share 100, at most 1000 Mbit/s, 1500 bit/s promised"
        assert differences(desired, with_shaping(desired, *there)) == (
            f"eth0: shaping should be {should}, and is {words}",
        )


def with_shaping(host: Host, *shaping: TrafficClass) -> Host:
    return host.with_link(replace(host.nics["eth0"], shaping=shaping))


def test_undesired_or_unknown_values_are_no_difference() -> None:
    now = owned(machine(("eth0",)))
    loose = replace(now, nics={"eth0": replace(now.nics["eth0"], mac="", mtu=0)})
    assert differences(loose, now) == ()
    assert differences(now, loose) == ()
    bond = {"bond0": Bond(name="bond0", owner="n")}
    port = Host(nics={"eth0": Nic(name="eth0", owner="n", master="bond0", mac=mac_of(1))}, bonds=bond)
    assert differences(port, replace(port, nics={"eth0": replace(port.nics["eth0"], mac=mac_of(2))})) == ()


def test_only_what_is_ours_or_watched_counts() -> None:
    before = machine(("eth0", "eth1"))
    after = replace(before, nics={"eth0": replace(before.nics["eth0"], mtu=9000)})
    assert differences(before, after) == ()
    assert differences(before, after, watch=("eth0", "eth1", "eth2")) == (
        "eth0: mtu should be 1500, and is 9000",
        "eth1 is missing",
    )
    assert differences(Host(), owned(before)) == (
        "eth0 exists, and should not",
        "eth1 exists, and should not",
    )
