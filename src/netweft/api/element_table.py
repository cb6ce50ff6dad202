"""How each element of a request is handled, as data: see :mod:`netweft.api.elements`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from netweft.api import types
from netweft.api.schema import Value, fields_of, shared_fields
from netweft.core.protocol import AGENT_PORT
from netweft.core.rules.qos import LIMITS
from netweft.engine.commands.clusters import UpdateCluster
from netweft.engine.commands.data_centers import UpdateDataCenter
from netweft.engine.commands.hosts import UpdateHost
from netweft.engine.commands.mac_pools import UpdateMacPool
from netweft.engine.commands.networks import UpdateNetwork
from netweft.engine.commands.providers import UpdateProvider
from netweft.engine.commands.qos import UpdateQos
from netweft.engine.commands.tags import UpdateTag
from netweft.engine.commands.templates import UpdateTemplate
from netweft.engine.commands.vms import UpdateVm
from netweft.engine.commands.vnic_profiles import UpdateVnicProfile

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_NAMED = "id href"
"""What tells which entity is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """The elements of one type by what becomes of them: paths with dots, in one string. A path stands for all below
    it. ``fixed``: the only value of each, as it is written; empty for none. ``spec``: the command whose fields of the
    same names are stored as well.
    """

    stored: str
    spec: type[DataclassInstance] | None = None
    derived: str = ""
    ignored: str = ""
    collections: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)

    def of(self, kind: type[Value]) -> Elements:
        """With what the command says of that type."""
        plain = shared_fields(kind, self.spec) if self.spec else ()
        return replace(self, stored=" ".join((*plain, self.stored)))


_NO_TEXTS = {"name": "", "description": "", "comment": ""}
_NO_COMMENT = {"comment": ""}

_BIOS = {"bios.boot_menu.enabled": "false", "bios.type": "q35_sea_bios"}
_MIGRATION = {
    "migration.auto_converge": "inherit",
    "migration.bandwidth.assignment_method": "auto",
    "migration.bandwidth.custom_value": "",
    "migration.compressed": "inherit",
    "migration.encrypted": "inherit",
}
_HARDWARE = (
    "console.enabled cpu.mode cpu.topology custom_properties.name custom_properties.value"
    " delete_protected memory os.boot.devices os.cmdline os.initrd os.kernel os.type stateless type cluster"
)
_HARDWARE_DERIVED = (
    "cpu.architecture cpu.name cpu.speed cpu.type creation_time custom_properties.regexp os.version status"
)
_HARDWARE_IGNORED = "high_availability memory_policy"
_HARDWARE_FIXED = {
    **_BIOS,
    **_MIGRATION,
    "cpu_shares": "0",
    "display.monitors": "1",
    "display.type": "vnc",
    "multi_queues_enabled": "false",
    "origin": "ovirt",
    "os.custom_kernel_cmdline": "",
    "os.reported_kernel_cmdline": "",
    "start_paused": "false",
    "time_zone.name": "Etc/GMT",
    "time_zone.utc_offset": "",
}
_NIC = Elements(
    stored="name description interface linked mac.address plugged vnic_profile",
    derived=f"{_NAMED} synced template vm",
    collections="network_filter_parameters reported_devices statistics",
    fixed={**_NO_COMMENT, "network": ""},
)
_NETWORK = Elements(
    spec=UpdateNetwork,
    stored="dns_resolver_configuration external_provider external_provider_physical_network profile_required usages"
    " vlan data_center qos",
    derived=f"{_NAMED} cluster status vdsm_name",
    ignored="display required",
    collections="network_labels permissions vnic_profiles",
    fixed={f"ip.{part}": "" for part in ("address", "gateway", "netmask", "version")},
)

_IN_CLUSTER = "id name display required usages"
_SHOWN_IN_CLUSTER = "href cluster data_center status"


def _besides(paths: str) -> str:
    """What a network has by itself, which a request about it in a cluster does not change."""
    return " ".join(one.name for one in fields_of(types.Network) if one.name not in paths.split())


