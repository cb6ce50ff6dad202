"""What requests that change no host would break on hosts: by the same rules as setting up, but nothing twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from netweft.core.desired import desired_host
from netweft.core.errors import Problem, ValidationError
from netweft.core.host import Host, Nic
from netweft.core.host_limits import HostLimits
from netweft.core.host_request import AttachmentChange, BondChange, HostView, NetworkView, Ref, SetupRequest, written
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, HostQos, IpAssignment, NetworkIntent
from netweft.core.plan import PlanError, plan
from netweft.core.protocol import Ability
from netweft.core.rules.host_consistency import applicable, new_violations, violations
from netweft.core.rules.setup_networks import Violation, validate
from netweft.core.simulate import simulate_all

QOS = HostQos(link_share=10)
STATIC6 = IpAssignment(version=6, method="static", address="2001:db8::5", prefix=64)
REPORT = Host(nics={f"eth{n}": Nic(name=f"eth{n}") for n in range(5)})


def network(name: str, **fields: object) -> NetworkIntent:
    return NetworkIntent(id=f"id-{name}", name=name, host_side_name=name, **{"vlan": None, "mtu": 0, **fields})  # type: ignore[arg-type]  # its fields


NETWORKS = {
    "id-red": network("red", vlan=10),
    "id-blue": network("blue", vlan=20),
    "id-six": network("six", vlan=30),
    "id-store": network("store", vlan=40, vm=False),
}
ATTACHMENTS = (
    AttachmentIntent(id="a-red", network_id="id-red", nic="eth1"),
    AttachmentIntent(id="a-blue", network_id="id-blue", nic="eth1", properties={"bridge_opts": "priority=1"}),
    AttachmentIntent(id="a-six", network_id="id-six", nic="eth2", assignments=(STATIC6,)),
    AttachmentIntent(id="a-store", network_id="id-store", nic="bond0"),
)
BOND = BondIntent(id="b", name="bond0", slaves=("eth3", "eth4"), options={"mode": "0"})


def view(
    roles: Mapping[str, str] | None = None,
    switch_type: str = "legacy",
    limits: HostLimits | None = None,
    **changes: Mapping[str, object],
) -> HostView:
    """The host with changes of its networks, by their names. ``roles``: of networks by their ids."""
    intents = {key: replace(one, **changes.get(one.name, {})) for key, one in NETWORKS.items()}
    given = {key: frozenset({role}) for key, role in (roles or {}).items()}
    return HostView(
        id="h",
        name="one",
        status="up",
        intent=HostIntent(
            switch_type=switch_type,  # type: ignore[arg-type]  # one of its literals
            networks=tuple(intents.values()),
            attachments=ATTACHMENTS,
            bonds=(BOND,),
        ),
        report=REPORT,
        nics={},
        networks={
            key: NetworkView(intent=one, in_cluster=True, roles=given.get(key, frozenset()))
            for key, one in intents.items()
        },
        limits=limits or HostLimits(),
    )


BREAKS = [
    (view(blue={"vlan": 10}), ("vlan_occurs_once", "eth1"), "VLAN 10 would be on 'eth1' more than once"),
    (view(blue={"vlan": None}, red={"vlan": None}), ("only_one_untagged", "eth1"), "several untagged networks"),
    (view(blue={"vlan": None}, red={"mtu": 9000}), ("mtu_is_the_same", "eth1"), "different MTUs"),
    (view(blue={"qos": QOS}), ("all_or_none_have_qos", "eth1"), "these have none: red"),
    (view(blue={"vm": False}), ("bridge_options_only_on_vm_network", "a-blue"), "is for VM networks"),
    (view(six={"mtu": 1000}), ("ipv6_fits_into_mtu", "a-six"), "IPv6 needs 1280"),
    (view(store={"vm": True}), ("mode_carries_vm_networks", "bond0"), "cannot carry the VM networks store"),
    (view(switch_type="ovs"), ("mode_is_known_to_ovs", "bond0"), "Open vSwitch does not have"),
    (view(roles={"id-red": "display"}), ("role_network_has_address", "a-red"), "has the role display"),
]

NO_VLANS, NO_BONDS, NO_SWITCH = (
    HostLimits(lacks=frozenset({ability})) for ability in (Ability.VLAN, Ability.BONDING, Ability.OPEN_VSWITCH)
)
SHAPED, NO_IPV6 = HostLimits(shaped_by_others={"eth2": "fq 8001:"}), HostLimits(without_ipv6=frozenset({"eth2"}))
BOND_NAMED = HostLimits(names=frozenset({"bond0"}))
NAMED, DEVICE = HostLimits(names=frozenset({"store"})), HostLimits(names=frozenset({"eth2.31", "br-eth2"}))
PLAIN: dict[str, object] = {"vlan": None}
ALL_PLAIN = dict.fromkeys(("red", "blue", "six", "store"), PLAIN)
BARE: dict[str, object] = {"vlan": None, "vm": False}

ABOVE_LIMITS = [
    (NO_VLANS, ALL_PLAIN, "", {"six": {"vlan": 30}}, "", ("host_can_tag", "a-six"), "no VLANs"),
    (NO_BONDS, {}, "ovs", {}, "legacy", ("host_can_bond", "bond0"), "no bonding"),
    (BOND_NAMED, {}, "ovs", {}, "legacy", ("bond_name_is_free", "bond0"), "has a link 'bond0' that is not a bond"),
    (NO_SWITCH, {}, "", {}, "ovs", ("host_has_its_switch", "a-six"), "which has no Open vSwitch"),
    (
        SHAPED,
        {},
        "",
        {"six": {"qos": QOS}},
        "",
        ("nic_can_be_shaped", "a-six"),
        "other software shapes the traffic of eth2",
    ),
    (NO_IPV6, {}, "", {"six": BARE}, "", ("nic_has_ipv6", "a-six"), "IPv6 is disabled on eth2"),
    (NAMED, {}, "", {"store": {"vm": True}}, "", ("host_side_name_is_free", "a-store"), "is called 'store' on hosts"),
    (DEVICE, {}, "", {"six": {"vlan": 31}}, "", ("host_side_name_is_free", "a-six"), "needs a link called 'eth2.31'"),
    (DEVICE, {}, "", {}, "ovs", ("host_side_name_is_free", "a-six"), "needs a link called 'br-eth2'"),
]
"""Limits of a host; networks and switch type before a request; what the request changes of them; what that breaks."""


@pytest.mark.parametrize(("limits", "networks", "switch", "changes", "other_switch", "key", "words"), ABOVE_LIMITS)
def test_what_a_host_has_reported_that_it_cannot_do(
    limits: HostLimits,
    networks: dict[str, dict[str, object]],
    switch: str,
    changes: dict[str, dict[str, object]],
    other_switch: str,
    key: tuple[str, str],
    words: str,
) -> None:
    """It is not asked for by other requests either; where nothing stands in the way, it may be."""

    def state(limits: HostLimits, switch: str, **networks: dict[str, object]) -> dict[Violation, Problem]:
        return violations(view(None, switch or "legacy", limits, **networks))

    before = state(limits, switch, **networks)
    after = state(limits, other_switch or switch, **{**networks, **changes})
    assert key not in before
    assert words in new_violations(before, after)[key].text
    assert key not in state(HostLimits(), other_switch or switch, **{**networks, **changes})


@pytest.mark.parametrize(("after", "key", "words"), BREAKS)
def test_what_a_request_breaks(after: HostView, key: tuple[str, str], words: str) -> None:
    before = violations(view())
    assert before == {}
    found = new_violations(before, violations(after))
    assert set(found) == {key}
    assert words in found[key].text


@pytest.mark.parametrize("wrong", [after for after, _, _ in BREAKS])
def test_what_was_wrong_before_stops_no_other_request(wrong: HostView) -> None:
    assert new_violations(violations(wrong), violations(wrong)) == {}
    more = replace(wrong, networks={**wrong.networks, "id-new": NetworkView(intent=network("new"), in_cluster=True)})
    assert validate(more, SetupRequest(attachments=(change("new", "eth0"),)), str).needs_host


def change(name: str, nic: str, **fields: object) -> AttachmentChange:
    return AttachmentChange(network=Ref(name=name), nic=Ref(name=nic), **fields)  # type: ignore[arg-type]  # its fields


@pytest.mark.parametrize("wrong", [after for after, _, _ in BREAKS])
def test_what_is_there_can_be_sent_back(wrong: HostView) -> None:
    """Attachments and bonds as they are, also where they are not as they should be."""
    back = [
        AttachmentChange(id=one.id, assignments=one.assignments, properties=one.properties, dns=one.dns, qos=one.qos)
        for one in ATTACHMENTS
    ]
    bond = BondChange(
        bond=Ref(name="bond0"), slaves=tuple(Ref(name=name) for name in BOND.slaves), options=BOND.options
    )
    assert not validate(wrong, SetupRequest(attachments=tuple(back), bonds=(bond,)), str).needs_host


def test_existing_violations_count_where_something_is_added() -> None:
    """Taking something away is well."""
    wrong = view(blue={"vlan": 10}, six={"vlan": 10})
    with pytest.raises(ValidationError, match="VLAN 10 would be on 'eth1' more than once"):
        validate(wrong, SetupRequest(attachments=(change("six", "eth1"),)), str)
    with pytest.raises(ValidationError, match="VLAN 10 would be on 'eth1' more than once"):
        validate(wrong, SetupRequest(synchronized=("a-red",)), str)
    assert validate(wrong, SetupRequest(removed=(Ref(id="a-red"),)), str).needs_host


def test_networks_that_do_not_fit_together_stay_as_they_are_on_the_host() -> None:
    good = view(blue={"vlan": None})
    assert applicable(good.intent, REPORT) == good.intent
    there = applied(good.intent, REPORT)
    half = view(blue={"vlan": None, "mtu": 9000, "qos": QOS}).intent
    assert plan(there, desired_host(half, there))
    assert plan(there, desired_host(applicable(half, there), there)) == []
    both = view(blue={"vlan": None, "mtu": 9000, "qos": QOS}, red={"mtu": 9000, "qos": QOS}).intent
    after = applied(applicable(both, there), there)
    assert {after.bridges[name].mtu for name in ("red", "blue")} == {9000}


def test_networks_that_come_are_made_to_go_with_those_that_are_there() -> None:
    """Those of a change under way, and those whose devices somebody has deleted."""
    good, half = view(blue={"vlan": None}).intent, view(blue={"vlan": None, "mtu": 9000, "qos": QOS}).intent
    whole = applied(good, REPORT)
    only_blue = replace(good, attachments=good.attachments[1:])
    for there, mtu in ((REPORT, 9000), (whole, 1500), (applied(only_blue, REPORT), 1500)):
        after = applied(applicable(half, there), there)
        assert {after.bridges[name].mtu for name in ("red", "blue")} == {mtu}
        assert not after.nics["eth1"].shaping
    shaped = view(blue={"vlan": None, "qos": QOS}, red={"qos": QOS}).intent
    there = applied(replace(shaped, attachments=shaped.attachments[1:]), REPORT)
    mixed = view(blue={"vlan": None, "qos": QOS, "mtu": 9000}, red={}).intent
    after = applied(applicable(mixed, there), there)
    assert {traffic.tag for traffic in after.nics["eth1"].shaping} == {None, 10}


def test_what_others_have_made_impossible_keeps_nothing_else_from_being_done() -> None:
    there = applied(view().intent, REPORT)
    shaped = there.with_link(replace(there.nics["eth2"], queueing="fq 8001:"))
    desired = view(six={"qos": QOS}).intent
    with pytest.raises(PlanError, match="a queueing discipline that Netweft did not make"):
        plan(shaped, desired_host(desired, shaped))
    assert plan(shaped, desired_host(applicable(desired, shaped), shaped)) == []
    bare = view(six={"vlan": None, "vm": False}).intent
    off = REPORT.with_link(replace(REPORT.nics["eth2"], ipv6_off=True))
    assert desired_host(bare, off).nics["eth2"].addresses
    assert not desired_host(applicable(bare, off), off).nics["eth2"].addresses


def test_a_host_that_comes_among_other_networks_has_their_management() -> None:
    management = NetworkView(intent=network("mgmt"), in_cluster=True, roles=frozenset({"management"}))
    elsewhere = replace(view(), networks={**view().networks, "id-mgmt": management})
    found = new_violations(violations(view()), violations(elsewhere))
    assert set(found) == {("management_is_attached", "")}


def applied(intent: HostIntent, host: Host) -> Host:
    return simulate_all(host, plan(host, desired_host(intent, host)))


def test_options_of_a_bond_that_open_vswitch_has_not() -> None:
    bond = replace(BOND, options={"mode": "1", "fail_over_mac": "1"})
    here, there = (
        replace(found, intent=replace(found.intent, bonds=(bond,))) for found in (view(), view(switch_type="ovs"))
    )
    assert set(new_violations(violations(here), violations(there))) == {("options_are_known_to_ovs", "bond0")}


def test_addresses_in_another_order_are_the_same() -> None:
    here, dhcp = view(), IpAssignment(method="dhcp")
    given = replace(here.intent, attachments=(replace(ATTACHMENTS[2], assignments=(STATIC6, dhcp)),))
    said = change("six", "eth2", assignments=(dhcp, STATIC6))
    assert not validate(replace(here, intent=given), SetupRequest(attachments=(said,)), str).needs_host


def test_addresses_are_written_one_way() -> None:
    assert written("2001:DB8::05") == "2001:db8::5"
    assert written("nowhere") == ""


def test_an_ipv6_gateway_stays_where_the_role_has_moved_away() -> None:
    """It can be sent back, also with another NIC, but none is given anew."""
    gateway = replace(STATIC6, gateway="2001:db8::1")
    here = view()
    there = replace(here.intent, attachments=(replace(ATTACHMENTS[2], assignments=(gateway,)),))
    host = replace(here, intent=there)
    assert not validate(
        host, SetupRequest(attachments=(change("six", "eth2", assignments=(gateway,)),)), str
    ).needs_host
    spelt = replace(gateway, address=f"{gateway.address.upper()}", gateway="2001:0DB8:0::1")
    validate(host, SetupRequest(attachments=(change("six", "eth2", assignments=(spelt,)),)), str)
    assert validate(host, SetupRequest(attachments=(change("six", "eth0", assignments=(gateway,)),)), str).needs_host
    other = replace(gateway, gateway="2001:db8::2")
    with pytest.raises(ValidationError, match="cannot have an IPv6 gateway"):
        validate(host, SetupRequest(attachments=(change("six", "eth2", assignments=(other,)),)), str)


def test_a_network_that_could_not_follow_its_label_can_be_sent_back() -> None:
    here = view()
    labelled = replace(here.networks["id-red"], label="lab")
    host = replace(here, networks={**here.networks, "id-red": labelled}, labels={"lab": "eth0"})
    assert not validate(host, SetupRequest(attachments=(change("red", "eth1"),)), str).needs_host


def test_a_bond_whose_nics_are_gone_can_be_sent_back() -> None:
    """One NIC is left: of that no bond could be made."""
    left = view()
    host = replace(
        left, report=replace(REPORT, nics={name: nic for name, nic in REPORT.nics.items() if name != "eth4"})
    )
    said = BondChange(bond=Ref(name="bond0"), slaves=(Ref(name="eth3"),), options=BOND.options)
    assert not validate(host, SetupRequest(bonds=(said,)), str).needs_host
    with pytest.raises(ValidationError, match="must have at least 2 slaves"):
        validate(left, SetupRequest(bonds=(said,)), str)
