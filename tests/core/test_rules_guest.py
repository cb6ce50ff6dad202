"""Rules of hosts, guests and vNICs, where the management network goes, and whether a host is fit."""

from __future__ import annotations

from typing import Any

import pytest

from netweft.core.errors import HostError, Problem
from netweft.core.host import Address, Bond, Host, Nic, NicFacts, Route, Vlan
from netweft.core.host_health import health
from netweft.core.host_request import NetworkView, Ref
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, IpAssignment, NetworkIntent
from netweft.core.management import management_attachment
from netweft.core.rules import host, host_copy, vm, vnic
from netweft.core.sync import Location

PASSES: list[Problem | None] = [
    host.name_is_valid("h-1.example"),
    host.name_is_free("a", ["b"]),
    *(host.address_is_valid(text) for text in ("h1", "192.0.2.1:54322", "[2001:db8::1]:1", "h.example.com")),
    host.address_is_free("a", ["b"]),
    host.may_move_to_cluster("maintenance"),
    host.networks_known_in_cluster("h", "c", []),
    host.may_be_removed("maintenance"),
    host.runs_no_vms_to_remove([]),
    host.may_be_activated("maintenance"),
    host.may_be_deactivated("up"),
    *(host.is_reachable_for_work(status) for status in ("up", "maintenance", "non_operational")),
    host.is_reachable_for_work("installing", installs=True),
    vm.name_is_valid("vm_1"),
    vm.name_is_free("a", []),
    vm.memory_is_enough(2**30),
    vm.cpus_are_valid(1, 2, 1),
    vm.is_down("v", "down"),
    vm.may_stop("up"),
    vm.networks_in_cluster("c", []),
    vm.networks_are_for_vms([]),
    vm.a_host_fits([], fit=True),
    vm.addresses_are_valid([]),
    vnic.name_is_valid("nic1"),
    vnic.name_is_free("nic1", []),
    vnic.count_is_within_limit(26),
    vnic.interface_is_supported("virtio"),
    vnic.profile_exists(None, known=False),
    vnic.profile_exists("p", known=True),
    vnic.network_is_in_cluster(None, "c", attached=False),
    vnic.network_is_in_cluster("n", "c", attached=True),
    vnic.network_is_for_vms("n", vm_network=True),
    vnic.type_matches_profile("virtio", passthrough=False),
    vnic.type_matches_profile("pci_passthrough", passthrough=True),
    vnic.passthrough_is_linked("pci_passthrough", linked=True),
    vnic.passthrough_is_linked("virtio", linked=False),
    vnic.host_has_function("nic1", "h", found=True),
    vm.passthrough_may_migrate("vm", []),
    vm.driver_moves_guests("vm", "libvirt"),
    vnic.vm_may_change("up"),
    vnic.may_change_while_running(running=True, plugged=True, changed=[]),
    vnic.may_change_while_running(running=False, plugged=True, changed=["The MAC address"]),
    vnic.may_be_removed(running=True, plugged=False),
    vnic.network_is_on_host(None, "h", present=False),
    vnic.network_is_on_host("n", "h", present=True),
    vnic.mac_is_not_plugged_elsewhere("m", []),
    host_copy.is_another_host("a", "b"),
    host_copy.is_in_same_cluster("a", "c", "c"),
    host_copy.has_enough_nics(["eth1"], ["eth1", "eth2"]),
]

