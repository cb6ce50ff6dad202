"""The capabilities of this host."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from netweft import agent
from netweft.agent.guest_dhcp import can_serve
from netweft.agent.interface_cards import adapters, cards, hardware_uuid
from netweft.agent.ovn_controller import ovn_version
from netweft.agent.ovsdb_session import OvsdbError
from netweft.core.protocol import Capabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netweft.agent.guests import GuestDriver
    from netweft.agent.ovsdb import Ovsdb

MODPROBE_SECONDS = 10.0


def read_capabilities(ovsdb: Ovsdb | None, drivers: Sequence[GuestDriver], hostname: str) -> Capabilities:
    """Read the machine's capabilities. Open vSwitch counts as absent while its database does not answer."""
    system = platform.freedesktop_os_release()
    ovs_version, datapaths = _open_vswitch(ovsdb)
    return Capabilities(
        hostname=hostname,
        agent_version=agent.version(),
        kernel=platform.release(),
        os_name=system.get("NAME", ""),
        os_version=system.get("VERSION_ID", ""),
        cpu_model=_cpu_model(),
        cpu_cores=os.cpu_count() or 0,
        memory=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        vlan=has_module("8021q", sign=Path("/proc/net/vlan")),
        bonding=has_module("bonding", sign=Path("/sys/class/net/bonding_masters")),
        ovs_version=ovs_version,
        ovs_datapaths=datapaths,
        guest_drivers=tuple(driver.name for driver in drivers),
        libvirt_version=next((driver.version() for driver in drivers if driver.name == "libvirt"), ""),
        dhcp_server=can_serve(),
        ovn_version=ovn_version(),
        interface_cards=(*cards(), *adapters()),
        uuid=hardware_uuid(),
    )


def has_module(name: str, *, sign: Path) -> bool:
    """Whether the kernel has a feature: built in or loaded (``sign`` exists), or a module that can be loaded."""
    return sign.exists() or Path("/sys/module", name).exists() or _can_load(name)


@cache
def _can_load(name: str) -> bool:
    """Load a module. Cached, as every report needs it and each try starts a process."""
    modprobe = shutil.which("modprobe")
    if modprobe is None:
        return False
    done = subprocess.run([modprobe, "--quiet", name], check=False, timeout=MODPROBE_SECONDS, stdin=subprocess.DEVNULL)  # noqa: S603  # a fixed program and a name of ours
    return done.returncode == 0


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def _open_vswitch(ovsdb: Ovsdb | None) -> tuple[str, tuple[str, ...]]:
    if ovsdb is None:
        return "", ()
    try:
        version, datapaths = ovsdb.version(), ovsdb.datapaths()
    except OvsdbError:
        return "", ()
    # ovs-vswitchd lists the kernel's datapath whether or not the kernel has it.
    has_kernel_datapath = has_module("openvswitch", sign=Path("/sys/module/openvswitch"))
    return version, tuple(kind for kind in datapaths if kind != "system" or has_kernel_datapath)
