"""The commands of the docs that need a lab, run unchanged."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from doc_blocks import like_a_clone, scripts
from netweft.lab import state
from processes import CONTAINED

WITHIN = 600
"""Seconds; generous, for machines with much to do."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """The files of a clone."""
    with like_a_clone() as folder:
        yield folder


@pytest.mark.timeout(WITHIN + 60)
@pytest.mark.parametrize("document", scripts("lab"))
def test_commands_for_a_lab(document: str, folder: Path) -> None:
    """In a network namespace: the docs' addresses may be in use on this machine."""
    script = f"ip link set lo up\nexport PATH=$PWD/.venv/bin:$PATH\n{scripts('lab')[document]}"
    done = subprocess.run(
        [*CONTAINED, "bash", "-euxc", script],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=WITHIN,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    if document == "docs/tutorial.md":
        assert "1 packets transmitted, 1 received" in done.stdout
    assert not list(folder.glob(f"var/*/{state.FILE}"))
