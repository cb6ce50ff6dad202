"""Hosts by their names: some systems know a host by its full name, some by its short one."""

from __future__ import annotations

from collections.abc import Iterable


def named(known: Iterable[str], host: str) -> str | None:
    """The one of the known names that means the host; None when none does, or more than one may.

    A short name means the full one whose first part it is, and the other way round. Two full names that differ are two
    hosts.
    """
    names = {name: name.rstrip(".").casefold() for name in known}
    wanted = host.rstrip(".").casefold()
    same = [name for name, folded in names.items() if folded == wanted]
    alike = same or [
        name for name, folded in names.items() if _is_short_of(folded, wanted) or _is_short_of(wanted, folded)
    ]
    return alike[0] if len(alike) == 1 else None


def _is_short_of(short: str, full: str) -> bool:
    return "." not in short and full.partition(".")[0] == short
