"""Starts and ends the agents of a lab's hosts, and runs programs beside them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netweft.core.protocol import AGENT_PORT
from netweft.lab import libvirt, namespaces
from netweft.lab.processes import LabError, Process, await_answer, end, spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from netweft.lab.state import HostState, LabState

GUEST_PREFIX = "nwg-"
"""Prefix of the namespaces of guests, as in the guest driver ``namespace``; their ids follow."""

_READY = 60.0
"""Seconds for a host's libvirt to get its certificate; generous, for busy machines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """How hosts join an engine: its URL, its authority's fingerprint, and a function that returns a one-time token.

    The function gets the host's name and the address at which the engine reaches it.
    """

    url: str
    fingerprint: str
    token: Callable[[str, str], str]


def host_folder(folder: Path, host: str) -> Path:
    """The folder of a host's files: ``agent.log``, ``resolv.conf``, ``state``, ``run``, ``ovs``, ``virt``."""
    return folder.absolute() / "hosts" / host


def libvirt_folder(folder: Path, host: str) -> Path:
    """The folder of a host's libvirt. The name is short because it is part of a socket's path."""
    return host_folder(folder, host) / "virt"


def guests_of(folder: Path, host: str) -> list[str]:
    """Ids of the guests that a host's agent has recorded."""
    return sorted(path.stem for path in (host_folder(folder, host) / "state" / "guests").glob("*.json"))


def dhcp_servers_of(folder: Path, host: str) -> list[Process]:
    """The DHCP servers of a host's guests, from their pid files: they run in unnamed namespaces of their own."""
    files = (host_folder(folder, host) / "run" / "guest-dhcp").glob("*.server")
    servers = [
        Process(pid=int(pid), started=int(started)) for pid, started in (one.read_text().split() for one in files)
    ]
    return [process for process in servers if process.is_alive]


def start(lab: LabState, folder: Path, host: HostState, join: Join | None, options: Sequence[str] = ()) -> None:
    """Start a host's agent and wait until it answers. Without ``join`` it must have joined an engine before.

    ``options``: further command line options. Raises LabError.
    """
    place = host_folder(folder, host.name)
    place.mkdir(parents=True, exist_ok=True)
    resolver = place / "resolv.conf"
    resolver.touch()
    command = [
        *namespaces.inside_as_host(host.namespace),
        *(sys.executable, "-m", "netweft.agent"),
        *("--state", str(place / "state"), "--run", str(place / "run"), "--resolv-conf", str(resolver)),
        *("--ovsdb", str(place / "ovs" / "db.sock"), "--ovn", str(place / "ovs")),
        *("--lldpd", str(place / "lldpd.socket")),  # not this machine's, whose NICs may have the same names
        *("--guests", host.guests, "--hostname", host.name),
        *("--listen", f"0.0.0.0:{AGENT_PORT}", "--boot-id", host.namespace, "--boot-wait", "5"),
        *options,
    ]
    if host.libvirt:
        command += ["--libvirt-uri", host.libvirt]
        command += ["--pki", str(libvirt.pki(libvirt_folder(folder, host.name)))]
    environment = dict(os.environ)
    if join:
        command += [
            "--enroll",
            join.url,
            "--ca-fingerprint",
            join.fingerprint,
            "--address",
            f"https://{host.address}:{AGENT_PORT}",
        ]
        environment["NETWEFT_ENROLL_TOKEN"] = join.token(host.name, host.address)
    process = spawn(command, log=place / "agent.log", env=environment)
    lab.agents[host.name] = process
    lab.save(folder)
    await_answer(f"the agent of {host.name}", (host.address, AGENT_PORT), process, place / "agent.log")
    if host.libvirt and join:
        _accept_guests(lab, folder, host)


def _accept_guests(lab: LabState, folder: Path, host: HostState) -> None:
    """Restart a host's libvirt with the host's certificates, so that it accepts guests from other hosts."""
    certificate = libvirt.pki(libvirt_folder(folder, host.name)) / "libvirt" / "servercert.pem"
    deadline = time.monotonic() + _READY
    while not certificate.exists():
        if time.monotonic() > deadline:
            raise LabError(f"the agent of {host.name} has not given its libvirt a certificate")
        time.sleep(0.05)
    end([lab.libvirts.pop(host.name)])
    start_libvirt(lab, folder, host, listen=True)


def start_libvirt(lab: LabState, folder: Path, host: HostState, *, listen: bool = False) -> None:
    """Start a host's libvirt; see libvirt.start for ``listen``. Raises LabError."""

    def started(process: Process) -> None:
        lab.libvirts[host.name] = process
        lab.save(folder)

    switch = host_folder(folder, host.name) / "ovs"
    place = libvirt_folder(folder, host.name)
    libvirt.start(place, host.namespace, open_vswitch=switch, listen=listen, started=started)


def stop(lab: LabState, folder: Path, host: str, *, kill: bool = False) -> None:
    """End a host's agent, with ``kill`` by SIGKILL. Nothing happens when it does not run."""
    process = lab.agents.pop(host, None)
    if process is None:
        return
    if kill:
        process.send(signal.SIGKILL)
    end([process])
    lab.save(folder)


def run_inside(namespace: str, command: Sequence[str], timeout: float = 30.0) -> subprocess.CompletedProcess[str]:
    """Run a program in a namespace to its end. Raises LabError when it cannot be started or takes too long."""
    try:
        return subprocess.run(  # noqa: S603 - the caller is the person at the machine, and no shell reads it
            [*namespaces.inside(namespace), *command], check=False, capture_output=True, text=True, timeout=timeout
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"{' '.join(command)} in {namespace}: {error}") from error
