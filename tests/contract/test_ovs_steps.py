"""The simulation refuses what Open vSwitch refuses, and where both accept, the host is what the simulation says."""

from __future__ import annotations

import os
from random import Random

from hypothesis import given

from contract.ovs_networking import ovs_networking
from contract.ovs_steps import OvsSteps
from contract.walks import walk
from core.strategies import sources
from properties import examples

WALKS, STEPS = int(os.environ.get("NETWEFT_OVS_WALKS", "8")), 125

NICS = {f"eth{number}": f"02:00:00:00:00:f{number}" for number in range(4)}


def test_random_steps_end_alike_on_open_vswitch_and_simulation() -> None:
    accepted = []

    @examples(WALKS)
    @given(sources)
    def walks(random: Random) -> None:
        with ovs_networking(NICS) as (networking, _):
            accepted.append(walk(networking, OvsSteps(random).next, STEPS))

    walks()
    assert sum(accepted) > WALKS * STEPS / 4, "most random steps were refused, which shows little"
