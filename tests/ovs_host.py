"""A host for tests: a network namespace, with an Open vSwitch of its own if requested."""

from __future__ import annotations

import ctypes
import os
import secrets
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from netweft.agent.ovsdb import Ovsdb
from netweft.lab import namespaces, openvswitch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netweft.lab.openvswitch import OpenVSwitch

_CLONE_NEWNET = 0x40000000


@contextmanager
def namespace() -> Iterator[str]:
    """A named network namespace, empty but for its loopback."""
    name = f"nl{secrets.token_hex(4)}"
    namespaces.add(name)
    try:
        yield name
    finally:
        namespaces.remove(name)


@contextmanager
def entered(name: str) -> Iterator[None]:
    """Move the calling thread into a namespace, and back."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _enter(namespaces.FOLDER / name)
        try:
            yield
        finally:
            _enter(Path(f"/proc/self/fd/{home}"))
    finally:
        os.close(home)


@contextmanager
def private_ovs(name: str) -> Iterator[OpenVSwitch]:
    """A private Open vSwitch in a namespace. Its folder has a short name, for the socket's address."""
    with tempfile.TemporaryDirectory(prefix="nl") as folder:
        switch = openvswitch.start(Path(folder), name)
        try:
            yield switch
        finally:
            switch.stop()


@contextmanager
def ovs_host() -> Iterator[tuple[str, Ovsdb]]:
    """A namespace with Open vSwitch, and a client of its database; the calling thread is in the namespace."""
    with ExitStack() as stack:
        name = stack.enter_context(namespace())
        switch = stack.enter_context(private_ovs(name))
        stack.enter_context(entered(name))
        yield name, Ovsdb(str(switch.socket))


def _enter(path: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(path, os.O_RDONLY)
    try:
        if libc.setns(handle, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {path}: {os.strerror(ctypes.get_errno())}: this takes root")
    finally:
        os.close(handle)
