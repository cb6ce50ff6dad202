"""A simulated host: the agent's own server, state machine and disk over a Host value, with faults to inject.

The value is kept in a file, since a kernel also keeps its networking when the agent is killed. ``POST /v1/simulation``
(:class:`~netweft.agent.simulated_machine.Simulation`) sets the faults from now on. It works also while the host is
unreachable, and exists on simulated hosts only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from errno import ENOSPC
from typing import TYPE_CHECKING
from uuid import NAMESPACE_DNS, uuid5

from netweft import agent
from netweft.agent.change import Changes
from netweft.agent.events import Events
from netweft.agent.guests.simulated import SimulatedGuests, plugged_nics
from netweft.agent.host_guests import Guests
from netweft.agent.service import OK, HostService, Reply, Request
from netweft.agent.simulated_machine import Faults, SimulatedMachine, Simulation, replace_quickly, restore_interrupted
from netweft.agent.store import STATE, Store, StoreError
from netweft.agent.wire import CONFLICT, RefusalError, decode, encode
from netweft.core.host import Address, Chassis, Host, Nic, NicFacts
from netweft.core.interface_cards import NO_MAC, VENDOR, DynamicNic, InterfaceCard, card_of
from netweft.core.neighbours import Neighbour
from netweft.core.protocol import Ability, Capabilities, HostReport

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from netweft.agent.store import Record
    from netweft.core.neighbours import Neighbours

PATH = "/v1/simulation"

NICS = 4

WITH_FUNCTIONS = (2, 3)
"""Numbers of the NICs that support SR-IOV."""
DYNAMIC_VNICS = 4
"""Of a virtual interface card."""
_CARD = "0000:80:00.0"
"""PCI address of the virtual interface card, if there is one."""


class SimulatedStore(Store):
    """A store on a disk that can be full, in a process that can be killed."""

    def __init__(self, folder: Path, faults: Faults) -> None:
        super().__init__(folder)
        restore_interrupted(folder / STATE)
        self._faults = faults
        self.saved = 0
        """How often the state was saved."""

    def save(self, record: Record) -> None:
        """See Store. Kills the process afterwards if a fault demands it."""
        super().save(record)
        self.saved += 1
        self._faults.stored(record)

    def _write(self, name: str, data: bytes) -> None:
        if self._faults.simulation.disk_full:
            raise StoreError(f"{self.folder / name} cannot be written: {os.strerror(ENOSPC)}")
        try:
            replace_quickly(self.folder / name, data)
        except OSError as error:
            raise StoreError(f"{self.folder / name} cannot be written: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class _CachedReport:
    """A report and the state it was made from. ``parts`` are referenced so that their ids are not reused."""

    state: tuple[object, ...]
    parts: tuple[object, ...]
    report: HostReport


class SimulatedService(HostService):
    """A simulated host behind the agent's listener."""

    def __init__(self, name: str, number: int, folder: Path, *, has_card: bool = False) -> None:
        self._number = number
        self._faults = Faults()
        events = Events(capacity=200)
        self._store = store = SimulatedStore(folder, self._faults)
        self._machine = SimulatedMachine(folder / "machine.json", hardware(number, has_card=has_card), self._faults)
        self._guests = SimulatedGuests(self._machine)
        facts = capabilities(name)
        guests = Guests([self._guests], events)
        super().__init__(
            capabilities=lambda: self._current_capabilities(facts),
            driver=self._machine,
            changes=Changes(store, self._machine, events, guests.repair, chassis_wait=0),
            guests=guests,
            events=events,
            neighbours=lambda: self._neighbours(number),
        )
        self._cached: _CachedReport | None = None
        self.changes.recover()

    def _current_capabilities(self, facts: Capabilities) -> Capabilities:
        simulation, state = self._faults.simulation, self._machine.state
        found = _without(facts, simulation.lacks, state.host)
        if not simulation.infiniband:
            return found
        adapter = infiniband(self._number, simulation.infiniband, {nic.function for nic in plugged_nics(state)})
        return replace(found, interface_cards=(*found.interface_cards, adapter))

    def _neighbours(self, number: int) -> Neighbours | None:
        """The neighbours that its lldpd has learnt."""
        if "lldpd" in self._faults.simulation.lacks:
            return None
        nics = [f"eth{nic}" for nic in range(NICS)]
        found = {name: (neighbour_of(number, at),) for at, name in enumerate(nics) if self._has_link(name)}
        return {**found, **self._faults.simulation.neighbours}

    def _has_link(self, name: str) -> bool:
        nic = self._machine.state.host.nics.get(name)
        return nic is not None and nic.up and nic.carrier

    def report(self) -> HostReport:
        """See HostService. Cached for each state, because one program serves many hosts that are polled often."""
        saved, worked = self._store.saved, self.guests.work_done()
        # Compared by identity: equal Hosts may still differ in fields that are only reported.
        parts = (self._machine.state, self._faults.simulation)
        state = (*map(id, parts), self.changes.current(), saved, worked)
        if self._cached is None or self._cached.state != state or worked is None:
            self._cached = _CachedReport(state, parts, super().report())
        return self._cached.report

    def answer(self, request: Request) -> Reply | None:
        """See HostService. Also applies the faults, and serves the path that injects them."""
        if request.path == PATH:
            return self._inject(request)
        if self._is_cut():
            return None
        reply = super().answer(request)
        lost = request.method != "GET" and self._faults.loses_reply()
        return None if lost or self._is_cut() else reply

    def _is_cut(self) -> bool:
        change = self.changes.current()
        return self._faults.cuts(change.phase if change else None)

    def _inject(self, request: Request) -> Reply:
        try:
            if request.method != "GET":
                simulation, before = decode(Simulation, request.body), self._faults.simulation
                self._happen(simulation)
                self._faults.set(simulation)
                if simulation.neighbours != before.neighbours:
                    self.events.add("host", "", "neighbours")
        except RefusalError as error:
            return Reply(error.status, encode(error.refusal))
        return Reply(OK, encode(self._faults.simulation))

    def _happen(self, simulation: Simulation) -> None:
        change = self.changes.current()
        if simulation.reboot and change and not change.phase.is_final:
            raise RefusalError(
                CONFLICT,
                "busy",
                "A simulated host starts again only when no change is under way; use crash_at for that.",
            )
        with self._machine.lock:
            host = simulation.host or self._machine.state.host
            for name, carrier in simulation.carrier.items():
                if name not in host.nics:
                    raise RefusalError(CONFLICT, "unknown", f"This host has no NIC {name}.")
                host = host.with_link(replace(host.nics[name], carrier=carrier))
            self._machine.change(replace(self._machine.state, host=host))
        for name, carrier in simulation.carrier.items():
            self.events.add("link", name, "up" if carrier else "no carrier")
        if simulation.host:
            self.events.lose()
        for guest in simulation.end_guests:
            self._guests.end(guest)
        if simulation.reboot:
            self._machine.reboot(simulation.hardware)
            self.changes.recover()


