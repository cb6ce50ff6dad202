"""The contract between Netweft and an external system that provides networks.

A module for a kind of system has a function that connects to one (:data:`Connect`), and is found by an entry point of
the group ``netweft.providers`` whose name is the provider's type:

    [project.entry-points."netweft.providers"]
    neutron = "netweft.providers.neutron:connect"

Every call ends within the time that :attr:`Account.timeout` says, and raises :class:`ProviderError` when the system
could not be reached, refused, or answered what nobody understands.

Netweft asks again whatever it does not know to be done: ``ensure_...`` makes what is missing and changes what differs,
``remove_...`` is content when nothing is there. What we make there is marked with the id that it has here, from the
moment when it is made, so that it is found again when the answer was lost. What does not bear our mark is neither
changed nor removed, but for the ports that we make on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from netweft.core.errors import NetweftError

ENTRY_POINTS = "netweft.providers"
"""The group of entry points in which modules for kinds of systems are found."""


class ProviderError(NetweftError):
    """The external system could not be reached, refused the request, or sent an invalid answer. ``code``: oVirt's."""

    status = 409
    code = "PROVIDER_FAILURE"


class LoginError(ProviderError):
    """The provider refused the login or the operation: wrong user, password or project, or no permission."""

    code = "PROVIDER_AUTHENTICATION_FAILURE"


class MissingError(ProviderError):
    """The requested object does not exist."""


class RefusedError(ProviderError):
    """The external system refused the request: it conflicts with an object there, or is not supported."""


class BindingError(ProviderError):
    """It cannot have the port on that host: no agent of its lives there, or has not the physical network."""

    code = "PROVIDER_BINDING_FAILED"


class CertificateError(ProviderError):
    """Its TLS certificate is not the one that was imported, or of no authority that the machine trusts."""

    code = "PROVIDER_SSL_FAILURE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where a system is, and how one gets in. ``certificate``: PEM of the authorities, or of the certificate itself,
    that its TLS certificates are verified with; empty for those that the machine trusts. ``timeout``: seconds that it
    may keep silent in a call.
    """

    url: str
    requires_authentication: bool = False
    authentication_url: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    tenant_name: str = ""
    project_name: str = ""
    user_domain_name: str = ""
    project_domain_name: str = ""
    region: str = ""
    certificate: str = ""
    timeout: float = 10.0

    @property
    def longest(self) -> float:
        """Seconds that a single request to it may take as a whole, however steadily it answers."""
        return 3 * self.timeout


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """A network as it shall be there. ``id``: of the network here. ``mtu``: in octets, 0 for what the system gives.

    ``physical_network``: the system's name of the wire that it is on, empty for a network of tunnels; ``vlan_id``: on
    that wire, None for untagged. Neither can change later. ``port_security``: whether ports let only their own
    addresses pass, unless they say otherwise.
    """

    id: str
    name: str
    description: str = ""
    mtu: int = 0
    physical_network: str = ""
    vlan_id: int | None = None
    port_security: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderNetwork:
    """A network there. ``owner``: the id of the network here that it was made for, empty when we did not make it.

    ``mtu``: 0 when it does not say. ``physical_network``, ``vlan_id``: as in :class:`NetworkSpec`.
    """

    id: str
    name: str
    description: str = ""
    mtu: int = 0
    owner: str = ""
    physical_network: str = ""
    vlan_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetSpec:
    """A subnet as it shall be there. ``id``: of the subnet here; ``network_id``: of its network there.

    ``cidr`` cannot change later. ``gateway``: empty for none. ``pools``: first and last address of each range that
    addresses are given from, empty for all. ``routes``: destination (a CIDR) and next hop of each. ``dhcp``: whether
    the system tells guests their addresses.
    """

    id: str
    network_id: str
    name: str
    cidr: str
    gateway: str = ""
    pools: tuple[tuple[str, str], ...] = ()
    dns_servers: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()
    dhcp: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSubnet:
    """A subnet of a network there. ``gateway``: empty for none. ``owner``: the id of the subnet here that it was made
    for, empty when we did not make it.
    """

    id: str
    name: str
    description: str = ""
    cidr: str
    ip_version: int
    gateway: str = ""
    dns_servers: tuple[str, ...] = ()
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSpec:
    """A port as it shall be there. ``id``: of the vNIC here; ``device_id``: of its virtual machine.

    ``addresses``: that the guest has by it; empty for those that the system chooses. ``security_groups``: their ids or
    names there, None for the system's default; ``port_security``: None for the network's.
    """

    id: str
    network_id: str
    name: str
    mac_address: str
    device_id: str
    addresses: tuple[str, ...] = ()
    security_groups: tuple[str, ...] | None = None
    port_security: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPort:
    """A port there. ``owner``: the id of the vNIC that it was made for, empty when we did not make it.

    ``host``: where it is bound, empty for nowhere; ``bridge``: the OVS bridge there that the guest is plugged into,
    with ``id`` as the interface's id. ``is_active``: whether frames pass. ``mtu``: of its network, in octets, 0 when
    the system does not say.
    """

    id: str
    network_id: str
    mac_address: str
    addresses: tuple[str, ...] = ()
    owner: str = ""
    host: str = ""
    bridge: str = ""
    is_active: bool = False
    mtu: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderHost:
    """A host on which the system can have ports. ``name``: its name in the system, usually its host name.

    ``is_alive``: whether its agent works. ``physical_networks``: that are wired to it.
    """

    name: str
    is_alive: bool
    physical_networks: frozenset[str] = frozenset()


class NetworkProvider(Protocol):
    """A connection to one system. Raises ProviderError from every method."""

    def test(self) -> None:
        """Make sure that it answers as such a system, and lets us in."""

    def hosts(self) -> Sequence[ProviderHost]:
        """The hosts on which it can have ports, by their names. None where it does not say."""

    def networks(self) -> Sequence[ProviderNetwork]:
        """All networks that we may see, by their names; whole, however many it gives at once."""

    def ensure_network(self, spec: NetworkSpec) -> ProviderNetwork:
        """Have the network that bears the mark of ``spec.id``. Raises RefusedError when it cannot become so."""

    def remove_network(self, owner: str) -> None:
        """Have no network, with its subnets, that bears the mark. Raises RefusedError while it is in use there."""

    def subnets(self, network_id: str) -> Sequence[ProviderSubnet]:
        """All subnets of a network, by their names. Raises MissingError when there is no such network."""

    def ensure_subnet(self, spec: SubnetSpec) -> ProviderSubnet:
        """Have the subnet that bears the mark of ``spec.id``, and on no other network: one that ours was made again for
        may still have it. Raises MissingError without its network, RefusedError.
        """

    def remove_subnet(self, owner: str) -> None:
        """Have no subnet that bears the mark. Raises RefusedError while it is in use there."""

    def ports(self) -> Sequence[ProviderPort]:
        """All ports that bear our mark, by their owners; whole."""

    def ensure_port(self, spec: PortSpec) -> ProviderPort:
        """Have the port that bears the mark of ``spec.id``, and on no other network; where it is bound stays as long as
        its network does. Raises MissingError without its network or a security group, RefusedError when somebody has
        its MAC or IP address.
        """

    def bind_port(self, owner: str, host: str) -> ProviderPort:
        """Bind the port that bears the mark to a host, and to no other. ``host``: by any of its names, short or full.

        Raises MissingError without the port, BindingError when the host cannot have it: the port is bound nowhere then.
        """

    def admit_port(self, owner: str, host: str) -> ProviderPort:
        """Have a bound port ready on a second host, that its guest is about to move to; :meth:`bind_port` decides.

        What a system cannot prepare happens at :meth:`bind_port` alone. Raises MissingError, BindingError, RefusedError
        when it is bound nowhere; the port stays as it was.
        """

    def port(self, owner: str) -> ProviderPort | None:
        """The port that bears the mark, None when there is none."""

    def remove_port(self, owner: str) -> None:
        """Have no port that bears the mark."""


Connect = Callable[[Account], AbstractContextManager[NetworkProvider]]
"""A connection that is closed at the end of the block. Need not talk to the system yet."""
