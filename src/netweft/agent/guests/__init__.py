"""Guest drivers, which run virtual machines on a host and plug their vNICs in.

A driver identifies its guests on the host (by a name, a mark, a file) and keeps no state in memory, so that a restarted
agent lists what runs. Its methods are called one at a time and are idempotent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from netweft.core.guest_protocol import GuestSpec, GuestState, Migration

Ended: TypeAlias = Callable[[str], None]
"""Called by a driver, from any thread, with the id of a guest that ended by itself."""


class GuestError(Exception):
    """A guest could not be started, changed or stopped; the message says why. The operation was undone."""


class GuestDriver(Protocol):
    """One way to run guests."""

    name: str
    """The value of ``GuestSpec.driver`` for this driver."""

    def start(self, spec: GuestSpec) -> None:
        """Start the guest with its vNICs plugged in. Raises GuestError, with nothing left behind.

        A suspended guest is resumed, with its vNICs changed as by :meth:`update`; on failure it stays suspended.
        """

    def update(self, spec: GuestSpec) -> None:
        """Make a running guest's vNICs equal to ``spec.nics``; nothing else changes. Raises GuestError.

        No vNIC of ``spec.nics`` is unplugged: properties that cannot change while it is plugged in stay, and
        :meth:`list` reports the actual ones.
        """

    def shutdown(self, guest_id: str) -> None:
        """Request a running guest to shut down; when it does, it counts as ended by itself. Raises GuestError."""

    def reboot(self, guest_id: str) -> None:
        """Request a running guest to reboot. Raises GuestError."""

    def suspend(self, guest_id: str) -> None:
        """Save a running guest's memory on the host and end it. Raises GuestError; then it continues to run.

        Returns when it is saved, which may take minutes; other methods may be called meanwhile.
        """

    def stop(self, guest_id: str) -> None:
        """End the guest, suspended or not, and remove its vNICs; nothing happens when it does not exist.

        Raises GuestError.
        """

    def list(self) -> list[GuestState]:
        """Every guest of this driver on the host."""

    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        """The known IP addresses of running guests, by vNIC.

        Raises GuestError.
        """

    def version(self) -> str:
        """The version of the program that runs the guests; empty without one or while it does not answer."""

    def migrate(self, guest_id: str, migration: Migration) -> None:
        """Migrate a running guest to another host. Raises GuestError; then it stays here.

        Returns when it has arrived, which may take minutes; other methods may be called meanwhile.
        """

    def repair(self) -> None:
        """Plug every running guest in again, in case bridges were removed and recreated. Raises GuestError."""

    def certificate_changed(self) -> None:
        """Use the host's new keys and certificates for migrations. Raises GuestError."""

    def watch(self, ended: Ended) -> None:
        """Call ``ended`` from now on for each guest that ends by itself. Called once, before any other method."""

    def close(self) -> None:
        """Stop watching because the agent ends. Guests stay."""


def failed_start(driver: GuestDriver, spec: GuestSpec, problem: str) -> GuestError:
    """Clean up after a failed start; returns the error to raise, which includes a failure of the cleanup."""
    reason = f"Guest {spec.name} cannot be started: {problem}"
    try:
        driver.stop(spec.id)
    except GuestError as second:
        return GuestError(f"{reason}; the incomplete guest could not be removed: {second}")
    return GuestError(reason)
