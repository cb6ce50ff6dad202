"""The simulation refuses what Open vSwitch refuses, and where both accept, the host is what the simulation says."""

from __future__ import annotations

from pprint import pformat
from random import Random
from typing import TYPE_CHECKING

import pytest

from contract.comparison import unlike
from contract.ovs_door import ovs_door
from contract.ovs_steps import OvsSteps
from netweft.agent.networking import NetworkingError
from netweft.core.simulate import StepRefusedError, simulate

if TYPE_CHECKING:
    from netweft.agent.networking import Networking
    from netweft.core.host import Host
    from netweft.core.steps import Step

STEPS = 250
"""Random steps per walk."""

NICS = {f"eth{number}": f"02:00:00:00:00:f{number}" for number in range(4)}


@pytest.mark.parametrize("seed", range(4))
def test_random_steps_end_alike_on_open_vswitch_and_simulation(seed: int) -> None:
    source, done = OvsSteps(Random(seed)), 0
    with ovs_door(NICS) as (door, _):
        now = door.observe()
        for count in range(STEPS):
            step = source.next(now)
            expected, why = _simulated(now, step)
            refusal = _executed(door, step)
            after = door.observe()
            story = f"seed {seed}, step {count}: {step}\nbefore: {pformat(now)}"
            verdicts = f"simulation: {why or 'accepts'}; Open vSwitch: {refusal or 'accepts'}"
            assert bool(why) == bool(refusal), f"{story}\n{verdicts}"
            left = unlike(expected, after)
            assert not left, f"{story}\n{verdicts}\n" + "\n".join(left)
            done += not why
            now = after
    assert done > STEPS / 4, "most random steps were refused, which shows little"


def _simulated(host: Host, step: Step) -> tuple[Host, str]:
    try:
        return simulate(host, step), ""
    except StepRefusedError as error:
        return host, error.text


def _executed(door: Networking, step: Step) -> str:
    try:
        door.execute([step], lambda _done: None)
    except NetworkingError as error:
        return str(error)
    return ""
