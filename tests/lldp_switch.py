"""A switch for tests that says by LLDP what it is: lldpd in a network namespace, a cable away from a host."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

from netweft.lab import namespaces
from netweft.lab.processes import LabError, Process, end, run, spawn
from ovs_host import namespace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 30.0
"""Seconds within which an lldpd answers."""


@dataclass(kw_only=True)
class Lldpd:
    """An lldpd in a namespace, which listens at ``socket``."""

    socket: Path
    log: Path
    process: Process

    def answers(self) -> bool:
        """Whether it can be asked: its socket is there a moment before others may use it."""
        try:
            run(["lldpcli", "-u", str(self.socket), "show", "configuration"])
        except LabError:
            return False
        return True

    def tell(self, *lines: str) -> None:
        """Give it commands of lldpcli."""
        for line in lines:
            run(["lldpcli", "-u", str(self.socket), *line.split()])

    def sent(self) -> int:
        """Frames that it has sent so far."""
        told = json.loads(run(["lldpcli", "-u", str(self.socket), "-f", "json0", "show", "statistics", "summary"]))
        return int(told["lldp"][0]["summary"][0]["tx"][0]["tx"])

    @contextmanager
    def halted(self) -> Iterator[None]:
        """While it stands still, with all of its processes."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        end([self.process])


@contextmanager
def lldpd(where: str, *options: str, settings: str = "") -> Iterator[Lldpd]:
    """Its folder has a short name, for the socket's address, and is open to the user that lldpd and lldpcli become.
    ``settings``: commands of lldpcli, which it heeds before it sends anything.
    """
    with tempfile.TemporaryDirectory(prefix="nl") as folder:
        place = Path(folder)
        place.chmod(0o755)
        (place / "lldpd.conf").write_text(settings)
        command = [*namespaces.inside(where), "lldpd", "-d", "-u", str(place / "socket")]
        command += ["-O", str(place / "lldpd.conf"), *options]
        daemon = Lldpd(socket=place / "socket", log=place / "log", process=spawn(command, log=place / "log"))
        try:
            _await(daemon, daemon.answers)
            yield daemon
        finally:
            daemon.stop()


def _await(daemon: Lldpd, what: Callable[[], bool]) -> None:
    until = monotonic() + PATIENCE
    while not what():
        assert daemon.process.is_alive, daemon.log.read_text()
        assert monotonic() < until, daemon.log.read_text()
        sleep(0.02)


@dataclass(kw_only=True)
class Cabled:
    """A host's namespace with the NIC ``eth1``, whose cable is in the port ``p7`` of a switch."""

    host: str
    switch: str
    cables: dict[str, str] = field(default_factory=lambda: {"eth1": "p7"})


@contextmanager
def cabled() -> Iterator[Cabled]:
    with namespace() as host, namespace() as switch:
        here = Cabled(host=host, switch=switch)
        for nic, port in here.cables.items():
            namespaces.ip(host, *f"link add {nic} type veth peer name {port} netns {switch}".split())
            namespaces.ip(host, "link", "set", nic, "up")
            namespaces.ip(switch, "link", "set", port, "up")
        yield here


@contextmanager
def speaking(switch: str, port: str = "p7") -> Iterator[Lldpd]:
    """An lldpd of a switch that calls itself sw-a and a port of its Gi1/0/7, and says so every second."""
    with lldpd(switch, settings=_SWITCH.format(port=port)) as daemon:
        # An lldpd that is told something new before its first frame may send that one and then nothing more.
        _await(daemon, lambda: daemon.sent() > 0)
        yield daemon


_SWITCH = """\
configure lldp tx-interval 1
configure system hostname sw-a
configure system ip management pattern 192.0.2.*
configure ports {port} lldp portidsubtype local Gi1/0/7 description to-rack-3
"""
