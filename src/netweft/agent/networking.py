"""The driver of a host's networking: one protocol, behind which is a kernel with its Open vSwitch, or a simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from netweft.core.host import Chassis, Host
    from netweft.core.peers import LinkPeer
    from netweft.core.protocol import LinkCounters
    from netweft.core.steps import Step

Progress: TypeAlias = "Callable[[int], None]"
"""Told, while steps are executed, how many are done. What it raises stops the execution there."""


class NetworkingError(Exception):
    """The host refused a step, or could not be looked at; the message says which and why."""


class Networking(Protocol):
    """All networking of one host. Executing happens in one thread at a time; observing in any, also meanwhile."""

    def observe(self) -> Host:
        """What the host has now. Raises NetworkingError."""

    def execute(self, steps: Sequence[Step], progress: Progress) -> None:
        """Do the steps in order.

        Raises NetworkingError at the first that is refused; those before it are done, none after it.
        """

    def why_no_chassis(self, chassis: Chassis) -> str:
        """Why the host, which is told to be this chassis of OVN, is not one just now: a clause, empty when it is."""

    def forget_chassis(self, former: Chassis, present: Chassis) -> None:
        """Have OVN let go of a chassis that the host was, unless that is what it is, by another of OVN's addresses.
        Raises NetworkingError when OVN cannot be reached.
        """

    def link_peers(self) -> Sequence[LinkPeer]:
        """Whom the host knows to be next to it on its links, or knew lately. Raises NetworkingError."""

    def answering(
        self, peers: Collection[LinkPeer], patience: float, is_over: Callable[[], bool]
    ) -> frozenset[LinkPeer]:
        """Those of them that answer when they are asked now, within ``patience`` seconds; sooner when all have, or when
        ``is_over`` says so. Raises NetworkingError.
        """

    def set_functions(self, nic: str, count: int) -> None:
        """Let a NIC have that many virtual functions, also after a boot. Raises NetworkingError."""

    def statistics(self) -> Mapping[str, LinkCounters]:
        """Counters of every link. Raises NetworkingError."""

    def boot(self) -> str:
        """Differs from one boot of the machine to the next, and only then."""
