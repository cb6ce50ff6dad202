"""A simulated host: the agent's own server, state machine and disk over a Host value, with faults to inject.

The value is kept in a file, as a kernel keeps its networking when the agent is killed. ``POST /v1/simulation``
(:class:`~netweft.agent.simulated_machine.Simulation`) says what shall go wrong from now on; it answers also when the
host is unreachable, and exists on simulated hosts only.
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
from netweft.agent.simulated_machine import Faults, SimulatedMachine, Simulation, find_again, replace_quickly
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
"""Numbers of the NICs that know SR-IOV."""
DYNAMIC_VNICS = 4
"""Of a virtual interface card."""
_CARD = "0000:80:00.0"
"""Where its virtual interface card is, if it has one."""


class SimulatedStore(Store):
    """A store on a disk that can be full, in a process that can be killed."""

    def __init__(self, folder: Path, faults: Faults) -> None:
        super().__init__(folder)
        find_again(folder / STATE)
        self._faults = faults
        self.saved = 0
        """How often the state was saved."""

    def save(self, record: Record) -> None:
        """As a real store; then perhaps the process dies."""
        super().save(record)
        self.saved += 1
        self._faults.stored(record)

    def _write(self, name: str, data: bytes) -> None:
        if self._faults.wanted.disk_full:
            raise StoreError(f"{self.folder / name} cannot be written: {os.strerror(ENOSPC)}")
        try:
            replace_quickly(self.folder / name, data)
        except OSError as error:
            raise StoreError(f"{self.folder / name} cannot be written: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class _Told:
    """A report, and what the host was like then. ``seen`` is kept so that nothing else gets the same identity."""

    state: tuple[object, ...]
    seen: tuple[object, ...]
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
            capabilities=lambda: self._as_it_is(facts),
            driver=self._machine,
            changes=Changes(store, self._machine, events, guests.repair, chassis_wait=0),
            guests=guests,
            events=events,
            neighbours=lambda: self._heard(number),
        )
        self._told: _Told | None = None
        self.changes.recover()

    def _as_it_is(self, facts: Capabilities) -> Capabilities:
        """What it says of itself now."""
        wanted, state = self._faults.wanted, self._machine.state
        found = _without(facts, wanted.lacks, state.host)
        if not wanted.infiniband:
            return found
        adapter = infiniband(self._number, wanted.infiniband, {nic.function for nic in plugged_nics(state)})
        return replace(found, interface_cards=(*found.interface_cards, adapter))

    def _heard(self, number: int) -> Neighbours | None:
        """What its lldpd knows now."""
        if "lldpd" in self._faults.wanted.lacks:
            return None
        nics = [f"eth{nic}" for nic in range(NICS)]
        heard = {name: (neighbour_of(number, at),) for at, name in enumerate(nics) if self._hears(name)}
        return {**heard, **self._faults.wanted.neighbours}

    def _hears(self, name: str) -> bool:
        nic = self._machine.state.host.nics.get(name)
        return nic is not None and nic.up and nic.carrier

    def report(self) -> HostReport:
        """As a real host's, put together once for each state: a program has many hosts, which are asked again and
        again.
        """
        saved, worked = self._store.saved, self.guests.work_done()
        # Compared by what they are, not by what is in them: Hosts that count as equal may differ in what is only told.
        seen = (self._machine.state, self._faults.wanted)
        state = (*map(id, seen), self.changes.current(), saved, worked)
        if self._told is None or self._told.state != state or worked is None:
            self._told = _Told(state, seen, super().report())
        return self._told.report

    def answer(self, request: Request) -> Reply | None:
        """As a real host, but for the faults; and the way to inject them."""
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
                wanted, before = decode(Simulation, request.body), self._faults.wanted
                self._happen(wanted)
                self._faults.set(wanted)
                if wanted.neighbours != before.neighbours:
                    self.events.add("host", "", "neighbours")
        except RefusalError as error:
            return Reply(error.status, encode(error.refusal))
        return Reply(OK, encode(self._faults.wanted))

    def _happen(self, wanted: Simulation) -> None:
        change = self.changes.current()
        if wanted.reboot and change and not change.phase.is_final:
            raise RefusalError(
                CONFLICT,
                "busy",
                "A simulated host starts again only when no change is under way; use crash_at for that.",
            )
        with self._machine.lock:
            host = wanted.host or self._machine.state.host
            for name, carrier in wanted.carrier.items():
                if name not in host.nics:
                    raise RefusalError(CONFLICT, "unknown", f"This host has no NIC {name}.")
                host = host.with_link(replace(host.nics[name], carrier=carrier))
            self._machine.change(replace(self._machine.state, host=host))
        for name, carrier in wanted.carrier.items():
            self.events.add("link", name, "up" if carrier else "no carrier")
        if wanted.host:
            self.events.lose()
        for guest in wanted.end_guests:
            self._guests.end(guest)
        if wanted.reboot:
            self._machine.reboot(wanted.hardware)
            self.changes.recover()


def hardware(number: int, *, has_card: bool = False) -> Host:
    """What simulated host ``number`` has: eth0 to eth3, the first with an address, and perhaps a virtual interface card
    with some dynamic vNICs.

    It is from 198.18.0.0/15, which RFC 2544 keeps for devices under test.
    """
    nics = {f"eth{nic}": _nic(number, nic) for nic in range(NICS)}
    if has_card:
        dynamic = [dynamic_nic(one) for one in range(1, DYNAMIC_VNICS + 1)]
        nics |= {nic.name: nic for nic in dynamic}
    address = Address(ip=f"198.18.{number // 250}.{number % 250 + 1}", prefix=15)
    return Host(nics={**nics, "eth0": replace(nics["eth0"], addresses=(address,))}, chassis=Chassis())


def infiniband(number: int, functions: int, taken: Collection[str]) -> InterfaceCard:
    """The adapter of InfiniBand of a host, with so many functions, of which guests have those with the PCI addresses
    ``taken``.
    """
    free = {f"0000:c1:00.{one}": one for one in range(1, functions + 1)}
    return InterfaceCard(
        pci_address="0000:c1:00.0",
        device="0x1017",
        model="MT4119",
        static=("mlx5_0",),
        dynamic=tuple(
            DynamicNic(
                name="" if address in taken else f"mlx5_{one}",
                pci_address=address,
                guid="" if address in taken else f"{number:014x}{one:02x}",
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
"""Hosts that the two switches of a rack have ports for."""


def neighbour_of(number: int, nic: int) -> Neighbour:
    """What is at the other end of a host's cable: a port of the first or second switch of its rack, in turn."""
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
    """What it says of itself, as it is now."""
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
    """A host that can do everything."""
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
