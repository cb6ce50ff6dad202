"""The exit status of demonstrations that fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SILENT = """
import sys
from libvirt_host import ConsoleError
from stage import run

def show():
    raise ConsoleError("the system of storage-a is not up within 120 s; it said: ''")

sys.argv = ["demo", "--exit"]
sys.exit(run(show, None, "make demo", (ConsoleError,)))
"""


def test_an_unreachable_machine_is_reported_in_a_sentence(tmp_path: Path) -> None:
    path = os.pathsep.join(str(ROOT / folder) for folder in ("src", "tests", "examples"))
    done = subprocess.run(
        [sys.executable, "-c", SILENT],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "The demonstration failed: the system of storage-a is not up within 120 s" in done.stderr
    assert "Traceback" not in done.stderr
