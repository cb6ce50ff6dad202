"""The nouns of the API that have the usual verbs, as data: where they live, what a list shows, what can be set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import click

from netweft.core.limits import MTU_MAX, VLAN_MAX


@dataclass(frozen=True, slots=True)
class Field:
    """An option of ``add`` and ``set``, and the dotted path of the entity that it fills.

    ``many``: may be given more than once.
    """

    option: str
    path: str
    help: str
    type: Any = str
    many: bool = False
    default: Any = None
    """Value for ``add`` when the option is not given."""
    names: str = ""
    """The collection in which the option's value is the name or id of something; ``path`` is filled with its id."""

    @property
    def parameter(self) -> str:
        """The name under which click hands the value over."""
        return self.option.removeprefix("--").split("/")[0].replace("-", "_")


@dataclass(frozen=True, slots=True)
class Noun:
    """One noun. ``verbs``: which of list, show, add, set, remove it has."""

    name: str
    path: str
    columns: Mapping[str, str]
    help: str
    fields: tuple[Field, ...] = ()
    verbs: tuple[str, ...] = ("list", "show", "add", "set", "remove")
    searchable: bool = True
    most: int = 0
    """How many a list shows unless told otherwise; 0 for all."""
    refers: Mapping[str, str] = field(default_factory=dict)
    """Fields that are references, and the collection where their names are: the API answers with ids. The first one
    tells things of one name apart.
    """
    key: str = "name"
    """What people call it by; ``search_key``: the same in the search language."""
    search_key: str = "name"
    suffix: str = ""
    """What a name has that does not say otherwise, from an ``@`` on."""


_DESCRIPTION = Field("--description", "description", "A sentence about it.")
_READ_ONLY = ("list", "show")

NOTHING = object()
"""Value of an option that takes away what its field holds."""


