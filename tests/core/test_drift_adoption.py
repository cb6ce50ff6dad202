"""The state of a host becomes its desired state where attachments and bonds can express it; the rest is reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given, settings

from core.foreign import meddle
from core.strategies import intents, machines, sources
from core.test_drift import NIC, guest
from core.test_sync import V4, V6, intent, made
from hosts import without_link
from netweft.core.desired import desired_host
from netweft.core.drift import find_drift
from netweft.core.drift_adoption import AdoptedDrift, adopt_drift
from netweft.core.host import Address, Host
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, IpAssignment
from netweft.core.plan import plan
from netweft.core.rules import host_drift as rules
from netweft.core.simulate import simulate_all
from netweft.core.steps import Announce, RemoveRoute, RemoveRule

OTHER = Address(ip="192.0.2.9", prefix=24)
MORE = Address(ip="198.51.100.9", prefix=24)


def link(host: Host, name: str, **fields: object) -> Host:
    return host.with_link(replace(host.links()[name], **fields))  # type: ignore[arg-type] # of the link's kind


def adopted(host: Host, names: tuple[str, ...] | None = None, desired: HostIntent | None = None) -> AdoptedDrift:
    desired = desired or intent()
    return adopt_drift(desired, host, find_drift(desired, host), names)


def attachment(found: AdoptedDrift, number: str) -> AttachmentIntent:
    return next(one for one in found.setup.attachments if one.id == number)


def left(found: AdoptedDrift) -> list[str]:
    return [one.text for one in found.left]


def test_another_address_and_its_gateway() -> None:
    host = made(intent())
    v6 = Address(ip="2001:db8::5", prefix=64)
    found = adopted(link(host, "ovirtmgmt", addresses=(OTHER, v6)))
    assert attachment(found, "1").assignments == (replace(V4, address="192.0.2.9"), replace(V6, address="2001:db8::5"))
    assert left(found) == []


def test_no_gateway() -> None:
    host = made(intent())
    routes = tuple(route for route in host.routes if not (route.is_default and route.version == 4))
    found = adopted(replace(host, routes=routes))
    assert attachment(found, "1").assignments[0] == replace(V4, gateway="")
    assert left(found) == []


def test_an_additional_address_cannot_be_adopted() -> None:
    host = made(intent())
    v6 = Address(ip="2001:db8::5", prefix=64)
    found = adopted(link(host, "ovirtmgmt", addresses=tuple(sorted((Address(ip="192.0.2.5", prefix=24), MORE, v6)))))
    assert attachment(found, "1").assignments[0] == V4
    (text,) = left(found)
    assert text.startswith("ovirtmgmt: addresses should be 192.0.2.5/24, 2001:db8::5/64, and is 192.0.2.5/24, 198")


def test_an_address_where_none_is_desired() -> None:
    found = adopted(link(made(intent()), "bond0.100", addresses=(MORE,)))
    desired = IpAssignment(method="static", address="198.51.100.9", prefix=24)
    assert attachment(found, "3").assignments == (desired,)
    assert left(found) == []


def test_dhcp_that_was_stopped() -> None:
    found = adopted(link(made(intent()), "bond0", dhcp4=False))
    assert attachment(found, "4").assignments == (IpAssignment(),)
    assert left(found) == []


def test_options_of_a_bridge() -> None:
    found = adopted(link(made(intent()), "tenants", options={"forward_delay": "500"}))
    assert attachment(found, "2").properties == {"bridge_opts": "forward_delay=500"}
    assert left(found) == []


def test_resolvers() -> None:
    found = adopted(replace(made(intent()), dns=("192.0.2.77",)))
    assert attachment(found, "1").dns == ("192.0.2.77",)
    assert left(found) == []
    none = adopted(replace(made(intent()), dns=None))
    assert left(none) == ["the resolvers should be 192.0.2.53, and are none"]


def test_members_and_options_of_a_bond() -> None:
    three = intent(bonds=(BondIntent(id="b", name="bond0", slaves=("eth1", "eth2"), options={"mode": "4"}),))
    host = made(three)
    port = replace(host.nics["averylongnic0"], master="bond0", owner="base", mtu=9000, mac=host.bonds["bond0"].mac)
    host = link(host.with_link(port), "bond0", options={"miimon": "50"})
    found = adopted(host, desired=three)
    (bond,) = found.setup.bonds
    assert bond.slaves == ("averylongnic0", "eth1", "eth2")
    assert bond.options == {"mode": "802.3ad", "miimon": "50"}
    assert left(found) == []


def test_one_member_is_no_bond() -> None:
    found = adopted(link(made(intent()), "eth2", master=""))
    assert found.setup.bonds == intent().bonds
    assert left(found) == ["eth2: master should be bond0, and is none"]
    gone = adopted(without_link(made(intent()), "bond0"))
    assert found.setup.bonds == gone.setup.bonds


def test_a_network_that_is_gone() -> None:
    host = without_link(made(intent()), "bond0.100")
    found = adopted(host)
    assert [one.id for one in found.setup.attachments] == ["1", "2", "4"]
    assert left(found) == []


def test_a_network_without_its_mark_is_not_gone() -> None:
    found = adopted(link(made(intent()), "bond0.100", owner=""))
    assert [one.id for one in found.setup.attachments] == ["1", "2", "3", "4"]
    assert left(found) == ["bond0.100: owner should be storage, and is none"]


def test_only_what_is_named() -> None:
    host = link(link(made(intent()), "bond0.100", addresses=(MORE,)), "tenants", options={"forward_delay": "500"})
    found = adopted(host, ("2",))
    assert attachment(found, "2").properties
    assert attachment(found, "3") == intent().attachments[2]
    assert left(found) == []


REFUSED: dict[str, tuple[Callable[[Host], Host], str]] = {
    "an MTU": (lambda host: link(host, "tenants", mtu=1500), "the network defines this for all its hosts"),
    "a link that is down": (lambda host: link(host, "tenants", up=False), "no setting of an attachment or bond"),
    "what is left of a network": (
        lambda host: host.with_link(replace(host.bridges["tenants"], name="old", owner="gone")),
        "no setting of an attachment or bond",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_adopted_is_refused_by_name(what: str) -> None:
    change, words = REFUSED[what]
    found = adopted(change(made(intent())))
    problem = rules.drift_can_be_adopted(found.left)
    assert problem is not None
    assert words in problem.text


def test_a_guests_port_is_no_setting_of_the_host() -> None:
    """It stays as it is: the setting of its driver remains the desired one."""
    desired = intent("ovs")
    host = made(desired)
    drift = find_drift(desired, host, (guest(NIC),))
    found = adopt_drift(desired, host, drift)
    problem = rules.drift_can_be_adopted(found.left)
    assert problem is not None
    assert "the profile of the vNIC defines this: change the vNIC" in problem.text


@settings(settings.default, max_examples=settings.default.max_examples // 4)
@given(machines, intents, sources)
@pytest.mark.no_cover
def test_of_a_host_of_which_all_was_adopted_only_what_is_left_over_goes(
    start: Host, desired: HostIntent, random: Random
) -> None:
    now = meddle(random, simulate_all(start, plan(start, desired_host(desired, start))))
    drift = find_drift(desired, now)
    found = adopt_drift(desired, now, drift)
    is_detached = len(found.setup.attachments) < len(desired.attachments)  # what carried a network is released then
    if not (found.left or drift.obstacle or is_detached):
        after = replace(desired, attachments=found.setup.attachments, bonds=found.setup.bonds)
        steps = plan(now, desired_host(after, now))
        assert [step for step in steps if not isinstance(step, RemoveRoute | RemoveRule | Announce)] == []


def test_rules() -> None:
    assert rules.drift_can_be_adopted(()) is None
    assert rules.drift_is_there("h", (), {"eth1"}) is None
    for names, there, text in (
        ((), (), "Nothing differs on Host h."),
        (("eth2",), {"eth1"}, "Nothing of eth2 differs on Host h. Only these differ: eth1."),
    ):
        problem = rules.drift_is_there("h", names, there)
        assert problem is not None
        assert problem.text == text
    assert rules.drift_is_ignored("h", []) is not None
    assert rules.drift_is_ignored("h", ["x"]) is None
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert rules.drift_is_ignored_until_later(None, now) is None
    assert rules.drift_is_ignored_until_later(now, now) is not None
    assert rules.drift_is_ignored_until_later(now.replace(year=2027), now) is None


def test_what_would_take_more_than_the_host_has_is_refused() -> None:
    """A gateway of a network without the role is in a routing table of its own, with rules: not in the main one."""
    host = link(made(intent()), "bond0.100", addresses=(MORE,))
    host = replace(
        host,
        routes=tuple(
            replace(route, link="bond0.100", via="198.51.100.1") if route.is_default and route.version == 4 else route
            for route in host.routes
        ),
    )
    found = adopted(host, ("3",))
    assert any("198.51.100.0/24" in text and "is missing" in text for text in left(found)), left(found)
