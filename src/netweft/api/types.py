"""The API's types, each declared once. Names, elements and values are oVirt's (its v4 API, and what clients of it read
without asking).

To add a noun: declare its type here (fields in the order in which they are written, ``UNSET`` by default, with its
Meta: path, links, actions); write ``api/<noun>.py`` with ``routes = Routes()``, its ``Collection``, and a function for
each endpoint that is special (parse, begin, call one command or query, show); add that module to ``api/nouns.py``.
Everything else (XML, JSON, OpenAPI, the walks over all endpoints in the tests) follows from these declarations.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeAlias

from msgspec import UNSET, UnsetType

from netweft.api.schema import (
    Boolean,
    Choice,
    Date,
    Decimal,
    Entity,
    Integer,
    Meta,
    Most,
    RemovableInteger,
    Text,
    Value,
)

BootProtocol: TypeAlias = Annotated[str, Choice("autoconf", "dhcp", "none", "poly_dhcp_autoconf", "static")]
InheritableBoolean: TypeAlias = Annotated[str, Choice("false", "inherit", "true")]
IpVersion: TypeAlias = Annotated[str, Choice("v4", "v6")]
NetworkUsage: TypeAlias = Annotated[str, Choice("default_route", "display", "gluster", "management", "migration", "vm")]
NicInterface: TypeAlias = Annotated[
    str, Choice("e1000", "e1000e", "pci_passthrough", "rtl8139", "rtl8139_virtio", "spapr_vlan", "virtio")
]
HostStatus: TypeAlias = Annotated[
    str,
    Choice(
        "connecting", "down", "error", "initializing", "install_failed", "installing", "installing_os", "kdumping",
        "maintenance", "non_operational", "non_responsive", "pending_approval", "preparing_for_maintenance", "reboot",
        "unassigned", "up",
    ),
]  # fmt: skip
VmStatus: TypeAlias = Annotated[
    str,
    Choice(
        "down", "image_locked", "migrating", "not_responding", "paused", "powering_down", "powering_up",
        "reboot_in_progress", "restoring_state", "saving_state", "suspended", "unassigned", "unknown", "up",
        "wait_for_launch",
    ),
]  # fmt: skip
JobStatus: TypeAlias = Annotated[str, Choice("aborted", "failed", "finished", "started", "unknown")]
FEW = Most(100)
"""Items of a list that belongs to one thing."""
MANY = Most(500)
"""Things that one request may change together: some thousands would keep others from writing for seconds."""
RngSource: TypeAlias = Annotated[str, Choice("hwrng", "random", "urandom")]


# Small parts


class Version(Value, kw_only=True):
    """A version number in parts."""

    meta: ClassVar[Meta] = Meta("version")
    major: Integer = UNSET
    minor: Integer = UNSET
    build: Integer = UNSET
    revision: Integer = UNSET
    full_version: Text = UNSET


class Vlan(Value, kw_only=True):
    """An 802.1Q tag; its id is the tag."""

    meta: ClassVar[Meta] = Meta("vlan")
    id: Integer = UNSET


class Mac(Value, kw_only=True):
    """A MAC address."""

    meta: ClassVar[Meta] = Meta("mac")
    address: Text = UNSET


class Ip(Value, kw_only=True):
    """An IP address; ``netmask`` is dotted for IPv4 and a prefix length for IPv6."""

    meta: ClassVar[Meta] = Meta("ip")
    address: Text = UNSET
    gateway: Text = UNSET
    netmask: Text = UNSET
    version: IpVersion | UnsetType = UNSET


class IpAddressAssignment(Value, kw_only=True):
    """How a host's NIC gets its address of one IP version."""

    meta: ClassVar[Meta] = Meta("ip_address_assignment")
    assignment_method: BootProtocol | UnsetType = UNSET
    ip: Ip | UnsetType = UNSET


class DnsResolverConfiguration(Value, kw_only=True):
    """The DNS resolvers of a host."""

    meta: ClassVar[Meta] = Meta("dns_resolver_configuration")
    name_servers: Annotated[list[str], FEW] | UnsetType = UNSET


class Property(Value, kw_only=True):
    """A name and a value."""

    meta: ClassVar[Meta] = Meta("property", "properties")
    name: Text = UNSET
    value: Text = UNSET


class CustomProperty(Value, kw_only=True):
    """A property that this installation defines."""

    meta: ClassVar[Meta] = Meta("custom_property", "custom_properties")
    name: Text = UNSET
    value: Text = UNSET
    regexp: Text = UNSET


class Option(Value, kw_only=True):
    """An option of a bond. ``type``: for the mode, its name."""

    meta: ClassVar[Meta] = Meta("option")
    name: Text = UNSET
    type: Text = UNSET
    value: Text = UNSET


class Range(Value, kw_only=True):
    """MAC addresses, both ends included."""

    meta: ClassVar[Meta] = Meta("range")
    from_: Text = UNSET
    to: Text = UNSET


class Enabled(Value, kw_only=True):
    """A switch for the feature that its element names."""

    meta: ClassVar[Meta] = Meta("enabled")
    enabled: Boolean = UNSET


class Datum(Value, kw_only=True):
    """One value of a statistic."""

    meta: ClassVar[Meta] = Meta("value")
    datum: Decimal = UNSET
    detail: Text = UNSET


class Fault(Value, kw_only=True):
    """Why a request failed."""

    meta: ClassVar[Meta] = Meta("fault")
    reason: Text = UNSET
    detail: Text = UNSET


class GracePeriod(Value, kw_only=True):
    """Milliseconds before an action starts."""

    meta: ClassVar[Meta] = Meta("grace_period")
    expiry: Integer = UNSET


# The entry point


class ProductInfo(Value, kw_only=True):
    """The product and its version."""

    meta: ClassVar[Meta] = Meta("product_info")
    name: Text = UNSET
    vendor: Text = UNSET
    instance_id: Text = UNSET
    version: Version | UnsetType = UNSET


class SpecialObjects(Value, kw_only=True):
    """Entities that every installation has."""

    meta: ClassVar[Meta] = Meta("special_objects")
    blank_template: Template | UnsetType = UNSET
    root_tag: Tag | UnsetType = UNSET


class ApiSummaryItem(Value, kw_only=True):
    """The number of objects of a kind."""

    meta: ClassVar[Meta] = Meta("api_summary_item")
    active: Integer = UNSET
    total: Integer = UNSET


