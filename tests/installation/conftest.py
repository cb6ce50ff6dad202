from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from doc_blocks import ROOT, scripts
from installation.machines import BASE, Machine, disk, machine, network, type_in

CLONE = "/home/ann/netweft"


@dataclass(frozen=True)
class Site:
    """The two machines of docs/install.md."""

    engine: Machine
    host: Machine


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new machine with a clone of this repository, in which Ann, who is not root, has typed ``make install``."""
    assert BASE.exists(), "type 'make installation', which makes what new machines are made of"
    with disk(tmp_path_factory.mktemp("clone")) as root:
        type_in(root, f"adduser --disabled-password --gecos '' ann; install -d -o ann -g ann {CLONE}")
        known = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
        names = [
            name for name in subprocess.check_output(known, cwd=ROOT, text=True).split("\0") if (ROOT / name).is_file()
        ]
        for name in names:
            (root / CLONE[1:] / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / CLONE[1:] / name)
        type_in(root, f"chown -R ann: {CLONE}")
        type_in(root, "make install", user="ann", place=CLONE)
        yield root


@pytest.fixture(scope="session")
def dist(clone: Path) -> Path:
    """What the commands of docs/install.md for a clone build, typed by root."""
    said = type_in(clone, scripts("clone")["docs/install.md"], place=CLONE)
    assert "netweft, version" in said
    return clone / CLONE[1:] / "dist"


@pytest.fixture(scope="session")
def site(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two machines that have nothing of Netweft but its packages, as files, and no way to any package index."""
    folder = tmp_path_factory.mktemp("site")
    with (
        network() as spaces,
        machine("engine.example.com", folder / "engine", spaces["engine.example.com"]) as engine,
        machine("host1", folder / "host", spaces["host1"]) as host,
    ):
        for package in dist.glob("*.deb"):
            for one in (engine, host):
                shutil.copy(package, one.root / "root")
        yield Site(engine, host)
