"""Errors of the libvirt driver, and their texts."""

from __future__ import annotations

import libvirt

from netweft.agent import netlink as nl
from netweft.agent.ovsdb import OvsdbError, OvsStepError
from netweft.agent.store import StoreError

FAILURES = (OSError, OvsdbError, OvsStepError, StoreError, ValueError, libvirt.libvirtError, nl.NetlinkError)
"""Failures of libvirt, the kernel, Open vSwitch and the disk."""


def words(error: Exception) -> str:
    """The message of a failure."""
    return (error.get_error_message() or str(error)) if isinstance(error, libvirt.libvirtError) else str(error)