_DECLARED: Mapping[type[Value], Elements] = {
    types.DataCenter: Elements(
        spec=UpdateDataCenter,
        stored="version.major version.minor",
        derived=f"{_NAMED} status supported_versions version.build version.revision version.full_version",
        ignored="mac_pool",
        collections="clusters networks permissions qoss",
        fixed={"quota_mode": "disabled", "storage_format": ""},
    ),
    types.Cluster: Elements(
        spec=UpdateCluster,
        stored="cpu.architecture cpu.type external_network_providers version.major version.minor data_center mac_pool"
        " management_network",
        derived=f"{_NAMED} version.build version.revision version.full_version",
        ignored="ballooning_enabled custom_scheduling_policy_properties error_handling fencing_policy gluster_service"
        " ha_reservation ksm log_max_memory_used_threshold log_max_memory_used_threshold_type memory_policy"
        " scheduling_policy",
        collections="network_filters networks permissions",
        fixed={
            **_MIGRATION,
            "bios_type": "q35_sea_bios",
            "cpu.mode": "",
            "cpu.name": "",
            "cpu.speed": "",
            "cpu.topology.cores": "",
            "cpu.topology.sockets": "",
            "cpu.topology.threads": "",
            "firewall_type": "firewalld",
            "required_rng_sources": "urandom",
            "threads_as_cores": "false",
            "trusted_service": "false",
            "tunnel_migration": "false",
            "virt_service": "true",
        },
    ),
    types.Network: _NETWORK,
    types.ClusterNetwork: Elements(
        stored=_IN_CLUSTER, derived=_SHOWN_IN_CLUSTER, collections=_besides(f"{_IN_CLUSTER} {_SHOWN_IN_CLUSTER}")
    ),
    types.NetworkLabel: Elements(stored="id", derived="href host_nic network", fixed=_NO_TEXTS),
    types.VnicProfile: Elements(
        spec=UpdateVnicProfile,
        stored="custom_properties.name custom_properties.value pass_through failover network network_filter qos",
        derived=f"{_NAMED} custom_properties.regexp",
        collections="permissions",
    ),
    types.MacPool: Elements(
        spec=UpdateMacPool, stored="default_pool ranges", derived=_NAMED, collections="permissions"
    ),
    types.OpenStackNetworkProvider: Elements(
        spec=UpdateProvider,
        stored="agent_configuration certificates",
        derived=_NAMED,
        fixed={"unmanaged": "false"},
    ),
    types.Certificate: Elements(stored="content", ignored="organization subject"),
    types.Qos: Elements(spec=UpdateQos, stored=" ".join(LIMITS), derived=f"{_NAMED} data_center"),
    types.Tag: Elements(spec=UpdateTag, stored="id parent", derived="href", fixed=_NO_COMMENT),
    types.Host: Elements(
        spec=UpdateHost,
        stored="cluster root_password ssh.authentication_method ssh.fingerprint ssh.port",
        derived=f"{_NAMED} auto_numa_status certificate cpu external_status hardware_information iscsi kdump_status"
        " libvirt_version max_scheduling_memory memory network_operation_in_progress networks_committed"
        " networks_in_sync numa_supported os.boot os.cmdline"
        " os.initrd os.kernel os.reported_kernel_cmdline os.type os.version ovn_configured reinstallation_required"
        " se_linux ssh.public_key status status_detail summary update_available version",
        ignored="ksm override_iptables power_management spm transparent_hugepages",
        collections="network_attachments nics permissions statistics tags unmanaged_networks",
        fixed={
            "device_passthrough.enabled": "false",
            "os.custom_kernel_cmdline": "",
            "port": str(AGENT_PORT),
            "protocol": "stomp",
            "type": "rhel",
            "vgpu_placement": "",
        },
    ),
    types.NetworkAttachment: Elements(
        stored="id dns_resolver_configuration ip_address_assignments properties host_nic network qos",
        derived="href host in_sync reported_configurations",
        fixed=_NO_TEXTS,
    ),
    types.HostNic: Elements(
        stored="id name bonding.options.name bonding.options.value bonding.slaves",
        derived="href description comment ad_aggregator_id base_interface bonding.active_slave bonding.ad_partner_mac"
        " bonding.options.type boot_protocol bridged custom_configuration host ip ipv6 ipv6_boot_protocol mac mtu"
        " network physical_function properties qos speed status virtual_functions_configuration vlan",
        collections="network_attachments network_labels statistics",
    ),
    types.HostNicVirtualFunctionsConfiguration: Elements(
        stored="all_networks_allowed number_of_virtual_functions", derived="max_number_of_virtual_functions"
    ),
    types.Vm: Elements(
        spec=UpdateVm,
        stored=f"{_HARDWARE} initialization",
        derived=f"{_NAMED} {_HARDWARE_DERIVED} fqdn has_illegal_images host next_run_configuration_exists"
        " original_template run_once start_time status_detail stop_reason stop_time template",
        ignored=_HARDWARE_IGNORED,
        collections="nics permissions reported_devices snapshots statistics tags",
        fixed={**_HARDWARE_FIXED, "placement_policy.affinity": "migratable", "placement_policy.hosts": ""},
    ),
    types.Template: Elements(
        spec=UpdateTemplate,
        stored=_HARDWARE,
        derived=f"{_NAMED} {_HARDWARE_DERIVED} vm",
        ignored=_HARDWARE_IGNORED,
        collections="nics permissions tags",
        fixed={
            **_HARDWARE_FIXED,
            "io.threads": "0",
            "soundcard_enabled": "false",
            "usb.enabled": "false",
            "version.base_template": "",
            "version.version_name": "base version",
            "version.version_number": "1",
        },
    ),
    types.Nic: _NIC,
    types.TemplateNic: Elements(
        stored=_NIC.stored.replace(" mac.address", ""),
        derived=_NIC.derived,
        collections=_NIC.collections,
        fixed={**_NIC.fixed, "mac.address": ""},
    ),
    types.NetworkFilterParameter: Elements(
        stored="name value", derived=f"{_NAMED} nic", fixed={"description": "", "comment": ""}
    ),
    types.Snapshot: Elements(
        stored="description persist_memorystate",
        derived=f"{_NAMED} date snapshot_status snapshot_type vm",
        collections="nics",
        fixed={"name": "", "comment": ""},
    ),
    types.User: Elements(
        stored="name last_name email password user_name domain",
        derived=f"{_NAMED} domain_entry_id logged_in namespace principal",
        collections="permissions roles",
        fixed={"department": "", "description": "", "comment": ""},
    ),
    types.Permission: Elements(
        stored="cluster data_center host template vm group role user", derived=_NAMED, fixed=_NO_TEXTS
    ),
    types.Job: Elements(
        stored="description auto_cleared",
        derived=f"{_NAMED} end_time last_updated start_time owner",
        collections="steps",
        fixed={"name": "", "comment": "", "external": "true", "status": "started"},
    ),
    types.Step: Elements(
        stored="description type parent_step",
        derived=f"{_NAMED} end_time number progress start_time execution_host job",
        fixed={"name": "", "comment": "", "external": "true", "status": "started"},
    ),
    types.Event: Elements(
        stored="description custom_id origin severity cluster data_center host template vm",
        derived=f"{_NAMED} code correlation_id flood_rate index log_on_host time user",
        fixed={"name": "", "comment": "", "custom_data": ""},
    ),
}
ELEMENTS: Mapping[type[Value], Elements] = {kind: one.of(kind) for kind, one in _DECLARED.items()}
"""By the type of a request's body, or of what an action carries."""

