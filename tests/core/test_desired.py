"""The desired host, where the golden cases and the properties do not look."""

from __future__ import annotations

from dataclasses import replace
from zlib import adler32

import pytest

from core.strategies import mac_of, machine
from netweft.core.desired import desired_host
from netweft.core.desired_linux import vlan_name
from netweft.core.desired_ovs import IntentError, ovs_bridge_name
from netweft.core.host import Address, Bond, Host, Nic, OvsPort, TrafficClass, Vlan
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, HostQos, IpAssignment, NetworkIntent

PLAIN = NetworkIntent(id="p", name="p", host_side_name="p")
ADDRESS = Address(ip="192.0.2.5", prefix=24)


def bond_of(*slaves: str, mode: str = "1", **options: str) -> BondIntent:
    return BondIntent(id="b", name="bond0", slaves=slaves, options={"mode": mode, **options})


def on(nic: str, **fields: object) -> HostIntent:
    attachment = AttachmentIntent(id="a", network_id="p", nic=nic)
    return replace(HostIntent(networks=(PLAIN,), attachments=(attachment,)), **fields)


def test_names_that_are_too_long_become_short_ones_that_stay() -> None:
    assert (vlan_name("eth0", 100), ovs_bridge_name("eth0")) == ("eth0.100", "br-eth0")
    assert (vlan_name("averylongnic0", 4094), ovs_bridge_name("averylongnic0")) == ("vl8ff94fc4.4094", "br-8ff94fc4")


def test_nics_never_ours_stay_as_reported_and_unused_ones_are_released() -> None:
    report = machine(("eth0", "eth1", "eth2"))
    mine = replace(report.nics["eth1"], owner="base", mtu=9000, addresses=(ADDRESS,), mac=mac_of(9))
    theirs = replace(report.nics["eth2"], addresses=(ADDRESS,), up=False)
    desired = desired_host(on("eth0"), replace(report, nics={**report.nics, "eth1": mine, "eth2": theirs}))
    assert desired.nics["eth2"] == theirs
    assert desired.nics["eth1"] == report.nics["eth1"]


def test_vlan_devices_of_others_keep_their_room() -> None:
    report = machine(("eth0",)).with_link(Vlan(name="theirs", base="eth0", tag=7, mtu=4000))
    tagged = replace(PLAIN, vlan=5)
    assert desired_host(on("eth0", networks=(tagged,)), report).nics["eth0"].mtu == 4000
    assert desired_host(on("eth0", networks=(replace(PLAIN, mtu=1400),)), report).nics["eth0"].mtu == 1400


def test_networks_with_qos_share_their_nic() -> None:
    gold = HostQos(link_share=50, upper_limit=1000, real_time=1)
    untagged, tagged = replace(PLAIN, qos=HostQos()), replace(PLAIN, id="t", host_side_name="t", vlan=5, qos=gold)
    attachments = tuple(AttachmentIntent(id=of, network_id=of, nic="eth0") for of in "pt")
    rest = TrafficClass(tag=None, share=50)
    vlan = TrafficClass(tag=5, share=50, upper_limit=1_000_000_000, real_time=1_000_000)

    def shaping(*networks: NetworkIntent) -> tuple[TrafficClass, ...]:
        intent = HostIntent(networks=networks, attachments=attachments)
        return desired_host(intent, machine(("eth0",))).nics["eth0"].shaping

    assert shaping(PLAIN, replace(tagged, qos=None)) == ()
    assert shaping(PLAIN, tagged) == (rest, vlan)
    assert shaping(untagged, tagged) == (replace(rest, share=1), vlan)


def test_a_bond_has_the_mac_of_the_port_that_peers_know() -> None:
    report = machine(("eth0", "eth1", "eth2"))
    assert desired_host(on("bond0", bonds=(bond_of("eth2", "eth1"),)), report).bridges["p"].mac == mac_of(1)
    busy = report.with_link(replace(report.nics["eth2"], addresses=(ADDRESS,)))
    desired = desired_host(on("bond0", bonds=(bond_of("eth2", "eth1"),)), busy)
    assert (desired.bonds["bond0"].mac, desired.bridges["p"].mac) == (mac_of(2), mac_of(2))


