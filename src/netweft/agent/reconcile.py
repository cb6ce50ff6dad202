"""Reconciles a host: observe, plan, execute, until no step is left; then verify."""

from __future__ import annotations

import logging
from functools import partial
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypeAlias

from netweft.agent.networking import NetworkingError
from netweft.core.compare import differences
from netweft.core.plan import plan
from netweft.core.prune import leave_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from netweft.agent.networking import Networking
    from netweft.core.host import Host
    from netweft.core.steps import Step

log = logging.getLogger(__name__)

PASSES = 3
"""How often to plan.

A second pass corrects what changed during the first; what a third cannot correct, further ones will not.
"""

Report: TypeAlias = "Callable[[int, int], None]"
"""Called with the steps done and the number of steps in this pass. An exception stops the execution."""


class NotConvergedError(Exception):
    """The host differs from the desired state although every step was executed. ``left``: the differences."""

    def __init__(self, left: tuple[str, ...]) -> None:
        super().__init__("the host does not match the requested state: " + "; ".join(left))
        self.left = left


def reconcile(
    driver: Networking, desired: Host, report: Report, observed: Host | None = None, steps: Sequence[Step] = ()
) -> None:
    """Bring the managed part of the host to the desired state.

    ``observed``, ``steps``: the current host and the plan for it, if the caller has them.

    Raises NetworkingError at the first step that the host refuses, NotConvergedError when the result differs.
    """
    now = observed or driver.observe()
    for turn in range(PASSES):
        todo = steps if observed and turn == 0 else plan(now, desired)
        if not todo:
            break
        driver.execute(todo, partial(_report, report, len(todo)))
        now = driver.observe()
    left = differences(desired, now)
    if left:
        raise NotConvergedError(left)


def _report(report: Report, total: int, done: int) -> None:
    report(done, total)


def wait_for_nics(driver: Networking, desired: Host, patience: float) -> None:
    """Wait at most ``patience`` seconds for the NICs of a configuration. Raises NetworkingError."""
    until = monotonic() + patience
    while set(desired.nics) - set(driver.observe().nics) and monotonic() < until:
        sleep(0.2)


def restore(driver: Networking, desired: Host, watch: Collection[str] = ()) -> tuple[str, ...]:
    """Restore an earlier configuration of the host as far as possible; returns the remaining differences, as lines.

    A refused step does not end the attempt: the next pass plans from the state at that time. Missing NICs are among
    the differences. ``watch``: links to compare in the end although they are not (or no longer) ours.
    """
    desired, missing = leave_missing(desired, driver.observe())
    trouble: tuple[str, ...] = ()
    for _ in range(PASSES):
        try:
            reconcile(driver, desired, lambda _done, _total: None)
        except NetworkingError as error:
            trouble = (str(error),)
            log.warning("while restoring: %s", error)
        except NotConvergedError as error:
            log.warning("while restoring: %s", error)
            break
        else:
            break
    left = differences(desired, driver.observe(), watch)
    return (*missing, *left, *(trouble if left else ()))