class ApiSummary(Value, kw_only=True):
    """The number of objects of the main kinds."""

    meta: ClassVar[Meta] = Meta("api_summary", "api_summaries")
    hosts: ApiSummaryItem | UnsetType = UNSET
    storage_domains: ApiSummaryItem | UnsetType = UNSET
    users: ApiSummaryItem | UnsetType = UNSET
    vms: ApiSummaryItem | UnsetType = UNSET


class Link(Value, kw_only=True):
    """A link: its address and name."""

    meta: ClassVar[Meta] = Meta("link")
    href: Text = UNSET
    rel: Text = UNSET


class Api(Value, kw_only=True):
    """The entry point."""

    meta: ClassVar[Meta] = Meta("api")
    href: Text = UNSET
    link: list[Link] | UnsetType = UNSET
    product_info: ProductInfo | UnsetType = UNSET
    special_objects: SpecialObjects | UnsetType = UNSET
    summary: ApiSummary | UnsetType = UNSET
    time: Date = UNSET
    authenticated_user: User | UnsetType = UNSET
    effective_user: User | UnsetType = UNSET


# Data centres, clusters, networks


class DataCenter(Entity, kw_only=True):
    """What shares a set of networks."""

    meta: ClassVar[Meta] = Meta(
        "data_center", path="datacenters", links="clusters networks permissions qoss storagedomains"
    )
    local: Boolean = UNSET
    quota_mode: Annotated[str, Choice("audit", "disabled", "enabled")] | UnsetType = UNSET
    status: (
        Annotated[str, Choice("contend", "maintenance", "not_operational", "problematic", "uninitialized", "up")]
        | UnsetType
    ) = UNSET
    storage_format: Annotated[str, Choice("v1", "v2", "v3", "v4", "v5")] | UnsetType = UNSET
    supported_versions: Annotated[list[Version], FEW] | UnsetType = UNSET
    version: Version | UnsetType = UNSET
    mac_pool: MacPool | UnsetType = UNSET
    clusters: list[Cluster] | UnsetType = UNSET
    networks: list[Network] | UnsetType = UNSET
    permissions: list[Permission] | UnsetType = UNSET
    qoss: list[Qos] | UnsetType = UNSET


class Ksm(Value, kw_only=True):
    """Whether hosts share equal pages of memory."""

    meta: ClassVar[Meta] = Meta("ksm")
    enabled: Boolean = UNSET
    merge_across_nodes: Boolean = UNSET


class SkipIfConnectivityBroken(Value, kw_only=True):
    """Do not fence when at least this share of the cluster's hosts cannot be reached."""

    meta: ClassVar[Meta] = Meta("skip_if_connectivity_broken")
    enabled: Boolean = UNSET
    threshold: Integer = UNSET


class FencingPolicy(Value, kw_only=True):
    """When a host may be power-cycled."""

    meta: ClassVar[Meta] = Meta("fencing_policy", "fencing_policies")
    enabled: Boolean = UNSET
    skip_if_connectivity_broken: SkipIfConnectivityBroken | UnsetType = UNSET
    skip_if_sd_active: Enabled | UnsetType = UNSET
    skip_if_gluster_bricks_up: Boolean = UNSET
    skip_if_gluster_quorum_not_met: Boolean = UNSET


class ErrorHandling(Value, kw_only=True):
    """What happens to virtual machines of a failed host."""

    meta: ClassVar[Meta] = Meta("error_handling")
    on_error: Annotated[str, Choice("do_not_migrate", "migrate", "migrate_highly_available")] | UnsetType = UNSET


class MigrationBandwidth(Value, kw_only=True):
    """How much a migration may use."""

    meta: ClassVar[Meta] = Meta("migration_bandwidth")
    assignment_method: Annotated[str, Choice("auto", "custom", "hypervisor_default")] | UnsetType = UNSET
    custom_value: Integer = UNSET


class MigrationOptions(Value, kw_only=True):
    """How virtual machines are migrated."""

    meta: ClassVar[Meta] = Meta("migration", "migration_optionss")
    auto_converge: InheritableBoolean | UnsetType = UNSET
    bandwidth: MigrationBandwidth | UnsetType = UNSET
    compressed: InheritableBoolean | UnsetType = UNSET
    encrypted: InheritableBoolean | UnsetType = UNSET


class MemoryOverCommit(Value, kw_only=True):
    """Memory that may be allocated, in per cent of the physical memory."""

    meta: ClassVar[Meta] = Meta("memory_over_commit")
    percent: Integer = UNSET


class MemoryPolicy(Value, kw_only=True):
    """How memory is allocated; sizes in octets."""

    meta: ClassVar[Meta] = Meta("memory_policy", "memory_policies")
    ballooning: Boolean = UNSET
    guaranteed: Integer = UNSET
    max: Integer = UNSET
    over_commit: MemoryOverCommit | UnsetType = UNSET
    transparent_hugepages: Enabled | UnsetType = UNSET


class CpuTopology(Value, kw_only=True):
    """How processors are counted."""

    meta: ClassVar[Meta] = Meta("cpu_topology", "cpu_topologies")
    cores: Integer = UNSET
    sockets: Integer = UNSET
    threads: Integer = UNSET


class Cpu(Value, kw_only=True):
    """A processor; speed in MHz."""

    meta: ClassVar[Meta] = Meta("cpu")
    architecture: (
        Annotated[str, Choice("aarch64", "loongarch64", "ppc64", "s390x", "undefined", "x86_64")] | UnsetType
    ) = UNSET
    mode: Annotated[str, Choice("custom", "host_model", "host_passthrough")] | UnsetType = UNSET
    name: Text = UNSET
    speed: Decimal = UNSET
    topology: CpuTopology | UnsetType = UNSET
    type: Text = UNSET