REFUSES: dict[str, list[Problem | None]] = {
    "VALIDATION_VDS_NAME_INVALID": [host.name_is_valid("a b"), host.name_is_valid("")],
    "ACTION_TYPE_FAILED_NAME_ALREADY_USED": [host.name_is_free("a", ["a"]), vm.name_is_free("a", ["a"])],
    "VALIDATION_VDS_HOSTNAME_HOSTNAME_OR_IP": [
        host.address_is_valid(text) for text in ("", "a b", "u@h", "h:x", "h/p", "h:0", "h" * 300)
    ],
    "ACTION_TYPE_FAILED_VDS_WITH_SAME_HOST_EXIST": [host.address_is_free("a", ["a"])],
    "VDS_STATUS_NOT_VALID_FOR_UPDATE": [host.may_move_to_cluster("up")],
    "NETWORK_NOT_EXISTS_IN_CLUSTER": [host.networks_known_in_cluster("h", "c", ["n"])],
    "VDS_CANNOT_REMOVE_VDS_STATUS_ILLEGAL": [host.may_be_removed("up")],
    "VDS_CANNOT_REMOVE_VDS_DETECTED_RUNNING_VM": [host.runs_no_vms_to_remove(["v"])],
    "VDS_ALREADY_UP": [host.may_be_activated("up")],
    "ACTION_TYPE_FAILED_VDS_STATUS_ILLEGAL": [
        host.may_be_activated("installing"),
    ],
    "VDS_CANNOT_MAINTENANCE_VDS_IS_IN_MAINTENANCE": [host.may_be_deactivated("maintenance")],
    "VDS_CANNOT_MAINTENANCE_IT_INCLUDES_NON_MIGRATABLE_VM": [host.guests_can_leave({"v": "It is fixed."})],
    "VDS_STATUS_ILLEGAL": [host.is_reachable_for_work("down"), host.is_reachable_for_work("installing")],
    "ACTION_TYPE_FAILED_VM_NAME_CONTAINS_INVALID_CHARS": [vm.name_is_valid("ä")],
    "ACTION_TYPE_FAILED_MIN_MEMORY_CANNOT_EXCEED_MEMORY_SIZE": [vm.memory_is_enough(1)],
    "ACTION_TYPE_FAILED_MIN_CPU_SOCKETS": [vm.cpus_are_valid(1, 0, 1)],
    "ACTION_TYPE_FAILED_VM_IS_RUNNING": [vm.is_down("v", "up")],
    "ACTION_TYPE_FAILED_VM_IS_NOT_RUNNING": [vm.may_stop("down")],
    "ACTION_TYPE_FAILED_NETWORK_NOT_IN_CLUSTER": [
        vm.networks_in_cluster("c", ["n"]),
        vnic.network_is_in_cluster("n", "c", attached=False),
    ],
    "ACTION_TYPE_FAILED_NOT_A_VM_NETWORK": [
        vm.networks_are_for_vms(["n"]),
        vnic.network_is_for_vms("n", vm_network=False),
    ],
    "SCHEDULING_ALL_HOSTS_FILTERED_OUT": [
        vm.a_host_fits([Problem("VAR__DETAIL__HOST_NOT_UP", "Host h is down.")], fit=False),
        vm.a_host_fits([], fit=False),
    ],
    "ACTION_TYPE_FAILED_INVALID_INITIALIZATION_ADDRESS": [vm.addresses_are_valid(["x"])],
    "ACTION_TYPE_FAILED_VM_INTERFACE_NAME_INVALID": [vnic.name_is_valid(" "), vnic.name_is_valid("n" * 51)],
    "NETWORK_INTERFACE_NAME_ALREADY_IN_USE": [vnic.name_is_free("n", ["n"])],
    "ACTION_TYPE_FAILED_EXCEEDED_MAX_PCI_SLOTS": [vnic.count_is_within_limit(27)],
    "ACTION_TYPE_FAILED_VM_INTERFACE_TYPE_IS_NOT_SUPPORTED_BY_OS": [vnic.interface_is_supported("spapr_vlan")],
    "ACTION_TYPE_FAILED_VNIC_PROFILE_NOT_EXISTS": [vnic.profile_exists("p", known=False)],
    "ACTION_TYPE_FAILED_VM_INTERFACE_TYPE_NOT_MATCH_PROFILE": [vnic.type_matches_profile("virtio", passthrough=True)],
    "ACTIVATE_DEACTIVATE_NIC_VM_STATUS_ILLEGAL": [vnic.vm_may_change("powering_down")],
    "CANNOT_PERFORM_HOT_UPDATE": [
        vnic.may_change_while_running(running=True, plugged=True, changed=["The MAC address"])
    ],
    "ACTION_TYPE_FAILED_CANNOT_REMOVE_ACTIVE_DEVICE": [vnic.may_be_removed(running=True, plugged=True)],
    "ACTIVATE_DEACTIVATE_NETWORK_NOT_IN_VDS": [vnic.network_is_on_host("n", "h", present=False)],
    "NETWORK_MAC_ADDRESS_IN_USE": [vnic.mac_is_not_plugged_elsewhere("m", ["v"])],
    "INVALID_HOST_ID": [host_copy.is_another_host("a", "a")],
    "ACTION_TYPE_FAILED_DESTINATION_AND_SOURCE_CLUSTER_ARE_NOT_THE_SAME": [host_copy.is_in_same_cluster("a", "c", "d")],
    "ACTION_TYPE_FAILED_INTERFACE_COUNT_DOES_NOT_MATCH": [host_copy.has_enough_nics(["eth1", "eth2"], ["eth1"])],
}


def test_what_holds_is_no_problem() -> None:
    assert [problem for problem in PASSES if problem is not None] == []


@pytest.mark.parametrize("code", REFUSES)
def test_what_does_not_hold_says_so(code: str) -> None:
    for problem in REFUSES[code]:
        assert problem is not None
        assert problem.code == code
        assert problem.text.endswith(".")


