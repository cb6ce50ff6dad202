"""Every rule on data centres, clusters, networks, vNIC profiles and MAC pools, where it holds and where it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from netweft.core.errors import Problem, ValidationError
from netweft.core.keep import KEEP, or_current
from netweft.core.network_filters import DEFAULT_FILTER, FILTERS, IDS
from netweft.core.roles import Role
from netweft.core.rules import (
    check,
    cluster,
    cluster_network,
    data_center,
    fields,
    mac_pool,
    network,
    qos,
    vnic_profile,
)
from netweft.core.rules.cluster_network import Missing
from netweft.core.rules.mac_pool import MacRange

Rule: TypeAlias = Callable[[], Problem | None]

FIRST = mac_pool.mac_number("02:00:00:00:00:01")
SMALL, NEXT = MacRange(FIRST, FIRST + 9), MacRange(FIRST + 10, FIRST + 19)

HOLDS: list[Rule] = [
    lambda: fields.name_is_valid("network", "x" * 256),
    lambda: fields.text_is_valid("network", "comment", "two\nlines\tand more"),
    lambda: fields.name_is_free("cluster", "a", ("b",), code="TAKEN"),
    lambda: data_center.has_no_clusters("north", ()),
    lambda: data_center.version_is_supported("4.7"),
    lambda: data_center.version_is_not_above_clusters("4.7", [("racks", "4.7"), ("rows", "4.10")]),
    lambda: cluster.management_network_is_found("ovirtmgmt"),
    lambda: cluster.network_is_in_data_center("n", is_in=True),
    lambda: cluster.data_center_is_kept("a", "a"),
    lambda: cluster.switch_type_may_change(running_vms=(), active_hosts=()),
    lambda: cluster.version_carries_isolation("4.4", ()),
    lambda: cluster.version_carries_isolation("4.10", ("apart",)),
    lambda: cluster.version_is_not_below_data_center("4.7", "4.7"),
    lambda: cluster.switch_carries_isolation("legacy", ("apart",)),
    lambda: cluster.switch_carries_isolation("ovs", ()),
    lambda: cluster.has_no_hosts("racks", ()),
    lambda: cluster.has_no_vms("racks", ()),
    lambda: cluster.has_one_provider(1),
    lambda: network.name_is_no_bond("vagabond"),
    lambda: network.name_is_free("a", ("b",)),
    lambda: network.name_is_no_host_side_name("a", ("b",)),
    lambda: network.vlan_is_valid(None),
    lambda: network.vlan_is_valid(4094),
    lambda: network.mtu_is_valid(0),
    lambda: network.mtu_is_valid(68),
    lambda: network.name_servers_are_valid(("192.0.2.1", "2001:db8::1", "192.0.2.2")),
    lambda: network.label_is_valid(None),
    lambda: network.label_is_valid("rack-1_a"),
    lambda: network.stp_needs_vm_network(stp=True, is_vm_network=True),
    lambda: network.isolation_needs_vm_network(port_isolation=True, is_vm_network=True),
    lambda: network.isolation_is_kept(before=True, after=True),
    lambda: network.data_center_is_kept("a", "a"),
    lambda: network.unused_by_vms("n", ()),
    lambda: network.unused_by_templates("n", ()),
    lambda: network.rename_leaves_hosts_alone("n", ()),
    lambda: network.mtu_leaves_room_for_ipv6("n", 1279, ()),
    lambda: network.mtu_leaves_room_for_ipv6("n", 1280, ("h1",)),
    lambda: network.mtu_leaves_room_for_ipv6("n", 0, ("h1",)),
    lambda: network.is_not_labelled("n", None),
    lambda: network.is_no_management_network("n", ()),
    lambda: cluster_network.is_not_attached("n", "c", is_attached=False),
    lambda: cluster_network.is_attached("n", "c", is_attached=True),
    lambda: cluster_network.management_is_required("n", {Role.MANAGEMENT}, required=True),
    lambda: cluster_network.management_is_required("n", {Role.DISPLAY}, required=False),
    lambda: cluster_network.management_moves_in_empty_cluster((), {Role.MANAGEMENT}, ()),
    lambda: cluster_network.management_moves_in_empty_cluster({Role.MANAGEMENT}, {Role.MANAGEMENT}, ("h1",)),
    lambda: cluster_network.management_is_not_unset("n", {Role.MANAGEMENT}, {Role.MANAGEMENT}),
    lambda: cluster_network.role_has_addresses("n", {Role.MANAGEMENT}, (Missing(nic="eth0", host="h1"),)),
    lambda: cluster_network.role_has_addresses("n", {Role.DISPLAY}, ()),
    lambda: cluster_network.isolation_is_possible("n", port_isolation=True, switch_type="legacy"),
    lambda: cluster_network.isolation_is_possible("n", port_isolation=False, switch_type="ovs"),
    lambda: cluster_network.is_no_management_network("n", {Role.DISPLAY}),
    lambda: vnic_profile.network_is_vm_network("n", is_vm_network=True),
    lambda: vnic_profile.name_is_free("a", ("b",)),
    lambda: vnic_profile.network_is_kept("a", "a"),
    lambda: _alone(passthrough=False, port_mirroring=True),
    lambda: _alone(passthrough=True),
    lambda: vnic_profile.migratable_needs_passthrough(passthrough=True, migratable=False),
    lambda: vnic_profile.migratable_needs_passthrough(passthrough=False, migratable=True),
    lambda: vnic_profile.filter_is_known(None, FILTERS),
    lambda: vnic_profile.filter_is_known(DEFAULT_FILTER, FILTERS),
    lambda: vnic_profile.properties_are_known({"SecurityGroups": "11111111-1111-1111-1111-111111111111"}),
    lambda: vnic_profile.kept_while_used((), {"port_mirroring", "passthrough", "failover"}),
    lambda: vnic_profile.kept_while_used(("web",), {"name", "qos"}),
    lambda: vnic_profile.failover_is_possible(passthrough=True, migratable=True, has_failover=True),
    lambda: vnic_profile.failover_is_possible(passthrough=False, migratable=True, has_failover=False),
    lambda: vnic_profile.failover_is_another("a", "b"),
    lambda: vnic_profile.failover_is_another("a", None),
    lambda: vnic_profile.failover_is_fit("a", is_fit=True),
    lambda: vnic_profile.is_no_failover("p", ()),
    lambda: qos.type_is_known("network"),
    lambda: qos.type_is_kept("network", "network"),
    lambda: qos.name_is_free("q", is_taken=False),
    lambda: qos.limits_fit_type("network", {"inbound_average": 1, "outbound_average_linkshare": None}),
    lambda: qos.limits_are_in_range("network", {"inbound_average": 17179, "inbound_peak": 34359, "inbound_burst": 0}),
    lambda: qos.limits_are_complete("network", {}),
    lambda: qos.limits_are_complete("network", {"inbound_average": 1, "inbound_peak": 1, "inbound_burst": 1}),
    lambda: qos.limits_are_complete("hostnetwork", {"outbound_average_linkshare": 1}),
    lambda: qos.limits_are_consistent("network", {"inbound_average": 5, "inbound_peak": 5}),
    lambda: qos.limits_are_consistent("hostnetwork", {"outbound_average_upperlimit": 5}),
    lambda: qos.limits_are_consistent(
        "hostnetwork", {"outbound_average_upperlimit": 5, "outbound_average_realtime": 5}
    ),
    lambda: qos.serves_vnics("q", ("network",)),
    lambda: qos.serves_networks("q", ("hostnetwork",)),
    lambda: vnic_profile.unused_by_vms("p", ()),
    lambda: vnic_profile.unused_by_templates("p", ()),
    lambda: mac_pool.mac_is_valid("02:00:00:00:00:aF"),
    lambda: mac_pool.mac_is_free("02:00:00:00:00:01", None),
    lambda: mac_pool.pool_has_free("p", found=True),
    lambda: mac_pool.has_ranges((SMALL,)),
    lambda: mac_pool.range_is_valid(SMALL),
    lambda: mac_pool.ranges_are_apart((NEXT, SMALL)),
    lambda: mac_pool.ranges_overlap_no_other_pool((SMALL,), [("other", NEXT)]),
    lambda: mac_pool.duplicates_may_be_forbidden(()),
    lambda: mac_pool.move_makes_no_duplicates(()),
    lambda: mac_pool.default_is_not_requested(is_default=False),
    lambda: mac_pool.default_is_kept(before=True, after=True),
    lambda: mac_pool.is_not_default("p", is_default=False),
    lambda: mac_pool.is_unused("p", ()),
]

FAILS: list[tuple[Rule, str]] = [
    (lambda: fields.name_is_valid("network", "  "), "NAME_MAY_NOT_BE_EMPTY"),
    (lambda: fields.name_is_valid("network", "x" * 257), "LENGTH_IS_TOO_LONG"),
    (lambda: fields.name_is_valid("network", "a\u200bb"), "NAME_INVALID"),
    (lambda: fields.text_is_valid("network", "comment", "x" * 4001), "DESCRIPTION_INVALID"),
    (lambda: fields.text_is_valid("network", "comment", "\x1b"), "DESCRIPTION_INVALID"),
    (lambda: fields.name_is_free("cluster", "a", ("a",), code="TAKEN"), "TAKEN"),
    (lambda: data_center.has_no_clusters("north", ("racks",)), "DATA_CENTER_HAS_CLUSTERS"),
    (lambda: data_center.version_is_supported("3.6"), "GIVEN_VERSION_NOT_SUPPORTED"),
    (lambda: data_center.version_is_not_above_clusters("4.10", [("racks", "4.7")]), "BIGGER_THAN_CLUSTERS"),
    (lambda: cluster.management_network_is_found(None), "DEFAULT_MANAGEMENT_NETWORK_NOT_FOUND"),
    (lambda: cluster.network_is_in_data_center("n", is_in=False), "NETWORK_FROM_DIFFERENT_DC"),
    (lambda: cluster.data_center_is_kept("a", "b"), "CLUSTER_CANNOT_CHANGE_STORAGE_POOL"),
    (lambda: cluster.switch_type_may_change(running_vms=("web",), active_hosts=()), "WITH_RUNNING_VMS"),
    (lambda: cluster.switch_type_may_change(running_vms=(), active_hosts=("h1",)), "CLUSTER_HOSTS_MUST_BE_DOWN"),
    (lambda: cluster.version_carries_isolation("4.4", ("apart",)), "PORT_ISOLATION_UNSUPPORTED_CLUSTER_LEVEL"),
    (lambda: cluster.version_is_not_below_data_center("4.6", "4.7"), "CANNOT_DECREASE_COMPATIBILITY_VERSION_UNDER_DC"),
    (lambda: cluster.switch_carries_isolation("ovs", ("apart",)), "PORT_ISOLATION_INCOMPATIBLE_SWITCH_TYPE"),
    (lambda: cluster.has_no_hosts("racks", ("h1",)), "VDS_CANNOT_REMOVE_CLUSTER_VDS_DETECTED"),
    (lambda: cluster.has_no_vms("racks", ("web",)), "VM_CANNOT_REMOVE_CLUSTER_VMS_DETECTED"),
    (
        lambda: cluster.has_one_provider(2),
        "ACTION_TYPE_FAILED_CLUSTER_HAS_SEVERAL_EXTERNAL_NETWORK_PROVIDERS",
    ),
    (lambda: network.name_is_no_bond("BOND0"), "NETWORK_CANNOT_CONTAIN_BOND_NAME"),
    (lambda: network.name_is_free("a", ("a",)), "NETWORK_NAME_IN_USE"),
    (lambda: network.name_is_no_host_side_name("a", ("a",)), "NETWORK_NAME_USED_AS_VDSM_NETWORK_NAME"),
    (lambda: network.vlan_is_valid(4095), "NETWORK_VLAN_OUT_OF_RANGE"),
    (lambda: network.mtu_is_valid(67), "NETWORK_MTU_INVALID"),
    (lambda: network.name_servers_are_valid(("192.0.2.1",) * 4), "TOO_MANY_NAME_SERVERS"),
    *(
        (lambda server=server: network.name_servers_are_valid((server,)), "NAME_SERVER_INVALID_ADDRESS")
        for server in (
            "dns",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "ff02::1",
            "::ffff:192.0.2.1",
            "fe80::53",
            "fe80::53%a b",
        )
    ),
    (lambda: network.name_servers_are_valid(("::1", "0::1")), "NAME_SERVER_DUPLICATED"),
    (lambda: network.label_is_valid(""), "NETWORK_LABEL_FORMAT_INVALID"),
    (lambda: network.stp_needs_vm_network(stp=True, is_vm_network=False), "NON_VM_NETWORK_CANNOT_SUPPORT_STP"),
    (
        lambda: network.isolation_needs_vm_network(port_isolation=True, is_vm_network=False),
        "NON_VM_NETWORK_CANNOT_SUPPORT_PORT_ISOLATION",
    ),
    (lambda: network.isolation_is_kept(before=True, after=False), "PORT_ISOLATION_CANNOT_BE_CHANGED"),
    (lambda: network.data_center_is_kept("a", "b"), "DATA_CENTER_ID_CANNOT_BE_CHANGED"),
    (lambda: network.unused_by_vms("n", ("web",)), "NETWORK_IN_ONE_USE"),
    (lambda: network.unused_by_templates("n", ("web",)), "NETWORK_IN_ONE_USE"),
    (lambda: network.unused_by_vms("n", ("web", "db")), "NETWORK_IN_MANY_USES"),
    (lambda: network.rename_leaves_hosts_alone("n", ("h1",)), "NETWORK_IN_ONE_USE"),
    (lambda: network.mtu_leaves_room_for_ipv6("n", 1279, ("h1",)), "NETWORK_ATTACHMENT_IPV6_MTU_TOO_SMALL"),
    (lambda: network.is_not_labelled("n", "blue"), "NETWORK_ALREADY_LABELED"),
    (lambda: network.is_no_management_network("n", ("racks",)), "CANNOT_REMOVE_MANAGEMENT_NETWORK"),
    (lambda: cluster_network.is_not_attached("n", "c", is_attached=True), "ALREADY_ATTACHED_TO_CLUSTER"),
    (lambda: cluster_network.is_attached("n", "c", is_attached=False), "NETWORK_NOT_EXISTS_IN_CURRENT_CLUSTER"),
    (
        lambda: cluster_network.management_is_required("n", {Role.MANAGEMENT}, required=False),
        "MANAGEMENT_NETWORK_REQUIRED",
    ),
    (
        lambda: cluster_network.management_moves_in_empty_cluster((), {Role.MANAGEMENT}, ("h1",)),
        "MANAGEMENT_NETWORK_CANNOT_BE_CHANGED",
    ),
    (lambda: cluster_network.management_is_not_unset("n", {Role.MANAGEMENT}, ()), "MANAGEMENT_NETWORK_UNSET"),
    (
        lambda: cluster_network.role_has_addresses("n", {Role.DISPLAY}, (Missing(nic="eth1", host="h1"),)),
        "NETWORK_ADDR_MANDATORY_FOR_ROLE_NETWORK",
    ),
    (
        lambda: cluster_network.isolation_is_possible("n", port_isolation=True, switch_type="ovs"),
        "PORT_ISOLATION_INCOMPATIBLE_SWITCH_TYPE",
    ),
    (lambda: cluster_network.is_no_management_network("n", {Role.MANAGEMENT}), "CANNOT_REMOVE_MANAGEMENT_NETWORK"),
    (lambda: vnic_profile.network_is_vm_network("n", is_vm_network=False), "PROFILE_TO_NON_VM_NETWORK"),
    (lambda: vnic_profile.name_is_free("a", ("a",)), "VNIC_PROFILE_NAME_IN_USE"),
    (lambda: vnic_profile.network_is_kept("a", "b"), "CANNOT_CHANGE_VNIC_PROFILE_NETWORK"),
    (lambda: _alone(passthrough=True, port_mirroring=True), "CONTAINS_NOT_SUPPORTED_PROPERTIES"),
    (lambda: _alone(passthrough=True, filtered=True), "CONTAINS_NOT_SUPPORTED_PROPERTIES"),
    (lambda: _alone(passthrough=True, port_isolation=True), "PASSTHROUGH_PROFILE_NOT_SUPPORTS_PORT_ISOLATION"),
    (
        lambda: vnic_profile.migratable_needs_passthrough(passthrough=False, migratable=False),
        "MIGRATABLE_IS_PASSTHROUGH_ONLY",
    ),
    (lambda: vnic_profile.filter_is_known("x", FILTERS), "INVALID_VNIC_PROFILE_NETWORK_FILTER_ID"),
    (lambda: vnic_profile.properties_are_known({"colour": "red"}), "CUSTOM_PROPERTIES_INVALID_KEYS"),
    (lambda: vnic_profile.properties_are_known({"SecurityGroups": "x"}), "CUSTOM_PROPERTIES_INVALID_VALUES"),
    (
        lambda: vnic_profile.kept_while_used(("web",), {"port_mirroring", "name"}),
        "VNIC_PROFILE_IN_ONE_USE",
    ),
    (
        lambda: vnic_profile.kept_while_used(("web",), {"passthrough"}),
        "VNIC_PROFILE_IN_ONE_USE",
    ),
    (lambda: vnic_profile.kept_while_used(("web", "db"), {"failover"}), "VNIC_PROFILE_IN_MANY_USES"),
    (lambda: _alone(passthrough=True, limited=True), "CONTAINS_NOT_SUPPORTED_PROPERTIES"),
    (
        lambda: vnic_profile.failover_is_possible(passthrough=False, migratable=True, has_failover=True),
        "FAILOVER_IS_SUPPORTED_ONLY_FOR_MIGRATABLE_PASSTROUGH",
    ),
    (
        lambda: vnic_profile.failover_is_possible(passthrough=True, migratable=False, has_failover=True),
        "FAILOVER_IS_SUPPORTED_ONLY_FOR_MIGRATABLE_PASSTROUGH",
    ),
    (lambda: vnic_profile.failover_is_another("a", "a"), "FAILOVER_VNIC_PROFILE_ID_CANNOT_POINT_TO_SELF"),
    (lambda: vnic_profile.failover_is_fit("a", is_fit=False), "FAILOVER_VNIC_PROFILE_ID_IS_NOT_VALID"),
    (lambda: vnic_profile.is_no_failover("p", ("q",)), "UPDATE_OF_FAILOVER_PROFILE_IS_NOT_SUPPORTED"),
    (
        lambda: vnic_profile.is_no_failover("p", ("q",), is_removed=True),
        "UPDATE_OF_FAILOVER_PROFILE_IS_NOT_SUPPORTED",
    ),
    (lambda: qos.type_is_known("cpu"), "NETWORK_QOS_IS_NOT_SUPPORTED"),
    (lambda: qos.type_is_kept("network", "hostnetwork"), "QOS_NOT_FOUND"),
    (lambda: qos.name_is_free("q", is_taken=True), "QOS_NAME_EXIST"),
    (lambda: qos.limits_fit_type("network", {"outbound_average_linkshare": 1}), "QOS_OUT_OF_RANGE_VALUES"),
    (lambda: qos.limits_are_in_range("network", {"inbound_average": 17180}), "QOS_OUT_OF_RANGE_VALUES"),
    (lambda: qos.limits_are_in_range("network", {"outbound_burst": -1}), "NETWORK_QOS_NEGATIVE_VALUES"),
    (lambda: qos.limits_are_in_range("hostnetwork", {"outbound_average_linkshare": 0}), "QOS_OUT_OF_RANGE_VALUES"),
    (
        lambda: qos.limits_are_complete("network", {"outbound_average": 1, "outbound_peak": 1}),
        "NETWORK_QOS_MISSING_VALUES",
    ),
    (lambda: qos.limits_are_complete("hostnetwork", {}), "HOST_NETWORK_QOS_MISSING_VALUES"),
    (
        lambda: qos.limits_are_consistent("network", {"outbound_average": 5, "outbound_peak": 4}),
        "NETWORK_QOS_PEAK_LOWER_THAN_AVERAGE",
    ),
    (
        lambda: qos.limits_are_consistent(
            "hostnetwork", {"outbound_average_upperlimit": 4, "outbound_average_realtime": 5}
        ),
        "HOST_NETWORK_QOS_INCONSISTENT_VALUES",
    ),
    (lambda: qos.serves_networks("q", ()), "QOS_NOT_FOUND"),
    (lambda: qos.serves_networks("q", ("network",)), "QOS_NOT_FOUND"),
    (lambda: qos.serves_vnics("q", ()), "NETWORK_QOS_NOT_EXISTS"),
    (lambda: qos.serves_vnics("q", ("hostnetwork",)), "NETWORK_QOS_NOT_EXISTS"),
    (lambda: vnic_profile.unused_by_vms("p", ("web",)), "VNIC_PROFILE_IN_ONE_USE"),
    (lambda: vnic_profile.unused_by_templates("p", ("web",)), "VNIC_PROFILE_IN_ONE_USE"),
    (lambda: vnic_profile.unused_by_vms("p", ("web", "db")), "VNIC_PROFILE_IN_MANY_USES"),
    (lambda: mac_pool.mac_is_valid("02-00-00-00-00-01"), "MAC_ADDRESS_INVALID"),
    (lambda: mac_pool.mac_is_valid("03:00:00:00:00:01"), "MAC_ADDRESS_MULTICAST"),
    (lambda: mac_pool.mac_is_valid("00:00:00:00:00:00"), "MAC_ADDRESS_INVALID"),
    (lambda: mac_pool.mac_is_free("02:00:00:00:00:01", "web"), "NETWORK_MAC_ADDRESS_IN_USE"),
    (lambda: mac_pool.pool_has_free("p", found=False), "MAC_POOL_NOT_ENOUGH_MAC_ADDRESSES"),
    (lambda: mac_pool.has_ranges(()), "MUST_HAVE_RANGE"),
    (lambda: mac_pool.range_is_valid(MacRange(5, 4)), "MAC_RANGE_INVALID"),
    (lambda: mac_pool.range_is_valid(MacRange(0, 4)), "MAC_RANGE_INVALID"),
    (lambda: mac_pool.range_is_valid(MacRange(1, (1 << 31) + 1)), "MAC_RANGE_TOO_LARGE"),
    (lambda: mac_pool.range_is_valid(MacRange(1 << 40, 1 << 40)), "MAC_RANGE_INVALID"),
    (lambda: mac_pool.ranges_are_apart((SMALL, MacRange(SMALL.last, NEXT.last))), "OVERLAPPING_RANGES"),
    (lambda: mac_pool.ranges_overlap_no_other_pool((SMALL,), [("other", SMALL)]), "MAC_POOL_OVERLAPS_WITH_OTHER_POOLS"),
    (lambda: mac_pool.duplicates_may_be_forbidden(("02:00:00:00:00:01",)), "MAC_POOL_CONTAINS_DUPLICATES"),
    (lambda: mac_pool.move_makes_no_duplicates(("02:00:00:00:00:01",)), "CANNOT_MIGRATE_MACS_DUE_TO_DUPLICATES"),
    (lambda: mac_pool.default_is_not_requested(is_default=True), "SETTING_DEFAULT_MAC_POOL_IS_NOT_SUPPORTED"),
    (lambda: mac_pool.default_is_kept(before=True, after=False), "CHANGING_DEFAULT_MAC_POOL_IS_NOT_SUPPORTED"),
    (lambda: mac_pool.is_not_default("p", is_default=True), "CANNOT_REMOVE_DEFAULT_MAC_POOL"),
    (lambda: mac_pool.is_unused("p", ("racks",)), "CANNOT_REMOVE_STILL_USED_MAC_POOL"),
]


def _alone(
    *,
    passthrough: bool,
    port_mirroring: bool = False,
    filtered: bool = False,
    limited: bool = False,
    port_isolation: bool = False,
) -> Problem | None:
    return vnic_profile.passthrough_stands_alone(
        passthrough=passthrough,
        port_mirroring=port_mirroring,
        filtered=filtered,
        limited=limited,
        port_isolation=port_isolation,
    )


@pytest.mark.parametrize("rule", HOLDS)
def test_holds(rule: Rule) -> None:
    assert rule() is None


@pytest.mark.parametrize(("rule", "code"), FAILS)
def test_fails_with_a_remedy(rule: Rule, code: str) -> None:
    problem = rule()
    assert problem is not None
    assert problem.code.endswith(code)
    assert problem.text.rstrip(".") != problem.text


def test_all_problems_are_reported_at_once() -> None:
    check("Cannot add Network.", None)
    with pytest.raises(ValidationError) as refusal:
        check("Cannot add Network.", network.vlan_is_valid(5000), None, network.mtu_is_valid(5))
    assert refusal.value.code == "NETWORK_VLAN_OUT_OF_RANGE"
    assert refusal.value.text.startswith("Cannot add Network. VLAN 5000 ")
    assert "An MTU of 5 " in refusal.value.text


def test_names_in_a_sentence() -> None:
    assert fields.listed(("b", "a")) == "a, b"
    assert fields.listed("gfedcba") == "a, b, c, d, e (and 2 more)"


def test_names_on_hosts() -> None:
    network_id = "01234567-89ab-cdef-0123-456789abcdef"
    assert network.host_side_name("tenants-blue_15", network_id) == "tenants-blue_15"
    for name in ("tenants-blue-of-16", "eth0.100", "lo", "default", "br-eth1", "ovs-system"):
        assert network.host_side_name(name, network_id) == "on0123456789abc"


def test_name_servers_that_a_host_can_ask() -> None:
    assert network.name_servers_are_valid(("127.0.0.1", "fe80::53%eth0", "192.0.2.1")) is None


def test_addresses_as_numbers() -> None:
    assert mac_pool.mac_text(FIRST) == "02:00:00:00:00:01"
    assert str(SMALL) == "02:00:00:00:00:01-02:00:00:00:00:0a"
    with pytest.raises(ValueError, match="no MAC address"):
        mac_pool.mac_number("0")


def test_omitted_fields_stay() -> None:
    assert or_current(KEEP, 5) == 5
    assert or_current(6, 5) == 6
    assert or_current(None, 5) is None


def test_filters_have_the_ids_that_clients_know() -> None:
    assert FILTERS[IDS["clean-traffic"]].since == "3.6"


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("255.255.255.0", 24),
        ("255.255.255.255", 32),
        ("0.0.0.0", 0),
        ("0.0.0.255", None),
        ("255.0.255.0", None),
        ("24", None),
        ("", None),
    ],
)
def test_netmasks(text: str, prefix: int | None) -> None:
    assert fields.netmask_prefix(text) == prefix
