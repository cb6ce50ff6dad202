"""The hardware that virtual machines and templates have alike."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import BigInteger, String, false

from netweft.engine.model.records import AddedText, Record, With


class HardwareRow(Record, frozen=True):
    """Columns of both."""

    # Octets.
    memory: Annotated[int, BigInteger()]
    sockets: int
    cores: int
    threads: int
    # A kernel on the host that is booted directly, with its initial RAM disk and command line; empty: none.
    os_kernel: AddedText
    os_initrd: AddedText
    os_cmdline: AddedText
    # How the processors look to the guest: custom, host_model, host_passthrough; empty: as the host's driver has it.
    cpu_mode: Annotated[str, String(16), With(server_default="")]
    # Devices to boot from, first first: hd, network, cdrom.
    boot_devices: Annotated[tuple[str, ...], With(server_default='["hd"]')]
    # What is installed, as oVirt names it, and what it is used for. Nothing here depends on either.
    os_type: Annotated[str, String(255), With(server_default="other")]
    type: Annotated[str, String(16), With(server_default="server")]
    console: Annotated[bool, With(server_default=false())]
    # Whether each run begins with the disk and the vNICs as they were before the last one.
    stateless: Annotated[bool, With(server_default=false())]
    delete_protected: Annotated[bool, With(server_default=false())]
    # By name: core.rules.vm.PROPERTIES.
    custom_properties: Annotated[dict[str, str], With(server_default="{}")]