class Cluster(Entity, kw_only=True):
    """Hosts that carry the same networks."""

    meta: ClassVar[Meta] = Meta(
        "cluster",
        path="clusters",
        links="externalnetworkproviders networkfilters networks permissions",
        inline="externalnetworkproviders",
        actions="syncallnetworks",
    )
    ballooning_enabled: Boolean = UNSET
    bios_type: (
        Annotated[str, Choice("cluster_default", "i440fx_sea_bios", "q35_ovmf", "q35_sea_bios", "q35_secure_boot")]
        | UnsetType
    ) = UNSET
    cpu: Cpu | UnsetType = UNSET
    custom_scheduling_policy_properties: Annotated[list[Property], FEW] | UnsetType = UNSET
    # ours: which drift of its hosts is put right without being asked (docs/drift.md)
    drift_healing: Annotated[str, Choice("off", "harmless", "always")] | UnsetType = UNSET
    error_handling: ErrorHandling | UnsetType = UNSET
    external_network_providers: Annotated[list[ExternalProvider], FEW] | UnsetType = UNSET
    fencing_policy: FencingPolicy | UnsetType = UNSET
    firewall_type: Annotated[str, Choice("firewalld", "iptables")] | UnsetType = UNSET
    gluster_service: Boolean = UNSET
    ha_reservation: Boolean = UNSET
    ksm: Ksm | UnsetType = UNSET
    log_max_memory_used_threshold: Integer = UNSET
    log_max_memory_used_threshold_type: Annotated[str, Choice("absolute_value_in_mb", "percentage")] | UnsetType = UNSET
    memory_policy: MemoryPolicy | UnsetType = UNSET
    migration: MigrationOptions | UnsetType = UNSET
    required_rng_sources: Annotated[list[RngSource], FEW] | UnsetType = UNSET
    # Ours: how changes go out to its hosts.
    rollout_canaries: Integer = UNSET
    rollout_evacuates: Boolean = UNSET
    rollout_on_failure: Text = UNSET
    rollout_soak: Integer = UNSET
    rollout_wave: Integer = UNSET
    switch_type: Annotated[str, Choice("legacy", "ovs")] | UnsetType = UNSET
    threads_as_cores: Boolean = UNSET
    trusted_service: Boolean = UNSET
    tunnel_migration: Boolean = UNSET
    version: Version | UnsetType = UNSET
    virt_service: Boolean = UNSET
    data_center: DataCenter | UnsetType = UNSET
    mac_pool: MacPool | UnsetType = UNSET
    management_network: Network | UnsetType = UNSET
    scheduling_policy: SchedulingPolicy | UnsetType = UNSET
    network_filters: list[NetworkFilter] | UnsetType = UNSET
    networks: list[ClusterNetwork] | UnsetType = UNSET
    permissions: list[Permission] | UnsetType = UNSET


class Network(Entity, kw_only=True):
    """A logical network of a data centre; below a cluster with its role there. ``mtu`` 0 means the default."""

    meta: ClassVar[Meta] = Meta("network", path="networks", links="networklabels permissions vnicprofiles")
    display: Boolean = UNSET
    dns_resolver_configuration: DnsResolverConfiguration | UnsetType = UNSET
    ip: Ip | UnsetType = UNSET
    mtu: Integer = UNSET
    port_isolation: Boolean = UNSET
    profile_required: Boolean = UNSET
    required: Boolean = UNSET
    status: Annotated[str, Choice("non_operational", "operational")] | UnsetType = UNSET
    stp: Boolean = UNSET
    usages: Annotated[list[NetworkUsage], FEW] | UnsetType = UNSET
    vdsm_name: Text = UNSET
    vlan: Vlan | UnsetType = UNSET
    cluster: Cluster | UnsetType = UNSET
    data_center: DataCenter | UnsetType = UNSET
    external_provider: OpenStackNetworkProvider | UnsetType = UNSET
    external_provider_physical_network: Network | UnsetType = UNSET
    qos: Qos | UnsetType = UNSET
    network_labels: list[NetworkLabel] | UnsetType = UNSET
    permissions: list[Permission] | UnsetType = UNSET
    vnic_profiles: list[VnicProfile] | UnsetType = UNSET


class ClusterNetwork(Network, kw_only=True):
    """A network as a cluster has it; its own collections are below the network itself."""

    meta: ClassVar[Meta] = Meta("network", path="networks")


class NetworkLabel(Entity, kw_only=True):
    """A label of a network or a NIC; its id is the label."""

    meta: ClassVar[Meta] = Meta("network_label")
    host_nic: HostNic | UnsetType = UNSET
    network: Network | UnsetType = UNSET


class VnicPassThrough(Value, kw_only=True):
    """Whether a vNIC is a NIC function of its host."""

    meta: ClassVar[Meta] = Meta("vnic_pass_through")
    mode: Annotated[str, Choice("disabled", "enabled")] | UnsetType = UNSET


class VnicProfile(Entity, kw_only=True):
    """Common settings of vNICs of a network."""

    meta: ClassVar[Meta] = Meta("vnic_profile", path="vnicprofiles", links="permissions")
    custom_properties: Annotated[list[CustomProperty], FEW] | UnsetType = UNSET
    migratable: Boolean = UNSET
    pass_through: VnicPassThrough | UnsetType = UNSET
    port_mirroring: Boolean = UNSET
    failover: VnicProfile | UnsetType = UNSET
    network: Network | UnsetType = UNSET
    network_filter: NetworkFilter | UnsetType = UNSET
    qos: Qos | UnsetType = UNSET
    permissions: list[Permission] | UnsetType = UNSET


class NetworkFilter(Entity, kw_only=True):
    """Rules on what a vNIC may send; ``version``: the first cluster level that supports it."""

    meta: ClassVar[Meta] = Meta("network_filter", path="networkfilters")
    version: Version | UnsetType = UNSET


class MacPool(Entity, kw_only=True):
    """A pool of MAC addresses for vNICs."""

    meta: ClassVar[Meta] = Meta("mac_pool", path="macpools", links="permissions")
    allow_duplicates: Boolean = UNSET
    default_pool: Boolean = UNSET
    ranges: Annotated[list[Range], FEW] | UnsetType = UNSET
    permissions: list[Permission] | UnsetType = UNSET


class Certificate(Value, kw_only=True):
    """A certificate (PEM), its subject and organization."""

    meta: ClassVar[Meta] = Meta("certificate")
    content: Text = UNSET
    organization: Text = UNSET
    subject: Text = UNSET


class AgentConfiguration(Value, kw_only=True):
    """A provider's configuration of hosts: ``address``, the southbound database for ovn-controller, and
    ``network_mappings``, the networks of hosts for its physical networks.
    """

    meta: ClassVar[Meta] = Meta("agent_configuration")
    address: Text = UNSET
    network_mappings: Text = UNSET


