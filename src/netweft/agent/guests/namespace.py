"""Guests that are network namespaces: for the lab, the demonstration and the tests.

The guest with id ID is the namespace ``nwg-ID``, so that ``ip netns exec nwg-ID ping ...`` runs a program in it. Each
of its vNICs is a veth; the end on the host is a port of a Linux bridge or of an Open vSwitch bridge. Both ends have the
vNIC's id as their alias, a port of Open vSwitch in its external_ids. The specification of a guest is a file in the
agent's state folder.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from netweft.agent import netlink as nl
from netweft.agent.dumps import dump_links
from netweft.agent.guests import GuestError, failed_start, mirror, plug, trunks, veth
from netweft.agent.ovsdb import OvsdbError, OvsStepError
from netweft.agent.store import StoreError, replace_file
from netweft.core.guest_protocol import GuestSpec, GuestState, Migration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netweft.agent.guests import Ended
    from netweft.agent.ovsdb import Ovsdb

PREFIX = "nwg-"
"""Prefix of the namespaces of guests; their ids follow."""

ENDING_SECONDS = 5.0
"""How long the processes of a guest that is shut down may take to end."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Ids that can be part of a file's and a namespace's name."""

_FAILURES = (OSError, OvsdbError, OvsStepError, StoreError, ValueError)


class NamespaceGuests:
    """The driver ``namespace``. ``folder``: for the specifications, one file for each guest."""

    name = "namespace"

    def __init__(self, folder: Path, ovsdb: Ovsdb | None) -> None:
        self._folder = folder
        self._ovsdb = ovsdb
        self._ended: Ended = lambda _guest: None
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def start(self, spec: GuestSpec) -> None:
        """See GuestDriver."""
        if not _ID.fullmatch(spec.id):
            raise GuestError(f"{spec.id!r} cannot be the id of a guest: letters, digits, dots, hyphens, underscores")
        _refuse_functions(spec)
        try:
            self._save(spec)
            if not self._exists(spec.id):
                _ip_netns("add", spec.id)
            self._make_equal(spec)
        except _FAILURES as error:
            raise failed_start(self, spec, str(error)) from error

    def update(self, spec: GuestSpec) -> None:
        """See GuestDriver."""
        _refuse_functions(spec)
        before = self._load(self._file(spec.id))
        try:
            self._make_equal(spec, before)
            self._save(spec)
        except _FAILURES as error:
            reason = f"The vNICs of guest {spec.name} cannot be changed: {error}"
            try:
                self._make_equal(before, spec)
            except _FAILURES as second:
                raise GuestError(f"{reason}; restoring them failed too: {second}") from error
            raise GuestError(reason) from error

    def stop(self, guest_id: str) -> None:
        """See GuestDriver."""
        if not _ID.fullmatch(guest_id) or not self._file(guest_id).exists():
            return
        try:
            self._take_down(guest_id)
            self._file(guest_id).unlink()
        except _FAILURES as error:
            raise GuestError(f"Guest {guest_id} cannot be stopped: {error}") from error

    def shutdown(self, guest_id: str) -> None:
        """See GuestDriver. Sends SIGTERM to the guest's processes. The guest has ended when none is left within
        :data:`ENDING_SECONDS`; else it continues to run.
        """
        try:
            if not _end_processes(veth.NAMESPACES / _namespace(guest_id), ENDING_SECONDS):
                return
            self._take_down(guest_id)
        except _FAILURES as error:
            raise GuestError(f"Guest {guest_id} cannot be shut down: {error}") from error
        self._ended(guest_id)

    def reboot(self, guest_id: str) -> None:
        """See GuestDriver."""
        raise GuestError(f"Guest {guest_id} cannot be rebooted: it is a namespace, which has no operating system")

    def suspend(self, guest_id: str) -> None:
        """See GuestDriver."""
        raise GuestError(f"Guest {guest_id} cannot be suspended: it is a namespace, which has no memory to save")

    def list(self) -> list[GuestState]:
        """See GuestDriver."""
        return [self._state(spec) for spec in self._specs()]

    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        """See GuestDriver. Reads them inside the namespaces."""
        found: dict[str, tuple[str, ...]] = {}
        try:
            for state in self.list():
                with suppress(FileNotFoundError):  # it has just been stopped
                    if state.status == "up":
                        found |= veth.inside(_namespace(state.id), veth.addresses)
        except OSError as error:
            raise GuestError(f"The addresses of guests cannot be read: {error}") from error
        return found

    def version(self) -> str:
        """See GuestDriver."""
        return ""

    def migrate(self, guest_id: str, _migration: Migration) -> None:
        """See GuestDriver."""
        raise GuestError(
            f"Guest {guest_id} cannot migrate: the guests of this driver are namespaces, which stay on their host"
        )

    def certificate_changed(self) -> None:
        """See GuestDriver: nothing here uses them."""

    def watch(self, ended: Ended) -> None:
        """See GuestDriver. A namespace ends only on request, so there is nothing to watch."""
        self._ended = ended

    def close(self) -> None:
        """See GuestDriver."""
        self._ended = lambda _guest: None

    def repair(self) -> None:
        """See GuestDriver."""
        problems = []
        for state in self.list():
            if state.status == "up":
                try:
                    self._make_equal(self._load(self._file(state.id)))
                except _FAILURES as error:
                    problems.append(f"Guest {state.name} cannot be plugged in again: {error}")
        if problems:
            raise GuestError("; ".join(problems))

    def _specs(self) -> Iterator[GuestSpec]:
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield self._load(path)
            except GuestError:
                if path.exists():  # else it has just been stopped
                    raise

    def _state(self, spec: GuestSpec) -> GuestState:
        status = "up" if self._exists(spec.id) else "down"  # namespaces do not outlive the host's boot, files do
        return GuestState(id=spec.id, name=spec.name, driver=self.name, status=status, nics=spec.nics)

    def _make_equal(self, spec: GuestSpec, former: GuestSpec | None = None) -> None:
        """Make the guest's vNICs equal to the specification, whatever they are now.

        ``former``: the earlier specification, whose addresses are removed. Addresses that the guest added itself stay.
        """
        ended = {nic.id: nic.addresses for nic in former.nics} if former else {}
        namespace = _namespace(spec.id)
        desired = {nic.id: nic for nic in spec.nics}
        with nl.Netlink() as netlink:
            present = veth.inside(namespace, veth.cables)
            self._unplug(netlink, present.keys() - desired.keys())
            ends = veth.cables(netlink)
            for nic in spec.nics:
                if nic.id not in ends:
                    veth.lay(netlink, nic, namespace)
            veth.inside(namespace, lambda inner: veth.set_up_guest_ends(inner, spec.nics, ended))
            plug.plug(netlink, self._ovsdb, spec.nics)

    def _take_down(self, guest_id: str) -> None:
        """Remove the namespace and its cables; the specification stays."""
        vnics = {nic.id for nic in self._load(self._file(guest_id)).nics}
        if self._exists(guest_id):
            vnics |= veth.inside(_namespace(guest_id), veth.cables).keys()
        with nl.Netlink() as netlink:
            self._unplug(netlink, vnics)
        if self._exists(guest_id):
            _ip_netns("delete", guest_id)

    def _unplug(self, netlink: nl.Netlink, vnics: Iterable[str]) -> None:
        ends = veth.cables(netlink)
        vnics = list(vnics)
        plug.unplug_from_ovs(self._ovsdb, vnics)
        for vnic in vnics:
            if vnic in ends:
                veth.remove(netlink, ends[vnic])
        # Removes those of the removed links.
        mirror.set_mirrors(netlink, {})
        trunks.set_trunks(netlink, (), dump_links(netlink))

    def _exists(self, guest_id: str) -> bool:
        return (veth.NAMESPACES / _namespace(guest_id)).exists()

    def _file(self, guest_id: str) -> Path:
        return self._folder / f"{guest_id}.json"

    def _save(self, spec: GuestSpec) -> None:
        replace_file(self._file(spec.id), msgspec.json.encode(spec))

    def _load(self, path: Path) -> GuestSpec:
        try:
            return msgspec.json.decode(path.read_bytes(), type=GuestSpec)
        except (OSError, msgspec.DecodeError) as error:
            raise GuestError(f"{path}: {error}") from error


def _namespace(guest_id: str) -> str:
    return f"{PREFIX}{guest_id}"


def _end_processes(namespace: Path, patience: float) -> bool:
    """Send SIGTERM to all processes in a namespace and wait for them. Whether none is left. Raises OSError."""
    until = monotonic() + patience
    handles: list[int] = []
    try:
        for process in Path("/proc").iterdir():
            with suppress(OSError):  # it has just ended
                if process.name.isdigit() and (process / "ns" / "net").samefile(namespace):
                    handles.append(os.pidfd_open(int(process.name)))
                    signal.pidfd_send_signal(handles[-1], signal.SIGTERM)
        return all(_has_ended(handle, until) for handle in handles)
    finally:
        for handle in handles:
            os.close(handle)


def _has_ended(process: int, until: float) -> bool:
    """Wait for the end of a process: its pidfd becomes readable then (pidfd_open(2)). Whether it has ended in time."""
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(max(0.0, until - monotonic()) * 1000))


def _ip_netns(verb: str, guest_id: str) -> None:
    """Add or delete a guest's namespace by ip-netns(8), whose names other programs use, too."""
    done = subprocess.run(["ip", "netns", verb, _namespace(guest_id)], check=False, capture_output=True, text=True)  # noqa: S603, S607 - the id was checked, and the host's own PATH is meant
    if done.returncode:
        raise OSError(done.stderr.strip())


def _refuse_functions(spec: GuestSpec) -> None:
    """Raises GuestError for a guest with a virtual function or a dynamic vNIC, which would need a kernel of its own."""
    if any(nic.function for nic in spec.nics):
        raise GuestError(f"Guest {spec.name} is a namespace, and has neither virtual functions nor dynamic vNICs")
