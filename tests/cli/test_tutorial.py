"""The tutorial does what it says: its commands are run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from cli.conftest import TIMEOUT
from engine_process import PASSWORD, EngineProcess

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_first_part_of_the_tutorial(tmp_path: Path) -> None:
    script = "".join(_BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text()))
    assert script.count("netweft ") > 25
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with EngineProcess(tmp_path / "engine", options=("--simulated-hosts", "2")) as engine, engine.client() as client:
        while len([host for host in client.list("hosts") if host["status"] == "up"]) < 2:
            time.sleep(0.2)
        password = tmp_path / "password"
        password.write_text(PASSWORD)
        environment = {
            **os.environ,
            "NETWEFT_URL": engine.url,
            "NETWEFT_CA": str(engine.ca),
            "NETWEFT_PASSWORD_FILE": str(password),
        }
        program = f'netweft() {{ {sys.executable} -m netweft "$@"; }}\n'
        done = subprocess.run(
            ["bash", "-euxc", program + script],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=10 * TIMEOUT, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    for said in ("create VLAN device eth1.100", "bond0.200", "web/nic1", "disks, by Ann"):
        assert said in done.stdout
    for said in ("Nothing to do", "used by running VMs on Host sim-2: web"):
        assert said in done.stderr
