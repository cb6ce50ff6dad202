"""The simulated hosts of ``--simulated-hosts``: one agent program that the engine starts, keeps alive and ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from netweft.engine.actor import SYSTEM
from netweft.engine.commands.enrollments import create_simulated_enrollment
from netweft.engine.db import Database

_PATIENCE = 70.0
"""Seconds in which an agent ends; it may take back an unconfirmed change first."""
_PAUSE = 1.0
"""Seconds before an agent that ended by itself is started again."""

log = structlog.get_logger(__name__)


@dataclass
class Simulation:
    """``folder`` keeps the state of the hosts; ``url`` and ``fingerprint`` are the engine's, for joining it."""

    db: Database
    folder: Path
    count: int
    url: str
    fingerprint: str
    _program: subprocess.Popen[bytes] | None = None
    _ended: float = field(default=float("-inf"))

    def watch(self) -> None:
        """Start the agent, or start it again; to be called from one thread, every now and then.

        From the main thread, because the kernel ends the agent with the thread that started it.
        """
        if self._program is not None and self._program.poll() is not None:
            log.warning("the simulated hosts' agent ended by itself", status=self._program.returncode)
            self._program, self._ended = None, time.monotonic()
        if self._program is None and time.monotonic() - self._ended >= _PAUSE:
            self._start()

    def stop(self) -> None:
        """End the agent and wait for it."""
        if self._program is None:
            return
        self._program.terminate()
        try:
            self._program.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()
        self._program = None

    def _start(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        port = self._port()
        state = ["--state", str(self.folder), "--run", str(self.folder / "run"), "--listen", f"127.0.0.1:{port}"]
        join = ["--enroll", self.url, "--ca-fingerprint", self.fingerprint]
        what = [*state, *join, "--simulated", str(self.count), "--log-level", "warning"]
        token = self.db.run(create_simulated_enrollment, SYSTEM)
        # Passwords of the engine and its database are none of the agent's business.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("NETWEFT_")}
        self._program = subprocess.Popen(  # noqa: S603 - ourselves, no shell
            [sys.executable, "-m", "netweft.engine.with_parent", str(os.getpid()), "agent", *what],
            env={**inherited, "NETWEFT_ENROLL_TOKEN": token},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def _port(self) -> int:
        """The port of the last time, so that nothing has to join again; a new one when it is taken, or when the hosts
        are others.
        """
        known = self.folder / "engine.txt"
        wanted = f"{self.count} {self.fingerprint}"
        port, _, joined = known.read_text().partition(" ") if known.exists() else ("0", "", "")
        with socket.socket() as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                door.bind(("127.0.0.1", int(port)))
            except OSError:
                door.bind(("127.0.0.1", 0))
            free = int(door.getsockname()[1])
        if (str(free), joined) != (port, wanted):
            (self.folder / "enrollment.json").unlink(missing_ok=True)  # without it the agent joins again
            known.write_text(f"{free} {wanted}")
        return free
