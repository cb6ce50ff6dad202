"""What the simulation refuses, one line per reason, and what happens by itself. The contract suite asks kernels the
same.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.strategies import mac_of, machine
from hosts import simulate
from netweft.core import steps as s
from netweft.core.host import (
    Address,
    Bond,
    Bridge,
    GuestPort,
    Host,
    Nic,
    NicFacts,
    OvsBridge,
    OvsPort,
    Route,
    Rule,
    TrafficClass,
    Vlan,
)
from netweft.core.simulate import StepRefusedError, simulate_all

A4, A6 = Address(ip="192.0.2.1", prefix=24), Address(ip="2001:db8::1", prefix=64)

REST, VLAN_7 = TrafficClass(tag=None, share=10), TrafficClass(tag=7, share=100, upper_limit=10**9, real_time=8)

HOST = Host(
    nics={
        "eth0": Nic(name="eth0", addresses=(A4, A6)),
        "eth1": Nic(name="eth1", master="bond0"),
        "eth2": Nic(name="eth2", up=False),
        "eth3": Nic(name="eth3", mtu=1000),
        "eth4": Nic(name="eth4"),
        "eth5": Nic(name="eth5", queueing="fq 8001:"),
    },
    bonds={"bond0": Bond(name="bond0", options={"miimon": "100"}, shaping=(REST, VLAN_7))},
    vlans={
        "eth0.1": Vlan(name="eth0.1", base="eth0", tag=1),
        "eth2.1": Vlan(name="eth2.1", base="eth2", tag=1, up=False),
        "br0.5": Vlan(name="br0.5", base="br0", tag=5),
    },
    bridges={"br0": Bridge(name="br0")},
    ovs_bridges={"sw0": OvsBridge(name="sw0")},
    ovs_ports={
        "int0": OvsPort(name="int0", bridge="sw0"),
        "eth4": OvsPort(name="eth4", bridge="sw0", interfaces=("eth4",)),
    },
    routes=(
        Route(to="10.0.0.0/8", link="eth0", via="192.0.2.9"),
        Route(to="10.9.0.0/16", link="eth0", table=7),
        Route(to="172.16.0.0/16", link="eth0", protocol=3),
    ),
    rules=(Rule(table=7, priority=3200, source="192.0.2.0/24"),),
    guest_ports={"tap0": GuestPort(name="tap0", vnic="v", bridge="br0")},
    unmanaged=("wg0",),
)

MAC = "02:00:00:00:00:99"


def vlan(**fields: object) -> s.CreateLink:
    return s.CreateLink(replace(Vlan(name="new", base="eth0", tag=9), **fields))


def bond(**fields: object) -> s.CreateLink:
    return s.CreateLink(replace(Bond(name="new"), **fields))


def bridge(**fields: object) -> s.CreateLink:
    return s.CreateLink(replace(Bridge(name="new"), **fields))


def port(**fields: object) -> s.CreateOvsPort:
    return s.CreateOvsPort(replace(OvsPort(name="new", bridge="sw0"), **fields))


REFUSED = [
    (s.StartShaping("eth9", REST), "there is no NIC or bond eth9"),
    (s.StartShaping("br0", REST), "there is no NIC or bond br0"),
    (s.StartShaping("eth5", REST), "eth5 has a queueing discipline already"),
    (s.StartShaping("bond0", REST), "bond0 has a queueing discipline already"),
    (s.StartShaping("eth0", replace(REST, share=0)), "a share of 0 is not between 1 and 100"),
    (s.StartShaping("eth0", replace(REST, share=101)), "a share of 101 is not between 1 and 100"),
    (s.StopShaping("eth9"), "the traffic of eth9 is not shaped"),
    (s.StopShaping("eth0"), "the traffic of eth0 is not shaped"),
    (s.AddTrafficClass("eth9", VLAN_7), "the traffic of eth9 is not shaped"),
    (s.AddTrafficClass("eth0", VLAN_7), "the traffic of eth0 is not shaped"),
    (s.AddTrafficClass("bond0", VLAN_7), "bond0 has class for VLAN 7 already"),
    (s.AddTrafficClass("bond0", REST), "bond0 has class for the rest already"),
    (s.AddTrafficClass("bond0", replace(VLAN_7, tag=4095)), "there is no VLAN 4095"),
    (s.SetTrafficClass("eth0", REST), "the traffic of eth0 is not shaped"),
    (s.SetTrafficClass("bond0", replace(VLAN_7, tag=8)), "bond0 has no class for VLAN 8"),
    (s.SetTrafficClass("bond0", replace(VLAN_7, real_time=0)), "0 bit/s is no limit"),
    (s.SetTrafficClass("bond0", replace(VLAN_7, upper_limit=9)), "9 bit/s is no limit"),
    (s.SetTrafficClass("bond0", replace(VLAN_7, upper_limit=8 << 32)), "34359738368 bit/s is no limit"),
    (s.RemoveTrafficClass("eth0", 7), "the traffic of eth0 is not shaped"),
    (s.RemoveTrafficClass("bond0", 8), "bond0 has no class for VLAN 8"),
    (bridge(name=""), "no name for a link"),
    (bridge(name="x" * 16), "no name for a link"),
    (bridge(name="a/b"), "no name for a link"),
    (bridge(name="a b"), "no name for a link"),
    (bridge(name=".."), "no name for a link"),
    (bridge(name="eth0"), "eth0 exists already"),
    (bridge(name="sw0"), "sw0 exists already"),
    (bridge(name="tap0"), "tap0 exists already"),
    (bridge(name="wg0"), "wg0 exists already"),
    (bridge(mtu=67), "MTU of 67"),
    (bridge(mtu=65536), "MTU of 65536"),
    (bridge(mac="nonsense"), "no MAC address"),
    (bridge(mac="02:00:00:00:00:0g"), "no MAC address"),
    (bridge(mac="01:00:00:00:00:00"), "not the MAC address of one station"),
    (bridge(mac="00:00:00:00:00:00"), "not the MAC address of one station"),
    (bridge(options={"colour": "red"}), "no option 'colour'"),
    (bridge(options={"priority": "65536"}), "priority cannot be"),
    (bridge(options={"priority": "high"}), "priority cannot be"),
    (bridge(options={"group_fwd_mask": "0x1"}), "bit 0, 1 or 2"),
    (bridge(options={"forward_delay": "100"}, stp=True), "forward_delay cannot be"),
    (bond(mode="best"), "no bond mode 'best'"),
    (bond(options={"colour": "red"}), "no option 'colour'"),
    (bond(options={"lacp_rate": "fast"}), "mode active-backup has no option lacp_rate"),
    (bond(options={"primary_reselect": "never"}), "primary_reselect cannot be 'never'"),
    (bond(options={"miimon": "abc"}), "miimon cannot be 'abc': use a number from 0 to 2147483647"),
    (bond(options={"num_peer_notif": "256"}), "a number from 0 to 255"),
    (bond(options={"primary": "eth9"}), "no link eth9 to be its primary"),
    (bond(options={"updelay": "100"}), "updelay is counted in intervals of miimon, which is not set"),
    (bond(options={"miimon": "100", "downdelay": "150"}), "a multiple of miimon, 100"),
    (bond(options={"miimon": "100", "arp_interval": "100"}), "arp_interval and miimon exclude each other"),
    (bond(options={"miimon": "100", "arp_validate": "all"}), "arp_validate and miimon exclude each other"),
    (bond(options={"arp_ip_target": "192.0.2.1,2001:db8::1"}), "arp_ip_target cannot have '2001:db8::1'"),
    (bond(options={"arp_ip_target": "0.0.0.1"}), "arp_ip_target cannot have '0.0.0.1'"),
    (bond(options={"arp_ip_target": "255.255.255.255"}), "arp_ip_target cannot have"),
    (bond(options={"arp_ip_target": "192.0.2.1,192.0.2.1"}), "arp_ip_target has 192.0.2.1 twice"),
    (bond(options={"arp_ip_target": ",".join(f"192.0.2.{n}" for n in range(1, 18))}), "has 17 addresses"),
    (bond(mode="802.3ad", options={"ad_actor_system": "01:00:00:00:00:01"}), "the MAC address of one station"),
    (bond(mode="802.3ad", options={"ad_actor_system": "mine"}), "the MAC address of one station"),
    (s.SetBondOptions("bond0", (("primary", "eth9"),)), "no link eth9 to be its primary"),
    (vlan(base="eth9"), "its base eth9 is not there"),
    (vlan(tag=4095), "there is no VLAN 4095"),
    (vlan(tag=1), "is there already, as eth0.1"),
    (vlan(mtu=1501), "more than the 1500 of eth0"),
    (s.DeleteLink("eth9"), "there is no link eth9"),
    (s.DeleteLink("eth0"), "is a NIC"),
    (s.DeleteLink("int0"), "is a port of sw0"),
    (s.SetOwner("eth9", "x"), "there is no link eth9"),
    (s.SetOwner("int0", "x"), "is a port of sw0"),
    (s.SetMaster("eth9", "br0"), "there is no link eth9"),
    (s.SetMaster("eth0", "br9"), "no link br9 to join"),
    (s.SetMaster("eth4", "br0"), "is part of OVS port eth4"),
    (s.SetMaster("eth0", "eth0.1"), "neither bond nor bridge"),
    (s.SetMaster("eth0.1", "bond0"), "is no NIC"),
    (s.SetMaster("eth0", "bond0"), "must be down"),
    (s.SetMaster("br0", "br0"), "is a bridge"),
    (s.SetMaster("br0.5", "br0"), "that is a loop"),
    (s.SetUp("eth9", up=True), "there is no link eth9"),
    (s.SetUp("eth2.1", up=True), "while its base eth2 is down"),
    (s.SetMtu("eth9", 1500), "there is no link eth9"),
    (s.SetMtu("eth0", 10), "MTU of 10"),
    (s.SetMtu("eth0.1", 10), "MTU of 10"),
    (s.SetMtu("eth0.1", 9000), "more than the 1500 of eth0"),
    (s.SetMac("eth9", MAC), "there is no link eth9"),
    (s.SetMac("eth0", ""), "no MAC address"),
    (s.SetBondOptions("br0", ()), "there is no bond br0"),
    (s.SetBondOptions("bond0", (("lacp_rate", "fast"),)), "has no option lacp_rate"),
    (s.SetBondOptions("bond0", (("fail_over_mac", "active"),)), "while the bond has ports"),
    (s.SetBridgeOptions("bond0", stp=True, options=()), "there is no bridge bond0"),
    (s.SetBridgeOptions("br0", stp=True, options=(("max_age", "1"),)), "max_age cannot be"),
    (s.SetAutoconf("eth9", on=True), "there is no link eth9"),
    (s.SetAutoconf("eth3", on=True), "no IPv6"),
    (s.SetDhcp("eth9", dhcp4=True, dhcp6=True), "there is no link eth9"),
    (s.AddAddress("eth9", A4), "there is no link eth9"),
    (s.AddAddress("eth1", Address(ip="192.0.2.256", prefix=24)), "is no address"),
    (s.AddAddress("eth3", A6), "no IPv6"),
    (s.AddAddress("eth0", A4), "has 192.0.2.1/24 already"),
    (s.AddAddress("eth0", Address(ip=A6.ip, prefix=48)), "has 2001:db8::1/64 already"),
    (s.RemoveAddress("eth9", A4), "there is no link eth9"),
    (s.RemoveAddress("eth1", A4), "has no address"),
    (s.AddRoute(Route(to="10.1.0.0/16", link="eth9")), "there is no link eth9"),
    (s.AddRoute(Route(to="10.1.0.1/16", link="eth0")), "that is no network"),
    (s.AddRoute(Route(to="10.1.0.0/16", link="eth2")), "eth2 is down"),
    (s.AddRoute(Route(to="fd00::/16", link="eth3")), "eth3: no IPv6 while its MTU is 1000"),
    (s.AddRoute(Route(to="10.0.0.0/8", link="bond0")), "already"),
    (s.AddRoute(Route(to="192.0.2.0/24", link="bond0")), "came into table 254 with an address"),
    (s.AddRoute(Route(to="10.1.0.0/16", link="eth0", via="198.51.100.1")), "not in a network of eth0"),
    (s.AddRoute(Route(to="10.1.0.0/16", link="eth0", via="10.9.0.1")), "not in a network of eth0"),
    (s.RemoveRoute(Route(to="10.1.0.0/16", link="eth0")), "there is no route"),
    (s.AddRule(Rule(table=7, priority=1)), "needs a source or a destination"),
    (s.AddRule(HOST.rules[0]), "is there already"),
    (s.RemoveRule(Rule(table=7, priority=1, source="10.0.0.0/8")), "there is no rule"),
    (s.CreateOvsBridge(OvsBridge(name="sw1", datapath="fast")), "no datapath 'fast'"),
    (s.CreateOvsBridge(OvsBridge(name="sw0")), "sw0 exists already"),
    (s.SetOvsBridge(OvsBridge(name="sw1")), "no OVS bridge sw1"),
    (s.SetOvsBridge(OvsBridge(name="sw0", datapath="netdev")), "cannot change its datapath"),
    (s.DeleteOvsBridge("sw1"), "no OVS bridge sw1"),
    (port(bridge="sw1"), "no OVS bridge sw1"),
    (port(name="int0"), "OVS port int0 exists"),
    (port(name="eth0"), "eth0 exists already"),
    (port(mtu=1), "MTU of 1"),
    (port(mac="x"), "no MAC address"),
    (port(tag=4096), "4096 are not all between"),
    (port(trunks=(1, -1)), "1, -1 are not all between"),
    (port(interfaces=("eth0",)), "has its name, eth0"),
    (port(name="eth9", interfaces=("eth9",)), "no NIC or bond eth9"),
    (port(name="br0", interfaces=("br0",)), "no NIC or bond br0"),
    (port(name="eth1", interfaces=("eth1",)), "eth1 is a port of bond0"),
    (port(interfaces=("eth0", "eth4")), "eth4 is part of OVS port eth4"),
    (port(interfaces=("eth0", "eth2"), bond_mode="best"), "no OVS bond mode 'best'"),
    (port(interfaces=("eth0", "eth2"), lacp="fast"), "LACP cannot be 'fast'"),
    (s.SetOvsPort(OvsPort(name="new", bridge="sw0")), "no OVS port new"),
    (s.SetOvsPort(OvsPort(name="eth4", bridge="sw0")), "cannot change its bridge or interfaces"),
    (s.SetOvsPort(OvsPort(name="int0", bridge="sw0", tag=5000)), "not all between"),
    (s.DeleteOvsPort("new"), "no OVS port new"),
]


@pytest.mark.parametrize(("step", "why"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_refused(step: s.Step, why: str) -> None:
    with pytest.raises(StepRefusedError, match=r".") as refusal:
        simulate(HOST, step)
    assert why in refusal.value.text


ACCEPTED = [
    s.SetMaster("eth0", ""),
    s.SetMaster("eth1", "bond0"),
    s.SetUp("eth0", up=True),
    s.AddRoute(Route(to="::/0", link="eth1", via="fe80::1")),
    s.AddRoute(Route(to="10.1.0.0/16", link="eth0", via="10.9.0.1", table=7)),
    s.AddRoute(Route(to="10.1.0.0/16", link="eth0", via="172.16.0.1", table=8)),
    s.AddAddress("eth0", Address(ip=A4.ip, prefix=25)),
]


@pytest.mark.parametrize("step", ACCEPTED)
def test_accepted(step: s.Step) -> None:
    simulate(HOST, step)


def test_shaping() -> None:
    started = simulate(HOST, s.StartShaping("eth0", REST))
    assert started.nics["eth0"].shaping == (REST,)
    steps = (s.AddTrafficClass("eth0", VLAN_7), s.AddTrafficClass("eth0", replace(VLAN_7, tag=0)))
    more = simulate_all(started, steps)
    assert [traffic.tag for traffic in more.nics["eth0"].shaping] == [None, 0, 7]
    assert simulate_all(more, (s.RemoveTrafficClass("eth0", 0), s.RemoveTrafficClass("eth0", 7))) == started
    changed = simulate(HOST, s.SetTrafficClass("bond0", replace(REST, share=3)))
    assert changed.bonds["bond0"].shaping == (replace(REST, share=3), VLAN_7)
    assert simulate(HOST, s.StopShaping("bond0")).bonds["bond0"].shaping == ()
    anew = simulate_all(HOST, (s.DeleteLink("bond0"), s.CreateLink(HOST.bonds["bond0"])))
    assert anew.bonds["bond0"].shaping == ()


def test_options_of_a_running_bond() -> None:
    host = Host(bonds={"bond0": Bond(name="bond0", mode="802.3ad")})
    with pytest.raises(StepRefusedError, match="lacp_rate cannot change while the bond is up"):
        simulate(host, s.SetBondOptions("bond0", (("lacp_rate", "fast"),)))
    assert simulate(host, s.SetBondOptions("bond0", (("miimon", "50"),))).bonds["bond0"].options == {"miimon": "50"}


def test_a_deleted_bond_frees_its_ports_and_takes_its_vlans_along() -> None:
    facts = NicFacts(permanent_mac="02:00:00:00:00:01")
    host = Host(
        nics={"eth0": Nic(name="eth0", master="bond0", mac=MAC, mtu=9000, facts=facts)},
        bonds={"bond0": Bond(name="bond0", mac=MAC, mtu=9000, addresses=(A4,))},
        vlans={
            "v1": Vlan(name="v1", base="bond0", tag=1),
            "v2": Vlan(name="v2", base="v1", tag=1, master="br0"),
        },
        bridges={"br0": Bridge(name="br0", mac=MAC)},
        routes=(Route(to="0.0.0.0/0", link="bond0", via="192.0.2.9"),),
    )
    after = simulate(host, s.DeleteLink("bond0"))
    nic = after.nics["eth0"]
    assert (nic.up, nic.master, nic.mac, nic.mtu) == (False, "", "02:00:00:00:00:01", 0)
    with pytest.raises(StepRefusedError, match="eth0: no IPv6 while its MTU is not known"):
        simulate(after, s.SetAutoconf("eth0", on=True))
    assert (after.bonds, after.vlans, after.routes, after.bridges["br0"].mac) == ({}, {}, (), "")


def test_down_takes_ipv6_and_routes_and_up_brings_vlans_up() -> None:
    after = simulate(HOST, s.SetUp("eth0", up=False))
    assert (after.nics["eth0"].addresses, after.vlans["eth0.1"].up, after.routes) == ((A4,), False, ())
    again = simulate(after, s.SetUp("eth0", up=True))
    assert again.vlans["eth0.1"].up
    assert simulate(again, s.SetUp("eth0", up=True)) == again
    one_down = simulate(HOST, s.SetUp("eth0.1", up=False))
    assert not simulate(one_down, s.SetUp("eth0", up=False)).vlans["eth0.1"].up


def test_a_small_mtu_clamps_vlans_and_ends_ipv6() -> None:
    host = replace(HOST, vlans={**HOST.vlans, "up": replace(HOST.vlans["eth0.1"], name="up", tag=2, mtu=100)})
    after = simulate(host, s.SetMtu("eth0", 1000))
    assert (after.nics["eth0"].addresses, after.vlans["eth0.1"].mtu, after.vlans["up"].mtu) == ((A4,), 1000, 100)
    assert simulate(after, s.SetMtu("eth0", 1000)) == after


def test_the_last_ipv4_address_takes_the_routes_along() -> None:
    assert simulate(HOST, s.RemoveAddress("eth0", A4)).routes == ()
    assert simulate(HOST, s.RemoveAddress("eth0", A6)).routes == HOST.routes


def test_a_bond_gives_its_mac_and_mtu_to_its_ports() -> None:
    start = machine(("eth0", "eth1"), up=False)
    host = simulate_all(
        start,
        [
            s.CreateLink(Bond(name="bond0", mtu=9000)),
            s.SetMaster("eth1", "bond0"),
            s.SetMaster("eth0", "bond0"),
            s.CreateLink(Vlan(name="v", base="bond0", tag=1)),
            s.SetUp("bond0", up=True),
            s.CreateLink(Vlan(name="down", base="bond0", tag=2)),
            s.SetMac("bond0", MAC),
        ],
    )
    assert [(nic.mac, nic.mtu, nic.up) for nic in host.nics.values()] == [(MAC, 9000, True)] * 2
    assert (host.vlans["v"].mac, host.vlans["down"].mac) == (MAC, mac_of(1))
    assert simulate(host, s.SetUp("down", up=True)).vlans["down"].mac == ""  # its own, or that of its base now
    alone = simulate_all(host, [s.SetMaster("eth0", ""), s.SetMaster("eth1", "")])
    assert (alone.bonds["bond0"].mac, alone.nics["eth0"].up) == ("", False)
    followers = simulate_all(
        start,
        [s.CreateLink(Bond(name="bond0", mac=MAC, options={"fail_over_mac": "active"})), s.SetMaster("eth0", "bond0")],
    )
    assert followers.nics["eth0"].mac == "02:00:00:00:00:00"
    assert simulate(followers, s.SetMac("bond0", "02:00:00:00:00:98")).nics["eth0"].mac == "02:00:00:00:00:00"


def test_dhcp_that_stops_takes_its_lease_along() -> None:
    lease = Route(to="0.0.0.0/0", link="eth0", via="192.0.2.9", protocol=16)
    nic = Nic(name="eth0", dhcp4=True, dhcp6=True, dynamic=(A4, A6))
    host = Host(nics={"eth0": nic}, routes=(lease,))
    after = simulate(host, s.SetDhcp("eth0", dhcp4=False, dhcp6=True))
    assert (after.nics["eth0"].dynamic, after.routes) == ((A6,), ())


def test_guests_lose_their_bridge() -> None:
    assert simulate(HOST, s.DeleteLink("br0")).guest_ports["tap0"].bridge == ""
    plugged = replace(HOST, guest_ports={"tap0": GuestPort(name="tap0", vnic="v", bridge="sw0")})
    after = simulate(plugged, s.DeleteOvsBridge("sw0"))
    assert (after.guest_ports["tap0"].bridge, after.ovs_ports, "int0" in after.links()) == ("", {}, False)
    simulate(after, s.SetMaster("eth4", "br0"))


def test_an_ipv6_route_without_metric_is_the_same_as_with_the_default_one() -> None:
    route = Route(to="2001:db8:9::/48", link="eth0", metric=1024)
    assert simulate(HOST, s.AddRoute(route)).routes[-1].metric == 0
    assert simulate_all(HOST, [s.AddRoute(route), s.RemoveRoute(replace(route, metric=0))]) == HOST


def test_what_is_up_or_down_already_stays_so() -> None:
    loose = Host(
        nics={"eth0": Nic(name="eth0", up=False, master="bond0")},
        bonds={"bond0": Bond(name="bond0")},
        vlans={"v": Vlan(name="v", base="eth0", tag=1)},
    )
    assert simulate(loose, s.SetUp("eth0", up=True)).vlans["v"].up
    assert not simulate(loose, s.SetMaster("eth0", "")).nics["eth0"].up


def test_a_bond_reports_a_primary_that_is_its_port() -> None:
    make = bond(options={"primary": "eth3"})
    assert simulate(HOST, make).bonds["new"].options == {}
    joined = simulate_all(HOST, (make, s.SetUp("eth3", up=False), s.SetMaster("eth3", "new")))
    assert joined.bonds["new"].options == {"primary": "eth3"}
    assert simulate(joined, s.SetMaster("eth3", "")).bonds["new"].options == {}


def test_a_nic_with_ipv6_switched_off_takes_no_such_address() -> None:
    deaf = machine(("eth0",), ipv6_off=True)
    with pytest.raises(StepRefusedError, match="IPv6 is disabled"):
        simulate(deaf, s.AddAddress("eth0", Address(ip="2001:db8::1", prefix=64)))
    assert simulate(deaf, s.AddAddress("eth0", Address(ip="192.0.2.1", prefix=24))).nics["eth0"].addresses


@pytest.mark.parametrize(("datapath", "stays"), [("netdev", False), ("system", True)])
def test_a_port_in_user_space_goes_down_for_another_mac(datapath: str, stays: bool) -> None:
    port = OvsPort(name="p", bridge="sw", mac="02:00:00:00:00:07", addresses=(A4, A6))
    route = Route(to="203.0.113.0/24", link="p")
    host = Host(ovs_bridges={"sw": OvsBridge(name="sw", datapath=datapath)}, ovs_ports={"p": port}, routes=(route,))
    after = simulate(host, s.SetMac("p", "02:00:00:00:00:08"))
    assert (after.ovs_ports["p"].up, after.ovs_ports["p"].mac) == (True, "02:00:00:00:00:08")
    assert (after.ovs_ports["p"].addresses, after.routes) == (((A4, A6), (route,)) if stays else ((A4,), ()))
    assert simulate(host, s.SetMac("p", port.mac)) == host
    down = replace(host, ovs_ports={"p": replace(port, up=False)})
    assert not simulate(down, s.SetMac("p", "02:00:00:00:00:08")).ovs_ports["p"].up
