"""Hosts with a private libvirt for tests, and guests that run a tiny Linux and answer commands on their serial line."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import libvirt

from netweft.agent.guests.libvirt_connection import run_loop
from netweft.agent.guests.libvirt_xml import domain_name
from netweft.core.guest_protocol import GuestNic, GuestSpec
from netweft.lab import libvirt as lab_libvirt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
MEMORY = 128 << 20
_NOT_NEEDED = (
    "jent_mod_init", "load_system_certificate_list", "bpf_tcp_ca_kfunc_init", "bpf_dummy_struct_ops_init",
    "init_encrypted", "crypto_kdf108_init",
)  # fmt: skip
"""What kernels do as they boot that takes long without KVM, and is for nobody here."""


@contextmanager
def private_libvirt(
    namespace: str, *, before: Callable[[Path], None] = lambda _: None, **options: object
) -> Iterator[lab_libvirt.Libvirt]:
    """A libvirt in a namespace. Its folder has a short name, for the socket's address.

    ``before``: called with the folder before it starts.
    """
    with tempfile.TemporaryDirectory(prefix="nl") as folder:
        before(Path(folder))
        daemon = lab_libvirt.start(Path(folder), namespace, **options)  # type: ignore[arg-type] # the tests name real ones
        try:
            yield daemon
        finally:
            daemon.stop()


def tiny_linux(*addresses: str) -> Mapping[str, str]:
    """What a guest needs to boot the tiny Linux, which is made when it is not there yet.

    Addresses are those of eth0, eth1 and so on.
    """
    subprocess.run([str(ROOT / "tools" / "tiny-guest")], check=True, timeout=200)
    cache = ROOT / ".cache" / "guest"
    words = "console=ttyS0 quiet panic=-1 reboot=t tsc=reliable no_timer_check mitigations=off random.trust_cpu=on"
    less = f"cryptomgr.notests initcall_blacklist={','.join(_NOT_NEEDED)}"
    cmdline = f"{words} {less} netweft.ip={','.join(addresses)}"
    return {"kernel": str(cache / "vmlinux"), "initrd": str(cache / "initrd"), "cmdline": cmdline}


def tiny_guest(*nics: GuestNic, name: str = "tiny", addresses: tuple[str, ...] = ()) -> GuestSpec:
    properties = tiny_linux(*addresses)
    return GuestSpec(id=str(uuid.uuid4()), name=name, driver="libvirt", memory=MEMORY, nics=nics, properties=properties)


@dataclass(frozen=True)
class Answer:
    status: int
    output: str


class ConsoleError(AssertionError):
    """A guest does not say what it is to say within its time; the message says which and what it said."""


class Console:
    """The serial line of a guest that runs the tiny Linux. ``name``: what errors call it."""

    def __init__(self, uri: str, guest_id: str, name: str = "") -> None:
        self.name = name or f"guest {guest_id}"
        run_loop()  # which moves the data
        self._connection = libvirt.open(uri)
        self._stream = self._connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
        domain = self._connection.lookupByName(domain_name(guest_id))
        domain.openConsole(None, self._stream, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
        self._text = ""

    def run(self, command: str, timeout: float = 60.0) -> Answer:
        """Run a command in the guest to its end."""
        mark = uuid.uuid4().hex[:8]
        echo = f"echo {mark[:4]}''{mark[4:]}"  # which does not read as what it writes
        self.send(f"{echo}'<'\n{command}\n{echo}'>'\n")
        found = self.wait_for(rf"(?s){mark}<\s+@@@ 0\n(.*)@@@ (\d+)\s+{mark}>", timeout)
        self._text = ""
        return Answer(int(found[2]), found[1].strip())

    def wait_for_system(self, timeout: float) -> None:
        """What is typed before the system is up may be lost, so it is typed again."""
        for attempt in range(int(timeout) // 2):
            self.send(f"\necho up''{attempt}\n")
            try:
                self.wait_for(rf"up{attempt}\s+@@@ 0\n", timeout=2.0)
            except ConsoleError:
                continue
            self._text = ""
            return
        raise ConsoleError(f"the system of {self.name} is not up within {timeout:g} s; it said: {self._text!r}")

    def send(self, text: str) -> None:
        data = text.encode()
        while data:
            sent = self._stream.send(data)
            if sent == -2:
                time.sleep(0.01)
                continue
            data = data[sent:]

    def wait_for(self, pattern: str, timeout: float) -> re.Match[str]:
        deadline = time.monotonic() + timeout
        while not (found := re.search(pattern, self._text)):
            if time.monotonic() > deadline:
                raise ConsoleError(f"{self.name} has not answered within {timeout:g} s; it said: {self._text!r}")
            data = self._stream.recv(65536)
            if data == -2:
                time.sleep(0.01)
            else:
                if not data:
                    raise ConsoleError(f"the line of {self.name} has ended; it said: {self._text!r}")
                self._text += data.decode(errors="replace").replace("\r", "")
        return found

    def close(self) -> None:
        self._stream.abort()
        self._connection.close()


@contextmanager
def console(uri: str, spec: GuestSpec) -> Iterator[Console]:
    """A guest's serial line, once its system is up."""
    line = Console(uri, spec.id)
    try:
        line.wait_for_system(60.0)
        yield line
    finally:
        line.close()


def with_nic(spec: GuestSpec, **fields: object) -> GuestSpec:
    """The same guest with other fields of its first vNIC."""
    return replace(spec, nics=(replace(spec.nics[0], **fields), *spec.nics[1:]))  # type: ignore[arg-type] # real fields
