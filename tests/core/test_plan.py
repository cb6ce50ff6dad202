"""Where no plan leads, and a few ways that random hosts seldom take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.strategies import mac_of, machine
from netweft.core import steps as s
from netweft.core.compare import differences
from netweft.core.host import (
    FOREIGN_SHAPING,
    Address,
    Bond,
    Bridge,
    GuestPort,
    Host,
    Nic,
    OvsBridge,
    OvsPort,
    Route,
    Rule,
    TrafficClass,
    Vlan,
)
from netweft.core.plan import PlanError, plan
from netweft.core.simulate import simulate_all

BARE = machine(("eth0", "eth1"))


def marked(host: Host) -> Host:
    return replace(host, nics={name: replace(nic, owner="base") for name, nic in host.nics.items()})


def with_links(host: Host, *links: object) -> Host:
    for link in links:
        host = host.with_link(link)  # type: ignore[arg-type] # links
    return host


OURS = marked(BARE)
THEIR_ROUTE = Route(to="0.0.0.0/0", link="eth1", via="10.0.0.9", protocol=3)
A = Address(ip="192.0.2.1", prefix=24)
DEFAULT = Route(to="0.0.0.0/0", link="eth0", via="192.0.2.1")

NO_WAY = [
    (BARE, with_links(OURS, Nic(name="eth9", owner="base")), "There is no NIC eth9"),
    (
        with_links(BARE, Bridge(name="br0")),
        with_links(BARE, Bridge(name="br0", owner="n")),
        "br0 exists on the host and was not made by Netweft",
    ),
    (BARE, with_links(BARE, Bridge(name="eth0", owner="n")), "eth0 exists on the host and was not made by Netweft"),
    (replace(BARE, unmanaged=("wg0",)), with_links(BARE, Bridge(name="wg0", owner="n")), "wg0 exists"),
    (
        replace(BARE, guest_ports={"tap0": GuestPort(name="tap0", vnic="v", bridge="")}),
        with_links(BARE, Bridge(name="tap0", owner="n")),
        "tap0 exists",
    ),
    (
        replace(BARE, ovs_bridges={"sw": OvsBridge(name="sw")}),
        replace(BARE, ovs_bridges={"sw": OvsBridge(name="sw", owner="n")}),
        "sw exists",
    ),
    (
        replace(BARE, ovs_ports={"eth0": OvsPort(name="eth0", bridge="sw", interfaces=("eth0",))}),
        replace(BARE, ovs_ports={"eth0": OvsPort(name="eth0", owner="n", bridge="sw", interfaces=("eth0",))}),
        "OVS port eth0 exists",
    ),
    (
        with_links(BARE, Vlan(name="theirs", base="eth0", tag=7)),
        with_links(OURS, Vlan(name="eth0.7", owner="n", base="eth0", tag=7)),
        "theirs was not made by Netweft",
    ),
    (
        with_links(BARE, Bond(name="bond0", owner="base"), Vlan(name="theirs", base="bond0", tag=7)),
        BARE,
        "theirs was not made by Netweft",
    ),
    (BARE, with_links(BARE, Vlan(name="v", owner="n", base="eth9", tag=7)), "its base eth9 is not on the host"),
    (
        BARE,
        with_links(BARE, Vlan(name="v", owner="n", base="eth0", tag=7, mtu=9000)),
        "needs an MTU of 9000, and eth0 has 1500",
    ),
    (
        BARE,
        with_links(OURS, Vlan(name="v", owner="n", base="eth0", tag=7, mtu=9000)),
        "needs an MTU of 9000, and eth0 has 1500",
    ),
    (
        BARE,
        with_links(BARE, Bridge(name="br", owner="n"), Vlan(name="v", owner="n", base="br", tag=7, master="br")),
        "depends on itself",
    ),
    (BARE, replace(BARE, routes=(Route(to="10.0.0.0/8", link="eth9"),)), "goes over eth9, which is not on the host"),
    (
        with_links(OURS, replace(OURS.nics["eth0"], queueing="fq 8001:")),
        with_links(OURS, replace(OURS.nics["eth0"], shaping=(TrafficClass(tag=None, share=1),))),
        "eth0 has a queueing discipline that Netweft did not make (fq 8001:)",
    ),
    (
        replace(BARE, routes=(THEIR_ROUTE,)),
        replace(BARE, routes=(Route(to="0.0.0.0/0", link="eth0", via="192.0.2.9"),)),
        "was not made by Netweft and conflicts",
    ),
    (
        replace(OURS, routes=(Route(to="0.0.0.0/0", link="eth0", via="192.0.2.9"),)),
        replace(OURS, routes=(DEFAULT, replace(DEFAULT, link="eth1"))),
        "two routes to 0.0.0.0/0 in table 254 with metric 0: over eth0 via 192.0.2.1 and over eth1 via 192.0.2.1",
    ),
    (
        OURS,
        replace(OURS, routes=(replace(DEFAULT, via=""), DEFAULT)),
        "two routes to 0.0.0.0/0 in table 254 with metric 0: over eth0 and over eth0 via 192.0.2.1",
    ),
    (
        OURS,
        replace(
            OURS,
            routes=(
                Route(to="::/0", link="eth0", via="fe80::1", metric=1024),
                Route(to="::/0", link="eth1", via="fe80::1"),
            ),
        ),
        "two routes to ::/0 in table 254 with metric 0",
    ),
]


@pytest.mark.parametrize(("current", "desired", "why"), NO_WAY, ids=[why for _, _, why in NO_WAY])
def test_no_way(current: Host, desired: Host, why: str) -> None:
    with pytest.raises(PlanError) as refusal:
        plan(current, desired)
    assert why in refusal.value.text


def reach(current: Host, desired: Host) -> list[s.Step]:
    steps = plan(current, desired)
    after = simulate_all(current, steps)
    assert differences(desired, after) == ()
    assert plan(after, desired) == []
    return steps


def test_an_unused_nic_is_released() -> None:
    mine = with_links(
        OURS, Nic(name="eth0", owner="base", mtu=9000, mac=mac_of(9), addresses=(A,), facts=BARE.nics["eth0"].facts)
    )
    steps = plan(mine, Host())
    after = simulate_all(mine, steps)
    assert after.nics["eth0"] == BARE.nics["eth0"]
    assert steps[-2:] == [s.SetOwner("eth0", ""), s.SetOwner("eth1", "")]


def test_vlans_over_vlans_get_room_from_below() -> None:
    desired = with_links(
        marked(machine(("eth0", "eth1"), mtu=9000)),
        Vlan(name="outer", owner="n", base="eth0", tag=1, mtu=9000),
        Vlan(name="inner", owner="n", base="outer", tag=2, mtu=9000),
    )
    small = with_links(OURS, Vlan(name="outer", owner="n", base="eth0", tag=1))
    reach(small, desired)


def test_names_of_links_and_ovs_bridges_are_one_space() -> None:
    linux = with_links(OURS, Bridge(name="x", owner="n"), Vlan(name="y", owner="n", base="eth0", tag=1))
    internal = OvsPort(name="y", owner="n", bridge="x", dhcp4=True)
    ovs = replace(OURS, ovs_bridges={"x": OvsBridge(name="x", owner="n")}, ovs_ports={"y": internal})
    reach(linux, ovs)
    steps = reach(ovs, linux)
    assert steps[0] == s.SetDhcp("y", dhcp4=False, dhcp6=False)


def test_an_ovs_bridge_with_another_datapath_is_made_anew_with_its_ports() -> None:
    port = OvsPort(name="eth0", owner="n", bridge="x", interfaces=("eth0",))
    old = replace(OURS, ovs_bridges={"x": OvsBridge(name="x", owner="n")}, ovs_ports={"eth0": port})
    reach(old, replace(old, ovs_bridges={"x": OvsBridge(name="x", owner="n", datapath="netdev")}))
    reach(
        old,
        replace(
            old, ovs_bridges={"x": OvsBridge(name="x", owner="n", stp=True)}, ovs_ports={"eth0": replace(port, tag=4)}
        ),
    )


def test_an_ovs_bond_of_bonds_follows_a_bond_that_is_made_anew() -> None:
    door = OvsPort(name="bond0", owner="n", bridge="x", interfaces=("bond0",))
    old = with_links(
        replace(OURS, ovs_bridges={"x": OvsBridge(name="x", owner="n")}, ovs_ports={"bond0": door}),
        Bond(name="bond0", owner="base"),
    )
    reach(old, with_links(old, Bond(name="bond0", owner="base", mode="802.3ad")))


def test_marks_on_virtual_things_can_be_taken_away_too() -> None:
    ours = with_links(
        replace(
            OURS,
            ovs_bridges={"x": OvsBridge(name="x", owner="n")},
            ovs_ports={"eth0": OvsPort(name="eth0", owner="n", bridge="x", interfaces=("eth0",))},
        ),
        Bridge(name="br", owner="n"),
        OvsPort(name="int0", owner="n", bridge="x"),
    )
    theirs = with_links(
        replace(
            BARE,
            ovs_bridges={"x": OvsBridge(name="x")},
            ovs_ports={"eth0": OvsPort(name="eth0", bridge="x", interfaces=("eth0",))},
        ),
        Bridge(name="br"),
        OvsPort(name="int0", bridge="x"),
    )
    after = simulate_all(ours, plan(ours, theirs))
    assert after == theirs


REST = TrafficClass(tag=None, share=100)
CLASSES = (REST, TrafficClass(tag=1, share=50), TrafficClass(tag=2, share=100, upper_limit=10**9))


def shaped(host: Host, *shaping: TrafficClass) -> Host:
    return with_links(host, replace(host.nics["eth0"], shaping=shaping))


def test_traffic_classes_come_change_and_go() -> None:
    assert reach(OURS, shaped(OURS, *CLASSES)) == [
        s.StartShaping("eth0", REST),
        s.AddTrafficClass("eth0", CLASSES[1]),
        s.AddTrafficClass("eth0", CLASSES[2]),
    ]
    less = TrafficClass(tag=None, share=1)
    other = TrafficClass(tag=3, share=7)
    assert reach(shaped(OURS, *CLASSES), shaped(OURS, less, CLASSES[1], other)) == [
        s.RemoveTrafficClass("eth0", 2),
        s.SetTrafficClass("eth0", less),
        s.AddTrafficClass("eth0", other),
    ]
    assert reach(shaped(OURS, *CLASSES), OURS) == [s.StopShaping("eth0")]
    released = plan(shaped(OURS, *CLASSES), Host())
    assert released.index(s.StopShaping("eth0")) < released.index(s.SetOwner("eth0", ""))


def test_shaping_comes_before_anything_that_a_kernel_without_it_would_leave_behind() -> None:
    old = with_links(OURS, Bridge(name="gone", owner="n"))
    steps = reach(old, with_links(shaped(OURS, REST), Vlan(name="v", owner="n", base="eth0", tag=1)))
    assert steps[0] == s.StartShaping("eth0", REST)
    bond = Bond(name="bond0", owner="base", shaping=(REST,))
    anew = reach(with_links(OURS, replace(bond, mode="802.3ad")), with_links(OURS, bond))
    assert anew[1:3] == [s.CreateLink(bond), s.StartShaping("bond0", REST)]


def test_shaping_that_others_changed_is_made_anew_but_never_had_back() -> None:
    altered = shaped(OURS, FOREIGN_SHAPING)
    assert reach(altered, shaped(OURS, *CLASSES))[:2] == [s.StopShaping("eth0"), s.StartShaping("eth0", REST)]
    assert reach(altered, OURS) == [s.StopShaping("eth0")]
    assert plan(OURS, altered) == []


def test_shaping_that_is_not_ours_stays() -> None:
    theirs = with_links(OURS, replace(OURS.nics["eth0"], queueing="fq 8001:"))
    assert plan(theirs, OURS) == []
    mine = with_links(BARE, replace(BARE.nics["eth0"], shaping=(REST,)))
    assert plan(mine, BARE) == []


def test_what_is_not_ours_on_either_side_is_not_looked_at() -> None:
    theirs = with_links(
        replace(
            BARE,
            ovs_bridges={"x": OvsBridge(name="x")},
            ovs_ports={"eth0": OvsPort(name="eth0", bridge="x", interfaces=("eth0",))},
            routes=(THEIR_ROUTE,),
        ),
        Bridge(name="br"),
    )
    assert plan(BARE, theirs) == []
    assert plan(theirs, BARE) == []


def test_the_prefix_of_an_address_changes_without_the_address_going_when_the_kernel_allows() -> None:
    v6 = Address(ip="2001:db8::1", prefix=64)
    old = with_links(OURS, Nic(name="eth0", owner="n", addresses=(A, v6)))
    wide, wide6 = replace(A, prefix=16), replace(v6, prefix=48)
    steps = reach(old, with_links(old, Nic(name="eth0", owner="n", addresses=(wide, wide6))))
    assert steps == [
        s.RemoveAddress("eth0", v6),
        s.AddAddress("eth0", wide),
        s.AddAddress("eth0", wide6),
        s.RemoveAddress("eth0", A),
    ]


def test_addresses_that_links_exchange() -> None:
    b = Address(ip="2001:db8::2", prefix=64)
    old = with_links(OURS, Nic(name="eth0", owner="n", addresses=(A,)), Nic(name="eth1", owner="n", addresses=(b,)))
    new = with_links(OURS, Nic(name="eth0", owner="n", addresses=(b,)), Nic(name="eth1", owner="n", addresses=(A,)))
    reach(old, new)


def test_routes_that_come_by_themselves_are_left_to_those_who_bring_them() -> None:
    lease, advertised = replace(THEIR_ROUTE, protocol=16), Route(to="::/0", link="eth1", via="fe80::1", protocol=9)
    leased = replace(advertised, to="fd00::/8", protocol=16)
    connected = Route(to="10.0.0.0/24", link="eth1", protocol=2)
    now = replace(OURS, routes=(connected, lease, advertised, leased))
    wants = with_links(OURS, Nic(name="eth1", owner="base", dhcp4=True, dhcp6=True, autoconf=True))
    assert plan(with_links(now, wants.nics["eth1"]), wants) == []
    assert plan(now, OURS) == [s.RemoveRoute(lease), s.RemoveRoute(advertised), s.RemoveRoute(leased)]


def test_a_route_that_is_wanted_twice_is_made_once() -> None:
    once = Route(to="::/0", link="eth0", via="fe80::1")
    assert plan(OURS, replace(OURS, routes=(once, once, replace(once, metric=1024)))) == [s.AddRoute(once)]


def test_the_same_prefix_with_another_metric_or_table_is_another_route() -> None:
    now = with_links(OURS, Nic(name="eth0", owner="n", addresses=(replace(A, ip="192.0.2.5"),)))
    reach(now, replace(now, routes=(DEFAULT, replace(DEFAULT, metric=5), replace(DEFAULT, table=7))))


def test_a_route_over_what_goes_is_not_removed_for_itself() -> None:
    over = with_links(OURS, Bridge(name="br", owner="n", addresses=(A,)))
    now = replace(over, routes=(Route(to="10.0.0.0/8", link="br", via="192.0.2.9"),))
    assert plan(now, OURS) == [s.DeleteLink("br")]


def test_a_port_that_went_with_another_port_needs_no_step() -> None:
    """Both the old bond and a VLAN device over it are ports of a bridge that stays."""
    old = with_links(
        OURS,
        Bridge(name="br", owner="n"),
        Bond(name="bond0", owner="base", master="br"),
        Vlan(name="v", owner="n", base="bond0", tag=1, master="br"),
    )
    assert plan(old, with_links(OURS, Bridge(name="br", owner="n"))) == [s.DeleteLink("bond0")]


def test_a_vlan_device_under_another_name_makes_room_first() -> None:
    old = with_links(OURS, Vlan(name="old", owner="n", base="eth0", tag=7))
    steps = reach(old, with_links(OURS, Vlan(name="new", owner="n", base="eth0", tag=7)))
    assert steps[0] == s.DeleteLink("old")


def test_ports_move_from_a_bond_to_a_bridge_and_on_to_the_next() -> None:
    bond = with_links(OURS, Bond(name="bond0", owner="base"), Nic(name="eth0", owner="base", master="bond0"))
    first = with_links(OURS, Bridge(name="a", owner="n"), Nic(name="eth0", owner="base", master="a"))
    second = with_links(
        OURS, Bridge(name="a", owner="n"), Bridge(name="b", owner="n"), Nic(name="eth0", owner="base", master="b")
    )
    assert s.SetMaster("eth0", "") in reach(bond, first)
    steps = reach(first, second)
    assert steps.index(s.SetMaster("eth0", "")) < steps.index(s.SetMaster("eth0", "b"))


def test_the_mtu_that_a_port_has_after_its_bond_may_have_no_room_for_ipv6() -> None:
    bond = Bond(name="bond0", owner="base")
    port = Nic(name="eth0", owner="base", master="bond0", up=True, autoconf=True)
    over = Vlan(name="v", owner="n", base="eth0", tag=1, up=True, autoconf=True)
    old = with_links(OURS, bond, port, over)
    off, leave = s.SetAutoconf("eth0", on=False), s.SetMaster("eth0", "")
    mtu, on, up = s.SetMtu("eth0", 1500), s.SetAutoconf("eth0", on=True), s.SetUp("eth0", up=True)
    steps = reach(old, with_links(OURS, replace(port, master=""), over))
    assert [step for step in steps if step in {off, leave, mtu, on, up}] == [off, leave, mtu, on, up]
    assert steps[:2] == [off, s.SetAutoconf("v", on=False)]
    other_mode = with_links(old, replace(bond, mode="802.3ad"))
    assert reach(old, other_mode)[:3] == [off, s.SetAutoconf("v", on=False), s.DeleteLink("bond0")]
    assert reach(old, with_links(old, replace(port, autoconf=False))) == [off]


def test_the_mac_of_the_port_that_happened_to_be_active_is_not_wanted_back() -> None:
    bond = Bond(name="bond0", owner="base", mac=mac_of(0), options={"fail_over_mac": "active"})
    ports = [replace(OURS.nics[name], master="bond0") for name in ("eth0", "eth1")]
    vlan, own = (Vlan(name=f"v{tag}", owner="n", base="bond0", tag=tag, mac=mac_of(tag)) for tag in (0, 9))
    checkpoint = with_links(OURS, *ports, bond, vlan, own)
    now = with_links(checkpoint, *(replace(one, mac=mac_of(1)) for one in (bond, vlan, own)))
    assert differences(checkpoint, now) == (f"v9: mac should be {mac_of(9)}, and is {mac_of(1)}",)
    assert plan(now, checkpoint) == [s.SetMac("v9", mac_of(9))]


def test_a_bond_that_is_not_ours_keeps_its_ports() -> None:
    port = Nic(name="eth0", owner="base", master="theirs", up=True, autoconf=True)
    now = with_links(OURS, Bond(name="theirs"), port)
    assert plan(now, with_links(now, replace(port, mtu=9000))) == [s.SetMtu("eth0", 9000)]


def test_options_of_a_bond_change_while_it_is_up_if_the_kernel_lets_them() -> None:
    lacp = Bond(name="bond0", owner="base", mode="802.3ad", mtu=9000)
    old = with_links(OURS, lacp, Nic(name="eth0", owner="base", master="bond0", mtu=9000))
    slow = with_links(old, replace(lacp, options={"miimon": "250"}))
    assert reach(old, slow) == [s.SetBondOptions("bond0", (("miimon", "250"),))]
    fast = with_links(old, replace(lacp, options={"lacp_rate": "fast"}))
    assert s.SetUp("bond0", up=False) in reach(slow, fast)
    small = with_links(old, replace(lacp, mtu=1400), replace(old.nics["eth0"], mtu=1400))
    assert reach(old, small) == [s.SetMtu("bond0", 1400)]


def test_an_ovs_port_goes_or_changes_hands() -> None:
    port = OvsPort(name="eth0", owner="n", bridge="x", interfaces=("eth0",))
    old = replace(OURS, ovs_bridges={"x": OvsBridge(name="x", owner="n")}, ovs_ports={"eth0": port})
    assert reach(old, replace(old, ovs_ports={})) == [s.DeleteOvsPort("eth0")]
    pair = replace(port, interfaces=("eth0", "eth1"), bond_mode="active-backup")
    assert reach(old, replace(old, ovs_ports={"eth0": pair}))[0] == s.DeleteOvsPort("eth0")


def test_an_address_comes_to_a_link_that_has_others() -> None:
    b = Address(ip="198.51.100.1", prefix=24)
    old = with_links(OURS, Nic(name="eth0", owner="n", addresses=(A,)), Nic(name="eth1", owner="n", addresses=(b,)))
    new = with_links(OURS, Nic(name="eth0", owner="n", addresses=(A, b)), Nic(name="eth1", owner="n"))
    assert reach(old, new) == [s.RemoveAddress("eth1", b), s.AddAddress("eth0", b), s.Announce("eth0")]


def test_rules_and_routes_give_way_to_others() -> None:
    near = with_links(OURS, Nic(name="eth0", owner="n", addresses=(replace(A, ip="192.0.2.5"),)))
    kept, gone, new = (Rule(table=7, priority=3200, source=f"10.0.{n}.0/24") for n in range(3))
    old = replace(near, rules=(kept, gone), routes=(DEFAULT,))
    other = replace(DEFAULT, via="192.0.2.2")
    assert reach(old, replace(near, rules=(kept, new), routes=(other,))) == [
        s.RemoveRoute(DEFAULT),
        s.AddRoute(other),
        s.AddRule(new),
        s.RemoveRule(gone),
    ]


def test_a_bridge_that_was_made_a_port_is_released() -> None:
    desired = Host(bridges={"br0": Bridge(name="br0", owner="n")})
    current = Host(bridges={"br0": Bridge(name="br0", owner="n", master="vrf0")}, unmanaged=("vrf0",))
    assert plan(current, desired) == [s.SetMaster("br0", "")]