class OpenStackNetworkProvider(Entity, kw_only=True):
    """An external system that provides networks. Its password is never shown. ``type``: ``neutron``, ``external``, and
    beyond oVirt's what modules are installed for, such as ``ovn``.
    """

    meta: ClassVar[Meta] = Meta(
        "openstack_network_provider",
        path="openstacknetworkproviders",
        links="networks",
        actions="importcertificates testconnectivity",
    )
    agent_configuration: AgentConfiguration | UnsetType = UNSET
    authentication_url: Text = UNSET
    auto_sync: Boolean = UNSET
    certificates: Annotated[list[Certificate], FEW] | UnsetType = UNSET
    password: Text = UNSET
    plugin_type: Annotated[str, Choice("open_vswitch")] | UnsetType = UNSET
    external_plugin_type: Text = UNSET
    project_domain_name: Text = UNSET
    project_name: Text = UNSET
    read_only: Boolean = UNSET
    requires_authentication: Boolean = UNSET
    tenant_name: Text = UNSET
    type: Text = UNSET
    unmanaged: Boolean = UNSET
    url: Text = UNSET
    user_domain_name: Text = UNSET
    username: Text = UNSET


class OpenStackNetwork(Entity, kw_only=True):
    """A network that a provider has."""

    meta: ClassVar[Meta] = Meta("openstack_network", links="subnets")
    openstack_network_provider: OpenStackNetworkProvider | UnsetType = UNSET


class OpenStackSubnet(Entity, kw_only=True):
    """A subnet of a network that a provider has."""

    meta: ClassVar[Meta] = Meta("openstack_subnet")
    cidr: Text = UNSET
    dns_servers: Annotated[list[str], FEW] | UnsetType = UNSET
    gateway: Text = UNSET
    ip_version: Text = UNSET
    openstack_network: OpenStackNetwork | UnsetType = UNSET


class Qos(Entity, kw_only=True):
    """Limits. Averages and peaks in Mbit/s, bursts in MB. An empty element, or null in JSON, removes a limit."""

    meta: ClassVar[Meta] = Meta("qos")
    type: Annotated[str, Choice("cpu", "hostnetwork", "network", "storage")] | UnsetType = UNSET
    inbound_average: RemovableInteger = UNSET
    inbound_burst: RemovableInteger = UNSET
    inbound_peak: RemovableInteger = UNSET
    outbound_average: RemovableInteger = UNSET
    outbound_average_linkshare: RemovableInteger = UNSET
    outbound_average_realtime: RemovableInteger = UNSET
    outbound_average_upperlimit: RemovableInteger = UNSET
    outbound_burst: RemovableInteger = UNSET
    outbound_peak: RemovableInteger = UNSET
    data_center: DataCenter | UnsetType = UNSET


class ExternalProvider(Entity, kw_only=True):
    """An external system, as a cluster names it."""

    meta: ClassVar[Meta] = Meta("external_provider")


class SchedulingPolicy(Entity, kw_only=True):
    """How a host is chosen for a virtual machine."""

    meta: ClassVar[Meta] = Meta("scheduling_policy", "scheduling_policies", path="schedulingpolicies")
    default_policy: Boolean = UNSET
    locked: Boolean = UNSET


class Tag(Entity, kw_only=True):
    """A label by which objects can be searched."""

    meta: ClassVar[Meta] = Meta("tag", path="tags")
    parent: Tag | UnsetType = UNSET


class StorageDomain(Entity, kw_only=True):
    """A storage domain; Netweft has none."""

    meta: ClassVar[Meta] = Meta("storage_domain", path="storagedomains")


# Hosts


class Spm(Value, kw_only=True):
    """The host's part in managing storage."""

    meta: ClassVar[Meta] = Meta("spm")
    priority: Integer = UNSET
    status: Annotated[str, Choice("contending", "none", "spm")] | UnsetType = UNSET


class PowerManagement(Value, kw_only=True):
    """How the host can be switched off from outside."""

    meta: ClassVar[Meta] = Meta("power_management")
    automatic_pm_enabled: Boolean = UNSET
    enabled: Boolean = UNSET
    kdump_detection: Boolean = UNSET


class Boot(Value, kw_only=True):
    """The boot devices of a virtual machine, in order."""

    meta: ClassVar[Meta] = Meta("boot")
    devices: Annotated[list[Annotated[str, Choice("cdrom", "hd", "network")]], FEW] | UnsetType = UNSET


class OperatingSystem(Value, kw_only=True):
    """An operating system."""

    meta: ClassVar[Meta] = Meta("os", "oss")
    boot: Boot | UnsetType = UNSET
    cmdline: Text = UNSET
    custom_kernel_cmdline: Text = UNSET
    initrd: Text = UNSET
    kernel: Text = UNSET
    reported_kernel_cmdline: Text = UNSET
    type: Text = UNSET
    version: Version | UnsetType = UNSET


class HardwareInformation(Value, kw_only=True):
    """The hardware as reported by the firmware."""

    meta: ClassVar[Meta] = Meta("hardware_information")
    family: Text = UNSET
    manufacturer: Text = UNSET
    product_name: Text = UNSET
    serial_number: Text = UNSET
    supported_rng_sources: Annotated[list[RngSource], FEW] | UnsetType = UNSET
    uuid: Text = UNSET
    version: Text = UNSET


class SeLinux(Value, kw_only=True):
    """The mode of SELinux."""

    meta: ClassVar[Meta] = Meta("se_linux")
    mode: Annotated[str, Choice("disabled", "enforcing", "permissive")] | UnsetType = UNSET


class IscsiDetails(Value, kw_only=True):
    """The host's name towards iSCSI storage."""

    meta: ClassVar[Meta] = Meta("iscsi_details")
    initiator: Text = UNSET


class Ssh(Value, kw_only=True):
    """How the engine logs in to the host to install its agent (docs/install.md); ``fingerprint``: of the host's key."""

    meta: ClassVar[Meta] = Meta("ssh")
    authentication_method: Annotated[str, Choice("password", "publickey")] | UnsetType = UNSET
    fingerprint: Text = UNSET
    port: Integer = UNSET
    public_key: Text = UNSET


