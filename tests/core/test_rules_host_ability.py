"""What a host has reported that it cannot do is refused, and only where it is needed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.strategies import machine
from netweft.core.host_limits import limits_of
from netweft.core.host_request import FinalSet, HostView, NetworkView
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, HostQos, IpAssignment, NetworkIntent
from netweft.core.protocol import Ability, Capabilities
from netweft.core.rules import host_ability as rule

QOS = HostQos(link_share=5)
NETWORKS = {
    name: NetworkView(
        intent=NetworkIntent(id=name, name=name, host_side_name=name, vlan=vlan, vm=vm, qos=qos), in_cluster=True
    )
    for name, vlan, vm, qos in (("plain", None, True, None), ("tagged", 5, False, None), ("bare", None, False, QOS))
}
REPORT = machine(("eth0", "eth1"))
BOND = BondIntent(id="b", name="bond0", slaves=("eth0", "eth1"))
IPV6 = IpAssignment(version=6, method="autoconf")


def view(switch_type: str = "legacy", *lacks: Ability, **nic: object) -> HostView:
    report = REPORT.with_link(replace(REPORT.nics["eth0"], **nic))  # type: ignore[arg-type] # fields of a NIC
    intent = HostIntent(switch_type=switch_type)  # type: ignore[arg-type] # one of the two
    return HostView(
        id="h",
        name="one",
        status="up",
        intent=intent,
        report=report,
        nics={},
        networks=NETWORKS,
        limits=limits_of(report, frozenset(lacks)),
    )


def on(network: str, nic: str = "eth0", *assignments: IpAssignment) -> AttachmentIntent:
    return AttachmentIntent(id="a", network_id=network, nic=nic, assignments=assignments)


def code(problem: object) -> str:
    return getattr(problem, "code", "")


def final(*bonds: BondIntent) -> FinalSet:
    return FinalSet(attachments=(), bonds=bonds, touched=frozenset(), touched_bonds=frozenset())


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (view("legacy", Ability.BONDING), "HOST_HAS_NO_BONDING"),
        (view("ovs", Ability.BONDING), ""),
        (view("legacy"), ""),
    ],
)
def test_bonding(host: HostView, expected: str) -> None:
    assert code(rule.host_can_bond(host, BOND)) == expected


@pytest.mark.parametrize(
    ("host", "network", "expected"),
    [
        (view("legacy", Ability.VLAN), "tagged", "HOST_HAS_NO_VLANS"),
        (view("legacy", Ability.VLAN), "plain", ""),
        (view("ovs", Ability.VLAN), "tagged", ""),
        (view("legacy"), "tagged", ""),
    ],
)
def test_vlans(host: HostView, network: str, expected: str) -> None:
    assert code(rule.host_can_tag(host, on(network))) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (view("ovs", Ability.OPEN_VSWITCH), "HOST_HAS_NO_OPEN_VSWITCH"),
        (view("legacy", Ability.OPEN_VSWITCH), ""),
        (view("ovs"), ""),
    ],
)
def test_open_vswitch(host: HostView, expected: str) -> None:
    assert code(rule.host_has_its_switch(host, on("plain"))) == expected


def test_shaping() -> None:
    """Open vSwitch shapes the NICs of a bond, the kernel the bond."""
    host = view(queueing="fq 8001:")
    assert code(rule.nic_can_be_shaped(host, on("bare"), final())) == "NIC_HAS_FOREIGN_QUEUEING"
    assert rule.nic_can_be_shaped(host, on("bare", "bond0"), final(BOND)) is None
    ovs = view("ovs", queueing="fq 8001:")
    assert code(rule.nic_can_be_shaped(ovs, on("bare", "bond0"), final(BOND))) == "NIC_HAS_FOREIGN_QUEUEING"
    assert rule.nic_can_be_shaped(host, on("plain"), final()) is None
    assert rule.nic_can_be_shaped(host, on("bare", "eth1"), final()) is None


def test_ipv6() -> None:
    host = view(ipv6_off=True)
    assert code(rule.nic_has_ipv6(host, on("bare", "eth0", IPV6))) == "NIC_HAS_NO_IPV6"
    assert rule.nic_has_ipv6(host, on("bare", "eth1", IPV6)) is None
    assert rule.nic_has_ipv6(host, on("bare", "eth0", IpAssignment(method="dhcp"))) is None
    assert rule.nic_has_ipv6(host, on("plain", "eth0", IPV6)) is None
    assert rule.nic_has_ipv6(view("ovs", ipv6_off=True), on("bare", "eth0", IPV6)) is None


def test_reported_abilities_of_a_host() -> None:
    texts = dict.fromkeys(("hostname", "agent_version", "kernel", "os_name", "os_version", "cpu_model"), "")
    facts = Capabilities(**texts, cpu_cores=1, memory=1, vlan=False, bonding=True)
    assert facts.lacks == {Ability.VLAN, Ability.OPEN_VSWITCH, Ability.OVN}
    assert Ability.OVN in replace(facts, ovn_version="23.03.1").lacks, "ovn-controller is told by Open vSwitch"
    assert replace(facts, ovs_version="3.1.0", ovn_version="23.03.1").lacks == {Ability.VLAN}
