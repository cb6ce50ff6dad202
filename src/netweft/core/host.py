"""All networking of one host, as a value.

One type represents the desired, the observed and the sent state, so that the three can be compared with ``==``. Every
part is frozen; every map is keyed by the part's name and every tuple of addresses, routes and rules is sorted, so that
equal configurations are equal values.

Ownership: what Netweft creates or manages carries a mark on the object itself: the link alias ``netweft:<owner>`` (a
NIC, a bond, a VLAN device, a bridge), ``external_ids:netweft`` in OVSDB (a bridge, a port),
``external_ids:netweft-chassis`` of Open vSwitch as a whole (the settings of ovn-controller), the routing protocol
number :data:`PROTOCOL` (a route, a rule), the handle :data:`SHAPING_HANDLE` (traffic shaping). ``owner`` is what
follows the prefix, for example a network's id; ``""`` means that the object is not ours. A part of a :class:`Host` is
*managed* when its owner is not empty on either side of a plan; all the rest is reported and never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import ip_interface, ip_network

from netweft.core.limits import DEFAULT_MTU

PROTOCOL = 110
"""rtnetlink protocol number of our routes and rules (rtnetlink(7): numbers above RTPROT_STATIC are free for routing
daemons).
"""

SHAPING_HANDLE = 5001
"""Major number of the queueing discipline by which we shape a link's traffic; ``1389:`` in tc(8). As VDSM has it."""

MEGABIT = 1_000_000
"""Bits: the unit of users' rates; on a host a rate is in bit/s."""

MAIN_TABLE = 254
"""The routing table that the default route lives in (rtnetlink(7), RT_TABLE_MAIN)."""

MARK = "netweft:"
"""What the alias of a link that is ours begins with."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Address:
    """A permanent address on a link.

    Link-local and dynamic (DHCP, SLAAC) addresses are not configuration and never appear.
    """

    ip: str
    prefix: int

    @property
    def version(self) -> int:
        """4 or 6: only addresses of version 6 have colons."""
        return 6 if ":" in self.ip else 4

    @property
    def network(self) -> str:
        """The subnet in prefix form, for example ``192.0.2.0/24``."""
        return str(ip_interface(str(self)).network)

    def __str__(self) -> str:
        return f"{self.ip}/{self.prefix}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Route:
    """A unicast route.

    ``to`` is always a prefix (``0.0.0.0/0`` for the IPv4 default); ``via`` is empty for an on-link route.
    """

    to: str
    link: str
    via: str = ""
    table: int = MAIN_TABLE
    metric: int = 0
    protocol: int = PROTOCOL

    @property
    def version(self) -> int:
        """4 or 6."""
        return ip_network(self.to).version

    @property
    def is_default(self) -> bool:
        """Whether it catches everything that no other route does."""
        return ip_network(self.to).prefixlen == 0


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Rule:
    """A policy rule: traffic from ``source`` (or to ``destination``, exactly one of them set, as prefixes) uses
    ``table``.
    """

    table: int
    priority: int
    source: str = ""
    destination: str = ""
    protocol: int = PROTOCOL


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What all links have. ``master`` names the bond or Linux bridge that this link is a port of.

    ``mac`` is empty in a desired value when any address will do. ``dhcp4``, ``dhcp6``: a DHCP client runs on the link;
    ``leased_default``: it adds the default route from DHCPv4; ``autoconf``: IPv6 router advertisements are accepted.
    The resulting addresses are in ``dynamic``, reported only and never compared.
    """

    name: str
    owner: str = ""
    up: bool = True
    mtu: int = DEFAULT_MTU
    mac: str = ""
    master: str = ""
    addresses: tuple[Address, ...] = ()
    dhcp4: bool = False
    dhcp6: bool = False
    leased_default: bool = False
    autoconf: bool = False
    dynamic: tuple[Address, ...] = field(default=(), compare=False)
    carrier: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualFunction:
    """A virtual function of a NIC (SR-IOV). ``assignable``: it has an IOMMU group to itself, so that it can be given to
    a guest (Linux: driver-api/vfio.rst).
    """

    pci_address: str
    assignable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NicFacts:
    """The hardware of a NIC, from sysfs and ethtool. ``speed`` in Mbit/s (0: unknown), PCI ids as ``0x8086``.

    ``functions_max``: how many virtual functions it can have (0: no SR-IOV), ``functions``: those that it has, in the
    order of their numbers. ``physical``: of a NIC that is itself a virtual function, the PCI address of its physical
    function.
    """

    permanent_mac: str = ""
    driver: str = ""
    pci_address: str = ""
    vendor: str = ""
    device: str = ""
    speed: int = 0
    duplex: str = ""
    functions_max: int = 0
    functions: tuple[VirtualFunction, ...] = ()
    physical: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficClass:
    """The outbound share of one VLAN on a link (``tag``; None: all frames without a class of their own, above all
    untagged ones).

    ``share``: the weight beside the other classes when the link is full, 1 to 100. ``upper_limit``: the maximum;
    ``real_time``: the guaranteed rate, whatever the others send. Both in bit/s, a multiple of 8 (the kernel counts
    octets), None for none.
    """

    tag: int | None
    share: int
    upper_limit: int | None = None
    real_time: int | None = None


