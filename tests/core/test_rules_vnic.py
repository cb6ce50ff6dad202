"""Rules of vNICs that need no running guest to be asked, and trunks."""

from __future__ import annotations

import pytest

from netweft.core.errors import Problem
from netweft.core.rules import vnic, vnic_profile
from netweft.core.trunks import parse_trunk


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