def hardware(number: int, *, has_card: bool = False) -> Host:
    """The hardware of simulated host ``number``: eth0 to eth3, and optionally a virtual interface card with dynamic
    vNICs. eth0 has an address.

    The address is from 198.18.0.0/15, which RFC 2544 reserves for devices under test.
    """
    nics = {f"eth{nic}": _nic(number, nic) for nic in range(NICS)}
    if has_card:
        dynamic = [dynamic_nic(one) for one in range(1, DYNAMIC_VNICS + 1)]
        nics |= {nic.name: nic for nic in dynamic}
    address = Address(ip=f"198.18.{number // 250}.{number % 250 + 1}", prefix=15)
    return Host(nics={**nics, "eth0": replace(nics["eth0"], addresses=(address,))}, chassis=Chassis())


def infiniband(number: int, functions: int, used: Collection[str]) -> InterfaceCard:
    """The InfiniBand adapter of a host with so many functions. ``used``: PCI addresses of those that guests have."""
    free = {f"0000:c1:00.{one}": one for one in range(1, functions + 1)}
    return InterfaceCard(
        pci_address="0000:c1:00.0",
        device="0x1017",
        model="MT4119",
        static=("mlx5_0",),
        dynamic=tuple(
            DynamicNic(
                name="" if address in used else f"mlx5_{one}",
                pci_address=address,
                guid="" if address in used else f"{number:014x}{one:02x}",
            )
            for address, one in free.items()
        ),
        guid=f"{number:014x}ff",
    )


