"""Guest drivers: what runs virtual machines on a host and plugs their vNICs in.

A driver keeps its guests findable by looking at the host (a name, a mark, a file), never in memory: an agent that is
started again lists what runs. Its calls arrive one at a time; each may be repeated and then changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from netweft.core.guest_protocol import GuestSpec, GuestState, Migration

Ended: TypeAlias = Callable[[str], None]
"""What a driver calls, from any thread, with the id of a guest that ended by itself."""


class GuestError(Exception):
    """A guest could not be started, changed or stopped; the message says why, and what was begun has been undone."""


class GuestDriver(Protocol):
    """One way to run guests."""

    name: str
    """What ``GuestSpec.driver`` says to mean this driver."""

    def start(self, spec: GuestSpec) -> None:
        """Run the guest with its vNICs plugged in. Raises GuestError, with nothing left behind.

        A suspended one goes on where it was, with vNICs as :meth:`update` would make them; when it cannot, it stays
        suspended.
        """

    def update(self, spec: GuestSpec) -> None:
        """Make a running guest's vNICs equal to ``spec.nics``; the rest of it stays. Raises GuestError.

        Nothing is unplugged that is to stay: what cannot change while a vNIC is plugged in stays as it is, and
        :meth:`list` tells so.
        """

    def shutdown(self, guest_id: str) -> None:
        """Ask a running guest to end in good order; when it does, it has ended by itself. Raises GuestError."""

    def reboot(self, guest_id: str) -> None:
        """Ask a running guest to start again. Raises GuestError."""

    def suspend(self, guest_id: str) -> None:
        """Save a running guest's memory on the host and take it off. Raises GuestError; then it runs on.

        Returns when it is saved. Called while other methods are, too, and may take minutes.
        """

    def stop(self, guest_id: str) -> None:
        """End the guest, suspended or not, and take its vNICs away; nothing happens when it is not there.

        Raises GuestError.
        """

    def list(self) -> list[GuestState]:
        """Every guest of this driver on the host, as GuestState says."""

    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        """The IP addresses that running guests are seen to have, by vNIC; what is not known is left out.

        Raises GuestError.
        """

    def version(self) -> str:
        """The version of the program that runs the guests; empty when there is none, or it does not answer."""

    def migrate(self, guest_id: str, migration: Migration) -> None:
        """Move a running guest to another host, and return when it is there. Raises GuestError; then it stayed.

        Called while other methods are, too, and may take minutes.
        """

    def repair(self) -> None:
        """Plug every running guest in again: bridges may have been removed and made anew. Raises GuestError."""

    def certificate_changed(self) -> None:
        """The host has other keys and certificates: use them to move guests. Raises GuestError."""

    def watch(self, ended: Ended) -> None:
        """Call ``ended`` from now on for each guest that ends by itself. Called once, before any other method."""

    def close(self) -> None:
        """The agent ends: stop watching. Guests stay."""


def failed_start(driver: GuestDriver, spec: GuestSpec, problem: str) -> GuestError:
    """Take away what was begun of a guest that cannot be started; the error tells why, and if that fails too."""
    reason = f"Guest {spec.name} cannot be started: {problem}"
    try:
        driver.stop(spec.id)
    except GuestError as second:
        return GuestError(f"{reason}; nor can what was begun be taken away: {second}")
    return GuestError(reason)
