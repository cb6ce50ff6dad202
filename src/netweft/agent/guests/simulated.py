"""Guests of a simulated host: entries of the simulated machine, each vNIC with a port in its Host."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from netweft.agent.guests import GuestError
from netweft.agent.guests.simulated_arrivals import send
from netweft.agent.simulated_machine import with_functions
from netweft.core.guest_protocol import GuestState
from netweft.core.host import GuestPort, Host
from netweft.core.hot_plug import apply_hot_pluggable, apply_on_arrival
from netweft.core.interface_cards import NO_MAC, is_dynamic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netweft.agent.guests import Ended
    from netweft.agent.simulated_machine import Machine, SimulatedMachine
from netweft.core.guest_protocol import GuestNic, GuestSpec, Migration

_SCHEME = "simulated:"


class SimulatedGuests:
    """The driver ``simulated``. Like a real host, it refuses vNICs whose bridge does not exist."""

    name = "simulated"

    def __init__(self, machine: SimulatedMachine) -> None:
        self._machine = machine
        _DRIVERS[machine.folder] = self
        self._ended: Ended = lambda _guest: None

    def start(self, spec: GuestSpec) -> None:
        """See GuestDriver."""
        self._put(spec)

    def update(self, spec: GuestSpec) -> None:
        """See GuestDriver."""
        self._put(spec)

    def stop(self, guest_id: str) -> None:
        """See GuestDriver."""
        with self._machine.lock:
            state = self._machine.state
            if guest_id in state.guests:
                others = {key: guest for key, guest in state.guests.items() if key != guest_id}
                self._machine.change(replace(state, guests=others, host=_with_ports(state.host, others.values())))

    def shutdown(self, guest_id: str) -> None:
        """See GuestDriver. The guest ends at once, unless a fault prevents it."""
        if not self._machine.ignores_requests(guest_id):
            self.end(guest_id)

    def reboot(self, guest_id: str) -> None:
        """See GuestDriver. Has no visible effect on a simulated guest."""

    def suspend(self, guest_id: str) -> None:
        """See GuestDriver."""
        if self._machine.ignores_requests(guest_id):
            raise GuestError(f"Guest {guest_id} cannot be suspended: the simulation prevents it")
        guest = self._machine.state.guests.get(guest_id)
        if guest and any(nic.function and not nic.bridge for nic in guest.nics):
            raise GuestError(f"Guest {guest_id} cannot be saved: it has devices of the host")  # as libvirt
        self._leave(guest_id, "suspended")

    def list(self) -> list[GuestState]:
        """See GuestDriver."""
        return list(self._machine.state.guests.values())

    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        """See GuestDriver. The addresses of the specification."""
        nics = [nic for guest in self.list() if guest.status == "up" for nic in guest.nics]
        return {nic.id: tuple(text.partition("/")[0] for text in nic.addresses) for nic in nics if nic.addresses}

    def version(self) -> str:
        """See GuestDriver."""
        return ""

    def repair(self) -> None:
        """See GuestDriver."""
        with self._machine.lock:
            state = self._machine.state
            self._machine.change(replace(state, host=_with_ports(state.host, state.guests.values())))

    def migrate(self, guest_id: str, migration: Migration) -> None:
        """See GuestDriver. ``target``: ``simulated:`` and the name of another host of the same engine."""
        hosts, name = self._machine.folder.parent, migration.target.removeprefix(_SCHEME)
        nics = apply_on_arrival(self._machine.state.guests[guest_id].nics, migration.spec.nics)
        spec = replace(migration.spec, nics=nics)
        if name == migration.target or not (take(hosts / name, spec) or send(hosts, name, spec)):
            raise GuestError(f"Guest {guest_id} stays on this host: no simulated host is at {migration.target}")
        self.stop(guest_id)

    def certificate_changed(self) -> None:
        """See GuestDriver: nothing here uses them."""

    def watch(self, ended: Ended) -> None:
        """See GuestDriver."""
        self._ended = ended

    def close(self) -> None:
        """See GuestDriver."""
        self._ended = lambda _guest: None

    def end(self, guest_id: str) -> None:
        """End a guest as if by itself."""
        if self._leave(guest_id, "down"):
            self._ended(guest_id)

    def _leave(self, guest_id: str, status: str) -> bool:
        """Set the status of a guest that no longer runs. Whether the guest exists."""
        with self._machine.lock:
            state = self._machine.state
            guest = state.guests.get(guest_id)
            if guest is None:
                return False
            guests = {**state.guests, guest_id: replace(guest, status=status)}
            self._machine.change(replace(state, guests=guests, host=_with_ports(state.host, guests.values())))
            return True

    def _put(self, spec: GuestSpec) -> None:
        if reason := self._machine.why_no_guests():
            raise GuestError(f"Guest {spec.name} cannot be started or changed: {reason}")
        with self._machine.lock:
            state = self._machine.state
            for nic in spec.nics:
                if (
                    nic.bridge
                    and not nic.profile
                    and nic.bridge not in {**state.host.bridges, **state.host.ovs_bridges}
                ):
                    raise GuestError(f"vNIC {nic.name} cannot be plugged in: this host has no bridge {nic.bridge}")
            self._require_dynamic(spec, state)
            before = state.guests.get(spec.id)
            nics = apply_hot_pluggable(before.nics if before else (), spec.nics)
            guest = GuestState(id=spec.id, name=spec.name, driver=self.name, status="up", nics=nics)
            guests = {**state.guests, spec.id: guest}
            self._machine.change(replace(state, guests=guests, host=_with_ports(state.host, guests.values())))

    def _require_dynamic(self, spec: GuestSpec, state: Machine) -> None:
        """Check, like enic and libvirt, that dynamic vNICs exist and are not in use. Raises GuestError."""
        used = {nic.function for guest in state.guests.values() if guest.id != spec.id for nic in guest.nics}
        dynamic = {nic.facts.pci_address for nic in state.host.nics.values() if is_dynamic(nic.facts)}
        for nic in spec.nics:
            if nic.profile and not nic.guid and nic.function not in dynamic - used:
                raise GuestError(f"vNIC {nic.name} cannot be plugged in: no dynamic vNIC {nic.function} is free")
            if nic.guid and nic.function in used:
                raise GuestError(f"vNIC {nic.name} cannot be plugged in: another guest has {nic.function}")


def plugged_nics(state: Machine) -> list[GuestNic]:
    """The vNICs of the guests that run."""
    return [nic for guest in state.guests.values() if guest.status == "up" for nic in guest.nics]


_DRIVERS: WeakValueDictionary[Path, SimulatedGuests] = WeakValueDictionary()
"""The drivers of this program by their hosts' folders, for migrations between them."""


