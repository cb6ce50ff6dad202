"""The code blocks of README and docs: who runs which.

A block of commands is marked ``sh PLACE``, and all blocks of a document with the same place are run in order, as one
script; a block of anything else names its language.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from netweft import lab
from netweft.lab import state

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
DATA = {"yaml", "json", "http", "text", "toml"}
PLACES = {
    "engine": "tests/cli/test_docs.py: the terminal of an engine with simulated hosts",
    "simulated": "tests/cli/test_docs.py: another terminal beside it",
    "alone": "tests/cli/test_disasters.py: a terminal in a folder with the examples",
    "replicas": "tests/cli/test_engines.py: a terminal in a folder with the examples, and a PostgreSQL beside it",
    "neutron": "tests/providers/test_registered.py: beside an engine, and a Neutron with a network that is called blue",
    "ovn": "tests/providers/test_registered.py: beside an engine, and the databases of an OVN",
    "ucsm": "tests/providers/test_registered_fabrics.py: beside an engine, and an emulated UCS Manager",
    "fabric-lab": "tests/providers/test_registered_fabrics.py: a terminal in a clone with Cisco's SDK",
    "lab": "tests/e2e/test_docs.py: as root, on a machine that can have a lab",
    "clone": "tests/installation: as root, in a clone on a new machine",
    "engine-machine": "tests/installation: as root, on the machine of the engine",
    "deploying": "tests/installation: as root, on the machine of the engine, beside one that has an SSH server only",
    "host-machine": "tests/installation: as root, on a host",
}
_FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block: where it stands, its language, where it is to be run (commands only), and what it says."""

    document: str
    line: int
    language: str
    place: str
    text: str


def blocks(document: Path) -> list[Block]:
    """All blocks of a document, in order."""
    content, found = document.read_text(), []
    for fence in _FENCE.finditer(content):
        indent, info, text = fence.groups()
        language, _, place = info.strip().partition(" ")
        line = content.count("\n", 0, fence.start()) + 1
        text = re.sub(f"^{indent}", "", text, flags=re.MULTILINE)
        found.append(Block(str(document.relative_to(ROOT)), line, language, place, text))
    return found


@contextmanager
def like_a_clone() -> Iterator[Path]:
    """A folder with what a clone has, at a short path: there will be sockets in it. Labs in it are taken down."""
    folder = Path(tempfile.mkdtemp(prefix="nd"))
    for entry in ROOT.iterdir():
        if entry.name not in {"var", ".git"}:
            (folder / entry.name).symlink_to(entry)
    try:
        yield folder
    finally:
        for path in folder.glob(f"var/*/{state.FILE}"):
            lab.down(path.parent)
        shutil.rmtree(folder)


def outside(document: Path) -> str:
    """A document without its blocks."""
    return _FENCE.sub("", document.read_text())


def scripts(place: str) -> dict[str, str]:
    """What is to be run at a place, by document."""
    found: dict[str, str] = {}
    for document in DOCUMENTS:
        for block in blocks(document):
            if block.place == place:
                found[block.document] = found.get(block.document, "") + block.text
    return found
