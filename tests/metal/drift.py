"""What somebody changes by hand of bonds and VLAN devices, on a kernel that has them: seen in good time, told as what
it is, and put right.

Run by test_user_mode_linux.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.test_watch import has_changed, last_event, watching
from contract.namespaces import ip, namespace_thread, new_networking
from contract.transitions import reach
from core.strategies import machine
from netweft.core.desired import desired_host
from netweft.core.drift import find_drift
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, IpAssignment, NetworkIntent
from netweft.core.plan import plan

if TYPE_CHECKING:
    from pathlib import Path

NICS = {name: nic.mac for name, nic in machine(("eth0", "eth1", "eth2")).nics.items()}

STATIC = (IpAssignment(method="static", address="10.0.0.5", prefix=24, gateway="10.0.0.1"),)
WANTED = HostIntent(
    networks=(
        NetworkIntent(id="storage", name="storage", host_side_name="storage", vlan=100, vm=False),
        NetworkIntent(id="tenants", name="tenants", host_side_name="tenants", vlan=200, mtu=9000, stp=True),
        NetworkIntent(id="flat", name="flat", host_side_name="flat"),
    ),
    attachments=(
        AttachmentIntent(id="of-storage", network_id="storage", nic="bond0", assignments=STATIC),
        AttachmentIntent(id="of-tenants", network_id="tenants", nic="bond0"),
        AttachmentIntent(id="of-flat", network_id="flat", nic="eth0"),
    ),
    bonds=(BondIntent(id="b", name="bond0", slaves=("eth1", "eth2"), options={"mode": "1", "miimon": "100"}),),
)

BY_HAND: dict[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "both members of a bond are down": (
        ("link set eth1 down", "link set eth2 down"),
        "bond0",
        ("eth1: up should be on, and is off", "eth2: up should be on, and is off"),
    ),
    "a member is lost": (("link set eth2 nomaster",), "bond0", ("eth2: master should be bond0, and is none",)),
    "bond options": (
        ("link set bond0 type bond miimon 250",),
        "bond0",
        ("bond0: options should be miimon=100, and is miimon=250",),
    ),
    "the bond is down": (("link set bond0 down",), "bond0", ("bond0: up should be on, and is off",)),
    "the MTU of the bond below": (("link set bond0 mtu 9100",), "bond0", ("bond0: mtu should be 9000, and is 9100",)),
    "the bond is gone": (("link delete bond0",), "bond0", ("bond0 is missing",)),
    "a VLAN device is gone": (("link delete bond0.200",), "of-tenants", ("bond0.200 is missing",)),
    "a VLAN device left its bridge": (
        ("link set bond0.200 nomaster",),
        "of-tenants",
        ("bond0.200: master should be tenants, and is none",),
    ),
    "a VLAN device is down": (
        ("link set bond0.100 down",),
        "of-storage",
        ("bond0.100: up should be on, and is off",),
    ),
    "STP": (("link set tenants type bridge stp_state 0",), "of-tenants", ("tenants: stp should be on, and is off",)),
    "an extra address": (
        ("address add 198.51.100.7/24 dev bond0.100",),
        "of-storage",
        ("bond0.100: addresses should be 10.0.0.5/24, and is 10.0.0.5/24, 198.51.100.7/24",),
    ),
    "policy rules are gone": (("rule del from 10.0.0.0/24", "rule del to 10.0.0.0/24"), "of-storage", ()),
    "the MTU of the NIC below a bridge": (
        ("link set eth0 mtu 1400",),
        "eth0",
        ("eth0: mtu should be 1500, and is 1400",),
    ),
}


@pytest.mark.parametrize("what", BY_HAND)
def test_what_somebody_changes_is_seen_told_and_put_right(tmp_path: Path, what: str) -> None:
    with namespace_thread() as thread:
        thread.submit(lambda: _suffer(tmp_path, *BY_HAND[what])).result()


def _suffer(folder: Path, commands: tuple[str, ...], whose: str, texts: tuple[str, ...]) -> None:
    networking = new_networking(folder, NICS)
    now = networking.observe()
    reach(networking, now, desired_host(WANTED, now))
    with watching(networking) as events:
        last = last_event(events)
        assert find_drift(WANTED, networking.observe()).is_empty
        ip(*commands)
        assert has_changed(events, last)
        now = networking.observe()
        drift = find_drift(WANTED, now)
        told = [one.text for one in (*drift.attachments.get(whose, ()), *drift.bases.get(whose, ()))]
        assert told
        assert set(texts) <= set(told), drift.lines()
        assert not drift.obstacle
        networking.execute(plan(now, desired_host(WANTED, now)), lambda _done: None)
        assert find_drift(WANTED, networking.observe()).lines() == ()
