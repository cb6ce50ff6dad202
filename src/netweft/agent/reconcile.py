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
"""How often to plan anew.

A second pass mends what changed under the first; what a third cannot mend will not be mended by trying.
"""

Report: TypeAlias = "Callable[[int, int], None]"
"""Told the steps done and the steps there are in this pass. What it raises stops the work there."""


class NotConvergedError(Exception):
    """The host is not as wanted although every step was done. ``left``: what differs, a line each."""

    def __init__(self, left: tuple[str, ...]) -> None:
        super().__init__("the host does not match the requested state:  " + "; ".join(left))
        self.left = left


def reconcile(
    driver: Networking, desired: Host, report: Report, seen: Host | None = None, steps: Sequence[Step] = ()
) -> None:
    """Make the host what ``desired`` says of what is managed.

    ``seen``, ``steps``: what it is and the plan from there, if known.

    Raises NetworkingError at the first step that the host refuses, NotConvergedError when the result is not as wanted.
    """
    now = seen or driver.observe()
    for turn in range(PASSES):
        todo = steps if seen and turn == 0 else plan(now, desired)
        if not todo:
            break
        driver.execute(todo, partial(_pass_on, report, len(todo)))
        now = driver.observe()
    left = differences(desired, now)
    if left:
        raise NotConvergedError(left)


def _pass_on(report: Report, total: int, done: int) -> None:
    report(done, total)


def wait_for_nics(driver: Networking, wanted: Host, patience: float) -> None:
    """Wait until the NICs of a configuration are there, at most ``patience`` seconds. Raises NetworkingError."""
    until = monotonic() + patience
    while set(wanted.nics) - set(driver.observe().nics) and monotonic() < until:
        sleep(0.2)


def restore(driver: Networking, wanted: Host, watch: Collection[str] = ()) -> tuple[str, ...]:
    """Take the host to a configuration that it had, as far as it lets itself be taken; returns what differs, in lines.

    A refused step does not end the attempt: the next pass plans from what there is then. NICs that are missing are
    told, and the rest comes back. ``watch``: links to look at in the end although they are not ours (any more).
    """
    wanted, missing = leave_missing(wanted, driver.observe())
    trouble: tuple[str, ...] = ()
    for _ in range(PASSES):
        try:
            reconcile(driver, wanted, lambda _done, _total: None)
        except NetworkingError as error:
            trouble = (str(error),)
            log.warning("on the way back: %s", error)
        except NotConvergedError as error:
            log.warning("on the way back: %s", error)
            break
        else:
            break
    left = differences(wanted, driver.observe(), watch)
    return (*missing, *left, *(trouble if left else ()))
