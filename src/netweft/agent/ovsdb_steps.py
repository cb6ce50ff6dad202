"""What can be done to Open vSwitch: the steps of a plan for it, and what guest drivers need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from netweft.core.host import GuestPort
from netweft.core.steps import CreateOvsBridge, CreateOvsPort, DeleteOvsBridge, DeleteOvsPort, OvsStep, SetMac, SetMtu


@dataclass(frozen=True, slots=True)
class PlugGuest:
    """Make a link that exists the port of an OVS bridge for a vNIC, or move it there.

    ``isolated``: frames do not pass between it and other isolated ports of the bridge. ``trunks``: the VLANs that pass
    tagged; the port's tag is then that of untagged frames. ``mirrored``: it gets a copy of every frame of its VLAN on
    the bridge, and then nothing else: what it sends is dropped (ovs-vswitchd.conf.db(5), Mirror, output_port).
    ``interface_id``, ``mac``: by which a controller of the bridge knows the port (ibid., Interface, external_ids);
    empty where none asks.

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
"""What can be executed: the steps of a plan for OVS, and what guest drivers need.

MTU and MAC are those of internal ports: Open vSwitch sets them itself, and takes back what others set.
"""


class OvsStepError(Exception):
    """A step that Open vSwitch refused, and its reason.

    ``step`` is None when the database refused the transaction for a reason that no single step has.
    """

    def __init__(self, step: OvsdbStep | None, reason: str) -> None:
        super().__init__(
            f"Open vSwitch refused {step}: {reason}" if step else f"Open vSwitch refused the changes: {reason}"
        )
        self.step = step
        self.reason = reason


def inverse(step: OvsdbStep | None) -> OvsdbStep:
    """The step that takes away what a step made."""
    match step:
        case CreateOvsBridge(bridge):
            return DeleteOvsBridge(bridge.name)
        case CreateOvsPort(port):
            return DeleteOvsPort(port.name)
        case PlugGuest(port):
            return UnplugGuest(port.name)
        case _:
            raise TypeError(f"{step} creates nothing")
