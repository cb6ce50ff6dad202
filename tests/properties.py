"""How hypothesis looks for what breaks a property: it decides what is random, and makes what fails smaller."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings


def examples(count: int, *, shrinks: bool = True) -> settings:
    """So many examples, the same each time. A host takes seconds for one, and for some a thousand choices are made.
    ``shrinks``: False where each begins with what the one before has left, and none can be looked at alone.
    """
    return settings(
        max_examples=count,
        phases=tuple(Phase) if shrinks else (Phase.generate,),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
