"""Common fixtures of this suite: one OVN and one Neutron, started once. Each test restores them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from engine_process import PASSWORD, EngineProcess
from providers.neutron import Neutron
from providers.neutron import neutron as running_neutron
from providers.ovn import Ovn
from providers.ovn import ovn as running_ovn


def pytest_configure() -> None:
    """Let failed asserts of the kits show the compared values, like those of test modules."""
    pytest.register_assert_rewrite("providers.kit", "providers.configuration_kit")


@pytest.fixture(scope="session")
def ovn() -> Iterator[Ovn]:
    """An OVN with the chassis h1 and h2."""
    with running_ovn() as running:
        yield running


@pytest.fixture(scope="session")
def neutron(ovn: Ovn) -> Iterator[Neutron]:
    """A Neutron on that OVN, with nothing in it."""
    with running_neutron(ovn.central) as running:
        yield running


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """The engine as a program."""
    with EngineProcess(tmp_path_factory.mktemp("engine") / "data", options=("--insecure-http",)) as engine:
        yield engine


@pytest.fixture(scope="module")
def api(engine: EngineProcess) -> Iterator[httpx.Client]:
    """Its API."""
    login = httpx.BasicAuth("admin@internal", PASSWORD)
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    with httpx.Client(base_url=f"{engine.url}/ovirt-engine/api", auth=login, headers=headers, timeout=60) as api:
        yield api


@pytest.fixture
def terminal(engine: EngineProcess, tmp_path: Path) -> Callable[..., str]:
    """Runs commands for the engine, with variables, and returns their output."""
    (tmp_path / "password").write_text(PASSWORD)

    def run(script: str, **variables: str) -> str:
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "NETWEFT_URL": engine.url,
            "NETWEFT_PASSWORD_FILE": str(tmp_path / "password"),
            "XDG_CACHE_HOME": str(tmp_path),
            **variables,
        }
        done = subprocess.run(
            ["bash", "-euxc", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
