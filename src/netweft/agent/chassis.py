"""A host that is told to be a chassis of OVN: whether it has become one, and what it leaves behind in OVN.

Where its guests are is OVN's own business; that its ovn-controller reaches the southbound database and is registered
there is what can be known before anybody keeps the change.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from time import monotonic, sleep
from typing import TYPE_CHECKING

from netweft.agent.networking import NetworkingError
from netweft.core.host import Chassis
from netweft.core.steps import SetChassis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from netweft.agent.networking import Networking
    from netweft.core.host import Host
    from netweft.core.steps import Step

log = logging.getLogger(__name__)

CHASSIS_PATIENCE = 30.0
"""Seconds for ovn-controller to connect and register. It waits for up to 8 between two attempts (ovsdb-idl(7))."""

AGAIN = 0.5
"""Seconds between two looks."""


def try_chassis(
    driver: Networking, steps: Iterable[Step], change: tuple[Host, Host], patience: float, check: Callable[[], None]
) -> None:
    """After steps that touched the chassis: wait until the host is one, and take out of OVN what it was before.
    ``change``: the host before and as wanted.

    ``check`` is called between two looks; what it raises ends the waiting. Raises NetworkingError when there is no
    chassis after ``patience`` seconds.
    """
    if not any(isinstance(step, SetChassis) for step in steps):
        return
    former, wanted = (host.chassis or Chassis() for host in change)
    if wanted.owner:
        if former.remote and former.system_id != wanted.system_id:
            # One database has an address once: under its new name the host can have it only without the old one.
            leave_behind(driver, replace(former, remote=wanted.remote), wanted)
        _await_chassis(driver, wanted, patience, check)
    if not wanted.owner or former.remote != wanted.remote:
        leave_behind(driver, former, wanted)


def _await_chassis(driver: Networking, wanted: Chassis, patience: float, check: Callable[[], None]) -> None:
    """It has to be one at two looks on end: at the first ovn-controller may not have heard yet what it is told now."""
    deadline = monotonic() + patience
    was_there = False
    while (reason := driver.why_no_chassis(wanted)) or not was_there:
        was_there = not reason
        if reason and monotonic() >= deadline:
            raise NetworkingError(
                f"the host is no chassis of OVN (southbound database {wanted.remote}) after {patience:g} s: {reason}"
            )
        sleep(AGAIN)
        check()


def leave_behind(driver: Networking, former: Chassis | None, present: Chassis | None) -> None:
    """Have OVN let go of what the host was, when it is something else now, or nothing. What is left there, while OVN is
    away, is in nobody's way until another chassis has its address, and that is told then.
    """
    former, present = former or Chassis(), present or Chassis()
    if former.system_id and former.remote and _identity(former) != _identity(present):
        try:
            driver.forget_chassis(former, present)
        except NetworkingError as error:
            log.warning("%s", error)


def _identity(chassis: Chassis) -> tuple[str, str]:
    return chassis.system_id, chassis.remote
