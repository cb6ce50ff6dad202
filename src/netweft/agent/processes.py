"""Programs that the agent starts and that outlive it: found again by what they noted down of themselves."""

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

LOOK_AGAIN = 0.01
"""Seconds between two looks at a program that starts or ends."""

STOP_PATIENCE = 2.0
"""Seconds that a program has to end after each signal."""

NOTE = 'echo "$$ $(cut -d " " -f 22 /proc/$$/stat){more}" >"$note.new" && mv "$note.new" "$note" || exit'
"""What a shell says to note itself down, before it becomes the program: none is lost with an agent that dies.
``more``: what else is to be noted.
"""


@dataclass(frozen=True, slots=True)
class Process:
    """A program that was started. ``started``: see :func:`start_time`."""

    pid: int
    started: str

    @property
    def runs(self) -> bool:
        """Whether it still does; its number may be another's by now."""
        return start_time(self.pid) == self.started


class Background:
    """Starts and ends programs. Safe to use from any thread."""

    def __init__(self) -> None:
        self._children: set[int] = set()
        self._lock = Lock()

    def spawn(self, command: list[str], log: Path) -> int:
        """Start a program in the calling thread's namespaces; returns its number. ``log``: where it writes to.

        Raises OSError.
        """
        files = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        # Not by subprocess: it is to outlive us, and no object of ours should stand for it.
        pid = os.posix_spawnp(command[0], command, os.environ, file_actions=files, setsid=True)
        with self._lock:
            self._children.add(pid)
        return pid

    def end(self, process: Process, ways: Sequence[signal.Signals]) -> None:
        """Send these signals until it has ended, each after :data:`STOP_PATIENCE`."""
        for way in ways:
            deadline = monotonic() + STOP_PATIENCE
            with suppress(ProcessLookupError):
                os.kill(process.pid, way)
            while process.runs and monotonic() < deadline:
                self.reap()
                sleep(LOOK_AGAIN)
            if not process.runs:
                return

    def reap(self) -> None:
        """Let go of programs of ours that ended."""
        with self._lock:
            self._children = {pid for pid in self._children if os.waitpid(pid, os.WNOHANG) == (0, 0)}


def start_time(pid: int) -> str:
    """When a process started, which tells it from a later one with its number; empty when it does not run any more.

    In the kernel's ticks (proc(5), field 22 of stat).
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in {"Z", "X"} else fields[19]
