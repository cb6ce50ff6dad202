"""The state of a simulated host in a file, and the faults to inject."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock, RLock
from time import monotonic, sleep
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from netweft.agent.networking import NetworkingError
from netweft.core.functions import nics_by_address, why_not_changed
from netweft.core.guest_protocol import GuestState
from netweft.core.host import Chassis, Host, Nic, VirtualFunction
from netweft.core.neighbours import Neighbours
from netweft.core.options import ACTIVE_PORT_MODES
from netweft.core.peers import LinkPeer
from netweft.core.protocol import LinkCounters, Phase
from netweft.core.simulate import Simulation as HostSimulation
from netweft.core.simulate import StepRefusedError
from netweft.core.sync import locate_networks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from netweft.agent.networking import Progress
    from netweft.agent.store import Record
    from netweft.core.steps import Step

ALWAYS = "always"

_AGAIN = 0.02
"""Poll interval in seconds while peers are probed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPeer:
    """A machine with an address. ``vlan``: its VLAN, None for untagged."""

    address: str
    vlan: int | None = None
    mac: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """The faults of a simulated host from now on, and events that happen to it at once.

    Faults (these replace all earlier ones): ``refuse``: kinds of step, by class name, and how many of each fail.
    ``step_seconds``: duration of each step. ``lose_replies``: how many requests other than GET are executed but not
    answered. ``unreachable``: phases of a change during which no request is answered, or ``always``. ``crash_at``: the
    phase after whose storing the process is killed; ``crash_after_steps``: the number of steps after which it is
    killed. ``disk_full``: nothing can be stored. ``traffic``: octets per second that links send. ``deaf_guests``:
    ignore requests to shut down and cannot be suspended. ``lacks``: missing capabilities (``bonding``, ``vlan``,
    ``open vswitch``, ``ovn``, ``dnsmasq``, ``lldpd``). ``neighbours``: of NICs that are cabled to other switches than
    at first. ``infiniband``: number of functions of an InfiniBand adapter, 0 without an adapter. ``no_chassis``: why
    its ovn-controller is not connected to the southbound database. ``no_guests``: why its guest driver can neither
    start nor change a guest. ``peers``: machines in the host's networks, which answer; ``ask_seconds``: how long
    probing them takes.

    Events: ``carrier`` plugs and unplugs cables by NIC; ``host`` replaces the networking, as if changed by hand;
    ``end_guests`` end by themselves; ``reboot`` restarts the machine, with ``hardware`` if that is given.
    """

    refuse: Mapping[str, int] = field(default_factory=dict)
    step_seconds: float = 0
    lose_replies: int = 0
    unreachable: tuple[str, ...] = ()
    crash_at: str = ""
    crash_after_steps: int = 0
    disk_full: bool = False
    traffic: Mapping[str, int] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    neighbours: Neighbours = field(default_factory=dict)
    infiniband: int = 0
    no_chassis: str = ""
    no_guests: str = ""
    peers: tuple[SimulatedPeer, ...] = ()
    ask_seconds: float = 0
    carrier: Mapping[str, bool] = field(default_factory=dict)
    host: Host | None = None
    end_guests: tuple[str, ...] = ()
    deaf_guests: tuple[str, ...] = ()
    reboot: bool = False
    hardware: Host | None = None


class Faults:
    """The active faults and their counters. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.set(Simulation())

    def set(self, simulation: Simulation) -> None:
        """Replace the active faults."""
        with self._lock:
            self.simulation = simulation
            self._refuse = dict(simulation.refuse)
            self._lose = simulation.lose_replies
            self._steps = 0

    def refuses(self, step: Step) -> bool:
        """Whether this step must fail; counts it."""
        kind = type(step).__name__
        with self._lock:
            left = self._refuse.get(kind, 0)
            self._refuse[kind] = max(0, left - 1)
            return left > 0

    def loses_reply(self) -> bool:
        """Whether this reply must be lost; counts it."""
        with self._lock:
            self._lose, lost = max(0, self._lose - 1), self._lose > 0
            return lost

    def steps_done(self, number: int) -> None:
        """Count executed steps; kill the process after the number in ``crash_after_steps``."""
        with self._lock:
            self._steps += number
            if self._steps == self.simulation.crash_after_steps:
                _die()

    def stored(self, record: Record) -> None:
        """Kill the process if the stored phase is ``crash_at``."""
        if record.change and record.change.phase == self.simulation.crash_at:
            _die()

    def cuts(self, phase: Phase | None) -> bool:
        """Whether no request is answered in this phase."""
        return ALWAYS in self.simulation.unreachable or (phase is not None and phase in self.simulation.unreachable)


def _die() -> None:
    """End like an agent that is killed: without any cleanup."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The state of a simulated host, apart from what its agent stores. ``hardware``: its networking after a boot."""

    boot: str
    hardware: Host
    host: Host
    guests: Mapping[str, GuestState] = field(default_factory=dict)


