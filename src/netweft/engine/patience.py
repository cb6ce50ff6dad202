"""How long jobs wait for hosts and guests."""

from __future__ import annotations

from dataclasses import dataclass

from netweft.core.rollout import CONFIRM_WITHIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """All in seconds.

    ``silence``: without an answer, beyond those that a host waits for its confirmation, after which the engine stops
    polling the outcome of a change. ``report``: without an answer, until a host's networks for a guest count as
    unknown. ``poll``: of one long poll for the progress of a change; a stop of the engine is noticed in between.
    ``shutdown``: after which the shutdown of a guest that still runs counts as failed. ``port``: until a port on a
    provider that passes no frames counts as failed. ``provider``: after which a job sends a failing provider no more
    requests, and leaves the rest to later tries. ``soak``: for which the first hosts of a rollout are watched, unless
    their cluster sets it. ``rollout``: between checks of a rollout's hosts. ``confirm``: that a host waits to be
    confirmed after a change of one.
    """

    silence: float = 30.0
    report: float = 15.0
    poll: float = 2.0
    shutdown: float = 60.0
    port: float = 60.0
    provider: float = 2.0
    soak: float = 10.0
    rollout: float = 0.2
    confirm: float = CONFIRM_WITHIN


PATIENCE = Patience()
"""The defaults."""