EMPTIED: Mapping[type[Value], str] = {
    types.Network: "dns_resolver_configuration external_provider external_provider_physical_network qos vlan",
    types.OpenStackNetworkProvider: "agent_configuration",
    types.Vlan: "id",
    types.VnicProfile: "failover network_filter qos",
    types.Nic: "vnic_profile",
    types.TemplateNic: "vnic_profile",
    types.NetworkAttachment: "dns_resolver_configuration qos",
}
"""Elements that a change takes away when they are empty, or null in JSON, besides texts and lists."""

EVERY_ACTION = "id href async fault job status"
"""Elements that every action takes: what it is and how it went, which clients send back, and whether to wait."""

ACTION_IGNORED = "correlation_id reason"
"""Elements that are ignored in the body of an action: a correlation id is a header or in the query."""

_SETUP = (
    "check_connectivity commit_on_success connectivity_timeout modified_bonds modified_labels"
    " modified_network_attachments removed_bonds removed_labels removed_network_attachments"
    " synchronized_network_attachments"
)

_START_VM = (
    "id href name initialization placement_policy.hosts os.boot os.cmdline os.initrd os.kernel custom_properties"
    " cpu.mode console stateless"
)
"""For that run alone."""

ACTION_PARTS: Mapping[str, tuple[str, str]] = {"install": ("host", "override_iptables"), "start": ("vm", _START_VM)}
"""What an entity may say that is sent with an action; a firewall is left alone, as when a host is added."""

ACTION_FIXED: Mapping[str, Mapping[str, str]] = {"install": {"activate": "true"}}
"""The only value of elements of actions, as of others."""

ACTIONS: Mapping[str, str] = {
    "copyhostnetworks": "source_host",
    "end": "succeeded force",
    "import": "data_center",
    "importcertificates": "certificates",
    "install": "activate host root_password ssh",
    "migrate": "host force",
    "previewsnapshot": "restore_memory snapshot",
    "restore": "restore_memory",
    "shutdown": "reason",
    "stop": "reason",
    "setupnetworks": _SETUP,
    "start": "host use_cloud_init use_initialization vm",
    "updatevirtualfunctionsconfiguration": "virtual_functions_configuration",
}
"""What else actions take, by their names; others take nothing."""

