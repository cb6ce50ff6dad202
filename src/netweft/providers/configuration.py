"""The contract between Netweft and an external system that configures a fabric: a configuration provider.

Unlike a provider of networks (:mod:`netweft.providers.contract`) it has no networks of its own: what it does is to let
the fabric carry networks that are Netweft's, by a port profile for each, which guests' interfaces name.

A module for a kind of system has a function that connects to one (:data:`Connect`), and is found by an entry point of
the group ``netweft.configuration_providers`` whose name is the provider's type. Accounts, time and errors are those of
:mod:`netweft.providers.contract`: every call ends, and raises ProviderError when the system could not be reached,
refused, or answered what nobody understands.

Netweft asks again whatever it does not know to be done: ``ensure_...`` makes what is missing and changes what differs,
``remove_...`` is content when nothing is there. What we make there is found again by the id that the network has here,
from the moment when it is made. What others made is neither changed nor removed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from netweft.providers.contract import Account, RefusedError

ENTRY_POINTS = "netweft.configuration_providers"
"""The group of entry points in which modules for kinds of systems are found."""


class MtuError(RefusedError):
    """The fabric carries no frames as long as the network wants. ``system_class``: the class of traffic whose MTU would
    have to be raised, empty where that cannot be done.
    """

    def __init__(self, text: str, *, system_class: str = "") -> None:
        super().__init__(text)
        self.system_class = system_class


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSpec:
    """The desired network in the fabric. ``id``: of the network here; ``name``: shown to the fabric's administrators
    where there is a place for it.

    ``vlan_id``: None for untagged. ``mtu``: octets, 0 for what the fabric gives. ``qos_policy``: the name of a policy
    there that the ports have, empty for none. ``high_performance``: whether guests reach the adapter without the host.
    """

    id: str
    name: str
    vlan_id: int | None = None
    mtu: int = 0
    qos_policy: str = ""
    high_performance: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PortProfile:
    """What guests' interfaces name to be on a network. ``name``: the name there; ``owner``: the id of the network here
    that it was made for, empty when we did not make it. ``mtu``: of the frames that the fabric carries for it, in
    octets, 0 when it does not say. ``members``: the GUIDs of its ports, in a fabric that needs them.
    """

    name: str
    owner: str = ""
    vlan_id: int | None = None
    mtu: int = 0
    members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A host that the fabric connects. ``uuid``: of its hardware, in small letters, with which the host reports itself,
    or the GUID of its adapter of InfiniBand (16 hexadecimal digits), empty where the fabric does not know it; ``name``:
    that the fabric's administrators gave it.
    """

    uuid: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemClass:
    """A class of traffic of the whole fabric. ``mtu``: the longest frames that it carries, in octets."""

    name: str
    mtu: int
    is_enabled: bool = True


class ConfigurationProvider(Protocol):
    """A connection to one system. Raises ProviderError from every method."""

    def test(self) -> None:
        """Make sure that it answers as such a system, and lets us in."""

    def servers(self) -> Sequence[Server]:
        """The hosts that its fabric connects, by their names."""

    def profiles(self) -> Sequence[PortProfile]:
        """All port profiles, others' as well, by their names; whole, however many it gives at once."""

    def ensure_profile(self, spec: ProfileSpec) -> PortProfile:
        """Have the port profile of the network ``spec.id``, and what it needs there. Raises MtuError, RefusedError when
        it cannot be.
        """

    def remove_profile(self, owner: str) -> None:
        """Have no port profile of a network, and nothing that only it needs. Raises RefusedError while it is in use
        there.
        """

    def system_classes(self) -> Sequence[SystemClass]:
        """Its classes of traffic, by their names; none where the MTU is no matter of the fabric as a whole."""

    def raise_mtu(self, system_class: str, mtu: int) -> SystemClass:
        """Let a class carry frames of so many octets, or longer ones if it does already. All traffic of the fabric may
        be interrupted. Raises MissingError without such a class, RefusedError.
        """

    def ensure_member(self, owner: str, guid: str) -> None:
        """Have a port on the profile of a network. Raises MissingError without the profile, RefusedError where ports
        come by themselves.
        """

    def remove_member(self, owner: str, guid: str) -> None:
        """Have a port not on the profile of a network; content without the profile. Raises RefusedError where ports go
        by themselves.
        """


Connect = Callable[[Account], AbstractContextManager[ConfigurationProvider]]
"""A connection that is closed at the end of the block. Need not talk to the system yet."""
