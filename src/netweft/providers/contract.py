"""The contract between Netweft and an external system that provides networks.

A module for a kind of system has a function that connects to one (:data:`Connect`), and is found by an entry point of
the group ``netweft.providers`` whose name is the provider's type:

    [project.entry-points."netweft.providers"]
    neutron = "netweft.providers.neutron:connect"

Every call ends within the time that :attr:`Account.timeout` says, and raises :class:`ProviderError` when the system
could not be reached, refused, or answered what nobody understands.
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
    """The external system could not be reached, refused, or answered what nobody understands. ``code``: oVirt's."""

    status = 409
    code = "PROVIDER_FAILURE"


class LoginError(ProviderError):
    """It does not let us in: the user, the password or the project are wrong, or may not do this."""

    code = "PROVIDER_AUTHENTICATION_FAILURE"


class MissingError(ProviderError):
    """What was asked for is not there."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderNetwork:
    """A network there. ``mtu``: 0 when it does not say."""

    id: str
    name: str
    description: str = ""
    mtu: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSubnet:
    """A subnet of a network there. ``gateway``: empty for none."""

    id: str
    name: str
    description: str = ""
    cidr: str
    ip_version: int
    gateway: str = ""
    dns_servers: tuple[str, ...] = ()


class NetworkProvider(Protocol):
    """A connection to one system. Raises ProviderError from every method."""

    def test(self) -> None:
        """Make sure that it answers as such a system, and lets us in."""

    def networks(self) -> Sequence[ProviderNetwork]:
        """All networks that we may see, by their names; whole, however many it gives at once."""

    def subnets(self, network_id: str) -> Sequence[ProviderSubnet]:
        """All subnets of a network, by their names. Raises MissingError when there is no such network."""


Connect = Callable[[Account], AbstractContextManager[NetworkProvider]]
"""A connection that is closed at the end of the block. Need not talk to the system yet."""
