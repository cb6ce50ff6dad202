"""A host's NICs as the API shows them: one shape, whatever the switch."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.strategies import mac_of, machine
from netweft.core.desired import desired_host
from netweft.core.drift import find_drift
from netweft.core.host import Address, Bond, Bridge, Host, Nic, NicFacts, OvsBridge, OvsPort, Vlan
from netweft.core.intent import (
    AttachmentIntent,
    BondIntent,
    HostIntent,
    HostQos,
    IpAssignment,
    NetworkIntent,
    SwitchType,
)
from netweft.core.nic_view import FamilyView, NicView, nic_views
from netweft.core.plan import plan
from netweft.core.simulate import simulate_all
from netweft.core.sync import compare_attachment

V4 = IpAssignment(method="static", address="192.0.2.5", prefix=24, gateway="192.0.2.1")
NETWORKS = (
    NetworkIntent(id="mgmt", name="ovirtmgmt", host_side_name="ovirtmgmt"),
    NetworkIntent(id="tenants", name="tenants", host_side_name="tenants", vlan=200, mtu=9000),
    NetworkIntent(id="backup", name="backup", host_side_name="backup", vm=False, mtu=9000),
)
ATTACHMENTS = (
    AttachmentIntent(id="1", network_id="mgmt", nic="eth0", assignments=(V4,)),
    AttachmentIntent(id="2", network_id="tenants", nic="bond0"),
    AttachmentIntent(id="3", network_id="backup", nic="bond0", assignments=(IpAssignment(method="dhcp"),)),
)


def intent(switch_type: SwitchType, **options: str) -> HostIntent:
    bond = BondIntent(id="b", name="bond0", slaves=("eth1", "eth2"), options={"mode": "4", **options})
    return HostIntent(
        switch_type=switch_type,
        networks=NETWORKS,
        attachments=ATTACHMENTS,
        bonds=(bond,),
        default_route_network="mgmt",
    )


def made(desired: HostIntent) -> Host:
    bare = machine(("eth0", "eth1", "eth2"))
    fast = {n: replace(nic, facts=replace(nic.facts, speed=10_000)) for n, nic in bare.nics.items()}
    start = replace(bare, nics=fast)
    return simulate_all(start, plan(start, desired_host(desired, start)))


@pytest.mark.parametrize("switch_type", ["legacy", "ovs"])
def test_one_shape_whatever_the_switch(switch_type: SwitchType) -> None:
    views = nic_views(made(intent(switch_type, lacp_rate="1")))
    assert set(views) == {"eth0", "eth1", "eth2", "bond0", "bond0.200"}
    assert {name: (view.kind, view.base, view.vlan, view.master) for name, view in views.items()} == {
        "eth0": ("nic", "", None, ""),
        "eth1": ("nic", "", None, "bond0"),
        "eth2": ("nic", "", None, "bond0"),
        "bond0": ("bond", "", None, ""),
        "bond0.200": ("vlan", "bond0", 200, ""),
    }
    bond = views["bond0"].bond
    assert bond is not None
    assert (bond.mode, dict(bond.options), bond.slaves) == ("802.3ad", {"lacp_rate": "fast"}, ("eth1", "eth2"))
    assert {name: (view.network_id, view.mtu, view.speed, view.is_up, view.name) for name, view in views.items()} == {
        "eth0": ("mgmt", 1500, 10_000, True, "eth0"),
        "eth1": ("", 9000, 10_000, True, "eth1"),
        "eth2": ("", 9000, 10_000, True, "eth2"),
        "bond0": ("backup", 9000, 20_000, True, "bond0"),
        "bond0.200": ("tenants", 9000, 20_000, True, "bond0.200"),
    }
    assert views["bond0"].mac == views["bond0.200"].mac == mac_of(1)
    assert views["eth0"].ipv4 == FamilyView(
        method="static", address=Address(ip="192.0.2.5", prefix=24), gateway="192.0.2.1"
    )
    assert views["bond0"].ipv4.method == "dhcp"
    assert (views["eth0"].bridged, views["bond0.200"].bridged) == (True, True)


@pytest.mark.parametrize("switch_type", ["legacy", "ovs"])
def test_a_network_on_a_bond_is_in_sync_on_it(switch_type: SwitchType) -> None:
    desired = intent(switch_type)
    host = made(desired)
    compared = [compare_attachment(desired, a, host, find_drift(desired, host)) for a in ATTACHMENTS]
    assert [one for each in compared for one in each if not one.in_sync] == []


def ovs_bond(**fields: object) -> Host:
    """An OVS bond of two NICs, the second without a cable."""
    port = OvsPort(name="bond0", bridge="sw", interfaces=("eth0", "eth1"), **fields)  # type: ignore[arg-type] # fields of OvsPort
    nics = {
        "eth0": Nic(name="eth0", mac=mac_of(0), mtu=9000, facts=NicFacts(speed=1000)),
        "eth1": Nic(name="eth1", mac=mac_of(1), carrier=False, facts=NicFacts(speed=10_000)),
    }
    return Host(nics=nics, ovs_bridges={"sw": OvsBridge(name="sw")}, ovs_ports={"bond0": port})


@pytest.mark.parametrize(
    ("bond_mode", "lacp", "mode", "options", "speed"),
    [
        ("", "off", "active-backup", {}, 10_000),
        ("active-backup", "active", "active-backup", {}, 10_000),
        ("balance-slb", "off", "balance-xor", {}, 11_000),
        ("balance-slb", "passive", "802.3ad", {"xmit_hash_policy": "vlan+srcmac"}, 11_000),
        ("balance-tcp", "active", "802.3ad", {}, 11_000),
    ],
)
def test_a_bond_of_open_vswitch_that_somebody_else_made(
    bond_mode: str, lacp: str, mode: str, options: dict[str, str], speed: int
) -> None:
    view = nic_views(ovs_bond(bond_mode=bond_mode, lacp=lacp))["bond0"]
    assert view.bond is not None
    assert (view.bond.mode, view.bond.options, view.bond.slaves) == (mode, options, ("eth0", "eth1"))
    assert (view.kind, view.speed, view.mtu, view.mac, view.network_id) == ("bond", speed, 1500, mac_of(0), "")


def test_a_bond_of_open_vswitch_is_up_while_one_port_has_a_link() -> None:
    host = ovs_bond()
    assert nic_views(host)["bond0"].is_up
    dark = host.with_link(replace(host.nics["eth0"], carrier=False))
    assert not nic_views(dark)["bond0"].is_up
    off = host.with_link(replace(host.nics["eth0"], up=False))
    assert not nic_views(off)["bond0"].is_up


def test_a_bond_of_open_vswitch_whose_nics_are_gone_is_shown_down() -> None:
    view = nic_views(replace(ovs_bond(), nics={}))["bond0"]
    assert (view.is_up, view.mac, view.mtu, view.speed) == (False, "", 0, 0)


def test_a_network_over_one_interface_is_on_that_nic_whatever_the_port_is_called() -> None:
    door = OvsPort(name="to-the-rack", owner="base", bridge="sw", interfaces=("eth0",))
    inner = OvsPort(name="blue", owner="n", bridge="sw", tag=7, mac=mac_of(9))
    host = replace(ovs_bond(), ovs_ports={"to-the-rack": door, "blue": inner})
    view = nic_views(host)["eth0.7"]
    assert (view.network_id, view.base, view.vlan, view.kind, view.mac) == ("n", "eth0", 7, "vlan", mac_of(0))
    assert "bond0" not in nic_views(host)


def test_links_without_a_nic_are_not_shown() -> None:
    host = Host(
        bridges={"lonely": Bridge(name="lonely", owner="n")},
        vlans={"v": Vlan(name="v", base="lonely", tag=1)},
        ovs_bridges={"sw": OvsBridge(name="sw")},
        ovs_ports={"in": OvsPort(name="in", owner="m", bridge="sw", tag=7)},
    )
    assert nic_views(host) == {}


def test_a_bond_of_the_kernel_reports_its_active_port_and_partner() -> None:
    bond = Bond(name="bond0", mode="active-backup", active_port="eth1", partner_mac=mac_of(9), mac=mac_of(0))
    nics = {name: Nic(name=name, master="bond0", facts=NicFacts(speed=n)) for n, name in ((1, "eth0"), (2, "eth1"))}
    view = nic_views(Host(nics=nics, bonds={"bond0": bond}))["bond0"]
    assert view.bond is not None
    assert (view.bond.active_slave, view.bond.partner_mac, view.speed) == ("eth1", mac_of(9), 2)


ADDRESSES = (Address(ip="192.0.2.5", prefix=24), Address(ip="2001:db8::5", prefix=64))


@pytest.mark.parametrize(
    ("fields", "method4", "method6"),
    [
        ({}, "none", "none"),
        ({"addresses": ADDRESSES}, "static", "static"),
        ({"dhcp4": True, "dhcp6": True, "dynamic": ADDRESSES}, "dhcp", "dhcp"),
        ({"autoconf": True}, "none", "autoconf"),
        ({"dhcp6": True, "autoconf": True}, "none", "poly_dhcp_autoconf"),
    ],
)
def test_how_addresses_come(fields: dict[str, object], method4: str, method6: str) -> None:
    view: NicView = nic_views(machine(("eth0",), **fields))["eth0"]
    assert (view.ipv4.method, view.ipv6.method) == (method4, method6)
    has = bool(fields.get("addresses") or fields.get("dynamic"))
    assert (view.ipv4.address, view.ipv6.address) == (ADDRESSES if has else (None, None))


def test_what_a_network_gets_of_its_nic() -> None:
    calm = HostQos(link_share=20, upper_limit=1000)
    desired = intent("legacy")
    networks = tuple(replace(network, qos=calm if network.vlan else None) for network in desired.networks)
    views = nic_views(made(replace(desired, networks=networks)))
    assert {name: view.qos for name, view in views.items() if view.qos} == {"bond0.200": calm}
