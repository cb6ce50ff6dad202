"""Processes as tests look at them; each may end at any moment, also between two looks."""

from __future__ import annotations

from pathlib import Path

from netweft.lab.processes import Process


def children(pid: int) -> list[Process]:
    """The processes that one has begun and that run, the first begun first; none of one that has ended."""
    try:
        pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return list(filter(None, map(Process.of, map(int, pids))))


def is_running(pid: int) -> bool:
    return Process.of(pid) is not None