MANAGEMENT = NetworkView(intent=NetworkIntent(id="m", name="mgmt", host_side_name="mgmt"), in_cluster=True)
HOME = Address(ip="192.0.2.5", prefix=24)
HOME6 = Address(ip="2001:db8::5", prefix=64)


def placed(found: Host, *addresses: str, network: NetworkView = MANAGEMENT) -> tuple[str, tuple[IpAssignment, ...]]:
    (change,) = management_attachment(found, network, addresses, "h1").attachments
    assert isinstance(change.assignments, tuple)
    return change.nic.name, change.assignments


def test_the_management_network_goes_where_the_address_is() -> None:
    route = Route(to="0.0.0.0/0", link="eth1", via="192.0.2.1")
    nics = {"eth0": Nic(name="eth0"), "eth1": Nic(name="eth1", addresses=(HOME, HOME6))}
    nic, (four, six) = placed(Host(nics=nics, routes=(route,)), "192.0.2.5")
    assert nic == "eth1"
    assert four == IpAssignment(version=4, method="static", address="192.0.2.5", prefix=24, gateway="192.0.2.1")
    assert six == IpAssignment(version=6, method="static", address="2001:db8::5", prefix=64)


def test_it_keeps_how_the_address_came() -> None:
    def method(**values: Any) -> list[tuple[int, str]]:
        link = Nic(name="eth0", dynamic=(HOME,), **values)
        return [(one.version, one.method) for one in placed(Host(nics={"eth0": link}), "192.0.2.5")[1]]

    assert method(dhcp4=True) == [(4, "dhcp")]
    assert method(dhcp4=True, dhcp6=True) == [(4, "dhcp"), (6, "dhcp")]
    assert method(dhcp4=True, dhcp6=True, autoconf=True) == [(4, "dhcp"), (6, "poly_dhcp_autoconf")]
    assert method(dhcp4=True, autoconf=True) == [(4, "dhcp"), (6, "autoconf")]
    assert method(dhcp4=True, autoconf=True, addresses=(HOME6,)) == [(4, "dhcp"), (6, "static")]
    assert method() == [(4, "dhcp")]


def test_it_goes_below_a_vlan_device_of_its_own_tag() -> None:
    found = Host(
        nics={"eth0": Nic(name="eth0")},
        vlans={"eth0.9": Vlan(name="eth0.9", owner="x", base="eth0", tag=9, addresses=(HOME,))},
    )
    tagged = NetworkView(intent=NetworkIntent(id="m", name="mgmt", host_side_name="mgmt", vlan=9), in_cluster=True)
    assert placed(found, "192.0.2.5", network=tagged)[0] == "eth0"
    with pytest.raises(HostError, match="VLAN 9"):
        placed(found, "192.0.2.5")


def test_an_agent_on_loopback_has_it_on_its_best_nic() -> None:
    nics = {"eth0": Nic(name="eth0"), "eth1": Nic(name="eth1", addresses=(HOME,)), "eth2": Nic(name="eth2")}
    assert placed(Host(nics=nics), "127.0.0.1")[0] == "eth1"
    assert placed(Host(nics=nics, routes=(Route(to="0.0.0.0/0", link="eth2"),)), "127.0.0.1", "::1")[0] == "eth2"
    assert (
        placed(Host(nics={"eth0": Nic(name="eth0")}, bonds={"bond0": Bond(name="bond0", owner="base")}), "::1")[0]
        == "bond0"
    )
    assert placed(Host(nics={"eth0": Nic(name="eth0")}, bonds={"bond0": Bond(name="bond0")}), "::1")[0] == "eth0"
    with pytest.raises(HostError, match="None of the NICs"):
        placed(Host(), "127.0.0.1")
    with pytest.raises(HostError, match="None of the NICs"):
        placed(Host(nics=nics), "192.0.2.77")


def location(base: str) -> Location:
    return Location(
        network_id="n", switch="legacy", base=base, top="storage", vlan_link="", vlan=None, bridged=True, mtu=1500,
        plug="storage", addresses=(), dhcp4=False, dhcp6=False, autoconf=False, gateway4="", gateway6="",
        default_route=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("here", "down", "reason"),
    [
        ({"n": location("eth1")}, set(), ""),
        ({"n": location("eth1")}, {"eth2"}, ""),
        ({}, set(), "NETWORK_UNREACHABLE"),
        ({"n": location("eth1")}, {"eth1"}, "NETWORK_INTERFACE_IS_DOWN"),
    ],
)
def test_whether_a_host_is_fit(here: dict[str, Location], down: set[str], reason: str) -> None:
    judged = health({"n": "storage"}, here, down, "h1")
    assert judged.reason == reason
    assert judged.status == ("non_operational" if reason else "up")
    assert ("storage" in judged.text) == bool(reason)


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
