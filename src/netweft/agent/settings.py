"""Settings of the kernel under /proc/sys (networking/ip-sysctl.rst): of the calling thread's network namespace."""

from __future__ import annotations

import os
from pathlib import Path


def accept_ra(link: str) -> str:
    """The setting for IPv6 router advertisements of a link: accept 0 never, 1 unless it forwards, 2 always."""
    return f"net/ipv6/conf/{link}/accept_ra"


def read_setting(path: str) -> str:
    """The value of a setting, empty if it does not exist."""
    try:
        return Path("/proc/sys", path).read_text().strip()
    except FileNotFoundError:
        return ""


def write_setting(path: str, value: str) -> bool:
    """Write a setting. False if it does not exist, such as those of IPv6 on a link without it. Raises OSError."""
    try:
        descriptor = os.open(f"/proc/sys/{path}", os.O_WRONLY)
    except FileNotFoundError:
        return False
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)
    return True
