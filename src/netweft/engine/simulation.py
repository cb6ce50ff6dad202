"""The simulated hosts of ``--simulated-hosts``: agent programs that the engine starts, keeps alive and ends, as many as
there are processors.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from sqlalchemy.exc import SQLAlchemyError

from netweft.core.simulated_fleet import Part, parts_of
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.enrollments import create_simulated_enrollment
from netweft.engine.db import Database
from netweft.engine.outages import first_line
from netweft.engine.settings import Address

_PATIENCE = 70.0
"""Seconds in which an agent ends; it may take back an unconfirmed change first."""
_PAUSE = 1.0
"""Seconds before an agent that ended by itself is started again."""

log = structlog.get_logger(__name__)


@dataclass
class _Program:
    """The program that serves a part, and when the last one ended."""

    running: subprocess.Popen[bytes] | None = None
    ended: float = float("-inf")


@dataclass
class Simulation:
    """``folder`` keeps the state of the hosts; ``cards``: so many of them have a virtual interface card; ``url`` and
    ``fingerprint`` are the engine's, for joining it.
    """

    db: Database
    folder: Path
    count: int
    url: str
    fingerprint: str
    cards: int = 0
    processors: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    _programs: dict[Part, _Program] = field(init=False)

    def __post_init__(self) -> None:
        self._programs = {part: _Program() for part in parts_of(self.count, self.processors)}

    def watch(self) -> None:
        """Start the agents, and those again that ended; to be called from one thread, every now and then.

        From the main thread, because the kernel ends the agents with the thread that started them.
        """
        for part, program in self._programs.items():
            if program.running is not None and program.running.poll() is not None:
                status = program.running.returncode
                log.warning("an agent of simulated hosts ended by itself", part=part.number, status=status)
                program.running, program.ended = None, time.monotonic()
            if program.running is None and time.monotonic() - program.ended >= _PAUSE:
                try:
                    program.running = self._start(part)
                except SQLAlchemyError as error:
                    log.warning("simulated hosts could not be started", part=part.number, reason=first_line(error))
                    program.ended = time.monotonic()

    def stop(self) -> None:
        """End the agents and wait for them."""
        running = [program.running for program in self._programs.values() if program.running is not None]
        deadline = time.monotonic() + _PATIENCE
        for one in running:
            one.terminate()
        for one in running:
            try:
                one.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()

    def _start(self, part: Part) -> subprocess.Popen[bytes]:
        own = self.folder if part.of == 1 else self.folder / f"part-{part.number}"
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        address = Address(self._host, self._port(own))
        state = ["--state", str(self.folder), "--run", str(own / "run"), "--listen", str(address)]
        join = ["--enroll", self.url, "--ca-fingerprint", self.fingerprint]
        hosts = [
            "--simulated",
            str(self.count),
            "--simulated-cards",
            str(self.cards),
            "--part",
            f"{part.number}/{part.of}",
        ]
        token = self.db.run(create_simulated_enrollment, SYSTEM)
        # Passwords of the engine and its database are none of the agent's business.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("NETWEFT_")}
        command = ["agent", *state, *join, *hosts, "--log-level", "warning"]
        return subprocess.Popen(  # noqa: S603 - ourselves, no shell
            [sys.executable, "-m", "netweft.engine.with_parent", str(os.getpid()), *command],
            env={**inherited, "NETWEFT_ENROLL_TOKEN": token},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def _port(self, own: Path) -> int:
        """The port of the last time, so that nothing has to join again; a new one when it is taken, or when the engine
        is another or elsewhere.
        """
        known = own / "engine.txt"
        port, _, engine = known.read_text().partition(" ") if known.exists() else ("0", "", "")
        here = f"{self._host} {self.fingerprint}"
        free = self._free_port(int(port))
        if (str(free), engine) != (port, here):
            (own / "enrollment.json").unlink(missing_ok=True)  # without it the agent joins again
            known.write_text(f"{free} {here}")
        return free

    def _free_port(self, preferred: int) -> int:
        """This port, or another one where it is taken."""
        try:
            listener = socket.create_server((self._host, preferred), family=_family(self._host))
        except OSError:
            listener = socket.create_server((self._host, 0), family=_family(self._host))
        with listener:
            return int(listener.getsockname()[1])

    @cached_property
    def _host(self) -> str:
        """The address from which agents here join, at which the engine then calls them."""
        engine = urlsplit(self.url)
        host = engine.hostname or ""
        with socket.socket(_family(host), socket.SOCK_DGRAM) as unsent:
            unsent.connect((host, engine.port))
            return str(unsent.getsockname()[0])


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
