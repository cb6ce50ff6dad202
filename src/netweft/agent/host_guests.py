"""The guests of one host, and the requests that change them."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from threading import Lock, Thread
from typing import TYPE_CHECKING, Protocol

from netweft.agent.guests import GuestError
from netweft.agent.wire import CONFLICT, RefusalError
from netweft.core.guest_protocol import GuestNic, GuestSpec, GuestState, Migration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from netweft.agent.events import Events
    from netweft.agent.guests import GuestDriver

log = logging.getLogger(__name__)

_ORDERS_MAX = 10_000
"""Number of guests whose last order is remembered; more than any host has."""

MIGRATION, SUSPEND = "migration", "suspend"
"""Kinds of events."""


class DhcpService(Protocol):
    """A service that gives guests their addresses."""

    def check(self, nics: Iterable[GuestNic]) -> str:
        """Why this host cannot serve these vNICs; empty when it can or has no need to."""

    def apply(self, plugged: Callable[[], Iterable[GuestNic]]) -> list[str]:
        """Serve exactly these vNICs. Returns the failures, a line each. ``plugged``: called with the lock held."""


class Guests:
    """The guests of one host, of all its drivers. Only one is started, changed or stopped at a time."""

    def __init__(self, drivers: Sequence[GuestDriver], events: Events, dhcp: DhcpService | None = None) -> None:
        """``dhcp``: None if the host gives no guest its addresses."""
        self._drivers = {driver.name: driver for driver in drivers}
        self._events = events
        self._dhcp = dhcp
        self._dhcp_problems: list[str] = []
        self._lock = Lock()
        self._worked = 0
        self._orders: dict[str, int] = {}
        self._operations: dict[str, str] = {}
        """Background operations on guests, by guest: from the request until its final event."""
        for driver in drivers:
            driver.watch(lambda guest: events.add("guest", guest, "ended"))

    def is_at_work(self) -> bool:
        """Whether a guest is being started, changed or stopped; an event follows at its end."""
        return self._lock.locked()

    def work_done(self) -> int | None:
        """The number of these changes so far; None during one."""
        return None if self._lock.locked() else self._worked

    def list(self) -> list[GuestState]:
        """Every guest on the host."""
        operations = dict(self._operations)
        return [
            replace(
                state,
                migrating=state.migrating or operations.get(state.id) == MIGRATION,
                saving=state.saving or operations.get(state.id) == SUSPEND,
            )
            for driver in self._drivers.values()
            for state in driver.list()
        ]

    def addresses(self) -> dict[str, tuple[str, ...]]:
        """The known addresses inside running guests, by vNIC. Failures of drivers are logged."""
        found: dict[str, tuple[str, ...]] = {}
        for driver in self._drivers.values():
            try:
                found |= driver.addresses()
            except GuestError as error:
                log.warning("%s", error)
        return found

    def plugged(self) -> tuple[GuestNic, ...]:
        """The vNICs of the running guests. Failures of drivers are logged."""
        found: tuple[GuestNic, ...] = ()
        for driver in self._drivers.values():
            try:
                found += tuple(_running_nics(driver))
            except GuestError as error:
                log.warning("%s", error)
        return found

    def _running_nics(self) -> tuple[GuestNic, ...]:
        """The same. Raises GuestError when a driver fails."""
        return tuple(nic for driver in self._drivers.values() for nic in _running_nics(driver))

    def put(self, spec: GuestSpec, order: int = 0) -> GuestState:
        """Start or resume a guest, or make the vNICs of a running one equal to the spec. ``order``, here
        and below: see core.protocol.ORDER_HEADER.

        Raises RefusalError, GuestError.
        """
        driver = self._drivers.get(spec.driver)
        if driver is None:
            available = ", ".join(sorted(self._drivers)) or "none"
            raise RefusalError(
                CONFLICT, "failed", f"This host has no guest driver {spec.driver!r}; it has: {available}."
            )
        problem = self._dhcp.check(spec.nics) if self._dhcp else ""
        if problem:
            raise GuestError(f"Guest {spec.name} cannot get its addresses by DHCP: {problem}")
        with self._at_work_on(spec.id, order):
            status = next((state.status for state in driver.list() if state.id == spec.id), "")
            if status == "up":
                driver.update(spec)
            else:
                if status == "down":
                    driver.stop(spec.id)  # removes what is left of one that ended by itself
                driver.start(spec)
            self.serve_dhcp()
            return next(state for state in driver.list() if state.id == spec.id)

    def shut_down(self, guest_id: str, order: int = 0, *, again: bool = False) -> GuestState:
        """Request a running guest to shut down or (``again``) to reboot. Raises RefusalError, GuestError."""
        with self._ordered(guest_id, order):
            driver, state = self._running(guest_id)
            (driver.reboot if again else driver.shutdown)(guest_id)
            return state

    def migrate(self, guest_id: str, migration: Migration, order: int = 0) -> GuestState:
        """Start the migration of a running guest. Raises RefusalError, GuestError."""
        with self._ordered(guest_id, order):
            driver, state = self._running(guest_id)
            self._begin(MIGRATION, guest_id, partial(driver.migrate, guest_id, migration))
            return replace(state, migrating=True)

    def suspend(self, guest_id: str, order: int = 0) -> GuestState:
        """Start to suspend a running guest. Raises RefusalError, GuestError."""
        with self._ordered(guest_id, order):
            driver, state = self._running(guest_id)
            self._begin(SUSPEND, guest_id, partial(driver.suspend, guest_id))
            return replace(state, saving=True)

    def _running(self, guest_id: str) -> tuple[GuestDriver, GuestState]:
        """The driver and state of a guest that runs here and is neither being moved nor saved."""
        for driver in self._drivers.values():
            for state in driver.list():
                is_leaving = state.migrating or state.saving or guest_id in self._operations
                if state.id == guest_id and state.status == "up" and not is_leaving:
                    return driver, state
        raise RefusalError(
            CONFLICT, "failed", f"Guest {guest_id} does not run on this host, or is being moved or saved."
        )

    def _begin(self, kind: str, guest_id: str, work: Callable[[], None]) -> None:
        """Start a long operation in a thread; an event with its result follows."""

        def run() -> None:
            problem = ""
            try:
                work()
            except GuestError as error:
                problem = str(error)
                log.warning("%s", error)
            except Exception as error:  # the event must follow in any case
                problem = f"The agent failed: {error!r}"
                log.exception("%s of guest %s", kind, guest_id)
            self._events.add(kind, guest_id, problem)
            del self._operations[guest_id]

        self._operations[guest_id] = kind
        Thread(target=run, name=f"{kind} {guest_id}", daemon=True).start()

    def repair(self) -> None:
        """Plug the guests in again after bridges changed. A failure is logged and becomes an event."""
        with self._working():
            for driver in self._drivers.values():
                try:
                    driver.repair()
                except GuestError as error:
                    log.warning("guests of driver %s: %s", driver.name, error)
                    self._events.add("guest", "", str(error))
            self.serve_dhcp()

    def serve_dhcp(self) -> None:
        """Serve the running guests their addresses; called again whenever something about them may have changed. A
        problem is logged and becomes an event once; the guests continue to run.
        """
        if self._dhcp is None:
            return
        try:
            problems = self._dhcp.apply(self._running_nics)
        except GuestError as error:  # the servers continue as they are
            problems = [str(error)]
        for problem in problems:
            if problem not in self._dhcp_problems:
                log.warning("%s", problem)
                self._events.add("guest", "", problem)
        self._dhcp_problems = problems

    def stop(self, guest_id: str, order: int = 0) -> None:
        """Stop a guest, whichever driver runs it. Raises RefusalError, GuestError."""
        with self._at_work_on(guest_id, order):
            for driver in self._drivers.values():
                driver.stop(guest_id)
            self.serve_dhcp()

    def halted(self) -> AbstractContextManager[object]:
        """A context in which no guest is started, changed or stopped."""
        return self._working()

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Hold the lock; count the change."""
        with self._lock:
            try:
                yield
            finally:
                self._worked += 1

    @contextmanager
    def _at_work_on(self, guest_id: str, order: int) -> Iterator[None]:
        """The same for one guest, with an event at the end, also after a failure."""
        try:
            with self._ordered(guest_id, order):
                yield
        finally:
            self._events.add("guest", guest_id, "worked on")

    @contextmanager
    def _ordered(self, guest_id: str, order: int) -> Iterator[None]:
        """Hold the lock for an order that is not outdated. Raises RefusalError."""
        with self._working():
            self._check_order(guest_id, order)
            yield

    def _check_order(self, guest_id: str, order: int) -> None:
        """Raises RefusalError for an order that is older than the last one for the guest."""
        if not order:
            return
        last = self._orders.pop(guest_id, 0)
        self._orders[guest_id] = max(order, last)  # moved to the end: the least recently used is removed first
        if len(self._orders) > _ORDERS_MAX:
            del self._orders[next(iter(self._orders))]
        if order < last:
            text = f"A later order for guest {guest_id} was accepted: this one is from an engine that was stalled."
            raise RefusalError(CONFLICT, "superseded", text)

    def certificate_changed(self) -> None:
        """Have the drivers use the host's new certificates for migrations. Raises GuestError."""
        for driver in self._drivers.values():
            driver.certificate_changed()

    def close(self) -> None:
        """Stop watching the guests; they continue to run."""
        for driver in self._drivers.values():
            driver.close()


def _running_nics(driver: GuestDriver) -> Iterator[GuestNic]:
    return (nic for state in driver.list() if state.status == "up" for nic in state.nics)
