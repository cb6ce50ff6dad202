"""What neighbours are told of, after which changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from core.strategies import hosts, machine
from hosts import simulate
from netweft.core import steps as s
from netweft.core.host import Address, Bond, Bridge, GuestPort, Host, Nic, OvsBridge, OvsPort, Vlan
from netweft.core.paths import moved
from netweft.core.plan import plan
from netweft.core.simulate import StepRefusedError, simulate_all
from netweft.core.world import World

A = Address(ip="192.0.2.1", prefix=24)
GUEST = GuestPort(name="tap0", vnic="v", bridge="br")
BARE = machine(("eth0", "eth1", "eth2"))


def with_links(*links: object) -> Host:
    host = BARE
    for link in links:
        host = host.with_link(link)  # type: ignore[arg-type] # links
    return host


def nic(number: int, **fields: object) -> Nic:
    return replace(BARE.nics[f"eth{number}"], **fields)  # type: ignore[arg-type] # fields of a NIC


BRIDGE = Bridge(name="br", mac=nic(0).mac, addresses=(A,))
VLAN = Vlan(name="v", base="eth0", tag=5, mac=nic(0).mac, addresses=(A,))
BOND = Bond(name="bond0", mac=nic(0).mac, addresses=(A,))
IN_BOND = (nic(0, master="bond0"), nic(1, master="bond0"))


def switched(tag: int | None = None) -> Host:
    """An OVS bridge on eth0 with an internal port that has the address."""
    uplink = OvsPort(name="eth0", bridge="sw", interfaces=("eth0",))
    internal = OvsPort(name="int0", bridge="sw", mac=nic(0).mac, tag=tag, addresses=(A,))
    ports = {"int0": internal, uplink.name: uplink}
    return replace(BARE, ovs_bridges={"sw": OvsBridge(name="sw")}, ovs_ports=ports)


PAIRED = switched()
PAIRED = replace(
    PAIRED,
    ovs_ports={
        "int0": PAIRED.ovs_ports["int0"],
        "pair": OvsPort(name="pair", bridge="sw", interfaces=("eth0", "eth1"), bond_mode="active-backup"),
    },
)

SAME = [
    (with_links(nic(0, addresses=(A,))), with_links(BRIDGE, nic(0, master="br")), "br"),
    (with_links(nic(0, addresses=(A,))), switched(), "int0"),
    (with_links(VLAN), switched(tag=5), "int0"),
    (with_links(nic(0)), with_links(nic(0, addresses=(A,), up=False)), "eth0"),
    (with_links(), with_links(), "gone"),
]
ELSEWHERE = [
    (with_links(), with_links(nic(0, addresses=(A,))), "eth0"),
    (with_links(nic(0, addresses=(A,))), with_links(nic(1, addresses=(A,))), "eth1"),
    (with_links(nic(0, dynamic=(A,))), with_links(nic(0, dynamic=(A,), mac="02:00:00:00:00:99")), "eth0"),
    (with_links(nic(0, addresses=(A,))), with_links(VLAN), "v"),
    (with_links(VLAN), with_links(replace(VLAN, tag=6)), "v"),
    (with_links(BOND, *IN_BOND), with_links(BOND, IN_BOND[1], nic(2, master="bond0")), "bond0"),
    (with_links(BOND, *IN_BOND), with_links(replace(BOND, options={"primary": "eth1"}), *IN_BOND), "bond0"),
    (with_links(BRIDGE, nic(0, master="br")), with_links(BRIDGE, nic(1, master="br")), "br"),
    (switched(), PAIRED, "int0"),
]


@pytest.mark.parametrize(("before", "after", "name"), SAME)
def test_who_is_where_it_was_is_not_announced(before: Host, after: Host, name: str) -> None:
    assert moved(World(before), World(after), [name]) == []


@pytest.mark.parametrize(("before", "after", "name"), ELSEWHERE)
def test_who_is_elsewhere_is_announced(before: Host, after: Host, name: str) -> None:
    assert moved(World(before), World(after), [name]) == [name]


def guests(host: Host, bridge: str) -> Host:
    return replace(host, guest_ports={"tap0": replace(GUEST, bridge=bridge)})


def test_guests_are_announced_when_their_bridge_has_another_port() -> None:
    silent = replace(BRIDGE, addresses=())
    before, after = (guests(with_links(silent, nic(number, master="br")), "br") for number in (0, 1))
    assert moved(World(before), World(after), ["br"]) == ["br"]
    assert moved(World(before), World(before), ["br"]) == []
    assert moved(World(replace(before, guest_ports={})), World(replace(after, guest_ports={})), ["br"]) == []


def test_guests_that_will_be_plugged_in_again_are_announced() -> None:
    before, after = guests(PAIRED, "sw"), guests(PAIRED, "")
    assert moved(World(before), World(after), ["sw"]) == ["sw"]
    without = guests(with_links(), "")
    assert moved(World(without), World(guests(switched(), "")), ["sw"]) == ["sw"]
    assert moved(World(guests(switched(), "")), World(guests(switched(), "")), ["sw"]) == []


def test_a_link_that_stands_on_itself_has_a_way() -> None:
    loop = with_links(replace(BRIDGE, addresses=()), Vlan(name="v", base="br", tag=1, master="br"))
    assert moved(World(loop), World(loop), ["br"]) == []


@settings(settings.default, max_examples=settings.default.max_examples // 4)
@given(hosts, hosts)
def test_whatever_has_another_mac_address_in_the_end_is_announced(first: Host, second: Host) -> None:
    start = simulate_all(machine(), plan(machine(), first))
    steps = plan(start, second)
    end = simulate_all(start, steps)
    known = {address.ip: link.mac for link in start.links().values() for address in link.addresses if link.up}
    announced = {step.name for step in steps if isinstance(step, s.Announce)}
    for link in end.links().values():
        others = {address.ip for address in link.addresses if known.get(address.ip) != link.mac}
        assert not others or not link.up or link.name in announced


def test_only_what_is_there_is_announced() -> None:
    assert simulate(switched(), s.Announce("sw")) == simulate(switched(), s.Announce("int0")) == switched()
    with pytest.raises(StepRefusedError, match="no link eth9"):
        simulate(BARE, s.Announce("eth9"))
