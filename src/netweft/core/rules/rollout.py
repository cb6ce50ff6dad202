"""What is allowed to be done with a rollout, and how clusters may have changes go out."""

from __future__ import annotations

from netweft.core.errors import Problem
from netweft.core.rollout import DEFAULT_SOAK, SOAK_MAX, WAVE_MAX, Status


def may_be_halted(status: Status) -> Problem | None:
    """It is running, or waits for hosts."""
    if status in {Status.RUNNING, Status.WAITING}:
        return None
    return Problem("ROLLOUT_STATUS", f"The Rollout cannot be halted: it is {status.value}.")


def may_be_resumed(status: Status) -> Problem | None:
    """It was halted."""
    if status is Status.HALTED:
        return None
    return Problem("ROLLOUT_STATUS", f"The Rollout cannot be resumed: it is {status.value}.")


def may_be_reverted(status: Status, irreversible: str) -> Problem | None:
    """It was neither superseded nor reverted, and its change can be reverted (``irreversible``: why not)."""
    if status not in {Status.RUNNING, Status.WAITING, Status.HALTED, Status.SUCCEEDED}:
        return Problem("ROLLOUT_STATUS", f"The Rollout cannot be reverted: it is {status.value}.")
    if irreversible:
        return Problem("ROLLOUT_CANNOT_BE_REVERTED", f"The Rollout cannot be reverted: {irreversible}")
    return None


def is_unchanged_since(reverted: str, changed: list[str]) -> Problem | None:
    """``changed``: names of what has been changed since the rollout ended, which taking it back would undo."""
    if not changed:
        return None
    text = f"The Rollout '{reverted}' cannot be reverted: what it changed was changed again: {', '.join(changed)}."
    return Problem("ROLLOUT_CANNOT_BE_REVERTED", text)


def policy_is_valid(canaries: int, wave: int, soak: int, on_failure: str) -> Problem | None:
    """How many hosts of a cluster change at a time, how long the first are watched, and what follows on failure."""
    for name, value, least, most in (
        ("Canaries", canaries, 0, WAVE_MAX),
        ("Wave", wave, 1, WAVE_MAX),
        ("Soak", soak, DEFAULT_SOAK, SOAK_MAX),
    ):
        if not least <= value <= most:
            text = f"Cluster [rollout{name}]: {value} is not between {least} and {most}."
            return Problem("VALIDATION_ROLLOUT_POLICY", text)
    if on_failure not in {"keep", "revert"}:
        text = f"Cluster [rolloutOnFailure]: '{on_failure[:20]}' is neither 'keep' nor 'revert'."
        return Problem("VALIDATION_ROLLOUT_POLICY", text)
    return None
