"""Hosts by their names: some systems use a host's full name, some its short one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


class HostNames:
    """The names of hosts in one system, to be matched with those of another."""

    def __init__(self, known: Iterable[str]) -> None:
        self._exact: dict[str, list[str]] = defaultdict(list)
        self._full: dict[str, list[str]] = defaultdict(list)
        for name in known:
            folded = _folded(name)
            self._exact[folded].append(name)
            short, dot, _ = folded.partition(".")
            if dot:
                self._full[short].append(name)

    def find(self, host: str) -> str | None:
        """The name that matches the host; None when none does, or more than one may.

        A short name matches the full one whose first part it is, and the other way round. Two full names that differ
        are two hosts.
        """
        name = _folded(host)
        short, dot, _ = name.partition(".")
        alike = self._exact.get(name) or (self._exact if dot else self._full).get(short, [])
        return alike[0] if len(alike) == 1 else None


def _folded(name: str) -> str:
    return name.rstrip(".").casefold()
