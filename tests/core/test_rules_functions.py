"""Rules on the virtual functions of a NIC: each with what it lets pass and what it refuses."""

from __future__ import annotations

import pytest

from netweft.core.errors import Problem
from netweft.core.rules import functions as rules

PREFIX = "ACTION_TYPE_FAILED_"


@pytest.mark.parametrize(
    ("held", "broken", "code"),
    [
        (rules.nic_exists("alpha", "eth0"), rules.nic_exists("alpha", ""), "HOST_NETWORK_INTERFACE_NOT_EXIST"),
        (
            rules.nic_knows_functions("eth0", 8),
            rules.nic_knows_functions("eth0", 0),
            f"{PREFIX}NIC_IS_NOT_SRIOV_ENABLED",
        ),
        (
            rules.count_is_in_range("eth0", 8, 8),
            rules.count_is_in_range("eth0", 9, 8),
            f"{PREFIX}NUM_OF_VFS_NOT_IN_VALID_RANGE",
        ),
        (
            rules.count_is_in_range("eth0", 0, 8),
            rules.count_is_in_range("eth0", -1, 8),
            f"{PREFIX}NUM_OF_VFS_NOT_IN_VALID_RANGE",
        ),
        (
            rules.all_are_free("eth0", ()),
            rules.all_are_free("eth0", ["0000:03:10.0"]),
            f"{PREFIX}NUM_OF_VFS_CANNOT_BE_CHANGED",
        ),
        (
            rules.not_all_networks_are_allowed("eth0", all_allowed=False),
            rules.not_all_networks_are_allowed("eth0", all_allowed=True),
            f"{PREFIX}CANNOT_SET_SPECIFIC_NETWORKS",
        ),
        (rules.network_exists("n1", known=True), rules.network_exists("n1", known=False), f"{PREFIX}NETWORK_NOT_EXIST"),
        (
            rules.network_is_new("blue", "eth0", ["red"]),
            rules.network_is_new("blue", "eth0", ["blue"]),
            f"{PREFIX}NETWORK_ALREADY_IN_VFS_CONFIG",
        ),
        (
            rules.label_is_new("fast", "eth0", []),
            rules.label_is_new("fast", "eth0", ["fast"]),
            f"{PREFIX}LABEL_ALREADY_IN_VFS_CONFIG",
        ),
    ],
)
def test_rules(held: Problem | None, broken: Problem | None, code: str) -> None:
    assert held is None
    assert broken is not None
    assert broken.code == code
