"""The host's resolver file (resolv.conf(5)): ours if it begins with our mark.

The original file is saved in the agent's state folder meanwhile.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MARK = "# Written by Netweft; what was here before comes back when no network of the host has name servers any more.\n"


@dataclass(frozen=True, slots=True)
class Resolver:
    """A resolver file. ``saved``: where the original one is saved."""

    path: Path
    saved: Path

    def servers(self) -> tuple[str, ...] | None:
        """The name servers in our file, None when the file is not ours."""
        try:
            content = self.path.read_text(errors="replace")
        except OSError:
            return None
        if not content.startswith(_MARK):
            return None
        return tuple(
            words[1] for line in content.splitlines() if len(words := line.split()) > 1 and words[0] == "nameserver"
        )

    def write(self, servers: tuple[str, ...] | None) -> None:
        """Write our file with these name servers, or (None) restore the original. Raises OSError."""
        ours = self.servers() is not None
        if servers is not None:
            if not ours:
                self._save()
            _replace(self.path, _MARK + self._search() + "".join(f"nameserver {server}\n" for server in servers))
        elif ours:
            self._restore()

    def _save(self) -> None:
        if self.path.is_symlink():
            _replace(self.saved, f"symlink {os.readlink(self.path)}")  # noqa: PTH115 -- the text of the link, not a path to follow
        elif self.path.exists():
            _replace(self.saved, f"file {self.path.read_text()}")
        else:
            self.saved.unlink(missing_ok=True)

    def _search(self) -> str:
        """The search list of the original file, which networks do not configure."""
        lines = self.path.read_text(errors="replace").splitlines(keepends=True) if self.path.exists() else []
        return "".join(line for line in lines if line.split()[:1] in (["search"], ["domain"]))

    def _restore(self) -> None:
        kind, _, content = self.saved.read_text().partition(" ") if self.saved.exists() else ("", "", "")
        if kind == "symlink":
            temporary = _beside(self.path)
            temporary.unlink(missing_ok=True)
            temporary.symlink_to(content)
            temporary.rename(self.path)
        elif kind == "file":
            _replace(self.path, content)
        else:
            self.path.unlink()
        self.saved.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.netweft")


def _replace(path: Path, content: str) -> None:
    """Replace a file atomically and durably."""
    temporary = _beside(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary.open("w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
