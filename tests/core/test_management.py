"""Onto which NIC the management network of a new host goes, and with which addresses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.strategies import machine
from netweft.core.desired import IpAssignment, NetworkIntent
from netweft.core.errors import HostError
from netweft.core.host import Address, Bond, Bridge, Host, Route, Vlan
from netweft.core.host_request import NetworkView
from netweft.core.management import management_attachment

V4, V6 = Address(ip="192.0.2.5", prefix=24), Address(ip="2001:db8::5", prefix=64)
UNTAGGED = NetworkView(intent=NetworkIntent(id="m", name="mgmt", vdsm_name="mgmt"), in_cluster=True)
TAGGED = replace(UNTAGGED, intent=replace(UNTAGGED.intent, vlan=7))
LOOPBACK = ("127.0.0.1", "::1")


def with_eth1(**fields: Any) -> Host:  # fields of Nic
    host = machine(("eth0", "eth1"))
    return host.with_link(replace(host.nics["eth1"], **fields))


def placed(host: Host, network: NetworkView = UNTAGGED, addresses: tuple[str, ...] = ("192.0.2.5",)) -> Any:  # a wish
    request = management_attachment(host, network, addresses, "one")
    assert request.commit_on_success
    (wish,) = request.attachments
    assert wish.network.id == "m"
    return wish


ROUTES = (
    Route(to="0.0.0.0/0", link="eth1", via="192.0.2.1"),
    Route(to="::/0", link="eth1", via="fe80::1"),
    Route(to="10.0.0.0/8", link="eth1", via="192.0.2.2"),
    Route(to="0.0.0.0/0", link="eth0", via="198.51.100.1", metric=9),
)


def test_it_keeps_address_and_gateways() -> None:
    wish = placed(replace(with_eth1(addresses=(V4, V6)), routes=ROUTES))
    assert wish.nic.name == "eth1"
    assert wish.assignments == (
        IpAssignment(method="static", address="192.0.2.5", prefix=24, gateway="192.0.2.1"),
        IpAssignment(version=6, method="static", address="2001:db8::5", prefix=64, gateway="fe80::1"),
    )


@pytest.mark.parametrize(
    ("fields", "methods"),
    [
        ({"dynamic": (V4,), "dhcp4": True}, ["dhcp"]),
        ({"dynamic": (V4, V6), "dhcp4": True, "autoconf": True}, ["dhcp", "autoconf"]),
        ({"dynamic": (V4, V6), "dhcp4": True, "dhcp6": True}, ["dhcp", "dhcp"]),
        ({"dynamic": (V4,), "dhcp4": True, "dhcp6": True, "autoconf": True}, ["dhcp", "poly_dhcp_autoconf"]),
        ({"addresses": (V4,), "autoconf": True}, ["static"]),
        ({"addresses": (V4, V6), "autoconf": True}, ["static", "static"]),
        ({"dynamic": (V4,)}, ["dhcp"]),
    ],
)
def test_how_it_gets_its_addresses(fields: dict[str, Any], methods: list[str]) -> None:
    assert [one.method for one in placed(with_eth1(**fields)).assignments] == methods


def test_on_a_vlan_it_goes_below() -> None:
    bond = replace(machine(("eth0",)), bonds={"bond0": Bond(name="bond0")})
    host = bond.with_link(Vlan(name="v", base="bond0", tag=7, addresses=(V4,)))
    assert placed(host, TAGGED).nic.name == "bond0"


MISFITS = [
    (with_eth1(), UNTAGGED, ("192.0.2.5", "192.0.2.9"), "NETWORK_NOT_FOUND_ON_HOST_NIC", "(192.0.2.5, 192.0.2.9)"),
    (Host(), UNTAGGED, LOOPBACK, "NETWORK_NOT_FOUND_ON_HOST_NIC", "None of the NICs of Host one"),
    (
        Host(bridges={"br": Bridge(name="br", addresses=(V4,))}),
        UNTAGGED,
        ("192.0.2.5",),
        "NETWORK_NOT_FOUND_ON_HOST_NIC",
        "Host one",
    ),
    (with_eth1(addresses=(V4,)), TAGGED, ("192.0.2.5",), "VLAN_DIFFERENT_THAN_MANAGEMENT_NETWORK", "'mgmt' has VLAN 7"),
    (
        with_eth1().with_link(Vlan(name="eth1.5", base="eth1", tag=5, addresses=(V4,))),
        UNTAGGED,
        ("192.0.2.5",),
        "VLAN_DIFFERENT_THAN_MANAGEMENT_NETWORK",
        "'eth1.5' (VLAN 5)",
    ),
]


@pytest.mark.parametrize(("host", "network", "addresses", "code", "words"), MISFITS)
def test_where_it_cannot_go(
    host: Host, network: NetworkView, addresses: tuple[str, ...], code: str, words: str
) -> None:
    with pytest.raises(HostError) as refusal:
        management_attachment(host, network, addresses, "one")
    assert refusal.value.code.endswith(code)
    assert words in refusal.value.text


def test_behind_a_loopback_address_it_goes_to_the_default_route_or_the_first_address_or_the_first() -> None:
    there = with_eth1(addresses=(V4,))
    both = there.with_link(replace(there.nics["eth0"], addresses=(replace(V4, ip="198.51.100.5"),)))
    assert placed(replace(both, routes=ROUTES[:3]), addresses=LOOPBACK).nic.name == "eth1"
    assert placed(both, addresses=LOOPBACK).nic.name == "eth0"
    assert placed(there, addresses=LOOPBACK).nic.name == "eth1"
    bare = placed(with_eth1(), addresses=LOOPBACK)
    assert (bare.nic.name, bare.assignments) == ("eth0", (IpAssignment(method="dhcp"),))
