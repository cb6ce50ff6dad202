"""The state machine of a change without a host: its transitions, and the requests in each state."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from netweft.agent.change_requests import Window, may_confirm, may_roll_back, require_current
from netweft.agent.transitions import (
    KEPT,
    TRANSITIONS,
    Start,
    Trigger,
    after_boot,
    after_steps,
    at_start,
    is_news,
    is_over,
    keep,
    transition,
)
from netweft.agent.wire import RefusalError
from netweft.core.protocol import Change, Phase

UNFINISHED = [phase for phase in Phase if not phase.is_final]
WINDOW = Window(applied=100.0, deadline=160.0, is_stopped=False)


def _change(phase: Phase, generation: int = 7) -> Change:
    return Change(generation=generation, phase=phase, started="")


def _reachable(start: Phase) -> set[Phase]:
    found, new = set(), {start}
    while new:
        found |= new
        new = {move.to for (phase, _), move in TRANSITIONS.items() if phase in new} - found
    return found


def test_phases_of_a_change_that_is_confirmed_and_committed() -> None:
    phase = Phase.CHECKPOINTED
    seen = [phase]
    for trigger in (Trigger.BEGIN, Trigger.APPLIED, Trigger.KEEP, Trigger.COMMIT):
        phase = transition(phase, trigger).to
        seen.append(phase)
    assert seen == [Phase.CHECKPOINTED, Phase.APPLYING, Phase.AWAITING, Phase.CONFIRMED, Phase.COMMITTED]


def test_every_phase_can_be_reached() -> None:
    assert _reachable(Phase.CHECKPOINTED) == set(Phase)


@pytest.mark.parametrize("phase", UNFINISHED)
def test_what_is_unfinished_can_always_be_rolled_back_even_without_a_disk(phase: Phase) -> None:
    back = transition(phase, Trigger.FAIL)
    assert (back.to, back.needs_disk) == (Phase.ROLLING_BACK, False)
    end = transition(back.to, Trigger.RESTORED)
    assert (end.to, end.needs_disk) == (Phase.ROLLED_BACK, False)


@pytest.mark.parametrize("phase", UNFINISHED)
def test_every_phase_reaches_a_final_one(phase: Phase) -> None:
    assert Phase.ROLLED_BACK in _reachable(phase)


def test_a_rollback_never_ends_as_a_kept_change() -> None:
    assert _reachable(Phase.ROLLING_BACK) == {Phase.ROLLING_BACK, Phase.ROLLED_BACK}


def test_a_kept_change_is_lost_only_by_a_boot() -> None:
    ways = {trigger for (phase, trigger), move in TRANSITIONS.items() if phase in KEPT and move.to not in KEPT}
    assert ways == {Trigger.BOOT}


def test_a_change_is_kept_only_after_its_steps_and_only_once_the_disk_has_it() -> None:
    ways = {way: move for way, move in TRANSITIONS.items() if move.to in KEPT and way[0] not in KEPT}
    assert set(ways) == set(product((Phase.APPLYING, Phase.AWAITING), (Trigger.KEEP, Trigger.KEEP_FOR_BOOT)))
    assert all(move.needs_disk for move in ways.values())


def test_only_a_request_that_commits_changes_what_boot_restores() -> None:
    assert {trigger for (_, trigger), move in TRANSITIONS.items() if move.commits} == {Trigger.KEEP_FOR_BOOT}
    assert keep(commit=True) is Trigger.KEEP_FOR_BOOT
    assert keep(commit=False) is Trigger.KEEP


@pytest.mark.parametrize("phase", list(Phase))
def test_only_committed_changes_survive_a_boot(phase: Phase) -> None:
    kept = phase is Phase.COMMITTED
    assert transition(phase, Trigger.BOOT).to is (Phase.COMMITTED if kept else Phase.ROLLED_BACK)


@pytest.mark.parametrize(
    ("phase", "after"),
    [
        (Phase.CONFIRMED, Phase.COMMITTED),
        (Phase.COMMITTED, Phase.COMMITTED),
        (Phase.ROLLED_BACK, Phase.ROLLED_BACK),
    ],
)
def test_a_commit_does_not_revive_a_change_that_was_rolled_back(phase: Phase, after: Phase) -> None:
    assert transition(phase, Trigger.COMMIT).to is after


@pytest.mark.parametrize("way", sorted(set(product(Phase, Trigger)) - set(TRANSITIONS), key=str))
def test_impossible_events_are_errors(way: tuple[Phase, Trigger]) -> None:
    with pytest.raises(RuntimeError, match="cannot happen"):
        transition(*way)


@pytest.mark.parametrize("phase", sorted(KEPT))
def test_after_a_boot_no_peers_are_probed(phase: Phase) -> None:
    """Peers may be silent because of the boot."""
    asking = replace(_change(phase), lost_peers=None)
    booted = after_boot(asking, ("eth9 is missing",))
    assert booted.lost_peers == ()
    is_gone = phase is Phase.CONFIRMED
    assert booted.phase is (Phase.ROLLED_BACK if is_gone else Phase.COMMITTED)
    assert booted.difference == (("eth9 is missing",) if is_gone else ())


def test_a_change_without_deadline_is_kept_at_once() -> None:
    assert after_steps(confirm_within=60, commit=True) is Trigger.APPLIED
    assert after_steps(confirm_within=0, commit=False) is Trigger.KEEP
    assert after_steps(confirm_within=0, commit=True) is Trigger.KEEP_FOR_BOOT


@pytest.mark.parametrize("phase", [None, *Phase])
def test_what_an_agent_does_when_it_starts(phase: Phase | None) -> None:
    assert at_start(noted_boot="", boot="b", phase=phase) is Start.NOTE_BOOT
    assert at_start(noted_boot="a", boot="b", phase=phase) is Start.RESTORE_COMMITTED
    unfinished = phase in UNFINISHED
    assert at_start(noted_boot="b", boot="b", phase=phase) is (Start.ROLL_BACK if unfinished else Start.GO_ON)


def test_a_confirmation_in_time_on_a_new_connection_counts() -> None:
    assert may_confirm(_change(Phase.AWAITING), WINDOW, opened=100.1, now=159.9)


@pytest.mark.parametrize("phase", sorted(KEPT))
def test_a_confirmation_may_be_repeated(phase: Phase) -> None:
    assert not may_confirm(_change(phase), WINDOW, opened=0, now=1000)


@pytest.mark.parametrize("phase", sorted(set(Phase) - KEPT - {Phase.AWAITING}))
def test_no_other_phase_can_be_confirmed(phase: Phase) -> None:
    with pytest.raises(RefusalError, match="awaits no confirmation"):
        may_confirm(_change(phase), WINDOW, opened=101, now=101)


@pytest.mark.parametrize("opened", [0.0, 99.9, 100.0])
def test_a_connection_from_before_the_change_proves_nothing(opened: float) -> None:
    with pytest.raises(RefusalError, match="opened before the change"):
        may_confirm(_change(Phase.AWAITING), WINDOW, opened=opened, now=101)


@pytest.mark.parametrize(("now", "is_stopped"), [(160.0, False), (101.0, True)])
def test_a_late_confirmation_does_not_count(now: float, is_stopped: bool) -> None:
    window = Window(applied=100.0, deadline=160.0, is_stopped=is_stopped)
    with pytest.raises(RefusalError, match="awaits no confirmation"):
        may_confirm(_change(Phase.AWAITING), window, opened=101, now=now)


@pytest.mark.parametrize("phase", list(Phase))
def test_what_may_be_rolled_back_on_request(phase: Phase) -> None:
    if phase in KEPT:
        with pytest.raises(RefusalError, match="send the older configuration"):
            may_roll_back(_change(phase))
    else:
        assert may_roll_back(_change(phase)) is (phase is not Phase.ROLLED_BACK)


def test_a_request_means_the_last_change() -> None:
    last = _change(Phase.AWAITING)
    assert require_current(last, 7) is last
    for generation, code in ((8, "wrong_phase"), (6, "stale_generation")):
        with pytest.raises(RefusalError) as refusal:
            require_current(last, generation)
        assert refusal.value.refusal.code == code
    with pytest.raises(RefusalError, match="has no change"):
        require_current(None, 1)


def test_final_phases_and_phases_that_are_notified() -> None:
    assert is_over(None, 7)
    assert is_over(_change(Phase.APPLYING, 8), 7)
    assert [is_over(_change(phase), 7) for phase in Phase] == [phase.is_final for phase in Phase]
    assert is_news(_change(Phase.APPLYING, 8), generation=7, phase=Phase.APPLYING)
    assert not is_news(_change(Phase.AWAITING), generation=7, phase=Phase.AWAITING)
    assert is_news(_change(Phase.AWAITING), generation=7, phase=Phase.APPLYING)
    assert is_news(_change(Phase.ROLLED_BACK), generation=7, phase=Phase.ROLLING_BACK)
    assert not is_news(_change(Phase.APPLYING), generation=7, phase=Phase.CHECKPOINTED)
