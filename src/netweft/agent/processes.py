"""Programs that the agent starts and that outlive it; their pid files identify them later."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

POLL_INTERVAL = 0.01
"""Seconds; used while a program starts or ends."""

STOP_PATIENCE = 2.0
"""Seconds within which a program has to end after each signal."""

NOTE = 'echo "$$ $(cut -d " " -f 22 /proc/$$/stat){more}" >"$note.new" && mv "$note.new" "$note" || exit'
"""Shell command that writes the pid file before the shell executes the program, so that it is written even if the agent
is killed. ``more``: appended to the file's line.
"""


@dataclass(frozen=True, slots=True)
class Process:
    """A program that was started. ``started``: see :func:`start_time`."""

    pid: int
    started: str

    @property
    def runs(self) -> bool:
        """Whether it still runs. Compares the start time, as the kernel reuses process ids."""
        return start_time(self.pid) == self.started


class Background:
    """Starts and ends programs. Thread-safe."""

    def __init__(self) -> None:
        self._children: set[int] = set()
        self._lock = Lock()

    def spawn(self, command: list[str], log: Path) -> int:
        """Start a program in the calling thread's namespaces; returns its process id. ``log``: file for its output.

        Raises OSError.
        """
        files = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        # Not by subprocess: the program outlives the agent, and a Popen object would warn about it.
        pid = os.posix_spawnp(command[0], command, os.environ, file_actions=files, setsid=True)
        with self._lock:
            self._children.add(pid)
        return pid

    def end(self, process: Process, ways: Sequence[signal.Signals]) -> None:
        """Send these signals in turn until it has ended, with :data:`STOP_PATIENCE` between them."""
        for way in ways:
            deadline = monotonic() + STOP_PATIENCE
            with suppress(ProcessLookupError):
                os.kill(process.pid, way)
            while process.runs and monotonic() < deadline:
                self.reap()
                sleep(POLL_INTERVAL)
            if not process.runs:
                return

    def reap(self) -> None:
        """Reap child processes that have ended."""
        with self._lock:
            self._children = {pid for pid in self._children if os.waitpid(pid, os.WNOHANG) == (0, 0)}


def start_time(pid: int) -> str:
    """When a process started, which distinguishes it from a later one with the same id; empty when it does not run.

    In the kernel's ticks (proc(5), field 22 of stat).
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in {"Z", "X"} else fields[19]
