"""Whether drift of a host may be adopted or ignored as requested."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from netweft.core.compare import Difference
from netweft.core.errors import Problem
from netweft.core.rules.fields import listed

_OF_NETWORKS = frozenset({"mtu", "tag", "stp", "base", "bridge"})
"""Fields that follow from the network, which is the same on all its hosts."""


def drift_is_there(host: str, unknown: Sequence[str], there: Collection[str]) -> Problem | None:
    """Something differs, and so does all that is named. ``unknown``: names of which nothing differs; ``there``: those
    of which something does.
    """
    if there and not unknown:
        return None
    about = f"Nothing of {listed(unknown)} differs" if unknown else "Nothing differs"
    rest = f" Only these differ: {listed(there)}." if there else ""
    return Problem("DRIFT_IS_NOT_THERE", f"{about} on Host {host}.{rest}")


def drift_is_ignored(host: str, texts: Collection[str]) -> Problem | None:
    """What is to count again is ignored. ``texts``: what of it is."""
    if texts:
        return None
    return Problem("DRIFT_IS_NOT_IGNORED", f"None of these differences is ignored on Host {host}.")


def drift_is_ignored_until_later(until: datetime | None, now: datetime) -> Problem | None:
    """The time until which to ignore something is to come."""
    if until is None or until > now:
        return None
    return Problem("DRIFT_IGNORED_UNTIL_PAST", "The time until which to ignore it is over. Give a later one.")


def drift_can_be_adopted(left: Iterable[Difference]) -> Problem | None:
    """Attachments and bonds can express every difference. ``left``: those that they cannot."""
    reasons = [f"{one.text} ({_reason(one)})" for one in left]
    if not reasons:
        return None
    text = f"This cannot be adopted: {'; '.join(reasons)}. Synchronize the host, or name only what can be adopted."
    return Problem("DRIFT_CANNOT_BE_ADOPTED", text)


def _reason(one: Difference) -> str:
    if one.part == "guest port":
        return "the profile of the vNIC defines this: change the vNIC"
    if one.field in _OF_NETWORKS:
        return "the network defines this for all its hosts: change the network"
    return "no setting of an attachment or bond covers this"
