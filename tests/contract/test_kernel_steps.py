"""The simulation refuses what the kernel refuses; where both accept, they leave the same host behind."""

from __future__ import annotations

from functools import partial
from pprint import pformat
from random import Random
from typing import TYPE_CHECKING

import pytest

from contract.comparison import unlike
from contract.kernel_steps import Steps
from contract.namespaces import in_fresh_namespace, kernel_kinds, open_door
from netweft.agent.execute import StepFailedError
from netweft.agent.settings import write_setting
from netweft.core.host import Address
from netweft.core.simulate import StepRefusedError, simulate
from netweft.core.steps import AddAddress, SetBondOptions, SetBridgeOptions, SetMaster, SetTrafficClass

if TYPE_CHECKING:
    from pathlib import Path

    from netweft.agent.machine import MachineNetworking
    from netweft.core.host import Host
    from netweft.core.steps import Step

STEPS = 300
"""Random steps per walk."""

NICS = {f"eth{number}": f"02:00:00:00:00:f{number}" for number in range(3)}

HALF_DONE = (SetMaster, SetBridgeOptions, SetBondOptions, SetTrafficClass)
"""Done bit by bit: the old master is left before the new one refuses, options before the refused one are set; a class
that is not there cannot go, but come.
"""


@pytest.mark.parametrize("seed", range(5))
def test_random_steps_end_alike_on_kernel_and_simulation(tmp_path: Path, seed: int) -> None:
    done = in_fresh_namespace(partial(walk, seed, tmp_path))
    assert done > STEPS / 3, "most random steps were refused, which shows little"


def test_ipv6_switched_off_on_a_nic_is_seen_and_refused_alike(tmp_path: Path) -> None:
    in_fresh_namespace(partial(_without_ipv6, tmp_path))


def _without_ipv6(folder: Path) -> None:
    door = open_door(folder, NICS)
    write_setting("net/ipv6/conf/eth1/disable_ipv6", "1")
    now = door.observe()
    assert {name: nic.ipv6_off for name, nic in now.nics.items()} == {"eth0": False, "eth1": True, "eth2": False}
    for name in ("eth0", "eth1"):
        step = AddAddress(name, Address(ip="2001:db8::1", prefix=64))
        assert bool(_simulated(now, step)[1]) == bool(_executed(door, step)) == (name == "eth1")


def walk(seed: int, folder: Path) -> int:
    """Take random steps on the kernel and on the simulation, and compare after each; tells how many were accepted."""
    door = open_door(folder, NICS)
    source = Steps(Random(seed), kernel_kinds())
    now = door.observe()
    done = 0
    for count in range(STEPS):
        step = source.next(now)
        expected, why = _simulated(now, step)
        refusal = _executed(door, step)
        after = door.observe()
        story = f"seed {seed}, step {count}: {step}\nbefore: {pformat(now)}"
        verdicts = f"simulation: {why or 'accepts'}; kernel: {refusal or 'accepts'}"
        assert bool(why) == bool(refusal), f"{story}\n{verdicts}"
        if not (why and isinstance(step, HALF_DONE)):
            left = unlike(expected, after)
            assert not left, f"{story}\n{verdicts}\n" + "\n".join(left)
        done += not why
        now = after
    return done


def _simulated(host: Host, step: Step) -> tuple[Host, str]:
    try:
        return simulate(host, step), ""
    except StepRefusedError as error:
        return host, error.text


def _executed(door: MachineNetworking, step: Step) -> str:
    try:
        door.execute([step], lambda _done: None)
    except StepFailedError as error:
        return error.words
    return ""