def dynamic_nic(number: int) -> Nic:
    """A dynamic vNIC of a host's virtual interface card."""
    facts = NicFacts(driver="enic", vendor=VENDOR, device="0x0044", pci_address=f"0000:81:00.{number}")
    return Nic(name=f"dyn{number}", mac=NO_MAC, facts=facts)


def _nic(number: int, nic: int) -> Nic:
    mac = f"02:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}:{nic:02x}"
    facts = NicFacts(
        permanent_mac=mac,
        driver="simulated",
        pci_address=f"0000:{nic + 1:02x}:00.0",
        vendor="0x1af4",
        device="0x1041",
        speed=25000,
        duplex="full",
        functions_max=8 if nic in WITH_FUNCTIONS else 0,
    )
    return Nic(name=f"eth{nic}", mac=mac, facts=facts)


HOSTS_OF_SWITCH = 24
"""Number of hosts for which the two switches of a rack have ports."""


def neighbour_of(number: int, nic: int) -> Neighbour:
    """The neighbour of a host's NIC: a port of the first or second switch of its rack, in turn."""
    rack, place = divmod(number - 1, HOSTS_OF_SWITCH)
    switch, row = nic % 2, nic // 2
    port = place * (NICS // 2) + row + 1
    return Neighbour(
        chassis_kind="mac",
        chassis=f"02:ff:{rack >> 8 & 255:02x}:{rack & 255:02x}:00:{switch:02x}",
        port_kind="ifname",
        port=f"Gi1/0/{port}",
        ttl=120,
        port_description=f"sim-{number} eth{nic}",
        system_name=f"sw-{rack + 1}{'ab'[switch]}",
        system_description="Netweft simulated switch",
        capabilities=("Bridge", "Router"),
        enabled=("Bridge",),
        addresses=(f"198.19.{rack % 256}.{switch + 1}",),
        vlan=1,
        frame_max=9216,
    )


def _without(facts: Capabilities, lacks: Collection[str], host: Host) -> Capabilities:
    """The capabilities without those that a simulation removes, and with the virtual interface card."""
    card = card_of(host, _CARD)
    ovs_version = "" if Ability.OPEN_VSWITCH in lacks else facts.ovs_version
    return replace(
        facts,
        vlan=Ability.VLAN not in lacks,
        bonding=Ability.BONDING not in lacks,
        ovs_version=ovs_version,
        dhcp_server="dnsmasq" not in lacks,
        ovn_version="" if Ability.OVN in lacks else facts.ovn_version,
        interface_cards=(card,) if card else (),
    )


def capabilities(name: str) -> Capabilities:
    """The capabilities of a host that supports everything."""
    return Capabilities(
        hostname=name,
        agent_version=agent.version(),
        kernel="simulated",
        os_name="Netweft simulated host",
        os_version="1",
        cpu_model="simulated",
        cpu_cores=32,
        memory=256 * 1024**3,
        vlan=True,
        bonding=True,
        ovs_version="3.1.0",
        ovs_datapaths=("netdev", "system"),
        guest_drivers=(SimulatedGuests.name,),
        dhcp_server=True,
        ovn_version="23.03.1",
        uuid=str(uuid5(NAMESPACE_DNS, name)),
    )
