"""How hypothesis looks for what breaks a property: it decides what is random, and makes what fails smaller."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def examples(count: int) -> settings:
    """So many examples, the same each time. A host takes seconds for one, and for some a thousand choices are made."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
