"""What jobs find out for the request that began them, as values: a job's function returns one, the API reads it.

They are stored as JSON, and shown as such among the jobs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self, TypeVar

import msgspec

from netweft.engine.queue import Outcome

S = TypeVar("S", bound=msgspec.Struct)


class JobResult(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all."""

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """The result of a job that succeeded. Raises msgspec.ValidationError when the job is of another kind."""
        return msgspec.convert(outcome.result, cls)


class FoundNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """A network that a provider has; see :class:`netweft.providers.contract.ProviderNetwork`."""

    id: str
    name: str
    description: str
    mtu: int
    owner: str
    physical_network: str
    vlan_id: int | None


class FoundNetworks(JobResult, frozen=True, kw_only=True):
    """Of the job ``list_provider_networks``."""

    networks: tuple[FoundNetwork, ...]


class FoundSubnet(msgspec.Struct, frozen=True, kw_only=True):
    """A subnet that a provider has; see :class:`netweft.providers.contract.ProviderSubnet`."""

    id: str
    name: str
    description: str
    cidr: str
    ip_version: int
    gateway: str
    dns_servers: tuple[str, ...]
    owner: str


class FoundSubnets(JobResult, frozen=True, kw_only=True):
    """Of the job ``list_provider_subnets``."""

    subnets: tuple[FoundSubnet, ...]


class FoundOrphan(msgspec.Struct, frozen=True, kw_only=True):
    """An object with our mark that is unknown here. ``id``: the one in its mark; ``external_id``: the provider's own;
    ``name``: of a port its MAC address.
    """

    kind: str
    id: str
    external_id: str
    name: str


class FoundOrphans(JobResult, frozen=True, kw_only=True):
    """Of the job ``list_provider_orphans``."""

    orphans: tuple[FoundOrphan, ...]


class FoundClass(msgspec.Struct, frozen=True, kw_only=True):
    """A class of traffic of a fabric. ``mtu``: in octets."""

    name: str
    mtu: int
    is_enabled: bool


class FoundClasses(JobResult, frozen=True, kw_only=True):
    """Of the job ``list_system_classes``."""

    system_classes: tuple[FoundClass, ...]


class MtuRaised(JobResult, frozen=True, kw_only=True):
    """Of the job ``raise_mtu``: the MTU of a class before and after it, in octets, and what that interrupts: hosts of
    the fabric, port profiles (others' as well), networks and running virtual machines of ours.
    """

    system_class: str
    before: int
    mtu: int
    servers: tuple[str, ...] = ()
    port_profiles: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    vms: tuple[str, ...] = ()


def each_as(kind: type[S], found: Iterable[object]) -> tuple[S, ...]:
    """What a provider has given, with the attributes that are kept of it."""
    return tuple(msgspec.convert(one, kind, from_attributes=True) for one in found)
