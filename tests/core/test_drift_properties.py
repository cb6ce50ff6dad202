"""A host drifts exactly when a setup that asks for nothing new would have steps to do."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings

from core.foreign import meddle
from core.strategies import intents, machines, sources
from netweft.core.desired import desired_host
from netweft.core.drift import find_drift
from netweft.core.host import Host
from netweft.core.intent import HostIntent
from netweft.core.plan import PlanError, plan
from netweft.core.simulate import simulate_all
from netweft.core.sync import compare_attachment

pytestmark = pytest.mark.no_cover  # Tracing doubles their time, and every branch is for the cases beside them to show.


def steps(now: Host, desired: Host) -> list[object]:
    """What a setup would do; that it cannot be done is something, too."""
    try:
        return list(plan(now, desired))
    except PlanError as error:
        return [error]


@settings(settings.default, max_examples=settings.default.max_examples // 4)
@given(machines, intents, sources)
def test_drift_is_empty_exactly_when_the_plan_is(start: Host, intent: HostIntent, random: Random) -> None:
    made = simulate_all(start, plan(start, desired_host(intent, start)))
    assert find_drift(intent, made).is_empty
    now = meddle(random, made)
    drift, todo = find_drift(intent, now), steps(now, desired_host(intent, now))
    assert drift.is_empty == (not todo), (drift.lines(), todo)
    assert bool(drift.obstacle) == any(isinstance(one, PlanError) for one in todo)


@settings(settings.default, max_examples=settings.default.max_examples // 4)
@given(machines, intents, sources)
def test_what_differs_is_put_right_by_the_plan(start: Host, intent: HostIntent, random: Random) -> None:
    made = simulate_all(start, plan(start, desired_host(intent, start)))
    now = meddle(random, made)
    if find_drift(intent, now).obstacle:
        return
    for _ in range(2):
        now = simulate_all(now, plan(now, desired_host(intent, now)))
    assert find_drift(intent, now).lines() == ()


@settings(settings.default, max_examples=settings.default.max_examples // 4)
@given(machines, intents, sources)
def test_an_attachment_is_in_sync_exactly_when_nothing_of_it_or_below_it_differs(
    start: Host, intent: HostIntent, random: Random
) -> None:
    made = simulate_all(start, plan(start, desired_host(intent, start)))
    now = meddle(random, made)
    drift = find_drift(intent, now)
    for attachment in intent.attachments:
        differs = attachment.id in drift.attachments or attachment.nic in drift.bases
        compared = compare_attachment(intent, attachment, now, drift)
        assert all(one.in_sync for one in compared) == (not differs), (drift.lines(), compared)
