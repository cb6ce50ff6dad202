"""Properties of every plan: it leads to the desired state, survives interruption, and changes no foreign objects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.strategies import hosts, intents, machine, machines, managed_hosts
from netweft.core.compare import differences
from netweft.core.desired import desired_host
from netweft.core.host import Host
from netweft.core.plan import plan
from netweft.core.simulate import StepRefusedError, simulate_all
from netweft.core.step_texts import describe

pytestmark = pytest.mark.no_cover  # Tracing doubles their time, and every branch is for the cases beside them to show.


def reach(current: Host, desired: Host) -> Host:
    """Plan and do; what the simulation refuses fails the test, which then shows the plan."""
    steps = plan(current, desired)
    try:
        return simulate_all(current, steps)
    except StepRefusedError as refusal:
        refusal.add_note("\n".join(map(describe, steps)))
        raise


@given(machines, intents, intents)
def test_what_users_want_is_reached_and_then_there_is_nothing_to_do(start: Host, first: object, second: object) -> None:
    now = start
    for intent in (first, second):
        desired = desired_host(intent, now)
        now = reach(now, desired)
        assert differences(desired, now) == ()
        assert plan(now, desired) == []
        assert plan(now, desired_host(intent, now)) == []


@given(hosts, hosts)
def test_any_state_is_reached_from_any_other(first: Host, second: Host) -> None:
    now = machine()
    for desired in (first, second):
        now = reach(now, desired)
        assert differences(desired, now) == ()
        assert plan(now, desired) == []


@given(hosts, hosts, st.data())
def test_an_interrupted_plan_is_taken_up_by_the_next(first: Host, second: Host, data: st.DataObject) -> None:
    start = reach(machine(), first)
    now = start
    for desired in (second, first):
        steps = plan(now, desired)
        now = simulate_all(now, steps[: data.draw(st.integers(0, len(steps)))])
    assert differences(start, reach(now, start)) == ()
    assert differences(second, reach(now, second)) == ()


@given(machines, intents, st.data())
def test_the_way_back_ends_where_it_began(start: Host, intent: object, data: st.DataObject) -> None:
    """From a host that was never ours: the checkpoint holds NICs unmarked, with addresses and routes of their own."""
    steps = plan(start, desired_host(intent, start))
    middle = simulate_all(start, steps[: data.draw(st.integers(0, len(steps)))])
    back = reach(middle, start)
    assert differences(start, back, watch=start.nics) == ()
    assert back.routes == start.routes
    assert not any(link.owner for link in back.links().values())


@given(managed_hosts, intents)
def test_the_way_back_from_one_managed_state_to_another(start: Host, intent: object) -> None:
    there = reach(start, desired_host(intent, start))
    back = reach(there, start)
    assert differences(start, back) == ()
    assert plan(back, start) == []


@given(machines, intents)
def test_what_is_not_ours_is_never_named(start: Host, intent: object) -> None:
    steps = plan(start, desired_host(intent, start))
    theirs = {"theirs", "virbr0"}
    assert not [step for step in steps if {getattr(step, "name", ""), getattr(step, "master", "")} & theirs]
    after = simulate_all(start, steps)
    assert {name: after.bridges.get(name) for name in start.bridges} == start.bridges
    assert start.vlans.keys() <= after.vlans.keys()
    assert {r for r in start.routes if r.link in theirs} <= set(after.routes)
