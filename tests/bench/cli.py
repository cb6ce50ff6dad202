"""Processor time of a command, from the start of the program to its end: one without a request, and one that uses a
stored token and lists the networks of an engine.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from figures import Figure

from engine_process import PASSWORD, EngineProcess

NETWORKS = 20
_TIMES = 9
_LIST = ("network", "list")
_PROGRAM = Path(sys.executable).parent / "netweft"


def measure() -> list[Figure]:
    """Two figures, without the engine's processor time."""
    with tempfile.TemporaryDirectory() as folder, EngineProcess(Path(folder)) as engine:
        environment = {
            **os.environ,
            "NETWEFT_URL": engine.url,
            "NETWEFT_CA": str(engine.ca),
            "NETWEFT_PASSWORD": PASSWORD,
            "XDG_CACHE_HOME": folder,
        }
        with engine.client() as client:
            for number in range(NETWORKS):
                client.add("networks", {"name": f"net-{number}", "data_center": {"name": "Default"}})
        _processor_seconds(environment, *_LIST)  # logs in
        return [
            _figure(environment, "netweft --help: processor", "< 120 ms", "--help"),
            _figure(environment, f"netweft network list, {NETWORKS} networks: processor", "< 250 ms", *_LIST),
        ]


def _figure(environment: Mapping[str, str], what: str, goal: str, *words: str) -> Figure:
    taken = [_processor_seconds(environment, *words) for _ in range(_TIMES)]
    return Figure(what=what, ours=statistics.median(taken) * 1000, unit="ms", goal=goal)


def _processor_seconds(environment: Mapping[str, str], *words: str) -> float:
    """Of user and system time, by the account that the kernel keeps of the process."""
    program = subprocess.Popen([_PROGRAM, *words], env=dict(environment), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    if program.returncode:
        raise SystemExit(f"netweft {' '.join(words)} ended with status {program.returncode}")
    return usage.ru_utime + usage.ru_stime
