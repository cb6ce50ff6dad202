"""What a host brings along, case by case: what is taken over, what is kept, and what takes its place."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from core.strategies import machine
from core.test_plan_properties import reach
from netweft.core.adoption import Adoption, adopted
from netweft.core.desired import desired_host
from netweft.core.host import Address, Bridge, Host, Vlan
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, HostQos, IpAssignment, NetworkIntent
from netweft.core.kept import displaced, keep, kept_names, owners_on

BOND = BondIntent(id="b", name="bond0", slaves=("eth1", "eth2"), options={"mode": "1"})


def network(name: str, **fields: Any) -> NetworkIntent:  # fields of NetworkIntent
    return NetworkIntent(id=f"id-{name}", name=name, host_side_name=name, **fields)


def intent(*placed: tuple[NetworkIntent, str], bonds: tuple[BondIntent, ...] = (), **fields: Any) -> HostIntent:
    """An intent of these networks on these NICs."""
    attachments = (AttachmentIntent(id=f"at-{one.name}", network_id=one.id, nic=nic, qos=None) for one, nic in placed)
    networks = tuple(one for one, _ in placed)
    return HostIntent(networks=networks, attachments=tuple(attachments), bonds=bonds, ovs_datapath="netdev", **fields)


def made(former: HostIntent) -> Host:
    start = machine()
    return reach(start, desired_host(former, start))


QOS = HostQos(link_share=50)
TAGGED, PLAIN = network("tagged", vlan=10), network("plain")
BARE, LARGE = network("bare", vm=False), network("large", vlan=11, mtu=9000)
FORMER = {
    "a VLAN": intent((TAGGED, "eth1")),
    "a bridge": intent((PLAIN, "eth1")),
    "the NIC itself": intent((BARE, "eth1")),
    "a large VLAN": intent((LARGE, "eth1")),
    "a VLAN on a bond": intent((TAGGED, "bond0"), bonds=(BOND,)),
    "a bridge on a bond": intent((PLAIN, "bond0"), bonds=(BOND,)),
    "QoS": intent((replace(TAGGED, qos=QOS), "eth1"), (replace(LARGE, qos=HostQos(link_share=7)), "eth1")),
    "a switch": intent((TAGGED, "eth1"), switch_type="ovs"),
    "a switch on a bond": intent((PLAIN, "bond0"), bonds=(BOND,), switch_type="ovs"),
}
TAKERS = {
    "nothing": intent(),
    "another NIC": intent((network("mine"), "eth0")),
    "a VLAN beside": intent((network("mine", vlan=77), "eth1")),
    "a VLAN beside on the bond": intent((network("mine", vlan=77), "bond0"), bonds=(BOND,)),
    "the VLAN": intent((network("mine", vlan=10), "eth1")),
    "the name": intent((replace(TAGGED, id="mine", vlan=77), "eth0")),
    "untagged": intent((network("mine"), "eth1")),
    "untagged on the bond": intent((network("mine"), "bond0"), bonds=(BOND,)),
    "the NIC itself": intent((network("mine", vm=False), "eth1")),
    "another bond": intent((network("mine", vlan=77), "bond0"), bonds=(replace(BOND, slaves=("eth0", "eth1")),)),
    "a bond of another name": intent((network("mine", vlan=77), "bond1"), bonds=(replace(BOND, name="bond1"),)),
    "a switch": intent((network("mine", vlan=77), "eth1"), switch_type="ovs"),
    "the VLAN on the switch": intent((network("mine", vlan=10), "eth1"), switch_type="ovs"),
    "a switch on the bond": intent((network("mine", vlan=77), "bond0"), bonds=(BOND,), switch_type="ovs"),
}
STAYS = {
    "a VLAN": {"a VLAN beside", "untagged", "the NIC itself"},
    "a bridge": {"a VLAN beside", "the VLAN"},
    "the NIC itself": {"a VLAN beside", "the VLAN"},
    "a large VLAN": {"a VLAN beside", "the VLAN"},
    "a VLAN on a bond": {"a VLAN beside on the bond", "untagged on the bond"},
    "a bridge on a bond": {"a VLAN beside on the bond"},
    "QoS": {"a VLAN beside"},
    "a switch": {"a switch"},
    "a switch on a bond": {"a switch on the bond"},
}
"""Desired states of other NICs, which leave the network its place."""
ELSEWHERE = {"nothing", "another NIC"}


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize("former", FORMER)
def test_a_network_stays_as_it_is_unless_something_wanted_has_its_place(former: str, taker: str) -> None:
    host, mine = made(FORMER[former]), TAKERS[taker]
    kept = tuple(owners_on(host))
    lost = displaced(desired_host(mine, host), host, kept)
    is_elsewhere = taker in ELSEWHERE or (taker == "the name" and "tagged" not in host.links())
    if is_elsewhere or taker in STAYS[former]:
        assert lost == []
    elif former != "QoS":
        assert lost == sorted(kept_names(host, kept))
    there = reach(host, desired_host(replace(mine, kept=kept), host))
    left = set(kept) - {kept_names(host, kept)[name] for name in lost}
    for name, link in host.links().items():
        if link.owner in left and name not in host.nics:
            assert replace(there.links()[name], mtu=0) == replace(link, mtu=0)
        elif link.owner in left:
            assert there.links()[name].owner == link.owner


def test_what_the_kept_networks_are_called() -> None:
    host = made(FORMER["QoS"])
    assert kept_names(host, ("id-tagged", "id-large", "unknown")) == {"tagged": "id-tagged", "large": "id-large"}
    assert kept_names(made(FORMER["the NIC itself"]), ("id-bare",)) == {"eth1": "id-bare"}


def test_strange_things_are_not_kept() -> None:
    """A VLAN device over a VLAN device, a bridge over one of others: nothing that we make."""
    host = made(FORMER["a VLAN"])
    odd = host.with_link(Vlan(name="odd", owner="odd", base="eth1.10", tag=3))
    assert displaced(Host(nics=host.nics), odd, ("odd",)) == ["odd"]
    theirs = replace(host.vlans["eth1.10"], owner="", master="tagged")
    assert "tagged" in keep(Host(nics=machine().nics), host.with_link(theirs), ("id-tagged",)).bridges


def test_routes_rules_and_resolvers_come_with_it() -> None:
    former = intent((replace(TAGGED, dns=("192.0.2.53",)), "eth1"), (network("other", vlan=12), "eth2"))
    ways = [
        (IpAssignment(method="static", address=f"10.0.{number}.5", prefix=24, gateway=f"10.0.{number}.1"),)
        for number in range(2)
    ]
    placed = tuple(replace(one, assignments=way) for one, way in zip(former.attachments, ways, strict=True))
    host = made(replace(former, attachments=placed, default_route_network="id-tagged"))
    there = desired_host(HostIntent(kept=tuple(owners_on(host))), host)
    assert (there.routes, there.rules, there.dns) == (host.routes, host.rules, ("192.0.2.53",))
    own = replace(intent((network("mine"), "eth0"), default_route_network="id-mine"), kept=tuple(owners_on(host)))
    way = IpAssignment(method="static", address="10.1.0.5", prefix=24, gateway="10.1.0.1")
    mine = replace(own, attachments=(replace(own.attachments[0], assignments=(way,)),))
    defaults = [route for route in desired_host(mine, host).routes if route.is_default and route.table == 254]
    assert [route.link for route in defaults] == ["mine"]


# What is taken over


def taken(host: Host, desired: HostIntent, *known: NetworkIntent) -> Adoption:
    numbers = count(1)
    return adopted(host, desired, {one.id: one for one in known}, lambda: f"new-{next(numbers)}")


def test_by_id_by_name_and_not_at_all() -> None:
    host = made(intent((TAGGED, "eth1"), (PLAIN, "eth1"), (network("free", vlan=12), "eth2")))
    found = taken(host, HostIntent(), TAGGED, replace(PLAIN, id="mine"))
    assert [(one.id, one.network_id, one.nic) for one in found.attachments] == [
        ("new-1", "mine", "eth1"),
        ("new-2", "id-tagged", "eth1"),
    ]
    assert found.kept == ("id-free",)
    again = HostIntent(attachments=found.attachments, kept=found.kept)
    assert taken(host, again, TAGGED, replace(PLAIN, id="mine")) == Adoption(kept=("id-free",))


def test_a_bridge_without_uplink_is_kept() -> None:
    host = machine().with_link(Bridge(name="lone", owner="id-lone"))
    assert taken(host, HostIntent(), network("lone")).kept == ("id-lone",)


def test_how_addresses_options_and_qos_are_taken_over() -> None:
    link = Bridge(name="plain", owner="id-plain", dhcp4=True, options={"priority": "4096", "ageing_time": "500"})
    below = machine()
    host = below.with_link(replace(below.nics["eth1"], owner="base", master="plain")).with_link(link)
    (one,) = taken(host, HostIntent(), PLAIN).attachments
    assert one.properties == {"bridge_opts": "ageing_time=500 priority=4096"}
    assert one.assignments == (IpAssignment(method="dhcp"), IpAssignment(version=6))
    for fields, method in (
        ({"dhcp6": True}, "dhcp"),
        ({"autoconf": True}, "autoconf"),
        ({"dhcp6": True, "autoconf": True}, "poly_dhcp_autoconf"),
    ):
        (one,) = taken(host.with_link(replace(link, **fields)), HostIntent(), PLAIN).attachments  # type: ignore[arg-type] # booleans
        assert one.assignments[1].method == method
    static = replace(link, dhcp4=False, addresses=(Address(ip="10.0.0.5", prefix=24), Address(ip="fd00::5", prefix=64)))
    (one,) = taken(host.with_link(static), HostIntent(), PLAIN).attachments
    assert [(ip.method, ip.address) for ip in one.assignments] == [("static", "10.0.0.5"), ("static", "fd00::5")]
    shaped = made(FORMER["QoS"])
    (one,) = taken(shaped, HostIntent(), TAGGED).attachments
    assert one.qos == QOS
    (one,) = taken(shaped, HostIntent(), replace(TAGGED, qos=QOS)).attachments
    assert one.qos is None


def test_bonds_are_taken_over_with_what_is_on_them() -> None:
    for former in ("a VLAN on a bond", "a switch on a bond"):
        host, switch = made(FORMER[former]), FORMER[former].switch_type
        desired = HostIntent(switch_type=switch)
        (bond,) = taken(host, desired, TAGGED, PLAIN).bonds
        assert (bond.name, bond.slaves, bond.options["mode"]) == ("bond0", ("eth1", "eth2"), "active-backup")
        assert taken(host, desired).bonds == ()
        assert taken(host, replace(desired, bonds=(BOND,)), TAGGED, PLAIN).bonds == ()
    empty = made(intent(bonds=(BOND,)))
    assert [bond.name for bond in taken(empty, HostIntent()).bonds] == ["bond0"]