def test_a_bond_keeps_its_mac_while_one_of_its_ports_may_own_it() -> None:
    report = machine(("eth0", "eth1", "eth2")).with_link(Bond(name="bond0", owner="base", mac=mac_of(2)))
    ports = [replace(report.nics[name], master="bond0", mac=mac_of(2)) for name in ("eth1", "eth2")]
    for port in ports:
        report = report.with_link(port)
    assert desired_host(on("bond0", bonds=(bond_of("eth1", "eth2"),)), report).bonds["bond0"].mac == mac_of(2)
    silent = report.with_link(Nic(name="eth1", master="bond0", mac=mac_of(2)))
    assert desired_host(on("bond0", bonds=(bond_of("eth0", "eth1"),)), silent).bonds["bond0"].mac == mac_of(2)


def test_a_bond_that_loses_the_port_of_its_mac_takes_that_of_one_that_stays() -> None:
    """With LACP and a switch that does not speak it, the LACPDUs of a port that joined would call frames there."""
    report = machine(("eth0", "eth1", "eth2")).with_link(Bond(name="bond0", owner="base", mac=mac_of(2)))
    for name in ("eth1", "eth2"):
        report = report.with_link(replace(report.nics[name], master="bond0", mac=mac_of(2)))
    bonds = (bond_of("eth0", "eth1", mode="4"),)
    assert desired_host(on("bond0", bonds=bonds), report).bonds["bond0"].mac == mac_of(1)


def test_a_bond_that_fails_over_its_mac_gets_none() -> None:
    desired = desired_host(on("bond0", bonds=(bond_of("eth1", "eth0", fail_over_mac="1"),)), machine())
    assert (desired.bonds["bond0"].mac, desired.bridges["p"].mac) == ("", mac_of(0))


def test_an_ovs_bond_keeps_the_mac_of_its_internal_ports() -> None:
    intent = on("bond0", switch_type="ovs", bonds=(bond_of("eth0", "eth1"),))
    report = machine().with_link(OvsPort(name="p", owner="p", bridge="br-bond0", mac=mac_of(1)))
    assert desired_host(intent, report).ovs_ports["p"].mac == mac_of(1)


def test_a_nic_that_is_not_there_is_wanted_all_the_same() -> None:
    desired = desired_host(on("eth9"), Host())
    assert (desired.nics["eth9"].owner, desired.bridges["p"].mac) == ("base", "")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("1", ("active-backup", "off")), ("2", ("balance-slb", "off")), ("4", ("balance-tcp", "active"))],
)
def test_bond_modes_that_open_vswitch_has(mode: str, expected: tuple[str, str]) -> None:
    port = desired_host(
        on("bond0", switch_type="ovs", bonds=(bond_of("eth0", "eth1", mode=mode),)), machine()
    ).ovs_ports["bond0"]
    assert (port.bond_mode, port.lacp, port.interfaces) == (*expected, ("eth0", "eth1"))


@pytest.mark.parametrize("mode", ["0", "3", "balance-alb", ""])
def test_bond_modes_that_open_vswitch_lacks(mode: str) -> None:
    with pytest.raises(IntentError, match="use mode 1, 2 or 4"):
        desired_host(on("bond0", switch_type="ovs", bonds=(bond_of("eth0", "eth1", mode=mode),)), machine())


def test_an_ovs_bond_of_one_is_a_plain_port() -> None:
    ports = desired_host(on("bond0", switch_type="ovs", bonds=(bond_of("eth1"),)), machine()).ovs_ports
    assert (ports["eth1"].interfaces, ports["eth1"].bond_mode) == (("eth1",), "")


def test_the_table_of_a_network_follows_from_its_link() -> None:
    ip = (IpAssignment(method="static", address="192.0.2.5", prefix=24, gateway="192.0.2.1"),)
    attachment = AttachmentIntent(id="a", network_id="p", nic="eth0", assignments=ip, dns=("192.0.2.53",))
    aside = desired_host(on("eth0", attachments=(attachment,)), machine())
    assert {route.table for route in aside.routes} == {rule.table for rule in aside.rules} == {adler32(b"p")}
    assert aside.dns is None
    default = desired_host(on("eth0", attachments=(attachment,), default_route_network="p"), machine())
    assert ([route.table for route in default.routes], default.rules, default.dns) == ([254], (), ("192.0.2.53",))


def test_a_table_is_never_one_of_the_kernels() -> None:
    """No link name has so small a checksum but the empty one, and that would be table 1."""
    attachment = AttachmentIntent(
        id="a",
        network_id="p",
        nic="eth0",
        assignments=(IpAssignment(method="static", address="192.0.2.5", prefix=24, gateway="192.0.2.1"),),
    )
    odd = on("eth0", networks=(replace(PLAIN, host_side_name="\x01"),), attachments=(attachment,))
    assert {route.table for route in desired_host(odd, machine()).routes} == {adler32(b"\x01")}