class VmSummary(Value, kw_only=True):
    """How many virtual machines a host has."""

    meta: ClassVar[Meta] = Meta("vm_summary", "vm_summaries")
    active: Integer = UNSET
    migrating: Integer = UNSET
    total: Integer = UNSET


class Host(Entity, kw_only=True):
    """A machine that carries networks and runs virtual machines. Sizes in octets."""

    meta: ClassVar[Meta] = Meta(
        "host",
        path="hosts",
        links="networkattachments nics permissions statistics tags unmanagednetworks",
        actions="activate commitnetconfig copyhostnetworks deactivate enrollcertificate install refresh setupnetworks"
        " syncallnetworks",
    )
    address: Text = UNSET
    auto_numa_status: Annotated[str, Choice("disable", "enable", "unknown")] | UnsetType = UNSET
    certificate: Certificate | UnsetType = UNSET
    cpu: Cpu | UnsetType = UNSET
    device_passthrough: Enabled | UnsetType = UNSET
    external_status: Annotated[str, Choice("error", "failure", "info", "ok", "warning")] | UnsetType = UNSET
    hardware_information: HardwareInformation | UnsetType = UNSET
    iscsi: IscsiDetails | UnsetType = UNSET
    kdump_status: Annotated[str, Choice("disabled", "enabled", "unknown")] | UnsetType = UNSET
    ksm: Ksm | UnsetType = UNSET
    libvirt_version: Version | UnsetType = UNSET
    max_scheduling_memory: Integer = UNSET
    memory: Integer = UNSET
    network_operation_in_progress: Boolean = UNSET
    networks_committed: Boolean = UNSET  # ours: whether its boot restores what runs on it (docs/setup-networks.md)
    networks_in_sync: Boolean = UNSET  # ours: whether all of its networking is as wanted (docs/drift.md)
    numa_supported: Boolean = UNSET
    os: OperatingSystem | UnsetType = UNSET
    override_iptables: Boolean = UNSET
    ovn_configured: Boolean = UNSET
    port: Integer = UNSET
    power_management: PowerManagement | UnsetType = UNSET
    protocol: Annotated[str, Choice("stomp", "xml")] | UnsetType = UNSET
    reinstallation_required: Boolean = UNSET
    root_password: Text = UNSET
    se_linux: SeLinux | UnsetType = UNSET
    spm: Spm | UnsetType = UNSET
    ssh: Ssh | UnsetType = UNSET
    status: HostStatus | UnsetType = UNSET
    status_detail: Text = UNSET
    summary: VmSummary | UnsetType = UNSET
    transparent_hugepages: Enabled | UnsetType = UNSET
    type: Annotated[str, Choice("ovirt_node", "rhel", "rhev_h")] | UnsetType = UNSET
    update_available: Boolean = UNSET
    version: Version | UnsetType = UNSET
    vgpu_placement: Annotated[str, Choice("consolidated", "separated")] | UnsetType = UNSET
    cluster: Cluster | UnsetType = UNSET
    network_attachments: list[NetworkAttachment] | UnsetType = UNSET
    nics: list[HostNic] | UnsetType = UNSET
    permissions: list[Permission] | UnsetType = UNSET
    statistics: list[Statistic] | UnsetType = UNSET
    tags: list[Tag] | UnsetType = UNSET
    unmanaged_networks: list[UnmanagedNetwork] | UnsetType = UNSET


class Bonding(Value, kw_only=True):
    """The bond of a NIC: mode, options and slaves."""

    meta: ClassVar[Meta] = Meta("bonding")
    ad_partner_mac: Mac | UnsetType = UNSET
    options: Annotated[list[Option], FEW] | UnsetType = UNSET
    slaves: Annotated[list[HostNic], FEW] | UnsetType = UNSET
    active_slave: HostNic | UnsetType = UNSET


class HostNicVirtualFunctionsConfiguration(Value, kw_only=True):
    """The virtual functions of a NIC: how many there are and can be, and whether they may serve all networks."""

    meta: ClassVar[Meta] = Meta("host_nic_virtual_functions_configuration")
    all_networks_allowed: Boolean = UNSET
    max_number_of_virtual_functions: Integer = UNSET
    number_of_virtual_functions: Integer = UNSET


class HostNic(Entity, kw_only=True):
    """A NIC, a bond or a VLAN device of a host; speed in bit/s."""

    meta: ClassVar[Meta] = Meta(
        "host_nic",
        links="linklayerdiscoveryprotocolelements networkattachments networklabels statistics",
        actions="updatevirtualfunctionsconfiguration",
    )
    ad_aggregator_id: Integer = UNSET
    base_interface: Text = UNSET
    bonding: Bonding | UnsetType = UNSET
    boot_protocol: BootProtocol | UnsetType = UNSET
    bridged: Boolean = UNSET
    custom_configuration: Boolean = UNSET
    ip: Ip | UnsetType = UNSET
    ipv6: Ip | UnsetType = UNSET
    ipv6_boot_protocol: BootProtocol | UnsetType = UNSET
    mac: Mac | UnsetType = UNSET
    mtu: Integer = UNSET
    properties: Annotated[list[Property], FEW] | UnsetType = UNSET
    speed: Integer = UNSET
    status: Annotated[str, Choice("down", "up")] | UnsetType = UNSET
    vlan: Vlan | UnsetType = UNSET
    host: Host | UnsetType = UNSET
    network: Network | UnsetType = UNSET
    network_attachments: list[NetworkAttachment] | UnsetType = UNSET
    network_labels: list[NetworkLabel] | UnsetType = UNSET
    physical_function: HostNic | UnsetType = UNSET
    qos: Qos | UnsetType = UNSET
    statistics: list[Statistic] | UnsetType = UNSET
    virtual_functions_configuration: HostNicVirtualFunctionsConfiguration | UnsetType = UNSET


class LinkLayerDiscoveryProtocolElement(Entity, kw_only=True):
    """What a NIC has received by LLDP (IEEE 802.1AB). ``oui``, ``subtype``: of organizations' own (``type`` 127)."""

    meta: ClassVar[Meta] = Meta("link_layer_discovery_protocol_element")
    oui: Integer = UNSET
    properties: list[Property] | UnsetType = UNSET
    subtype: Integer = UNSET
    type: Integer = UNSET


