"""The simulation refuses what the kernel refuses; where both accept, they leave the same host behind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import given

from contract.kernel_steps import Steps
from contract.namespaces import kernel_kinds, on_fresh_host
from contract.walks import walk
from core.strategies import sources
from netweft.agent.settings import write_setting
from netweft.core.host import Address
from netweft.core.steps import AddAddress, SetBondOptions, SetBridgeOptions, SetMaster, SetTrafficClass
from properties import examples

if TYPE_CHECKING:
    from random import Random

    from netweft.agent.machine import MachineNetworking

WALKS, STEPS = int(os.environ.get("NETWEFT_KERNEL_WALKS", "15")), 100

NICS = {f"eth{number}": f"02:00:00:00:00:f{number}" for number in range(3)}

HALF_DONE = (SetMaster, SetBridgeOptions, SetBondOptions, SetTrafficClass)
"""Done bit by bit: the old master is left before the new one refuses, options before the refused one are set; a class
that is not there cannot go, but come.
"""


def test_random_steps_end_alike_on_kernel_and_simulation() -> None:
    accepted = []

    @examples(WALKS)
    @given(sources)
    def walks(random: Random) -> None:
        source = Steps(random, kernel_kinds())
        accepted.append(on_fresh_host(NICS, lambda networking: walk(networking, source.next, STEPS, HALF_DONE)))

    walks()
    assert sum(accepted) > WALKS * STEPS / 3, "most random steps were refused, which shows little"


def test_ipv6_switched_off_on_a_nic_is_seen_and_refused_alike() -> None:
    on_fresh_host(NICS, _without_ipv6)


def _without_ipv6(networking: MachineNetworking) -> None:
    write_setting("net/ipv6/conf/eth1/disable_ipv6", "1")
    now = networking.observe()
    assert {name: nic.ipv6_off for name, nic in now.nics.items()} == {"eth0": False, "eth1": True, "eth2": False}
    for name in ("eth0", "eth1"):
        step = AddAddress(name, Address(ip="2001:db8::1", prefix=64))
        assert walk(networking, lambda _host, step=step: step, 1) == (name == "eth0")  # type: ignore[misc] # a step of the loop
