"""DHCP clients on the host's links: one dhcpcd(8) per link.

We start and stop them, and find them again by what we noted in the agent's run folder.

IPv6 router advertisements stay the kernel's business (``accept_ra``), and dhcpcd touches neither the resolver nor the
host's name: the first are a property of the link in its own right, the second have one writer only
(:mod:`netloom.agent.resolver`).
"""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

_PRIVATE_FOLDERS = 'mount --bind "$1" /run/dhcpcd && mount --bind "$2" /var/lib/dhcpcd && shift 2 && exec "$@"'
"""dhcpcd keeps its files in folders that are compiled in and named after the link only; agents of several network
namespaces of one machine would meet there.
"""

_CONFIGURATION = """\
duid
noipv6rs
noipv4ll
nohook resolv.conf, hostname, ntp
option classless_static_routes, interface_mtu
{families}
interface {link}
{leases}
"""

_STOP_PATIENCE = 5.0
"""Seconds that a client has to release its lease."""


class DhcpError(Exception):
    """The client cannot be started."""


@dataclass(frozen=True, slots=True)
class _Client:
    pid: int
    started: str
    dhcp4: bool
    dhcp6: bool

    @property
    def runs(self) -> bool:
        return _start_time(self.pid) == self.started


class Dhcp:
    """The DHCP clients of one agent.

    ``folder`` is ours alone and is emptied by a reboot, like the processes that it tells of.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def running(self) -> dict[str, tuple[bool, bool]]:
        """The links that a client runs on, each with whether it does DHCPv4 and DHCPv6."""
        return {name: (client.dhcp4, client.dhcp6) for name, client in self._clients().items()}

    def run(self, link: str, *, dhcp4: bool, dhcp6: bool) -> None:
        """Run a client for the families named, and for none stop it; it gives back the addresses that it had.

        Raises DhcpError.
        """
        if self.running().get(link, (False, False)) == (dhcp4, dhcp6):
            return
        self.stop(link)
        if dhcp4 or dhcp6:
            self._start(link, dhcp4=dhcp4, dhcp6=dhcp6)

    def stop(self, link: str) -> None:
        """Have the client of a link release its lease and end; nothing happens when there is none."""
        client = self._clients().get(link)
        if client:
            # dhcpcd(8): SIGALRM is what `dhcpcd --release` sends.
            for way in (signal.SIGALRM, signal.SIGTERM, signal.SIGKILL):
                if self._ended(link, client, way):
                    break
        self._note(link).unlink(missing_ok=True)

    def _ended(self, link: str, client: _Client, way: signal.Signals) -> bool:
        deadline = monotonic() + _STOP_PATIENCE
        if client.runs:
            os.kill(client.pid, way)
        while client.runs and monotonic() < deadline:
            child = self._children.get(link)
            if child and child.pid == client.pid:
                child.poll()
            sleep(0.02)
        return not client.runs

    def _start(self, link: str, *, dhcp4: bool, dhcp6: bool) -> None:
        run, state = self._folder / "run", self._folder / "lib"
        for folder in (Path("/run/dhcpcd"), Path("/var/lib/dhcpcd"), run, state):
            folder.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / f"{link}.conf"
        families = "" if dhcp4 and dhcp6 else "ipv4only" if dhcp4 else "ipv6only"
        configuration.write_text(_CONFIGURATION.format(link=link, families=families, leases="ia_na" if dhcp6 else ""))
        command = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "--",
            "sh",
            "-c",
            _PRIVATE_FOLDERS,
            "sh",
            str(run),
            str(state),
        ]
        command += ["dhcpcd", "--nobackground", "--config", str(configuration), "--script", "/bin/true", link]
        with (self._folder / f"{link}.log").open("wb") as log:
            try:
                child = subprocess.Popen(  # noqa: S603 -- fixed words, our own folders, and the name of a link
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            except OSError as error:
                raise DhcpError(f"dhcpcd for {link} does not start: {error}") from error
        self._children[link] = child
        temporary = self._folder / f"{link}.new"
        temporary.write_text(f"{child.pid} {_start_time(child.pid)} {int(dhcp4)} {int(dhcp6)}\n")
        temporary.rename(self._note(link))

    def _clients(self) -> dict[str, _Client]:
        found = {}
        for path in self._folder.glob("*.client"):
            pid, started, dhcp4, dhcp6 = path.read_text().split()
            client = _Client(int(pid), started, dhcp4 == "1", dhcp6 == "1")
            child = self._children.get(path.stem)
            if child:
                child.poll()
            if client.runs:
                found[path.stem] = client
        return found

    def _note(self, link: str) -> Path:
        return self._folder / f"{link}.client"


def _start_time(pid: int) -> str:
    """When a process started, which tells it from a later one with its number; empty when it does not run any more.

    In the kernel's ticks (proc(5), field 22 of stat).
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in {"Z", "X"} else fields[19]