for _kind in (Simulation, Machine):
    msgspec.json.Decoder(
        _kind
    )  # creates the type's schema while there is one thread: doing so in two at once crashes the program


class SimulatedMachine:
    """The machine, in a file. Implements the driver ``Networking``."""

    def __init__(self, path: Path, hardware: Host, faults: Faults) -> None:
        self._path = path
        self._faults = faults
        self._lock = RLock()
        self._state = Machine(boot="", hardware=hardware, host=hardware)
        restore_interrupted(path)
        if path.exists():
            self._state = msgspec.json.decode(path.read_bytes(), type=Machine)
        else:
            self.change(replace(self._state, boot=uuid4().hex))

    @property
    def folder(self) -> Path:
        """The folder of its file; named like the host."""
        return self._path.parent

    def ignores_requests(self, guest_id: str) -> bool:
        """Whether a guest ignores requests, by a fault."""
        return guest_id in self._faults.simulation.deaf_guests

    def why_no_guests(self) -> str:
        """Why no guest can be started or changed, by a fault; empty when they can."""
        return self._faults.simulation.no_guests

    @property
    def state(self) -> Machine:
        """The current state."""
        return self._state

    @property
    def lock(self) -> RLock:
        """To be held while the state is read in order to change it."""
        return self._lock

    def change(self, state: Machine) -> None:
        """Set the state, atomically also if the process is killed."""
        with self._lock:
            replace_quickly(self._path, msgspec.json.encode(state))
            self._state = state

    def observe(self) -> Host:
        """See Networking."""
        return _with_active_ports(self._state.host)

    def execute(self, steps: Sequence[Step], progress: Progress) -> None:
        """Execute the steps in order, subject to the faults. Raises NetworkingError.

        Steps are executed one by one if they take time or the process may be killed after one; otherwise all at once,
        which is much cheaper.
        """
        simulation = self._faults.simulation
        size = 1 if simulation.step_seconds or simulation.crash_after_steps else max(1, len(steps))
        for start in range(0, len(steps), size):
            sleep(simulation.step_seconds)
            with self._lock:
                self._play(steps[start : start + size])
            progress(start + size)

    def _play(self, steps: Sequence[Step]) -> None:
        host = HostSimulation(self._state.host)
        try:
            for step in steps:
                if self._faults.refuses(step):
                    raise NetworkingError(f"the simulated host refuses {step}, by its settings")
                host.apply(step)
        except StepRefusedError as error:
            raise NetworkingError(str(error)) from error
        finally:
            self.change(replace(self._state, host=host.host))
        self._faults.steps_done(len(steps))

    def why_no_chassis(self, chassis: Chassis) -> str:  # noqa: ARG002  # any will do
        """See Networking. Its ovn-controller always connects, unless a fault prevents it."""
        return self._faults.simulation.no_chassis

    def forget_chassis(self, former: Chassis, present: Chassis) -> None:
        """See Networking. There is no OVN with a record of it."""

    def link_peers(self) -> Sequence[LinkPeer]:
        """The simulated peers, on each network of their VLAN."""
        networks = locate_networks(self._state.host).values()
        both = [(at, peer) for at in networks for peer in self._faults.simulation.peers if at.vlan == peer.vlan]
        return [LinkPeer(link=at.top, address=peer.address, mac=peer.mac) for at, peer in both]

    def answering(
        self,
        peers: Collection[LinkPeer],
        patience: float,
        is_over: Callable[[], bool],
    ) -> frozenset[LinkPeer]:
        """Those of them that exist, after ``ask_seconds``."""
        until = monotonic() + min(self._faults.simulation.ask_seconds, patience)
        while monotonic() < until and not is_over():
            sleep(_AGAIN)
        return frozenset(peers) & frozenset(self.link_peers())

    def set_functions(self, nic: str, count: int) -> None:
        """Like the kernel, create a NIC for each new function. They survive a reboot. Raises NetworkingError."""
        with self._lock:
            if reason := why_not_changed(self._state.host, nic, count):
                raise NetworkingError(reason)
            hardware = _with_count(self._state.hardware, nic, count)
            self.change(replace(self._state, hardware=hardware, host=_with_count(self._state.host, nic, count)))

    def statistics(self) -> Mapping[str, LinkCounters]:
        """The simulated traffic."""
        none = LinkCounters(rx_bytes=0, tx_bytes=0, rx_errors=0, tx_errors=0, rx_dropped=0, tx_dropped=0)
        host, traffic = self._state.host, self._faults.simulation.traffic
        names = (*host.links(), *host.guest_ports)
        return {name: replace(none, tx_rate=traffic[name]) if name in traffic else none for name in names}

    def boot(self) -> str:
        """The boot id; changes with each simulated reboot."""
        return self._state.boot

    def reboot(self, hardware: Host | None) -> None:
        """Restart: guests and everything that is not hardware are lost.

        ``hardware``: the hardware from now on, if it changed.
        """
        with self._lock:
            hardware = hardware or self._state.hardware
            self.change(Machine(boot=uuid4().hex, hardware=hardware, host=hardware))


