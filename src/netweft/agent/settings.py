"""Settings of the kernel under /proc/sys (networking/ip-sysctl.rst): of the calling thread's network namespace."""

from __future__ import annotations

import os
from pathlib import Path


def accept_ra(link: str) -> str:
    """Whether a link accepts IPv6 router advertisements: 0 never, 1 unless it forwards, 2 always."""
    return f"net/ipv6/conf/{link}/accept_ra"


def read_setting(path: str) -> str:
    """Its value, empty where the kernel does not have it."""
    try:
        return Path("/proc/sys", path).read_text().strip()
    except FileNotFoundError:
        return ""


def write_setting(path: str, value: str) -> bool:
    """Set it, and tell whether the kernel has it: a link without IPv6 has no settings for that. Raises OSError."""
    try:
        descriptor = os.open(f"/proc/sys/{path}", os.O_WRONLY)
    except FileNotFoundError:
        return False
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)
    return True
