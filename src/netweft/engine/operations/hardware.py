"""What a virtual machine has and boots, which a template and a machine say alike and hand on to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from netweft.core.errors import Problem
from netweft.core.keep import KEEP, Keep, or_current
from netweft.core.rules import vm as rules
from netweft.engine.model.hardware import HardwareRow
from netweft.engine.model.vms import ThisRun

_COLUMNS: Final = {
    "memory": "memory",
    "sockets": "sockets",
    "cores": "cores",
    "threads": "threads",
    "kernel": "os_kernel",
    "initrd": "os_initrd",
    "cmdline": "os_cmdline",
    "custom_properties": "custom_properties",
    "cpu_mode": "cpu_mode",
    "boot_devices": "boot_devices",
    "os_type": "os_type",
    "type": "type",
    "console": "console",
    "stateless": "stateless",
    "delete_protected": "delete_protected",
}

_OF_ONE_RUN: Final = {name: column for name, column in _COLUMNS.items() if column in ThisRun.__struct_fields__}
"""What a start may say for that run alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What a request says of it; what is KEEP stays, or comes from where the machine or template is made from.

    ``memory`` in octets; ``kernel`` and ``initrd`` are paths on the host, empty for none; the rest as in the table of
    virtual machines.
    """

    memory: int | Keep = KEEP
    sockets: int | Keep = KEEP
    cores: int | Keep = KEEP
    threads: int | Keep = KEEP
    kernel: str | Keep = KEEP
    initrd: str | Keep = KEEP
    cmdline: str | Keep = KEEP
    custom_properties: Mapping[str, str] | Keep = KEEP
    cpu_mode: str | Keep = KEEP
    boot_devices: tuple[str, ...] | Keep = KEEP
    os_type: str | Keep = KEEP
    type: str | Keep = KEEP
    console: bool | Keep = KEEP
    stateless: bool | Keep = KEEP
    delete_protected: bool | Keep = KEEP

    def over(self, source: HardwareRow) -> dict[str, Any]:
        """Columns of vms and templates: the given values, else those of ``source``."""
        return {column: or_current(getattr(self, name), getattr(source, column)) for name, column in _COLUMNS.items()}

    def for_one_run(self) -> dict[str, Any]:
        """Columns of vms that a run has another value of, of those that it can."""
        values = {column: getattr(self, name) for name, column in _OF_ONE_RUN.items()}
        return {column: value for column, value in values.items() if value is not KEEP}


SAME: Final = Hardware()
"""All of it as it is, or as it comes."""


def problems(hardware: HardwareRow) -> tuple[Problem | None, ...]:
    """The rules on it."""
    return (
        rules.memory_is_enough(hardware.memory),
        rules.cpus_are_valid(hardware.sockets, hardware.cores, hardware.threads),
        rules.boot_is_valid(hardware.os_kernel, hardware.os_initrd, hardware.os_cmdline),
        rules.properties_are_known(hardware.custom_properties),
        rules.os_type_is_valid(hardware.os_type),
    )
