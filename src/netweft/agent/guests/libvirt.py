"""Guests that are virtual machines of libvirt and QEMU.

A guest is a transient domain with the guest's id as its UUID; what it was asked to be is kept in the domain's
metadata, and in a file of the agent's state folder that tells, when the domain is gone, that nobody stopped it. libvirt
makes each vNIC's tap and plugs it in, so that the ports of a guest that ends go with it even while no agent runs; the
agent marks them, and plugs in again what a change of the host has taken out.
"""

from __future__ import annotations

import logging
import re
import uuid
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Lock
from time import monotonic
from typing import TYPE_CHECKING

import libvirt
import msgspec

from netweft.agent import netlink as nl
from netweft.agent.guests import GuestError, failed_start, libvirt_xml, plug, veth
from netweft.agent.guests.libvirt_door import Domain, Door, Stop
from netweft.agent.guests.libvirt_tls import TlsError
from netweft.agent.ovsdb import OvsdbError, OvsStepError
from netweft.agent.store import StoreError, replace_file
from netweft.core.protocol import GuestSpec, GuestState, Migration, as_far_as_live

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from netweft.agent.guests import Ended
    from netweft.agent.guests.libvirt_tls import LibvirtTls
    from netweft.agent.ovsdb import Ovsdb
    from netweft.core.protocol import GuestNic

log = logging.getLogger(__name__)

SYSTEM_URI = "qemu:///system"
"""The host's own libvirt."""

RELEASE_SECONDS = 30.0
"""How long a guest may take to let go of a vNIC that is unplugged; one that boots does it when its system is up."""

_ASK_AGAIN_SECONDS = 2.0
"""After which a guest is asked anew: a system that boots forgets what it was asked before."""

_LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE
_FAILURES = (OSError, OvsdbError, OvsStepError, StoreError, ValueError, libvirt.libvirtError, nl.NetlinkError)
_ID = re.compile(r"[A-Za-z0-9_-]{1,60}")
"""Ids of vNICs that can be part of a device's alias."""

_STARTING = ".starting"
"""How the names of the files end that say which guests are being started."""

_NOT_OURS = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_NO_DOMAIN_METADATA)
"""The domain has just gone, or is another's that has a name like ours."""

_ENDED = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID)
"""What libvirt says to who ends a domain that has just ended."""


