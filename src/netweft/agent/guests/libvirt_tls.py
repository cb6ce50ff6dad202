"""The host's keys and certificates for those who move guests: libvirt, which arranges it, and QEMU, which sends the
memory.

They get copies at the places below ``/etc/pki`` where both look without being told otherwise: only from there libvirt
reads files anew while it runs (virt-admin server-update-tls), and the rules of AppArmor and SELinux for QEMU know no
other.
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
"""The names under which libvirt looks for its files, from its folder (libvirt.org/kbase/tlscerts.html), and ours."""

QEMU_FILES = {
    "ca-cert.pem": "qemu-ca.pem",
    "server-cert.pem": "qemu.pem",
    "client-cert.pem": "qemu.pem",
    "server-key.pem": "qemu.key",
    "client-key.pem": "qemu.key",
}
"""The same of QEMU (its manual, tls-creds-x509)."""

DAEMONS = {"libvirt-admin-sock": "libvirtd", "virtproxyd-admin-sock": "virtproxyd"}
"""Who answers other hosts: the one daemon, or the proxy of the modular ones; by its administrative socket."""

_OURS = "netweft"
_SECONDS = 30.0


class TlsError(Exception):
    """libvirt or QEMU cannot be given its certificates; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder whose links point to copies of ours. ``links``: from there, to names in the identity's folder."""

    folder: Path
    links: Mapping[str, str]

    def publish(self, identity: Identity, group: int) -> None:
        """Bring copies of what the identity has now, with a swap at the end that a crash leaves undone or done.

        ``group``: who may read them besides root. Raises TlsError, OSError.
        """
        targets = {}
        for name, ours in self.links.items():
            link = Path(os.path.normpath(self.folder / name))
            targets[link] = os.path.relpath(self.folder / _OURS / ours, link.parent)
            if (link.exists() or link.is_symlink()) and not (
                link.is_symlink() and str(link.readlink()) == targets[link]
            ):
                raise TlsError(f"{link} is not of Netweft: move it away, or name another folder with --pki")
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
    """``pki``: what ``/etc/pki`` is for the host's libvirt and QEMU; ``uri``: the host's libvirt."""

    def __init__(self, identity: Identity, pki: Path, uri: str) -> None:
        self._identity = identity
        self._libvirt = Place(pki / "libvirt", LIBVIRT_FILES)
        self._qemu = Place(pki / "qemu", QEMU_FILES)
        socket = parse_qs(urlsplit(uri).query).get("socket", ["/run/libvirt/libvirt-sock"])[0]
        self._sockets = Path(socket).parent
        self._lock = Lock()

    def publish(self, capabilities: str) -> None:
        """See to it that QEMU and libvirt use what the host has now. ``capabilities``: libvirt's, which tell who QEMU
        runs as. Repeating it changes nothing. Raises TlsError, OSError.
        """
        if not self._identity.current.exists():
            return
        with self._lock:
            self._qemu.publish(self._identity, _group_of_qemu(capabilities))
            self._libvirt.publish(self._identity, 0)
            self._reload()

    def _reload(self) -> None:
        """Let libvirt, if other hosts reach it, read its files anew. It needs telling only while it runs: a failure is
        for its administrator.
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
    """The number of the group that QEMU runs as: libvirt tells it as ``+64055:+104``. Root where it tells none."""
    labels = ET.fromstring(capabilities).findall("./host/secmodel[model='dac']/baselabel")  # noqa: S314 - libvirt's own
    for label in labels:
        found = re.fullmatch(r"\+\d+:\+(\d+)", label.text or "")
        if found:
            return int(found[1])
    return 0
