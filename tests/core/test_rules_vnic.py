"""The rules on vNICs and their custom properties, and the syntax of trunks."""

from __future__ import annotations

import pytest

from core.problems import assert_fails
from netweft.core.errors import Problem
from netweft.core.rules import vnic, vnic_profile
from netweft.core.trunks import parse_trunk

HOLDS: list[Problem | None] = [
    vnic.name_is_valid("x" * vnic.NAME_MAX),
    vnic.name_is_free("nic1", ("nic2",)),
    vnic.count_is_within_limit(vnic.COUNT_MAX),
    vnic.interface_is_supported("virtio"),
    vnic.profile_exists(None, known=False),
    vnic.profile_exists("p", known=True),
    vnic.network_is_in_cluster(None, "racks", attached=False),
    vnic.network_is_in_cluster("blue", "racks", attached=True),
    vnic.network_is_for_vms(None, vm_network=False),
    vnic.network_is_for_vms("blue", vm_network=True),
    vnic.type_matches_profile("e1000", passthrough=False),
    vnic.vm_may_change("up"),
    vnic.may_change_while_running(running=False, plugged=True, changed=("MAC",)),
    vnic.may_change_while_running(running=True, plugged=False, changed=("MAC",)),
    vnic.may_change_while_running(running=True, plugged=True, changed=()),
    vnic.may_be_removed(running=True, plugged=False),
    vnic.may_be_removed(running=False, plugged=True),
    vnic.network_is_on_host(None, "one", present=False),
    vnic.network_is_on_host("blue", "one", present=True),
    vnic.mac_is_not_plugged_elsewhere("02:00:00:00:00:01", ()),
    vnic.name_is_valid("nic1"),
    vnic.name_is_free("nic1", []),
    vnic.count_is_within_limit(26),
    vnic.network_is_in_cluster(None, "c", attached=False),
    vnic.network_is_in_cluster("n", "c", attached=True),
    vnic.network_is_for_vms("n", vm_network=True),
    vnic.type_matches_profile("virtio", passthrough=False),
    vnic.type_matches_profile("pci_passthrough", passthrough=True),
    vnic.passthrough_is_linked("pci_passthrough", linked=True),
    vnic.passthrough_is_linked("virtio", linked=False),
    vnic.host_has_function("nic1", "h", found=True),
    vnic.may_change_while_running(running=True, plugged=True, changed=[]),
    vnic.may_change_while_running(running=False, plugged=True, changed=["The MAC address"]),
    vnic.network_is_on_host(None, "h", present=False),
    vnic.network_is_on_host("n", "h", present=True),
    vnic.mac_is_not_plugged_elsewhere("m", []),
]

FAILS: list[tuple[Problem | None, str, str]] = [
    (vnic.name_is_valid(" "), "ACTION_TYPE_FAILED_VM_INTERFACE_NAME_INVALID", "' '"),
    (vnic.name_is_valid("x" * 51), "ACTION_TYPE_FAILED_VM_INTERFACE_NAME_INVALID", "1 to 50"),
    (vnic.name_is_free("nic1", ("nic1",)), "NETWORK_INTERFACE_NAME_ALREADY_IN_USE", "nic1"),
    (vnic.count_is_within_limit(27), "ACTION_TYPE_FAILED_EXCEEDED_MAX_PCI_SLOTS", "26"),
    (vnic.interface_is_supported("ne2k"), "ACTION_TYPE_FAILED_VM_INTERFACE_TYPE_IS_NOT_SUPPORTED_BY_OS", "'ne2k'"),
    (vnic.profile_exists("p", known=False), "ACTION_TYPE_FAILED_VNIC_PROFILE_NOT_EXISTS", "id p"),
    (
        vnic.network_is_in_cluster("blue", "racks", attached=False),
        "ACTION_TYPE_FAILED_NETWORK_NOT_IN_CLUSTER",
        "'blue'",
    ),
    (vnic.network_is_for_vms("store", vm_network=False), "ACTION_TYPE_FAILED_NOT_A_VM_NETWORK", "'store'"),
    (
        vnic.type_matches_profile("virtio", passthrough=True),
        "ACTION_TYPE_FAILED_VM_INTERFACE_TYPE_NOT_MATCH_PROFILE",
        "'virtio'",
    ),
    (
        vnic.type_matches_profile("pci_passthrough", passthrough=False),
        "ACTION_TYPE_FAILED_VM_INTERFACE_TYPE_NOT_MATCH_PROFILE",
        "needs a vNIC profile",
    ),
    (
        vnic.passthrough_is_linked("pci_passthrough", linked=False),
        "ACTION_TYPE_FAILED_UNLINKING_OF_PASSTHROUGH_VNIC_IS_NOT_SUPPORTED",
        "Unplug it",
    ),
    (
        vnic.host_has_function("nic1", "one", found=False),
        "VAR__DETAIL__NO_SUITABLE_VF",
        "no free virtual function for vNIC 'nic1'",
    ),
    (vnic.vm_may_change("migrating"), "ACTIVATE_DEACTIVATE_NIC_VM_STATUS_ILLEGAL", "status migrating"),
    (
        vnic.may_change_while_running(running=True, plugged=True, changed=("model", "MAC")),
        "CANNOT_PERFORM_HOT_UPDATE",
        "MAC and model",
    ),
    (vnic.may_be_removed(running=True, plugged=True), "ACTION_TYPE_FAILED_CANNOT_REMOVE_ACTIVE_DEVICE", "deactivate"),
    (
        vnic.network_is_on_host("blue", "one", present=False),
        "ACTIVATE_DEACTIVATE_NETWORK_NOT_IN_VDS",
        "'blue' is not on Host 'one'",
    ),
    (
        vnic.mac_is_not_plugged_elsewhere("02:00:00:00:00:01", ("web", "db")),
        "NETWORK_MAC_ADDRESS_IN_USE",
        "02:00:00:00:00:01 is already in use by VM or snapshot: db, web",
    ),
    (vnic.network_is_in_cluster("n", "c", attached=False), "ACTION_TYPE_FAILED_NETWORK_NOT_IN_CLUSTER", "."),
    (vnic.network_is_for_vms("n", vm_network=False), "ACTION_TYPE_FAILED_NOT_A_VM_NETWORK", "."),
    (vnic.name_is_valid("n" * 51), "ACTION_TYPE_FAILED_VM_INTERFACE_NAME_INVALID", "."),
    (vnic.name_is_free("n", ["n"]), "NETWORK_INTERFACE_NAME_ALREADY_IN_USE", "."),
    (vnic.interface_is_supported("spapr_vlan"), "ACTION_TYPE_FAILED_VM_INTERFACE_TYPE_IS_NOT_SUPPORTED_BY_OS", "."),
    (vnic.vm_may_change("powering_down"), "ACTIVATE_DEACTIVATE_NIC_VM_STATUS_ILLEGAL", "."),
    (
        vnic.may_change_while_running(running=True, plugged=True, changed=["The MAC address"]),
        "CANNOT_PERFORM_HOT_UPDATE",
        ".",
    ),
    (vnic.network_is_on_host("n", "h", present=False), "ACTIVATE_DEACTIVATE_NETWORK_NOT_IN_VDS", "."),
    (vnic.mac_is_not_plugged_elsewhere("m", ["v"]), "NETWORK_MAC_ADDRESS_IN_USE", "."),
]