class ReportedConfiguration(Value, kw_only=True):
    """One property of a network on a host: configured and actual value."""

    meta: ClassVar[Meta] = Meta("reported_configuration")
    actual_value: Text = UNSET
    expected_value: Text = UNSET
    in_sync: Boolean = UNSET
    name: Text = UNSET


class NetworkAttachment(Entity, kw_only=True):
    """A network on a host's NIC."""

    meta: ClassVar[Meta] = Meta("network_attachment")
    dns_resolver_configuration: DnsResolverConfiguration | UnsetType = UNSET
    in_sync: Boolean = UNSET
    ip_address_assignments: Annotated[list[IpAddressAssignment], FEW] | UnsetType = UNSET
    properties: Annotated[list[Property], FEW] | UnsetType = UNSET
    reported_configurations: list[ReportedConfiguration] | UnsetType = UNSET
    host: Host | UnsetType = UNSET
    host_nic: HostNic | UnsetType = UNSET
    network: Network | UnsetType = UNSET
    qos: Qos | UnsetType = UNSET


class UnmanagedNetwork(Entity, kw_only=True):
    """A network on a host that Netweft does not manage."""

    meta: ClassVar[Meta] = Meta("unmanaged_network")
    host: Host | UnsetType = UNSET
    host_nic: HostNic | UnsetType = UNSET


class Statistic(Entity, kw_only=True):
    """A measured value."""

    meta: ClassVar[Meta] = Meta("statistic")
    kind: Annotated[str, Choice("counter", "gauge")] | UnsetType = UNSET
    type: Annotated[str, Choice("decimal", "integer", "string")] | UnsetType = UNSET
    unit: (
        Annotated[
            str,
            Choice("bits_per_second", "bytes", "bytes_per_second", "count_per_second", "none", "percent", "seconds"),
        ]
        | UnsetType
    ) = UNSET
    values: list[Datum] | UnsetType = UNSET
    host: Host | UnsetType = UNSET
    host_nic: HostNic | UnsetType = UNSET
    nic: Nic | UnsetType = UNSET
    vm: Vm | UnsetType = UNSET


# Virtual machines


class Sso(Value, kw_only=True):
    """Single sign-on of a guest's users; not supported."""

    meta: ClassVar[Meta] = Meta("sso", "ssos")


class Io(Value, kw_only=True):
    """Threads for disks."""

    meta: ClassVar[Meta] = Meta("io", "ios")
    threads: Integer = UNSET


class BootMenu(Value, kw_only=True):
    """Whether the firmware offers a menu."""

    meta: ClassVar[Meta] = Meta("boot_menu")
    enabled: Boolean = UNSET


class Bios(Value, kw_only=True):
    """The firmware."""

    meta: ClassVar[Meta] = Meta("bios", "bioss")
    boot_menu: BootMenu | UnsetType = UNSET
    type: (
        Annotated[str, Choice("cluster_default", "i440fx_sea_bios", "q35_ovmf", "q35_sea_bios", "q35_secure_boot")]
        | UnsetType
    ) = UNSET


class Display(Value, kw_only=True):
    """The console."""

    meta: ClassVar[Meta] = Meta("display")
    monitors: Integer = UNSET
    type: Annotated[str, Choice("spice", "vnc")] | UnsetType = UNSET


class HighAvailability(Value, kw_only=True):
    """Whether the virtual machine is restarted on another host."""

    meta: ClassVar[Meta] = Meta("high_availability", "high_availabilities")
    enabled: Boolean = UNSET
    priority: Integer = UNSET


class VmPlacementPolicy(Value, kw_only=True):
    """Where the virtual machine may run."""

    meta: ClassVar[Meta] = Meta("vm_placement_policy", "vm_placement_policies")
    affinity: Annotated[str, Choice("migratable", "pinned", "user_migratable")] | UnsetType = UNSET
    hosts: Annotated[list[Host], FEW] | UnsetType = UNSET


class TimeZone(Value, kw_only=True):
    """The time zone of the guest's clock."""

    meta: ClassVar[Meta] = Meta("time_zone")
    name: Text = UNSET
    utc_offset: Text = UNSET


class NicConfiguration(Value, kw_only=True):
    """Addresses of one vNIC inside the guest."""

    meta: ClassVar[Meta] = Meta("nic_configuration")
    boot_protocol: BootProtocol | UnsetType = UNSET
    ip: Ip | UnsetType = UNSET
    ipv6: Ip | UnsetType = UNSET
    ipv6_boot_protocol: BootProtocol | UnsetType = UNSET
    name: Text = UNSET
    on_boot: Boolean = UNSET


class Initialization(Value, kw_only=True):
    """The initialization settings of a guest at its start; ``dns_servers``, ``dns_search`` and
    ``authorized_ssh_keys`` are texts with several values.
    """

    meta: ClassVar[Meta] = Meta("initialization")
    authorized_ssh_keys: Text = UNSET
    custom_script: Text = UNSET
    dns_search: Text = UNSET
    dns_servers: Text = UNSET
    domain: Text = UNSET
    host_name: Text = UNSET
    nic_configurations: Annotated[list[NicConfiguration], FEW] | UnsetType = UNSET
    regenerate_ssh_keys: Boolean = UNSET
    timezone: Text = UNSET
    user_name: Text = UNSET


class Snapshot(Entity, kw_only=True):
    """A snapshot of a virtual machine: its hardware and its vNICs; ``persist_memorystate`` (memory) is always false."""

    meta: ClassVar[Meta] = Meta("snapshot", links="nics", actions="restore")
    date: Date = UNSET
    persist_memorystate: Boolean = UNSET
    snapshot_status: Annotated[str, Choice("in_preview", "locked", "ok")] | UnsetType = UNSET
    snapshot_type: Annotated[str, Choice("active", "preview", "regular", "stateless")] | UnsetType = UNSET
    vm: Vm | UnsetType = UNSET
    nics: list[SnapshotNic] | UnsetType = UNSET