def take(folder: Path, spec: GuestSpec) -> bool:
    """Start a guest on the host of this folder. Whether this program has that host. Raises GuestError."""
    driver = _DRIVERS.get(folder)
    if driver is not None:
        driver.start(spec)
    return driver is not None


def _with_ports(host: Host, guests: Iterable[GuestState]) -> Host:
    """The host with exactly the ports of the guests that are up, on existing bridges, and with NICs for the
    virtual functions that no guest uses.
    """
    bridges = {*host.bridges, *host.ovs_bridges}
    vnics = [nic for guest in guests if guest.status == "up" for nic in guest.nics]
    host = with_functions(host, {nic.function for nic in vnics})
    macs = {nic.function: nic.mac for nic in vnics if nic.profile}
    dynamic = {
        name: replace(nic, mac=macs.get(nic.facts.pci_address, NO_MAC))
        for name, nic in host.nics.items()
        if is_dynamic(nic.facts)
    }
    host = replace(host, nics={**host.nics, **dynamic})
    return replace(host, guest_ports={port.name: port for port in map(_port, vnics) if port.bridge in bridges})


def _port(nic: GuestNic) -> GuestPort:
    return GuestPort(name=f"vnet{nic.id.replace('-', '')[:8]}", vnic=nic.id, bridge=nic.bridge, tag=nic.tag)
