"""A private Open vSwitch.

Its database and sockets are in a folder of their own. Its bridges are in a network namespace and forward frames in
user space, which needs no kernel module.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netweft.lab import namespaces
from netweft.lab.processes import LabError, Process, check_socket_path, end, run, spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
"""The database schema in Debian's package openvswitch-switch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVSwitch:
    """A running private Open vSwitch. ``socket``: the absolute path at which its database listens."""

    folder: Path
    namespace: str
    processes: tuple[Process, ...]

    @property
    def socket(self) -> Path:
        """The absolute path at which the database listens."""
        return self.folder / "db.sock"

    def vsctl(self, *arguments: str) -> None:
        """Run ovs-vsctl and wait until ovs-vswitchd has applied the change. Raises LabError."""
        run(["ovs-vsctl", "--timeout=20", f"--db=unix:{self.socket}", *arguments])

    def stop(self) -> None:
        """End it; ovs-vswitchd removes the devices of its bridges. The folder stays."""
        end(self.processes)


def start(folder: Path, namespace: str, started: Callable[[Process], None] = lambda _: None) -> OpenVSwitch:
    """Start an Open vSwitch in a folder (created if missing; an existing database is kept) and a network namespace.

    ``started`` is called with each process once it exists. Raises LabError, with nothing left running.
    """
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    switch = OpenVSwitch(folder=folder, namespace=namespace, processes=())
    check_socket_path(switch.socket)
    if not (folder / "conf.db").exists():
        run(["ovsdb-tool", "create", str(folder / "conf.db"), SCHEMA])
    processes: list[Process] = []
    try:
        for command in (_server(switch), _daemon(switch)):
            process = spawn(command, log=folder / "ovs.log", env={**os.environ, "OVS_RUNDIR": str(folder)})
            processes.append(process)
            started(process)
            if len(processes) == 1:
                _await_socket(switch.socket, process)
                run(["ovs-vsctl", "--timeout=20", "--no-wait", f"--db=unix:{switch.socket}", "init"])
        version = run(["ovs-vswitchd", "--version"]).split()[3]  # what ovs-ctl does on a production host
        switch.vsctl("set", "Open_vSwitch", ".", f"external_ids:system-id={namespace}", f"ovs_version={version}")
    except BaseException:
        end(processes)
        raise
    return OpenVSwitch(folder=folder, namespace=namespace, processes=tuple(processes))


def _await_socket(path: Path, process: Process) -> None:
    """Wait until the database answers; ovs-vsctl would try only once a second."""
    while process.is_alive:
        with socket.socket(socket.AF_UNIX) as endpoint:
            if endpoint.connect_ex(str(path)) == 0:
                return
        time.sleep(0.005)
    raise LabError(f"ovsdb-server ended; {path.parent / 'ovs.log'} shows why")


def _server(switch: OpenVSwitch) -> Sequence[str]:
    folder = switch.folder
    remotes = (f"--remote=punix:{switch.socket}", f"--unixctl={folder / 'ovsdb-server.ctl'}")
    return ("ovsdb-server", str(folder / "conf.db"), *remotes, "--no-chdir", "-vconsole:warn", "-vsyslog:off")


def _daemon(switch: OpenVSwitch) -> Sequence[str]:
    control = f"--unixctl={switch.folder / 'ovs-vswitchd.ctl'}"
    inside = ("nsenter", f"--net={namespaces.FOLDER / switch.namespace}")
    return (*inside, "ovs-vswitchd", f"unix:{switch.socket}", control, "--no-chdir", "-vconsole:warn", "-vsyslog:off")
