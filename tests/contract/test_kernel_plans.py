"""Plans on a real kernel: any state to any state, interrupted anywhere, applied twice.

Each test starts in a fresh namespace and takes four transitions. On a kernel without 802.1Q or bonding the hosts have
none; the metal ring runs the same tests on a kernel that has both.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from contract.comparison import unlike
from contract.made_of import made_of
from contract.namespaces import in_fresh_namespace, kernel_kinds, open_door
from core.strategies import NICS, mac_of, random_host, random_intent
from netweft.core.compare import differences
from netweft.core.desired import desired_host
from netweft.core.host import Bond, Nic, Vlan
from netweft.core.plan import plan
from netweft.core.simulate import simulate_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from netweft.agent.machine import MachineNetworking
    from netweft.core.host import Host
    from netweft.core.steps import Step

SEEDS = range(int(os.environ.get("NETWEFT_KERNEL_SEEDS", "50")))
"""Two tests with four transitions for each: 400."""

MACS = {name: mac_of(number) for number, name in enumerate(NICS)}


@pytest.mark.parametrize("seed", SEEDS)
def test_any_state_is_reached_from_any_other_and_from_halfway(tmp_path: Path, seed: int) -> None:
    in_fresh_namespace(partial(_there_and_halfway_back, Random(seed), tmp_path))


def _there_and_halfway_back(random: Random, folder: Path) -> None:
    door = open_door(folder, MACS)
    first, second = (made_of(random_host(random, ovs=False), kernel_kinds()) for _ in range(2))
    now = reach(door, door.observe(), first)
    now = reach(door, now, second)
    now = interrupt(door, now, first, random.random())
    reach(door, now, first)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_users_want_is_reached_and_taken_back(tmp_path: Path, seed: int) -> None:
    in_fresh_namespace(partial(_wanted_and_taken_back, Random(seed), tmp_path))


def _wanted_and_taken_back(random: Random, folder: Path) -> None:
    door = open_door(folder, MACS)
    first, second = (random_intent(random, switch_types=("legacy",)) for _ in range(2))
    start = now = door.observe()
    now = checkpoint = reach(door, now, made_of(desired_host(first, now), kernel_kinds()))
    now = interrupt(door, now, made_of(desired_host(second, now), kernel_kinds()), random.random())
    now = reach(door, now, checkpoint)
    now = reach(door, now, start)
    assert not any(link.owner for link in now.links().values())


def test_a_port_may_have_no_ipv6_when_it_leaves_its_bond(tmp_path: Path) -> None:
    """The kernel gives it back the MTU that it had before it joined; below 1280 its IPv6 settings are gone then."""
    in_fresh_namespace(partial(_into_a_bond_and_out_again, tmp_path))


def _into_a_bond_and_out_again(folder: Path) -> None:
    door = open_door(folder, MACS)
    now = door.observe()
    for before in (1000, 1500):
        alone = Nic(name="eth0", owner="base", mac=MACS["eth0"], up=True, mtu=before)
        over = Vlan(name="v", owner="n", base="eth0", tag=1, up=True, mtu=1300, autoconf=True)
        port = replace(alone, master="bond0", mtu=1500, autoconf=True)
        bond = Bond(name="bond0", owner="base")
        free = replace(alone, mtu=1500, autoconf=True)
        for nic, bonds, vlans in (
            (alone, {}, {}),
            (port, {"bond0": bond}, {}),
            (port, {"bond0": bond}, {"v": over}),
            (free, {}, {"v": over}),
        ):
            desired = replace(now.with_link(nic), bonds=bonds, vlans=vlans)
            now = reach(door, now, made_of(desired, kernel_kinds()))


def test_a_port_has_ipv6_when_its_bond_is_made_anew(tmp_path: Path) -> None:
    """The kernel tells nobody of the MTU that a port gets back when its bond is deleted."""
    in_fresh_namespace(partial(_out_of_a_bond_that_is_deleted, tmp_path))


def _out_of_a_bond_that_is_deleted(folder: Path) -> None:
    door = open_door(folder, MACS)
    now = door.observe()
    port = Nic(name="eth0", owner="base", mac=MACS["eth0"], up=True, mtu=1000, master="bond0")
    bond = Bond(name="bond0", owner="base", mtu=1000)
    now = reach(door, now, made_of(now.with_link(port).with_link(bond), kernel_kinds()))
    free = replace(port, master="", mtu=1500, autoconf=True)
    other = replace(bond, mode="balance-rr")
    reach(door, now, made_of(now.with_link(free).with_link(other), kernel_kinds()))


def reach(door: MachineNetworking, now: Host, desired: Host) -> Host:
    """Go to the desired host in one pass; it is then what was simulated and wanted, and nothing is left to do."""
    after = do(door, now, plan(now, desired))
    assert differences(desired, after) == ()
    assert plan(after, desired) == []
    return after


def interrupt(door: MachineNetworking, now: Host, desired: Host, cut: float) -> Host:
    """Go part of the way."""
    steps = plan(now, desired)
    return do(door, now, steps[: round(cut * len(steps))])


def do(door: MachineNetworking, now: Host, steps: Sequence[Step]) -> Host:
    """Execute the steps; the host is then what was simulated."""
    expected = simulate_all(now, steps)
    door.execute(steps, lambda _done: None)
    after = door.observe()
    left = unlike(expected, after)
    assert not left, "\n".join([*map(str, steps), *left])
    return after


def test_that_spanning_tree_ages_faster_for_a_while_is_nobodys_option(tmp_path: Path) -> None:
    in_fresh_namespace(partial(_topology_changes, tmp_path))


def _topology_changes(folder: Path) -> None:
    door = open_door(folder, MACS)
    for words in (
        "link add br0 type bridge stp_state 1 forward_delay 200",
        "link add end0 type veth peer name end1",
        "link set end0 master br0",
        "link set end1 up",
        "link set end0 up",
        "link set br0 up",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    deadline = time.monotonic() + 60
    while not (told := _bridge("br0"))["topology_change"]:
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    assert told["ageing_time"] == 400
    assert door.observe().bridges["br0"].options == {"forward_delay": "200"}


def _bridge(name: str) -> dict[str, Any]:
    shown = subprocess.run(["ip", "-d", "-j", "link", "show", name], check=True, capture_output=True).stdout
    return dict(json.loads(shown)[0]["linkinfo"]["info_data"])
