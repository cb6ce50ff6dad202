"""README and docs do what they say: each block of commands is run as it stands, by this test or those that it names."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cli.conftest import TIMEOUT
from doc_blocks import DATA, DOCUMENTS, PLACES, ROOT, Block, blocks, outside, scripts
from netweft.cli import setup_file
from netweft.client.yaml_places import Document
from netweft.core.fleet.items import shape_mistakes
from netweft.lab import file as lab_file

BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]
_COMMAND = re.compile(r"^\s*(\$ |sudo |make |netweft |\.venv/|curl |apt-get |systemctl |pip )", re.MULTILINE)
WIDTH = 120
"""Columns of a line of Markdown."""
_INDENTED = re.compile(r"\n\n {4,}\S")
_BY_DEFAULT = "make install\n.venv/bin/netweft serve --data var/engine --simulated-hosts 3\n"
"""What is run in the engine's terminal for a document that does not say: it follows the README."""

SAID = {
    "docs/tutorial.md": (
        *("create VLAN device eth1.100", "bond0.200", "web/nic1", "disks, by Ann"),
        *("Nothing to do", "used by running VMs on Host sim-2: web"),
    ),
    "docs/api.md": ('"token_type":"bearer"',),
    "docs/security.md": ("The password is changed.",),
    "docs/setup-networks.md": ("create VLAN device eth1.100",),
}


def test_every_block_is_run_or_is_no_command() -> None:
    for block in BLOCKS:
        where = f"{block.document}, line {block.line}"
        if block.language == "sh":
            assert block.place in PLACES, f"{where}: no test runs it; mark it 'sh PLACE', with one of {sorted(PLACES)}"
        else:
            assert block.language in DATA, f"{where}: neither commands (sh PLACE) nor one of {sorted(DATA)}"
            assert not _COMMAND.search(block.text), f"{where}: has commands, and so needs a place where they are run"
    for document in DOCUMENTS:
        assert not _INDENTED.search(outside(document)), f"{document}: a block without a fence, which no test sees"


def test_no_line_of_markdown_is_wider_than_120_columns() -> None:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True)
    wide = [
        f"{document}:{number}: {len(line)} columns"
        for document in listed.stdout.splitlines()
        for number, line in enumerate((ROOT / document).read_text().splitlines(), start=1)
        if len(line) > WIDTH
    ]
    assert wide == [], "wrap these lines; turn a table whose rows are too wide into a list"


def test_what_runs_elsewhere_is_where_others_look() -> None:
    assert scripts("lab").keys() == {"docs/tutorial.md", "docs/lab.md"}
    for place in ("clone", "engine-machine", "host-machine"):
        assert scripts(place).keys() == {"docs/install.md"}


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "yaml"], ids=lambda block: block.document
)
def test_files_in_docs_can_be_read(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(block.text)
    if block.document == "docs/fleet-file.md":
        assert shape_mistakes(Document(block.text).value) == []
    elif "hosts:" in block.text or "programs:" in block.text:
        assert lab_file.read(path).name
    else:
        assert setup_file.read(path.read_bytes(), {"old": "1", "backup": "2"})


@contextmanager
def engine_terminal(folder: Path, script: str) -> Iterator[int]:
    """Somebody types this and lets it run; what they are inside of has a network of its own. Gives their process."""
    command = ["unshare", "--map-root-user", "--net", "bash", "-euxc", f"ip link set lo up\n{script}"]
    with (folder / "engine.log").open("wb") as log:
        terminal = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        own = Path("/proc/self/ns/net").readlink()
        while terminal.poll() is None and Path(f"/proc/{terminal.pid}/ns/net").readlink() == own:
            time.sleep(0.01)
        assert terminal.poll() is None, (folder / "engine.log").read_text()
        yield terminal.pid
    finally:
        os.killpg(terminal.pid, signal.SIGTERM)
        try:
            terminal.wait(timeout=TIMEOUT)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(terminal.pid, signal.SIGKILL)
            terminal.wait()


@pytest.mark.parametrize("document", scripts("simulated"))
def test_commands_for_simulated_hosts(document: str, tmp_path: Path) -> None:
    made = subprocess.run(["make", "--question", "install"], cwd=ROOT, check=False)
    assert made.returncode == 0, "type 'make install' first: what it makes would be of the test's folder else"
    for entry in ROOT.iterdir():
        if entry.name not in {"var", ".git"}:
            (tmp_path / entry.name).symlink_to(entry)
    before = "" if document in scripts("engine") else f"{preparation()}netweft wait sim-1\n"
    script = before + scripts("simulated")[document]
    with engine_terminal(tmp_path, scripts("engine").get(document, _BY_DEFAULT)) as terminal:
        environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        beside = ["nsenter", f"--target={terminal}", "--user", "--net", "--preserve-credentials"]
        done = subprocess.run(
            [*beside, "bash", "-euxc", script],
            cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=10 * TIMEOUT,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + (tmp_path / "engine.log").read_text()
    for said in SAID.get(document, ()):
        assert said in done.stdout


def preparation() -> str:
    """What the tutorial has its reader type first in the second terminal, without what is waited for there."""
    first = next(block for block in blocks(ROOT / "docs" / "tutorial.md") if block.place == "simulated")
    return "".join(line for line in first.text.splitlines(keepends=True) if line.startswith("export "))
