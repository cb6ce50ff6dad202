"""How long a host is silent for a peer while it changes: a switch that learns, a peer that pings every 10 ms."""

from __future__ import annotations

import re
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from contract.ovs_networking import DATAPATH
from netweft.agent.events import Events
from netweft.agent.guests.namespace import NamespaceGuests
from netweft.agent.host_guests import Guests
from netweft.agent.reconcile import reconcile
from netweft.core.desired import desired_host
from netweft.core.guest_protocol import GuestNic, GuestSpec
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, IpAssignment, NetworkIntent, SwitchType
from netweft.lab.namespaces import inside, ip, offload_no_checksums
from ovs_host import namespace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from netweft.agent.networking import Networking
    from netweft.agent.ovsdb import Ovsdb

INTERVAL = 0.01
"""Seconds from one ping to the next."""

_AFTERWARDS = 3.0
"""Seconds that the peer goes on pinging after the change."""

_REPLY = re.compile(rb"^\[(\d+\.\d+)\] \d+ bytes from", re.MULTILINE)


@dataclass(frozen=True)
class Lan:
    """The switch and the peer, each in a namespace of that name."""

    switch: str
    peer: str

    def plug(self, nics: Mapping[str, str]) -> None:
        """Give the host in the calling thread's namespace NICs with these MAC addresses, all plugged in."""
        for number, (name, mac) in enumerate(nics.items()):
            far = f"port{number}"
            words = ["link", "add", name, "address", mac, "type", "veth", "peer", "name", far]
            subprocess.run(["ip", *words, "netns", self.switch], check=True)
            ip(self.switch, "link", "set", far, "master", "lan", "up")

    @contextmanager
    def pinging(self, targets: Sequence[str], folder: Path) -> Iterator[dict[str, float]]:
        """While it lasts the peer pings; afterwards the longest silence of each target is known, in seconds."""
        silences: dict[str, float] = {}
        logs = {target: folder / f"ping-{number}" for number, target in enumerate(targets)}
        with ExitStack() as stack:
            for target, log in logs.items():
                stack.enter_context(self._ping(target, log))
            yield silences
            time.sleep(_AFTERWARDS)
        silences |= {target: _longest_silence(log.read_bytes()) for target, log in logs.items()}

    @contextmanager
    def _ping(self, target: str, log: Path) -> Iterator[None]:
        command = [*inside(self.peer), "ping", "-D", "-n", "-i", str(INTERVAL), target]
        with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
            try:
                _await_replies(target, log)
                yield
            finally:
                process.terminate()
        with log.open("ab") as out:
            out.write(f"\n[{time.time():.6f}] 0 bytes from the end\n".encode())


@contextmanager
def lan(addresses: Sequence[str]) -> Iterator[Lan]:
    """A switch, and a peer on it with these addresses (with prefix)."""
    with namespace() as switch, namespace() as peer:
        ip(switch, "link", "add", "lan", "type", "bridge", "ageing_time", "30000")
        ip(switch, "link", "set", "lan", "up")
        ip(peer, "link", "add", "eth0", "type", "veth", "peer", "name", "peer", "netns", switch)
        ip(switch, "link", "set", "peer", "master", "lan", "up")
        offload_no_checksums(peer, "eth0")
        ip(peer, "link", "set", "eth0", "up")
        for address in addresses:
            ip(peer, "address", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else []))
        yield Lan(switch, peer)


GUEST_ADDRESSES = ("192.0.2.6/24", "2001:db8::6/64")
HOST_ADDRESSES = ("192.0.2.5", "2001:db8::5")
PEER_ADDRESSES = ("192.0.2.100/24", "2001:db8::100/64")
NICS = {f"eth{number}": f"02:00:00:00:00:e{number}" for number in range(3)}
BOUND = 1.0
"""Seconds that a peer may wait for an answer."""
ROUNDS = 3
"""In one of them all answers are to come in time: on a busy machine a peer also waits for its own turn."""


@contextmanager
def guests_of(folder: Path, ovsdb: Ovsdb | None = None) -> Iterator[Guests]:
    """Guests that are namespaces, stopped in the end."""
    guests = Guests([NamespaceGuests(folder / "guests", ovsdb)], Events())
    try:
        yield guests
    finally:
        for state in guests.list():
            guests.stop(state.id)


def placed(on: str, switch_type: SwitchType, *, vm: bool, mode: str = "1") -> HostIntent:
    """One network with two addresses, on a NIC or, with several named (``eth0 eth1``), on a bond of them."""
    slaves = tuple(on.split())
    bonds = (BondIntent(id="b", name="bond0", slaves=slaves, options={"mode": mode, "miimon": "100"}),)
    addresses = tuple(
        IpAssignment(version=version, method="static", address=address, prefix=prefix)
        for version, address, prefix in ((4, HOST_ADDRESSES[0], 24), (6, HOST_ADDRESSES[1], 64))
    )
    is_bond = len(slaves) > 1
    attachment = AttachmentIntent(id="a", network_id="n", nic="bond0" if is_bond else on, assignments=addresses)
    return HostIntent(
        switch_type=switch_type,
        networks=(NetworkIntent(id="n", name="net", host_side_name="net", vm=vm),),
        attachments=(attachment,),
        bonds=bonds if is_bond else (),
        ovs_datapath=DATAPATH,
    )


def check_silences(
    networking: Networking,
    lan: Lan,
    way: Sequence[HostIntent],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    guests: Guests | None = None,
) -> None:
    """Make the host the first of the intents, then each other in turn, and back: print the longest silence of each
    address, and hold it against ``BOUND``, in up to ``ROUNDS`` rounds. ``guests``: as an agent has them plugged in
    again after each change.
    """
    targets = [*HOST_ADDRESSES, *(address.split("/")[0] for address in GUEST_ADDRESSES if guests)]

    def make(intent: HostIntent) -> None:
        reconcile(networking, desired_host(intent, networking.observe()), lambda _done, _total: None)
        if guests:
            guests.repair()

    make(way[0])
    if guests:
        guests.put(_a_guest("net" if way[0].switch_type == "legacy" else "br-bond0"))
    for _ in range(ROUNDS):
        longest = 0.0
        for number, intent in enumerate((*way[1:], way[0]), 1):
            with lan.pinging(targets, folder) as measured:
                make(intent)
            figures = ", ".join(f"{address} {silence:.3f} s" for address, silence in measured.items())
            with capsys.disabled():
                print(f"\nlongest silence in change {number}: {figures}")  # noqa: T201 -- what the test is for
            longest = max(longest, *measured.values())
        if longest < BOUND:
            return
    pytest.fail(f"a peer waited longer than {BOUND} s in each of {ROUNDS} rounds")


def _a_guest(bridge: str) -> GuestSpec:
    nic = GuestNic(id=str(uuid4()), name="nic1", mac="02:00:00:00:00:aa", bridge=bridge, addresses=GUEST_ADDRESSES)
    return GuestSpec(id=str(uuid4()), name="guest", driver="namespace", memory=0, nics=(nic,))


def _await_replies(target: str, log: Path, seconds: float = 20, number: int = 20) -> None:
    deadline = time.monotonic() + seconds
    while len(_REPLY.findall(log.read_bytes())) < number:
        assert time.monotonic() < deadline, f"{target} does not answer: {log.read_bytes()[-300:]!r}"
        time.sleep(0.05)


def _longest_silence(text: bytes) -> float:
    times = [float(found) for found in _REPLY.findall(text)]
    return max(later - earlier for earlier, later in pairwise(times))
