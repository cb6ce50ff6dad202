"""What a NIC is: driver, PCI device, speed, duplex, permanent MAC.

By ioctl (ethtool, linux/ethtool.h) and not in /sys/class/net, which shows the namespace of whoever mounted it.
"""

from __future__ import annotations

import ctypes
import fcntl
import struct
from dataclasses import replace
from pathlib import Path

from netweft.core.host import NicFacts, VirtualFunction

PCI_DEVICES = Path("/sys/bus/pci/devices")
"""Where sysfs shows what is on the PCI buses, in every namespace the same (Linux: PCI/pci-iov-howto.rst)."""

_SIOCETHTOOL, _ETHTOOL_GSET, _ETHTOOL_GDRVINFO = 0x8946, 0x1, 0x3
_SETTINGS_SIZE, _DRIVER_INFO_SIZE = 44, 196
_SPEED_UNKNOWN = 0xFFFFFFFF
_SPEED = struct.Struct("=12xHB13xH")
"""struct ethtool_cmd: the lower half of the speed, the duplex, the upper half of the speed."""
_DRIVER = struct.Struct("=4x32s32x32s32s")
"""struct ethtool_drvinfo: the driver, the firmware, where it sits on its bus."""
_DUPLEX = {0: "half", 1: "full"}


def read_facts(socket: int, name: str, permanent_mac: str, devices: Path = PCI_DEVICES) -> NicFacts:
    """The facts about a NIC; those that its driver does not report are empty.

    ``socket``: any socket of the NIC's namespace; ``devices``: sysfs' folder of PCI devices.
    """
    information = _ethtool(socket, name, _ETHTOOL_GDRVINFO, _DRIVER_INFO_SIZE)
    driver, _, bus = (text.split(b"\0")[0].decode(errors="replace") for text in _DRIVER.unpack_from(information))
    speed, duplex = _speed(_ethtool(socket, name, _ETHTOOL_GSET, _SETTINGS_SIZE))
    facts = NicFacts(permanent_mac=permanent_mac, driver=driver, speed=speed, duplex=duplex)
    return read_pci(facts, devices / bus) if bus and (devices / bus).exists() else facts


def read_pci(facts: NicFacts, device: Path) -> NicFacts:
    """The facts with those of a PCI device, by its folder: its ids, and its virtual functions."""
    return replace(
        facts,
        pci_address=device.name,
        vendor=read_text(device / "vendor"),
        device=read_text(device / "device"),
        functions_max=int(read_text(device / "sriov_totalvfs") or 0),
        functions=_functions(device),
        physical=_target(device / "physfn"),
    )


def _functions(device: Path) -> tuple[VirtualFunction, ...]:
    """The virtual functions, to which links point by their numbers."""
    numbers = sorted(int(path.name.removeprefix("virtfn")) for path in device.glob("virtfn*"))
    links = [device / f"virtfn{number}" for number in numbers]
    return tuple(
        VirtualFunction(pci_address=address, assignable=_is_alone(link)) for link in links if (address := _target(link))
    )


def _target(link: Path) -> str:
    """The name of the device that a link points to, empty when the link does not exist."""
    try:
        return link.readlink().name
    except OSError:
        return ""


def _is_alone(device: Path) -> bool:
    """Whether a device has an IOMMU group to itself."""
    try:
        return len(list((device / "iommu_group" / "devices").iterdir())) == 1
    except OSError:
        return False


def _speed(settings: bytes) -> tuple[int, str]:
    low, duplex, high = _SPEED.unpack_from(settings)
    speed = low | high << 16
    return (0, "") if speed == _SPEED_UNKNOWN or not speed else (speed, _DUPLEX.get(duplex, ""))


def _ethtool(socket: int, name: str, command: int, size: int) -> bytes:
    """An ethtool command's answer, zeros when the driver does not support it."""
    buffer = ctypes.create_string_buffer(struct.pack("=I", command), size)
    request = struct.pack("16sP16x", name.encode(), ctypes.addressof(buffer))
    try:
        fcntl.ioctl(socket, _SIOCETHTOOL, request)
    except OSError:
        return bytes(size)
    return buffer.raw


def read_text(path: Path) -> str:
    """The text of a file of sysfs, without its newline; empty when it cannot be read."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
