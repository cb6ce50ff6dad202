"""Virtual functions: which are free, and when their number may change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hosts import without_link
from netweft.core.functions import find_function, free_functions, nics_by_address, why_in_use, why_not_changed
from netweft.core.host import Address, Bond, Bridge, Host, Nic, NicFacts, OvsBridge, OvsPort, VirtualFunction, Vlan

FUNCTIONS = tuple(VirtualFunction(pci_address=f"0000:03:10.{number}") for number in range(3))
PHYSICAL = Nic(name="eth0", facts=NicFacts(pci_address="0000:03:00.0", functions_max=7, functions=FUNCTIONS))
VIRTUAL = {
    f"eth0v{number}": Nic(
        name=f"eth0v{number}", facts=NicFacts(pci_address=function.pci_address, physical="0000:03:00.0")
    )
    for number, function in enumerate(FUNCTIONS)
}
HOST = Host(nics={"eth0": PHYSICAL, "eth1": Nic(name="eth1"), **VIRTUAL})
FIRST = VIRTUAL["eth0v0"]


def test_all_are_free_but_those_that_are_held() -> None:
    addresses = tuple(function.pci_address for function in FUNCTIONS)
    assert free_functions(HOST) == {"eth0": addresses}
    assert free_functions(HOST, {addresses[1]}) == {"eth0": (addresses[0], addresses[2])}
    assert free_functions(Host(nics={"eth1": Nic(name="eth1")})) == {}


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        (without_link(HOST, "eth0v0"), "has no NIC"),
        (
            HOST.with_link(replace(FIRST, facts=replace(FIRST.facts, vendor="0x1137", device="0x0071"))),
            "is a dynamic vNIC of a virtual interface card",
        ),
        (HOST.with_link(replace(FIRST, owner="blue")), "carries a network as eth0v0"),
        (HOST.with_link(replace(FIRST, addresses=(Address(ip="192.0.2.1", prefix=24),))), "carries a network"),
        (HOST.with_link(replace(FIRST, master="br0")).with_link(Bridge(name="br0")), "is part of a bond or a bridge"),
        (HOST.with_link(replace(FIRST, master="bond0")).with_link(Bond(name="bond0")), "is part of a bond"),
        (HOST.with_link(Vlan(name="eth0v0.7", base="eth0v0", tag=7)), "has a VLAN device on it"),
        (
            replace(
                HOST,
                ovs_bridges={"br1": OvsBridge(name="br1")},
                ovs_ports={"eth0v0": OvsPort(name="eth0v0", bridge="br1", interfaces=("eth0v0",))},
            ),
            "is part of a bond or a bridge",
        ),
    ],
)
def test_what_makes_one_unfree(host: Host, reason: str) -> None:
    assert reason in why_in_use(host, FUNCTIONS[0], nics_by_address(host))
    assert free_functions(host) == {"eth0": (FUNCTIONS[1].pci_address, FUNCTIONS[2].pci_address)}
    assert "is in use" in why_not_changed(host, "eth0", 0)
    assert why_not_changed(host, "eth0", 3) == "", "nothing is asked for that is not there"


def test_a_function_with_a_shared_iommu_group_is_unusable_and_blocks_nothing() -> None:
    shared = replace(FUNCTIONS[0], assignable=False)
    facts = replace(PHYSICAL.facts, functions=(shared, *FUNCTIONS[1:]))
    host = HOST.with_link(replace(PHYSICAL, facts=facts))
    assert free_functions(host)["eth0"] == (FUNCTIONS[1].pci_address, FUNCTIONS[2].pci_address)
    assert why_not_changed(host, "eth0", 0) == ""


@pytest.mark.parametrize(
    ("name", "count", "reason"),
    [
        ("eth9", 1, "no NIC eth9"),
        ("eth1", 1, "does not support SR-IOV"),
        ("eth0", 8, "can have 0 to 7"),
        ("eth0", -1, "can have 0 to 7"),
        ("eth0", 7, ""),
        ("eth0", 0, ""),
    ],
)
def test_how_many_there_may_be(name: str, count: int, reason: str) -> None:
    found = why_not_changed(HOST, name, count)
    assert reason in found
    assert bool(found) == bool(reason)


def test_a_function_is_found_by_its_address() -> None:
    assert find_function(HOST, FUNCTIONS[1].pci_address) == FUNCTIONS[1]
    assert find_function(HOST, "0000:03:00.0") is None
