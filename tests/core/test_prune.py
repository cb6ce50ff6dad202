"""What of a host comes up again when NICs are missing."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from core.strategies import NICS, hosts, machine
from netweft.core.compare import differences
from netweft.core.desired import AttachmentIntent, BondIntent, HostIntent, IpAssignment, NetworkIntent, desired_host
from netweft.core.host import Host
from netweft.core.plan import plan, prune_missing
from netweft.core.simulate import simulate_all


def wanted(switch_type: str) -> Host:
    ip = (IpAssignment(method="static", address="198.51.100.5", prefix=24, gateway="198.51.100.1"),)
    intent = HostIntent(
        switch_type=switch_type,  # type: ignore[arg-type] # one of the two
        networks=(
            NetworkIntent(id="a", name="a", vdsm_name="a", vlan=1),
            NetworkIntent(id="b", name="b", vdsm_name="b"),
        ),
        bonds=(BondIntent(id="x", name="bond0", slaves=("eth0", "eth1"), options={"mode": "1"}),),
        attachments=(
            AttachmentIntent(id="1", network_id="a", nic="bond0"),
            AttachmentIntent(id="2", network_id="b", nic="eth2", assignments=ip),
        ),
    )
    return desired_host(intent, machine())


def test_nothing_missing_nothing_left_out() -> None:
    host = wanted("legacy")
    assert prune_missing(host, machine()) == (host, ())


def test_linux_parts() -> None:
    pruned, lines = prune_missing(wanted("legacy"), machine(("eth0", "averylongnic0")))
    assert (pruned.nics.keys(), pruned.bridges.keys()) == ({"eth0", "averylongnic0"}, {"a"})
    assert (pruned.routes, pruned.rules) == ((), ())
    assert lines == (
        "b is left out: all that it stands on is missing",
        "eth1 is left out: it is missing",
        "eth2 is left out: it is missing",
    )
    without_bond, lines = prune_missing(wanted("legacy"), machine(("eth2", "averylongnic0")))
    assert (without_bond.bonds, without_bond.vlans, without_bond.bridges.keys()) == ({}, {}, {"b"})


def test_open_vswitch_parts() -> None:
    pruned, lines = prune_missing(wanted("ovs"), machine(("eth0", "averylongnic0")))
    assert pruned.ovs_bridges.keys() == {"br-bond0"}
    assert {name: (port.interfaces, port.bond_mode) for name, port in pruned.ovs_ports.items()} == {
        "eth0": (("eth0",), ""),
        "a": ((), ""),
    }
    assert "br-eth2 is left out: all that it stands on is missing" in lines


@settings(settings.default, max_examples=settings.default.max_examples // 4)
@given(hosts, st.sets(st.sampled_from(NICS)))
def test_what_is_left_can_be_reached(host: Host, kept: set[str]) -> None:
    there = replace(machine(), nics={name: nic for name, nic in machine().nics.items() if name in kept})
    pruned, lines = prune_missing(host, there)
    assert bool(lines) == (len(kept) < len(NICS))
    assert differences(pruned, simulate_all(there, plan(there, pruned))) == ()
