"""The page on several engines does what it says: its commands are run as they stand there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cli.test_disasters import run
from databases import postgresql_databases
from doc_blocks import ROOT, scripts
from engine_process import free_port


def test_the_page(tmp_path: Path) -> None:
    script = scripts("replicas")["docs/engines.md"]
    ports = [free_port("127.0.0.1") for _ in range(3)]
    for known, free in zip(("8441", "8442", "8443"), ports, strict=True):
        assert known in script
        script = script.replace(known, str(free))
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "var").mkdir()
    with postgresql_databases() as databases:
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DATABASE": databases.empty(),
            "PORTS": " ".join(map(str, ports)),
        }
        said = run(script, tmp_path, environment)
    assert said.count("serving https://") == 3
