"""What of a host comes up again when NICs are missing."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from core.strategies import NICS, hosts, intents, machine, managed_hosts
from netweft.core.compare import differences
from netweft.core.desired import desired_host
from netweft.core.host import Host
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, IpAssignment, NetworkIntent
from netweft.core.plan import plan
from netweft.core.prune import leave_missing, prune_missing
from netweft.core.simulate import simulate_all


def desired_state(switch_type: str) -> Host:
    ip = (IpAssignment(method="static", address="198.51.100.5", prefix=24, gateway="198.51.100.1"),)
    intent = HostIntent(
        switch_type=switch_type,  # type: ignore[arg-type] # one of the two
        networks=(
            NetworkIntent(id="a", name="a", host_side_name="a", vlan=1),
            NetworkIntent(id="b", name="b", host_side_name="b"),
        ),
        bonds=(BondIntent(id="x", name="bond0", slaves=("eth0", "eth1"), options={"mode": "1"}),),
        attachments=(
            AttachmentIntent(id="1", network_id="a", nic="bond0"),
            AttachmentIntent(id="2", network_id="b", nic="eth2", assignments=ip),
        ),
    )
    return desired_host(intent, machine())


def test_nothing_missing_nothing_left_out() -> None:
    host = desired_state("legacy")
    assert prune_missing(host, machine()) == (host, ())


def test_linux_parts() -> None:
    pruned, lines = prune_missing(desired_state("legacy"), machine(("eth0", "averylongnic0")))
    assert (pruned.nics.keys(), pruned.bridges.keys()) == ({"eth0", "averylongnic0"}, {"a"})
    assert (pruned.routes, pruned.rules) == ((), ())
    assert lines == (
        "b is left out: everything below it is missing",
        "eth1 is left out: it is missing",
        "eth2 is left out: it is missing",
    )
    without_bond, lines = prune_missing(desired_state("legacy"), machine(("eth2", "averylongnic0")))
    assert (without_bond.bonds, without_bond.vlans, without_bond.bridges.keys()) == ({}, {}, {"b"})


def test_open_vswitch_parts() -> None:
    pruned, lines = prune_missing(desired_state("ovs"), machine(("eth0", "averylongnic0")))
    assert pruned.ovs_bridges.keys() == {"br-bond0"}
    assert {name: (port.interfaces, port.bond_mode) for name, port in pruned.ovs_ports.items()} == {
        "eth0": (("eth0",), ""),
        "a": ((), ""),
    }
    assert "br-eth2 is left out: everything below it is missing" in lines


@settings(settings.default, max_examples=settings.default.max_examples // 4)
@given(hosts, st.sets(st.sampled_from(NICS)))
def test_what_is_left_can_be_reached(host: Host, kept: set[str]) -> None:
    there = replace(machine(), nics={name: nic for name, nic in machine().nics.items() if name in kept})
    pruned, lines = prune_missing(host, there)
    assert bool(lines) == (len(kept) < len(NICS))
    assert differences(pruned, simulate_all(there, plan(there, pruned))) == ()


def without_nic(host: Host, name: str) -> Host:
    """As when its driver lets it go: VLAN devices over it go with it, and the routes over all those."""
    lost = {name, *(vlan.name for vlan in host.vlans.values() if vlan.base == name)}
    nics = {key: nic for key, nic in host.nics.items() if key not in lost}
    vlans = {key: vlan for key, vlan in host.vlans.items() if key not in lost}
    routes = tuple(route for route in host.routes if route.link not in lost)
    return replace(host, nics=nics, vlans=vlans, routes=routes)


def test_what_is_on_a_nic_that_died_stays_while_the_rest_changes_and_comes_back_with_it() -> None:
    for switch_type in ("legacy", "ovs"):
        before = simulate_all(machine(), plan(machine(), desired_state(switch_type)))
        for nic, left in (("eth2", "b"), ("eth1", "a")):
            dead = without_nic(before, nic)
            asked = replace(desired_state(switch_type), dns=("192.0.2.53",))
            desired, lines = leave_missing(asked, dead)
            steps = plan(dead, desired)
            assert [type(step).__name__ for step in steps] == ["SetDns"]
            assert f"{nic} is left out: it is missing" in lines
            after = simulate_all(dead, steps)
            assert after.links()[left] == dead.links()[left]
            again = after.with_link(machine().nics[nic])
            assert leave_missing(asked, again) == (asked, ())
            assert differences(asked, simulate_all(again, plan(again, asked))) == ()


def test_a_bond_prefers_no_port_that_it_has_not() -> None:
    bond = BondIntent(id="x", name="bond0", slaves=("eth0", "eth1"), options={"mode": "1", "primary": "eth1"})
    attachment = AttachmentIntent(id="1", network_id="a", nic="bond0")
    network = NetworkIntent(id="a", name="a", host_side_name="a")
    asked = desired_host(HostIntent(networks=(network,), bonds=(bond,), attachments=(attachment,)), machine())
    assert asked.bonds["bond0"].options == {"primary": "eth1"}
    dead = without_nic(machine(), "eth1")
    desired, _ = leave_missing(asked, dead)
    assert simulate_all(dead, plan(dead, desired)).bonds["bond0"].options == {}


@given(managed_hosts, intents, st.sampled_from(NICS))
@settings(settings.default, max_examples=settings.default.max_examples // 2)
def test_a_nic_that_died_is_in_the_way_of_nothing_else(start: Host, intent: HostIntent, nic: str) -> None:
    dead = without_nic(start, nic)
    desired, _ = leave_missing(desired_host(intent, dead), dead)
    after = simulate_all(dead, plan(dead, desired))
    assert differences(desired, after) == ()
    assert plan(after, desired) == []
