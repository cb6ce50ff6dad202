"""Rules of networks that providers have."""

from __future__ import annotations

import pytest

from netweft.core.errors import Problem
from netweft.core.rules import provider_network as rules

GOOD = [
    rules.is_vm_network("n", vm_network=True),
    rules.has_nothing_of_hosts("n", ()),
    rules.provider_takes_networks("p", read_only=False),
    rules.provider_may_be_changed("p", "Network 'n'", read_only=False),
    rules.vlan_is_of_physical_network("n", vlan=False, physical=True),
    rules.physical_network_needs_provider("n", is_given=False),
    rules.physical_name_is_valid("", is_linked=True),
    rules.physical_name_is_valid("physnet1", is_linked=False),
    rules.physical_network_is_native("w", is_provided=False),
    rules.details_are_kept("n", ()),
    rules.provider_is_kept("n", "p", "p"),
    rules.import_is_kept("n", ()),
    rules.is_not_labelled("n", is_provided=False),
    rules.is_optional("n", required=False),
    rules.has_no_role("n", ()),
    rules.is_not_for_hosts("n", is_provided=False),
    rules.profile_suits_provider("p", passthrough=False, port_mirroring=False, properties={"SecurityGroups": "x"}),
    rules.profile_suits_provider("p", passthrough=False, port_mirroring=False, properties={"trunk": ""}),
    rules.profile_suits_hosts("p", {"trunk": "1", "SecurityGroups": ""}),
    rules.failover_is_native("n", is_provided=False),
    rules.is_not_rewired("v", rewired=False, is_provided=True),
    rules.is_not_rewired("v", rewired=True, is_provided=False),
    rules.physical_network_is_unused("w", ()),
    rules.provider_is_unused("p", (), 0),
    rules.is_not_imported("x", ""),
]
BAD = [
    (rules.is_vm_network("n", vm_network=False), "MUST_BE_VM_NETWORK", "usage 'vm'"),
    (rules.has_nothing_of_hosts("n", ("stp", "label")), "NO_HOST_PROPERTIES", "stp, label"),
    (rules.provider_takes_networks("p", read_only=True), "READ_ONLY", "'p' is read-only"),
    (rules.provider_may_be_changed("p", "Subnet 's'", read_only=True), "READ_ONLY", "Subnet 's' cannot change on"),
    (rules.vlan_is_of_physical_network("n", vlan=True, physical=True), "MUST_BE_CUSTOM", "Leave the VLAN out"),
    (rules.vlan_is_of_physical_network("n", vlan=True, physical=False), "MUST_BE_CUSTOM", "name a physical network"),
    (
        rules.physical_network_needs_provider("n", is_given=True),
        "NEEDS_EXTERNAL_PROVIDER",
        "Name a provider too",
    ),
    (rules.physical_name_is_valid("physnet1", is_linked=True), "NAMED_TWICE", "'physnet1'. Name one"),
    (rules.physical_name_is_valid("x" * 65, is_linked=False), "NAME_INVALID", "is no name"),
    (rules.physical_name_is_valid("two\nlines", is_linked=False), "NAME_INVALID", "is no name"),
    (rules.physical_network_is_native("w", is_provided=True), "PHYSICAL_NETWORK_IS_EXTERNAL", "'w'"),
    (rules.details_are_kept("n", ("vlan",)), "DETAILS_CANNOT_BE_EDITED", "vlan"),
    (rules.provider_is_kept("n", None, "p"), "DETAILS_CANNOT_BE_EDITED", "provider cannot change"),
    (rules.import_is_kept("n", ("name",)), "DETAILS_CANNOT_BE_EDITED", "was imported"),
    (rules.is_not_labelled("n", is_provided=True), "CANNOT_BE_LABELED", "cannot have a label"),
    (rules.is_optional("n", required=True), "CANNOT_BE_REQUIRED", "not required"),
    (rules.has_no_role("n", ("display",)), "CANNOT_HAVE_ROLES", "display"),
    (rules.is_not_for_hosts("n", is_provided=True), "CANNOT_BE_PROVISIONED", "by itself"),
    (
        rules.profile_suits_provider("p", passthrough=True, port_mirroring=True, properties={"trunk": "1"}),
        "CANNOT_HAVE_PROFILE_PROPERTIES",
        "trunk, port_mirroring, pass_through",
    ),
    (rules.profile_suits_hosts("p", {"SecurityGroups": "x"}), "NEED_EXTERNAL_NETWORK", "SecurityGroups"),
    (rules.failover_is_native("n", is_provided=True), "FAILOVER", "'n'"),
    (rules.is_not_rewired("v", rewired=True, is_provided=True), "CANNOT_BE_REWIRED", "Unplug it first"),
    (rules.physical_network_is_unused("w", ("n",)), "IS_PHYSICAL_NETWORK", ": n."),
    (rules.provider_is_unused("p", ("n",), 0), "PROVIDER_IN_USE", ": n."),
    (rules.provider_is_unused("p", (), 2), "PROVIDER_IN_USE", "2 object(s)"),
    (rules.is_not_imported("x", "n"), "ALREADY_EXISTS", "as 'n'"),
]


@pytest.mark.parametrize("found", GOOD)
def test_what_is_allowed(found: Problem | None) -> None:
    assert found is None


@pytest.mark.parametrize(("found", "code", "words"), BAD)
def test_what_is_refused(found: Problem | None, code: str, words: str) -> None:
    assert found is not None
    assert code in found.code
    assert words in found.text
