"""Plans on a real Open vSwitch: any state to any state, interrupted anywhere, applied twice.

Each example has an Open vSwitch of its own, and takes four transitions from an untouched host.
"""

from __future__ import annotations

import os
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from contract.ovs_networking import ovs_networking, possible
from contract.transitions import interrupt, reach
from core.strategies import NICS, mac_of, random_host, random_intent, sources
from netweft.core.desired import desired_host
from properties import examples

EXAMPLES = int(os.environ.get("NETWEFT_OVS_EXAMPLES", "30"))
"""Four transitions each: with two tests, 240."""

MACS = {name: mac_of(number) for number, name in enumerate(NICS)}


@examples(EXAMPLES)
@given(sources, st.floats(0, 1))
def test_any_state_is_reached_from_any_other_and_from_halfway(random: Random, cut: float) -> None:
    first, second = (possible(random_host(random)) for _ in range(2))
    with ovs_networking(MACS) as (networking, _):
        now = reach(networking, networking.observe(), first)
        now = reach(networking, now, second)
        now = interrupt(networking, now, first, cut)
        reach(networking, now, first)


@examples(EXAMPLES)
@given(sources, st.floats(0, 1))
def test_what_users_want_is_reached_and_taken_back(random: Random, cut: float) -> None:
    first, second = random_intent(random, switch_types=("ovs",)), random_intent(random)
    with ovs_networking(MACS) as (networking, _):
        start = now = networking.observe()
        checkpoint = now = reach(networking, now, possible(desired_host(first, now)))
        now = interrupt(networking, now, possible(desired_host(second, now)), cut)
        now = reach(networking, now, checkpoint)
        now = reach(networking, now, start)
        assert not any(link.owner for link in now.links().values())
        assert not now.ovs_bridges
        assert now.chassis == start.chassis
