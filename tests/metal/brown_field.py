"""VLAN devices and bonds of the kernel that others made are taken over while they are used, and no packet is lost.

Run by test_user_mode_linux.py.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from contract.namespaces import current_networking, ip
from core.strategies import machine
from core.test_brown_field import MARKS
from netweft.core.brown_field import foreign_networks, take_over
from netweft.core.desired import desired_host
from netweft.core.host import Host, Loss
from netweft.core.impact import explain
from netweft.core.intent import HostIntent, NetworkIntent
from netweft.core.plan import plan
from netweft.core.steps import SetAutoconf
from ovs_host import entered, namespace
from pings import no_ping_lost

if TYPE_CHECKING:
    from pathlib import Path

NICS = {name: nic.mac for name, nic in machine(("eth1", "eth2", "eth3")).nics.items()}
BY_HAND = (
    "link set eth1 up",
    "link add link eth1 name eth1.10 type vlan id 10",
    "link add br10 address 02:00:00:00:77:10 type bridge forward_delay 0",
    "link set eth1.10 up master br10",
    "link set br10 up",
    "address add 10.0.10.5/24 dev br10",
    "link add link eth1 name vlan20 type vlan id 20",
    "link set vlan20 up",
    "address add 10.0.20.5/24 dev vlan20",
    "link add bond7 type bond mode active-backup miimon 50",
    "link set eth2 down master bond7",
    "link set eth3 down master bond7",
    "link set bond7 up",
    "link add br0 type bridge forward_delay 0",
    "link set bond7 master br0",
    "link set br0 up",
    "address add 10.0.0.5/24 dev br0",
)
PEER = (
    "link set far1 up",
    "link add link far1 name far1.10 type vlan id 10",
    "link add link far1 name far1.20 type vlan id 20",
    "link set far1.10 up",
    "link set far1.20 up",
    "address add 10.0.10.6/24 dev far1.10",
    "address add 10.0.20.6/24 dev far1.20",
    "link add lan type bridge forward_delay 0",
    "link set far2 up master lan",
    "link set far3 up master lan",
    "link set lan up",
    "address add 10.0.0.6/24 dev lan",
)
NETWORKS = {
    one.id: one
    for one in (
        NetworkIntent(id="tenants", name="tenants", host_side_name="tenants", vlan=10),
        NetworkIntent(id="backup", name="backup", host_side_name="backup", vlan=20, vm=False),
        NetworkIntent(id="office", name="office", host_side_name="office"),
    )
}
CHOSEN = {"br10": "tenants", "vlan20": "backup", "br0": "office"}


def test_what_others_made_is_taken_over(tmp_path: Path) -> None:
    with namespace() as peer, namespace() as host, entered(host):
        for number, (name, mac) in enumerate(NICS.items(), 1):
            ip(f"link add {name} address {mac} type veth peer name far{number} netns {peer}")
        ip(*BY_HAND)
        with entered(peer):
            ip(*PEER)
        networking = current_networking(tmp_path)
        before = networking.observe()
        numbers = count(1)
        found = foreign_networks(before, HostIntent(), NETWORKS)
        assert {one.name: (one.network_id, one.problem) for one in found} == {
            name: (network_id, "") for name, network_id in CHOSEN.items()
        }
        setup = take_over(before, HostIntent(), NETWORKS, CHOSEN, lambda: f"new-{next(numbers)}")
        intent = HostIntent(
            networks=tuple(NETWORKS.values()),
            attachments=setup.attachments,
            bonds=setup.bonds,
            inherited=setup.inherited,
        )
        steps = plan(before, desired_host(intent, before))
        assert [step for step in steps if not isinstance(step, (*MARKS, SetAutoconf))] == []
        assert {one.loss for one in explain(steps, before)} == {Loss.NONE}
        with no_ping_lost(peer, "10.0.10.5", "10.0.20.5", "10.0.0.5"):
            networking.execute(steps, lambda _done: None)
        after = networking.observe()
        assert plan(after, desired_host(intent, after)) == []
        networking.execute(plan(after, before), lambda _done: None)
        assert unmarked(networking.observe()) == unmarked(before)


def unmarked(host: Host) -> set[tuple[str, str, tuple[str, ...]]]:
    """Every link, its owner and addresses."""
    return {(one.name, one.owner, tuple(map(str, one.addresses))) for one in host.links().values()}