class LibvirtGuests:
    """The driver ``libvirt``. ``folder``: where it keeps the specifications, one file for each guest.

    ``kind``: ``kvm``, ``qemu`` (software emulation), or empty for what the host can do. ``tls``: by which guests move
    to other hosts; None for a host that they never leave.
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
        self._folder = folder
        self._tls = tls
        self._ovsdb = ovsdb
        self._kind = kind
        self._ended: Ended = lambda _guest: None
        self._leaving: set[str] = set()
        self._stopping: set[str] = set()
        self._starting: set[str] = set()
        self._files = Lock()
        self._removed: dict[tuple[str, str], Event] = {}
        self._door = Door(
            uri,
            connected=self._connected,
            stopped=self._domain_stopped,
            came=self._domain_came,
            removed=self._device_removed,
        )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def watch(self, ended: Ended) -> None:
        """See GuestDriver. A libvirt that does not answer yet is waited for in the background."""
        self._ended = ended
        self._door.watch()

    def close(self) -> None:
        """See GuestDriver."""
        self._ended = lambda _guest: None
        self._door.close()

    def start(self, spec: GuestSpec) -> None:
        """See GuestDriver."""
        _check_ids(spec)
        try:
            if self._door.find(spec.id):
                self.update(spec)
                return
            with nl.Netlink() as netlink:
                plug.check(netlink, self._ovsdb, spec.nics)
            image_xml = self._image_xml(spec.id)
        except _FAILURES as error:
            raise GuestError(f"Guest {spec.name} cannot be started: {_words(error)}") from error
        with self._noted(spec.id):
            if image_xml:
                self._restore(spec, image_xml)
            else:
                self._start(spec)

    def update(self, spec: GuestSpec) -> None:
        """See GuestDriver."""
        _check_ids(spec)
        try:
            with nl.Netlink() as netlink:
                plug.check(netlink, self._ovsdb, spec.nics)
            domain = self._door.get(spec.id)
            before = self._spec_of(domain)
        except _FAILURES as error:
            raise GuestError(f"The vNICs of guest {spec.name} cannot be changed: {_words(error)}") from error
        after = replace(before, nics=as_far_as_live(before.nics, spec.nics))
        try:
            self._settle(domain, before, after)
        except _FAILURES as error:
            reason = f"The vNICs of guest {spec.name} cannot be changed: {_words(error)}"
            try:
                self._settle(domain, after, before)
            except _FAILURES as second:
                raise GuestError(f"{reason}; nor can they be put back: {_words(second)}") from error
            raise GuestError(reason) from error

    def stop(self, guest_id: str) -> None:
        """See GuestDriver."""
        if not _is_uuid(guest_id):
            return
        vnics = {nic.id for nic in known.nics} if (known := self._load(self._file(guest_id))) else set()
        try:
            domain = self._door.find(guest_id)
            with self._files:
                self._stopping.add(guest_id)
                self._file(guest_id).unlink(missing_ok=True)  # first: the end of a guest that has none is no news
                self._image(guest_id).unlink(missing_ok=True)
            if domain:
                vnics |= self._destroy(domain)
            plug.unplug_from_ovs(self._ovsdb, vnics)
        except _FAILURES as error:
            raise GuestError(f"Guest {guest_id} cannot be stopped: {_words(error)}") from error
        finally:
            self._stopping.discard(guest_id)

    def shutdown(self, guest_id: str) -> None:
        """See GuestDriver. It is asked by the power button (ACPI), which a system that is not up does not hear."""
        try:
            self._door.get(guest_id).shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
        except _FAILURES as error:
            raise GuestError(f"Guest {guest_id} cannot be shut down: {_words(error)}") from error

    def reboot(self, guest_id: str) -> None:
        """See GuestDriver. It is asked by the power button, too; libvirt resets the guest when the system has ended."""
        try:
            self._door.get(guest_id).reboot(libvirt.VIR_DOMAIN_REBOOT_ACPI_POWER_BTN)
        except _FAILURES as error:
            raise GuestError(f"Guest {guest_id} cannot be started again: {_words(error)}") from error

    def suspend(self, guest_id: str) -> None:
        """See GuestDriver. libvirt does it, and goes on when the agent ends."""
        try:
            domain = self._door.get(guest_id)
            vnics = [nic.id for nic in self._spec_of(domain).nics]
            domain.save(str(self._image(guest_id)))
        except _FAILURES as error:
            raise GuestError(f"Guest {guest_id} cannot be suspended, and runs on: {_words(error)}") from error
        self._unplug_gone(guest_id, vnics)

    def list(self) -> list[GuestState]:
        """See GuestDriver. While libvirt does not answer, guests are taken to run, and say so in their ``error``."""
        files = map(self._load, sorted(self._folder.glob("*.json")))
        known = {spec.id: spec for spec in files if spec}
        try:
            running = {
                spec.id: self._state(spec, "up", leaves=leaves, saves=saves) for spec, leaves, saves in self._running()
            }
            gone = sorted(known.keys() - running.keys() - self._leaving)
            return [*running.values(), *(self._state(known[one], self._status_without_domain(one)) for one in gone)]
        except libvirt.libvirtError as error:
            silent = f"libvirt does not answer: {_words(error)}"
            return [self._state(spec, "up", error=silent) for spec in known.values()]

    def repair(self) -> None:
        """See GuestDriver."""
        problems = []
        for state in self.list():
            if state.status == "up":
                try:
                    with nl.Netlink() as netlink:
                        self._plug(netlink, state.nics)
                except _FAILURES as error:
                    problems.append(f"Guest {state.name} cannot be plugged in again: {_words(error)}")
        if problems:
            raise GuestError("; ".join(problems))

    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        """See GuestDriver. Known are those that the host itself has talked to, on networks where it has an address."""
        try:
            with nl.Netlink() as netlink:
                seen = veth.neighbours(netlink)
            nics = [nic for spec, _, _ in self._running() for nic in spec.nics]
        except _FAILURES as error:
            raise GuestError(f"The addresses of guests are not known: {_words(error)}") from error
        return {nic.id: seen[nic.mac] for nic in nics if nic.mac in seen}

    def version(self) -> str:
        """See GuestDriver."""
        try:
            return self._door.version()
        except libvirt.libvirtError:
            return ""

    def migrate(self, guest_id: str, migration: Migration) -> None:
        """See GuestDriver. The two libvirts do it between them, and go on when the agent ends."""
        self._leaving.add(guest_id)
        try:
            domain = self._door.get(guest_id)
            now = self._spec_of(domain)
            before = {nic.id: nic for nic in now.nics}
            after = replace(now, nics=as_far_as_live(now.nics, migration.spec.nics))
            here = plug.ovs_bridges(self._ovsdb)
            there = frozenset(nic.bridge for nic in after.nics if before[nic.id].bridge in here)
            xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE)
            self._door.migrate(guest_id, libvirt_xml.elsewhere(xml, after, there), migration)
        except (*_FAILURES, KeyError) as error:
            raise GuestError(f"Guest {migration.spec.name} stays on this host: {_words(error)}") from error
        else:
            self._file(guest_id).unlink(missing_ok=True)
            self._unplug_gone(guest_id, before)
        finally:
            self._leaving.discard(guest_id)

    def certificate_changed(self) -> None:
        """See GuestDriver."""
        try:
            if self._tls:
                self._tls.settle(self._door.connection().getCapabilities())
        except (TlsError, OSError, libvirt.libvirtError) as error:
            raise GuestError(f"libvirt and QEMU do not get the host's certificates: {_words(error)}") from error

    # -- running

    @contextmanager
    def _noted(self, guest_id: str) -> Iterator[None]:
        """While it lasts, and when the agent is killed meanwhile, a file says that the guest is being started."""
        try:
            self._note(guest_id).touch()
        except OSError as error:
            raise GuestError(f"Guest {guest_id} cannot be started: {error}") from error
        self._starting.add(guest_id)
        try:
            yield
        finally:
            self._note(guest_id).unlink(missing_ok=True)
            self._starting.discard(guest_id)

    def _end_starts(self) -> None:
        """Let those guests go that were being started when an agent was killed, else they would wait for ever."""
        for note in self._folder.glob(f"*{_STARTING}"):
            guest_id = note.name.removesuffix(_STARTING)
            domain = None if guest_id in self._starting else self._door.find(guest_id)
            if domain:
                try:
                    self._let_go(domain)
                except _FAILURES as error:
                    log.warning("guest %s, whose start was cut off, is ended: %s", guest_id, _words(error))
                    self._destroy(domain)
            if guest_id not in self._starting:
                note.unlink(missing_ok=True)

    def _let_go(self, domain: Domain) -> None:
        spec = self._spec_of(domain)
        with nl.Netlink() as netlink:
            self._plug(netlink, spec.nics)
        self._save(spec)
        self._image(spec.id).unlink(missing_ok=True)
        domain.resume()

    def _start(self, spec: GuestSpec) -> None:
        try:
            self._run(spec)
        except _FAILURES as error:
            raise failed_start(self, spec, _words(error)) from error

    def _run(self, spec: GuestSpec) -> None:
        """Start a guest, and let it go only when its ports are as they shall be."""
        self._define_filters(spec.nics)
        kind = self._kind or self._door.best_kind()
        domain = self._door.create(libvirt_xml.domain(spec, kind, plug.ovs_bridges(self._ovsdb)))
        self._save(spec)
        with nl.Netlink() as netlink:
            self._plug(netlink, spec.nics)
        domain.resume()

    def _restore(self, spec: GuestSpec, image_xml: str) -> None:
        """Let a suspended guest go on. When it cannot, it stays suspended. Raises GuestError."""
        domain = None
        try:
            saved = libvirt_xml.read_domain_metadata(image_xml)
            after = replace(saved, nics=as_far_as_live(saved.nics, spec.nics))
            self._define_filters(after.nics)
            xml = libvirt_xml.elsewhere(image_xml, after, plug.ovs_bridges(self._ovsdb))
            domain = self._door.restore(self._image(spec.id), xml)
            with nl.Netlink() as netlink:
                self._plug(netlink, after.nics)
            self._save(after)
        except _FAILURES as error:
            if domain:
                self._destroy(domain)
            raise GuestError(f"Guest {spec.name} cannot go on, and stays suspended: {_words(error)}") from error
        try:
            # Before it runs: with disks that have changed since, this memory must never come back.
            self._image(spec.id).unlink()
            domain.resume()
        except _FAILURES as error:
            self.stop(spec.id)
            raise GuestError(f"Guest {spec.name} has lost its saved memory: {_words(error)}") from error

    def _destroy(self, domain: Domain) -> set[str]:
        """End a domain, which may end by itself at this moment. The vNICs that it had."""
        vnics: set[str] = set()
        try:
            vnics.update(libvirt_xml.interfaces(domain.XMLDesc()))
            domain.destroy()
        except libvirt.libvirtError as error:
            if error.get_error_code() not in _ENDED:
                raise
        return vnics

    def _settle(self, domain: Domain, before: GuestSpec, after: GuestSpec) -> None:
        """Make a domain's vNICs equal to a specification, whichever it has now."""
        old = {nic.id: nic for nic in before.nics}
        ovs = plug.ovs_bridges(self._ovsdb)
        present = libvirt_xml.interfaces(domain.XMLDesc())
        self._define_filters(after.nics)
        wanted = {nic.id for nic in after.nics}
        for vnic in present:
            if vnic not in wanted:
                self._detach(domain, vnic)
        for nic in after.nics:
            like = present.get(nic.id)
            if like is None:
                domain.attachDeviceFlags(libvirt_xml.interface(nic, ovs), _LIVE)
            elif nic != old.get(nic.id) and not nic.function:
                if ended := libvirt_xml.ended_limits(old.get(nic.id), nic):
                    domain.setInterfaceParameters(veth.host_end(nic.id), ended, _LIVE)
                domain.updateDeviceFlags(libvirt_xml.interface(nic, ovs, like), _LIVE)
        with nl.Netlink() as netlink:
            self._plug(netlink, after.nics)
        element = libvirt_xml.metadata(after)
        domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, element, libvirt_xml.KEY, libvirt_xml.NAMESPACE, _LIVE)
        self._save(after)

    def _detach(self, domain: Domain, vnic: str) -> None:
        """Take a vNIC out, and wait until the guest has let go of it. Raises ValueError when it does not."""
        key = (domain.UUIDString(), libvirt_xml.alias_of(vnic))
        gone = self._removed.setdefault(key, Event())
        try:
            until = monotonic() + RELEASE_SECONDS
            while not gone.is_set() and vnic in libvirt_xml.interfaces(domain.XMLDesc()):
                if monotonic() > until:
                    raise ValueError(f"the guest has not let go of vNIC {vnic} within {RELEASE_SECONDS:g} s")
                try:
                    domain.detachDeviceAlias(key[1], _LIVE)
                except libvirt.libvirtError:
                    if vnic in libvirt_xml.interfaces(domain.XMLDesc()):
                        raise
                    break  # the guest let go of it just before it was asked again
                gone.wait(_ASK_AGAIN_SECONDS)
        finally:
            del self._removed[key]
        plug.unplug_from_ovs(self._ovsdb, [vnic])

    def _plug(self, netlink: nl.Netlink, nics: tuple[GuestNic, ...]) -> None:
        """Mark the taps, and see to it that each is where it belongs."""
        for nic in nics:
            if not nic.function:
                veth.mark(netlink, nic.id)
        plug.plug(netlink, self._ovsdb, nics)

    def _unplug_gone(self, guest_id: str, vnics: Iterable[str]) -> None:
        """Take the ports of a guest that has left out of Open vSwitch. It has left even if they stay."""
        try:
            plug.unplug_from_ovs(self._ovsdb, vnics)
        except _FAILURES as error:
            log.warning("ports of guest %s: %s", guest_id, error)

    def _define_filters(self, nics: tuple[GuestNic, ...]) -> None:
        if any(nic.filter == libvirt_xml.NO_MAC_SPOOFING for nic in nics):
            self._door.define_filter(libvirt_xml.NO_MAC_SPOOFING, libvirt_xml.no_mac_spoofing())

    # -- what libvirt tells

    def _connected(self) -> None:
        """Look for guests that ended while nobody listened, and see to it that the others are where they belong."""
        for state in self.list():
            if state.status != "up":
                self._domain_stopped(state.id, Stop.ENDED if state.status == "down" else Stop.SAVED)
        try:
            for spec, _, _ in self._running():
                with self._files:
                    if spec.id not in self._stopping and self._door.find(spec.id):
                        self._save(spec)
            self._end_starts()
            self.repair()
        except (*_FAILURES, GuestError) as error:
            log.warning("%s", error)
        try:
            self.certificate_changed()  # perhaps while nobody listened
        except GuestError as error:
            log.error("%s", error)  # noqa: TRY400 - it says all that an administrator needs

    def _domain_stopped(self, guest_id: str, how: Stop) -> None:
        """Let go of what is left of a guest; its end is news, unless it runs on elsewhere, or can."""
        try:
            spec = self._load(self._file(guest_id))
            if spec is None or self._door.is_running(guest_id):  # it has been started again since
                return
            self._unplug_gone(guest_id, [nic.id for nic in spec.nics])
        except (*_FAILURES, GuestError) as error:
            log.warning("guest %s, which has left this host: %s", guest_id, error)
        if how is Stop.MIGRATED:
            self._file(guest_id).unlink(missing_ok=True)
        elif how is Stop.ENDED:
            self._ended(guest_id)

    def _domain_came(self, domain: Domain, runs: bool) -> None:
        """Take over a guest that another host gives to this one; its end is news from when it runs here."""
        spec = self._spec_of(domain)
        try:
            if runs:
                self._save(spec)
            with nl.Netlink() as netlink:
                self._plug(netlink, spec.nics)
        except _FAILURES as error:
            log.warning("guest %s, which came from another host: %s", spec.name, error)

    def _device_removed(self, guest_id: str, alias: str) -> None:
        waiting = self._removed.get((guest_id, alias))
        if waiting:
            waiting.set()

    # -- specifications

    def _running(self) -> Iterator[tuple[GuestSpec, bool, bool]]:
        """The guests that run here, each with whether it leaves for another host, and whether it is being saved."""
        for domain in self._door.domains():
            try:
                # A guest that leaves looks, at its last moment here, like one that arrives.
                if domain.UUIDString() in self._leaving or not self._door.is_arriving(domain):
                    yield self._spec_of(domain), self._door.is_leaving(domain), self._door.is_saving(domain)
            except libvirt.libvirtError as error:
                if error.get_error_code() not in _NOT_OURS:
                    raise

    def _spec_of(self, domain: Domain) -> GuestSpec:
        element = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, libvirt_xml.NAMESPACE, _LIVE)
        return libvirt_xml.read_metadata(element)

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

    def _image(self, guest_id: str) -> Path:
        """Where libvirt saves a guest's memory, readable by root only."""
        return self._folder / f"{guest_id}.saved"

    def _note(self, guest_id: str) -> Path:
        return self._folder / f"{guest_id}{_STARTING}"

    def _image_xml(self, guest_id: str) -> str | None:
        image = self._image(guest_id)
        return self._door.image_xml(image) if image.exists() else None

    def _file(self, guest_id: str) -> Path:
        return self._folder / f"{guest_id}.json"

    def _save(self, spec: GuestSpec) -> None:
        replace_file(self._file(spec.id), msgspec.json.encode(spec))

    def _load(self, path: Path) -> GuestSpec | None:
        """What a file holds; None when there is none, or no more."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=GuestSpec)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise GuestError(f"{path}: {error}") from error


def _check_ids(spec: GuestSpec) -> None:
    if not _is_uuid(spec.id):
        raise GuestError(f"{spec.id!r} cannot be the id of a guest: libvirt takes UUIDs")
    for nic in spec.nics:
        if not _ID.fullmatch(nic.id):
            raise GuestError(f"{nic.id!r} cannot be the id of a vNIC: letters, digits, hyphens, underscores")


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _words(error: Exception) -> str:
    return (error.get_error_message() or str(error)) if isinstance(error, libvirt.libvirtError) else str(error)
