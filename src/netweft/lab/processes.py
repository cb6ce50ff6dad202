"""Processes that the lab starts.

They are identified by process id and start time, so that a later process with the same id is never killed.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""


_MOMENT = 0.3
"""Seconds within which a program that cannot start has failed."""
_READY = 60.0
"""Seconds for a program to listen; generous, for machines with much to do."""


_SOCKET_PATH_MAX = 107
"""Longest path of a Unix socket in octets (unix(7), sun_path less the terminating zero)."""


class LabError(Exception):
    """The lab could not be built; the message says what was tried and what the machine answered."""


def check_socket_path(path: Path) -> None:
    """Raises LabError when the path is too long for a Unix socket."""
    if len(str(path)) > _SOCKET_PATH_MAX:
        raise LabError(f"{path} is longer than {_SOCKET_PATH_MAX} octets, too long for a socket: choose another folder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process, by id and by the clock ticks since boot at which it started (proc(5), field 22 of stat)."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that has the id now, or None."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()  # the name in parentheses may hold spaces
        return None if fields[0] in "ZX" else cls(pid=pid, started=int(fields[19]))

    @property
    def is_alive(self) -> bool:
        """Whether it, and not a later process with the same id, is running."""
        return Process.of(self.pid) == self

    @property
    def command(self) -> list[str]:
        """Its program and arguments; empty when it has ended, which it may do at any moment (proc(5), cmdline)."""
        try:
            return Path(f"/proc/{self.pid}/cmdline").read_text().split("\0")[:-1] if self.is_alive else []
        except OSError:
            return []

    def send(self, number: int) -> None:
        """Send it a signal; nothing happens when it has ended."""
        if self.is_alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def spawn(
    command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Process:
    """Start a program that outlives this one, with its output at the end of ``log``. ``cwd``: its working directory, by
    default the current one. Raises LabError when that fails.
    """
    with log.open("ab") as output:
        try:
            child = subprocess.Popen(  # noqa: S603 - the command is ours, and no shell reads it
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as error:
            raise LabError(f"cannot start {command[0]}: {error}") from error
    process = Process.of(child.pid)
    child.returncode = 0  # else Popen would warn that the child is still running
    if process is None:
        raise LabError(f"{command[0]} ended at once; {log} shows why")
    return process


def require_life(what: str, process: Process, log: Path) -> None:
    """Return once a program has run for a short time. Raises LabError when it ends in that time."""
    deadline = time.monotonic() + _MOMENT
    while time.monotonic() < deadline:
        if not process.is_alive:
            raise _ended(what, log)
        time.sleep(0.02)


def _ended(what: str, log: Path) -> LabError:
    last = "".join(log.read_text(errors="replace").strip().splitlines()[-1:])
    return LabError(f"{what} ended{last and f': {last}'} ({log})")


def listens(endpoint: tuple[str, int]) -> bool:
    """Whether something listens at an address and port."""
    try:
        socket.create_connection(endpoint, timeout=1).close()
    except OSError:
        return False
    return True


def await_answer(what: str, endpoint: tuple[str, int], process: Process, log: Path) -> None:
    """Return once something listens at an address and port. ``what``: names the program in errors. Raises LabError
    when the process ends before, or takes too long.
    """
    deadline = time.monotonic() + _READY
    while True:
        if process.is_alive and listens(endpoint):
            return
        if not process.is_alive:
            raise _ended(what, log)
        if time.monotonic() > deadline:
            raise LabError(f"{what} does not answer at {endpoint[0]} port {endpoint[1]}: see {log}")
        time.sleep(0.05)


def run(command: Sequence[str], *, env: Mapping[str, str] | None = None, timeout: float = 30.0) -> str:
    """Run a program to its end and return its output. Raises LabError with its error output when it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - the command is ours, and no shell reads it
            command, check=False, capture_output=True, text=True, env=env, timeout=timeout
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"{' '.join(command)}: {error}") from error
    if done.returncode:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip() or f'status {done.returncode}'}")
    return done.stdout


def end(processes: Sequence[Process]) -> None:
    """End the processes that still run: with SIGTERM, then with SIGKILL. Returns when none is left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            process.send(number)
        deadline = time.monotonic() + _GRACE
        while any(_is_running(process) for process in processes) and time.monotonic() < deadline:
            time.sleep(0.01)


def _is_running(process: Process) -> bool:
    with suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)  # reaps it when it is our child
    return process.is_alive


def inside_namespace(path: Path) -> list[Process]:
    """The processes in the network namespace that the file at ``path`` names; none when there is no such file."""
    try:
        inode = path.stat().st_ino
    except FileNotFoundError:
        return []
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):  # it has ended meanwhile
                if (folder / "ns" / "net").stat().st_ino == inode and (process := Process.of(int(folder.name))):
                    found.append(process)
    return found
