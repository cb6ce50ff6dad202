"""Waiting for conditions."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

PATIENCE = 120.0
"""Seconds until a condition counts as failed; generous, for busy machines."""


def until(condition: Callable[[], T], what: str = "it", *, seconds: float = PATIENCE) -> T:
    """The value of ``condition`` as soon as it is true. Raises AssertionError with ``what``."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: the condition was not met in time"
        time.sleep(0.02)
    return found


def eventually(condition: Callable[[], object], *, seconds: float) -> bool:
    """Whether ``condition`` is true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def listens(path: Path) -> bool:
    """Whether a process accepts connections at a unix socket; a killed one leaves the socket behind."""
    with socket.socket(socket.AF_UNIX) as endpoint:
        return endpoint.connect_ex(str(path)) == 0
