"""The steps of a plan: what a kernel, an OVSDB or the host's resolver can do atomically.

Each step is a value. The agent executes it (netlink messages in one datagram, or operations in one OVSDB transaction,
so that a step is never half done); :mod:`netweft.core.simulate` predicts it and refuses what the real thing refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from netweft.core.host import Address, Bond, Bridge, Chassis, OvsBridge, OvsPort, Route, Rule, TrafficClass, Vlan


@dataclass(frozen=True, slots=True)
class CreateLink:
    """Create a bond, a VLAN device or a Linux bridge, marked with its owner and with its MTU, MAC (unless empty) and
    options.

    The new link is down, has no master, no addresses, no DHCP client, and accepts no router advertisements. Later steps
    set these fields of ``link``.
    """

    link: Bond | Vlan | Bridge


@dataclass(frozen=True, slots=True)
class DeleteLink:
    """Remove a bond, VLAN device or Linux bridge; the VLAN devices over it go with it, its ports become free (a
    bond's ports go down).
    """

    name: str


@dataclass(frozen=True, slots=True)
class SetOwner:
    """Mark a link as ours, or (``""``) take the mark away."""

    name: str
    owner: str


@dataclass(frozen=True, slots=True)
class SetMaster:
    """Make a link the port of a bond or Linux bridge, or (``""``) free it.

    A link must be down to join a bond, and is down after it left one.
    """

    name: str
    master: str


@dataclass(frozen=True, slots=True)
class SetUp:
    """Set a link administratively up or down.

    Going down loses its routes and, as the kernel has it, its IPv6 addresses.
    """

    name: str
    up: bool


@dataclass(frozen=True, slots=True)
class SetMtu:
    """Set a link's MTU in octets.

    Below 1280 it loses IPv6; when it rises again it accepts no router advertisements at first.
    """

    name: str
    mtu: int


@dataclass(frozen=True, slots=True)
class SetMac:
    """Set a link's MAC address."""

    name: str
    mac: str


@dataclass(frozen=True, slots=True)
class SetBondOptions:
    """Change options of a bond that the kernel accepts while it runs.

    The complete desired set: what is not named returns to the mode's default.
    """

    name: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SetBridgeOptions:
    """Change STP and the options of a Linux bridge.

    The complete desired set: what is not named returns to the kernel's default.
    """

    name: str
    stp: bool
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SetAutoconf:
    """Accept IPv6 router advertisements on a link, or not."""

    name: str
    on: bool


@dataclass(frozen=True, slots=True)
class SetDhcp:
    """Run a DHCP client on a link for the given families; for none, stop it and release its leases, except for an
    address that has become permanent. ``leased_default``: it adds the default route from DHCPv4.
    """

    name: str
    dhcp4: bool
    dhcp6: bool
    leased_default: bool = False


@dataclass(frozen=True, slots=True)
class AddAddress:
    """Put a permanent address on a link."""

    name: str
    address: Address


@dataclass(frozen=True, slots=True)
class RemoveAddress:
    """Take an address off a link. Routes over the link whose gateway it made reachable stay, as the kernel has it."""

    name: str
    address: Address


@dataclass(frozen=True, slots=True)
class AddRoute:
    """Add a route; its link must be up and its gateway reachable through an address of that link."""

    route: Route


@dataclass(frozen=True, slots=True)
class RemoveRoute:
    """Remove a route."""

    route: Route


@dataclass(frozen=True, slots=True)
class AddRule:
    """Add a policy rule."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class RemoveRule:
    """Remove a policy rule."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class SetDns:
    """Write the resolver file, or (None) hand it back as it was before we first wrote it."""

    servers: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class CreateOvsBridge:
    """Make an OVS bridge, marked with its owner."""

    bridge: OvsBridge


@dataclass(frozen=True, slots=True)
class DeleteOvsBridge:
    """Remove an OVS bridge with all its ports."""

    name: str


@dataclass(frozen=True, slots=True)
class SetOvsBridge:
    """Change the owner or STP of an OVS bridge that exists (the datapath never changes: that is a new bridge)."""

    bridge: OvsBridge


@dataclass(frozen=True, slots=True)
class CreateOvsPort:
    """Make a port of an OVS bridge with its owner, tag, trunks, interfaces and bond settings; an internal one with
    its MTU and MAC (unless empty).

    A new internal port is down and has no addresses. A NIC or bond that becomes an interface of the port keeps its
    own addresses.
    """

    port: OvsPort


@dataclass(frozen=True, slots=True)
class SetOvsPort:
    """Change owner, tag, trunks, bond mode, LACP and options of an OVS port that exists (its bridge and interfaces
    never change: that is a new port).
    """

    port: OvsPort


@dataclass(frozen=True, slots=True)
class DeleteOvsPort:
    """Remove a port from its OVS bridge."""

    name: str


@dataclass(frozen=True, slots=True)
class SetChassis:
    """Set all of ovn-controller's settings: a key whose field is empty is removed.

    ovn-controller applies them a moment later; whether it then reaches OVN's southbound database is not part of the
    step.
    """

    chassis: Chassis


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell the neighbours of a link, or of an OVS bridge, where its addresses and the guests plugged into it are now.

    Nothing of the host changes. Repeated a few times over the next seconds, as a carrier may come late.
    """

    name: str


@dataclass(frozen=True, slots=True)
class StartShaping:
    """Shape the traffic that leaves by a NIC or bond; ``rest`` is the class of all that gets no class of its own."""

    name: str
    rest: TrafficClass


@dataclass(frozen=True, slots=True)
class StopShaping:
    """Shape the traffic of a NIC or bond no more: all its classes go."""

    name: str


@dataclass(frozen=True, slots=True)
class AddTrafficClass:
    """Give frames of a VLAN a class of their own on a link whose traffic is shaped."""

    name: str
    traffic: TrafficClass


@dataclass(frozen=True, slots=True)
class SetTrafficClass:
    """Change share and limits of a class. What waits in its queue just then is lost."""

    name: str
    traffic: TrafficClass


@dataclass(frozen=True, slots=True)
class RemoveTrafficClass:
    """Let the frames of a VLAN go with the rest again."""

    name: str
    tag: int


KernelStep: TypeAlias = (
    CreateLink
    | DeleteLink
    | SetOwner
    | SetMaster
    | SetUp
    | SetMtu
    | SetMac
    | SetBondOptions
    | SetBridgeOptions
    | AddAddress
    | RemoveAddress
    | AddRoute
    | RemoveRoute
    | AddRule
    | RemoveRule
    | StartShaping
    | StopShaping
    | AddTrafficClass
    | SetTrafficClass
    | RemoveTrafficClass
)
OvsStep: TypeAlias = (
    CreateOvsBridge | DeleteOvsBridge | SetOvsBridge | CreateOvsPort | SetOvsPort | DeleteOvsPort | SetChassis
)
SystemStep: TypeAlias = SetAutoconf | SetDhcp | SetDns | Announce
Step: TypeAlias = KernelStep | OvsStep | SystemStep
