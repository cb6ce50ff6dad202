"""What a host brings along is taken over or kept as it is: nothing is torn down because the engine does not know it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given, settings

from core.strategies import intents, machines
from core.test_plan_properties import reach
from netweft.core import steps as s
from netweft.core.adoption import adopted
from netweft.core.desired import desired_host
from netweft.core.host import Host
from netweft.core.intent import HostIntent, NetworkIntent
from netweft.core.kept import displaced, kept_names, owners_on
from netweft.core.plan import plan

pytestmark = pytest.mark.no_cover  # as in test_plan_properties.py; every branch is in test_kept.py

MARKS = (s.SetOwner, s.SetOvsBridge, s.SetOvsPort)


def taken_over(host: Host, intent: HostIntent, networks: dict[str, NetworkIntent]) -> HostIntent:
    """What an engine wants of a host that it has just taken over."""
    numbers = count(1)
    found = adopted(host, intent, networks, lambda: f"new-{next(numbers)}")
    return replace(
        intent,
        networks=tuple(networks.values()),
        attachments=(*intent.attachments, *found.attachments),
        bonds=(*intent.bonds, *found.bonds),
        kept=found.kept,
    )


def plain(intent: HostIntent) -> HostIntent:
    """Without QoS: what it is of is not always told by what a NIC has of it (Location.is_rest)."""
    return replace(
        intent,
        networks=tuple(replace(network, qos=None) for network in intent.networks),
        attachments=tuple(replace(attachment, qos=None) for attachment in intent.attachments),
    )


@settings(settings.default, max_examples=settings.default.max_examples // 4)
@given(machines, intents)
def test_an_engine_without_data_of_a_host_changes_nothing(start: Host, intent: HostIntent) -> None:
    now = reach(start, desired_host(intent, start))
    other = HostIntent(switch_type=intent.switch_type, ovs_datapath="netdev")
    assert plan(now, desired_host(taken_over(now, other, {}), now)) == []


@settings(settings.default, max_examples=settings.default.max_examples // 4)
@given(machines, intents)
def test_an_engine_that_has_lost_its_rows_takes_everything_over_as_it_is(start: Host, intent: HostIntent) -> None:
    intent = plain(intent)
    now = reach(start, desired_host(intent, start))
    known = {network.id: network for network in intent.networks}
    forgetful = replace(intent, attachments=(), bonds=(), networks=())
    again = taken_over(now, forgetful, known)
    assert again.kept == ()
    assert plan(now, desired_host(again, now)) == []


@settings(settings.default, max_examples=settings.default.max_examples // 4)
@given(machines, intents)
def test_an_engine_with_networks_of_the_same_names_changes_marks_only(start: Host, intent: HostIntent) -> None:
    intent = plain(intent)
    now = reach(start, desired_host(intent, start))
    known = {f"my-{network.id}": replace(network, id=f"my-{network.id}") for network in intent.networks}
    role = f"my-{intent.default_route_network}" if intent.default_route_network else ""
    mine = replace(intent, attachments=(), bonds=(), networks=(), default_route_network=role)
    steps = plan(now, desired_host(taken_over(now, mine, known), now))
    assert [step for step in steps if not isinstance(step, MARKS)] == []


@settings(settings.default, max_examples=settings.default.max_examples // 4)
@given(machines, intents, intents)
def test_kept_networks_stay_or_are_reported_as_obstacles(start: Host, former: HostIntent, intent: HostIntent) -> None:
    now = reach(start, desired_host(former, start))
    renamed = {network.id: f"x{network.host_side_name}" for network in intent.networks}
    networks = tuple(
        replace(network, id=f"x{network.id}", host_side_name=renamed[network.id]) for network in intent.networks
    )
    attachments = tuple(replace(one, network_id=f"x{one.network_id}") for one in intent.attachments)
    bare = replace(intent, networks=networks, attachments=attachments, default_route_network="")
    desired = replace(bare, kept=tuple(owners_on(now)))
    there = reach(now, desired_host(desired, now))
    lost = {kept_names(now, owners_on(now))[name] for name in displaced(desired_host(bare, now), now, desired.kept)}
    left = owners_on(now) - lost
    assert left <= owners_on(there)
    for owner in left:
        before = {name for name, link in now.links().items() if link.owner == owner}
        assert before == {name for name, link in there.links().items() if link.owner == owner}
