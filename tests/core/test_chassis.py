"""The host as a chassis of OVN: its desired state, plans, losses and texts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from core.strategies import THEIR_CHASSIS, machine
from hosts import simulate
from netweft.core import steps as s
from netweft.core.adoption import adopted
from netweft.core.compare import CHASSIS, compare, differences, marked
from netweft.core.desired import desired_host
from netweft.core.drift import find_drift
from netweft.core.host import Address, Chassis, GuestPort, Host, Loss, OvsBridge
from netweft.core.impact import explain, loss, touched
from netweft.core.intent import AttachmentIntent, ChassisIntent, HostIntent, IpAssignment, NetworkIntent
from netweft.core.plan import PlanError, plan
from netweft.core.simulate import StepRefusedError, simulate_all
from netweft.core.step_texts import describe

CLEAN = machine(("eth0", "eth1"))
TUNNELS = NetworkIntent(id="tunnels", name="tunnels", host_side_name="tunnels", vm=False)
OUTSIDE = NetworkIntent(id="outside", name="outside", host_side_name="outside")
REMOTE = "ssl:192.0.2.1:6642"
WANTED = ChassisIntent(
    system_id="host-1",
    remote=REMOTE,
    tunnel_network="tunnels",
    mappings={"physnet1": "outside", "physnet2": "elsewhere"},
)
OURS = Chassis(
    owner="host-1",
    system_id="host-1",
    remote=REMOTE,
    encap_type="geneve",
    encap_ip="192.0.2.5",
    mappings={"physnet1": "br-eth1"},
    datapath="system",
)
STATIC = IpAssignment(method="static", address="192.0.2.5", prefix=24)


def intent(*assignments: IpAssignment, **fields: Any) -> HostIntent:  # fields of HostIntent
    """The networks of tunnels and of the outside on a NIC each."""
    desired = HostIntent(
        switch_type="ovs",
        networks=(TUNNELS, OUTSIDE),
        attachments=(
            AttachmentIntent(id="a0", network_id="tunnels", nic="eth0", assignments=assignments),
            AttachmentIntent(id="a1", network_id="outside", nic="eth1"),
        ),
        chassis=WANTED,
    )
    return replace(desired, **fields)


def made(desired: HostIntent, start: Host = CLEAN) -> Host:
    return simulate_all(start, plan(start, desired_host(desired, start)))


# The desired state


def test_the_tunnels_end_at_the_static_address() -> None:
    assert desired_host(intent(STATIC), CLEAN).chassis == OURS
    both = (replace(STATIC, version=6, address="2001:db8:0::5", prefix=64), STATIC)
    assert desired_host(intent(*both), CLEAN).chassis == OURS
    assert desired_host(intent(both[0]), CLEAN).chassis == replace(OURS, encap_ip="2001:db8::5")


def test_the_tunnels_end_at_an_address_that_came_by_itself() -> None:
    """As soon as there is one, and as long as it stays; another one on the same link is no reason to move."""
    dynamic = intent(IpAssignment(method="dhcp"))
    waiting = made(dynamic)
    assert waiting.chassis == Chassis()
    assert find_drift(dynamic, waiting).is_empty
    leased = with_lease(waiting, "192.0.2.77", "2001:db8::77")
    assert find_drift(dynamic, leased).host[0].text == "the OVN chassis is missing"
    now = made(dynamic, leased)
    assert now.chassis == replace(OURS, encap_ip="192.0.2.77")
    assert find_drift(dynamic, with_lease(now, "192.0.2.7", "192.0.2.77")).is_empty
    assert find_drift(dynamic, with_lease(now)).is_empty, "a lease that is lost for a while"
    (moved,) = find_drift(dynamic, with_lease(now, "192.0.2.78")).host
    assert moved.text == "the OVN chassis: encap_ip should be 192.0.2.78, and is 192.0.2.77"


def with_lease(host: Host, *ips: str) -> Host:
    dynamic = tuple(sorted(Address(ip=ip, prefix=64 if ":" in ip else 24) for ip in ips))
    return host.with_link(replace(host.ovs_ports["tunnels"], dynamic=dynamic))


def test_only_bridges_of_open_vswitch_are_mapped_to() -> None:
    assert desired_host(intent(STATIC, switch_type="legacy"), CLEAN).chassis == replace(OURS, mappings={})
    detached = intent(STATIC, attachments=intent(STATIC).attachments[:1])
    assert desired_host(detached, CLEAN).chassis == replace(OURS, mappings={})


def test_what_a_chassis_is_called() -> None:
    """As the host in the engine; but one that somebody made one by hand keeps its name, whatever becomes of it."""
    taken = made(intent(STATIC), replace(CLEAN, chassis=THEIR_CHASSIS))
    assert taken.chassis == replace(OURS, owner="host-1/theirs", system_id="theirs")
    assert find_drift(intent(STATIC), taken).is_empty
    assert made(intent(STATIC), replace(CLEAN, chassis=replace(THEIR_CHASSIS, remote=""))).chassis == OURS
    (difference,) = find_drift(intent(STATIC), replace(taken, chassis=replace(taken.chassis, system_id="other"))).host
    assert difference.text == "the OVN chassis: system_id should be theirs, and is other"
    for owner in ("host-2", "host-2/theirs"):
        copied = replace(CLEAN, chassis=replace(THEIR_CHASSIS, owner=owner))
        assert made(intent(STATIC), copied).chassis == OURS
    copy = intent(STATIC, chassis=replace(WANTED, is_copy=True))
    assert made(copy, replace(CLEAN, chassis=THEIR_CHASSIS)).chassis == OURS
    assert made(copy, taken).chassis == OURS


def test_without_an_address_everything_stays_as_it_is() -> None:
    theirs = replace(CLEAN, chassis=THEIR_CHASSIS)
    assert desired_host(intent(), theirs).chassis == THEIR_CHASSIS
    assert desired_host(intent(), replace(CLEAN, chassis=None)).chassis is None


def test_no_chassis_is_desired() -> None:
    nobody = HostIntent()
    for reported in (None, Chassis(), THEIR_CHASSIS):
        assert desired_host(nobody, replace(CLEAN, chassis=reported)).chassis == reported
    ours = replace(CLEAN, chassis=OURS)
    assert desired_host(nobody, ours).chassis == Chassis(system_id="host-1")
    assert plan(ours, replace(CLEAN, chassis=None)) == [s.SetChassis(Chassis(system_id="host-1"))]
    assert desired_host(replace(nobody, kept=("host-1",)), ours).chassis == OURS


def test_what_a_host_brings_along_is_kept() -> None:
    ours = replace(CLEAN, chassis=OURS)
    assert adopted(ours, HostIntent(), {}, str).kept == ("host-1",)
    assert adopted(ours, HostIntent(chassis=WANTED), {}, str).kept == ()
    assert adopted(replace(CLEAN, chassis=THEIR_CHASSIS), HostIntent(), {}, str).kept == ()


# Plans


def test_a_host_without_open_vswitch() -> None:
    bare = replace(CLEAN, chassis=None)
    with pytest.raises(PlanError, match="There is no Open vSwitch on the host, so it cannot be an OVN chassis"):
        plan(bare, desired_host(intent(STATIC), bare))
    with pytest.raises(StepRefusedError, match="Open vSwitch is not installed"):
        simulate(bare, s.SetChassis(OURS))
    assert "no Open vSwitch" in find_drift(intent(STATIC), bare).obstacle
    assert plan(bare, desired_host(HostIntent(), bare)) == []


def test_a_host_without_report_of_a_chassis() -> None:
    """A report that was stored, or a checkpoint that was taken, before there was such a thing."""
    old = msgspec.json.decode(b"{}", type=Host)
    assert old.chassis is None
    assert plan(CLEAN, replace(CLEAN, chassis=None)) == []
    assert plan(replace(CLEAN, chassis=THEIR_CHASSIS), replace(CLEAN, chassis=None)) == []


def test_a_bridge_is_mapped_to_only_while_it_is_there() -> None:
    now = made(intent(STATIC))
    detached = desired_host(intent(STATIC, attachments=intent(STATIC).attachments[:1]), now)
    steps = plan(now, detached)
    unmapped = s.SetChassis(replace(OURS, mappings={}))
    assert [step for step in steps if isinstance(step, s.SetChassis)] == [unmapped]
    assert steps.index(unmapped) < steps.index(s.DeleteOvsBridge("br-eth1"))
    again = plan(simulate_all(now, steps), desired_host(intent(STATIC), now))
    assert again.index(s.SetChassis(OURS)) > max(again.index(x) for x in again if isinstance(x, s.CreateOvsBridge))


def test_a_bridge_of_ours_with_a_foreign_mapping() -> None:
    """What is interrupted between the two steps has our mark, so that the next plan looks at it."""
    theirs = replace(THEIR_CHASSIS, mappings={"public": "br-eth1"})
    now = replace(made(intent(STATIC, chassis=None)), chassis=theirs)
    moved = intent(STATIC, attachments=intent(STATIC).attachments[:1])
    steps = [step for step in plan(now, desired_host(moved, now)) if isinstance(step, s.SetChassis)]
    assert steps == [
        s.SetChassis(replace(theirs, owner="host-1/theirs", mappings={})),
        s.SetChassis(replace(OURS, owner="host-1/theirs", system_id="theirs", mappings={})),
    ]


# Differences


def test_differences_in_words() -> None:
    ours, theirs = replace(CLEAN, chassis=OURS), replace(CLEAN, chassis=THEIR_CHASSIS)
    assert differences(theirs, replace(CLEAN, chassis=Chassis())) == ()
    assert differences(theirs, CLEAN, watch=[CHASSIS])[0] == "the OVN chassis: system_id should be theirs, and is none"
    assert differences(CLEAN, ours) == ("the OVN chassis exists, and should not",)
    assert differences(replace(CLEAN, chassis=None), ours) == ("the OVN chassis exists, and should not",)
    assert differences(ours, CLEAN) == ("the OVN chassis is missing",)
    other = replace(OURS, owner="", mappings={}, datapath="netdev")
    assert differences(ours, replace(CLEAN, chassis=other)) == (
        "the OVN chassis: owner should be host-1, and is none",
        "the OVN chassis: mappings should be physnet1=br-eth1, and is none",
        "the OVN chassis: datapath should be system, and is netdev",
    )
    assert next(one.what for one in compare(ours, replace(CLEAN, chassis=other))) == "chassis.owner"
    assert (marked(ours), marked(theirs), marked(replace(CLEAN, chassis=None))) == ([CHASSIS], [], [])


def test_drift_of_the_chassis_is_the_hosts() -> None:
    """Also where a network or a NIC has its name."""
    named = replace(OUTSIDE, host_side_name="chassis")
    desired = intent(STATIC, networks=(TUNNELS, named))
    now = made(desired)
    assert now.chassis is not None
    drift = find_drift(desired, replace(now, chassis=replace(now.chassis, remote="tcp:192.0.2.9:6642")))
    assert drift.lines() == (f"the OVN chassis: remote should be {REMOTE}, and is tcp:192.0.2.9:6642",)
    assert len(drift.host) == 1


# What it costs, and its words

GUEST = GuestPort(name="tap0", vnic="vnic-0", bridge="br-int")
RUNNING = replace(CLEAN, chassis=OURS, ovs_bridges={"br-int": OvsBridge(name="br-int")}, guest_ports={"tap0": GUEST})


@pytest.mark.parametrize(
    ("change", "cost"),
    [
        ({"remote": "tcp:192.0.2.9:6642"}, Loss.OUTAGE),
        ({"system_id": "host-2"}, Loss.OUTAGE),
        ({"encap_ip": ""}, Loss.OUTAGE),
        ({"mappings": {}}, Loss.OUTAGE),
        ({"mappings": {"physnet1": "br-eth0"}}, Loss.OUTAGE),
        ({"mappings": {"physnet1": "br-eth1", "physnet2": "br-eth0"}}, Loss.NONE),
        ({"encap_ip": "192.0.2.6"}, Loss.BLIP),
        ({"encap_type": "vxlan"}, Loss.BLIP),
        ({"datapath": "netdev"}, Loss.BLIP),
        ({"owner": ""}, Loss.NONE),
    ],
)
def test_what_a_change_costs_the_guests_of_provider_networks(change: dict[str, Any], cost: Loss) -> None:
    step = s.SetChassis(replace(OURS, **change))
    assert loss(step, RUNNING) is cost
    (impact,) = explain([step], RUNNING)
    assert (impact.loss, impact.vnics) == (cost, ("vnic-0",) if cost is not Loss.NONE else ())
    assert touched(step, RUNNING) == {"br-int"}
    for idle in (
        replace(RUNNING, guest_ports={}),
        replace(RUNNING, chassis=None),
        replace(RUNNING, chassis=replace(OURS, remote="")),
    ):
        assert loss(step, idle) is Loss.NONE


def test_words() -> None:
    assert [
        describe(s.SetChassis(chassis))
        for chassis in (
            OURS,
            Chassis(),
            THEIR_CHASSIS,
            Chassis(system_id="debian"),
            Chassis(remote="tcp:192.0.2.7:6642"),
        )
    ] == [
        (
            "make the host an OVN chassis (host-1, southbound database ssl:192.0.2.1:6642, geneve at 192.0.2.5,"
            " datapath system, reaches physnet1 over br-eth1)"
        ),
        "remove the OVN chassis settings of the host",
        (
            "restore the previous ovn-controller settings (theirs, southbound database tcp:198.51.100.1:6642,"
            " geneve,vxlan at 198.18.0.1, reaches public over br-ex)"
        ),
        "remove the OVN chassis settings of the host",
        "restore the previous ovn-controller settings (southbound database tcp:192.0.2.7:6642)",
    ]
