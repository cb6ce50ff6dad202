"""A machine with nothing but Debian, Python and pip: simulated hosts for a user who is not root."""

from __future__ import annotations

from pathlib import Path

from doc_blocks import scripts
from installation.conftest import CLONE
from installation.machines import type_in


def test_the_readme_without_root(clone: Path) -> None:
    """As two terminals, in the clone; nothing reaches a network any more, so the second ``make install`` needs none."""
    script = f"({scripts('engine')['README.md']}) &\n{scripts('simulated')['README.md']}"
    said = type_in(clone, script, user="ann", place=CLONE, alone=True)
    assert "create VLAN device eth1.100" in said


def test_what_needs_the_system_says_so(clone: Path) -> None:
    said = type_in(clone, "if make native; then exit 1; fi", user="ann", place=CLONE, alone=True)
    assert "As root on Debian: apt-get install" in said
