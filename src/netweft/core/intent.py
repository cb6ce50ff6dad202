"""The intent for one host: networks, attachments, bonds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from netweft.core.limits import DEFAULT_MTU

IPV4: Final = 4
"""The IP version, as in :attr:`IpAssignment.version`; the other is 6."""

SwitchType: TypeAlias = Literal["legacy", "ovs"]
Method: TypeAlias = Literal["none", "static", "dhcp", "autoconf", "poly_dhcp_autoconf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostQos:
    """Limits of a network's outbound traffic on a host: ``link_share`` 1..100, the others in Mbit/s; None: none."""

    link_share: int | None = None
    upper_limit: int | None = None
    real_time: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkIntent:
    """A logical network as hosts need it. ``host_side_name`` is its name on hosts (at most 15 characters).

    ``vlan``: 802.1Q tag, None for untagged. ``mtu``: octets, 0 for the default. ``vm``: guests may be plugged into it.
    ``dns``: resolvers, used if the network carries the default route and the attachment has none; ``qos``: for
    attachments without one of their own.
    """

    id: str
    name: str
    host_side_name: str
    vlan: int | None = None
    mtu: int = 0
    vm: bool = True
    stp: bool = False
    dns: tuple[str, ...] = ()
    port_isolation: bool = False
    qos: HostQos | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IpAssignment:
    """How a network's link on the host gets its address of one IP version. ``address``, ``prefix`` and ``gateway`` (may
    be empty) are for ``static``.
    """

    version: Literal[4, 6] = 4
    method: Method = "none"
    address: str = ""
    prefix: int = 0
    gateway: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentIntent:
    """A network on a NIC or bond of the host. ``nic`` is the name of the NIC or bond, never of a VLAN device.

    ``properties`` are custom properties by name (``bridge_opts``: ``key=value`` pairs with blanks between).
    ``dns``: resolvers of this attachment, None to take the network's. ``qos``: the attachment's own or the network's.
    """

    id: str
    network_id: str
    nic: str
    assignments: tuple[IpAssignment, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    dns: tuple[str, ...] | None = None
    qos: HostQos | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BondIntent:
    """A bond. ``options`` as users write them: ``mode`` as ``0``..``6`` or the kernel's name, ``miimon`` ..., numbers
    or names as values.
    """

    id: str
    name: str
    slaves: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChassisIntent:
    """The host is an OVN chassis (:class:`~netweft.core.host.Chassis`).

    ``system_id``: the host's id in the engine, so that hosts which were cloned from one image differ; a host that was a
    chassis before keeps its name, unless another host has it as well (``is_copy``). ``tunnel_network``: id of the
    network whose address on the host the other chassis send to. ``mappings``: by the name of a physical network, the id
    of its network on the host; not mapped while that is not attached.
    """

    system_id: str
    remote: str
    tunnel_network: str
    encap_type: str = "geneve"
    mappings: Mapping[str, str] = field(default_factory=dict)
    is_copy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited:
    """A link that was taken over: its name, and its MAC address (empty: as we would assign it)."""

    name: str
    mac: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSetup:
    """The setup of a host. ``kept``: owners of networks of another engine that stay on the host
    (:mod:`netweft.core.kept`), and of its chassis. ``inherited``: what was taken over, by the name that we would have
    given it (:mod:`netweft.core.inherited`).
    """

    attachments: tuple[AttachmentIntent, ...] = ()
    bonds: tuple[BondIntent, ...] = ()
    kept: tuple[str, ...] = ()
    inherited: Mapping[str, Inherited] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostIntent(HostSetup):
    """The complete intent for one host. ``networks`` has at least those of the attachments.

    ``default_route_network``: id of the network with that role, empty for none. ``ovs_datapath``: ``system`` (kernel)
    or ``netdev`` (userspace). ``chassis``: None when the host need not be one.
    """

    switch_type: SwitchType = "legacy"
    networks: tuple[NetworkIntent, ...] = ()
    default_route_network: str = ""
    ovs_datapath: str = "system"
    chassis: ChassisIntent | None = None


def network_mtu(network: NetworkIntent) -> int:
    """The MTU of a network on hosts, in octets."""
    return network.mtu or DEFAULT_MTU


def effective_qos(attachment: AttachmentIntent, network: NetworkIntent) -> HostQos | None:
    """The QoS of a network where it is attached: the attachment's own, else the network's, None for none."""
    return attachment.qos or network.qos
