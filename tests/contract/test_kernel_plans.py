"""Plans on a real kernel: any state to any state, interrupted anywhere, applied twice.

Each example starts in a fresh namespace and takes four transitions. On a kernel without 802.1Q or bonding the hosts have
none; the metal ring runs the same tests on a kernel that has both.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from contract.comparison import unlike
from contract.made_of import made_of
from contract.namespaces import in_fresh_namespace, kernel_kinds, open_door
from core.strategies import NICS, hosts, intents, mac_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netloom.core.compare import differences
from netloom.core.desired import desired_host
from netloom.core.plan import plan
from netloom.core.simulate import simulate_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netloom.agent.machine import MachineNetworking
    from netloom.core.desired import HostIntent
    from netloom.core.host import Host
    from netloom.core.steps import Step

EXAMPLES = int(os.environ.get("NETLOOM_KERNEL_EXAMPLES", "60"))
"""Four transitions each: with two tests, 480."""

kernel_settings = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

MACS = {name: mac_of(number) for number, name in enumerate(NICS)}


@kernel_settings
@given(hosts(ovs=False), hosts(ovs=False), st.floats(0, 1))
def test_any_state_is_reached_from_any_other_and_from_halfway(first: Host, second: Host, cut: float) -> None:
    wanted = [made_of(host, kernel_kinds()) for host in (first, second)]
    _with_door(partial(_there_and_halfway_back, wanted[0], wanted[1], cut))


def _there_and_halfway_back(first: Host, second: Host, cut: float, door: MachineNetworking) -> None:
    now = reach(door, door.observe(), first)
    now = reach(door, now, second)
    now = interrupt(door, now, first, cut)
    reach(door, now, first)


@kernel_settings
@given(intents(switch_types=("legacy",)), intents(switch_types=("legacy",)), st.floats(0, 1))
def test_what_users_want_is_reached_and_taken_back(first: HostIntent, second: HostIntent, cut: float) -> None:
    _with_door(partial(_wanted_and_taken_back, first, second, cut))


def _wanted_and_taken_back(first: HostIntent, second: HostIntent, cut: float, door: MachineNetworking) -> None:
    start = now = door.observe()
    now = reach(door, now, made_of(desired_host(first, now), kernel_kinds()))
    checkpoint = now
    now = interrupt(door, now, made_of(desired_host(second, now), kernel_kinds()), cut)
    now = reach(door, now, checkpoint)
    now = reach(door, now, start)
    assert not any(link.owner for link in now.links().values())


def reach(door: MachineNetworking, now: Host, desired: Host) -> Host:
    """Go to the desired host in one pass: the host is then what was simulated and what was wanted, and nothing is left to do."""
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


def _with_door(work: object) -> None:
    with TemporaryDirectory() as folder:
        in_fresh_namespace(lambda: work(open_door(Path(folder), MACS)))  # type: ignore[operator]
