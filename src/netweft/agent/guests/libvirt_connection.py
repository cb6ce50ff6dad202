"""A connection to one libvirt, which is reopened when it breaks, and libvirt's events.

libvirt's callbacks only put events into a queue. A thread handles them, because callbacks must not call libvirt.
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
"""Between two attempts to connect to libvirt."""

_ATTEMPTS = 3
"""How often a migration is tried when the connection between the two libvirts breaks."""

_BASELINE = "kvm64"
"""The minimal CPU model for 64-bit guests. Where KVM does not support it, guests do not boot."""

_ARRIVING = (
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_MIGRATION),
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_STARTING_UP),
)
"""States of a domain that is being migrated to this host."""

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

    After ``watch``, it calls in a thread of its own: ``connected()`` for each new connection,
    ``stopped(guest id, how)``, ``came(domain, runs here now)`` during a migration from another host, and
    ``removed(guest id, alias)`` for a device that a guest has released. Every method may raise libvirtError.
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
        self._events: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._closed = Event()
        self._thread = Thread(target=self._run, name="libvirt", daemon=True)
        self._kind = ""
        run_loop()

    def watch(self) -> None:
        """Start to report events."""
        self._thread.start()
        self._events.put(self._reach)

    def close(self) -> None:
        """Stop reporting events and close the connection."""
        self._closed.set()
        self._events.put(None)
        if self._thread.ident is not None:
            self._thread.join()
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(libvirt.libvirtError):  # it may be broken already
                connection.close()

    def connection(self) -> Any:  # noqa: ANN401 - libvirt publishes no types
        """A working connection."""
        with self._lock:
            if self._connection is None or not self._connection.isAlive():
                self._connection = self._open()
            return self._connection

    def version(self) -> str:
        """The version of libvirt, such as ``9.0.0``."""
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
        """Whether it is being migrated to this host and still runs on the other one."""
        state, reason = domain.state()
        return (state, reason) in _ARRIVING

    def is_leaving(self, domain: Domain) -> bool:
        """Whether libvirt is migrating it to another host, also if the agent that requested it has ended since."""
        try:
            job = domain.jobStats()
        except libvirt.libvirtError as error:
            if error.get_error_code() in {libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID}:
                return False  # it has just ended
            raise
        is_active = job["type"] not in {libvirt.VIR_DOMAIN_JOB_NONE, libvirt.VIR_DOMAIN_JOB_COMPLETED}
        return is_active and job.get("operation") == libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT

    def is_saving(self, domain: Domain) -> bool:
        """Whether its memory is being saved."""
        state, reason = domain.state()
        return (state, reason) == _SAVING

    def image_xml(self, image: Path) -> str | None:
        """The XML of the domain in an image; None when the image is missing, invalid or incomplete."""
        try:
            return str(self.connection().saveImageGetXMLDesc(str(image)))
        except libvirt.libvirtError as error:
            if error.get_error_domain() == libvirt.VIR_FROM_RPC:
                raise  # libvirt itself does not answer
            return None

    def restore(self, image: Path, xml: str) -> Domain:
        """Restore the domain in an image, with the configuration ``xml``, paused. The image stays."""
        connection = self.connection()
        connection.restoreFlags(str(image), xml, libvirt.VIR_DOMAIN_SAVE_PAUSED)
        return connection.lookupByName(ET.fromstring(xml).findtext("name"))  # noqa: S314 - from libvirt

    def migrate(self, guest_id: str, xml: str, migration: Migration) -> None:
        """Migrate a running domain to another libvirt, with the configuration ``xml`` there, and wait for it.

        Retries a few times when the connection between the two breaks. Raises ValueError when the guest does not run.
        """
        address = migration.address or urlsplit(migration.target).hostname or ""
        flags = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PEER2PEER | libvirt.VIR_MIGRATE_AUTO_CONVERGE
        parameters: dict[str, str | int] = {
            # QEMU uses TLS over this, because of VIR_MIGRATE_TLS.
            libvirt.VIR_MIGRATE_PARAM_URI: f"tcp://{f'[{address}]' if ':' in address else address}",
            libvirt.VIR_MIGRATE_PARAM_TLS_DESTINATION: migration.name,
            libvirt.VIR_MIGRATE_PARAM_DEST_XML: xml,
        }
        if migration.bandwidth:
            parameters[libvirt.VIR_MIGRATE_PARAM_BANDWIDTH] = migration.bandwidth
        was_lost = False
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self.get(guest_id).migrateToURI3(migration.target, parameters, flags | libvirt.VIR_MIGRATE_TLS)
            except libvirt.libvirtError as error:
                was_lost = was_lost or _is_connection_loss(
                    error
                )  # remains of the attempt may block retries for a while
                if not was_lost or attempt == _ATTEMPTS:
                    raise
                log.warning("guest %s: %s; restarting its migration", guest_id, error.get_error_message())
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
                usable = False  # libvirt's error when there is no KVM
            self._kind = "kvm" if usable else "qemu"
            log.info("guests run with %s", "KVM" if usable else "software emulation")
        return self._kind

    def define_filter(self, name: str, xml: str) -> None:
        """Define a network filter if libvirt does not have it."""
        connection = self.connection()
        try:
            connection.nwfilterLookupByName(name)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_NWFILTER:
                raise
            connection.nwfilterDefineXML(xml)

    # -- the thread that handles events

    def _run(self) -> None:
        while (handle := self._events.get()) is not None:
            try:
                handle()
            except Exception:  # a failure must not stop the handling of further events
                log.exception("an event of libvirt could not be processed")

    def _reach(self) -> None:
        """Connect, retrying until it succeeds."""
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
        self._events.put(self._reach)

    def _on_lifecycle(self, _connection: object, domain: Domain, event: int, detail: int, _opaque: object) -> None:
        guest_id = domain.UUIDString()
        if event == libvirt.VIR_DOMAIN_EVENT_STOPPED:
            how = _STOPS.get(detail, Stop.ENDED)
            self._events.put(lambda: self._stopped(guest_id, how))
        elif (event, detail) == (libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_MIGRATED):
            self._events.put(lambda: self._came(domain, False))
        elif (event, detail) == (libvirt.VIR_DOMAIN_EVENT_RESUMED, libvirt.VIR_DOMAIN_EVENT_RESUMED_MIGRATED):
            self._events.put(lambda: self._came(domain, True))

    def _on_device_removed(self, _connection: object, domain: Domain, alias: str, _opaque: object) -> None:
        guest_id = domain.UUIDString()
        self._events.put(lambda: self._removed(guest_id, alias))


def _is_connection_loss(error: libvirt.libvirtError) -> bool:
    """Whether the connection between two libvirts broke after it was made."""
    return (error.get_error_domain(), error.get_error_code()) == (libvirt.VIR_FROM_RPC, libvirt.VIR_ERR_INTERNAL_ERROR)


def run_loop() -> None:
    """Start libvirt's event loop, once per process."""
    with _loop_lock:
        if _loop:
            return
        libvirt.registerErrorHandler(
            lambda _context, _error: None, None
        )  # libvirt would print errors that are also raised
        libvirt.virEventRegisterDefaultImpl()
        thread = Thread(target=_loop_forever, name="libvirt-events", daemon=True)
        thread.start()
        _loop.append(thread)


def _loop_forever() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()
