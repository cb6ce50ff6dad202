"""The real program against a real engine with simulated hosts: one for all tests, so each makes its own things."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine_process import PASSWORD, EngineProcess
from program import TIMEOUT, Done, run_forked


@dataclass(frozen=True)
class Netweft:
    """The command line, as the administrator uses it."""

    engine: EngineProcess

    def __call__(self, *words: str, expect: int = 0, stdin: str = "", **environment: str) -> Done:
        """Run ``netweft`` and check its exit code. ``environment``: variables by name; empty ones are taken away."""
        done = run_forked(words, self.environment(environment), stdin)
        assert "Traceback" not in done.err, done.err
        assert done.code == expect, f"{words}: {done.code}\n{done.out}{done.err}"
        return done

    def json(self, *words: str) -> Any:
        return self(*words, "-o", "json").tree

    def at_terminal(self, typed: str, *words: str) -> Done:
        """Run ``netweft`` for somebody at a terminal, who types that."""
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "wb", buffering=0) as keyboard, closing(os.fdopen(theirs)) as terminal:
            keyboard.write(typed.encode())
            done = subprocess.run(
                [sys.executable, "-m", "netweft", *words],
                env=self.environment({}), stdin=terminal, capture_output=True, text=True, timeout=TIMEOUT, check=False,
            )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def environment(self, more: dict[str, str]) -> dict[str, str]:
        own = {
            "NETWEFT_URL": self.engine.url,
            "NETWEFT_CA": str(self.engine.ca),
            "NETWEFT_PASSWORD": PASSWORD,
            "PYTHONWARNINGS": "error",
            "XDG_CACHE_HOME": str(self.engine.data / "cache"),
        }
        rest = {name: value for name, value in os.environ.items() if not name.startswith(("NETWEFT_", "COV_"))}
        return {name: value for name, value in {**rest, **own, **more}.items() if value}


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with EngineProcess(tmp_path_factory.mktemp("engine"), options=("--simulated-hosts", "3")) as engine:
        yield engine


@pytest.fixture(scope="session")
def netweft(engine: EngineProcess) -> Netweft:
    program = Netweft(engine)
    program("wait", "sim-1", "sim-2", "sim-3")
    return program


@pytest.fixture
def setup_file(tmp_path: Path) -> Path:
    return tmp_path / "setup.yaml"
