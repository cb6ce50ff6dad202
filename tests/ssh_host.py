"""A machine that an engine installs an agent on: a real SSH server with files of its own. ``apt-get``, ``dpkg`` and
``systemctl`` are stand-ins, which note how they were called and can be told to fail; ``netweft`` is the real program.
"""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine_process import free_port
from netweft.engine.ssh import fingerprint_of
from netweft.lab.processes import Process

SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_READY = 30.0

STAND_IN = """#!/bin/sh
# {name}
echo "{name} $*" >>{folder}/calls
fault={folder}/faults/{name}
if [ -e "$fault" ]; then
  case $(cat "$fault") in
    fail)
      echo "{name} is broken on this machine"
      exit 100
      ;;
    cut)
      rm "$fault"
      pid=$PPID
      while [ "$(cat /proc/$pid/comm)" != sshd ]; do pid=$(cut -d " " -f 4 /proc/$pid/stat); done
      kill -9 "$pid"
      exit 1
      ;;
    hang)
      while [ -e "$fault" ]; do sleep 0.1; done
      exit 1
      ;;
  esac
fi
{does}
"""

STEPS = {"look": "id", "upload": "install", "install": "apt-get", "join": "netweft", "service": "systemctl"}
"""By step, the program in it that can be told to fail."""
PROGRAMS = {**STEPS, "plugin": "dpkg"}
"""With a step that only some hosts have."""

CONFIG = """
Port {port}
ListenAddress {address}
HostKey {folder}/keys/ed25519
HostKey {folder}/keys/ecdsa
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication {passwords}
KbdInteractiveAuthentication no
MaxStartups 100
LogLevel VERBOSE
SetEnv PATH={folder}/bin:{path}
"""

STARTS_NOTHING = "exit 0"


@dataclass(frozen=True)
class SshHost:
    """The machine: where its SSH server listens, and the folder that holds its files (``lib``: its /var/lib)."""

    address: str
    port: int
    folder: Path

    def fingerprint(self, kind: str = "ed25519") -> str:
        """Of one of its two keys."""
        words = (self.folder / "keys" / f"{kind}.pub").read_text().split()
        return fingerprint_of(base64.b64decode(words[1]))

    def trust(self, public_key: str) -> None:
        """Let the owner of a key be root."""
        (self.folder / "authorized_keys").write_text(f"{public_key}\n")

    def break_at(self, step: str, how: str) -> None:
        """Let a step ``fail``, ``hang`` until it is mended, or (once) ``cut`` the connection."""
        (self.folder / "faults" / PROGRAMS[step]).write_text(how)

    def mend(self) -> None:
        """Nothing is broken any more."""
        for fault in (self.folder / "faults").iterdir():
            fault.unlink()

    def calls(self, name: str = "") -> list[str]:
        """How the programs were called, oldest first."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.startswith(name)]

    @property
    def log(self) -> str:
        """What the SSH server said."""
        return (self.folder / "sshd.log").read_text()

    @property
    def joined(self) -> Path:
        """The file that says which engine the machine is a host of."""
        return self.folder / "lib" / "netweft" / "enrollment.json"


def make_package(folder: Path) -> Path:
    """A Debian package by its first octets; nobody unpacks it."""
    path = folder / "netweft-agent_1_all.deb"
    path.write_bytes(b"!<arch>\n" + os.urandom(300_000))
    return path


@contextmanager
def ssh_host(
    folder: Path,
    *,
    address: str = "127.0.0.1",
    inside: Sequence[str] = (),
    join_options: str = "",
    service: str = STARTS_NOTHING,
    passwords: bool = False,
) -> Iterator[SshHost]:
    """Run one. ``inside``: the beginning of a command that puts it into a namespace; ``join_options``: more of the
    agent's command line; ``service``: what systemctl does, as lines of a shell, which writes the id of what it starts
    to the file ``pid``.
    """
    for name in ("bin", "keys", "faults", "lib", "cache"):
        (folder / name).mkdir(parents=True)
    for kind in ("ed25519", "ecdsa"):
        make_key = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(folder / "keys" / kind)]
        subprocess.run(make_key, check=True, stdin=subprocess.DEVNULL)
    (folder / "authorized_keys").touch()
    programs = {
        "id": 'exec /usr/bin/id "$@"',
        "install": 'exec /usr/bin/install "$@"',
        "dpkg": STARTS_NOTHING,
        "apt-get": f'case "$*" in *.deb*) sha256sum /var/cache/netweft/netweft-agent.deb >>{folder}/installed ;; esac',
        "netweft": f'exec {sys.executable} -m netweft "$@" {join_options}',
        "systemctl": service,
        "journalctl": "echo what the journal has",
    }
    for name, does in programs.items():
        path = folder / "bin" / name
        path.write_text(STAND_IN.format(name=name, folder=folder, does=does))
        path.chmod(0o755)
    port = free_port("127.0.0.1")
    config = folder / "sshd_config"
    values = {"port": port, "address": address, "folder": folder, "path": SYSTEM_PATH}
    config.write_text(CONFIG.format(**values, passwords="yes" if passwords else "no"))
    Path("/run/sshd").mkdir(exist_ok=True)  # which sshd asks for; its unit makes it
    own = f"mount --bind {folder}/lib /var/lib && mount --bind {folder}/cache /var/cache"
    command = [*inside, "unshare", "--mount", "--propagation", "private", "sh", "-c"]
    with (folder / "sshd.log").open("wb") as log:
        sshd = subprocess.Popen(
            [*command, f"{own} && exec /usr/sbin/sshd -D -e -f {config}"],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    host = SshHost(address, port, folder)
    try:
        _await(sshd, host)
        yield host
    finally:
        host.mend()  # ends what hangs
        if (pid := folder / "pid").exists():
            _end(int(pid.read_text()))
        _end(sshd.pid)
        sshd.wait(timeout=30)


def _await(sshd: subprocess.Popen[bytes], host: SshHost) -> None:
    deadline = time.monotonic() + _READY
    while True:
        try:
            socket.create_connection((host.address, host.port), timeout=1).close()
        except OSError:
            assert sshd.poll() is None, host.log
            assert time.monotonic() < deadline, f"no SSH server answers:\n{host.log}"
            time.sleep(0.05)
        else:
            return


def _end(leader: int) -> None:
    """End a process and all that descend from it, also those that have sessions of their own."""
    for pid in [*_descendants(leader), leader]:
        process = Process.of(pid)
        if process is not None:
            process.send(signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    try:
        below = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [*(child for one in below for child in _descendants(one)), *below]
