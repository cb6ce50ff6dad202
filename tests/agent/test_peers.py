"""Peers that a host reached before a change, on the real kernel: which of them it reports as lost."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest

from agent.rig import PATIENCE
from agent.test_machine import HostInNamespace, with_bridge, with_ovs
from hosts import without_link
from netweft.core.host import Address, Host
from netweft.core.protocol import Phase
from netweft.lab.namespaces import ip
from ovs_host import namespace, ovs_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.rig import Authority, Engine
    from netweft.agent.identity import Identity
    from netweft.agent.ovsdb import Ovsdb


class Place:
    """A host with Open vSwitch, and another machine at its eth1; the calling thread is in the host's namespace."""

    def __init__(self, host: HostInNamespace, ovsdb: Ovsdb, peer: str) -> None:
        self.host, self.peer = host, peer
        self._ovsdb = ovsdb
        ip("", "link", "set", "far1", "netns", peer)
        ip(peer, "link", "set", "far1", "up")
        ip(peer, "addr", "add", "203.0.113.9/24", "dev", "far1")
        ip(peer, "addr", "add", "fd00:113::9/64", "dev", "far1", "nodad")

    def vsctl(self, *words: str) -> None:
        subprocess.run(["ovs-vsctl", f"--db=unix:{self._ovsdb.path}", *words], check=True)

    def talk(self, *addresses: str) -> None:
        """Add these neighbours to the host's table."""
        for address in addresses:
            subprocess.run(["ping", "-n", "-q", "-c", "1", "-w", "10", address], check=True, capture_output=True)


@pytest.fixture
def place(authority: Authority, engine_identity: Identity, tmp_path: Path) -> Iterator[Place]:
    state = authority.issue(tmp_path / "state", "localhost").folder
    with ExitStack() as stack:
        _, ovsdb = stack.enter_context(ovs_host())
        peer = stack.enter_context(namespace())
        host = HostInNamespace(state, engine_identity)
        host.ovsdb = Path(ovsdb.path)
        stack.callback(host.end)
        yield Place(host, ovsdb, peer)


def lost(engine: Engine, generation: int) -> list[tuple[str, str]]:
    """The peers that the host has lost by the change, after probing: network and address."""
    end = monotonic() + PATIENCE
    while True:
        change = engine.report().change
        assert change is not None
        assert (change.generation, change.phase) == (generation, Phase.CONFIRMED)
        if change.lost_peers is not None:
            return [(peer.network, peer.address) for peer in change.lost_peers]
        assert monotonic() < end
        sleep(0.05)


def blue(host: Host, nic: str) -> Host:
    """The host with network blue on a NIC, with an address of each version."""
    desired = with_bridge(without_link(host, "blue"), "blue", nic)
    addresses = (Address(ip="203.0.113.7", prefix=24), Address(ip="fd00:113::7", prefix=64))
    other = replace(desired.nics["eth2" if nic == "eth1" else "eth1"], owner="", master="", addresses=())
    bridge = replace(desired.bridges["blue"], addresses=addresses)
    return replace(desired.with_link(bridge).with_link(other), routes=host.routes)


def test_a_change_that_loses_peers_is_rolled_back(place: Place) -> None:
    engine = place.host.agent()
    before = engine.host()
    engine.kept(1, blue(before, "eth1"))
    assert lost(engine, 1) == []
    place.talk("203.0.113.9", "fd00:113::9")
    engine.kept(2, blue(before, "eth2"))
    assert lost(engine, 2) == [("blue", "203.0.113.9"), ("blue", "fd00:113::9")]
    engine.kept(3, blue(before, "eth1"))
    assert lost(engine, 3) == []


def test_a_change_that_keeps_peers_is_kept(place: Place) -> None:
    """The same network by another link; peers outside the host's subnets do not count."""
    engine = place.host.agent()
    before = engine.host()
    owned = before.with_link(replace(before.nics["eth1"], owner="blue"))
    engine.kept(1, owned)
    place.talk("203.0.113.9")
    engine.kept(2, blue(before, "eth1"))
    assert lost(engine, 2) == []
    place.talk("203.0.113.9")
    bare = engine.host()
    engine.kept(3, bare.with_link(replace(bare.bridges["blue"], addresses=(Address(ip="192.0.2.77", prefix=24),))))
    assert lost(engine, 3) == []


def test_peers_lost_before_the_change_do_not_count(place: Place) -> None:
    engine = place.host.agent()
    before = engine.host()
    engine.kept(1, blue(before, "eth1"))
    place.talk("203.0.113.9")
    ip(place.peer, "link", "set", "far1", "down")
    engine.kept(2, blue(before, "eth2"))
    assert lost(engine, 2) == []


@pytest.mark.parametrize("moves", [False, True])
def test_vlan_of_a_network_changes(place: Place, moves: bool) -> None:
    """A peer on the same bridge: it stays in the old VLAN, or changes to the new one before the change is kept."""
    engine = place.host.agent()
    desired = with_ovs(engine.host())
    engine.kept(1, desired)
    ip("", "link", "add", "peer0", "up", "type", "veth", "peer", "name", "inside", "netns", place.peer)
    place.vsctl("add-port", "fabric", "peer0", "tag=200")
    ip(place.peer, "addr", "add", "10.20.0.9/24", "dev", "inside")
    ip(place.peer, "link", "set", "inside", "up")
    place.talk("10.20.0.9")
    engine.applied(2, desired.with_link(replace(desired.ovs_ports["tenants"], tag=300)))
    if moves:
        place.vsctl("set", "port", "peer0", "tag=300")
    engine.confirm(2)
    assert lost(engine, 2) == ([] if moves else [("tenants", "10.20.0.9")])


def test_a_restarted_agent_probes_peers_again(place: Place) -> None:
    engine = place.host.agent()
    before = engine.host()
    engine.kept(1, blue(before, "eth1"))
    place.talk("203.0.113.9")
    assert engine.kept(2, blue(before, "eth2")).lost_peers is None
    place.host.process.kill()
    again = place.host.agent()
    assert lost(again, 2) == [("blue", "203.0.113.9")]
