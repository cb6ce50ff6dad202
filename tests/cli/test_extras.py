"""Each extra alone is enough for its part of the program, and who lacks one is told which.

The other libraries are really absent here.
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from cli.conftest import TIMEOUT
from engine_process import free_port
from processes import running

SRC = Path(__file__).parents[2] / "src"
INSTALLED = Path(sysconfig.get_paths()["purelib"])
PROGRAMS = {
    "agent": ("-m", "netweft", "agent"),
    "engine": ("-m", "netweft", "serve"),
    "cli": ("-m", "netweft", "lab"),
}


def required(name: str, extras: frozenset[str], found: dict[tuple[str, frozenset[str]], Distribution]) -> None:
    """Find a distribution and all that it needs, with these extras of it."""
    if (name, extras) in found:
        return
    found[name, extras] = distribution(name)
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": one}) for one in (*extras, "")):
            required(requirement.name.lower(), frozenset(requirement.extras), found)


def environment(folder: Path, *extras: str) -> Path:
    """The Python of an environment that has Netweft with these extras, and nothing else."""
    venv.create(folder, symlinks=True)
    (place,) = folder.glob("lib/*/site-packages")
    (place / "netweft.pth").write_text(f"{SRC}\n")
    found: dict[tuple[str, frozenset[str]], Distribution] = {}
    required("netweft", frozenset(extras), found)
    parts = {file.parts[0] for one in found.values() for file in one.files or () if file.parts[0] != ".."}
    for part in parts - {"__pycache__"}:
        if not (place / part).exists():
            (place / part).symlink_to(INSTALLED / part)
    return folder / "bin" / "python"


def run(python: Path, *words: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("NETWEFT_", "COV_", "PYTHON"))}
    return subprocess.run([python, *words], env=own, capture_output=True, text=True, check=False, timeout=TIMEOUT)


@pytest.mark.parametrize("extra", PROGRAMS)
def test_an_extra_is_enough_for_its_part_and_the_others_are_named(tmp_path: Path, extra: str) -> None:
    python = environment(tmp_path / "own", extra)
    for other, words in PROGRAMS.items():
        done = run(python, *words, "--help")
        if other == extra or (extra, other) == ("engine", "agent"):  # the engine runs simulated hosts' agents
            assert (done.returncode, done.stderr) == (0, "")
            assert "Usage: " in done.stdout or "usage: " in done.stdout
        else:
            assert done.returncode == 2
            assert f"Install netweft[{other}]" in done.stderr
            assert "Traceback" not in done.stderr


def test_without_any_extra_each_is_named(tmp_path: Path) -> None:
    python = environment(tmp_path / "own")
    for extra, words in (*PROGRAMS.items(), ("agent", ("-m", "netweft.agent")), ("cli", ("-m", "netweft"))):
        done = run(python, *words)
        assert done.returncode == 2
        assert f"Install netweft[{extra}]" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_guest_driver_names_its_extra(tmp_path: Path) -> None:
    python = environment(tmp_path / "own", "agent")
    program = (
        "import sys; from netweft.agent.main import parse; from netweft.agent.real import real_host;"
        "real_host(parse(sys.argv[1:]))"
    )
    folders = [f"--{name}={tmp_path / name}" for name in ("state", "run", "ovsdb")]
    done = run(python, "-c", program, "--guests", "libvirt", *folders)
    assert (
        "NetworkingError: the guest driver libvirt: there is no libvirt here. Install netweft[libvirt]" in done.stderr
    )


def test_an_engine_has_all_that_it_needs_to_run(tmp_path: Path) -> None:
    python = environment(tmp_path / "own", "engine")
    address = f"127.0.0.1:{free_port('127.0.0.1')}"
    words = [
        python,
        "-m",
        "netweft",
        "serve",
        "--data",
        tmp_path / "data",
        "--listen",
        address,
        "--simulated-hosts",
        "1",
    ]
    with running(words, stdout=subprocess.PIPE) as engine:
        assert engine.stdout is not None
        assert engine.stdout.readline() == f"serving https://{address}/ovirt-engine/api\n"
        engine.terminate()
        assert engine.wait(timeout=TIMEOUT) == 0