class Vm(Entity, kw_only=True):
    """A virtual machine. Sizes in octets."""

    meta: ClassVar[Meta] = Meta(
        "vm",
        path="vms",
        links="affinitylabels diskattachments nics numanodes permissions reporteddevices snapshots statistics tags",
        actions="commitsnapshot migrate previewsnapshot reboot reordermacaddresses shutdown start stop suspend"
        " undosnapshot",
    )
    bios: Bios | UnsetType = UNSET
    console: Enabled | UnsetType = UNSET
    cpu: Cpu | UnsetType = UNSET
    cpu_shares: Integer = UNSET
    creation_time: Date = UNSET
    custom_properties: Annotated[list[CustomProperty], FEW] | UnsetType = UNSET
    delete_protected: Boolean = UNSET
    display: Display | UnsetType = UNSET
    fqdn: Text = UNSET
    has_illegal_images: Boolean = UNSET
    high_availability: HighAvailability | UnsetType = UNSET
    initialization: Initialization | UnsetType = UNSET
    memory: Integer = UNSET
    memory_policy: MemoryPolicy | UnsetType = UNSET
    migration: MigrationOptions | UnsetType = UNSET
    multi_queues_enabled: Boolean = UNSET
    next_run_configuration_exists: Boolean = UNSET
    origin: Text = UNSET
    os: OperatingSystem | UnsetType = UNSET
    placement_policy: VmPlacementPolicy | UnsetType = UNSET
    run_once: Boolean = UNSET
    start_paused: Boolean = UNSET
    start_time: Date = UNSET
    stateless: Boolean = UNSET
    status: VmStatus | UnsetType = UNSET
    status_detail: Text = UNSET
    stop_reason: Text = UNSET
    stop_time: Date = UNSET
    time_zone: TimeZone | UnsetType = UNSET
    type: Annotated[str, Choice("desktop", "high_performance", "server")] | UnsetType = UNSET
    cluster: Cluster | UnsetType = UNSET
    host: Host | UnsetType = UNSET
    original_template: Template | UnsetType = UNSET
    template: Template | UnsetType = UNSET
    nics: Annotated[list[Nic], FEW] | UnsetType = UNSET
    permissions: list[Permission] | UnsetType = UNSET
    reported_devices: list[ReportedDevice] | UnsetType = UNSET
    snapshots: list[Snapshot] | UnsetType = UNSET
    statistics: list[Statistic] | UnsetType = UNSET
    tags: list[Tag] | UnsetType = UNSET


class TemplateVersion(Value, kw_only=True):
    """Which version of a template this is."""

    meta: ClassVar[Meta] = Meta("template_version")
    version_name: Text = UNSET
    version_number: Integer = UNSET
    base_template: Template | UnsetType = UNSET


class Template(Entity, kw_only=True):
    """A template of virtual machines. Sizes in octets."""

    meta: ClassVar[Meta] = Meta("template", path="templates", links="diskattachments nics permissions tags")
    bios: Bios | UnsetType = UNSET
    console: Enabled | UnsetType = UNSET
    cpu: Cpu | UnsetType = UNSET
    cpu_shares: Integer = UNSET
    creation_time: Date = UNSET
    custom_properties: Annotated[list[CustomProperty], FEW] | UnsetType = UNSET
    delete_protected: Boolean = UNSET
    display: Display | UnsetType = UNSET
    high_availability: HighAvailability | UnsetType = UNSET
    io: Io | UnsetType = UNSET
    memory: Integer = UNSET
    memory_policy: MemoryPolicy | UnsetType = UNSET
    migration: MigrationOptions | UnsetType = UNSET
    multi_queues_enabled: Boolean = UNSET
    origin: Text = UNSET
    os: OperatingSystem | UnsetType = UNSET
    soundcard_enabled: Boolean = UNSET
    sso: Sso | UnsetType = UNSET
    start_paused: Boolean = UNSET
    stateless: Boolean = UNSET
    status: Annotated[str, Choice("illegal", "locked", "ok")] | UnsetType = UNSET
    time_zone: TimeZone | UnsetType = UNSET
    type: Annotated[str, Choice("desktop", "high_performance", "server")] | UnsetType = UNSET
    usb: Enabled | UnsetType = UNSET
    version: TemplateVersion | UnsetType = UNSET
    cluster: Cluster | UnsetType = UNSET
    vm: Vm | UnsetType = UNSET
    nics: Annotated[list[TemplateNic], FEW] | UnsetType = UNSET
    permissions: list[Permission] | UnsetType = UNSET
    tags: list[Tag] | UnsetType = UNSET


class Nic(Entity, kw_only=True):
    """A vNIC of a virtual machine or a template."""

    meta: ClassVar[Meta] = Meta(
        "nic", links="networkfilterparameters reporteddevices statistics", actions="activate deactivate"
    )
    interface: NicInterface | UnsetType = UNSET
    linked: Boolean = UNSET
    mac: Mac | UnsetType = UNSET
    plugged: Boolean = UNSET
    synced: Boolean = UNSET
    network: Network | UnsetType = UNSET
    template: Template | UnsetType = UNSET
    vm: Vm | UnsetType = UNSET
    vnic_profile: VnicProfile | UnsetType = UNSET
    network_filter_parameters: Annotated[list[NetworkFilterParameter], FEW] | UnsetType = UNSET
    reported_devices: list[ReportedDevice] | UnsetType = UNSET
    statistics: list[Statistic] | UnsetType = UNSET


class TemplateNic(Nic, kw_only=True):
    """A vNIC of a template: it has no MAC address and never runs."""

    meta: ClassVar[Meta] = Meta("nic")


class SnapshotNic(Nic, kw_only=True):
    """A vNIC as a snapshot keeps it."""

    meta: ClassVar[Meta] = Meta("nic")


class NetworkFilterParameter(Entity, kw_only=True):
    """A value for a network filter on one vNIC."""

    meta: ClassVar[Meta] = Meta("network_filter_parameter")
    value: Text = UNSET
    nic: Nic | UnsetType = UNSET


class ReportedDevice(Entity, kw_only=True):
    """A device as the guest sees it."""

    meta: ClassVar[Meta] = Meta("reported_device")
    ips: list[Ip] | UnsetType = UNSET
    mac: Mac | UnsetType = UNSET
    type: Annotated[str, Choice("network")] | UnsetType = UNSET
    vm: Vm | UnsetType = UNSET


class DiskAttachment(Entity, kw_only=True):
    """A disk of a virtual machine; Netweft has none."""

    meta: ClassVar[Meta] = Meta("disk_attachment")


class VirtualNumaNode(Entity, kw_only=True):
    """A NUMA node of a virtual machine; Netweft has none."""

    meta: ClassVar[Meta] = Meta("vm_numa_node")


