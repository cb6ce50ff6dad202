"""Which elements of the API hold numbers and truth values: its JSON writes each of them as a text."""

from __future__ import annotations

from typing import Any

_NUMBERS = """
active ad_aggregator_id build code connectivity_timeout cores cpu_shares custom_id custom_value datum expiry
flood_rate guaranteed inbound_average inbound_burst inbound_peak index link_layer_discovery_protocol_element.type
log_max_memory_used_threshold major max max_number_of_virtual_functions max_scheduling_memory memory migrating minor
monitors mtu number number_of_virtual_functions oui outbound_average outbound_average_linkshare
outbound_average_realtime outbound_average_upperlimit outbound_burst outbound_peak percent port priority progress
revision rollout_canaries rollout_soak rollout_wave sockets speed subtype threads threshold total version_number vlan.id
"""
NUMBERS = frozenset(_NUMBERS.split())
"""By name; with that of what they are in where the name alone says something else elsewhere."""
_TRUTHS = """
activate administrative all_networks_allowed allow_duplicates async auto_cleared auto_sync automatic_pm_enabled
ballooning ballooning_enabled bridged check_connectivity commit_on_success custom_configuration default_policy
default_pool delete_protected display enabled external force gluster_service ha_reservation has_illegal_images in_sync
kdump_detection linked local locked log_on_host logged_in merge_across_nodes migratable multi_queues_enabled mutable
network_operation_in_progress networks_committed networks_in_sync next_run_configuration_exists numa_supported on_boot
override_iptables ovn_configured pause persist_memorystate plugged port_isolation port_mirroring profile_required
read_only regenerate_ssh_keys reinstallation_required required requires_authentication restore_memory rollout_evacuates
run_once skip_if_gluster_bricks_up skip_if_gluster_quorum_not_met soundcard_enabled start_paused stateless stp succeeded
synced threads_as_cores trusted_service tunnel_migration unmanaged update_available use_cloud_init use_initialization
virt_service
"""
TRUTHS = frozenset(_TRUTHS.split())


def typed(value: Any, name: str = "", within: str = "") -> Any:  # noqa: ANN401 (JSON is any value)
    """An answer with numbers and truth values for the texts that mean them. ``name``, ``within``: the element that
    holds the value, and what that is in.
    """
    if isinstance(value, dict):
        return {key: typed(item, key, name) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item, name, within) for item in value]
    if not isinstance(value, str):
        return value
    if name in TRUTHS and value in {"true", "false"}:
        return value == "true"
    if name in NUMBERS or f"{within}.{name}" in NUMBERS:
        return _number(value)
    return value


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
