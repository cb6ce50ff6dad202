"""Waiting for what daemons do in their own time."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

PATIENCE = 120.0
"""Seconds for anything to come about; generous, for machines with much to do."""


def until(look: Callable[[], T], what: str = "it") -> T:
    """What ``look`` gives as soon as that is true. Raises AssertionError, with ``what`` was waited for."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} never came to hold"
        time.sleep(0.02)
    return found


def listens(path: Path) -> bool:
    """Whether somebody takes connections at a unix socket; who was killed leaves it behind."""
    with socket.socket(socket.AF_UNIX) as endpoint:
        return endpoint.connect_ex(str(path)) == 0
