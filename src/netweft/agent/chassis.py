"""Verifies that a host has become a chassis of OVN, and removes its former chassis from OVN.

Before a change is kept, it can be checked that ovn-controller reaches the southbound database and is registered there.
The location of guests is up to OVN.
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
"""Poll interval in seconds."""


def try_chassis(
    driver: Networking, steps: Iterable[Step], change: tuple[Host, Host], patience: float, check: Callable[[], None]
) -> None:
    """After steps that changed the chassis: wait until it is registered, and remove the former one from OVN.
    ``change``: the host before, and the desired one.

    ``check`` is called at each poll; an exception of it ends the waiting. Raises NetworkingError when there is no
    chassis after ``patience`` seconds.
    """
    if not any(isinstance(step, SetChassis) for step in steps):
        return
    former, desired = (host.chassis or Chassis() for host in change)
    if desired.owner:
        if former.remote and former.system_id != desired.system_id:
            # An address is unique in a database: the new chassis can have it only after the old one is removed.
            leave_behind(driver, replace(former, remote=desired.remote), desired)
        _await_chassis(driver, desired, patience, check)
    if not desired.owner or former.remote != desired.remote:
        leave_behind(driver, former, desired)


def _await_chassis(driver: Networking, desired: Chassis, patience: float, check: Callable[[], None]) -> None:
    """Two successive polls must succeed: at the first, ovn-controller may not have read its new settings yet."""
    deadline = monotonic() + patience
    was_registered = False
    while (reason := driver.why_no_chassis(desired)) or not was_registered:
        was_registered = not reason
        if reason and monotonic() >= deadline:
            raise NetworkingError(
                f"the host is no chassis of OVN (southbound database {desired.remote}) after {patience:g} s: {reason}"
            )
        sleep(AGAIN)
        check()


def leave_behind(driver: Networking, former: Chassis | None, present: Chassis | None) -> None:
    """Remove the former chassis from OVN if the host is another one now, or none. If OVN is unreachable, the remaining
    record matters only when another chassis gets its address, which is an error then.
    """
    former, present = former or Chassis(), present or Chassis()
    if former.system_id and former.remote and _identity(former) != _identity(present):
        try:
            driver.forget_chassis(former, present)
        except NetworkingError as error:
            log.warning("%s", error)


def _identity(chassis: Chassis) -> tuple[str, str]:
    return chassis.system_id, chassis.remote
