"""A private libvirt.

Each host of a lab has its own libvirtd. It runs in a mount namespace where libvirt's folders are the host's, /sys shows
the host's links, and Open vSwitch's socket is that of the host. It needs neither systemd, D-Bus nor helper daemons.
"""

from __future__ import annotations

import shutil
import socket
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from netweft.lab import namespaces
from netweft.lab.processes import LabError, Process, check_socket_path, end, inside_namespace, spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

CONFIGURATION = Path("/etc/libvirt")
"""libvirt's configuration in Debian's packages, with its network filters; a private libvirt gets a copy."""

OPEN_VSWITCH = Path("/run/openvswitch")
"""Where ovs-vsctl, which libvirt runs, expects the database socket."""

PORT = 16514
"""TCP port of libvirt for other hosts (TLS)."""

_FOLDERS = {
    "etc": "/etc/libvirt",
    "run": "/run/libvirt",
    "lib": "/var/lib/libvirt",
    "log": "/var/log/libvirt",
    "cache": "/var/cache/libvirt",
    "pki": "/etc/pki",
}
_READY = 60.0
"""Seconds for libvirtd to answer; generous, for busy machines."""

_QEMU = """\
security_driver = "none"
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
lock_manager = "nop"
"""
"""Disables what would need other daemons or would affect this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Libvirt:
    """A running private libvirt. ``folder``: its files; ``namespace``: its network namespace and that of its guests."""

    folder: Path
    namespace: str
    process: Process | None

    @property
    def socket(self) -> Path:
        """The absolute path of its socket."""
        return _socket(self.folder)

    @property
    def uri(self) -> str:
        """Its URI on this machine."""
        return uri(self.folder)

    def stop(self) -> None:
        """End it and its guests, which would survive libvirtd. The folder stays."""
        end([self.process] if self.process else [])
        end([one for one in inside_namespace(namespaces.FOLDER / self.namespace) if _is_part(one)])


def uri(folder: Path) -> str:
    """The URI, on this machine, of the libvirt in a folder."""
    return f"qemu+unix:///system?socket={_socket(folder.absolute())}"


def start(
    folder: Path,
    namespace: str,
    *,
    open_vswitch: Path | None = None,
    listen: bool = False,
    started: Callable[[Process], None] = lambda _: None,
) -> Libvirt:
    """Start a libvirt in a folder (created if missing) and a network namespace, and wait until it answers.

    ``open_vswitch``: the folder of the host's Open vSwitch, for guests on its bridges. ``listen``: whether it accepts
    guests from other hosts, at any of its addresses; needs certificates in ``pki``. ``started`` is called with the
    process once it exists. Raises LabError, with nothing left running.
    """
    folder = folder.absolute()
    libvirt = Libvirt(folder=folder, namespace=namespace, process=None)
    check_socket_path(libvirt.socket)
    if not CONFIGURATION.exists() or not shutil.which("libvirtd"):
        raise LabError("this machine has no libvirt: on Debian install libvirt-daemon-system and qemu-system-x86")
    _configure(folder, listen=listen)
    process = spawn(_command(libvirt, open_vswitch, listen=listen), log=folder / "libvirtd.log")
    started(process)
    try:
        _await_answer(libvirt.socket, process)
    except BaseException:
        end([process])
        raise
    return Libvirt(folder=folder, namespace=namespace, process=process)


def _socket(folder: Path) -> Path:
    return folder / "run" / "libvirt-sock"


def _configure(folder: Path, *, listen: bool) -> None:
    for name in _FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    etc = folder / "etc"
    shutil.copytree(CONFIGURATION, etc, dirs_exist_ok=True)
    for name in ("qemu/networks", "qemu/autostart"):  # guests and networks of this machine are not the host's
        shutil.rmtree(etc / name, ignore_errors=True)
    identity = folder / "uuid"
    if not identity.exists():
        identity.write_text(str(uuid.uuid4()))
    settings = {
        "host_uuid": identity.read_text(),
        "unix_sock_group": "root",
        "auth_unix_ro": "none",
        "auth_unix_rw": "none",
        "log_outputs": f"3:file:{folder / 'log' / 'libvirtd.log'}",
    }
    if listen:
        settings |= {"listen_addr": "0.0.0.0", "tls_port": str(PORT)}  # noqa: S104 - all addresses of the lab's host
    flags = f"listen_tls = {int(listen)}\nlisten_tcp = 0\n"
    (etc / "libvirtd.conf").write_text(_lines(settings) + flags)
    (etc / "qemu.conf").write_text(_QEMU)


def pki(folder: Path) -> Path:
    """The folder that the libvirt in a folder, and its QEMU, see as ``/etc/pki``."""
    return folder.absolute() / "pki"


def _lines(settings: Mapping[str, str]) -> str:
    return "".join(f'{name} = "{value}"\n' for name, value in settings.items())


def _command(libvirt: Libvirt, open_vswitch: Path | None, *, listen: bool) -> Sequence[str]:
    """The mounts are visible only inside and go with the process."""
    binds = {str(libvirt.folder / name): place for name, place in _FOLDERS.items()}
    if open_vswitch:
        binds[str(open_vswitch.absolute())] = str(OPEN_VSWITCH)
    for place in binds.values():
        Path(place).mkdir(parents=True, exist_ok=True)
    steps = ["umount -l /sys", "mount -t sysfs sysfs /sys"]
    steps += [f"mount --bind '{source}' '{place}'" for source, place in binds.items()]
    return (
        *(sys.executable, "-m", "netweft.lab.reap"),
        *("unshare", "--mount", "--propagation", "private"),
        *(
            "nsenter",
            f"--net={namespaces.FOLDER / libvirt.namespace}",
            "sh",
            "-c",
            f'{" && ".join(steps)} && exec "$@"',
            "sh",
        ),
        *("libvirtd", "--pid-file", str(libvirt.folder / "libvirtd.pid"), *(["--listen"] if listen else [])),
    )


def _await_answer(path: Path, process: Process) -> None:
    deadline = time.monotonic() + _READY
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as endpoint:
            if endpoint.connect_ex(str(path)) == 0:
                return
        if not process.is_alive:
            raise LabError(f"libvirtd ended; {path.parent.parent / 'libvirtd.log'} shows why")
        time.sleep(0.02)
    raise LabError(f"libvirtd does not answer; {path.parent.parent / 'libvirtd.log'} may show why")


def _is_part(process: Process) -> bool:
    """Whether it is a virtual machine, or the daemon."""
    return any("qemu-system" in program or "libvirtd" in program for program in process.command[:1])
