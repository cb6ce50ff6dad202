"""Codes that no row of a table can show: when they are told, and the test that sees them."""

from __future__ import annotations

from collections.abc import Mapping

_CARDS = "a guest must run on a host with a virtual interface card; tests/engine/test_fabric_guests.py"
RULES: Mapping[str, str] = {
    "port_profile.vnic_stays_on_card": _CARDS,
    "port_profile.vnics_may_migrate": _CARDS,
    "port_profile.vnic_suits_card": _CARDS,
    "port_profile.profile_is_unused": _CARDS,
    "port_profile.vnic_comes_onto_card": _CARDS,
    "port_profile.host_has_dynamic_vnic": _CARDS,
}
"""Rules that no request alone triggers."""

CODES: Mapping[str, str] = {
    "REMOVED_UNMANAGED_NETWORK_DOES_NOT_EXISTS": "the host lost it after the API had looked; tests/core",
    "REMOVED_UNMANAGED_NETWORK_IS_A_CLUSTER_NETWORK": "the cluster got it after the API had looked; tests/core",
    "VAR__DETAIL__SWITCH_TYPE_DIFFERENT": "a cluster has one switch type today; tests/core/test_schedule.py",
    "VAR__DETAIL__NETWORK_HAS_NO_LINK": "a NIC must be down for a minute; tests/core/test_schedule.py",
    "VAR__DETAIL__NO_DHCP_SERVER": "hosts must lack a program; tests/engine/test_vnic_sync.py",
    "NETWORK_NOT_FOUND_ON_HOST_NIC": "the job that installs a host ends with it; tests/core/test_management.py",
    "NETWORK_VLAN_DIFFERENT_THAN_MANAGEMENT_NETWORK": "the same; tests/core/test_management.py",
    "MANAGEMENT_ADDRESS_ON_UNMANAGED_LINK": "the same; tests/core/test_management.py",
    "HOST_HAS_NO_GUEST_DRIVER": "the job of a guest ends with it; tests/api/test_vm_nics.py sees the words",
    "PROVIDER_NETWORK_NOT_READY": "the job that starts a guest ends with it; tests/engine/test_ports.py",
    "VAR__DETAIL__PROVIDER_NETWORK_MISSING": "a provider must have said where it is; tests/core/test_schedule.py",
    "ACTION_TYPE_FAILED_VNIC_IS_ON_INTERFACE_CARD": _CARDS,
    "ACTION_TYPE_FAILED_MIGRATION_OF_HIGH_PERFORMANCE_VNICS": _CARDS,
    "ACTION_TYPE_FAILED_PORT_PROFILE_IN_USE": _CARDS,
    "PLAN_IS_STALE": "somebody else changes what was planned; tests/api/test_request_plans.py",
    "VAR__DETAIL__NO_FREE_DYNAMIC_VNIC": _CARDS,
    "VAR__DETAIL__NOT_ON_DYNAMIC_VNIC": _CARDS,
    "VAR__DETAIL__NETWORK_IMPLEMENTED_DIFFERENTLY": _CARDS,
    "TOO_LONG": "a text, a list or a whole request is longer than may be; tests/api/test_bounds.py",
    "JOB_LOST": "a job ends with it after several workers did; tests/engine/test_queue.py",
}
