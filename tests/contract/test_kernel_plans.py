"""Plans on a real kernel: any state to any state, interrupted anywhere, applied twice.

Each example starts in a fresh namespace and takes four transitions. On a kernel without 802.1Q or bonding the hosts
have none; the metal suite runs the same tests on a kernel that has both.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import given

from contract.made_of import made_of
from contract.namespaces import kernel_kinds, on_fresh_host
from contract.transitions import interrupt, reach
from core.strategies import NICS, mac_of, random_host, random_intent, sources
from netweft.core.desired import desired_host
from netweft.core.host import Bond, Nic, Vlan
from properties import examples

if TYPE_CHECKING:
    from netweft.agent.machine import MachineNetworking

EXAMPLES = int(os.environ.get("NETWEFT_KERNEL_EXAMPLES", "50"))
"""Two tests with four transitions for each: 400."""

MACS = {name: mac_of(number) for number, name in enumerate(NICS)}


@examples(EXAMPLES)
@given(sources)
def test_any_state_is_reached_from_any_other_and_from_halfway(random: Random) -> None:
    on_fresh_host(MACS, lambda networking: _there_and_halfway_back(random, networking))


def _there_and_halfway_back(random: Random, networking: MachineNetworking) -> None:
    first, second = (made_of(random_host(random, ovs=False), kernel_kinds()) for _ in range(2))
    now = reach(networking, networking.observe(), first)
    now = reach(networking, now, second)
    now = interrupt(networking, now, first, random.random())
    reach(networking, now, first)


@examples(EXAMPLES)
@given(sources)
def test_what_users_want_is_reached_and_taken_back(random: Random) -> None:
    on_fresh_host(MACS, lambda networking: _wanted_and_taken_back(random, networking))


def _wanted_and_taken_back(random: Random, networking: MachineNetworking) -> None:
    first, second = (random_intent(random, switch_types=("legacy",)) for _ in range(2))
    start = now = networking.observe()
    now = checkpoint = reach(networking, now, made_of(desired_host(first, now), kernel_kinds()))
    now = interrupt(networking, now, made_of(desired_host(second, now), kernel_kinds()), random.random())
    now = reach(networking, now, checkpoint)
    now = reach(networking, now, start)
    assert not any(link.owner for link in now.links().values())


def test_a_port_may_have_no_ipv6_when_it_leaves_its_bond() -> None:
    """The kernel gives it back the MTU that it had before it joined; below 1280 its IPv6 settings are gone then."""
    on_fresh_host(MACS, _into_a_bond_and_out_again)


def _into_a_bond_and_out_again(networking: MachineNetworking) -> None:
    now = networking.observe()
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
            now = reach(networking, now, made_of(desired, kernel_kinds()))


def test_a_port_has_ipv6_when_its_bond_is_made_anew() -> None:
    """The kernel tells nobody of the MTU that a port gets back when its bond is deleted."""
    on_fresh_host(MACS, _out_of_a_bond_that_is_deleted)


def _out_of_a_bond_that_is_deleted(networking: MachineNetworking) -> None:
    now = networking.observe()
    port = Nic(name="eth0", owner="base", mac=MACS["eth0"], up=True, mtu=1000, master="bond0")
    bond = Bond(name="bond0", owner="base", mtu=1000)
    now = reach(networking, now, made_of(now.with_link(port).with_link(bond), kernel_kinds()))
    free = replace(port, master="", mtu=1500, autoconf=True)
    other = replace(bond, mode="balance-rr")
    reach(networking, now, made_of(now.with_link(free).with_link(other), kernel_kinds()))


def test_that_spanning_tree_ages_faster_for_a_while_is_nobodys_option() -> None:
    on_fresh_host(MACS, _topology_changes)


def _topology_changes(networking: MachineNetworking) -> None:
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
    assert networking.observe().bridges["br0"].options == {"forward_delay": "200"}


def _bridge(name: str) -> dict[str, Any]:
    shown = subprocess.run(["ip", "-d", "-j", "link", "show", name], check=True, capture_output=True).stdout
    return dict(json.loads(shown)[0]["linkinfo"]["info_data"])
