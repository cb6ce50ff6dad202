"""What each kind of step costs, whom it reaches, and its words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from core.strategies import hosts, machine
from netweft.core import steps as s
from netweft.core.host import (
    Address,
    Bond,
    Bridge,
    GuestPort,
    Host,
    Loss,
    Nic,
    OvsBridge,
    OvsPort,
    Route,
    Rule,
    TrafficClass,
    Vlan,
)
from netweft.core.impact import explain, loss, touched
from netweft.core.plan import plan
from netweft.core.step_texts import describe

A4, A6 = Address(ip="192.0.2.1", prefix=24), Address(ip="2001:db8::1", prefix=64)
RULE = Rule(table=7, priority=3200, destination="192.0.2.0/24")
ROUTE = Route(to="10.0.0.0/8", link="eth0", via="192.0.2.9", metric=5)

HOST = Host(
    nics={
        "eth0": Nic(name="eth0", owner="a", addresses=(A4,), dynamic=(A6,), autoconf=True, dhcp4=True),
        "eth1": Nic(name="eth1", master="bond0"),
        "eth2": Nic(name="eth2", master="bond0"),
        "eth3": Nic(name="eth3"),
        "eth4": Nic(name="eth4"),
        "eth5": Nic(name="eth5", master="idle"),
    },
    bonds={"bond0": Bond(name="bond0", owner="base")},
    vlans={"bond0.5": Vlan(name="bond0.5", owner="b", base="bond0", tag=5, master="br")},
    bridges={"br": Bridge(name="br", owner="b"), "idle": Bridge(name="idle")},
    ovs_bridges={"sw": OvsBridge(name="sw")},
    ovs_ports={
        "eth4": OvsPort(name="eth4", bridge="sw", interfaces=("eth4",)),
        "int0": OvsPort(name="int0", owner="c", bridge="sw"),
        "int1": OvsPort(name="int1", owner="d", bridge="sw", addresses=(A6,)),
    },
    guest_ports={
        "tap0": GuestPort(name="tap0", vnic="vnic-0", bridge="br"),
        "tap1": GuestPort(name="tap1", vnic="vnic-1", bridge="sw", tag=7),
    },
)

REST = TrafficClass(tag=None, share=10)

COSTS = [
    (s.StartShaping("eth0", REST), Loss.BLIP),
    (s.StartShaping("eth3", REST), Loss.NONE),
    (s.AddTrafficClass("eth0", REST), Loss.NONE),
    (s.SetTrafficClass("bond0", REST), Loss.BLIP),
    (s.RemoveTrafficClass("bond0", 5), Loss.BLIP),
    (s.StopShaping("bond0"), Loss.BLIP),
    (s.CreateLink(Bridge(name="new")), Loss.NONE),
    (s.SetOwner("eth0", "x"), Loss.NONE),
    (s.DeleteLink("idle"), Loss.NONE),
    (s.DeleteLink("br"), Loss.OUTAGE),
    (s.DeleteOvsPort("int0"), Loss.NONE),
    (s.DeleteOvsPort("eth4"), Loss.OUTAGE),
    (s.DeleteOvsBridge("sw"), Loss.OUTAGE),
    (s.SetMaster("eth1", ""), Loss.BLIP),
    (s.SetMaster("bond0.5", ""), Loss.OUTAGE),
    (s.SetMaster("eth5", ""), Loss.NONE),
    (s.SetMaster("eth3", "br"), Loss.NONE),
    (s.SetMaster("eth0", "br"), Loss.OUTAGE),
    (s.SetUp("eth0", up=True), Loss.NONE),
    (s.SetUp("eth0", up=False), Loss.OUTAGE),
    (s.SetUp("eth1", up=False), Loss.BLIP),
    (s.SetUp("eth3", up=False), Loss.NONE),
    (s.SetMtu("eth0", 9000), Loss.BLIP),
    (s.SetMtu("bond0.5", 1400), Loss.NONE),
    (s.SetMac("eth4", "02:00:00:00:00:09"), Loss.BLIP),
    (s.SetMac("br", "02:00:00:00:00:09"), Loss.NONE),
    (s.SetMac("int1", "02:00:00:00:00:09"), Loss.BLIP),
    (s.SetBondOptions("bond0", ()), Loss.BLIP),
    (s.SetBridgeOptions("br", stp=True, options=()), Loss.OUTAGE),
    (s.SetBridgeOptions("br", stp=False, options=()), Loss.NONE),
    (s.SetAutoconf("eth0", on=False), Loss.OUTAGE),
    (s.SetAutoconf("eth3", on=False), Loss.NONE),
    (s.SetDhcp("eth0", dhcp4=False, dhcp6=False), Loss.OUTAGE),
    (s.SetDhcp("eth0", dhcp4=True, dhcp6=True), Loss.NONE),
    (s.SetDhcp("eth0", dhcp4=True, dhcp6=False, leased_default=True), Loss.BLIP),
    (s.SetDhcp("eth3", dhcp4=True, dhcp6=False, leased_default=True), Loss.NONE),
    (s.AddAddress("eth0", A4), Loss.NONE),
    (s.RemoveAddress("eth0", A4), Loss.OUTAGE),
    (s.RemoveRoute(ROUTE), Loss.OUTAGE),
    (s.RemoveRule(RULE), Loss.OUTAGE),
    (s.CreateOvsPort(OvsPort(name="eth0", bridge="sw", interfaces=("eth0",))), Loss.OUTAGE),
    (s.CreateOvsPort(OvsPort(name="eth3", bridge="sw", interfaces=("eth3",))), Loss.NONE),
    (s.SetOvsPort(replace(HOST.ovs_ports["int1"], tag=4)), Loss.OUTAGE),
    (s.SetOvsPort(replace(HOST.ovs_ports["int0"], tag=4)), Loss.NONE),
    (s.SetOvsPort(replace(HOST.ovs_ports["eth4"], lacp="active")), Loss.BLIP),
    (s.SetOvsPort(replace(HOST.ovs_ports["eth4"], owner="x")), Loss.NONE),
]


@pytest.mark.parametrize(("step", "cost"), COSTS)
def test_loss(step: s.Step, cost: Loss) -> None:
    assert loss(step, HOST) is cost


REACH = [
    (s.SetUp("eth1", up=False), {"eth1", "bond0", "bond0.5", "br"}),
    (s.SetUp("eth4", up=False), {"eth4", "sw", "int0", "int1"}),
    (s.SetUp("int0", up=False), {"int0"}),
    (s.SetMaster("eth3", "idle"), {"eth3", "idle"}),
    (s.AddRoute(ROUTE), {"eth0"}),
    (s.AddRule(RULE), set()),
    (s.SetOvsBridge(OvsBridge(name="sw")), {"sw", "int0", "int1"}),
    (s.CreateLink(Bridge(name="new")), set()),
]


@pytest.mark.parametrize(("step", "names"), REACH)
def test_touched(step: s.Step, names: set[str]) -> None:
    assert touched(step, HOST) == names


def test_explain_names_networks_and_guests() -> None:
    steps = [
        s.SetUp("eth1", up=False),
        s.SetUp("eth2", up=False),
        s.DeleteOvsPort("eth4"),
        s.RemoveRule(RULE),
        s.AddRule(RULE),
        s.RemoveRoute(ROUTE),
        s.AddRoute(ROUTE),
        s.SetAutoconf("eth0", on=False),
        s.SetDhcp("eth0", dhcp4=False, dhcp6=False),
        s.SetDhcp("eth3", dhcp4=True, dhcp6=False),
    ]
    host = replace(HOST, rules=(RULE,), routes=(ROUTE,))
    assert [(impact.loss, impact.owners, impact.vnics) for impact in explain(steps, host)] == [
        (Loss.BLIP, ("b",), ("vnic-0",)),
        (Loss.OUTAGE, ("b",), ("vnic-0",)),
        (Loss.OUTAGE, ("c", "d"), ("vnic-1",)),
        (Loss.BLIP, (), ()),
        (Loss.NONE, (), ()),
        (Loss.BLIP, ("a",), ()),
        (Loss.NONE, ("a",), ()),
        (Loss.OUTAGE, ("a",), ()),
        (Loss.OUTAGE, ("a",), ()),
        (Loss.NONE, (), ()),
    ]


A_LEASE = Address(ip="192.0.2.7", prefix=24)


@pytest.mark.parametrize(
    ("step", "nics"),
    [
        (s.SetUp("eth1", up=True), ("eth1",)),
        (s.SetUp("br", up=True), ()),
        (s.SetMaster("eth3", "br"), ("eth3",)),
        (s.CreateLink(Vlan(name="eth3.7", base="eth3", tag=7)), ("eth3",)),
        (s.CreateLink(Vlan(name="bond0.7", base="bond0", tag=7)), ()),
        (s.CreateOvsPort(OvsPort(name="eth3", bridge="sw", interfaces=("eth3",))), ("eth3",)),
        (s.CreateOvsPort(OvsPort(name="bond1", bridge="sw", interfaces=("eth1", "eth3"))), ("eth1", "eth3")),
        (s.AddRule(RULE), ()),
    ],
)
def test_a_step_names_its_nics(step: s.Step, nics: tuple[str, ...]) -> None:
    (told,) = explain([step], HOST)
    assert told.nics == nics


def losses(steps: list[s.Step], host: Host) -> list[Loss]:
    return [impact.loss for impact in explain(steps, host)]


def test_a_lease_that_becomes_a_static_address_costs_a_moment() -> None:
    host = HOST.with_link(replace(HOST.nics["eth3"], dhcp4=True, dynamic=(A_LEASE,)))
    stop = s.SetDhcp("eth3", dhcp4=False, dhcp6=False)
    assert losses([s.AddAddress("eth3", A_LEASE), stop], host) == [Loss.NONE, Loss.BLIP]
    assert losses([stop], host) == [Loss.OUTAGE]


def test_another_vlan_is_another_network_and_another_nic_may_be() -> None:
    host = HOST.with_link(replace(HOST.nics["eth3"], addresses=(A4,)))
    host = host.with_link(replace(HOST.nics["eth0"], addresses=()))
    host = host.with_link(replace(host.nics["eth3"], owner="m"))
    move: list[s.Step] = [s.RemoveAddress("eth3", A4), s.AddAddress("eth4", A4)]
    assert losses(move, host) == [Loss.BLIP, Loss.NONE]
    assert [impact.loss for impact in explain(move, host, management=["m"])] == [Loss.OUTAGE, Loss.NONE]
    vlan = Vlan(name="eth3.9", base="eth3", tag=9)
    tagged = [s.CreateLink(vlan), s.SetUp("eth3.9", up=True), s.RemoveAddress("eth3", A4), s.AddAddress("eth3.9", A4)]
    assert losses(tagged, host)[2] is Loss.OUTAGE
    over = Bridge(name="over")
    bridged = [s.CreateLink(over), s.SetMaster("eth3", "over"), s.RemoveAddress("eth3", A4), s.AddAddress("over", A4)]
    assert losses(bridged, host)[1:3] == [Loss.OUTAGE, Loss.OUTAGE]  # the new bridge was never switched on
    assert losses([*bridged, s.SetUp("over", up=True)], host)[1:3] == [Loss.BLIP, Loss.BLIP]
    slow = [s.CreateLink(replace(over, stp=True)), *bridged[1:], s.SetUp("over", up=True)]
    assert losses(slow, host)[1:3] == [Loss.OUTAGE, Loss.OUTAGE]


def test_a_guest_whose_bridge_is_made_anew_on_the_same_nic_misses_a_moment() -> None:
    away: list[s.Step] = [s.DeleteOvsBridge("sw")]
    again = [*away, s.CreateOvsBridge(OvsBridge(name="sw")), s.CreateOvsPort(HOST.ovs_ports["eth4"])]
    host = replace(HOST, ovs_ports={"eth4": HOST.ovs_ports["eth4"]})
    assert losses(away, host) == [Loss.OUTAGE]
    assert losses(again, host)[0] is Loss.BLIP


def test_what_leaves_a_bridge_with_guests_and_comes_back_costs_a_moment() -> None:
    there_and_back = [s.SetMaster("bond0.5", ""), s.SetMaster("bond0.5", "br")]
    assert [impact.loss for impact in explain(there_and_back, HOST)] == [Loss.BLIP, Loss.NONE]
    assert [impact.vnics for impact in explain(there_and_back[:1], HOST)] == [("vnic-0",)]


@settings(settings.default, max_examples=settings.default.max_examples // 4)
@given(hosts, hosts)
def test_every_plan_has_a_text(first: Host, second: Host) -> None:
    for start, desired in ((machine(), first), (first, second)):
        impacts = explain(plan(start, desired), start)
        assert all(impact.text == describe(impact.step) and impact.text.strip() for impact in impacts)


def test_words_of_rare_steps() -> None:
    trunk = OvsPort(name="eth3", bridge="sw", interfaces=("eth3",), trunks=(1, 2), mac="02:00:00:00:00:09")
    assert [
        describe(step)
        for step in (
            s.CreateOvsPort(trunk),
            s.SetOvsPort(replace(trunk, interfaces=("a", "b"))),
            s.SetBondOptions("bond0", ()),
            s.AddRoute(ROUTE),
            s.AddRule(RULE),
            s.SetOwner("eth0", ""),
            s.SetDhcp("eth0", dhcp4=True, dhcp6=True, leased_default=True),
        )
    ] == [
        "create OVS port eth3 on sw (uplink, trunks 1 2, MAC 02:00:00:00:00:09)",
        "change OVS port eth3 on sw (bond of a and b, LACP off, trunks 1 2, MAC 02:00:00:00:00:09)",
        "set the options of bond bond0 to the defaults",
        "add route to 10.0.0.0/8 via 192.0.2.9 over eth0 (table 254, metric 5)",
        "add rule 3200: to 192.0.2.0/24 lookup table 7",
        "remove our mark from eth0",
        "run DHCP for IPv4 and IPv6 on eth0, with its default route",
    ]
