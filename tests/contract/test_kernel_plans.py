"""Plans on a real kernel: any state to any state, interrupted anywhere, applied twice.

Each test starts in a fresh namespace and takes four transitions. On a kernel without 802.1Q or bonding the hosts have
none; the metal ring runs the same tests on a kernel that has both.
"""

from __future__ import annotations

import os
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import pytest

from contract.comparison import unlike
from contract.made_of import made_of
from contract.namespaces import in_fresh_namespace, kernel_kinds, open_door
from core.strategies import NICS, mac_of, random_host, random_intent
from netloom.core.compare import differences
from netloom.core.desired import desired_host
from netloom.core.plan import plan
from netloom.core.simulate import simulate_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from netloom.agent.machine import MachineNetworking
    from netloom.core.host import Host
    from netloom.core.steps import Step

SEEDS = range(int(os.environ.get("NETLOOM_KERNEL_SEEDS", "50")))
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
