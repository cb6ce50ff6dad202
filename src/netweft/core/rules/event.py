"""Rules on events and jobs that come from outside."""

from __future__ import annotations

from netweft.core.errors import Problem

ORIGIN_MAX = 255
TEXT_MAX = 4000
_CUSTOM_ID_MAX = 2**31 - 1

OWN_ORIGIN = "oVirt"
"""The origin of the engine's own events, reserved for it."""


def origin_is_valid(origin: str) -> Problem | None:
    """The origin of an event is given, and is not the engine."""
    if not 0 < len(origin) <= ORIGIN_MAX:
        return Problem("ACTION_TYPE_FAILED_EXTERNAL_EVENT_ILLEGAL", f"The origin needs 1 to {ORIGIN_MAX} characters.")
    if origin.lower() == OWN_ORIGIN.lower():
        text = f"The origin {OWN_ORIGIN} is reserved for the engine. Name the system that reports the event."
        return Problem("ACTION_TYPE_FAILED_EXTERNAL_EVENT_ILLEGAL_ORIGIN", text)
    return None


def description_is_valid(description: str) -> Problem | None:
    """There is something to read, and not a book."""
    if description.strip() and len(description) <= TEXT_MAX:
        return None
    return Problem("ACTION_TYPE_FAILED_EMPTY_DESCRIPTION", f"The description needs 1 to {TEXT_MAX} characters.")


def custom_id_is_valid(custom_id: int | None) -> Problem | None:
    """A number of 31 bits, as oVirt stores it."""
    if custom_id is None or 0 <= custom_id <= _CUSTOM_ID_MAX:
        return None
    return Problem("ACTION_TYPE_FAILED_EXTERNAL_EVENT_ILLEGAL", f"The custom id must be at most {_CUSTOM_ID_MAX}.")
