"""The settings of hypothesis, which generates the examples of a property and shrinks those that fail."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def examples(count: int) -> settings:
    """The settings for this number of examples.

    Derandomized: the examples depend on the test alone. A failure is found again by running the test again, so no
    example database is needed. Failures are shrunk as usual. A larger number has other examples: ``make core
    EXAMPLES=5000``. No deadline and no health checks of time and size: an example on a real host takes seconds, and
    some examples need a thousand choices.
    """
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
