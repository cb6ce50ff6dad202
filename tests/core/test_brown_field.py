"""What others made on a host before Netweft came: as which networks it shows, and that it is taken over as it is."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given, settings

from core.strategies import intents, machine
from core.test_adoption import plain
from core.test_plan_properties import reach
from hosts import without_link
from netweft.core import steps as s
from netweft.core.adoption import adopted
from netweft.core.brown_field import foreign_networks, misfit, take_over
from netweft.core.desired import desired_host
from netweft.core.drift import find_drift
from netweft.core.host import Address, Bond, Bridge, Chassis, Host, Link, OvsBridge, OvsPort, Route, Vlan
from netweft.core.impact import explain
from netweft.core.inherited import still_inherited, with_inherited
from netweft.core.intent import AttachmentIntent, HostIntent, Inherited, NetworkIntent
from netweft.core.plan import PlanError, plan
from netweft.core.rules import foreign_network as rules
from netweft.core.simulate import simulate_all

ADDRESS, OTHER = Address(ip="10.0.0.5", prefix=24), Address(ip="10.0.1.5", prefix=24)
MARKS = (s.SetOwner, s.SetOvsBridge, s.SetOvsPort)


def network(name: str, vlan: int | None = None, **fields: object) -> NetworkIntent:
    return NetworkIntent(id=f"id-{name}", name=name, host_side_name=name, vlan=vlan, **fields)  # type: ignore[arg-type] # its own


def linux() -> Host:
    """A bridge on a VLAN device, one on a bond, a VLAN device with an address, by names that are not ours."""
    host = machine()
    mac = host.nics["eth1"].mac
    links = (
        replace(host.nics["eth1"], up=True),
        Vlan(name="eth1.10", base="eth1", tag=10, master="br10", mac=mac),
        Bridge(name="br10", mac="02:00:00:00:77:01", addresses=(ADDRESS,)),
        Vlan(name="vlan20", base="eth1", tag=20, mac=mac, addresses=(OTHER,)),
        Bond(name="bond7", mac=host.nics["eth2"].mac, mode="active-backup", options={"miimon": "50"}, master="br0"),
        replace(host.nics["eth2"], master="bond7"),
        replace(host.nics["averylongnic0"], master="bond7", mac=host.nics["eth2"].mac),
        Bridge(name="br0", mac=host.nics["eth2"].mac),
    )
    for link in links:
        host = host.with_link(link)
    return host


def switch() -> Host:
    """An OVS bridge with a NIC, and two tagged ports with addresses."""
    host = machine()
    ports = (
        OvsPort(name="eth1", bridge="br0", interfaces=("eth1",)),
        OvsPort(name="v10", bridge="br0", tag=10, mac="02:00:00:00:77:10", addresses=(ADDRESS,)),
        OvsPort(name="v20", bridge="br0", tag=20, mac="02:00:00:00:77:20", addresses=(OTHER,)),
        OvsPort(name="tap0", bridge="br0", interfaces=("tap0",)),
    )
    bridges = {"br0": OvsBridge(name="br0", datapath="netdev")}
    return replace(host, ovs_bridges=bridges, ovs_ports={port.name: port for port in ports})


LINUX = (network("br10", 10), network("backup", 20, vm=False), network("plain"))
SWITCH = (network("storage", 10), network("v20", 20))


def by_id(networks: tuple[NetworkIntent, ...]) -> dict[str, NetworkIntent]:
    return {one.id: one for one in networks}


def taken(host: Host, networks: tuple[NetworkIntent, ...], chosen: dict[str, str], switch_type: str) -> HostIntent:
    """The intent of a host after foreign networks were adopted."""
    numbers = count(1)
    start = HostIntent(switch_type=switch_type, ovs_datapath="netdev")  # type: ignore[arg-type] # one of the two
    setup = take_over(host, start, by_id(networks), chosen, lambda: f"new-{next(numbers)}")
    return replace(
        start,
        networks=networks,
        attachments=setup.attachments,
        bonds=setup.bonds,
        inherited=setup.inherited,
    )


CASES = {
    "Linux bridges": (
        linux(),
        LINUX,
        {"br10": "id-br10", "vlan20": "id-backup", "br0": "id-plain"},
        "legacy",
    ),
    "Open vSwitch": (switch(), SWITCH, {"v10": "id-storage", "v20": "id-v20"}, "ovs"),
}


@pytest.mark.parametrize("case", CASES)
def test_it_shows_as_networks_to_be(case: str) -> None:
    host, networks, chosen, switch_type = CASES[case]
    intent = HostIntent(switch_type=switch_type)  # type: ignore[arg-type] # one of the two
    found = {one.name: one for one in foreign_networks(host, intent, by_id(networks))}
    assert {name: one.network_id for name, one in found.items()} == chosen
    assert {one.problem for one in found.values()} == {""}


@pytest.mark.parametrize("case", CASES)
def test_it_is_taken_over_by_marks_alone(case: str) -> None:
    host, networks, chosen, switch_type = CASES[case]
    intent = taken(host, networks, chosen, switch_type)
    steps = plan(host, desired_host(intent, host))
    assert steps
    assert [step for step in steps if not isinstance(step, MARKS)] == []
    assert rules.foreign_network_loses_nothing(explain(steps, host)) is None
    after = simulate_all(host, steps)
    assert plan(after, desired_host(intent, after)) == []
    assert find_drift(intent, after).is_empty
    assert reach(after, host) == host, "undone, it is as others made it"


@pytest.mark.parametrize("case", CASES)
def test_an_engine_that_lost_its_rows_adopts_the_names_again(case: str) -> None:
    host, networks, chosen, switch_type = CASES[case]
    intent = taken(host, networks, chosen, switch_type)
    after = simulate_all(host, plan(host, desired_host(intent, host)))
    empty = replace(intent, attachments=(), bonds=(), inherited={})
    found = adopted(after, empty, by_id(networks), lambda: "new")
    again = replace(empty, attachments=found.attachments, bonds=found.bonds, inherited=found.inherited)
    assert plan(after, desired_host(again, after)) == []


@pytest.mark.parametrize("case", CASES)
def test_marks_that_a_boot_lost_are_set_again(case: str) -> None:
    host, networks, chosen, switch_type = CASES[case]
    intent = taken(host, networks, chosen, switch_type)
    drift = find_drift(intent, host)
    assert drift.obstacle == ""
    assert not drift.is_empty


def foreign(host: Host, switch_type: str = "legacy", networks: tuple[NetworkIntent, ...] = LINUX) -> dict[str, str]:
    """What is in the way of each thing of others."""
    intent = HostIntent(switch_type=switch_type)  # type: ignore[arg-type] # one of the two
    return {one.name: one.problem for one in foreign_networks(host, intent, by_id(networks))}


def test_obstacles_are_reported() -> None:
    host = linux()
    assert foreign(host, "ovs")["br10"] == ("It is of Linux bridges, and hosts of this Cluster have Open vSwitch.")
    lonely = host.with_link(Bridge(name="lonely"))
    assert foreign(lonely)["lonely"] == "It has no NIC or bond below it, and a network needs exactly one."
    two = host.with_link(replace(host.nics["eth0"], master="br0"))
    assert foreign(two)["br0"] == "It has several NICs (bond7, eth0) below it, and a network needs exactly one."
    twice = host.with_link(replace(host.bonds["bond7"], addresses=(ADDRESS,)))
    assert foreign(twice)["br0"] == "bond7 below it has addresses of its own; move them to br0."
    leased = host.with_link(replace(host.bridges["br10"], dynamic=(ADDRESS,)))
    assert foreign(leased)["br10"].startswith("Its address is from a DHCP client that Netweft did not start")


def test_a_network_that_does_not_fit_is_none() -> None:
    host, intent = linux(), HostIntent()
    other = network("br10", 11, mtu=9000, stp=True, vm=False)
    found = {one.name: one for one in foreign_networks(host, intent, by_id((other,)))}
    assert found["br10"].network_id == ""
    assert misfit(found["br10"], other) == (
        "VLAN 11 instead of 10, MTU 9000 instead of 1500, STP yes instead of no, for VMs no instead of yes"
    )
    assert misfit(found["br0"], network("x", 5)) == "VLAN 5 instead of none"
    attached = replace(intent, attachments=(AttachmentIntent(id="a", network_id="id-br10", nic="eth0"),))
    assert [one.network_id for one in foreign_networks(host, attached, by_id(LINUX[:1]))] == ["", "", ""]
    alone = by_id((network("any"),))
    two = host.with_link(Bridge(name="br9")).with_link(replace(host.nics["eth0"], master="br9"))
    assert {one.network_id for one in foreign_networks(two, intent, alone)} == {""}
    twins = (network("one", 10), network("two", 10))
    assert [one.network_id for one in foreign_networks(host, intent, by_id(twins))] == ["", "", ""]


def test_what_costs_traffic_is_refused_by_name() -> None:
    host = linux()
    host = replace(host, routes=(Route(to="192.0.2.0/24", via="10.0.0.1", link="br10", protocol=4),))
    intent = taken(host, LINUX, {"br10": "id-br10"}, "legacy")
    problem = rules.foreign_network_loses_nothing(explain(plan(host, desired_host(intent, host)), host))
    assert problem is not None
    assert "192.0.2.0/24" in problem.text


def test_what_is_of_another_kind_is_not_taken_over() -> None:
    host = linux()
    intent = taken(host, LINUX, {"br10": "id-br10"}, "legacy")
    changed = without_link(host, "br10").with_link(Vlan(name="br10", base="eth0", tag=9))
    with pytest.raises(PlanError, match="br10 was not made by Netweft, and cannot be taken over"):
        plan(changed, desired_host(intent, changed))
    retagged = host.with_link(replace(host.vlans["eth1.10"], tag=11))
    with pytest.raises(PlanError, match=r"eth1\.10 was not made by Netweft, and cannot be taken over"):
        plan(retagged, desired_host(intent, retagged))
    ports = switch()
    desired = taken(ports, SWITCH, {"v10": "id-storage"}, "ovs")
    bridge = replace(ports, ovs_bridges={"br0": replace(ports.ovs_bridges["br0"], datapath="system")})
    with pytest.raises(PlanError, match="br0 was not made by Netweft, and cannot be taken over"):
        plan(bridge, desired_host(desired, bridge))
    moved = replace(
        ports, ovs_ports={**ports.ovs_ports, "eth1": replace(ports.ovs_ports["eth1"], interfaces=("eth0",))}
    )
    with pytest.raises(PlanError, match="eth1 was not made by Netweft, and cannot be taken over"):
        plan(moved, desired_host(desired, moved))


def test_names_go_with_what_they_are_of() -> None:
    intent = taken(linux(), LINUX, {"br10": "id-br10", "vlan20": "id-backup"}, "legacy")
    assert set(intent.inherited) == {"br10", "eth1.10", "eth1.20"}
    assert intent.inherited["eth1.20"] == Inherited(name="vlan20")
    less = replace(intent, attachments=intent.attachments[:1])
    assert set(still_inherited(less, by_id(LINUX))) in ({"br10", "eth1.10"}, {"eth1.20"})


def test_what_is_ours_below_stays_ours() -> None:
    host = linux()
    ours = host.with_link(replace(host.nics["eth1"], owner="base"))
    found = take_over(ours, HostIntent(), by_id(LINUX), {"br10": "id-br10"}, lambda: "new")
    assert [(one.network_id, one.nic) for one in found.attachments] == [("id-br10", "eth1")]


def test_ovn_settings_have_the_real_names() -> None:
    names = {"br-eth1": Inherited(name="ovs0")}
    host = Host(chassis=Chassis(mappings={"physnet1": "br-eth1", "physnet2": "br-eth2"}))
    chassis = with_inherited(host, names).chassis
    assert chassis is not None
    assert chassis.mappings == {"physnet1": "ovs0", "physnet2": "br-eth2"}
    assert with_inherited(Host(), names).chassis is None


def test_rules() -> None:
    found = {one.name: one for one in foreign_networks(linux(), HostIntent(), by_id(LINUX))}
    assert rules.foreign_network_exists("h", "br10", found) is None
    missing = rules.foreign_network_exists("h", "br77", ())
    assert missing is not None
    assert "It has none" in missing.text
    assert rules.foreign_network_exists("h", "br77", found) is not None
    assert rules.foreign_networks_differ({"br10": "a", "br0": "b"}, {}) is None
    same = rules.foreign_networks_differ({"br10": "a", "br0": "a", "x": "b"}, {"a": LINUX[0]})
    assert same is not None
    assert same.text == "br0, br10 cannot all become network 'br10', which is on a host once."
    assert rules.foreign_network_is_one("h", found["br10"]) is None
    assert rules.foreign_network_is_one("h", replace(found["br10"], problem="It is broken.")) is not None
    assert rules.foreign_network_fits(found["br10"], LINUX[0], "") is None
    for one, network, name, words in (
        ("br10", None, "", "No network of the Cluster fits 'br10'. It needs one with VLAN 10 and an MTU of 1500"),
        ("br0", None, "x", "The Cluster has no network 'x'. It needs one with VLAN none"),
        ("br10", LINUX[2], "", "'br10' cannot become network 'plain', which has VLAN none instead of 10"),
    ):
        problem = rules.foreign_network_fits(found[one], network, name)
        assert problem is not None
        assert words in problem.text


def by_others(host: Host) -> tuple[Host, dict[str, str]]:
    """The host as if others had made it, under names of theirs; and whose each link was, by its new name."""
    names = {name: f"x{number}" for number, name in enumerate([*host.bridges, *host.vlans, *host.ovs_bridges])}

    def unowned(link: Link) -> Link:
        fields = ("name", "master") if not isinstance(link, OvsPort) else ("bridge",)
        renamed = {field: names.get(getattr(link, field), getattr(link, field)) for field in fields}
        return replace(link, owner="", **renamed)

    links = [*host.nics.values(), *host.bonds.values(), *host.vlans.values(), *host.bridges.values()]
    bridges = {names[name]: replace(one, name=names[name], owner="") for name, one in host.ovs_bridges.items()}
    found = Host(chassis=host.chassis, ovs_bridges=bridges)
    for link in (*links, *host.ovs_ports.values()):
        found = found.with_link(unowned(link))
    return found, {names.get(link.name, link.name): link.owner for link in host.links().values()}


@settings(settings.default, max_examples=settings.default.max_examples // 4)
@given(intents)
@pytest.mark.no_cover
def test_what_we_would_have_made_is_taken_over_by_marks_alone(intent: HostIntent) -> None:
    intent = replace(plain(intent), chassis=None, default_route_network="")
    if any(one.vlan is None and not one.vm for one in intent.networks):
        return  # what is on a NIC itself is no thing of others, and may have the NIC small
    host, owners = by_others(reach(machine(), desired_host(intent, machine())))
    networks = {one.id: one for one in intent.networks}
    empty = replace(intent, attachments=(), bonds=())
    found = foreign_networks(host, empty, networks)
    chosen = {one.name: owners[one.name] for one in found if not one.problem}
    if not chosen or len(chosen) < len(found):
        return
    numbers = count(1)
    setup = take_over(host, empty, networks, chosen, lambda: f"new-{next(numbers)}")
    desired = replace(empty, attachments=setup.attachments, bonds=setup.bonds, inherited=setup.inherited)
    steps = plan(host, desired_host(desired, host))
    assert [step for step in steps if not isinstance(step, MARKS)] == []
    after = simulate_all(host, steps)
    assert find_drift(desired, after).is_empty
    assert reach(after, host) == host
