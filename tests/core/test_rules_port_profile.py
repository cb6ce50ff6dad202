"""When a fabric may carry a network, and what of a whole fabric may be changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netweft.core.errors import Problem
from netweft.core.rules import port_profile as rules

Rule = Callable[[], Problem | None]

ALLOWED: list[Rule] = [
    lambda: rules.network_is_for_guests("red", vm_network=True),
    lambda: rules.network_is_of_hosts("red", is_provided=False),
    lambda: rules.network_has_vlan("red", 0),
    lambda: rules.qos_policy_is_valid(""),
    lambda: rules.qos_policy_is_valid("gold-1.2:3_4"),
    lambda: rules.qos_policy_is_valid("x" * 16),
    lambda: rules.network_has_no_profile("red", "ucs", is_there=False),
    lambda: rules.network_has_one_technology("red", "ucsm", ()),
    lambda: rules.network_has_one_technology("red", "ucsm", {"ucsm"}),
    lambda: rules.cluster_has_one_technology("racks", "red", {"ucsm"}, ()),
    lambda: rules.cluster_has_one_technology("racks", "red", (), {"ucsm"}),
    lambda: rules.cluster_has_one_technology("racks", "red", {"ucsm"}, {"ucsm"}),
    lambda: rules.fabric_carries_nothing("ucs", ()),
    lambda: rules.vnic_stays_on_card("nic1", rewired=True, on_card=False),
    lambda: rules.vnic_stays_on_card("nic1", rewired=False, on_card=True),
    lambda: rules.vnic_suits_card("nic1", "one", ""),
    lambda: rules.profile_is_unused("red", ()),
    lambda: rules.vnic_comes_onto_card("red", carried=False),
    lambda: rules.fabric_is_registered_once(""),
    lambda: rules.host_has_dynamic_vnic("nic1", "one", found=True),
    lambda: rules.vnics_may_migrate("web", ()),
    lambda: rules.mtu_can_be_raised(1500),
    lambda: rules.mtu_can_be_raised(9216),
    lambda: rules.interruption_is_accepted("ucs", accepted=True),
]
REFUSED: list[tuple[Rule, str, str]] = [
    (lambda: rules.network_is_for_guests("red", vm_network=False), "NEEDS_VM_NETWORK", "Give it the usage 'vm'"),
    (lambda: rules.network_is_of_hosts("red", is_provided=True), "OF_EXTERNAL_NETWORK", "on a provider of networks"),
    (lambda: rules.network_has_vlan("red", None), "NEEDS_VLAN", "has no VLAN"),
    (lambda: rules.qos_policy_is_valid("a b"), "QOS_POLICY_INVALID", "'a b' is no name"),
    (lambda: rules.qos_policy_is_valid("x" * 17), "QOS_POLICY_INVALID", "1 to 16 letters"),
    (lambda: rules.network_has_no_profile("red", "ucs", is_there=True), "ALREADY_EXISTS", "of provider 'ucs' already"),
    (lambda: rules.network_has_one_technology("red", "ucsm", {"ufm"}), "MIXES_FABRICS", "is carried by ufm"),
    (
        lambda: rules.cluster_has_one_technology("racks", "red", {"ucsm"}, {"ufm"}),
        "MIXES_FABRICS",
        "'racks' are carried by ufm, network 'red' by ucsm",
    ),
    (lambda: rules.vnic_stays_on_card("nic1", rewired=True, on_card=True), "ON_INTERFACE_CARD", "Unplug it, change it"),
    (lambda: rules.profile_is_unused("red", ["web"]), "PORT_PROFILE_IN_USE", "through this port profile: web. Unplug"),
    (lambda: rules.vnic_comes_onto_card("red", carried=True), "ON_INTERFACE_CARD", "Unplug the vNIC, change it"),
    (lambda: rules.fabric_is_registered_once("ucs"), "ADDRESS_IN_USE", "Provider 'ucs' has this address already"),
    (
        lambda: rules.vnic_suits_card("nic1", "one", "a trunk"),
        "NOT_ON_DYNAMIC_VNIC",
        "does not support this: it has a trunk",
    ),
    (lambda: rules.host_has_dynamic_vnic("nic1", "one", found=False), "NO_FREE_DYNAMIC_VNIC", "has 0 free dynamic"),
    (lambda: rules.vnics_may_migrate("web", ["nic1"]), "HIGH_PERFORMANCE_VNICS", "nic1. Unplug them first"),
    (lambda: rules.fabric_carries_nothing("ucs", ["red"]), "PROVIDER_IN_USE", "'ucs' carries these networks: red"),
    (lambda: rules.mtu_can_be_raised(1499), "MTU_INVALID", "1500 to 9216, not 1499"),
    (lambda: rules.mtu_can_be_raised(9217), "MTU_INVALID", "1500 to 9216, not 9217"),
    (lambda: rules.interruption_is_accepted("ucs", accepted=False), "WOULD_BE_INTERRUPTED", "of fabric 'ucs'"),
]


@pytest.mark.parametrize("ask", ALLOWED)
def test_what_may_be(ask: Rule) -> None:
    assert ask() is None


@pytest.mark.parametrize(("ask", "code", "words"), REFUSED)
def test_refusals_have_reasons(ask: Rule, code: str, words: str) -> None:
    problem = ask()
    assert problem is not None
    assert problem.code.endswith(code)
    assert words in problem.text
