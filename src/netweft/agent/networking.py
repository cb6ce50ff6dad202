"""The protocol of drivers of a host's networking: of a kernel with its Open vSwitch, or of a simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from netweft.core.host import Chassis, Host
    from netweft.core.peers import LinkPeer
    from netweft.core.protocol import LinkCounters
    from netweft.core.steps import Step

Progress: TypeAlias = "Callable[[int], None]"
"""Called with the number of finished steps during an execution. An exception stops the execution."""


class NetworkingError(Exception):
    """The host refused a step, or could not be observed; the message says which and why."""


class Networking(Protocol):
    """All networking of one host. Only one thread may execute steps at a time; observing is thread-safe."""

    def observe(self) -> Host:
        """The current networking of the host. Raises NetworkingError."""

    def execute(self, steps: Sequence[Step], progress: Progress) -> None:
        """Execute the steps in order.

        Raises NetworkingError at the first that is refused; those before it are done.
        """

    def why_no_chassis(self, chassis: Chassis) -> str:
        """Why the host is not this chassis of OVN, as it is configured to be: a clause, empty when it is."""

    def forget_chassis(self, former: Chassis, present: Chassis) -> None:
        """Remove a former chassis of the host from OVN, unless it is the present one by another address of OVN. Raises
        NetworkingError when OVN cannot be reached.
        """

    def link_peers(self) -> Sequence[LinkPeer]:
        """The known neighbours of the host on its links, including recent ones. Raises NetworkingError."""

    def answering(
        self, peers: Collection[LinkPeer], patience: float, is_over: Callable[[], bool]
    ) -> frozenset[LinkPeer]:
        """Probe the peers and return those that answer within ``patience`` seconds. Returns earlier when all have
        answered or ``is_over`` returns true. Raises NetworkingError.
        """

    def set_functions(self, nic: str, count: int) -> None:
        """Set the number of virtual functions of a NIC, also for later boots. Raises NetworkingError."""

    def statistics(self) -> Mapping[str, LinkCounters]:
        """Counters of every link. Raises NetworkingError."""

    def boot(self) -> str:
        """The boot id of the machine."""
