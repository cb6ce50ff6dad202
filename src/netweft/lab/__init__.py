"""A lab on one machine: hosts that are network namespaces, cables, and a switch between them.

All its files are in one folder: the record of what was created (``lab.json``), those of each host (``hosts/NAME``) and
of the switch. docs/lab.md describes the file that a lab is built from. All functions raise :class:`LabError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netweft.lab import agents, namespaces, state
from netweft.lab.agents import Join, run_inside
from netweft.lab.build import build, take_down
from netweft.lab.processes import LabError
from netweft.lab.state import HostState, LabState

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["HostState", "Join", "Lab", "LabError", "LabState", "down", "up"]


def up(path: Path, folder: Path, *, join: Join | None = None) -> Lab:
    """Build the lab of a file and, with ``join``, start an agent on each host. Nothing is left when it fails."""
    lab = Lab(build(path, folder), folder)
    if join:
        try:
            for host in lab.hosts:
                lab.start_agent(host, join)
        except BaseException:
            take_down(folder)
            raise
    return lab


def down(folder: Path) -> None:
    """End and remove everything that the lab in ``folder`` created on the machine, except the logs."""
    take_down(folder)


class Lab:
    """A running lab. ``Lab.load`` opens the one in a folder."""

    def __init__(self, state: LabState, folder: Path) -> None:
        self._state = state
        self.folder = folder

    @classmethod
    def load(cls, folder: Path) -> Lab:
        """The lab in a folder."""
        return cls(state.load(folder), folder)

    @property
    def name(self) -> str:
        """The name in its file."""
        return self._state.name

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of the programs that run beside its hosts."""
        return tuple(self._state.programs)

    @property
    def hosts(self) -> dict[str, HostState]:
        """Its hosts by name."""
        return dict(self._state.hosts)

    @property
    def switch(self) -> str:
        """The network namespace of its switch."""
        return self._state.switch

    def start_agent(self, host: str, join: Join | None = None, *, options: Sequence[str] = ()) -> None:
        """Start a host's agent and wait until it answers; the first time with ``join``.

        ``options``: further command line options.
        """
        agents.start(self._state, self.folder, self._host(host), join, options)

    def stop_agent(self, host: str, *, kill: bool = False) -> None:
        """End a host's agent, with ``kill`` by SIGKILL. The host's networking stays as it is."""
        agents.stop(self._state, self.folder, host, kill=kill)

    def agent_pid(self, host: str) -> int:
        """The process id of a host's agent, which must have been started."""
        return self._state.agents[self._host(host).name].pid

    def cut(self, host: str, nic: str) -> None:
        """Unplug a host's cable at the switch: the NIC loses its carrier."""
        namespaces.ip(self.switch, "link", "set", self._port(host, nic), "down")

    def mend(self, host: str, nic: str) -> None:
        """Plug the cable in again."""
        namespaces.ip(self.switch, "link", "set", self._port(host, nic), "up")

    def run(self, host: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program on a host, to its end."""
        return run_inside(self._host(host).namespace, command)

    def run_in_guest(self, guest_id: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program in a guest of the driver ``namespace``, to its end."""
        return run_inside(f"{agents.GUEST_PREFIX}{guest_id}", command)

    def libvirt_uri(self, host: str) -> str:
        """The URI of a host's libvirt on this machine (``virsh --connect``); empty when it has none."""
        return self._host(host).libvirt

    def down(self) -> None:
        """See :func:`down`."""
        take_down(self.folder)

    def _host(self, name: str) -> HostState:
        if name not in self._state.hosts:
            raise LabError(f"there is no host {name}; the lab has {', '.join(self._state.hosts)}")
        return self._state.hosts[name]

    def _port(self, host: str, nic: str) -> str:
        ports = self._host(host).ports
        if nic not in ports:
            raise LabError(f"host {host} has no NIC {nic}; it has {', '.join(ports)}")
        return ports[nic]
