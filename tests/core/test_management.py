"""Onto which NIC the management network of a new host goes, and with which addresses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.strategies import machine
from core.test_plan_properties import reach
from netweft.core.desired import desired_host
from netweft.core.errors import HostError
from netweft.core.host import Address, Bond, Bridge, Host, Nic, OvsBridge, OvsPort, Route, Vlan
from netweft.core.host_request import HostView, NetworkView
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, IpAssignment, NetworkIntent, SwitchType
from netweft.core.kept import SHARED, owners_on
from netweft.core.management import management_attachment
from netweft.core.rules.setup_networks import validate

V4, V6 = Address(ip="192.0.2.5", prefix=24), Address(ip="2001:db8::5", prefix=64)
UNTAGGED = NetworkView(intent=NetworkIntent(id="m", name="mgmt", host_side_name="mgmt"), in_cluster=True)
TAGGED = replace(UNTAGGED, intent=replace(UNTAGGED.intent, vlan=7))
LOOPBACK = ("127.0.0.1", "::1")


def with_eth1(**fields: Any) -> Host:  # fields of Nic
    host = machine(("eth0", "eth1"))
    return host.with_link(replace(host.nics["eth1"], **fields))


def placed(host: Host, network: NetworkView = UNTAGGED, addresses: tuple[str, ...] = ("192.0.2.5",)) -> Any:  # a change
    request = management_attachment(host, network, addresses, "one")
    assert request.commit_on_success
    (change,) = request.attachments
    assert change.network.id == "m"
    return change


ROUTES = (
    Route(to="0.0.0.0/0", link="eth1", via="192.0.2.1"),
    Route(to="::/0", link="eth1", via="fe80::1"),
    Route(to="10.0.0.0/8", link="eth1", via="192.0.2.2"),
    Route(to="0.0.0.0/0", link="eth0", via="198.51.100.1", metric=9),
)


def test_it_keeps_address_and_gateways() -> None:
    change = placed(replace(with_eth1(addresses=(V4, V6)), routes=ROUTES))
    assert change.nic.name == "eth1"
    assert change.assignments == (
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
    bond = replace(machine(("eth0",)), bonds={"bond0": Bond(name="bond0", owner=SHARED)})
    host = bond.with_link(Vlan(name="v", owner="former", base="bond0", tag=7, addresses=(V4,)))
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


# Where it was before: what a former engine, or this one, made of the host


BOND = BondIntent(id="b", name="bond0", slaves=("eth0", "eth1"), options={"mode": "1"})
SHAPES: dict[str, tuple[SwitchType, tuple[BondIntent, ...], int | None, bool]] = {
    f"{switch} {'bond' if bonds else 'NIC'} {'VLAN' if vlan else 'untagged'}{'' if vm else ' bridgeless'}": (
        switch,
        bonds,
        vlan,
        vm,
    )
    for switch in ("legacy", "ovs")
    for bonds in ((), (BOND,))
    for vlan in (None, 7)
    for vm in (True, False)
}


def carried(switch: SwitchType, bonds: tuple[BondIntent, ...], network: NetworkIntent) -> Host:
    """A host on which an engine has set up the management network, and a network beside it."""
    base = bonds[0].name if bonds else "eth0"
    static = (IpAssignment(method="static", address="192.0.2.5", prefix=24, gateway="192.0.2.1"),)
    beside = NetworkIntent(id="s", name="storage", host_side_name="storage", vlan=9)
    intent = HostIntent(
        switch_type=switch,
        networks=(network, beside),
        attachments=(
            AttachmentIntent(id="a", network_id=network.id, nic=base, assignments=static),
            AttachmentIntent(id="c", network_id="s", nic=base),
        ),
        bonds=bonds,
        default_route_network=network.id,
        ovs_datapath="netdev",
    )
    start = machine(("eth0", "eth1"))
    return reach(start, desired_host(intent, start))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("former", "called"), [("m", "mgmt"), ("other", "mgmt"), ("other", "oldmgmt")])
def test_it_is_found_where_it_was_and_stays_there(shape: str, former: str, called: str) -> None:
    switch, bonds, vlan, vm = SHAPES[shape]
    network = replace(UNTAGGED, intent=replace(UNTAGGED.intent, vlan=vlan, vm=vm), roles=frozenset({"management"}))
    host = carried(switch, bonds, replace(network.intent, id=former, host_side_name=called))
    view = HostView(
        id="h",
        name="one",
        status="installing",
        intent=HostIntent(
            switch_type=switch, default_route_network="m", ovs_datapath="netdev", kept=tuple(owners_on(host))
        ),
        report=host,
        nics={f"id-{name}": name for name in ("eth0", "eth1", *(bond.name for bond in bonds))},
        networks={"m": network},
    )
    request = management_attachment(host, network, ("192.0.2.5",), "one")
    final = validate(view, request, lambda: "new", "Cannot install Host.", installs=True)
    (mine,) = final.attachments
    assert mine.nic == ("bond0" if bonds else "eth0")
    assert mine.assignments[0].address == "192.0.2.5"
    assert [owner for owner in final.kept if owner != "m"] == ["s"]
    intent = replace(view.intent, networks=(network.intent,), attachments=(mine,), bonds=final.bonds, kept=final.kept)
    there = reach(host, desired_host(intent, host))
    assert owners_on(there) == {"m", "s"}
    (link,) = (link for link in there.links().values() if link.addresses)
    assert (link.owner, link.addresses) == ("m", (V4,))


def test_unmanaged_links_are_reported_and_can_be_handed_over() -> None:
    ports = machine(("eth0", "eth1"))
    bridged = ports.with_link(replace(ports.nics["eth0"], master="br0")).with_link(Bridge(name="br0", addresses=(V4,)))
    with pytest.raises(HostError) as refusal:
        placed(bridged)
    assert refusal.value.code == "MANAGEMENT_ADDRESS_ON_UNMANAGED_LINK"
    assert "'br0' over eth0" in refusal.value.text
    assert "ip link set dev br0 alias netweft:base" in refusal.value.text
    odd = bridged.with_link(Vlan(name="odd", base="of an unknown kind", tag=3, master="br0"))
    with pytest.raises(HostError):
        placed(odd)
    given = bridged.with_link(replace(bridged.bridges["br0"], owner=SHARED))
    change = placed(given)
    assert change.nic.name == "eth0"
    mine = AttachmentIntent(id="a", network_id="m", nic="eth0", assignments=change.assignments)
    intent = HostIntent(networks=(UNTAGGED.intent,), attachments=(mine,))
    there = reach(given, desired_host(intent, given))
    assert sorted(there.bridges) == ["mgmt"]
    assert there.bridges["mgmt"].addresses == (V4,)


def test_an_unmanaged_switch_is_reported_and_left() -> None:
    host = replace(
        machine(("eth0",)),
        ovs_bridges={"sw": OvsBridge(name="sw")},
        ovs_ports={
            "sw": OvsPort(name="sw", bridge="sw", addresses=(V4,)),
            "eth0": OvsPort(name="eth0", bridge="sw", interfaces=("eth0",)),
        },
    )
    with pytest.raises(HostError) as refusal:
        placed(host)
    assert "'sw' over eth0" in refusal.value.text
    assert "alias" not in refusal.value.text


def placement(found: Host, *addresses: str, network: NetworkView = UNTAGGED) -> tuple[str, tuple[IpAssignment, ...]]:
    (change,) = management_attachment(found, network, addresses, "h1").attachments
    assert isinstance(change.assignments, tuple)
    return change.nic.name, change.assignments


def test_the_management_network_goes_where_the_address_is() -> None:
    route = Route(to="0.0.0.0/0", link="eth1", via="192.0.2.1")
    nics = {"eth0": Nic(name="eth0"), "eth1": Nic(name="eth1", addresses=(V4, V6))}
    nic, (four, six) = placement(Host(nics=nics, routes=(route,)), "192.0.2.5")
    assert nic == "eth1"
    assert four == IpAssignment(version=4, method="static", address="192.0.2.5", prefix=24, gateway="192.0.2.1")
    assert six == IpAssignment(version=6, method="static", address="2001:db8::5", prefix=64)


def test_it_keeps_how_the_address_came() -> None:
    def method(**values: Any) -> list[tuple[int, str]]:
        link = Nic(name="eth0", dynamic=(V4,), **values)
        return [(one.version, one.method) for one in placement(Host(nics={"eth0": link}), "192.0.2.5")[1]]

    assert method(dhcp4=True) == [(4, "dhcp")]
    assert method(dhcp4=True, dhcp6=True) == [(4, "dhcp"), (6, "dhcp")]
    assert method(dhcp4=True, dhcp6=True, autoconf=True) == [(4, "dhcp"), (6, "poly_dhcp_autoconf")]
    assert method(dhcp4=True, autoconf=True) == [(4, "dhcp"), (6, "autoconf")]
    assert method(dhcp4=True, autoconf=True, addresses=(V6,)) == [(4, "dhcp"), (6, "static")]
    assert method() == [(4, "dhcp")]


def test_it_goes_below_a_vlan_device_of_its_own_tag() -> None:
    found = Host(
        nics={"eth0": Nic(name="eth0")},
        vlans={"eth0.9": Vlan(name="eth0.9", owner="x", base="eth0", tag=9, addresses=(V4,))},
    )
    tagged = NetworkView(intent=NetworkIntent(id="m", name="mgmt", host_side_name="mgmt", vlan=9), in_cluster=True)
    assert placement(found, "192.0.2.5", network=tagged)[0] == "eth0"
    with pytest.raises(HostError, match="VLAN 9"):
        placement(found, "192.0.2.5")


def test_an_agent_on_loopback_has_it_on_its_best_nic() -> None:
    nics = {"eth0": Nic(name="eth0"), "eth1": Nic(name="eth1", addresses=(V4,)), "eth2": Nic(name="eth2")}
    assert placement(Host(nics=nics), "127.0.0.1")[0] == "eth1"
    assert placement(Host(nics=nics, routes=(Route(to="0.0.0.0/0", link="eth2"),)), "127.0.0.1", "::1")[0] == "eth2"
    assert (
        placement(Host(nics={"eth0": Nic(name="eth0")}, bonds={"bond0": Bond(name="bond0", owner="base")}), "::1")[0]
        == "bond0"
    )
    assert placement(Host(nics={"eth0": Nic(name="eth0")}, bonds={"bond0": Bond(name="bond0")}), "::1")[0] == "eth0"
    with pytest.raises(HostError, match="None of the NICs"):
        placement(Host(), "127.0.0.1")
    with pytest.raises(HostError, match="None of the NICs"):
        placement(Host(nics=nics), "192.0.2.77")
