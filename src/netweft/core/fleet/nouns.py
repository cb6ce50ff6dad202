"""What the file of a fleet may hold: its nouns, which are called as on the command line, and their fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from netweft.core.fleet.values import Choice, Either, Flag, Items, Kind, Number, Part, Parts, Text, Texts
from netweft.core.limits import MTU_MAX, VLAN_MAX
from netweft.core.network_filters import IDS

_INTEGER_MAX = 2**31 - 1
_PREFIX_MAX = 128
_PORT_MAX = 65535
ROLES: Final = ("management", "display", "migration", "default_route", "gluster")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a noun. ``can_be_nothing``: null takes away what it holds. ``needed``: nothing is added without it.
    ``only_add``: what it holds cannot be changed later. ``refers``: the noun that it names one of. ``is_secret``: it is
    sent when something else is, and neither shown nor compared.
    """

    name: str
    kind: Kind
    help: str
    can_be_nothing: bool = False
    needed: bool = False
    only_add: bool = False
    refers: str = ""
    is_secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """What the file holds by name under ``key``, at its top or in a noun that this is among the ``nouns`` of.
    ``refers``: the noun that its names are names of, for what is there by itself and is given to something here.
    """

    name: str
    key: str
    help: str
    fields: tuple[Field, ...]
    nouns: tuple[Noun, ...] = ()
    refers: str = ""

    def field(self, name: str) -> Field:
        """The field of that name. Raises StopIteration."""
        return next(field for field in self.fields if field.name == name)


def _text(name: str, about: str, **more: Any) -> Field:  # noqa: ANN401 -- handed on
    return Field(name=name, kind=Text(), help=about, **more)


def _flag(name: str, about: str) -> Field:
    return Field(name=name, kind=Flag(), help=about)


def _limit(name: str, about: str, most: int = _INTEGER_MAX) -> Field:
    return Field(name=name, kind=Number(0, most), help=about, can_be_nothing=True)


