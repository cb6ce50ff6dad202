"""The page on disasters does what it says: its exercise is run as it stands there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from cli.conftest import TIMEOUT
from doc_blocks import ROOT, scripts
from engine_process import free_port


def run(script: str, folder: Path, environment: dict[str, str]) -> str:
    """What the script says, engines and all; whatever it leaves running when it fails is ended."""
    with (
        (folder / "said").open("w") as said,
        subprocess.Popen(
            ["bash", "-eux", "-c", script],
            cwd=folder,
            env=environment,
            stdout=said,
            stderr=said,
            start_new_session=True,
        ) as running,
    ):
        try:
            status = running.wait(2 * TIMEOUT)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
    assert status == 0, (folder / "said").read_text()
    return (folder / "said").read_text()


def test_the_exercise(tmp_path: Path) -> None:
    script = scripts("alone")["docs/disasters.md"]
    assert script.count("netweft ") >= 20
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "var").mkdir()
    address = f"127.0.0.1:{free_port('127.0.0.1')}"
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "NETWEFT_LISTEN": address,
        "NETWEFT_URL": f"https://{address}",
    }
    said = run(script, tmp_path, environment)
    before, _, after = said.partition("is as the engine was at")
    assert "NOT encrypted" not in before
    assert "which were adopted: storage" in after
    assert "as unmanaged networks: late" in after
    told, _, last = after.rpartition("Host sim-1 carries networks")
    assert told
    assert last.count("storage") >= 2, "before the next change, and after it"
    assert "next" in last
    assert "eth2.101" in last, "what the backup does not know is where it was"
