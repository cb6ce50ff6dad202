"""This machine's networking as a driver: the kernel, Open vSwitch and the resolver behind one protocol."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from netweft.agent.announce import Announcer
from netweft.agent.execute import execute, prepare
from netweft.agent.handles import Handles
from netweft.agent.held import Held
from netweft.agent.neighbour_table import answered_peers, answering
from netweft.agent.netlink import Netlink, NetlinkError
from netweft.agent.networking import NetworkingError
from netweft.agent.observe import counters, observe
from netweft.agent.ovn_controller import RUN_DIRECTORY, why_not_connected
from netweft.agent.ovn_southbound import SouthboundError, forget, why_not_registered
from netweft.agent.ovsdb_session import OvsdbError
from netweft.agent.rates import Rates

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from netweft.agent.dhcp import Dhcp
    from netweft.agent.functions import Functions
    from netweft.agent.networking import Progress
    from netweft.agent.ovsdb import Ovsdb
    from netweft.agent.resolver import Resolver
    from netweft.core.guest_protocol import GuestNic
    from netweft.core.host import Chassis, Host
    from netweft.core.peers import LinkPeer
    from netweft.core.protocol import LinkCounters
    from netweft.core.steps import Step

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""random(4): a new value at each boot."""


class MachineNetworking:
    """Implements ``Networking``.

    Every call has a netlink socket of its own, so that observing the host does not wait for a change.

    ``boot``: the boot id; a lab host, which "boots" when its namespace is created, has another one than its machine.
    ``ovn``: the run directory of ovn-controller. ``guests``: returns the vNICs of the running guests, which are
    announced after a change of their bridge's uplink.
    """

    def __init__(
        self,
        *,
        dhcp: Dhcp,
        resolver: Resolver,
        ovsdb: Ovsdb | None,
        boot: str,
        functions: Functions,
        ovn: Path = Path(RUN_DIRECTORY),
        guests: Callable[[], Sequence[GuestNic]] = tuple,
    ) -> None:
        self._dhcp = dhcp
        self._resolver = resolver
        self._ovsdb = ovsdb
        self._boot = boot
        self._functions = functions
        self._ovn = ovn
        self._rates = Rates()
        self._announcer = Announcer(ovsdb, guests)
        self._held = Held()
        prepare()

    def observe(self) -> Host:
        """See Networking."""
        with self._handles() as handles:
            return observe(handles)

    def execute(self, steps: Sequence[Step], progress: Progress) -> None:
        """See Networking."""
        with self._handles() as handles:
            execute(steps, handles, progress)

    def why_no_chassis(self, chassis: Chassis) -> str:
        """See Networking: whether ovn-controller is connected to its southbound database and registered there."""
        reason = why_not_connected(self._ovn)
        return reason or (why_not_registered(self._ovsdb, chassis) if self._ovsdb else "there is no Open vSwitch")

    def forget_chassis(self, former: Chassis, present: Chassis) -> None:
        """See Networking."""
        try:
            if self._ovsdb:
                forget(self._ovsdb, former, present)
        except (OvsdbError, SouthboundError) as error:
            raise NetworkingError(f"chassis {former.system_id} could not be removed from OVN: {error}") from error

    def link_peers(self) -> Sequence[LinkPeer]:
        """See Networking. From the kernel's neighbour table."""
        with self._handles() as handles:
            return answered_peers(handles.netlink)

    def answering(
        self, peers: Collection[LinkPeer], patience: float, is_over: Callable[[], bool]
    ) -> frozenset[LinkPeer]:
        """See Networking."""
        with self._handles() as handles:
            return answering(handles.netlink, peers, patience, is_over)

    def set_functions(self, nic: str, count: int) -> None:
        """See Networking."""
        self._functions.set(self.observe(), nic, count)

    def statistics(self) -> Mapping[str, LinkCounters]:
        """See Networking."""
        with self._handles() as handles:
            return self._rates.measure(counters(handles.netlink), monotonic())

    def boot(self) -> str:
        """See Networking."""
        return self._boot

    @contextmanager
    def _handles(self) -> Iterator[Handles]:
        try:
            with Netlink() as netlink:
                yield Handles(
                    netlink=netlink,
                    dhcp=self._dhcp,
                    resolver=self._resolver,
                    announcer=self._announcer,
                    held=self._held,
                    ovsdb=self._ovsdb,
                )
        except (NetlinkError, OvsdbError) as error:
            raise NetworkingError(str(error)) from error
