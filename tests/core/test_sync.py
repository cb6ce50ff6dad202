"""Where networks are on a host, and which of their properties are as desired."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from core.strategies import intents, machine, machines
from netweft.core.desired import desired_host
from netweft.core.drift import find_drift
from netweft.core.host import Address, Bridge, Host, Route
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, HostQos, IpAssignment, NetworkIntent
from netweft.core.plan import plan
from netweft.core.simulate import simulate_all
from netweft.core.sync import Reported, compare_attachment, locate_networks

V4 = IpAssignment(method="static", address="192.0.2.5", prefix=24, gateway="192.0.2.1")
V6 = IpAssignment(version=6, method="static", address="2001:DB8::5", prefix=64, gateway="2001:db8::1")
NETWORKS = (
    NetworkIntent(id="mgmt", name="ovirtmgmt", host_side_name="ovirtmgmt", dns=("192.0.2.53",)),
    NetworkIntent(id="tenants", name="tenants", host_side_name="tenants", vlan=200, mtu=9000),
    NetworkIntent(id="storage", name="storage", host_side_name="storage", vlan=100, vm=False),
    NetworkIntent(id="backup", name="backup", host_side_name="backup", vm=False, mtu=9000),
)
ATTACHMENTS = (
    AttachmentIntent(id="1", network_id="mgmt", nic="eth0", assignments=(V4, V6)),
    AttachmentIntent(id="2", network_id="tenants", nic="bond0"),
    AttachmentIntent(id="3", network_id="storage", nic="bond0"),
    AttachmentIntent(id="4", network_id="backup", nic="bond0", assignments=(IpAssignment(method="dhcp"),)),
)


def intent(switch_type: str = "legacy", **fields: object) -> HostIntent:
    bonds = (BondIntent(id="b", name="bond0", slaves=("eth1", "eth2"), options={"mode": "4"}),)
    whole = HostIntent(
        switch_type=switch_type,  # type: ignore[arg-type] # one of the two
        networks=NETWORKS,
        attachments=ATTACHMENTS,
        bonds=bonds,
        default_route_network="mgmt",
    )
    return replace(whole, **fields)


def made(desired: HostIntent, start: Host | None = None) -> Host:
    start = start or machine()
    return simulate_all(start, plan(start, desired_host(desired, start)))


def compare(desired: HostIntent, attachment: AttachmentIntent, host: Host) -> tuple[Reported, ...]:
    return compare_attachment(desired, attachment, host, find_drift(desired, host))


def out_of_sync(desired: HostIntent, host: Host, number: int) -> dict[str, tuple[str | None, str | None]]:
    compared = compare(desired, desired.attachments[number], host)
    return {one.name: (one.expected, one.actual) for one in compared if not one.in_sync}


def test_where_networks_are_with_linux_bridges() -> None:
    found = locate_networks(made(intent()))
    assert {k: (at.base, at.top, at.vlan_link, at.vlan, at.bridged, at.plug) for k, at in found.items()} == {
        "mgmt": ("eth0", "ovirtmgmt", "", None, True, "ovirtmgmt"),
        "tenants": ("bond0", "tenants", "bond0.200", 200, True, "tenants"),
        "storage": ("bond0", "bond0.100", "bond0.100", 100, False, ""),
        "backup": ("bond0", "bond0", "", None, False, ""),
    }
    mgmt = found["mgmt"]
    assert (mgmt.gateway4, mgmt.gateway6, mgmt.default_route, mgmt.mtu) == ("192.0.2.1", "2001:db8::1", True, 1500)
    assert found["backup"].dhcp4


def test_where_networks_are_with_open_vswitch() -> None:
    found = locate_networks(made(intent("ovs")))
    assert {k: (at.base, at.top, at.vlan_link, at.vlan, at.plug, at.switch) for k, at in found.items()} == {
        "mgmt": ("eth0", "ovirtmgmt", "", None, "br-eth0", "ovs"),
        "tenants": ("bond0", "tenants", "", 200, "br-bond0", "ovs"),
        "storage": ("bond0", "storage", "", 100, "br-bond0", "ovs"),
        "backup": ("bond0", "backup", "", None, "br-bond0", "ovs"),
    }


def test_what_is_nowhere_and_what_has_no_uplink() -> None:
    host = Host(bridges={"lonely": Bridge(name="lonely", owner="lonely")})
    assert "mgmt" not in locate_networks(host)
    routed = replace(host, routes=(Route(to="10.0.0.0/8", link="lonely", via="192.0.2.9"),))
    assert locate_networks(routed)["lonely"].gateway4 == ""
    lonely = locate_networks(host)["lonely"]
    assert (lonely.base, lonely.plug) == ("", "lonely")


@settings(settings.default, max_examples=settings.default.max_examples // 4)
@given(machines, intents)
def test_what_was_just_made_is_in_sync(start: Host, desired: HostIntent) -> None:
    host = made(desired, start)
    leased = {
        name: replace(link, dynamic=(Address(ip="100.64.0.7", prefix=24),))
        for name, link in host.links().items()
        if link.dhcp4 or link.dhcp6 or link.autoconf
    }
    for link in leased.values():
        host = host.with_link(link)
    locations = locate_networks(host)
    for attachment in desired.attachments:
        compared = compare_attachment(desired, attachment, host, find_drift(desired, host), locations)
        assert all(one.in_sync for one in compared)


@pytest.mark.parametrize("switch_type", ["legacy", "ovs"])
def test_the_properties_of_a_network_in_sync(switch_type: str) -> None:
    desired = intent(switch_type)
    compared = compare(desired, ATTACHMENTS[0], made(desired))
    assert {one.name: one.actual for one in compared} == {
        "mtu": "1500",
        "bridged": "true",
        "vlan": None,
        "switchType": switch_type.upper(),
        "ipv4_boot_protocol": "STATIC_IP",
        "ipv4_address": "192.0.2.5",
        "ipv4_netmask": "255.255.255.0",
        "ipv4_gateway": "192.0.2.1",
        "ipv6_boot_protocol": "STATIC_IP",
        "ipv6_address": "2001:db8::5",
        "ipv6_prefix": "64",
        "ipv6_gateway": "2001:db8::1",
        "dns_configuration": "192.0.2.53",
        "default_route": "true",
    }
    assert all(one.in_sync for one in compared)


def test_a_network_that_is_not_there() -> None:
    assert out_of_sync(intent(), machine(), 0) == {
        "mtu": ("1500", None),
        "bridged": ("true", None),
        "vlan": (None, None),
        "switchType": ("LEGACY", None),
        "ipv4_boot_protocol": ("STATIC_IP", None),
        "ipv6_boot_protocol": ("STATIC_IP", None),
        "dns_configuration": ("192.0.2.53", None),
        "default_route": ("true", None),
    }


def test_what_changed_in_the_data_centre_is_out_of_sync() -> None:
    host = made(intent())
    changed = (
        replace(NETWORKS[0], vm=False, dns=("192.0.2.53", "192.0.2.54")),
        replace(NETWORKS[1], vlan=201, mtu=0),
        NETWORKS[2],
        NETWORKS[3],
    )
    other_ip = (
        replace(V4, address="192.0.2.6", prefix=25, gateway="0.0.0.0"),  # the unspecified address, no socket
        replace(V6, prefix=48, gateway="::"),
    )
    attachments = (
        replace(ATTACHMENTS[0], assignments=other_ip),
        replace(ATTACHMENTS[1], nic="eth0", qos=HostQos(link_share=10)),
        ATTACHMENTS[2],
        replace(ATTACHMENTS[3], assignments=(V4,)),
    )
    desired = intent("ovs", networks=changed, attachments=attachments, default_route_network="mgmt")
    switch = {"switchType": ("OVS", "LEGACY")}
    assert out_of_sync(desired, host, 0) == {
        "bridged": ("false", "true"),
        **switch,
        "ipv4_address": ("192.0.2.6", "192.0.2.5"),
        "ipv4_netmask": ("255.255.255.128", "255.255.255.0"),
        "ipv4_gateway": (None, "192.0.2.1"),
        "ipv6_prefix": ("48", "64"),
        "ipv6_gateway": (None, "2001:db8::1"),
        "dns_configuration": ("192.0.2.53,192.0.2.54", "192.0.2.53"),
        "eth0.shaping": ("the rest with share 10, VLAN 201 with share 10", "none"),
    }
    assert out_of_sync(desired, host, 1) == {
        "mtu": ("1500", "9000"),
        "vlan": ("201", "200"),
        **switch,
        "nic": ("eth0", "bond0"),
        "outAverageLinkShare": ("10", None),
    }
    assert out_of_sync(desired, host, 2) == switch
    assert out_of_sync(desired, host, 3) == {**switch, "ipv4_boot_protocol": ("STATIC_IP", "DHCP")}
    moved = intent(default_route_network="tenants")
    assert out_of_sync(moved, host, 0) == {"default_route": ("false", "true")}


@pytest.mark.parametrize(
    ("method", "text"),
    [("none", "NONE"), ("dhcp", "DHCP"), ("autoconf", "AUTOCONF"), ("poly_dhcp_autoconf", "POLY_DHCP_AUTOCONF")],
)
def test_ipv6_methods(method: str, text: str) -> None:
    assignment = IpAssignment(version=6, method=method)  # type: ignore[arg-type] # one of the methods
    desired = intent(
        attachments=(AttachmentIntent(id="1", network_id="backup", nic="eth0", assignments=(assignment,)),)
    )
    compared = {one.name: one.actual for one in compare(desired, desired.attachments[0], made(desired))}
    assert compared["ipv6_boot_protocol"] == text


GOLD, CALM = HostQos(link_share=100, real_time=500), HostQos(link_share=20, upper_limit=1000)
QOS = ("outAverageLinkShare", "outAverageUpperLimit", "outAverageRealTime")


def qos_of(desired: HostIntent, host: Host, number: int) -> list[tuple[str | None, str | None]]:
    compared = {one.name: one for one in compare(desired, desired.attachments[number], host)}
    return [(compared[name].expected, compared[name].actual) for name in QOS if name in compared]


@pytest.mark.parametrize("switch_type", ["legacy", "ovs"])
def test_a_qos_is_the_attachments_or_the_networks(switch_type: str) -> None:
    networks = (NETWORKS[0], *(replace(network, qos=CALM) for network in NETWORKS[1:]))
    attachments = (ATTACHMENTS[0], replace(ATTACHMENTS[1], qos=GOLD), *ATTACHMENTS[2:])
    desired = intent(switch_type, networks=networks, attachments=attachments)
    plain, shaped = made(intent(switch_type)), made(desired)
    assert qos_of(desired, shaped, 0) == []
    assert qos_of(desired, shaped, 1) == [("100", "100"), (None, None), ("500", "500")]
    assert qos_of(desired, shaped, 2) == qos_of(desired, shaped, 3) == [("20", "20"), ("1000", "1000"), (None, None)]
    assert not any(out_of_sync(desired, shaped, number) for number in range(4))
    assert qos_of(desired, plain, 1) == [("100", None), (None, None), ("500", None)]
    assert qos_of(intent(switch_type), shaped, 2) == [(None, "20"), (None, "1000"), (None, None)]
    if switch_type == "ovs":
        one_port = shaped.with_link(replace(shaped.nics["eth2"], shaping=()))
        assert qos_of(desired, one_port, 2) == [("20", None), ("1000", None), (None, None)]


def test_the_class_of_remaining_frames_is_no_qos_unless_one_is_desired() -> None:
    tagged = (*NETWORKS[:1], *(replace(network, qos=CALM) for network in NETWORKS[1:3]), NETWORKS[3])
    desired = intent(networks=tagged)
    host = made(desired)
    assert host.bonds["bond0"].shaping[0].share == 20
    assert qos_of(desired, host, 3) == []
    alike = intent(networks=(*tagged[:3], replace(NETWORKS[3], qos=HostQos(link_share=20))))
    assert qos_of(alike, host, 3) == [("20", "20"), (None, None), (None, None)]
