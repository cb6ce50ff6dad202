"""Where the engine's logs go."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import redirect_stderr
from io import StringIO

import pytest
import structlog

from netweft.engine.logs import configure_logging


@pytest.fixture
def _configured() -> Iterator[None]:
    """What a test configures is undone after it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


@pytest.mark.usefixtures("_configured")
def test_logs_go_to_what_is_standard_error_when_they_are_written() -> None:
    ours, others = structlog.get_logger("ours"), logging.getLogger("others")
    with StringIO() as first, redirect_stderr(first):
        configure_logging("warning", as_json=True)
        ours.warning("one")
        others.warning("one")
        assert first.getvalue().count("one") == 2
    with StringIO() as second, redirect_stderr(second):
        ours.warning("two")
        others.warning("two")
        assert second.getvalue().count("two") == 2
