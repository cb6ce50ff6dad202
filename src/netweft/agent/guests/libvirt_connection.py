"""The driver to one libvirt: a connection that is made anew when it breaks, and what libvirt tells on it.

libvirt's callbacks only put into a queue what they are told; a thread of ours does the work, so that it may ask libvirt
things meanwhile.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from enum import Enum, auto
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import libvirt

from netweft.agent.guests import libvirt_xml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from netweft.core.guest_protocol import Migration

log = logging.getLogger(__name__)

Domain: TypeAlias = Any
"""A libvirt.virDomain; its module publishes no types."""

_RETRY_SECONDS = 1.0
"""Between two tries to reach a libvirt that does not answer."""

_LINES = 3
"""How often a migration is begun when the line between the two libvirts breaks."""

_BASELINE = "kvm64"
"""The least that a CPU which runs 64-bit guests has. Where KVM cannot offer even that, its guests do not boot."""

_ARRIVING = (
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_MIGRATION),
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_STARTING_UP),
)
"""States of a domain that another host sends here."""

_SAVING = (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_SAVE)
"""State of a domain whose memory is being saved."""


class Stop(Enum):
    """How a domain left its host."""

    ENDED = auto()
    MIGRATED = auto()
    SAVED = auto()


_STOPS = {
    libvirt.VIR_DOMAIN_EVENT_STOPPED_MIGRATED: Stop.MIGRATED,
    libvirt.VIR_DOMAIN_EVENT_STOPPED_SAVED: Stop.SAVED,
}

_loop_lock = Lock()
_loop: list[Thread] = []


class Connection:
    """One libvirt, at a URI.

    From ``watch`` on, and in a thread of its own, it calls ``connected()`` whenever it has reached libvirt (again),
    ``stopped(guest id, how)``, ``came(domain, runs here now)`` while a guest comes from another host,
    and ``removed(guest id, alias)`` for a device that a guest has let go of. Every method may raise libvirtError.
    """

    def __init__(
        self,
        uri: str,
        *,
        connected: Callable[[], None],
        stopped: Callable[[str, Stop], None],
        came: Callable[[Domain, bool], None],
        removed: Callable[[str, str], None],
    ) -> None:
        self._uri = uri
        self._connected, self._stopped, self._came, self._removed = connected, stopped, came, removed
        self._lock = Lock()
        self._connection: Any = None
        self._news: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._closed = Event()
        self._thread = Thread(target=self._run, name="libvirt", daemon=True)
        self._kind = ""
        run_loop()

    def watch(self) -> None:
        """Begin to tell what happens."""
        self._thread.start()
        self._news.put(self._reach)

    def close(self) -> None:
        """Tell nothing more, and let go of libvirt."""
        self._closed.set()
        self._news.put(None)
        if self._thread.ident is not None:
            self._thread.join()
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(libvirt.libvirtError):  # it may be broken already
                connection.close()

    def connection(self) -> Any:  # noqa: ANN401 - libvirt publishes no types
        """A connection that lives."""
        with self._lock:
            if self._connection is None or not self._connection.isAlive():
                self._connection = self._open()
            return self._connection

    def version(self) -> str:
        """Of libvirt: ``9.0.0``."""
        number = self.connection().getLibVersion()
        return f"{number // 1_000_000}.{number // 1_000 % 1_000}.{number % 1_000}"

    def find(self, guest_id: str) -> Domain | None:
        """The domain of a guest, or None."""
        try:
            return self.connection().lookupByUUIDString(guest_id)
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return None
            raise

    def get(self, guest_id: str) -> Domain:
        """The domain of a guest. Raises ValueError when it does not run."""
        domain = self.find(guest_id)
        if domain is None:
            raise ValueError("it does not run on this host")
        return domain

    def is_running(self, guest_id: str) -> bool:
        """Whether a guest runs here."""
        domain = self.find(guest_id)
        return domain is not None and bool(domain.isActive())

    def domains(self) -> list[Domain]:
        """The running domains that have the names of guests."""
        found = self.connection().listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)
        return [domain for domain in found if domain.name().startswith(libvirt_xml.PREFIX)]

    def create(self, xml: str) -> Domain:
        """Start a transient domain, paused."""
        return self.connection().createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED)

    def is_arriving(self, domain: Domain) -> bool:
        """Whether it still runs on another host, which sends it here."""
        state, reason = domain.state()
        return (state, reason) in _ARRIVING

    def is_leaving(self, domain: Domain) -> bool:
        """Whether its libvirt is sending it to another host, even if the agent that asked for that has ended since."""
        try:
            job = domain.jobStats()
        except libvirt.libvirtError as error:
            if error.get_error_code() in {libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID}:
                return False  # it has just gone
            raise
        is_active = job["type"] not in {libvirt.VIR_DOMAIN_JOB_NONE, libvirt.VIR_DOMAIN_JOB_COMPLETED}
        return is_active and job.get("operation") == libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT

    def is_saving(self, domain: Domain) -> bool:
        """Whether its memory is being saved."""
        state, reason = domain.state()
        return (state, reason) == _SAVING

    def image_xml(self, image: Path) -> str | None:
        """The domain whose memory an image holds; None when it holds none, or not all of it."""
        try:
            return str(self.connection().saveImageGetXMLDesc(str(image)))
        except libvirt.libvirtError as error:
            if error.get_error_domain() == libvirt.VIR_FROM_RPC:
                raise  # it is libvirt that cannot be asked
            return None

    def restore(self, image: Path, xml: str) -> Domain:
        """Start the domain whose memory an image holds, as ``xml`` has it, paused. The image stays."""
        connection = self.connection()
        connection.restoreFlags(str(image), xml, libvirt.VIR_DOMAIN_SAVE_PAUSED)
        return connection.lookupByName(ET.fromstring(xml).findtext("name"))  # noqa: S314 - from libvirt

    def migrate(self, guest_id: str, xml: str, migration: Migration) -> None:
        """Move a running domain to another libvirt, where it shall be as ``xml`` says, and wait for it.

        Begins anew, a few times, when the line between the two breaks. Raises ValueError when the guest does not run.
        """
        address = migration.address or urlsplit(migration.target).hostname or ""
        flags = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PEER2PEER | libvirt.VIR_MIGRATE_AUTO_CONVERGE
        parameters: dict[str, str | int] = {
            # QEMU sends by TLS over that, for which VIR_MIGRATE_TLS sees.
            libvirt.VIR_MIGRATE_PARAM_URI: f"tcp://{f'[{address}]' if ':' in address else address}",
            libvirt.VIR_MIGRATE_PARAM_TLS_DESTINATION: migration.name,
            libvirt.VIR_MIGRATE_PARAM_DEST_XML: xml,
        }
        if migration.bandwidth:
            parameters[libvirt.VIR_MIGRATE_PARAM_BANDWIDTH] = migration.bandwidth
        was_lost = False
        for attempt in range(1, _LINES + 1):
            try:
                self.get(guest_id).migrateToURI3(migration.target, parameters, flags | libvirt.VIR_MIGRATE_TLS)
            except libvirt.libvirtError as error:
                was_lost = was_lost or _is_lost_line(error)  # what that left behind there may be in the way for a while
                if not was_lost or attempt == _LINES:
                    raise
                log.warning("guest %s: %s; its migration starts again", guest_id, error.get_error_message())
                self._closed.wait(_RETRY_SECONDS)
            else:
                return

    def best_kind(self) -> str:
        """``kvm`` where the host's KVM can run a 64-bit guest, ``qemu`` where not."""
        if not self._kind:
            try:
                capabilities = self.connection().getDomainCapabilities(None, None, None, "kvm")
                usable = _BASELINE in libvirt_xml.usable_models(capabilities)
            except libvirt.libvirtError as error:
                if error.get_error_code() != libvirt.VIR_ERR_INVALID_ARG:
                    raise
                usable = False  # which is how libvirt says that there is no KVM
            self._kind = "kvm" if usable else "qemu"
            log.info("guests run with %s", "KVM" if usable else "software emulation")
        return self._kind

    def define_filter(self, name: str, xml: str) -> None:
        """Have a network filter that libvirt does not bring along."""
        connection = self.connection()
        try:
            connection.nwfilterLookupByName(name)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_NWFILTER:
                raise
            connection.nwfilterDefineXML(xml)

    # -- the thread that tells

    def _run(self) -> None:
        while (news := self._news.get()) is not None:
            try:
                news()
            except Exception:  # one piece of news that could not be dealt with must not keep the next from being heard
                log.exception("an event of libvirt could not be processed")

    def _reach(self) -> None:
        """Connect, however long that takes."""
        while not self._closed.is_set():
            try:
                self.connection()
            except libvirt.libvirtError as error:
                log.warning("libvirt at %s: %s", self._uri, error.get_error_message())
                self._closed.wait(_RETRY_SECONDS)
            else:
                self._connected()
                return

    # -- libvirt's callbacks, in its event loop

    def _open(self) -> Any:  # noqa: ANN401 - libvirt publishes no types
        connection = libvirt.open(self._uri)
        connection.registerCloseCallback(self._on_close, None)
        register = connection.domainEventRegisterAny
        register(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._on_lifecycle, None)
        register(None, libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, self._on_device_removed, None)
        return connection

    def _on_close(self, _connection: object, _reason: int, _opaque: object) -> None:
        self._news.put(self._reach)

    def _on_lifecycle(self, _connection: object, domain: Domain, event: int, detail: int, _opaque: object) -> None:
        guest_id = domain.UUIDString()
        if event == libvirt.VIR_DOMAIN_EVENT_STOPPED:
            how = _STOPS.get(detail, Stop.ENDED)
            self._news.put(lambda: self._stopped(guest_id, how))
        elif (event, detail) == (libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_MIGRATED):
            self._news.put(lambda: self._came(domain, False))
        elif (event, detail) == (libvirt.VIR_DOMAIN_EVENT_RESUMED, libvirt.VIR_DOMAIN_EVENT_RESUMED_MIGRATED):
            self._news.put(lambda: self._came(domain, True))

    def _on_device_removed(self, _connection: object, domain: Domain, alias: str, _opaque: object) -> None:
        guest_id = domain.UUIDString()
        self._news.put(lambda: self._removed(guest_id, alias))


def _is_lost_line(error: libvirt.libvirtError) -> bool:
    """Whether the connection between two libvirts broke after it was made."""
    return (error.get_error_domain(), error.get_error_code()) == (libvirt.VIR_FROM_RPC, libvirt.VIR_ERR_INTERNAL_ERROR)


def run_loop() -> None:
    """Start libvirt's event loop, which a process has once."""
    with _loop_lock:
        if _loop:
            return
        libvirt.registerErrorHandler(lambda _context, _error: None, None)  # it would print what is raised as well
        libvirt.virEventRegisterDefaultImpl()
        thread = Thread(target=_loop_forever, name="libvirt-events", daemon=True)
        thread.start()
        _loop.append(thread)


def _loop_forever() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()
