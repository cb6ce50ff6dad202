"""How long jobs wait for hosts and guests."""

from __future__ import annotations

from dataclasses import dataclass

from netweft.core.rollout import CONFIRM_WITHIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """All in seconds.

    ``silence``: without an answer, beyond those that a host waits for its confirmation, after which the engine stops
    asking how a change ends. ``report``: without an answer, until a host's networks for a guest count as unknown.
    ``poll``: of one question for the progress of a change; whether the engine stops is looked at in between.
    ``shutdown``: after which a guest that was asked to shut down, and runs, counts as not having obeyed. ``port``:
    until a port on a provider that passes no frames counts as failed. ``provider``: after which a job that a provider
    has failed asks it nothing more, but leaves the rest to later tries. ``soak``: for which the first hosts of a
    rollout are watched, where their cluster does not say. ``rollout``: between looks at the hosts of one.
    ``confirm``: that a host waits to be confirmed after a change of one.
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
"""That of an engine."""
