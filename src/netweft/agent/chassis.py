"""Whether a host that was told to be a chassis of OVN has become one: part of trying a change out.

Where its guests are is a chassis' own business; that its ovn-controller reaches the southbound database is what can be
known before anybody keeps the change.
"""

from __future__ import annotations

from time import monotonic, sleep
from typing import TYPE_CHECKING

from netweft.agent.networking import NetworkingError
from netweft.core.steps import SetChassis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from netweft.agent.networking import Networking
    from netweft.core.host import Host
    from netweft.core.steps import Step

CHASSIS_PATIENCE = 30.0
"""Seconds for ovn-controller to connect. It waits for up to 8 between two attempts (ovsdb-idl(7))."""

AGAIN = 0.5
"""Seconds between two looks."""


def await_connection(
    driver: Networking, steps: Iterable[Step], desired: Host, patience: float, check: Callable[[], None]
) -> None:
    """After steps that touched the chassis, and left one: wait until ovn-controller is connected to its southbound
    database. It has to be so at two looks on end: at the first it may not have heard yet what it is told now.

    ``check`` is called between two looks; what it raises ends the waiting. Raises NetworkingError when ovn-controller
    is not connected after so many seconds.
    """
    is_chassis = desired.chassis is not None and bool(desired.chassis.owner)
    if not is_chassis or not any(isinstance(step, SetChassis) for step in steps):
        return
    deadline = monotonic() + patience
    was_connected = False
    while (reason := driver.why_no_chassis()) or not was_connected:
        was_connected = not reason
        if reason and monotonic() >= deadline:
            raise NetworkingError(f"OVN's southbound database is not reached: {reason} after {patience:g} s")
        sleep(AGAIN)
        check()
