"""Drift on real hosts: it is empty exactly when the plan is, whatever somebody did there, and the plan puts it right.

The kernel's part runs in the metal suite, too, with VLAN devices and bonds.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from contract.namespaces import kernel_kinds, on_fresh_host
from contract.ovs_networking import DATAPATH, ovs_networking
from contract.transitions import reach
from core.foreign import Foreigner
from core.strategies import NICS, mac_of, random_intent, sources
from netweft.agent.execute import StepFailedError
from netweft.agent.ovsdb import OvsStepError
from netweft.core.desired import desired_host
from netweft.core.drift import find_drift
from netweft.core.host import Host
from netweft.core.intent import HostIntent
from netweft.core.plan import PlanError, plan
from properties import examples

if TYPE_CHECKING:
    from netweft.agent.networking import Networking

EXAMPLES = int(os.environ.get("NETWEFT_DRIFT_EXAMPLES", "25"))
MACS = {name: mac_of(number) for number, name in enumerate(NICS)}
ROUNDS = 4
"""How often somebody meddles with each host, up to three changes each time."""


def desired(random: Random, *switch_types: str) -> HostIntent:
    """What this kernel can have, by addresses that need nobody's answer."""
    intent = replace(random_intent(random, switch_types=switch_types), ovs_datapath=DATAPATH)
    kinds = kernel_kinds()
    bonds = intent.bonds if "bond" in kinds or intent.switch_type == "ovs" else ()
    bases = {*NICS, *(bond.name for bond in bonds)} - {slave for bond in bonds for slave in bond.slaves}
    attachments = []
    for one in intent.attachments:
        network = next(network for network in intent.networks if network.id == one.network_id)
        is_possible = "vlan" in kinds or network.vlan is None or intent.switch_type == "ovs"
        if one.nic in bases and is_possible:
            assignments = tuple(ip for ip in one.assignments if ip.method == "static")
            attachments.append(replace(one, assignments=assignments, qos=one.qos if "hfsc" in kinds else None))
    networks = tuple(network if "hfsc" in kinds else replace(network, qos=None) for network in intent.networks)
    return replace(intent, networks=networks, attachments=tuple(attachments), bonds=bonds)


@examples(EXAMPLES)
@given(sources)
def test_on_a_kernel(random: Random) -> None:
    on_fresh_host(MACS, lambda networking: suffer(networking, random, desired(random, "legacy"), ovs=False))


@examples(EXAMPLES)
@given(sources)
def test_on_open_vswitch(random: Random) -> None:
    with ovs_networking(MACS) as (networking, _):
        suffer(networking, random, desired(random, "ovs"), ovs=True)


def suffer(networking: Networking, random: Random, intent: HostIntent, *, ovs: bool) -> None:
    """Apply the desired state, change the host by hand, and correct it, repeatedly."""
    now = networking.observe()
    now = reach(networking, now, desired_host(intent, now))
    assert find_drift(intent, now).is_empty
    for _ in range(ROUNDS):
        for _ in range(random.randint(1, 3)):
            now = meddle(networking, random, now, ovs=ovs)
        drift = find_drift(intent, now)
        if drift.obstacle:
            with pytest.raises(PlanError, match=re.escape(drift.obstacle)):
                plan(now, desired_host(intent, now))
            return
        desired = desired_host(intent, now)
        steps = plan(now, desired)
        assert drift.is_empty == (not steps), (drift.lines(), steps)
        now = reach(networking, now, desired)
        assert find_drift(intent, now).lines() == ()


def meddle(networking: Networking, random: Random, now: Host, *, ovs: bool) -> Host:
    """Do something by hand that the host takes."""
    step = Foreigner(random, ovs=ovs, dhcp=False).step(now)
    if step is None:
        return now
    with suppress(StepFailedError, OvsStepError):  # what the host refuses nobody else could do either
        networking.execute([step], lambda _done: None)
    return networking.observe()
