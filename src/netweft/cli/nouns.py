"""The nouns of the API that have the usual verbs, as data: where they live, what a list shows, what can be set.

To add a noun: one entry in :data:`NOUNS`; a noun below another one (the vNICs of a machine) names it as its parent.
List, show, add, set, remove, help with an example, search, sorting and completion follow from the entry.
"""

from __future__ import annotations

import re
from typing import Any

import click

from netweft.cli.noun_types import Action, Field, FilledText, Noun, TextFile, Whole
from netweft.client.tree import Tree
from netweft.core.fleet.declare import COMMENT, DESCRIPTION
from netweft.core.fleet.nouns import BY_NAME
from netweft.core.limits import MTU_MAX, VLAN_MAX
from netweft.core.rules.provider import certificates_of

_READ_ONLY = ("list", "show")
_MEMBERS = ("list", "add", "remove")


class _Pair(click.ParamType[Any]):
    """Two values with a character between them, by their names in the API."""

    def __init__(self, name: str, joint: str, first: str, second: str, sample: str) -> None:
        self.name, self._joint, self._keys, self._sample = name, joint, (first, second), sample

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 (click's own)
        """The pair as the API has it."""
        first, joint, second = str(value).partition(self._joint)
        if not joint:
            self.fail(f"{value} is not {self.name}, such as {self._sample}.", param, ctx)
        return dict(zip(self._keys, (first, second), strict=True))


class _Property(click.ParamType[Any]):
    """A name and a value."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 (click's own)
        """The property as the API has it."""
        if not re.match(r"[^=]+=", str(value)):
            self.fail(f"{value} is not NAME=VALUE.", param, ctx)
        key, _, text = str(value).partition("=")
        return {"name": key, "value": text}


class _CaFile(TextFile):
    """A file with certificates (PEM)."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 (click's own)
        """The certificates as the API has them."""
        found = [{"content": one} for one in certificates_of(super().convert(value, param, ctx))]
        if not found:
            self.fail(f"{value} holds no certificate in PEM.", param, ctx)
        return found


def _with_other_version(addresses: tuple[str, ...], vnic: Tree) -> tuple[str, ...]:
    """Addresses for a vNIC, and those that it has of the IP version that none of them is of."""
    if {"none", "auto"} & {*addresses}:
        return addresses
    versions = {6 if ":" in one else 4 for one in addresses}
    return (*addresses, *(one["address"] for one in vnic["addresses"] if one["ip_version"] not in versions))


def help_of(noun: str, field: str = "") -> str:
    """The help of a noun of the fleet's file, or of a field of it, which is the same here."""
    found = BY_NAME[noun]
    return found.field(field).help if field else found.help


_DESCRIPTION = Field("--description", "description", DESCRIPTION.help)
_RENAME = Field("--rename", "name", "Its new name.")
_TEXTS = (_DESCRIPTION, _RENAME)
_COMMENTED = (_DESCRIPTION, Field("--comment", "comment", COMMENT.help), _RENAME)
_INTERFACES = ("virtio", "e1000", "e1000e", "rtl8139", "rtl8139_virtio", "spapr_vlan", "pci_passthrough")
_PROFILE = Field(
    "--profile",
    "vnic_profile.id",
    "Its vNIC profile; 'none' disconnects it.",
    names="profile",
    removable=True,
)
_INTERFACE = Field(
    "--interface",
    "interface",
    f"Its emulated device: {', '.join(_INTERFACES[:-1])}; or {_INTERFACES[-1]} for a virtual function.",
    click.Choice(_INTERFACES),
    metavar="DEVICE",
)
_PLUGGED = Field("--plugged/--unplugged", "plugged", "Whether it is plugged into the virtual machine.")
_LINKED = Field("--linked/--unlinked", "linked", "Whether its link is up.")
_MEMORY = Field("--memory", "memory", "Octets.", Whole(min=1))
_HARDWARE = (
    _MEMORY,
    Field("--sockets", "cpu.topology.sockets", "Sockets of its processors.", Whole(min=1)),
    Field("--cores", "cpu.topology.cores", "Cores of each socket.", Whole(min=1)),
    Field("--threads", "cpu.topology.threads", "Threads of each core.", Whole(min=1)),
    Field(
        "--boot",
        "os.boot.devices",
        "A device to boot from; may be given more than once, the first first.",
        click.Choice(("hd", "network", "cdrom")),
        many=True,
    ),
    Field("--kernel", "os.kernel", "A kernel on the host to boot directly."),
    Field("--initrd", "os.initrd", "Its initial RAM disk, on the host."),
    Field("--cmdline", "os.cmdline", "Its command line."),
    Field("--stateless/--keeps-state", "stateless", "Whether each run begins with disk and vNICs as they were before."),
)
_CLUSTER = Field("--cluster", "cluster.name", help_of("host", "cluster"), default="Default", names="cluster")
_DATA_CENTER = Field(
    "--datacenter",
    "data_center.name",
    help_of("cluster", "data_center"),
    default="Default",
    names="datacenter",
    only_add=True,
)
_VNIC_COLUMNS = {
    "NAME": "name",
    "MAC": "mac.address",
    "PLUGGED": "plugged",
    "LINKED": "linked",
    "PROFILE": "vnic_profile.name",
    "INTERFACE": "interface",
}
_ADDRESS = Field(
    "--address",
    "address",
    "An address from its network's subnets; may be given for each IP version, of which 'set' keeps the other. 'none'"
    " for none, 'auto' for the next free ones.",
    many=True,
    completed=_with_other_version,
    in_query=True,
)


def _limit(option: str, text: str, path: str = "") -> Field:
    return Field(
        f"--{option}",
        path or option.replace("-", "_"),
        f"{text}; 'none' removes the limit.",
        Whole(min=0),
        removable=True,
    )


def _label(name: str, parent: str, path: str, text: str) -> Noun:
    return Noun(
        name,
        path,
        "a label",
        {"LABEL": "id"},
        text,
        parent=parent,
        sample="red",
        verbs=_MEMBERS,
        searchable=False,
        key="id",
        wide={},
    )


def _read_below(name: str, parent: str, path: str, one: str, columns: dict[str, str], text: str, **refers: str) -> Noun:
    """A noun below a parent that can only be listed."""
    return Noun(name, path, one, columns, text, parent=parent, verbs=("list",), searchable=False, refers=refers)


def _statistics_of(name: str, parent: str, what: str) -> Noun:
    columns = {"NAME": "name", "VALUE": "values", "UNIT": "unit"}
    return _read_below(name, parent, "statistics", "a statistic", columns, f"Counters and rates {what}.")


def _tags_of(name: str) -> Noun:
    return Noun(
        f"{name} tag",
        "tags",
        "a tag",
        {"NAME": "name", "DESCRIPTION": "description"},
        "Tags of one object, which searches find it by.",
        parent=name,
        sample="web",
        verbs=_MEMBERS,
        searchable=False,
        picks="tag",
    )


_DATA_CENTERS = Noun(
    "datacenter",
    "datacenters",
    "a data centre",
    {"NAME": "name", "STATUS": "status", "DESCRIPTION": "description"},
    help_of("datacenter"),
    _COMMENTED,
    "north",
    "--description 'up there'",
)
_CLUSTERS = Noun(
    "cluster",
    "clusters",
    "a cluster",
    {
        "NAME": "name",
        "DATA CENTRE": "data_center.name",
        "SWITCH": "switch_type",
        "PROVIDER": "external_network_providers",
        "DESCRIPTION": "description",
    },
    help_of("cluster"),
    (
        _DATA_CENTER,
        Field(
            "--switch-type",
            "switch_type",
            help_of("cluster", "switch_type"),
            click.Choice(("legacy", "ovs")),
        ),
        Field(
            "--management-network",
            "management_network.id",
            "The network over which the engine reaches its hosts.",
            names="network",
        ),
        Field(
            "--drift-healing",
            "drift_healing",
            help_of("cluster", "drift_healing"),
            click.Choice(("off", "harmless", "always")),
        ),
        Field("--mac-pool", "mac_pool.id", help_of("cluster", "mac_pool"), names="macpool"),
        Field(
            "--provider",
            "external_network_providers.external_provider.id",
            "Its default provider of networks, whose plugin its hosts are set up with; 'none' for none.",
            names="provider",
            removable=True,
        ),
        Field(
            "--rollout-canaries",
            "rollout_canaries",
            help_of("cluster", "rollout_canaries"),
            Whole(min=0),
        ),
        Field(
            "--rollout-soak",
            "rollout_soak",
            help_of("cluster", "rollout_soak"),
            Whole(min=-1),
        ),
        Field(
            "--rollout-wave",
            "rollout_wave",
            help_of("cluster", "rollout_wave"),
            Whole(min=1),
        ),
        Field(
            "--rollout-evacuates",
            "rollout_evacuates",
            "Whether guests that a change would cut off are migrated to other hosts before, and back after.",
            click.BOOL,
        ),
        Field(
            "--rollout-on-failure",
            "rollout_on_failure",
            help_of("cluster", "rollout_on_failure"),
            click.Choice(("keep", "revert")),
        ),
        *_COMMENTED,
    ),
    "racks",
    "--description 'in the cellar'",
    actions=(Action("sync", "syncallnetworks", "Synchronize every network of its hosts"),),
    refers={"data_center": "datacenter"},
    wide={
        "HEALING": "drift_healing",
        "CANARIES": "rollout_canaries",
        "SOAK": "rollout_soak",
        "WAVE": "rollout_wave",
        "EVACUATES": "rollout_evacuates",
        "ON FAILURE": "rollout_on_failure",
        "ID": "id",
    },
    counts={
        "HOSTS": "hosts",
        "UP": "hosts_up",
        "OUT OF SYNC": "hosts_out_of_sync",
        "NETWORKS": "networks",
        "VMS": "vms",
    },
    more="clusters",
)
_NETWORKS = Noun(
    "network",
    "networks",
    "a network",
    {
        "NAME": "name",
        "DATA CENTRE": "data_center.name",
        "VLAN": "vlan.id",
        "MTU": "mtu",
        "USAGES": "usages",
        "PROVIDER": "external_provider.name",
        "STATE": "provision.state",
        "DESCRIPTION": "description",
    },
    help_of("network"),
    (
        _DATA_CENTER,
        Field(
            "--vlan",
            "vlan.id",
            f"802.1Q tag, 0 to {VLAN_MAX}; 'none' removes it.",
            Whole(0, VLAN_MAX),
            removable=True,
        ),
        Field("--mtu", "mtu", help_of("network", "mtu"), Whole(0, MTU_MAX)),
        Field("--vm/--no-vm", "usages", help_of("network", "vm"), convert=lambda wanted: ["vm"] if wanted else []),
        Field("--stp/--no-stp", "stp", help_of("network", "stp")),
        Field(
            "--port-isolation/--no-port-isolation",
            "port_isolation",
            help_of("network", "port_isolation"),
        ),
        Field(
            "--dns",
            "dns_resolver_configuration.name_servers",
            "A resolver for hosts; up to three; 'none' for none.",
            many=True,
            removable=True,
        ),
        Field(
            "--qos",
            "qos.id",
            "The QoS that its traffic has on hosts; 'none' for none.",
            names="qos",
            only={"type": "hostnetwork"},
            removable=True,
        ),
        Field(
            "--provider",
            "external_provider.id",
            "The provider on which it is created.",
            names="provider",
            only_add=True,
        ),
        Field(
            "--physical-network",
            "external_provider_physical_network.id",
            help_of("network", "physical_network"),
            names="network",
            only_add=True,
        ),
        Field(
            "--physical-name",
            "physical_network",
            "The provider's name of its physical network; --vlan is the VLAN there.",
            only_add=True,
            in_query=True,
        ),
        *_COMMENTED,
    ),
    "storage",
    "--vlan 100 --mtu 9000",
    refers={
        "data_center": "datacenter",
        "qos": "qos",
        "external_provider": "provider",
        "external_provider_physical_network": "network",
    },
    within="data_center",
    beside=("provision", "physical_network"),
    counts={"CLUSTERS": "clusters", "HOSTS": "hosts", "OUT OF SYNC": "hosts_out_of_sync", "PROFILES": "profiles"}
    | {"VMS": "vms", "VNICS": "vnics"},
    more="network_history",
)
_SUBNETS = Noun(
    "subnet",
    "subnets",
    "a subnet",
    {"NAME": "name", "CIDR": "cidr", "GATEWAY": "gateway", "POOLS": "allocation_pools", "USED": "used"}
    | {"STATE": "provision.state"},
    "Subnets of a network, from which its vNICs get addresses.",
    (
        Field("--cidr", "cidr", "Its addresses, such as 192.0.2.0/24 or 2001:db8::/64.", only_add=True, required=True),
        Field("--gateway", "gateway", "The default gateway; 'none' for none.", removable=True),
        Field(
            "--pool",
            "allocation_pools",
            "A range from which vNICs get addresses; may be given more than once. 'none': all but the gateway.",
            _Pair("FIRST-LAST", "-", "first", "last", "192.0.2.10-192.0.2.99"),
            many=True,
            removable=True,
        ),
        Field(
            "--dns",
            "dns_servers",
            "A name server; may be given more than once. 'none' for none.",
            many=True,
            removable=True,
        ),
        Field(
            "--route",
            "host_routes",
            "An additional route; may be given more than once. 'none' for none.",
            _Pair("CIDR=ADDRESS", "=", "destination", "next_hop", "10.0.0.0/8=192.0.2.2"),
            many=True,
            removable=True,
        ),
        Field("--dhcp/--no-dhcp", "dhcp", help_of("subnet", "dhcp")),
        *_TEXTS,
    ),
    "web",
    "--cidr 192.0.2.0/24 --gateway 192.0.2.1",
    parent="network",
    is_addition=True,
)
_HOSTS = Noun(
    "host",
    "hosts",
    "a host",
    {
        "NAME": "name",
        "STATUS": "status",
        "IN SYNC": "networks_in_sync",
        "COMMITTED": "networks_committed",
        "CLUSTER": "cluster.name",
        "ADDRESS": "address",
        "DESCRIPTION": "description",
    },
    help_of("host"),
    (
        _CLUSTER,
        Field("--address", "address", "Name or address of the host.", required=True),
        Field(
            "--root-password-file",
            "root_password",
            "A file with root's password on the host: the engine installs the agent by SSH.",
            TextFile(),
            only_add=True,
        ),
        Field(
            "--engine-key",
            "ssh.authentication_method",
            "Install the agent by SSH with the engine's own key, which 'netweft host ssh-key' shows.",
            bool,
            only_add=True,
            convert=lambda _: "publickey",
        ),
        Field("--ssh-port", "ssh.port", help_of("host", "ssh_port"), int),
        Field(
            "--ssh-fingerprint",
            "ssh.fingerprint",
            "SHA256:... of its SSH host key; '' trusts the key that it shows next.",
        ),
        *_COMMENTED,
    ),
    "rack1",
    "--address 192.0.2.11",
    actions=(
        Action(
            "sync",
            "syncallnetworks",
            "Synchronize every network of the host that is out of sync",
            "Nothing to do.",
        ),
        Action("refresh", "refresh", "Refresh the host's reported networking"),
        Action("activate", "activate", "Take the host out of maintenance"),
        Action(
            "enroll-certificate",
            "enrollcertificate",
            "Renew the keys and certificates of the host; the engine does so by itself before they expire",
        ),
    ),
    refers={"cluster": "cluster"},
    counts={"VMS": "vms", "NETWORKS": "networks", "MISSING": "missing", "UPLINKS": "uplinks"}
    | {"WITHOUT LINK": "uplinks_down", "BONDS": "bonds"},
    more="hosts",
)
_HOST_NICS = Noun(
    "host nic",
    "nics",
    "a NIC",
    {"NAME": "name", "STATUS": "status", "MAC": "mac.address"},
    "One NIC of a host; 'netweft host nics' lists them.",
    parent="host",
    sample="eth1",
    verbs=("show",),
    searchable=False,
)
_VMS = Noun(
    "vm",
    "vms",
    "a virtual machine",
    {"NAME": "name", "STATUS": "status", "CLUSTER": "cluster.name", "HOST": "host.name", "DESCRIPTION": "description"},
    "Virtual machines, and their vNICs.",
    (
        _CLUSTER,
        Field(
            "--template",
            "template.name",
            "The template it is made from.",
            default="Blank",
            names="template",
            only_add=True,
        ),
        *_HARDWARE,
        Field("--protected/--unprotected", "delete_protected", "Whether it cannot be removed."),
        *_COMMENTED,
    ),
    "web",
    "--memory 1073741824",
    actions=(
        Action("stop", "stop", "Stop the virtual machine at once"),
        Action("shutdown", "shutdown", "Shut the virtual machine down through its operating system"),
        Action("reboot", "reboot", "Reboot the virtual machine through its operating system"),
        Action("suspend", "suspend", "Save the memory of the virtual machine and stop it; start resumes it"),
        Action("reorder-macs", "reordermacaddresses", "Sort the MAC addresses by the names of the vNICs"),
    ),
    refers={"cluster": "cluster", "host": "host"},
    more="vms",
)
_VM_NICS = Noun(
    "vm nic",
    "nics",
    "a vNIC",
    {**_VNIC_COLUMNS, "ADDRESSES": "addresses"},
    "The vNICs of a virtual machine; changes apply to a running one at once.",
    (
        _PROFILE,
        Field(
            "--mac",
            "mac.address",
            "Its MAC address; a new vNIC without it gets one of its cluster's pool.",
            FilledText(),
        ),
        _INTERFACE,
        _PLUGGED,
        _LINKED,
        _ADDRESS,
        *_TEXTS,
    ),
    "nic1",
    "--profile tenants",
    parent="vm",
    beside=("addresses",),
    actions=(Action("activate", "activate", "Plug the vNIC in"), Action("deactivate", "deactivate", "Unplug the vNIC")),
    refers={"vnic_profile": "profile"},
)
_VNICS = Noun(
    "vnic",
    "rows/vnics",
    "a vNIC",
    {"VM": "vm.name", "NAME": "name", "MAC": "mac", "NETWORK": "network.name", "HOST": "host.name"}
    | {"ADDRESSES": "addresses"},
    "vNICs of all virtual machines; 'netweft vm nic' changes them.",
    sample="nic1",
    verbs=("list",),
    is_addition=True,
    wide={"PROFILE": "profile.name", "CLUSTER": "cluster.name", "INTERFACE": "interface", "PLUGGED": "plugged"}
    | {"LINKED": "linked", "SYNCED": "synced", "SAME MAC": "same_mac", "ID": "id"},
)
_FILTER_PARAMETERS = Noun(
    "vm filter-parameter",
    "networkfilterparameters",
    "a parameter",
    {"NAME": "name", "VALUE": "value"},
    "Parameters that a vNIC passes to the network filter of its profile, such as its addresses.",
    (Field("--value", "value", "Its value.", required=True),),
    "IP",
    "--value 192.0.2.7",
    parent="vm nic",
    verbs=("list", "add", "set", "remove"),
    searchable=False,
)
_SNAPSHOTS = Noun(
    "vm snapshot",
    "snapshots",
    "a snapshot",
    {"DESCRIPTION": "description", "DATE": "date", "STATUS": "snapshot_status", "TYPE": "snapshot_type"},
    "Snapshots of a virtual machine: its hardware and its vNICs.",
    parent="vm",
    sample="before-update",
    verbs=("list", "show", "add", "remove"),
    actions=(Action("restore", "restore", "Restore the virtual machine from the snapshot"),),
    searchable=False,
    key="description",
    more="snapshots",
)
_PROFILES = Noun(
    "profile",
    "vnicprofiles",
    "a vNIC profile",
    {"NAME": "name", "NETWORK": "network.name", "DATA CENTRE": "network.data_center.name", "QOS": "qos.name"}
    | {"DESCRIPTION": "description"},
    "vNIC profiles: how a vNIC uses a network.",
    (
        Field("--network", "network.id", "Its network.", names="network", only_add=True, required=True),
        Field(
            "--port-mirroring/--no-port-mirroring",
            "port_mirroring",
            help_of("profile", "port_mirroring"),
        ),
        Field(
            "--pass-through",
            "pass_through.mode",
            help_of("profile", "pass_through"),
            click.Choice(("enabled", "disabled")),
        ),
        Field("--migratable/--no-migratable", "migratable", help_of("profile", "migratable")),
        Field(
            "--failover",
            "failover.id",
            "The profile that is used while a virtual machine with a virtual function is migrated; 'none' for none.",
            names="profile",
            removable=True,
        ),
        Field(
            "--network-filter",
            "network_filter.id",
            "Rules on what its vNICs may send; 'none' for none.",
            names="filter",
            removable=True,
        ),
        Field(
            "--qos",
            "qos.id",
            "The QoS of its vNICs; 'none' for none.",
            names="qos",
            only={"type": "network"},
            removable=True,
        ),
        Field("--property", "custom_properties", "A custom property.", _Property(), many=True),
        *_COMMENTED,
    ),
    "fast",
    "--network tenants --port-mirroring",
    refers={"network": "network", "qos": "qos"},
    within="network",
    counts={"VMS": "vms", "TEMPLATES": "templates"},
)
_QOS = Noun(
    "qos",
    "qoss",
    "a QoS",
    {
        "NAME": "name",
        "DATA CENTRE": "data_center.name",
        "TYPE": "type",
        "IN": "inbound_average",
        "OUT": "outbound_average",
        "SHARE": "outbound_average_linkshare",
        "AT MOST": "outbound_average_upperlimit",
        "AT LEAST": "outbound_average_realtime",
    },
    help_of("qos"),
    (
        Field(
            "--type",
            "type",
            help_of("qos", "type"),
            click.Choice(("network", "hostnetwork")),
            default="network",
            only_add=True,
        ),
        *(
            _limit(f"{way}-{kind}", f"{text}, for the type network")
            for way in ("inbound", "outbound")
            for kind, text in (
                ("average", "Mbit/s on average"),
                ("peak", "Mbit/s at the peak"),
                ("burst", "MB that may be sent at the peak"),
            )
        ),
        _limit("linkshare", "Share when the link is full, for the type hostnetwork", "outbound_average_linkshare"),
        _limit("upperlimit", "Mbit/s at most, for the type hostnetwork", "outbound_average_upperlimit"),
        _limit("realtime", "Mbit/s guaranteed, for the type hostnetwork", "outbound_average_realtime"),
        *_COMMENTED,
    ),
    "gold",
    "--outbound-average 100 --outbound-peak 200 --outbound-burst 10",
    parent="datacenter",
    parent_option="--datacenter",
    searchable=False,
    wide={
        "PEAK IN": "inbound_peak",
        "BURST IN": "inbound_burst",
        "PEAK OUT": "outbound_peak",
        "BURST OUT": "outbound_burst",
        "ID": "id",
        "DESCRIPTION": "description",
    },
    refers={"data_center": "datacenter"},
    within="data_center",
    counts={"PROFILES": "profiles", "NETWORKS": "networks"},
)
_TEMPLATES = Noun(
    "template",
    "templates",
    "a template",
    {"NAME": "name", "STATUS": "status", "CLUSTER": "cluster.name", "DESCRIPTION": "description"},
    "Templates that virtual machines are made from.",
    (
        Field("--vm", "vm.id", "The virtual machine to copy, with its vNICs.", names="vm", only_add=True),
        Field("--cluster", "cluster.name", "The cluster it belongs to; all when not given.", names="cluster"),
        *_HARDWARE,
        *_COMMENTED,
    ),
    "shop",
    "--memory 1073741824",
    refers={"cluster": "cluster"},
)
_TEMPLATE_NICS = Noun(
    "template nic",
    "nics",
    "a vNIC",
    {name: path for name, path in _VNIC_COLUMNS.items() if name != "MAC"},
    "The vNICs of virtual machines that are made from a template.",
    (_PROFILE, _INTERFACE, _PLUGGED, _LINKED, *_TEXTS),
    "nic1",
    "--profile tenants",
    parent="template",
    refers={"vnic_profile": "profile"},
)
_TAGS = Noun(
    "tag",
    "tags",
    "a tag",
    {"NAME": "name", "BELOW": "parent.name", "DESCRIPTION": "description"},
    "Tags, by which hosts, virtual machines and templates can be searched.",
    (Field("--parent", "parent.id", "The parent tag; 'root' for none.", names="tag"), *_TEXTS),
    "web",
    "--description 'serves pages'",
    refers={"parent": "tag"},
    unsearched={"root": "00000000-0000-0000-0000-000000000000"},
)
_MAC_POOLS = Noun(
    "macpool",
    "macpools",
    "a MAC pool",
    {
        "NAME": "name",
        "DEFAULT": "default_pool",
        "DUPLICATES": "allow_duplicates",
        "RANGES": "ranges",
        "DESCRIPTION": "description",
    },
    help_of("macpool"),
    (
        Field(
            "--range",
            "ranges",
            "Its addresses, both ends included; replaces those it has.",
            _Pair("FIRST-LAST", "-", "from", "to", "56:6f:1a:00:00:00-56:6f:1a:00:ff:ff"),
            many=True,
            required=True,
        ),
        Field("--allow-duplicates/--no-duplicates", "allow_duplicates", help_of("macpool", "allow_duplicates")),
        Field("--default/--no-default", "default_pool", "Whether clusters that name no pool use it."),
        *_COMMENTED,
    ),
    "lab",
    "--range 56:6f:1a:00:00:00-56:6f:1a:00:ff:ff",
    counts={"SIZE": "size", "USED": "used", "CLUSTERS": "clusters"},
)
_PROVIDERS = Noun(
    "provider",
    "openstacknetworkproviders",
    "a provider of external networks",
    {"NAME": "name", "TYPE": "type", "URL": "url", "READ ONLY": "read_only", "DESCRIPTION": "description"},
    help_of("provider"),
    (
        Field(
            "--type",
            "type",
            help_of("provider", "type"),
            default="neutron",
            only_add=True,
        ),
        Field(
            "--address",
            "url",
            "URL of its API, such as https://neutron.example.com:9696; of OVN tcp:HOST:6641.",
            required=True,
        ),
        Field("--authentication/--no-authentication", "requires_authentication", help_of("provider", "authentication")),
        Field("--authentication-url", "authentication_url", "URL of its Keystone; ends with /v3 or /v2.0."),
        Field("--login", "username", help_of("provider", "login")),
        Field("--login-password-file", "password", "A file with that user's password.", TextFile()),
        Field("--tenant", "tenant_name", help_of("provider", "tenant")),
        Field("--project", "project_name", help_of("provider", "project")),
        Field("--user-domain", "user_domain_name", help_of("provider", "user_domain")),
        Field("--project-domain", "project_domain_name", help_of("provider", "project_domain")),
        Field(
            "--ca-file",
            "certificates",
            "A file with the CA certificates that verify it.",
            _CaFile(),
            removable=True,
        ),
        Field(
            "--plugin-remote",
            "agent_configuration.address",
            "The address of OVN's southbound database for ovn-controller on hosts, such as tcp:192.0.2.1:6642. 'none':"
            " hosts are not set up for it.",
            removable=True,
        ),
        Field(
            "--plugin-mappings",
            "agent_configuration.network_mappings",
            "The networks of hosts for its physical networks, such as physnet1:wire,physnet2:storage.",
        ),
        Field(
            "--read-only/--writable",
            "read_only",
            "Whether networks and subnets there are never created, changed or removed; ports of guests are. By default,"
            " only a provider of the type external is.",
        ),
        Field(
            "--auto-sync/--no-auto-sync",
            "auto_sync",
            "Whether its networks are imported automatically into data centres of clusters that use it by default.",
        ),
        *_COMMENTED,
    ),
    "neutron",
    "--address https://neutron.example.com:9696",
    actions=(Action("test", "testconnectivity", "Check whether the provider answers and accepts the log-in"),),
    wide={
        "PLUGIN REMOTE": "agent_configuration.address",
        "PLUGIN MAPPINGS": "agent_configuration.network_mappings",
        "ID": "id",
    },
    more="providers",
)
_INTERFACE_CARDS = Noun(
    "host interface-card",
    "interfacecards",
    "a virtual interface card",
    {"PCI ADDRESS": "pci_address", "MODEL": "model", "STATIC": "static", "DYNAMIC": "dynamic", "FREE": "free"},
    "Virtual interface cards of a host; only VMs can use their dynamic vNICs.",
    parent="host",
    verbs=("list",),
    searchable=False,
    is_addition=True,
    key="pci_address",
    wide={"DEVICE": "device"},
)
_CONFIGURATION_PROVIDERS = Noun(
    "configuration-provider",
    "configurationproviders",
    "a configuration provider",
    {"NAME": "name", "TYPE": "type", "URL": "url", "STATUS": "status", "REASON": "status_reason"}
    | {"FAILING": "failing", "TO REMOVE": "to_remove", "DESCRIPTION": "description"},
    "External systems that configure a fabric, such as Cisco UCS Manager.",
    (
        Field(
            "--type",
            "type",
            "The type: ucsm, ufm, or another that the engine supports.",
            default="ucsm",
            only_add=True,
        ),
        Field("--address", "url", "Its address or URL, such as ucs.example.com.", required=True),
        Field("--login", "username", help_of("provider", "login"), required=True),
        Field("--login-password-file", "password", "A file with that user's password.", TextFile(), required=True),
        Field(
            "--ca-file",
            "certificate",
            "A file with the CA certificates that verify it.",
            TextFile(),
            removable=True,
        ),
        *_TEXTS,
    ),
    "ucs",
    "--address ucs.example.com --login netweft --login-password-file password",
    is_addition=True,
    wide={"LATENCY (MS)": "latency", "CHECKED": "checked_at", "RECONCILED": "reconciled_at"}
    | {"ORPHANS": "orphans", "LOGIN": "username", "ID": "id"},
    force="Remove it even if objects remain to be removed there, for a provider that no longer exists.",
    more="configuration_providers",
)
_PORT_PROFILES = Noun(
    "network port-profile",
    "portprofiles",
    "a port profile",
    {"PROVIDER": "provider_name", "NAME": "name", "QOS POLICY": "qos_policy", "HIGH PERFORMANCE": "high_performance"}
    | {"MTU": "mtu", "STATE": "provision.state", "REASON": "provision.reason"},
    "Port profiles of a network: the configuration providers whose fabrics carry it.",
    (
        Field("--qos-policy", "qos_policy", "The name of a QoS policy there; 'none' for none.", removable=True),
        Field(
            "--high-performance/--no-high-performance",
            "high_performance",
            "Whether guests reach the adapter without the host, and do not migrate then.",
        ),
    ),
    "ucs",
    "--qos-policy gold",
    parent="network",
    searchable=False,
    is_addition=True,
    key="provider_name",
    wide={"TYPE": "type", "NEXT TRY": "provision.next_try"},
)
_PROVIDER_NETWORKS = Noun(
    "provider network",
    "networks",
    "a network of a provider",
    {"NAME": "name", "DESCRIPTION": "description"},
    "The networks that a provider has now.",
    sample="blue",
    verbs=("list", "show"),
    parent="provider",
    searchable=False,
    more="provider_networks",
)
_PROVIDER_SUBNETS = Noun(
    "provider network subnet",
    "subnets",
    "a subnet of a provider's network",
    {"NAME": "name", "CIDR": "cidr", "GATEWAY": "gateway", "DNS": "dns_servers", "DESCRIPTION": "description"},
    "Subnets of a network that a provider has now.",
    sample="low",
    verbs=("list", "show"),
    parent="provider network",
    searchable=False,
)
_NETWORK_FILTERS = Noun(
    "filter",
    "networkfilters",
    "a network filter",
    {"NAME": "name"},
    "Network filters: rules for the traffic of vNICs, used by profiles.",
    sample="vdsm-no-mac-spoofing",
    verbs=_READ_ONLY,
    searchable=False,
)
_JOBS = Noun(
    "job",
    "jobs",
    "a job",
    {"STARTED": "start_time", "STATUS": "status", "WHO": "owner.name", "DESCRIPTION": "description"},
    "Work of the engine that takes time, such as changes of hosts.",
    sample="5aade4a2-2f8f-4e0e-9d43-7a3f0d7c6f11",
    verbs=("show",),
    actions=(
        Action("end", "end", "End a job of another system as finished"),
        Action("fail", "end", "End a job of another system as failed", body={"succeeded": False}),
        Action("clear", "clear", "Remove an ended job of another system from the list"),
    ),
    key="id",
    search_key="description",
    refers={"owner": "user"},
    more="jobs",
)
_ROLLOUTS = Noun(
    "rollout",
    "rollouts",
    "a rollout",
    {},
    "Changes that reach several hosts one after the other.",
    sample="7",
    verbs=(),
    key="number",
    is_addition=True,
    more="rollouts",
)
_STEPS = Noun(
    "job step",
    "steps",
    "a step",
    {"NUMBER": "number", "STATUS": "status", "TYPE": "type", "DESCRIPTION": "description"},
    "The steps of a job; those of a job of another system can be added and ended.",
    (
        Field(
            "--type",
            "type",
            "The kind of step.",
            click.Choice(("validating", "executing", "finalizing", "unknown")),
            default="executing",
        ),
    ),
    "copying",
    parent="job",
    verbs=("list", "show", "add"),
    actions=(
        Action("end", "end", "End a step of a job of another system as finished"),
        Action("fail", "end", "End a step of a job of another system as failed", body={"succeeded": False}),
    ),
    searchable=False,
    key="description",
)
_EVENTS = Noun(
    "event",
    "events",
    "an event",
    {"TIME": "time", "SEVERITY": "severity", "WHO": "user.name", "WHAT": "description"},
    "Events: what happened, and who did it.",
    sample="17",
    verbs=("show", "remove"),
    key="id",
    wide={"ID": "id", "CODE": "code", "CORRELATION": "correlation_id"},
    more="events",
)
_USERS = Noun(
    "user",
    "users",
    "a user",
    {"NAME": "user_name", "FIRST NAME": "name", "LAST NAME": "last_name"},
    "Users, who can log in.",
    sample="ann",
    verbs=("list", "show", "remove"),
    key="user_name",
    search_key="usrname",
    suffix="@internal",
    more="users",
)
_ROLES = Noun(
    "role",
    "roles",
    "a role",
    {"NAME": "name", "DESCRIPTION": "description"},
    "Roles, which can be granted.",
    sample="NetworkAdmin",
    verbs=_READ_ONLY,
)
_DOMAINS = Noun(
    "domain",
    "domains",
    "a domain",
    {"NAME": "name"},
    "Where users are defined.",
    sample="internal",
    verbs=_READ_ONLY,
    searchable=False,
)
_GROUPS = Noun(
    "group",
    "groups",
    "a group",
    {"NAME": "name"},
    "Groups of users.",
    sample="Everyone",
    verbs=_READ_ONLY,
)
_READ_BELOW = (
    _read_below("role permit", "role", "permits", "a permit", {"NAME": "name"}, "The permits of a role."),
    _read_below(
        "user role",
        "user",
        "roles",
        "a role",
        {"NAME": "name", "DESCRIPTION": "description"},
        "The roles of a user on any object.",
    ),
    Noun(
        "user permission",
        "permissions",
        "a permission",
        {},
        "The permissions of a user on any object.",
        parent="user",
        verbs=(),
        more="permissions",
    ),
    _statistics_of("host statistic", "host", "of a host"),
    _statistics_of("host nic-statistic", "host nic", "of a NIC"),
    _statistics_of("vm nic-statistic", "vm nic", "of a vNIC of a running virtual machine"),
    _read_below(
        "vm reported-device",
        "vm",
        "reporteddevices",
        "a reported device",
        {"NAME": "name", "MAC": "mac.address", "ADDRESSES": "ips"},
        "The NICs that the host reports of a running virtual machine.",
    ),
    _read_below(
        "vm snapshot-nic",
        "vm snapshot",
        "nics",
        "a vNIC",
        {"NAME": "name", "MAC": "mac.address", "PROFILE": "vnic_profile.name", "INTERFACE": "interface"},
        "The vNICs that a snapshot holds.",
        vnic_profile="profile",
    ),
    Noun(
        "host unmanaged-network",
        "unmanagednetworks",
        "an unmanaged network",
        {"NAME": "name"},
        "Networks on a host that Netweft does not manage.",
        parent="host",
        sample="br-old",
        verbs=("list", "remove"),
        searchable=False,
    ),
)

NOUNS = (
    *(_DATA_CENTERS, _CLUSTERS, _NETWORKS, _SUBNETS, _HOSTS, _HOST_NICS, _VMS, _VM_NICS, _VNICS, _FILTER_PARAMETERS),
    *(_SNAPSHOTS, _PROFILES, _QOS, _TEMPLATES, _TEMPLATE_NICS, _TAGS, _MAC_POOLS, _NETWORK_FILTERS, _JOBS, _STEPS),
    *(_CONFIGURATION_PROVIDERS, _PORT_PROFILES, _INTERFACE_CARDS, _ROLLOUTS),
    *(_PROVIDERS, _PROVIDER_NETWORKS, _PROVIDER_SUBNETS, _EVENTS, _USERS, _ROLES, _DOMAINS, _GROUPS, *_READ_BELOW),
    *(_tags_of(name) for name in ("host", "vm", "template")),
    _label("network label", "network", "networklabels", "The label of a network: NICs with the same label carry it."),
    _label("host label", "host nic", "networklabels", "Labels of a NIC: it carries the networks that have them."),
    _label(
        "host function-label",
        "host nic",
        "virtualfunctionallowedlabels",
        "Labels whose networks the virtual functions of a NIC may serve.",
    ),
    Noun(
        "host function-network",
        "virtualfunctionallowednetworks",
        "a network",
        {"NAME": "name"},
        "Networks that the virtual functions of a NIC may serve.",
        parent="host nic",
        sample="storage",
        verbs=_MEMBERS,
        searchable=False,
        picks="network",
    ),
)


def noun(name: str) -> Noun:
    """The noun of that name. Raises StopIteration for one that is not there."""
    return next(noun for noun in NOUNS if noun.name == name)


def parents(below: Noun) -> tuple[Noun, ...]:
    """What a noun is below, from the top, as far as that is named before it on the command line."""
    if not below.parent or below.parent_option:
        return ()
    above = noun(below.parent)
    return (*parents(above), above)