@pytest.mark.parametrize("problem", HOLDS)
def test_holds(problem: Problem | None) -> None:
    assert problem is None


@pytest.mark.parametrize(("problem", "code", "words"), FAILS)
def test_fails(problem: Problem | None, code: str, words: str) -> None:
    assert_fails(problem, code, words)


@pytest.mark.parametrize(
    ("text", "vlans"),
    [("", ()), ("100", (100,)), ("200-202, 100,201", (100, 200, 201, 202)), ("1,4094", (1, 4094)), (" , ", ())],
)
def test_trunks(text: str, vlans: tuple[int, ...]) -> None:
    assert parse_trunk(text) == vlans


@pytest.mark.parametrize("text", ["0", "4095", "5-4", "x", "1--2", "1-", "1-4095"])
def test_what_is_no_trunk(text: str) -> None:
    with pytest.raises(ValueError, match="neither a VLAN"):
        parse_trunk(text)


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (
            vnic.trunk_needs_ovs("p", "c", "n", trunk=True, switch_type="legacy", vlan=5),
            "ACTION_TYPE_FAILED_TRUNK_NEEDS_OVS",
        ),
        (vnic.trunk_needs_ovs("p", "c", "n", trunk=False, switch_type="legacy", vlan=5), None),
        (vnic.trunk_needs_ovs("p", "c", "n", trunk=True, switch_type="ovs", vlan=5), None),
        (vnic.trunk_needs_ovs("p", "c", "n", trunk=True, switch_type="legacy", vlan=None), None),
        (vnic.may_be_rewired(True, ["m"]), "CANNOT_PERFORM_HOT_UPDATE_WITH_PORT_MIRRORING"),
        (vnic.may_be_rewired(True, []), None),
        (vnic.may_be_rewired(False, ["m"]), None),
        (vnic.parameter_is_valid("a b", "x"), "ACTION_TYPE_FAILED_NETWORK_FILTER_PARAMETER_NAME_INVALID"),
        (vnic.parameter_is_valid("IP", "x y"), "ACTION_TYPE_FAILED_NETWORK_FILTER_PARAMETER_VALUE_INVALID"),
        (vnic.parameter_is_valid("IP", "fe80::1"), None),
        (
            vnic_profile.properties_are_known({"trunk": "0"}),
            "ACTION_TYPE_FAILED_INVALID_CUSTOM_PROPERTIES_INVALID_VALUES",
        ),
        (
            vnic_profile.properties_are_known({"queues": "0"}),
            "ACTION_TYPE_FAILED_INVALID_CUSTOM_PROPERTIES_INVALID_VALUES",
        ),
        (vnic_profile.properties_are_known({"trunk": "100,200-210", "queues": "4"}), None),
    ],
)
def test_rules(problem: Problem | None, code: str | None) -> None:
    assert (problem and problem.code) == code
