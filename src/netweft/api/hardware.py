"""The parts that virtual machines and templates share: processors, boot options, custom properties."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from netweft.api.schema import keep, or_default
from netweft.api.types import Boot, Cpu, CpuTopology, CustomProperty, Enabled, OperatingSystem, Template, Vm
from netweft.core.keep import KEEP
from netweft.engine.model.hardware import HardwareRow
from netweft.engine.operations.hardware import Hardware
from netweft.engine.queries.templates import TemplateDetails
from netweft.engine.queries.vms import VmDetails


def cpu(row: VmDetails | TemplateDetails) -> Cpu:
    """The processors of a row."""
    topology = CpuTopology(cores=row.cores, sockets=row.sockets, threads=row.threads)
    return Cpu(architecture=row.architecture or "undefined", mode=row.cpu_mode or UNSET, topology=topology)


def operating_system(row: HardwareRow) -> OperatingSystem:
    """What a row boots."""
    return OperatingSystem(
        boot=Boot(devices=list(row.boot_devices)),
        cmdline=row.os_cmdline or UNSET,
        initrd=row.os_initrd or UNSET,
        kernel=row.os_kernel or UNSET,
        type=row.os_type,
    )


def properties(values: dict[str, str]) -> list[CustomProperty] | UnsetType:
    """Custom properties, by name."""
    return [CustomProperty(name=name, value=value) for name, value in sorted(values.items())] or UNSET


def wanted(body: Vm | Template) -> Hardware:
    """What a request says of them."""
    cpu = or_default(body.cpu, Cpu())
    topology = or_default(cpu.topology, CpuTopology())
    os = or_default(body.os, OperatingSystem())
    devices = or_default(or_default(os.boot, Boot()).devices, [])
    custom: dict[str, str] | UnsetType = UNSET
    if not isinstance(body.custom_properties, UnsetType):
        custom = {or_default(one.name, ""): or_default(one.value, "") for one in body.custom_properties}
    return Hardware(
        memory=keep(body.memory),
        sockets=keep(topology.sockets),
        cores=keep(topology.cores),
        threads=keep(topology.threads),
        kernel=keep(os.kernel),
        initrd=keep(os.initrd),
        cmdline=keep(os.cmdline),
        custom_properties=keep(custom),
        cpu_mode=keep(cpu.mode),
        boot_devices=tuple(dict.fromkeys(devices)) or KEEP,
        os_type=keep(os.type),
        type=keep(body.type),
        console=keep(or_default(body.console, Enabled()).enabled),
        stateless=keep(body.stateless),
        delete_protected=keep(body.delete_protected),
    )


def architecture(body: Vm | Template) -> str:
    """The architecture that a request asks for, ``undefined`` for any."""
    return or_default(or_default(body.cpu, Cpu()).architecture, "undefined")