class _Tag(click.IntRange):
    """A VLAN tag, or the word that takes it off."""

    name = "tag"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 (click's own)
        return NOTHING if value == "none" else super().convert(value, param, ctx)


_TAG = _Tag(0, VLAN_MAX)

NOUNS = (
    Noun(
        "datacenter",
        "datacenters",
        {"NAME": "name", "STATUS": "status", "ID": "id", "DESCRIPTION": "description"},
        "Data centres: where networks are defined.",
        (_DESCRIPTION, Field("--rename", "name", "Its new name.")),
    ),
    Noun(
        "cluster",
        "clusters",
        {
            "NAME": "name",
            "DATA CENTRE": "data_center.name",
            "SWITCH": "switch_type",
            "ID": "id",
            "DESCRIPTION": "description",
        },
        "Clusters: hosts that carry the same networks.",
        (
            Field("--datacenter", "data_center.name", "The data centre it belongs to.", default="Default"),
            Field(
                "--switch-type",
                "switch_type",
                "How its hosts switch: Linux bridges or Open vSwitch.",
                click.Choice(("legacy", "ovs")),
            ),
            Field(
                "--management-network",
                "management_network.name",
                "The network over which the engine reaches its hosts.",
            ),
            Field("--mac-pool", "mac_pool.id", "The pool its vNICs get their MAC addresses from.", names="macpools"),
            _DESCRIPTION,
            Field("--rename", "name", "Its new name."),
        ),
        refers={"data_center": "datacenters"},
    ),
    Noun(
        "network",
        "networks",
        {
            "NAME": "name",
            "DATA CENTRE": "data_center.name",
            "VLAN": "vlan.id",
            "MTU": "mtu",
            "USAGES": "usages",
            "ID": "id",
            "DESCRIPTION": "description",
        },
        "Logical networks.",
        (
            Field("--datacenter", "data_center.name", "The data centre it belongs to.", default="Default"),
            Field("--vlan", "vlan.id", "802.1Q tag; 'none' takes it off.", _TAG),
            Field("--mtu", "mtu", "MTU in octets; 0 for the default.", click.IntRange(0, MTU_MAX)),
            Field("--vm/--no-vm", "usages", "Whether vNICs may use it."),
            Field("--stp/--no-stp", "stp", "Whether its bridges speak the spanning tree protocol."),
            Field(
                "--port-isolation/--no-port-isolation",
                "port_isolation",
                "Whether guests on one host are kept from each other.",
            ),
            Field("--dns", "dns_resolver_configuration.name_servers", "A resolver for hosts; up to three.", many=True),
            Field("--qos", "qos.id", "The id of the QoS that its traffic has on hosts."),
            _DESCRIPTION,
            Field("--rename", "name", "Its new name."),
        ),
        refers={"data_center": "datacenters"},
    ),
    Noun(
        "host",
        "hosts",
        {
            "NAME": "name",
            "STATUS": "status",
            "IN SYNC": "networks_in_sync",
            "COMMITTED": "networks_committed",
            "CLUSTER": "cluster.name",
            "ADDRESS": "address",
            "ID": "id",
            "DESCRIPTION": "description",
        },
        "Hosts, and their networking.",
        (
            Field("--cluster", "cluster.name", "The cluster it belongs to.", default="Default"),
            Field("--address", "address", "Name or address of the host."),
            _DESCRIPTION,
            Field("--rename", "name", "Its new name."),
        ),
        refers={"cluster": "clusters"},
    ),
    Noun(
        "vm",
        "vms",
        {
            "NAME": "name",
            "STATUS": "status",
            "CLUSTER": "cluster.name",
            "HOST": "host.name",
            "ID": "id",
            "DESCRIPTION": "description",
        },
        "Virtual machines, and their vNICs.",
        (
            Field("--cluster", "cluster.name", "The cluster it runs in.", default="Default"),
            Field("--template", "template.name", "What it is made from.", default="Blank"),
            Field("--memory", "memory", "Octets.", click.IntRange(min=1)),
            _DESCRIPTION,
            Field("--rename", "name", "Its new name."),
        ),
        refers={"cluster": "clusters", "host": "hosts"},
    ),
    Noun(
        "profile",
        "vnicprofiles",
        {"NAME": "name", "NETWORK": "network.name", "ID": "id", "DESCRIPTION": "description"},
        "vNIC profiles: how a vNIC uses a network.",
        (
            Field("--network", "network.id", "Its network.", names="networks"),
            Field(
                "--port-mirroring/--no-port-mirroring",
                "port_mirroring",
                "Whether its vNICs see all frames of the network on their host.",
            ),
            Field(
                "--pass-through",
                "pass_through.mode",
                "Whether its vNICs are virtual functions of their host (SR-IOV).",
                click.Choice(("enabled", "disabled")),
            ),
            _DESCRIPTION,
            Field("--rename", "name", "Its new name."),
        ),
        searchable=False,
        refers={"network": "networks"},
    ),
    Noun(
        "template",
        "templates",
        {"NAME": "name", "STATUS": "status", "ID": "id", "DESCRIPTION": "description"},
        "Templates that virtual machines are made from.",
        verbs=_READ_ONLY,
    ),
    Noun(
        "macpool",
        "macpools",
        {
            "NAME": "name",
            "DEFAULT": "default_pool",
            "DUPLICATES": "allow_duplicates",
            "ID": "id",
            "DESCRIPTION": "description",
        },
        "Pools of MAC addresses.",
        verbs=_READ_ONLY,
        searchable=False,
    ),
    Noun(
        "job",
        "jobs",
        {"STARTED": "start_time", "STATUS": "status", "ID": "id", "DESCRIPTION": "description"},
        "Work that left the engine.",
        verbs=_READ_ONLY,
        searchable=False,
        most=50,
    ),
    Noun(
        "event",
        "events",
        {"ID": "id", "TIME": "time", "SEVERITY": "severity", "CODE": "code", "WHAT": "description"},
        "What happened.",
        verbs=("show",),
        searchable=False,
    ),
    Noun(
        "user",
        "users",
        {"NAME": "user_name", "FIRST NAME": "name", "LAST NAME": "last_name", "ID": "id"},
        "Who may log in.",
        verbs=("list", "show", "remove"),
        key="user_name",
        search_key="usrname",
        suffix="@internal",
    ),
    Noun(
        "role",
        "roles",
        {"NAME": "name", "ID": "id", "DESCRIPTION": "description"},
        "What may be granted.",
        verbs=_READ_ONLY,
        searchable=False,
    ),
)


def noun(name: str) -> Noun:
    """The noun of that name. Raises StopIteration for one that is not there."""
    return next(noun for noun in NOUNS if noun.name == name)
