"""Copying the networks of a host to another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.problems import assert_fails
from core.strategies import machine
from netweft.core.errors import Problem
from netweft.core.host import Host, Nic, NicFacts
from netweft.core.host_request import AttachmentChange, BondChange, Ref
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, HostQos, IpAssignment
from netweft.core.rules import host_copy

HOLDS: list[Problem | None] = [
    host_copy.is_another_host("a", "b"),
    host_copy.is_in_same_cluster("one", "c", "c"),
    host_copy.has_enough_nics(("eth1",), ("eth1", "eth2")),
    host_copy.is_in_same_cluster("a", "c", "c"),
    host_copy.has_enough_nics(["eth1"], ["eth1", "eth2"]),
]

FAILS: list[tuple[Problem | None, str, str]] = [
    (host_copy.is_another_host("a", "a"), "INVALID_HOST_ID", "another one"),
    (
        host_copy.is_in_same_cluster("one", "c", "d"),
        "ACTION_TYPE_FAILED_DESTINATION_AND_SOURCE_CLUSTER_ARE_NOT_THE_SAME",
        "Host one",
    ),
    (
        host_copy.has_enough_nics(("eth1", "eth2"), ("eth1",)),
        "ACTION_TYPE_FAILED_INTERFACE_COUNT_DOES_NOT_MATCH",
        "has 2 NICs besides that of the management network, and this Host only 1",
    ),
    (
        host_copy.is_in_same_cluster("a", "c", "d"),
        "ACTION_TYPE_FAILED_DESTINATION_AND_SOURCE_CLUSTER_ARE_NOT_THE_SAME",
        ".",
    ),
    (host_copy.has_enough_nics(["eth1", "eth2"], ["eth1"]), "ACTION_TYPE_FAILED_INTERFACE_COUNT_DOES_NOT_MATCH", "."),
]


@pytest.mark.parametrize("problem", HOLDS)
def test_holds(problem: Problem | None) -> None:
    assert problem is None


@pytest.mark.parametrize(("problem", "code", "words"), FAILS)
def test_fails(problem: Problem | None, code: str, words: str) -> None:
    assert_fails(problem, code, words)


STATIC = IpAssignment(method="static", address="192.0.2.5", prefix=24)
DHCP6 = IpAssignment(version=6, method="dhcp")
CALM = HostQos(link_share=1)
SOURCE = HostIntent(
    attachments=(
        AttachmentIntent(id="1", network_id="mgmt", nic="eth0"),
        AttachmentIntent(id="2", network_id="blue", nic="bond1", assignments=(STATIC, DHCP6), qos=CALM),
        AttachmentIntent(id="3", network_id="red", nic="eth3"),
        AttachmentIntent(id="4", network_id="far", nic="eth9"),
    ),
    bonds=(
        BondIntent(id="b1", name="bond1", slaves=("eth1", "eth2"), options={"mode": "4"}),
        BondIntent(id="b2", name="bond2", slaves=("eth3", "eth9")),
    ),
)
TARGET = HostIntent(
    attachments=(
        AttachmentIntent(id="5", network_id="mgmt", nic="bond0"),
        AttachmentIntent(id="6", network_id="red", nic="eth7"),
        AttachmentIntent(id="7", network_id="old", nic="bond3"),
    ),
    bonds=(
        BondIntent(id="b0", name="bond0", slaves=("eth4", "eth5")),
        BondIntent(id="b3", name="bond3", slaves=("eth8", "eth9")),
    ),
)


def test_nics_that_a_copy_may_use() -> None:
    names = [f"eth{n}" for n in range(4, 10)]
    assert host_copy.free_nics(machine(names), TARGET, {"mgmt"}) == ["eth6", "eth7", "eth8", "eth9"]
    assert host_copy.free_nics(machine(("eth1", "eth0")), SOURCE, {"mgmt"}) == ["eth1"]


def test_a_copy_of_a_hosts_networks() -> None:
    nics, own = ("eth1", "eth2", "eth3"), ("eth6", "eth7", "eth8", "eth9")
    labels = {"out": "bond0", "lab": "eth7"}
    request = host_copy.copy_request(SOURCE, TARGET, {"mgmt"}, nics, own, labels)
    assert request.removed_labels == ("lab",)
    assert request.attachments == (
        AttachmentChange(network=Ref(id="blue"), nic=Ref(name="bond1"), assignments=(DHCP6,), qos=CALM),
        AttachmentChange(network=Ref(id="red"), nic=Ref(name="eth8"), assignments=(), qos=None),
    )
    slaves = (Ref(name="eth6"), Ref(name="eth7"))
    assert request.bonds == (BondChange(bond=Ref(name="bond1"), slaves=slaves, options={"mode": "4"}),)
    assert (request.removed, request.removed_bonds) == ((Ref(id="7"),), (Ref(name="bond3"),))
    assert request.commit_on_success


def test_a_bond_under_the_management_network_of_the_target_stays() -> None:
    only_management = replace(TARGET, attachments=TARGET.attachments[:1], bonds=TARGET.bonds[:1])
    request = host_copy.copy_request(HostIntent(), only_management, {"mgmt"}, (), (), {})
    assert (request.attachments, request.removed, request.removed_bonds) == ((), (), ())


def test_copying_the_networks_of_a_host() -> None:
    def attached(name: str, nic: str, *assignments: IpAssignment) -> AttachmentIntent:
        return AttachmentIntent(id=f"a-{name}", network_id=name, nic=nic, assignments=assignments)

    static = IpAssignment(version=4, method="static", address="10.0.0.5", prefix=24)
    dhcp6 = IpAssignment(version=6, method="dhcp")
    nics = Host(nics={name: Nic(name=name) for name in ("a0", "a1", "a2", "a3")})
    source = HostIntent(
        attachments=(attached("m", "a0"), attached("red", "a1", static, dhcp6), attached("blue", "bond0")),
        bonds=(BondIntent(id="b", name="bond0", slaves=("a2", "a3")), BondIntent(id="x", name="bond8", slaves=("z",))),
    )
    target = HostIntent(
        attachments=(attached("m", "bond1"), attached("old", "b3")),
        bonds=(BondIntent(id="c", name="bond1", slaves=("b0", "b1")), BondIntent(id="d", name="bond2", slaves=())),
    )
    assert host_copy.free_nics(nics, source, {"m"}) == ["a1", "a2", "a3"]
    request = host_copy.copy_request(source, target, {"m"}, ["a1", "a2", "a3"], ["b3", "b4", "b5"], {})
    assert [(change.network.id, change.nic.name, change.assignments) for change in request.attachments] == [
        ("red", "b3", (dhcp6,)),
        ("blue", "bond0", ()),
    ]
    assert request.removed == (Ref(id="a-old"),)
    assert [(change.bond.name, change.slaves) for change in request.bonds] == [
        ("bond0", (Ref(name="b4"), Ref(name="b5")))
    ]
    assert request.removed_bonds == (Ref(name="bond2"),)
    assert request.commit_on_success


def test_free_nics_without_those_that_only_guests_can_have() -> None:
    dynamic = Nic(name="dyn0", facts=NicFacts(vendor="0x1137", device="0x0044"))
    found = Host(nics={"b1": Nic(name="b1"), "dyn0": dynamic})
    assert host_copy.free_nics(found, HostIntent(), set()) == ["b1"]


def test_free_nics_without_the_slaves_of_the_management_bond() -> None:
    found = Host(nics={name: Nic(name=name) for name in ("b0", "b1", "b2")})
    intent = HostIntent(
        attachments=(AttachmentIntent(id="a", network_id="m", nic="bond1"),),
        bonds=(BondIntent(id="c", name="bond1", slaves=("b0", "b1")),),
    )
    assert host_copy.free_nics(found, intent, {"m"}) == ["b2"]
