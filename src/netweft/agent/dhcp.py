"""DHCP clients on the host's links: one dhcpcd(8) per link.

They are identified by pid files in the agent's run folder.

The kernel handles IPv6 router advertisements (``accept_ra``), because they are a setting of the link of its own. dhcpcd
changes neither the resolver, which has one writer only (:mod:`netweft.agent.resolver`), nor the host's name.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from netweft.agent.processes import NOTE, POLL_INTERVAL, Background, Process, start_time

_LAUNCH = f"""\
mount --bind "$1" /run/dhcpcd && mount --bind "$2" /var/lib/dhcpcd || exit
note=$3 families=$4
shift 4
{NOTE.format(more=" $families")}
exec "$@"
"""
"""Starts the client in a mount namespace of its own.

dhcpcd's folders are compiled in, and its files are named after the link only; without separate mounts, agents in
several network namespaces of one machine would share them.
"""

_CONFIGURATION = """\
duid
persistent
noipv6rs
noipv4ll
nohook resolv.conf, hostname, ntp
option classless_static_routes, interface_mtu
{families}
{gateway}
interface {link}
{leases}
"""


class DhcpError(Exception):
    """The client cannot be started."""


@dataclass(frozen=True, slots=True)
class _Client:
    process: Process
    dhcp4: bool
    dhcp6: bool
    leased_default: bool


class Dhcp:
    """The DHCP clients of one agent.

    ``folder``: for their files only; emptied by a reboot, which also ends the processes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._background = Background()

    def running(self) -> dict[str, tuple[bool, bool, bool]]:
        """The links with a client, and whether it uses DHCPv4, DHCPv6, and sets the default route."""
        clients = self._clients().items()
        return {name: (client.dhcp4, client.dhcp6, client.leased_default) for name, client in clients}

    def start(self, link: str, *, dhcp4: bool, dhcp6: bool, leased_default: bool) -> None:
        """Start a client for these families on a link without one. Raises DhcpError."""
        if dhcp4 or dhcp6:
            self._start(link, dhcp4=dhcp4, dhcp6=dhcp6, leased_default=leased_default)

    def stop(self, link: str, *, release: bool = True) -> None:
        """Release the lease of a link's client and end it; nothing happens without a client.

        Without ``release`` its addresses and routes stay on the link, for the caller to handle.
        """
        client = self._clients().get(link)
        if client:
            # SIGALRM is what `dhcpcd --release` sends; a client that has just started misses the first.
            releasing = (signal.SIGALRM, signal.SIGALRM) if release else ()
            ways = (*releasing, signal.SIGTERM, signal.SIGTERM, signal.SIGKILL)
            self._background.end(client.process, ways)
        self._note(link).unlink(missing_ok=True)

    def _start(self, link: str, *, dhcp4: bool, dhcp6: bool, leased_default: bool) -> None:
        run, state = self._folder / "run", self._folder / "lib"
        for folder in (Path("/run/dhcpcd"), Path("/var/lib/dhcpcd"), run, state):
            folder.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / f"{link}.conf"
        families = "" if dhcp4 and dhcp6 else "ipv4only" if dhcp4 else "ipv6only"
        gateway = "" if leased_default else "nogateway"
        leases = "ia_na" if dhcp6 else ""
        configuration.write_text(_CONFIGURATION.format(link=link, families=families, gateway=gateway, leases=leases))
        note = self._note(link)
        arguments = (run, state, note, f"{int(dhcp4)} {int(dhcp6)} {int(leased_default)}")
        command = ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", _LAUNCH, "sh"]
        command += [*map(str, arguments), "dhcpcd", "--nobackground", "--config", str(configuration)]
        command += ["--script", "/bin/true", link]
        self._spawn(link, command)

    def _spawn(self, link: str, command: list[str]) -> None:
        """Start the client and wait until it has written its pid file. Raises DhcpError."""
        log = self._folder / f"{link}.log"
        try:
            pid = self._background.spawn(command, log)
        except OSError as error:
            raise DhcpError(f"the DHCP client for {link} does not start: {error}") from error
        while not self._note(link).exists():
            if not start_time(pid):
                raise DhcpError(f"the DHCP client for {link} does not start: {log.read_text(errors='replace').strip()}")
            sleep(POLL_INTERVAL)

    def _clients(self) -> dict[str, _Client]:
        self._background.reap()
        found = {}
        for path in self._folder.glob("*.client"):
            try:
                pid, started, dhcp4, dhcp6, *more = path.read_text().split()
            except FileNotFoundError:
                continue  # another thread has just stopped it
            # Pid files of agents before 0.2 have no more fields; their clients set the default route.
            leased_default = dhcp4 == "1" and more != ["0"]
            client = _Client(Process(int(pid), started), dhcp4 == "1", dhcp6 == "1", leased_default)
            if client.process.runs:
                found[path.stem] = client
        return found

    def _note(self, link: str) -> Path:
        return self._folder / f"{link}.client"
