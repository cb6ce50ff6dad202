"""What a NIC is: driver, PCI device, speed, duplex, permanent MAC.

By ioctl (ethtool, linux/ethtool.h) and not in /sys/class/net, which shows the namespace of whoever mounted it.
"""

from __future__ import annotations

import ctypes
import fcntl
import struct
from pathlib import Path

from netloom.core.host import NicFacts

_SIOCETHTOOL, _ETHTOOL_GSET, _ETHTOOL_GDRVINFO = 0x8946, 0x1, 0x3
_SETTINGS_SIZE, _DRIVER_INFO_SIZE = 44, 196
_SPEED_UNKNOWN = 0xFFFFFFFF
_SPEED = struct.Struct("=12xHB13xH")
"""struct ethtool_cmd: the lower half of the speed, the duplex, the upper half of the speed."""
_DRIVER = struct.Struct("=4x32s32x32s32s")
"""struct ethtool_drvinfo: the driver, the firmware, where it sits on its bus."""
_DUPLEX = {0: "half", 1: "full"}


def read_facts(socket: int, name: str, permanent_mac: str) -> NicFacts:
    """What can be found out about a NIC; what its driver does not tell is left empty.

    ``socket``: any socket of the NIC's namespace.
    """
    information = _ethtool(socket, name, _ETHTOOL_GDRVINFO, _DRIVER_INFO_SIZE)
    driver, _, bus = (text.split(b"\0")[0].decode(errors="replace") for text in _DRIVER.unpack_from(information))
    speed, duplex = _speed(_ethtool(socket, name, _ETHTOOL_GSET, _SETTINGS_SIZE))
    device = Path("/sys/bus/pci/devices", bus)
    is_pci = bool(bus) and device.exists()
    return NicFacts(
        permanent_mac=permanent_mac,
        driver=driver,
        pci_address=bus if is_pci else "",
        vendor=_read(device / "vendor") if is_pci else "",
        device=_read(device / "device") if is_pci else "",
        speed=speed,
        duplex=duplex,
    )


def _speed(settings: bytes) -> tuple[int, str]:
    low, duplex, high = _SPEED.unpack_from(settings)
    speed = low | high << 16
    return (0, "") if speed == _SPEED_UNKNOWN or not speed else (speed, _DUPLEX.get(duplex, ""))


def _ethtool(socket: int, name: str, command: int, size: int) -> bytes:
    """An ethtool command's answer, zeros when the driver does not know it."""
    buffer = ctypes.create_string_buffer(struct.pack("=I", command), size)
    request = struct.pack("16sP16x", name.encode(), ctypes.addressof(buffer))
    try:
        fcntl.ioctl(socket, _SIOCETHTOOL, request)
    except OSError:
        return bytes(size)
    return buffer.raw


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
