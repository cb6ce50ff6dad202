"""Which requests are allowed in which phase of a change.

Pure: :mod:`netweft.agent.change` passes the time, and carries out the decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netweft.agent.transitions import KEPT, in_words
from netweft.agent.wire import CONFLICT, MALFORMED, RefusalError
from netweft.core.protocol import Phase

if TYPE_CHECKING:
    from netweft.core.protocol import Change, ChangeRequest

LONGEST_WAIT = 3600.0
"""Longest time in seconds that a request may allow for the confirmation, so that a host does not wait for hours.
"""

LAST_GENERATION = (1 << 63) - 1


def require_in_range(request: ChangeRequest) -> None:
    """Raise RefusalError for numbers that no change can have."""
    if not 1 <= request.generation <= LAST_GENERATION or not 0 <= request.confirm_within <= LONGEST_WAIT:
        text = f"A generation is from 1 to {LAST_GENERATION}, confirm_within from 0 to {LONGEST_WAIT:.0f} seconds."
        raise RefusalError(MALFORMED, "malformed", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When a change can be confirmed, in seconds of time.monotonic: on a connection opened after ``applied``, before
    ``deadline``, and not after a rollback was requested (``is_stopped``).
    """

    applied: float
    deadline: float
    is_stopped: bool


def may_confirm(change: Change, window: Window, *, opened: float, now: float) -> bool:
    """Whether to accept a confirmation now; False when the change is already kept.

    ``opened``: when the connection that confirms was accepted. Raises RefusalError when the change does not wait for a
    confirmation, and for a connection older than the change, which proves nothing.
    """
    if change.phase in KEPT:
        return False
    if change.phase is not Phase.AWAITING or window.is_stopped or now >= window.deadline:
        raise _wrong_phase(f"Change {change.generation} awaits no confirmation: it is {in_words(change.phase)}.")
    if opened <= window.applied:
        raise RefusalError(
            CONFLICT,
            "old_connection",
            "This connection was opened before the change was applied: confirm on a new one.",
        )
    return True


def may_roll_back(change: Change) -> bool:
    """Whether the change is to be rolled back now; False when it is already.

    Raises RefusalError for one that was kept.
    """
    if change.phase in KEPT:
        raise _wrong_phase(
            f"Change {change.generation} is {in_words(change.phase)}: send the older configuration as a new one."
        )
    return not change.phase.is_final


def require_current(change: Change | None, generation: int) -> Change:
    """The last change, if it has this generation. Raises RefusalError for an older or a future one."""
    if change is None or generation > change.generation:
        raise _wrong_phase(f"The host has no change {generation}.")
    if generation < change.generation:
        raise RefusalError(
            CONFLICT, "stale_generation", f"Change {generation} is over: the host is at {change.generation}."
        )
    return change


def stale(request: ChangeRequest, generation: int) -> RefusalError:
    """For a request whose generation is not newer than the host's, and that does not repeat its request."""
    return RefusalError(
        CONFLICT,
        "stale_generation",
        f"Generation {request.generation} is too old: the host is at generation {generation}.",
    )


def busy(generation: int) -> RefusalError:
    """For a request that arrives while the change of that generation is under way."""
    return RefusalError(CONFLICT, "busy", f"Another change of the host is under way (generation {generation}).")


def _wrong_phase(text: str) -> RefusalError:
    return RefusalError(CONFLICT, "wrong_phase", text)