_VM_AND_TEMPLATE_FOREIGN = (
    "auto_pinning_policy cdroms cpu_pinning_policy cpu_profile custom_compatibility_version custom_cpu_model"
    " custom_emulated_machine disk_attachments domain graphics_consoles large_icon lease mediated_devices"
    " migration_downtime quota rng_device serial_number small_icon storage_domain storage_error_resume_behaviour"
    " tpm_enabled tunnel_migration virtio_scsi virtio_scsi_multi_queues virtio_scsi_multi_queues_enabled watchdogs"
)
_VM_FOREIGN = (
    f"{_VM_AND_TEMPLATE_FOREIGN} affinity_labels applications dynamic_cpu external_host_provider floppies"
    " guest_operating_system guest_time_zone host_devices host_numa_nodes instance_type io katello_errata"
    " numa_tune_mode payloads sessions"
    " soundcard_enabled sso usb use_latest_template_version vm_pool"
)
_NIC_FOREIGN = (
    "boot_protocol instance_type network_attachments network_labels on_boot virtual_function_allowed_labels"
    " virtual_function_allowed_networks vms"
)
_TEXTS = "comment description name"

FOREIGN: Mapping[type[Value], str] = {
    types.Action: "allow_partial_import attach_wgt attachment authorized_key auto_pinning_policy bricks"
    " clone clone_permissions cluster collapse_snapshots comment connection"
    " deploy_hosted_engine description details directory discard_snapshots discovered_targets disk disk_profile disks"
    " exclusive fence_type filename filter fix_layout follow image image_transfer import_as_template is_attached iscsi"
    " iscsi_targets lease logical_units maintenance_after_restart maintenance_enabled"
    " migrate_vms_in_affinity_closure name optimize_cpu_settings option permission power_management proxy_ticket quota"
    " reassign_bad_macs reboot registration_configuration remote_viewer_connection_file resolution_type"
    " seal stop_gluster_service storage_domain storage_domains template ticket timeout undeploy_hosted_engine"
    " upgrade_action upgrade_percent_complete use_ignition use_sysprep vnic_profile_mappings volatile",
    types.Certificate: _TEXTS,
    types.AgentConfiguration: "broker_type password port username",
    types.OpenStackNetworkProvider: "networks properties subnets",
    types.Cluster: "affinity_groups cpu_profiles display enabled_features fips_mode gluster_hooks"
    " gluster_tuned_profile gluster_volumes maintenance_reason_required optional_reason serial_number"
    " supported_versions upgrade_correlation_id upgrade_in_progress upgrade_percent_complete vnc_encryption",
    types.Cpu: "cores cpu_tune level",
    types.DataCenter: "iscsi_bonds quotas storage_domains",
    types.Display: "address allow_override certificate copy_paste_enabled disconnect_action disconnect_action_delay"
    " file_transfer_enabled keyboard_layout port proxy secure_port single_qxl_pci smartcard_enabled video_type",
    types.Event: "storage_domain",
    types.Host: "affinity_labels agents cpu_units devices display external_host_provider"
    " external_network_provider_configurations hooks host_numa_nodes hosted_engine katello_errata"
    " storage_connection_extensions storages",
    types.HostNic: "check_connectivity override_configuration",
    types.Initialization: "active_directory_ou cloud_init cloud_init_network_protocol configuration input_locale"
    " org_name regenerate_ids root_password system_locale ui_language user_locale windows_license_key",
    types.IscsiDetails: "address disk_id lun_mapping password paths port portal product_id serial size status"
    " storage_domain_id target username vendor_id volume_group_id",
    types.MigrationOptions: "custom_parallel_migrations parallel_migrations_policy policy",
    types.Nic: _NIC_FOREIGN,
    types.OperatingSystem: "description",
    types.Permission: "disk storage_domain vm_pool",
    types.PowerManagement: "address agents options password pm_proxies status type username",
    types.Qos: "cpu_limit max_iops max_read_iops max_read_throughput max_throughput max_write_iops"
    " max_write_throughput",
    types.Snapshot: f"{_VM_FOREIGN} bios cluster console cpu cpu_shares creation_time custom_properties"
    " delete_protected disks display fqdn has_illegal_images high_availability host initialization memory memory_policy"
    " migration multi_queues_enabled next_run_configuration_exists origin original_template os permissions"
    " placement_policy reported_devices run_once snapshots start_paused start_time stateless statistics status"
    " status_detail stop_reason stop_time tags template time_zone type",
    types.Ssh: f"{_TEXTS} user",
    types.Sso: "methods",
    types.Step: "external_type statistics",
    types.Tag: "group host template user vm",
    types.Template: f"{_VM_AND_TEMPLATE_FOREIGN} initialization placement_policy",
    types.TemplateNic: _NIC_FOREIGN,
    types.User: "groups options ssh_public_keys tags user_options",
    types.Version: _TEXTS,
    types.Vm: _VM_FOREIGN,
}
"""What oVirt's types have and ours have not."""

OF_PROVIDERS: Mapping[type[Value], Mapping[str, str]] = {types.Network: {"admin_state_up": "true", "shared": "false"}}
"""What not even oVirt has, but the systems that networks are on do, so that who says it expects it to be done; and the
value by which it asks for nothing.
"""
