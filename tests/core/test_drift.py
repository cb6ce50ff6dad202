"""What differs on a host, whose it is, and what is no difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from core.strategies import machine
from core.test_sync import ATTACHMENTS, V4, intent, made
from hosts import without_link
from netweft.core.drift import find_drift, first_of
from netweft.core.guest_protocol import GuestNic, GuestState
from netweft.core.host import Address, GuestPort, Host, Route, Rule, TrafficClass
from netweft.core.intent import BondIntent
from netweft.core.plan import PlanError, plan
from netweft.core.sync import compare_attachment

LEGACY, OVS = intent(), intent("ovs")


def link(host: Host, name: str, **fields: object) -> Host:
    return host.with_link(replace(host.links()[name], **fields))  # type: ignore[arg-type] # of the link's kind


def ovs_port(host: Host, name: str, **fields: object) -> Host:
    port = replace(host.ovs_ports[name], **fields)  # type: ignore[arg-type] # of a port
    return replace(host, ovs_ports={**host.ovs_ports, name: port})


def without_bridge(host: Host) -> Host:
    return link(without_link(host, "tenants"), "bond0.200", master="")


CASES: dict[str, tuple[Callable[[Host], Host], dict[str, tuple[str, ...]]]] = {
    "a bridge that is down": (
        lambda host: link(host, "tenants", up=False),
        {"2": ("tenants: up should be on, and is off",)},
    ),
    "a bridge that is gone": (
        without_bridge,
        {"2": ("bond0.200: master should be tenants, and is none", "tenants is missing")},
    ),
    "an address on the bond, which is that network's alone": (
        lambda host: link(host, "bond0", addresses=(Address(ip="198.51.100.7", prefix=24),)),
        {"4": ("bond0: addresses should be none, and is 198.51.100.7/24",)},
    ),
    "the bond, which is everybody's": (
        lambda host: link(host, "bond0", mtu=9100),
        {"bond0": ("bond0: mtu should be 9000, and is 9100",)},
    ),
    "the NIC below a bridge": (
        lambda host: link(host, "eth0", mtu=1400, addresses=(Address(ip="198.51.100.7", prefix=24),)),
        {
            "eth0": (
                "eth0: mtu should be 1500, and is 1400",
                "eth0: addresses should be none, and is 198.51.100.7/24",
            )
        },
    ),
    "a member of the bond": (
        lambda host: link(host, "eth2", master=""),
        {"bond0": ("eth2: master should be bond0, and is none",)},
    ),
    "another kind of link": (
        lambda host: replace(
            without_link(host, "bond0.200"), bridges={**host.bridges, "bond0.200": replace(host.bridges["tenants"])}
        ),
        {"2": ("bond0.200 should be a Vlan, and is a Bridge",)},
    ),
    "the resolvers": (
        lambda host: replace(host, dns=("192.0.2.77",)),
        {"1": ("the resolvers should be 192.0.2.53, and are 192.0.2.77",)},
    ),
    "a route in the network's own table": (
        lambda host: replace(host, routes=(*host.routes, Route(to="203.0.113.0/24", link="tenants", table=7))),
        {"2": ("the route to 203.0.113.0/24 over tenants in table 7 exists, and should not",)},
    ),
    "a rule": (
        lambda host: replace(
            host,
            rules=(Rule(table=7, priority=1, source="203.0.113.0/24"), Rule(table=8, priority=1, source="10.0.0.0/8")),
            routes=(*host.routes, Route(to="203.0.113.0/24", link="tenants", table=7)),
        ),
        {
            "2": (
                "the route to 203.0.113.0/24 over tenants in table 7 exists, and should not",
                "the rule from 203.0.113.0/24 to table 7 exists, and should not",
            ),
            "": ("the rule from 10.0.0.0/8 to table 8 exists, and should not",),
        },
    ),
    "what is left of a network that should have gone": (
        lambda host: host.with_link(replace(host.bridges["tenants"], name="old", owner="gone")),
        {"": ("old exists, and should not",)},
    ),
    "shaping": (
        lambda host: link(host, "bond0", shaping=(TrafficClass(tag=None, share=1),)),
        {"bond0": ("bond0: shaping should be none, and is the rest with share 1",)},
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_whose_each_difference_is(what: str) -> None:
    change, expected = CASES[what]
    drift = find_drift(LEGACY, change(made(LEGACY)))
    groups = {**drift.attachments, **drift.bases, **({"": drift.host} if drift.host else {})}
    assert {name: tuple(one.text for one in found) for name, found in groups.items()} == expected
    assert drift.lines() == tuple(
        text for name in (*drift.bases, *drift.attachments, "") for text in expected.get(name, ())
    )
    assert not drift.obstacle
    assert not drift.is_empty


def test_open_vswitch_is_everybodys_and_its_ports_are_a_networks() -> None:
    host = made(OVS)
    drift = find_drift(OVS, ovs_port(host, "tenants", tag=7))
    assert {one: [d.text for d in found] for one, found in drift.attachments.items()} == {
        "2": ["OVS port tenants: tag should be 200, and is 7"]
    }
    stp = replace(host, ovs_bridges={**host.ovs_bridges, "br-bond0": replace(host.ovs_bridges["br-bond0"], stp=True)})
    assert list(find_drift(OVS, stp).bases) == ["bond0"]
    assert list(find_drift(OVS, ovs_port(host, "bond0", lacp="off")).bases) == ["bond0"]
    left = {name: port for name, port in host.ovs_ports.items() if name != "tenants"}
    assert find_drift(OVS, replace(host, ovs_ports=left)).lines() == ("OVS port tenants is missing",)


def test_unknown_values_are_drift() -> None:
    """A simulation cannot tell the MTU that a NIC gets back when it leaves a bond; a plan sets it."""
    host = link(made(LEGACY), "eth0", mtu=0)
    assert plan(host, made(LEGACY))
    assert find_drift(LEGACY, host).lines() == ("eth0: mtu should be 1500, and is 0",)


def test_an_obstacle_has_a_reason() -> None:
    host = link(made(LEGACY), "tenants", owner="")
    drift = find_drift(LEGACY, host)
    assert drift.obstacle == "tenants exists on the host and was not made by Netweft; rename or remove it there first."
    assert drift.lines()[-1] == drift.obstacle
    with pytest.raises(PlanError):
        plan(host, made(LEGACY))
    bonds = (BondIntent(id="b", name="bond0", slaves=("eth1", "eth2"), options={"mode": "0"}),)
    impossible = find_drift(intent("ovs", bonds=bonds), machine())
    assert impossible.lines() == ("Bond bond0 has mode balance-rr, which Open vSwitch lacks; use mode 1, 2 or 4.",)
    assert not impossible.is_empty


def guest(*nics: GuestNic, **fields: object) -> GuestState:
    state = GuestState(id="g", name="web", driver="simulated", status="up", nics=nics)
    return replace(state, **fields)  # type: ignore[arg-type] # of a guest


NIC = GuestNic(id="v1", name="nic1", mac="02:00:00:00:99:01", bridge="br-bond0", tag=200)
PORT = GuestPort(name="vnet0", vnic="v1", bridge="br-bond0", tag=200)


@pytest.mark.parametrize(
    ("port", "text"),
    [
        (PORT, ""),
        (replace(PORT, tag=300), "vNIC nic1 of guest web: tag should be 200, and is 300"),
        (replace(PORT, tag=None), "vNIC nic1 of guest web: tag should be 200, and is none"),
        (replace(PORT, bridge="br-eth0"), "vNIC nic1 of guest web: bridge should be br-bond0, and is br-eth0"),
        (None, "vNIC nic1 of guest web: bridge should be br-bond0, and is none"),
    ],
)
def test_ports_of_guests(port: GuestPort | None, text: str) -> None:
    host = replace(made(OVS), guest_ports={port.name: port} if port else {})
    drift = find_drift(OVS, host, [guest(NIC)])
    assert drift.lines() == ((text,) if text else ())
    assert [one.what for found in drift.guest_ports.values() for one in found] == ([text.split()[5]] if text else [])
    assert plan(host, made(OVS)) == [], "no plan makes or changes them"


def test_guests_that_have_no_port() -> None:
    travelling = [guest(NIC, migrating=True), guest(NIC, saving=True), guest(NIC, status="down")]
    unplugged = guest(replace(NIC, bridge=""), replace(NIC, function="0000:01:10.0"))
    assert find_drift(OVS, made(OVS), [*travelling, unplugged]).is_empty


def test_properties_of_ours_tell_what_those_of_ovirt_do_not() -> None:
    host = link(link(made(LEGACY), "ovirtmgmt", up=False, mtu=1400), "eth0", up=False)
    host = replace(host, routes=())
    compared = compare_attachment(LEGACY, ATTACHMENTS[0], host, find_drift(LEGACY, host))
    assert {(one.name, one.expected, one.actual, one.is_shared) for one in compared if not one.in_sync} == {
        ("mtu", "1500", "1400", False),
        ("default_route", "true", "false", False),
        ("ipv4_gateway", V4.gateway, None, False),
        ("ipv6_gateway", "2001:db8::1", None, False),
        ("ovirtmgmt.up", "on", "off", False),
        ("eth0.up", "on", "off", True),
    }


def test_ovirts_property_covers_resolvers_unless_they_are_too_many() -> None:
    for servers, names in (
        (("192.0.2.77",), {"dns_configuration"}),
        (("192.0.2.53", "192.0.2.77"), {"resolvers"}),
    ):
        host = replace(made(LEGACY), dns=servers)
        compared = compare_attachment(LEGACY, ATTACHMENTS[0], host, find_drift(LEGACY, host))
        assert {one.name for one in compared if not one.in_sync} == names


def test_a_default_route_may_wait_for_who_brings_it() -> None:
    """Nobody answers the DHCP client: the host is as desired all the same."""
    desired = intent(default_route_network="backup")
    host = made(desired)
    compared = compare_attachment(desired, ATTACHMENTS[3], host, find_drift(desired, host))
    assert all(one.in_sync for one in compared)


def test_an_event_names_the_first_differences() -> None:
    assert first_of(("a", "b", "c")) == "a; b; c"
    assert first_of(("a", "b", "c", "d", "e")) == "a; b; c (and 2 more)"


def test_what_is_ignored_does_not_count() -> None:
    host = link(link(made(LEGACY), "tenants", up=False), "eth1", mtu=1400)
    drift = find_drift(LEGACY, host)
    texts = [one.text for one in drift.differences()]
    assert drift.counted(()) == drift.lines() == tuple(texts)
    assert drift.counted(texts[:1]) == tuple(texts[1:])
    assert drift.counted(texts) == ()


def test_an_obstacle_counts_with_what_it_is_in_the_way_of() -> None:
    drift = find_drift(LEGACY, link(made(LEGACY), "tenants", owner=""))
    texts = [one.text for one in drift.differences()]
    assert drift.obstacle
    assert drift.counted(()) == (*texts, drift.obstacle)
    assert drift.counted(texts) == ()
    assert replace(drift, attachments={}).counted(texts) == (drift.obstacle,)
