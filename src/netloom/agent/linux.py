"""The networking of a real Linux host: what stands behind the agent's doors when they are not simulated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from netloom.agent.dhcp import Dhcp
from netloom.agent.doors import Doors
from netloom.agent.execute import execute, prepare
from netloom.agent.netlink import Netlink
from netloom.agent.networking import NetworkingError
from netloom.agent.observe import counters, observe
from netloom.agent.ovsdb import Ovsdb, OvsdbError
from netloom.agent.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from netloom.agent.networking import Progress
    from netloom.core.host import Host
    from netloom.core.protocol import LinkCounters
    from netloom.core.steps import Step

_Result = TypeVar("_Result")


class LinuxNetworking:
    """The kernel, Open vSwitch and resolver of this host, or of the network namespace that the agent was started in.

    Implements :class:`netloom.agent.networking.Networking`.
    """

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        prepare()

    def observe(self) -> Host:
        """What the host has now. Raises NetworkingError."""
        return _looking(lambda: observe(self._doors))

    def execute(self, steps: Sequence[Step], progress: Progress) -> None:
        """Do the steps in order.

        Raises NetworkingError at the first that is refused; of those after it some may have been done.
        """
        _looking(lambda: execute(steps, self._doors, progress))

    def statistics(self) -> Mapping[str, LinkCounters]:
        """Counters of every link. Raises NetworkingError."""
        return _looking(lambda: counters(self._doors.netlink))

    def boot(self) -> str:
        """The kernel's own number of this boot, and the namespace, which does not outlive its host's boot either."""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}-{Path('/proc/thread-self/ns/net').readlink()}"


def open_linux(run: Path, *, resolver: Path, state: Path, ovsdb: str | None) -> LinuxNetworking:
    """Open the doors of the host that the calling thread is in. Raises OSError.

    ``run``: the agent's folder that a reboot empties; ``state``: the one that stays; ``resolver``: the resolver file;
    ``ovsdb``: the socket of Open vSwitch's database, None without it.
    """
    dhcp = run / "dhcp"
    dhcp.mkdir(parents=True, exist_ok=True)
    doors = Doors(
        netlink=Netlink(),
        dhcp=Dhcp(dhcp),
        resolver=Resolver(resolver, state / "resolver-found"),
        ovsdb=Ovsdb(ovsdb) if ovsdb else None,
    )
    return LinuxNetworking(doors)


def _looking(work: Callable[[], _Result]) -> _Result:
    try:
        return work()
    except (OSError, OvsdbError) as error:
        raise NetworkingError(str(error)) from error