_DESCRIPTION = _text("description", "A sentence about it.")
_COMMENT = _text("comment", "What somebody wrote about it.")
_TEXTS = (_DESCRIPTION, _COMMENT)
_DNS = Items(Text("address"), in_order=True)
_SECRET = Parts(
    (
        Part(name="env", kind=Text(), help="The environment variable that holds it."),
        Part(name="file", kind=Text(), help="The file that holds it."),
    ),
    is_one=True,
)
_HELD_ELSEWHERE = (
    "Where the secret is: in an environment variable or in a file. It is sent when a request is made anyway."
)
NIC: Final = Either(
    Text(),
    Parts(
        (
            Part(name="pci_address", kind=Text(), help="Its PCI address, such as 0000:3b:00.0."),
            Part(name="permanent_mac", kind=Text("mac"), help="The MAC address that it was made with."),
            Part(name="driver", kind=Text(), help="Its driver, such as ixgbe."),
            Part(name="speed", kind=Number(1, _INTEGER_MAX), help="Its speed in Mbit/s."),
        ),
        is_one=True,
    ),
)
"""A NIC by its name, or by what its host reports of it."""
_NIC_HELP = "A NIC by its name, or by facts of which one NIC of the host has all."
ASSIGNMENT: Final = Parts(
    (
        Part(
            name="method",
            kind=Choice(("static", "dhcp", "autoconf", "poly_dhcp_autoconf")),
            help="How the address is assigned.",
            needed=True,
        ),
        Part(name="address", kind=Text("address"), help="The static address."),
        Part(name="pool", kind=Text(), help="Instead of the address: FIRST-LAST, of which it is one that is free."),
        Part(name="prefix", kind=Number(0, _PREFIX_MAX), help="The length of its network's prefix."),
        Part(name="gateway", kind=Text("address"), help="The router to everywhere else."),
    )
)
"""How a host gets its address of one IP version on a network."""
_HOST_QOS = Parts(
    (
        Part(name="linkshare", kind=Number(1, 100), help="Share when the link is full."),
        Part(name="upperlimit", kind=Number(0, _INTEGER_MAX), help="Mbit/s at most."),
        Part(name="realtime", kind=Number(0, _INTEGER_MAX), help="Mbit/s guaranteed."),
    ),
    is_one=True,
)
_SUBNET = Noun(
    name="subnet",
    key="subnets",
    help="Its subnets: vNICs have addresses of them.",
    fields=(
        Field(
            name="cidr",
            kind=Text("network"),
            help="Its addresses, such as 192.0.2.0/24.",
            needed=True,
            only_add=True,
        ),
        Field(name="gateway", kind=Text("address"), help="The router to everywhere else.", can_be_nothing=True),
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
            help="What vNICs get addresses out of; none: all but the gateway.",
        ),
        Field(name="dns", kind=_DNS, help="Name servers."),
        Field(
            name="routes",
            kind=Items(
                Parts(
                    (
                        Part(name="destination", kind=Text("network"), help="Where it leads.", needed=True),
                        Part(name="next_hop", kind=Text("address"), help="The router.", needed=True),
                    )
                ),
                in_order=True,
            ),
            help="Where else routers lead.",
        ),
        _flag("dhcp", "Whether hosts serve their guests the addresses by DHCP."),
        _DESCRIPTION,
    ),
)
_PROFILE = Noun(
    name="profile",
    key="profiles",
    help="Its vNIC profiles: how a vNIC uses it. A new network whose profiles are not named has one of its own name.",
    fields=(
        _flag("port_mirroring", "Whether its vNICs see all frames of the network on their host."),
        Field(
            name="pass_through",
            kind=Choice(("enabled", "disabled")),
            help="Whether its vNICs are virtual functions of their host (SR-IOV).",
        ),
        _flag("migratable", "Whether machines with such a virtual function may move."),
        Field(
            name="failover",
            kind=Parts(
                (
                    Part(name="network", kind=Text(), help="Its network.", needed=True),
                    Part(name="profile", kind=Text(), help="Its name.", needed=True),
                )
            ),
            help="The profile that serves while a machine with a virtual function moves.",
            can_be_nothing=True,
            refers="profile",
        ),
        Field(
            name="network_filter",
            kind=Choice(tuple(IDS)),
            help="Rules on what its vNICs may send.",
            can_be_nothing=True,
        ),
        _text("qos", "The QoS of its vNICs, of the type network.", can_be_nothing=True, refers="qos"),
        Field(name="properties", kind=Texts(), help="Custom properties."),
        *_TEXTS,
    ),
)
_NETWORK = Noun(
    name="network",
    key="networks",
    help="Logical networks: of hosts, or of a provider.",
    fields=(
        _limit("vlan", "802.1Q tag.", VLAN_MAX),
        Field(name="mtu", kind=Number(0, MTU_MAX), help="MTU in octets; 0 for the default."),
        _flag("vm", "Whether vNICs may use it."),
        _flag("stp", "Whether its bridges speak the spanning tree protocol."),
        _flag("port_isolation", "Whether guests on one host are isolated from each other."),
        Field(name="dns", kind=_DNS, help="Resolvers for hosts; up to three."),
        _text("qos", "The QoS of its traffic on hosts, of the type hostnetwork.", can_be_nothing=True, refers="qos"),
        _text("label", "Its label: NICs of hosts with the same one carry it.", can_be_nothing=True),
        _text("provider", "The provider that has it.", can_be_nothing=True, only_add=True, refers="provider"),
        _text(
            "physical_network",
            "The network of hosts on whose wire, and in whose VLAN, the provider has it.",
            can_be_nothing=True,
            only_add=True,
            refers="network",
        ),
        _text(
            "physical_name",
            "What the provider calls the wire that it is on, where no network of hosts is named.",
            can_be_nothing=True,
            only_add=True,
        ),
        *_TEXTS,
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
            _limit(f"{way}_{kind}", f"{text}, for the type network.")
            for way in ("inbound", "outbound")
            for kind, text in (
                ("average", "Mbit/s on average"),
                ("peak", "Mbit/s at the peak"),
                ("burst", "MB that may be sent at the peak"),
            )
        ),
        _limit("linkshare", "Share when the link is full, for the type hostnetwork."),
        _limit("upperlimit", "Mbit/s at most, for the type hostnetwork."),
        _limit("realtime", "Mbit/s guaranteed, for the type hostnetwork."),
        *_TEXTS,
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
        _flag("allow_duplicates", "Whether two vNICs may have the same address."),
        *_TEXTS,
    ),
)
_PROVIDER = Noun(
    name="provider",
    key="providers",
    help="External systems that provide networks, such as OpenStack Neutron.",
    fields=(
        _text("type", "What it is: neutron, ovn, or another that the engine knows.", needed=True, only_add=True),
        _text("url", "URL of its API.", needed=True),
        _flag("authentication", "Whether it requires a log-in."),
        _text("authentication_url", "URL of its Keystone."),
        _text("login", "The user that Netweft logs in as."),
        Field(name="password", kind=_SECRET, help=_HELD_ELSEWHERE, is_secret=True),
        _text("tenant", "The project that Netweft uses."),
        _text("project", "The same, as Keystone v3 calls it."),
        _text("user_domain", "The domain of the user (Keystone v3)."),
        _text("project_domain", "The domain of the project (Keystone v3)."),
        _text("ca", "The CA certificates that verify it (PEM).", can_be_nothing=True),
        _text("plugin_remote", "What ovn-controller on hosts connects to.", can_be_nothing=True),
        _text("plugin_mappings", "Networks of hosts that its physical networks are."),
        _flag("read_only", "Whether no networks and subnets are made, changed or removed there."),
        _flag("auto_sync", "Whether its networks come by themselves."),
        *_TEXTS,
    ),
)
_DATA_CENTER = Noun(
    name="datacenter",
    key="data_centers",
    help="Data centres: where networks are defined.",
    fields=_TEXTS,
    nouns=(_QOS, _NETWORK),
)
_CLUSTER_NETWORK = Noun(
    name="cluster network",
    key="networks",
    help="The networks that it has.",
    fields=(
        _flag("required", "Whether a host without it is not operational."),
        Field(name="roles", kind=Items(Choice(ROLES)), help="What it is for; each role is one network's."),
    ),
    refers="network",
)
_CLUSTER = Noun(
    name="cluster",
    key="clusters",
    help="Clusters: hosts that carry the same networks.",
    fields=(
        _text("data_center", "The data centre it belongs to.", needed=True, only_add=True, refers="datacenter"),
        Field(
            name="switch_type",
            kind=Choice(("legacy", "ovs")),
            help="How its hosts switch: Linux bridges or Open vSwitch.",
        ),
        _text("mac_pool", "The pool its vNICs get their MAC addresses from.", refers="macpool"),
        _text("provider", "Its default provider of networks.", can_be_nothing=True, refers="provider"),
        Field(
            name="rollout_canaries",
            kind=Number(0, _INTEGER_MAX),
            help="How many of its hosts a change reaches first; they are watched before it goes on.",
        ),
        Field(
            name="rollout_soak",
            kind=Number(-1, _INTEGER_MAX),
            help="For how many seconds the first are watched; -1 for as long as the engine is told.",
        ),
        Field(
            name="rollout_wave",
            kind=Number(1, _INTEGER_MAX),
            help="How many of its hosts change at a time after the first.",
        ),
        Field(
            name="rollout_on_failure",
            kind=Choice(("keep", "revert")),
            help="What follows when a host fails: those that have changed keep the change, or it is taken back.",
        ),
        *_TEXTS,
    ),
    nouns=(_CLUSTER_NETWORK,),
)
_BOND = Noun(
    name="host bond",
    key="bonds",
    help="Its bonds.",
    fields=(
        Field(name="slaves", kind=Items(NIC), help=f"What it is made of. {_NIC_HELP}", needed=True),
        Field(name="options", kind=Texts(least=1), help="Options of the bonding driver, mode among them."),
    ),
)
_LABEL = Noun(
    name="host label",
    key="labels",
    help="Its labels: the NIC that has one carries every network of the cluster that has the same one.",
    fields=(Field(name="nic", kind=NIC, help=_NIC_HELP, needed=True),),
)
_ATTACHMENT = Noun(
    name="host attachment",
    key="attachments",
    help="The networks that it carries.",
    fields=(
        Field(name="nic", kind=NIC, help=f"The bond or NIC that carries it. {_NIC_HELP}", needed=True),
        Field(name="ipv4", kind=ASSIGNMENT, help="Its IPv4 address; null for none.", can_be_nothing=True),
        Field(name="ipv6", kind=ASSIGNMENT, help="Its IPv6 address; null for none.", can_be_nothing=True),
        Field(
            name="dns",
            kind=Items(Text("address"), in_order=True, least=1),
            help="Resolvers instead of the network's; null for the network's.",
            can_be_nothing=True,
        ),
        Field(name="qos", kind=_HOST_QOS, help="Limits instead of the network's.", can_be_nothing=True),
        Field(name="properties", kind=Texts(), help="Custom properties, such as bridge_opts."),
    ),
    refers="cluster network",
)
_HOST = Noun(
    name="host",
    key="hosts",
    help="Hosts, and their networking.",
    fields=(
        _text("cluster", "The cluster it belongs to.", needed=True, refers="cluster"),
        _text("address", "Name or address of the host.", needed=True),
        Field(name="ssh_port", kind=Number(1, _PORT_MAX), help="Port of its SSH server."),
        _text("ssh_fingerprint", "SHA256:... of its SSH host key; empty trusts the key that it shows next."),
        Field(name="root_password", kind=_SECRET, help=_HELD_ELSEWHERE, is_secret=True, only_add=True),
        *_TEXTS,
    ),
    nouns=(_BOND, _LABEL, _ATTACHMENT),
)
NOUNS: Final = (_MAC_POOL, _PROVIDER, _DATA_CENTER, _CLUSTER, _HOST)
"""The nouns at the top of the file, each after those that it refers to."""
HOST_NOUNS: Final = (_BOND.name, _LABEL.name, _ATTACHMENT.name)
"""What one change of a host's networking is made of."""


def walk(nouns: tuple[Noun, ...] = NOUNS) -> tuple[Noun, ...]:
    """All nouns, each before those in it, and after those that it refers to."""
    return tuple(one for noun in nouns for one in (noun, *walk(noun.nouns)))


BY_NAME: Final = {noun.name: noun for noun in walk()}
RANK: Final = {noun.name: rank for rank, noun in enumerate(walk())}
"""The order in which nouns are added and changed; they are removed in reverse."""