def replace_quickly(path: Path, data: bytes) -> None:
    """Replace a file's content, atomically also if the process is killed; see :func:`restore_interrupted`. Raises
    OSError.

    It need not survive a crash of the real machine, and a thousand hosts would wait for its disk. So no file is renamed
    over another one, for which ext4 writes to the disk (auto_da_alloc, filesystems/ext4).
    """
    new, old = path.with_suffix(".new"), path.with_suffix(".old")
    new.write_bytes(data)
    if path.exists():
        old.unlink(missing_ok=True)
        path.rename(old)
    new.rename(path)


def restore_interrupted(path: Path) -> None:
    """Restore a file if the process was killed in :func:`replace_quickly`. Raises OSError."""
    old = path.with_suffix(".old")
    if old.exists() and not path.exists():
        old.rename(path)


def _with_active_ports(host: Host) -> Host:
    """The host with the active port of each bond: the primary one if it is up, else the first that is up. (The kernel's
    choice depends on the order in which ports came up, so it cannot be relied on.)
    """
    links = host.links()
    bonds = {}
    for bond in host.bonds.values():
        up = sorted(one.name for one in links.values() if one.master == bond.name and one.up and one.carrier)
        primary = bond.options.get("primary", "")
        chosen = primary if primary in up else next(iter(up), "")
        bonds[bond.name] = replace(bond, active_port=chosen) if bond.mode in ACTIVE_PORT_MODES else bond
    return replace(host, bonds=bonds)


def with_functions(host: Host, used: Collection[str]) -> Host:
    """The host with a NIC for each virtual function of its NICs, except those at the addresses ``used``, which
    guests have.
    """
    nics = {name: nic for name, nic in host.nics.items() if not nic.facts.physical}
    here = nics_by_address(host)
    for physical in tuple(nics.values()):
        for number, function in enumerate(physical.facts.functions):
            address = function.pci_address
            if address not in used:
                facts = replace(physical.facts, pci_address=address, physical=physical.facts.pci_address)
                facts = replace(facts, functions=(), functions_max=0, permanent_mac="")
                mac = f"06:{number:02x}{physical.mac[5:]}"
                new = Nic(name=f"{physical.name}v{number}", mac=mac, facts=replace(facts, permanent_mac=mac))
                nic = here.get(address, new)
                nics[nic.name] = nic
    return replace(host, nics=nics)


def _with_count(host: Host, name: str, count: int) -> Host:
    """The host with that many virtual functions of a NIC, all free."""
    nic = host.nics[name]
    if len(nic.facts.functions) == count:
        return host
    bus = nic.facts.pci_address.removesuffix("00.0")
    addresses = [f"{bus}{16 + at // 8:02x}.{at % 8}" for at in range(count)]
    functions = tuple(VirtualFunction(pci_address=address) for address in addresses)
    gone = [one.pci_address for one in nic.facts.functions]
    kept = {key: one for key, one in host.nics.items() if one.facts.pci_address not in gone}
    host = replace(host, nics={**kept, name: replace(nic, facts=replace(nic.facts, functions=functions))})
    return with_functions(host, ())
