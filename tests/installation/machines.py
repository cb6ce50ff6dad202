"""New machines: copies of a small Debian, run by systemd-nspawn, each with a systemd of its own.

A copy is an overlay over the base that ``tools/debian-base`` makes; nothing of it stays.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from doc_blocks import ROOT
from netweft.lab import namespaces
from netweft.lab.processes import run
from processes import children

BASE = ROOT / ".cache" / "debian"
NETWORK = {"engine.example.com": "198.51.100.1", "host1": "198.51.100.11"}
WITHIN = 900
"""Seconds for anything; generous, for machines with much to do."""

_SHARED = ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")
"""By which a machine reaches the package index as this one does."""
_NSPAWN = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--resolv-conf=off", "--console=pipe")
_ENTER = ("--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--root", "--wd")


@contextmanager
def disk(folder: Path) -> Iterator[Path]:
    """The file system of a new machine. ``folder``: an empty one, where it is kept meanwhile."""
    root = folder / "root"
    for part in ("upper", "work", "root"):
        (folder / part).mkdir(parents=True)
    layers = f"lowerdir={BASE},upperdir={folder / 'upper'},workdir={folder / 'work'}"
    run(["mount", "-t", "overlay", "overlay", "-o", layers, str(root)])
    try:
        for shared in _SHARED:
            if Path(shared).exists():
                shutil.copy(shared, root / shared[1:])
        known = {"127.0.0.1": "localhost", **{address: name for name, address in NETWORK.items()}}
        (root / "etc/hosts").write_text("".join(f"{address} {name}\n" for address, name in known.items()))
        yield root
    finally:
        run(["umount", str(root)])


def type_in(root: Path, script: str, *, user: str = "root", place: str = "/root", alone: bool = False) -> str:
    """Run a script on a machine that is off (as in a chroot), and give all that it says.

    ``alone``: without this machine's network.
    """
    ours = [f"--setenv={name}={value}" for name, value in os.environ.items() if name.startswith("PIP_")]
    network = ["--private-network"] if alone else []
    return _checked(
        [
            *_NSPAWN,
            f"--directory={root}",
            f"--user={user}",
            f"--chdir={place}",
            *ours,
            *network,
            "bash",
            "-euxc",
            script,
        ]
    )


@dataclass(frozen=True)
class Machine:
    """A machine that runs: its file system, and the process that is its first."""

    root: Path
    leader: int

    def type(self, script: str) -> str:
        """Run a script as root, and give all that it says."""
        clean = ("env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive")
        return _checked(["nsenter", f"--target={self.leader}", *_ENTER, *clean, "bash", "-euxc", f"cd\n{script}"])


@contextmanager
def machine(name: str, folder: Path, namespace: str) -> Iterator[Machine]:
    """A machine that has booted, in a network namespace."""
    with disk(folder) as root:
        (root / "etc/hostname").write_text(f"{name}\n")
        place = (f"--directory={root}", f"--network-namespace-path=/run/netns/{namespace}")
        command = [*_NSPAWN, *place, "--capability=all", "--boot"]
        writable = {**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1"}  # of an own kernel they would be
        with (folder / "log").open("wb") as log:
            nspawn = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=writable)
        try:
            booted = Machine(root, _leader(nspawn, folder / "log"))
            _await_boot(booted)
            yield booted
            booted.type("systemctl poweroff --no-block")
            nspawn.wait(timeout=WITHIN)
        finally:
            nspawn.kill()
            nspawn.wait()


@contextmanager
def network() -> Iterator[dict[str, str]]:
    """A cable between two machines: the network namespace of each, by name."""
    suffix = secrets.token_hex(3)
    spaces = {name: f"nm-{suffix}-{number}" for number, name in enumerate(NETWORK)}
    try:
        for space in spaces.values():
            namespaces.add(space)
        ends = [("netns", space, "name", "eth0") for space in spaces.values()]
        near, far = ends
        namespaces.ip("", "link", "add", *near[2:], *near[:2], "type", "veth", "peer", *far[2:], *far[:2])
        for name, space in spaces.items():
            namespaces.ip(space, "address", "add", f"{NETWORK[name]}/24", "dev", "eth0")
            namespaces.ip(space, "link", "set", "eth0", "up")
        yield spaces
    finally:
        for space in spaces.values():
            namespaces.remove(space)


def _leader(nspawn: subprocess.Popen[bytes], log: Path) -> int:
    """The process that is the machine's first: systemd-nspawn's only child."""
    while nspawn.poll() is None:
        for child in children(nspawn.pid):
            if any(program.rpartition("/")[2] == "systemd" for program in child.command[:1]):
                return child.pid
        time.sleep(0.05)
    raise AssertionError(f"the machine does not run:\n{log.read_text()}")


def _await_boot(booted: Machine) -> None:
    """Wait until its systemd has nothing left to start."""
    deadline = time.monotonic() + WITHIN
    while True:
        said = subprocess.run(
            ["nsenter", f"--target={booted.leader}", *_ENTER, "systemctl", "is-system-running"],
            capture_output=True, text=True, check=False,
        ).stdout.strip()  # fmt: skip
        if said in {"running", "degraded"}:
            return
        assert time.monotonic() < deadline, said
        time.sleep(0.2)


def _checked(command: list[str]) -> str:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=WITHIN,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout
