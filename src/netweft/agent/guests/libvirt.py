"""Guests that are virtual machines of libvirt and QEMU.

A guest is a transient domain with the guest's id as its UUID. Its specification is in the domain's metadata, and in a
file of the agent's state folder: if the domain is gone while the file exists, the guest ended by itself. libvirt
creates each vNIC's tap and plugs it in, so that the ports of a guest that ends are removed even while no agent runs.
The agent marks them, and plugs them in again after a change of the host has removed them.
"""

from __future__ import annotations

import logging
import re
import uuid
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

import libvirt

from netweft.agent import netlink as nl
from netweft.agent.guests import GuestError, failed_start, libvirt_xml, veth
from netweft.agent.guests.libvirt_connection import Connection, Domain, Stop
from netweft.agent.guests.libvirt_errors import FAILURES, words
from netweft.agent.guests.libvirt_ports import Ports
from netweft.agent.guests.libvirt_recovery import destroy, end_starts, resume, spec_of
from netweft.agent.guests.libvirt_store import GuestStore
from netweft.agent.guests.libvirt_tls import TlsError
from netweft.core.guest_protocol import GuestSpec, GuestState, Migration
from netweft.core.hot_plug import apply_hot_pluggable, apply_on_arrival

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from netweft.agent.guests import Ended
    from netweft.agent.guests.libvirt_tls import LibvirtTls
    from netweft.agent.ovsdb import Ovsdb

log = logging.getLogger(__name__)

SYSTEM_URI = "qemu:///system"
"""The host's own libvirt."""

_LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE
_ID = re.compile(r"[A-Za-z0-9_-]{1,60}")
"""Ids of vNICs that can be part of a device's alias."""

_NOT_OURS = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_NO_DOMAIN_METADATA)
"""The domain has just ended, or has a name like ours but is not ours."""


class LibvirtGuests:
    """The driver ``libvirt``. ``folder``: for the specifications, one file for each guest.

    ``kind``: ``kvm``, ``qemu`` (software emulation), or empty for the best that the host supports. ``tls``: for
    migrations; None for a host without.
    """

    name = "libvirt"

    def __init__(
        self,
        folder: Path,
        ovsdb: Ovsdb | None,
        uri: str = SYSTEM_URI,
        kind: str = "",
        tls: LibvirtTls | None = None,
    ) -> None:
        self._store = GuestStore(folder)
        self._tls = tls
        self._kind = kind
        self._ended: Ended = lambda _guest: None
        self._leaving: set[str] = set()
        self._stopping: set[str] = set()
        self._files = Lock()
        self._connection = Connection(
            uri,
            connected=self._connected,
            stopped=self._domain_stopped,
            came=self._domain_came,
            removed=self._device_removed,
        )
        self._ports = Ports(self._connection, ovsdb)

    def watch(self, ended: Ended) -> None:
        """See GuestDriver. Connects in the background, as libvirt may not answer yet."""
        self._ended = ended
        self._connection.watch()

    def close(self) -> None:
        """See GuestDriver."""
        self._ended = lambda _guest: None
        self._connection.close()

    def start(self, spec: GuestSpec) -> None:
        """See GuestDriver."""
        _check_ids(spec)
        try:
            if self._connection.find(spec.id):
                self.update(spec)
                return
            self._ports.check(spec.nics)
            image_xml = self._image_xml(spec.id)
        except FAILURES as error:
            raise GuestError(f"Guest {spec.name} cannot be started: {words(error)}") from error
        with self._store.starting(spec.id):
            if image_xml:
                self._restore(spec, image_xml)
            else:
                self._start(spec)

    def update(self, spec: GuestSpec) -> None:
        """See GuestDriver."""
        _check_ids(spec)
        try:
            self._ports.check(spec.nics)
            domain = self._connection.get(spec.id)
            before = spec_of(domain)
        except FAILURES as error:
            raise GuestError(f"The vNICs of guest {spec.name} cannot be changed: {words(error)}") from error
        after = replace(before, nics=apply_hot_pluggable(before.nics, spec.nics))
        try:
            self._make_equal(domain, before, after)
            if before.paused and not spec.paused:
                resume(domain)  # before it is stored: an agent that is killed in between finds it running
                self._describe(domain, replace(after, paused=False))
        except FAILURES as error:
            reason = f"The vNICs of guest {spec.name} cannot be changed: {words(error)}"
            try:
                self._make_equal(domain, after, before)
            except FAILURES as second:
                raise GuestError(f"{reason}; restoring them failed too: {words(second)}") from error
            raise GuestError(reason) from error

    def stop(self, guest_id: str) -> None:
        """See GuestDriver."""
        if not _is_uuid(guest_id):
            return
        vnics = {nic.id for nic in spec.nics} if (spec := self._store.load(guest_id)) else set()
        try:
            domain = self._connection.find(guest_id)
            with self._files:
                self._stopping.add(guest_id)
                self._store.forget(guest_id)  # first: a guest without a file causes no event when it ends
                self._store.image(guest_id).unlink(missing_ok=True)
            if domain:
                vnics |= destroy(domain)
            self._ports.unplug(vnics)
        except FAILURES as error:
            raise GuestError(f"Guest {guest_id} cannot be stopped: {words(error)}") from error
        finally:
            self._stopping.discard(guest_id)

    def shutdown(self, guest_id: str) -> None:
        """See GuestDriver. By the ACPI power button, which has no effect until the guest's system is up."""
        try:
            self._connection.get(guest_id).shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
        except FAILURES as error:
            raise GuestError(f"Guest {guest_id} cannot be shut down: {words(error)}") from error

    def reboot(self, guest_id: str) -> None:
        """See GuestDriver. By the ACPI power button, too; libvirt resets the guest when its system has ended."""
        try:
            self._connection.get(guest_id).reboot(libvirt.VIR_DOMAIN_REBOOT_ACPI_POWER_BTN)
        except FAILURES as error:
            raise GuestError(f"Guest {guest_id} cannot be rebooted: {words(error)}") from error

    def suspend(self, guest_id: str) -> None:
        """See GuestDriver. libvirt does it, and continues if the agent ends."""
        try:
            domain = self._connection.get(guest_id)
            vnics = [nic.id for nic in spec_of(domain).nics]
            domain.save(str(self._store.image(guest_id)))
        except FAILURES as error:
            raise GuestError(f"Guest {guest_id} cannot be suspended and continues to run: {words(error)}") from error
        self._ports.unplug_gone(guest_id, vnics)

    def list(self) -> list[GuestState]:
        """See GuestDriver. While libvirt does not answer, guests are reported as up with an ``error``."""
        specs = self._store.all()
        try:
            running = {
                spec.id: self._state(spec, "up", leaves=leaves, saves=saves) for spec, leaves, saves in self._running()
            }
            gone = sorted(specs.keys() - running.keys() - self._leaving)
            return [*running.values(), *(self._state(specs[one], self._status_without_domain(one)) for one in gone)]
        except libvirt.libvirtError as error:
            silent = f"libvirt does not answer: {words(error)}"
            return [self._state(spec, "up", error=silent) for spec in specs.values()]

    def repair(self) -> None:
        """See GuestDriver."""
        problems = []
        for state in self.list():
            if state.status == "up":
                try:
                    self._ports.plug(state.nics)
                except FAILURES as error:
                    problems.append(f"Guest {state.name} cannot be plugged in again: {words(error)}")
        if problems:
            raise GuestError("; ".join(problems))

    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        """See GuestDriver. From the host's neighbour table, so only of guests that the host itself has traffic with."""
        try:
            with nl.Netlink() as netlink:
                neighbours = veth.neighbours(netlink)
            nics = [nic for spec, _, _ in self._running() for nic in spec.nics]
        except FAILURES as error:
            raise GuestError(f"The addresses of guests cannot be read: {words(error)}") from error
        return {nic.id: neighbours[nic.mac] for nic in nics if nic.mac in neighbours}

    def version(self) -> str:
        """See GuestDriver."""
        try:
            return self._connection.version()
        except libvirt.libvirtError:
            return ""

    def migrate(self, guest_id: str, migration: Migration) -> None:
        """See GuestDriver. The two libvirts do it, and continue if the agent ends."""
        self._leaving.add(guest_id)
        try:
            domain = self._connection.get(guest_id)
            now = spec_of(domain)
            before = {nic.id: nic for nic in now.nics}
            after = replace(now, nics=apply_on_arrival(now.nics, migration.spec.nics))
            here = self._ports.ovs_bridges()
            there = frozenset(nic.bridge for nic in after.nics if before[nic.id].bridge in here)
            xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE)
            self._connection.migrate(guest_id, libvirt_xml.elsewhere(xml, after, there), migration)
        except (*FAILURES, KeyError) as error:
            raise GuestError(f"Guest {migration.spec.name} stays on this host: {words(error)}") from error
        else:
            self._store.forget(guest_id)
            self._ports.unplug_gone(guest_id, before)
        finally:
            self._leaving.discard(guest_id)

    def certificate_changed(self) -> None:
        """See GuestDriver."""
        try:
            if self._tls:
                self._tls.publish(self._connection.connection().getCapabilities())
        except (TlsError, OSError, libvirt.libvirtError) as error:
            raise GuestError(f"libvirt and QEMU cannot be given the host's certificates: {words(error)}") from error

    # -- running

    def _start(self, spec: GuestSpec) -> None:
        try:
            self._run(spec)
        except FAILURES as error:
            raise failed_start(self, spec, words(error)) from error

    def _run(self, spec: GuestSpec) -> None:
        """Start a guest paused, configure its ports, then resume it unless it was requested paused."""
        self._ports.define_filters(spec.nics)
        kind = self._kind or self._connection.best_kind()
        domain = self._connection.create(libvirt_xml.domain(spec, kind, self._ports.ovs_bridges()))
        self._store.save(spec)
        self._ports.plug(spec.nics)
        if not spec.paused:
            domain.resume()

    def _restore(self, spec: GuestSpec, image_xml: str) -> None:
        """Let a suspended guest go on. When it cannot, it stays suspended. Raises GuestError."""
        domain = None
        try:
            saved = libvirt_xml.read_domain_metadata(image_xml)
            after = replace(saved, nics=apply_on_arrival(saved.nics, spec.nics))
            self._ports.define_filters(after.nics)
            xml = libvirt_xml.elsewhere(image_xml, after, self._ports.ovs_bridges())
            domain = self._connection.restore(self._store.image(spec.id), xml)
            self._ports.plug(after.nics)
            self._store.save(after)
        except FAILURES as error:
            if domain:
                destroy(domain)
            raise GuestError(f"Guest {spec.name} cannot resume, and stays suspended: {words(error)}") from error
        try:
            # Before it runs: with disks that have changed since, this memory must never come back.
            self._store.image(spec.id).unlink()
            domain.resume()
        except FAILURES as error:
            self.stop(spec.id)
            raise GuestError(f"Guest {spec.name} has lost its saved memory: {words(error)}") from error

    def _make_equal(self, domain: Domain, before: GuestSpec, after: GuestSpec) -> None:
        """Make a domain's vNICs equal to a specification, whichever it has now."""
        self._ports.make_equal(domain, before, after)
        self._describe(domain, after)

    def _describe(self, domain: Domain, spec: GuestSpec) -> None:
        """Write down what a domain was asked to be."""
        element, kind = libvirt_xml.metadata(spec), libvirt.VIR_DOMAIN_METADATA_ELEMENT
        with self._files:
            domain.setMetadata(kind, element, libvirt_xml.KEY, libvirt_xml.NAMESPACE, _LIVE)
            self._store.save(spec)

    # -- what libvirt tells

    def _connected(self) -> None:
        """Look for guests that ended while nobody listened, and see to it that the others are where they belong."""
        for state in self.list():
            if state.status != "up":
                self._domain_stopped(state.id, Stop.ENDED if state.status == "down" else Stop.SAVED)
        try:
            for spec, _, _ in self._running():
                with self._files:
                    domain = None if spec.id in self._stopping else self._connection.find(spec.id)
                    if domain:
                        self._store.save(spec_of(domain))  # it may have changed since it was read
            end_starts(self._connection, self._store, self._ports)
            self.repair()
        except (*FAILURES, GuestError) as error:
            log.warning("%s", error)
        try:
            self.certificate_changed()  # perhaps while nobody listened
        except GuestError as error:
            log.error("%s", error)  # noqa: TRY400 - it says all that an administrator needs

    def _domain_stopped(self, guest_id: str, how: Stop) -> None:
        """Let go of what is left of a guest; its end is news, unless it runs on elsewhere, or can."""
        try:
            spec = self._store.load(guest_id)
            if spec is None or self._connection.is_running(guest_id):  # it has been started again since
                return
            self._ports.unplug_gone(guest_id, [nic.id for nic in spec.nics])
        except (*FAILURES, GuestError) as error:
            log.warning("guest %s, which has left this host: %s", guest_id, error)
        if how is Stop.MIGRATED:
            self._store.forget(guest_id)
        elif how is Stop.ENDED:
            self._ended(guest_id)

    def _domain_came(self, domain: Domain, runs: bool) -> None:
        """Take over a guest that another host gives to this one; its end is news from when it runs here."""
        spec = spec_of(domain)
        try:
            if runs:
                self._store.save(spec)
            self._ports.plug(spec.nics)
        except FAILURES as error:
            log.warning("guest %s, migrated from another host: %s", spec.name, error)

    def _device_removed(self, guest_id: str, alias: str) -> None:
        self._ports.device_removed(guest_id, alias)

    # -- specifications

    def _running(self) -> Iterator[tuple[GuestSpec, bool, bool]]:
        """The running guests, each with whether it is being migrated to another host, and whether it is being saved."""
        for domain in self._connection.domains():
            try:
                # At the end of a migration, a leaving guest has the same state as an arriving one.
                if domain.UUIDString() in self._leaving or not self._connection.is_arriving(domain):
                    yield spec_of(domain), self._connection.is_leaving(domain), self._connection.is_saving(domain)
            except libvirt.libvirtError as error:
                if error.get_error_code() not in _NOT_OURS:
                    raise

    def _status_without_domain(self, guest_id: str) -> str:
        return "suspended" if self._image_xml(guest_id) else "down"

    def _state(
        self, spec: GuestSpec, status: str, *, leaves: bool = False, saves: bool = False, error: str = ""
    ) -> GuestState:
        return GuestState(
            id=spec.id,
            name=spec.name,
            driver=self.name,
            status=status,
            nics=spec.nics,
            error=error,
            migrating=leaves or spec.id in self._leaving,
            saving=saves,
        )

    def _image_xml(self, guest_id: str) -> str | None:
        image = self._store.image(guest_id)
        return self._connection.image_xml(image) if image.exists() else None


def _check_ids(spec: GuestSpec) -> None:
    if not _is_uuid(spec.id):
        raise GuestError(f"{spec.id!r} cannot be the id of a guest: libvirt requires UUIDs")
    for nic in spec.nics:
        if not _ID.fullmatch(nic.id):
            raise GuestError(f"{nic.id!r} cannot be the id of a vNIC: letters, digits, hyphens, underscores")


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
