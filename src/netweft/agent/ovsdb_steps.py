"""The steps for Open vSwitch: those of plans, and those of guest drivers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from netweft.core.host import GuestPort
from netweft.core.steps import CreateOvsBridge, CreateOvsPort, DeleteOvsBridge, DeleteOvsPort, OvsStep, SetMac, SetMtu


@dataclass(frozen=True, slots=True)
class PlugGuest:
    """Add an existing link as a vNIC's port to an OVS bridge, or move it there.

    ``isolated``: frames do not pass between it and other isolated ports of the bridge. ``trunks``: the VLANs that pass
    tagged; the port's tag is then that of untagged frames. ``mirrored``: it gets a copy of every frame of its VLAN on
    the bridge, and then nothing else: what it sends is dropped (ovs-vswitchd.conf.db(5), Mirror, output_port).
    ``interface_id``, ``mac``: identify the port for a controller of the bridge (ibid., Interface, external_ids);
    empty without one.

    For guest drivers, never part of a plan.
    """

    port: GuestPort
    isolated: bool = False
    trunks: tuple[int, ...] = ()
    mirrored: bool = False
    interface_id: str = ""
    mac: str = ""


@dataclass(frozen=True, slots=True)
class UnplugGuest:
    """Remove a guest's port; nothing happens when there is none. For guest drivers."""

    name: str


OvsdbStep: TypeAlias = OvsStep | SetMtu | SetMac | PlugGuest | UnplugGuest
"""All steps for OVS, of plans and of guest drivers.

MTU and MAC are those of internal ports: Open vSwitch sets them itself, and reverts changes by others.
"""


class OvsStepError(Exception):
    """A step that Open vSwitch refused, and its reason.

    ``step`` is None when the database refused the transaction as a whole.
    """

    def __init__(self, step: OvsdbStep | None, reason: str) -> None:
        super().__init__(
            f"Open vSwitch refused {step}: {reason}" if step else f"Open vSwitch refused the changes: {reason}"
        )
        self.step = step
        self.reason = reason


def inverse(step: OvsdbStep | None) -> OvsdbStep:
    """The step that removes what a step created."""
    match step:
        case CreateOvsBridge(bridge):
            return DeleteOvsBridge(bridge.name)
        case CreateOvsPort(port):
            return DeleteOvsPort(port.name)
        case PlugGuest(port):
            return UnplugGuest(port.name)
        case _:
            raise TypeError(f"{step} creates nothing")