class AffinityLabel(Entity, kw_only=True):
    """A label that keeps virtual machines and hosts together; Netweft has none."""

    meta: ClassVar[Meta] = Meta("affinity_label")


# Users, jobs, events


class Domain(Entity, kw_only=True):
    """A domain of users."""

    meta: ClassVar[Meta] = Meta("domain")


class User(Entity, kw_only=True):
    """Someone who may log in. ``name`` is the given name, ``user_name`` the login name."""

    meta: ClassVar[Meta] = Meta("user", path="users", links="permissions roles")
    department: Text = UNSET
    domain_entry_id: Text = UNSET
    email: Text = UNSET
    last_name: Text = UNSET
    logged_in: Boolean = UNSET
    namespace: Text = UNSET
    password: Text = UNSET
    principal: Text = UNSET
    user_name: Text = UNSET
    domain: Domain | UnsetType = UNSET
    permissions: list[Permission] | UnsetType = UNSET
    roles: list[Role] | UnsetType = UNSET


class Group(Entity, kw_only=True):
    """A group of users."""

    meta: ClassVar[Meta] = Meta("group", path="groups")
    domain: Domain | UnsetType = UNSET


class Permit(Entity, kw_only=True):
    """A permit of a role."""

    meta: ClassVar[Meta] = Meta("permit")
    administrative: Boolean = UNSET
    role: Role | UnsetType = UNSET


class Role(Entity, kw_only=True):
    """A set of permits."""

    meta: ClassVar[Meta] = Meta("role", path="roles", links="permits")
    administrative: Boolean = UNSET
    mutable: Boolean = UNSET
    permits: list[Permit] | UnsetType = UNSET
    user: User | UnsetType = UNSET


class Permission(Entity, kw_only=True):
    """A role that a user has on something and all below it."""

    meta: ClassVar[Meta] = Meta("permission")
    cluster: Cluster | UnsetType = UNSET
    data_center: DataCenter | UnsetType = UNSET
    host: Host | UnsetType = UNSET
    template: Template | UnsetType = UNSET
    vm: Vm | UnsetType = UNSET
    group: Group | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    user: User | UnsetType = UNSET


class Job(Entity, kw_only=True):
    """A job."""

    meta: ClassVar[Meta] = Meta("job", path="jobs", links="steps", actions="end")
    auto_cleared: Boolean = UNSET
    end_time: Date = UNSET
    external: Boolean = UNSET
    last_updated: Date = UNSET
    start_time: Date = UNSET
    status: JobStatus | UnsetType = UNSET
    owner: User | UnsetType = UNSET
    steps: list[Step] | UnsetType = UNSET


class Step(Entity, kw_only=True):
    """A part of a job."""

    meta: ClassVar[Meta] = Meta("step", actions="end")
    end_time: Date = UNSET
    external: Boolean = UNSET
    number: Integer = UNSET
    progress: Integer = UNSET
    start_time: Date = UNSET
    status: JobStatus | UnsetType = UNSET
    type: (
        Annotated[
            str, Choice("executing", "finalizing", "rebalancing_volume", "removing_bricks", "unknown", "validating")
        ]
        | UnsetType
    ) = UNSET
    execution_host: Host | UnsetType = UNSET
    job: Job | UnsetType = UNSET
    parent_step: Step | UnsetType = UNSET


class Event(Entity, kw_only=True):
    """Something that happened. ``id`` and ``index`` are the same growing number; ``code`` is oVirt's."""

    meta: ClassVar[Meta] = Meta("event", path="events")
    code: Integer = UNSET
    correlation_id: Text = UNSET
    custom_data: Text = UNSET
    custom_id: Integer = UNSET
    flood_rate: Integer = UNSET
    index: Integer = UNSET
    log_on_host: Boolean = UNSET
    origin: Text = UNSET
    severity: Annotated[str, Choice("alert", "error", "normal", "warning")] | UnsetType = UNSET
    time: Date = UNSET
    cluster: Cluster | UnsetType = UNSET
    data_center: DataCenter | UnsetType = UNSET
    host: Host | UnsetType = UNSET
    template: Template | UnsetType = UNSET
    user: User | UnsetType = UNSET
    vm: Vm | UnsetType = UNSET


class Action(Value, kw_only=True):
    """An action's parameters and its result. One type for all actions, as in oVirt."""

    meta: ClassVar[Meta] = Meta("action")
    href: Text = UNSET
    id: Text = UNSET
    activate: Boolean = UNSET
    async_: Boolean = UNSET
    certificates: Annotated[list[Certificate], FEW] | UnsetType = UNSET
    check_connectivity: Boolean = UNSET
    commit_on_success: Boolean = UNSET
    connectivity_timeout: Integer = UNSET
    data_center: DataCenter | UnsetType = UNSET
    correlation_id: Text = UNSET
    fault: Fault | UnsetType = UNSET
    force: Boolean = UNSET
    grace_period: GracePeriod | UnsetType = UNSET
    host: Host | UnsetType = UNSET
    job: Job | UnsetType = UNSET
    modified_bonds: Annotated[list[HostNic], FEW] | UnsetType = UNSET
    modified_labels: Annotated[list[NetworkLabel], MANY] | UnsetType = UNSET
    modified_network_attachments: Annotated[list[NetworkAttachment], MANY] | UnsetType = UNSET
    pause: Boolean = UNSET
    reason: Text = UNSET
    removed_bonds: Annotated[list[HostNic], FEW] | UnsetType = UNSET
    removed_labels: Annotated[list[NetworkLabel], MANY] | UnsetType = UNSET
    removed_network_attachments: Annotated[list[NetworkAttachment], MANY] | UnsetType = UNSET
    restore_memory: Boolean = UNSET
    root_password: Text = UNSET
    snapshot: Snapshot | UnsetType = UNSET
    source_host: Host | UnsetType = UNSET
    ssh: Ssh | UnsetType = UNSET
    status: Text = UNSET
    succeeded: Boolean = UNSET
    synchronized_network_attachments: Annotated[list[NetworkAttachment], MANY] | UnsetType = UNSET
    use_cloud_init: Boolean = UNSET
    use_initialization: Boolean = UNSET
    virtual_functions_configuration: HostNicVirtualFunctionsConfiguration | UnsetType = UNSET
    vm: Vm | UnsetType = UNSET
