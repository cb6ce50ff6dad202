"""When a host is synchronized by the policy of its cluster, when it waits, and when it is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from netweft.core.drift_healing import Attempts, Healing, attempts_now, verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "seconds", "expected"),
    [
        (1, 9, "wait"),
        (1, 10, "try"),
        (2, 19, "wait"),
        (2, 20, "try"),
        (4, 80, "try"),
        (5, 159, "wait"),
        (5, 160, "give up"),
        (5, 3599, "give up"),
        (5, 3600, "try"),
    ],
)
def test_pauses_and_an_end(count: int, seconds: int, expected: str) -> None:
    known = Attempts(count=count, last=NOW - timedelta(seconds=seconds))
    assert verdict(known, NOW, Healing()) == expected
    assert attempts_now(known, NOW, Healing()) == (0 if seconds == 3600 else count)


def test_the_first_time() -> None:
    assert verdict(None, NOW, Healing()) == "try"
    assert attempts_now(None, NOW, Healing()) == 0
