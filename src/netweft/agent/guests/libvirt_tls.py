"""Installs the host's keys and certificates for migrations: for libvirt, which controls them, and for QEMU, which sends
the memory.

Both get copies at their default paths below ``/etc/pki``: a running libvirt reloads files only from there (virt-admin
server-update-tls), and the AppArmor and SELinux rules for QEMU allow no other path.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

from netweft.agent.identity import point
from netweft.agent.store import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netweft.agent.identity import Identity

log = logging.getLogger(__name__)

LIBVIRT_FILES = {
    "../CA/cacert.pem": "libvirt-ca.pem",
    "servercert.pem": "libvirt.pem",
    "clientcert.pem": "libvirt.pem",
    "private/serverkey.pem": "libvirt.key",
    "private/clientkey.pem": "libvirt.key",
}
"""libvirt's file names, relative to its folder (libvirt.org/kbase/tlscerts.html), and ours."""

QEMU_FILES = {
    "ca-cert.pem": "qemu-ca.pem",
    "server-cert.pem": "qemu.pem",
    "client-cert.pem": "qemu.pem",
    "server-key.pem": "qemu.key",
    "client-key.pem": "qemu.key",
}
"""The same for QEMU (its manual, tls-creds-x509)."""

DAEMONS = {"libvirt-admin-sock": "libvirtd", "virtproxyd-admin-sock": "virtproxyd"}
"""The daemon that serves other hosts, by its administrative socket: libvirtd, or the proxy of the modular daemons."""

_OURS = "netweft"
_SECONDS = 30.0


class TlsError(Exception):
    """The certificates cannot be installed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with links to copies of our files. ``links``: its file names, and those in the identity's folder."""

    folder: Path
    links: Mapping[str, str]

    def publish(self, identity: Identity, group: int) -> None:
        """Copy the current files of the identity, and replace the earlier copies atomically.

        ``group``: may read them besides root. Raises TlsError, OSError.
        """
        targets = {}
        for name, ours in self.links.items():
            link = Path(os.path.normpath(self.folder / name))
            targets[link] = os.path.relpath(self.folder / _OURS / ours, link.parent)
            if (link.exists() or link.is_symlink()) and not (
                link.is_symlink() and str(link.readlink()) == targets[link]
            ):
                raise TlsError(f"{link} was not created by Netweft: move it away, or use another folder with --pki")
        copies = self.folder / f"{_OURS}-{identity.current.readlink()}"
        copies.mkdir(parents=True, exist_ok=True)
        copies.chmod(0o750)
        os.chown(copies, 0, group)
        for name in set(self.links.values()):
            replace_file(copies / name, (identity.current / name).read_bytes())
            os.chown(copies / name, 0, group)
            (copies / name).chmod(0o640)
        point(self.folder / _OURS, copies.name)
        for link, target in targets.items():
            link.parent.mkdir(parents=True, exist_ok=True)
            point(link, target)
        for path in self.folder.glob(f"{_OURS}-*"):
            if path != copies:
                shutil.rmtree(path)


class LibvirtTls:
    """``pki``: the folder that the host's libvirt and QEMU see as ``/etc/pki``; ``uri``: of the host's libvirt."""

    def __init__(self, identity: Identity, pki: Path, uri: str) -> None:
        self._identity = identity
        self._libvirt = Place(pki / "libvirt", LIBVIRT_FILES)
        self._qemu = Place(pki / "qemu", QEMU_FILES)
        socket = parse_qs(urlsplit(uri).query).get("socket", ["/run/libvirt/libvirt-sock"])[0]
        self._sockets = Path(socket).parent
        self._lock = Lock()

    def publish(self, capabilities: str) -> None:
        """Have QEMU and libvirt use the host's current certificates. ``capabilities``: libvirt's, which contain QEMU's
        group. Idempotent. Raises TlsError, OSError.
        """
        if not self._identity.current.exists():
            return
        with self._lock:
            self._qemu.publish(self._identity, _group_of_qemu(capabilities))
            self._libvirt.publish(self._identity, 0)
            self._reload()

    def _reload(self) -> None:
        """Have libvirt reload its files if it serves other hosts. A failure is only logged: libvirt reads them at its
        next start anyway.
        """
        for socket, daemon in DAEMONS.items():
            path = self._sockets / socket
            program = shutil.which("virt-admin")
            if path.exists() and program:
                command = [program, "--connect", f"{daemon}:///system?socket={path}", "server-update-tls", daemon]
                done = subprocess.run(  # noqa: S603 - a program of libvirt and words of ours
                    command, check=False, capture_output=True, text=True, timeout=_SECONDS, stdin=subprocess.DEVNULL
                )
                if done.returncode:
                    log.warning("%s does not reload its certificates: %s", daemon, done.stderr.strip())


def _group_of_qemu(capabilities: str) -> int:
    """The id of QEMU's group, from a label such as ``+64055:+104``; root without a label."""
    labels = ET.fromstring(capabilities).findall("./host/secmodel[model='dac']/baselabel")  # noqa: S314 - libvirt's own
    for label in labels:
        found = re.fullmatch(r"\+\d+:\+(\d+)", label.text or "")
        if found:
            return int(found[1])
    return 0
