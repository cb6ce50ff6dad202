"""Processes that tests observe, each of which may end at any moment, and those that tests start."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netweft.lab.processes import Process

CONTAINED = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Before a command: it gets networks and processes of its own, and what it has left running ends with it."""


@contextmanager
def running(command: Sequence[str | Path], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a program, which is killed at the end of the block if it still runs. ``options``: of subprocess.Popen."""
    with subprocess.Popen(command, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def children(pid: int) -> list[Process]:
    """The processes that one has begun and that run, the first begun first; none of one that has ended."""
    try:
        pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return list(filter(None, map(Process.of, map(int, pids))))


def is_running(pid: int) -> bool:
    return Process.of(pid) is not None
