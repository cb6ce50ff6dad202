"""Network namespaces and the virtual cables between them."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from netweft.lab.processes import LabError, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FOLDER = Path("/run/netns")
"""The named network namespaces (ip-netns(8))."""

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_SIOCETHTOOL = 0x8946  # linux/sockios.h
_ETHTOOL_STXCSUM = 0x00000017  # linux/ethtool.h


def add(name: str) -> None:
    """Create a namespace, with its loopback up. Raises LabError."""
    run(["ip", "netns", "add", name])
    ip(name, "link", "set", "lo", "up")


def remove(name: str) -> None:
    """Remove a namespace if it is there; the links in it go with it. Raises LabError."""
    if (FOLDER / name).exists():
        run(["ip", "netns", "delete", name])


def ip(namespace: str, *arguments: str) -> None:
    """Run a command of iproute2 in a namespace, or with ``""`` in the current one. Raises LabError."""
    run(["ip", *(["-n", namespace] if namespace else []), *arguments])


def inside(namespace: str) -> Sequence[str]:
    """The prefix of a command that is to run in the network namespace, with all other namespaces unchanged."""
    return ("nsenter", f"--net={FOLDER / namespace}", "--")


def inside_as_host(namespace: str) -> Sequence[str]:
    """Such a prefix with, in addition, a /sys that shows the namespace's links instead of this machine's.

    Other mounts are shared in both directions, so that namespaces which the program creates are visible here too.
    """
    remount = 'mount --make-private /sys && mount -t sysfs -o ro sysfs /sys && exec "$@"'
    return (*inside(namespace), "unshare", "--mount", "--propagation", "unchanged", "sh", "-c", remount, "sh")


def offload_no_checksums(namespace: str, link: str) -> None:
    """Make the kernel complete checksums before frames leave a veth. Raises LabError.

    A veth leaves them to a receiver that never completes them when the frame goes through a switch in user space: pings
    work, TCP hangs.
    """

    def switch_off() -> None:
        value = bytearray(struct.pack("=II", _ETHTOOL_STXCSUM, 0))
        buffer = (ctypes.c_char * len(value)).from_buffer(value)
        request = struct.pack("@16sP", link.encode(), ctypes.addressof(buffer)).ljust(40, b"\0")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
            fcntl.ioctl(endpoint, _SIOCETHTOOL, request)

    _call_inside(namespace, switch_off)


def _call_inside(namespace: str, work: Callable[[], None]) -> None:
    """Call a function in a namespace, in a thread of its own: setns(2) applies to the calling thread."""

    def enter_and_work() -> None:
        if namespace:
            _enter(namespace)
        work()

    with ThreadPoolExecutor(max_workers=1) as thread:
        try:
            thread.submit(enter_and_work).result()
        except OSError as error:
            raise LabError(f"namespace {namespace}: {error}") from error


def _enter(namespace: str) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    handle = os.open(FOLDER / namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if library.setns(handle, _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(handle)
