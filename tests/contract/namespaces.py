"""A host to try things on: a fresh network namespace with NICs, which belongs to one thread and goes with it."""

from __future__ import annotations

import ctypes
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from netweft.agent.dhcp import Dhcp
from netweft.agent.functions import Functions
from netweft.agent.machine import MachineNetworking
from netweft.agent.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TypeVar

    from netweft.agent.ovsdb import Ovsdb
    from netweft.core.guest_protocol import GuestNic

    Result = TypeVar("Result")

_CLONE_NEWNET = 0x40000000


def enter_fresh_namespace() -> None:
    """Move the calling thread, and the programs it starts, into a network namespace of its own.

    Raises OSError where that is not allowed: it takes root.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"unshare: {os.strerror(ctypes.get_errno())}; this takes root")


def in_fresh_namespace(work: Callable[[], Result]) -> Result:
    """Do the work in a thread of its own in a namespace of its own."""
    with ThreadPoolExecutor(max_workers=1, initializer=enter_fresh_namespace) as thread:
        return thread.submit(work).result()


def on_fresh_host(nics: Mapping[str, str], work: Callable[[MachineNetworking], Result]) -> Result:
    """Call ``work`` with the networking of a new host with those NICs (MAC by name), in a thread of its own."""
    with TemporaryDirectory() as folder:
        return in_fresh_namespace(lambda: work(new_networking(Path(folder), nics)))


def new_networking(folder: Path, nics: Mapping[str, str]) -> MachineNetworking:
    """Create a host with those NICs (MAC by name) in the calling thread's namespace; returns its networking."""
    for number, (name, mac) in enumerate(nics.items()):
        make_nic(name, mac, far=f"far{number}")
    return current_networking(folder)


def current_networking(
    folder: Path, ovsdb: Ovsdb | None = None, guests: Callable[[], Sequence[GuestNic]] = tuple
) -> MachineNetworking:
    """The networking of the calling thread's namespace."""
    dhcp = folder / "dhcp"
    dhcp.mkdir(parents=True, exist_ok=True)
    resolver = Resolver(path=folder / "resolv.conf", saved=folder / "resolv.conf.found")
    return MachineNetworking(
        dhcp=Dhcp(dhcp),
        resolver=resolver,
        ovsdb=ovsdb,
        boot="test",
        functions=Functions(dhcp / "functions"),
        guests=guests,
    )


def make_nic(name: str, mac: str, *, far: str) -> None:
    """A NIC: a veth device whose far end is up in the same namespace, and kept out of sight by a guest's mark."""
    ip(
        f"link add {name} address {mac} type veth peer name {far}",
        f"link set {far} up alias netweft:guest:beyond-{name}",
    )


def ip(*batch: str) -> None:
    """Run the lines as a batch of the ip program, in the namespace of the calling thread."""
    subprocess.run(["ip", "-batch", "-"], input="\n".join(batch), text=True, check=True)


@contextmanager
def namespace_thread() -> Iterator[ThreadPoolExecutor]:
    """A thread in a fresh namespace, as an executor."""
    with ThreadPoolExecutor(max_workers=1, initializer=enter_fresh_namespace) as thread:
        yield thread


@cache
def kernel_kinds() -> frozenset[str]:
    """Which of ``bridge``, ``bond``, ``vlan``, ``hfsc`` (traffic shaping) and ``filtering`` (a bridge's, of VLANs) this
    kernel makes.
    """
    return frozenset(kind for kind in _PROBES if in_fresh_namespace(lambda kind=kind: _makes(kind)))  # type: ignore[misc]


_PROBES = {
    "bridge": "ip link add probe0 type bridge",
    "bond": "ip link add probe0 type bond",
    "vlan": "ip link add link probe-base name probe0 type vlan id 1",
    "filtering": "ip link set probe-base type bridge vlan_filtering 1",
    "hfsc": "tc qdisc add dev probe-base root hfsc",
}


def _makes(kind: str) -> bool:
    ip("link add probe-base type bridge")
    return subprocess.run(_PROBES[kind].split(), check=False, capture_output=True).returncode == 0