FOREIGN_SHAPING = TrafficClass(tag=None, share=0)
"""The only class of an observed link whose shaping has our mark but was changed by other software; the shaping is
created again when it is desired.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nic(Link):
    """A NIC of the machine; it can be configured but neither created nor removed.

    ``shaping``: the classes of outbound frames, by tag, the class without tag first; empty for no shaping.
    ``queueing``: another queueing discipline that replaces the kernel's own, as text for users; empty for none.
    ``ipv6_off``: IPv6 is disabled on it.
    """

    shaping: tuple[TrafficClass, ...] = ()
    queueing: str = field(default="", compare=False)
    ipv6_off: bool = field(default=False, compare=False)
    facts: NicFacts = field(default_factory=NicFacts, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bond(Link):
    """A kernel bond (Linux: networking/bonding.rst). Its ports are the NICs whose ``master`` it is.

    ``mode`` is the kernel's name (``active-backup``, ``802.3ad`` ...). ``options`` are those that differ from the
    mode's defaults, with the kernel's textual values, for example ``{"miimon": "100", "xmit_hash_policy":
    "layer2+3"}``. ``shaping`` and ``queueing`` as of a NIC.
    """

    mode: str = "active-backup"
    options: Mapping[str, str] = field(default_factory=dict)
    shaping: tuple[TrafficClass, ...] = ()
    queueing: str = field(default="", compare=False)
    active_port: str = field(default="", compare=False)
    partner_mac: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vlan(Link):
    """An 802.1Q device over ``base``."""

    base: str
    tag: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge(Link):
    """A Linux bridge. Its ports are the links whose ``master`` it is, and guest ports.

    ``options`` are desired bridge attributes by their sysfs names (``forward_delay`` in 1/100 s, ``priority`` ...); an
    observed bridge reports those that differ from the kernel's defaults.
    """

    stp: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OvsBridge:
    """An Open vSwitch bridge.

    ``datapath`` is ``system`` (kernel) or ``netdev`` (userspace), see ovs-vswitchd.conf.db(5).
    """

    name: str
    owner: str = ""
    datapath: str = "system"
    stp: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OvsPort(Link):
    """A port of an OVS bridge. Without ``interfaces`` it is an internal port, a link of its own with addresses.

    With one interface it carries that NIC or bond (and has its name); with several it is an OVS bond in ``bond_mode``
    (``active-backup``, ``balance-slb``, ``balance-tcp``) and ``lacp`` (``off``, ``active``, ``passive``). ``tag`` is
    the access VLAN, None for none; ``trunks`` the VLANs that pass tagged (empty without tag: all). ``options`` are
    those of its ``other_config``, and of a bond the columns :data:`netweft.core.ovs_bonds.COLUMNS` that are not 0.
    Link fields other than name and owner mean something for internal ports only.
    """

    bridge: str
    tag: int | None = None
    trunks: tuple[int, ...] = ()
    interfaces: tuple[str, ...] = ()
    bond_mode: str = ""
    lacp: str = "off"
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_internal(self) -> bool:
        """Whether the port is a link of its own, without interfaces."""
        return not self.interfaces


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestPort:
    """The port of a guest's vNIC.

    The guest driver, never a plan, creates and removes it; it is reported so that a plan can name the guests that it
    affects.
    """

    name: str
    vnic: str
    bridge: str
    tag: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chassis:
    """The settings of the host's ovn-controller, which make the host an OVN chassis (ovn-controller(8), Configuration).

    They are in OVSDB, in ``external_ids`` of Open vSwitch as a whole; an empty field means that the key is absent.
    ``system_id`` names the chassis; ``remote`` is the address of OVN's southbound database, ``ssl:192.0.2.1:6642``;
    ``encap_type`` (``geneve``) and ``encap_ip``: how, and at which address of this host, other chassis reach it;
    ``mappings``: the OVS bridge of each physical network, by the physical network's name; ``datapath``: ``system`` or
    ``netdev``, of the bridge that ovn-controller creates. Other keys stay as they are.
    """

    owner: str = ""
    system_id: str = ""
    remote: str = ""
    encap_type: str = ""
    encap_ip: str = ""
    mappings: Mapping[str, str] = field(default_factory=dict)
    datapath: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """All networking of one host.

    ``dns``: the resolvers that we wrote, None when the resolver file is not ours. ``chassis``: None where Open vSwitch
    is not running; an empty one where ovn-controller has no settings. ``unmanaged``: names of links of unsupported
    kinds. ``taken_over``, of a desired host: names of existing links, OVS bridges and OVS ports that we manage from now
    on, as they are.
    """

    nics: Mapping[str, Nic] = field(default_factory=dict)
    bonds: Mapping[str, Bond] = field(default_factory=dict)
    vlans: Mapping[str, Vlan] = field(default_factory=dict)
    bridges: Mapping[str, Bridge] = field(default_factory=dict)
    ovs_bridges: Mapping[str, OvsBridge] = field(default_factory=dict)
    ovs_ports: Mapping[str, OvsPort] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
    dns: tuple[str, ...] | None = None
    chassis: Chassis | None = None
    guest_ports: Mapping[str, GuestPort] = field(default_factory=dict, compare=False)
    unmanaged: tuple[str, ...] = field(default=(), compare=False)
    taken_over: tuple[str, ...] = field(default=(), compare=False)

    def links(self) -> dict[str, Link]:
        """Every kernel link by name: NICs, bonds, VLAN devices, bridges, and the internal ports of OVS bridges."""
        internal = {name: port for name, port in self.ovs_ports.items() if port.is_internal}
        return {**self.nics, **self.bonds, **self.vlans, **self.bridges, **internal}

    def ports_of(self, master: str) -> list[str]:
        """The names of the links that are ports of a bond or Linux bridge, sorted."""
        return sorted(name for name, link in self.links().items() if link.master == master)

    def with_link(self, link: Link) -> Host:
        """The same host with one link put in, or replaced by name, in the map of its kind."""
        part = PART_OF[type(link)]
        return replace(self, **{part: {**getattr(self, part), link.name: link}})  # type: ignore[arg-type]


PART_OF: Mapping[type, str] = {Nic: "nics", Bond: "bonds", Vlan: "vlans", Bridge: "bridges", OvsPort: "ovs_ports"}
"""The map of :class:`Host` in which each kind of link lives."""


class Loss(StrEnum):
    """How much traffic a step costs those who use what it changes: nothing, a moment (under about a second), or
    longer.
    """

    NONE = "none"
    BLIP = "blip"
    OUTAGE = "outage"
