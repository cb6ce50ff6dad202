"""The nouns of the fleet file, named as on the command line, and their fields."""

from __future__ import annotations

from typing import Final

from netweft.core.fleet.declare import (
    DESCRIPTION,
    HELD_ELSEWHERE,
    INTEGER_MAX,
    SECRET,
    TEXTS,
    Field,
    Noun,
    flag,
    limit,
    text,
)
from netweft.core.fleet.host_nouns import HOST
from netweft.core.fleet.values import Choice, Items, Number, Part, Parts, Text, Texts
from netweft.core.limits import MTU_MAX, VLAN_MAX
from netweft.core.network_filters import IDS
from netweft.core.roles import ROLES

_DNS = Items(Text("address"), in_order=True)
_SUBNET = Noun(
    name="subnet",
    key="subnets",
    help="Its subnets, from which vNICs get addresses.",
    fields=(
        Field(
            name="cidr",
            kind=Text("network"),
            help="Its addresses, such as 192.0.2.0/24.",
            needed=True,
            only_add=True,
        ),
        Field(name="gateway", kind=Text("address"), help="The default gateway.", can_be_nothing=True),
        Field(
            name="pools",
            kind=Items(
                Parts(
                    (
                        Part(name="first", kind=Text("address"), help="The first address.", needed=True),
                        Part(name="last", kind=Text("address"), help="The last address.", needed=True),
                    )
                ),
            ),
            help="The ranges from which vNICs get addresses; none: all but the gateway.",
        ),
        Field(name="dns", kind=_DNS, help="Name servers."),
        Field(
            name="routes",
            kind=Items(
                Parts(
                    (
                        Part(name="destination", kind=Text("network"), help="The destination.", needed=True),
                        Part(name="next_hop", kind=Text("address"), help="The router.", needed=True),
                    )
                ),
                in_order=True,
            ),
            help="Additional routes.",
        ),
        flag("dhcp", "Whether hosts serve their guests the addresses by DHCP."),
        DESCRIPTION,
    ),
)
_PROFILE = Noun(
    name="profile",
    key="profiles",
    help="Its vNIC profiles: how a vNIC uses it. A new network whose profiles are not named has one of its own name.",
    fields=(
        flag("port_mirroring", "Whether its vNICs see all frames of the network on their host."),
        Field(
            name="pass_through",
            kind=Choice(("enabled", "disabled")),
            help="Whether its vNICs are virtual functions of their host (SR-IOV).",
        ),
        flag("migratable", "Whether virtual machines with such a virtual function may be migrated."),
        Field(
            name="failover",
            kind=Parts(
                (
                    Part(name="network", kind=Text(), help="Its network.", needed=True),
                    Part(name="profile", kind=Text(), help="Its name.", needed=True),
                )
            ),
            help="The profile that is used while a virtual machine with a virtual function is migrated.",
            can_be_nothing=True,
            refers="profile",
        ),
        Field(
            name="network_filter",
            kind=Choice(tuple(IDS)),
            help="Rules on what its vNICs may send.",
            can_be_nothing=True,
        ),
        text("qos", "The QoS of its vNICs, of the type network.", can_be_nothing=True, refers="qos"),
        Field(name="properties", kind=Texts(), help="Custom properties."),
        *TEXTS,
    ),
)
_NETWORK = Noun(
    name="network",
    key="networks",
    help="Logical networks: of hosts, or of a provider.",
    fields=(
        limit("vlan", "802.1Q tag.", VLAN_MAX),
        Field(name="mtu", kind=Number(0, MTU_MAX), help="MTU in octets; 0 for the default."),
        flag("vm", "Whether vNICs may use it."),
        flag("stp", "Whether its bridges use the spanning tree protocol (STP)."),
        flag("port_isolation", "Whether guests on one host are isolated from each other."),
        Field(name="dns", kind=_DNS, help="Resolvers for hosts; up to three."),
        text("qos", "The QoS of its traffic on hosts, of the type hostnetwork.", can_be_nothing=True, refers="qos"),
        text("label", "Its label: NICs of hosts with the same one carry it.", can_be_nothing=True),
        text("provider", "The provider on which it is created.", can_be_nothing=True, only_add=True, refers="provider"),
        text(
            "physical_network",
            "The network of hosts whose physical network and VLAN the provider uses.",
            can_be_nothing=True,
            only_add=True,
            refers="network",
        ),
        text(
            "physical_name",
            "The provider's name of its physical network, where no network of hosts is named.",
            can_be_nothing=True,
            only_add=True,
        ),
        *TEXTS,
    ),
    nouns=(_SUBNET, _PROFILE),
)
_QOS = Noun(
    name="qos",
    key="qos",
    help="QoS: limits of the traffic of vNICs, and of networks on hosts.",
    fields=(
        Field(
            name="type",
            kind=Choice(("network", "hostnetwork")),
            help="For vNICs (network), or for networks on hosts (hostnetwork).",
            needed=True,
            only_add=True,
        ),
        *(
            limit(f"{way}_{kind}", f"{about}, for the type network.")
            for way in ("inbound", "outbound")
            for kind, about in (
                ("average", "Mbit/s on average"),
                ("peak", "Mbit/s at the peak"),
                ("burst", "MB that may be sent at the peak"),
            )
        ),
        limit("linkshare", "Share when the link is full, for the type hostnetwork."),
        limit("upperlimit", "Mbit/s at most, for the type hostnetwork."),
        limit("realtime", "Mbit/s guaranteed, for the type hostnetwork."),
        *TEXTS,
    ),
)
_MAC_POOL = Noun(
    name="macpool",
    key="mac_pools",
    help="Pools of MAC addresses.",
    fields=(
        Field(
            name="ranges",
            kind=Items(
                Parts(
                    (
                        Part(name="from", kind=Text("mac"), help="The first address.", needed=True),
                        Part(name="to", kind=Text("mac"), help="The last address.", needed=True),
                    )
                ),
                least=1,
            ),
            help="Its addresses, both ends included.",
            needed=True,
        ),
        flag("allow_duplicates", "Whether two vNICs may have the same address."),
        *TEXTS,
    ),
)
_PROVIDER = Noun(
    name="provider",
    key="providers",
    help="External systems that provide networks, such as OpenStack Neutron.",
    fields=(
        text("type", "The type: neutron, ovn, or another that the engine supports.", needed=True, only_add=True),
        text("url", "URL of its API.", needed=True),
        flag("authentication", "Whether it requires a log-in."),
        text("authentication_url", "URL of its Keystone."),
        text("login", "The user that Netweft logs in as."),
        Field(name="password", kind=SECRET, help=HELD_ELSEWHERE, is_secret=True),
        text("tenant", "The project that Netweft uses."),
        text("project", "The same, as Keystone v3 calls it."),
        text("user_domain", "The domain of the user (Keystone v3)."),
        text("project_domain", "The domain of the project (Keystone v3)."),
        Field(
            name="ca", kind=Text("certificates"), help="The CA certificates that verify it (PEM).", can_be_nothing=True
        ),
        text(
            "plugin_remote",
            "The address of OVN's southbound database for ovn-controller on hosts.",
            can_be_nothing=True,
        ),
        text("plugin_mappings", "The networks of hosts for its physical networks."),
        flag("read_only", "Whether networks and subnets there are never created, changed or removed."),
        flag("auto_sync", "Whether its networks are imported automatically."),
        *TEXTS,
    ),
)
_DATA_CENTER = Noun(
    name="datacenter",
    key="data_centers",
    help="Data centres: where networks are defined.",
    fields=TEXTS,
    nouns=(_QOS, _NETWORK),
)
_CLUSTER_NETWORK = Noun(
    name="cluster network",
    key="networks",
    help="The networks that it has.",
    fields=(
        flag("required", "Whether a host without it is not operational."),
        Field(
            name="roles", kind=Items(Choice(ROLES)), help="Its roles in the cluster; each role belongs to one network."
        ),
    ),
    refers="network",
)
_CLUSTER = Noun(
    name="cluster",
    key="clusters",
    help="Clusters: hosts that carry the same networks.",
    fields=(
        text("data_center", "The data centre it belongs to.", needed=True, only_add=True, refers="datacenter"),
        Field(
            name="switch_type",
            kind=Choice(("legacy", "ovs")),
            help="The switches of its hosts: Linux bridges or Open vSwitch.",
        ),
        text("mac_pool", "The pool its vNICs get their MAC addresses from.", refers="macpool"),
        text("provider", "Its default provider of networks.", can_be_nothing=True, refers="provider"),
        Field(
            name="drift_healing",
            kind=Choice(("off", "harmless", "always")),
            help="Which drift of its hosts is synchronized automatically: none, what costs no traffic, or all.",
        ),
        Field(
            name="rollout_canaries",
            kind=Number(0, INTEGER_MAX),
            help="Number of hosts that change first; they are watched before the rollout continues.",
        ),
        Field(
            name="rollout_soak",
            kind=Number(-1, INTEGER_MAX),
            help="Seconds for which the first hosts are watched; -1 for the engine's setting.",
        ),
        Field(
            name="rollout_wave",
            kind=Number(1, INTEGER_MAX),
            help="Number of hosts that change at a time after the first ones.",
        ),
        Field(
            name="rollout_on_failure",
            kind=Choice(("keep", "revert")),
            help="What happens when a host fails: changed hosts keep the change, or the rollout is reverted.",
        ),
        flag(
            "rollout_evacuates",
            "Whether guests that a change would cut off are migrated to other hosts before, and back after.",
        ),
        *TEXTS,
    ),
    nouns=(_CLUSTER_NETWORK,),
)
NOUNS: Final = (_MAC_POOL, _PROVIDER, _DATA_CENTER, _CLUSTER, HOST)
"""The nouns at the top of the file, each after those that it refers to."""


def walk(nouns: tuple[Noun, ...] = NOUNS) -> tuple[Noun, ...]:
    """All nouns, each before those in it, and after those that it refers to."""
    return tuple(one for noun in nouns for one in (noun, *walk(noun.nouns)))


BY_NAME: Final = {noun.name: noun for noun in walk()}
RANK: Final = {noun.name: rank for rank, noun in enumerate(walk())}
"""The order in which nouns are added and changed; they are removed in reverse."""
