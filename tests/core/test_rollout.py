"""How changes go out to several hosts: the order, and what comes next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netweft.core.protocol import Peer
from netweft.core.rollout import (
    OPEN,
    REACHABLE,
    Group,
    Health,
    HostProgress,
    HostState,
    Member,
    Move,
    Status,
    counted,
    decisive,
    new_problem,
    next_move,
    places,
)
from netweft.core.rules import rollout as rules

STATUSES = ("up", "maintenance", "non_operational", "non_responsive", "installing")

members = st.lists(st.sampled_from(STATUSES), max_size=12).map(
    lambda statuses: tuple(
        Member(id=f"h{number}", name=f"host-{number:02}", status=status) for number, status in enumerate(statuses)
    )
)
groups = st.builds(
    Group,
    name=st.just("racks"),
    canaries=st.integers(0, 3),
    wave=st.integers(1, 4),
    members=members,
)
progresses = st.lists(
    st.builds(
        HostProgress,
        host_id=st.uuids().map(str),
        wave=st.integers(0, 3),
        state=st.sampled_from(HostState),
        status=st.sampled_from(STATUSES),
    ),
    max_size=8,
    unique_by=lambda one: one.host_id,
)


@given(groups)
def test_each_host_has_its_turn_once(group: Group) -> None:
    found = places([group])
    assert sorted(place.host_id for place in found) == sorted(member.id for member in group.members)
    waves = [place.wave for place in found]
    assert waves == sorted(waves)
    assert set(waves) == set(range(len(set(waves))))


@given(groups)
def test_no_wave_is_larger_than_wanted_and_hosts_that_are_not_up_come_last(group: Group) -> None:
    found = places([group])
    status = {member.id: member.status for member in group.members}
    for wave in {place.wave for place in found}:
        together = [place for place in found if place.wave == wave]
        is_canary = {place.canary for place in together}
        assert len(is_canary) == 1
        assert len(together) <= (group.canaries if is_canary == {True} else group.wave)
    up = [status[place.host_id] == "up" for place in found]
    assert up == sorted(up, reverse=True)
    assert sum(place.canary for place in found) == min(group.canaries, sum(up) or len(up))


def test_clusters_change_one_after_the_other() -> None:
    two = [
        Group(
            name=name,
            canaries=1,
            wave=2,
            members=tuple(Member(id=f"{name}{n}", name=str(n), status="up") for n in (1, 2)),
        )
        for name in ("b", "a")
    ]
    assert [(place.host_id, place.wave, place.canary) for place in places(two)] == [
        ("a1", 0, True),
        ("a2", 1, False),
        ("b1", 2, True),
        ("b2", 3, False),
    ]


@given(st.sampled_from(Status), progresses)
def test_what_comes_next_is_about_hosts_in_the_right_state(status: Status, hosts: list[HostProgress]) -> None:
    move, about = next_move(status, hosts)
    state = {one.host_id: one.state for one in hosts}
    found = {state[host_id] for host_id in about}
    under_way = {HostState.EVACUATING, HostState.CHANGING, HostState.RETURNING, HostState.REVERTING}
    match move:
        case Move.CHECK_RESULTS:
            assert found <= under_way
        case Move.CHANGE:
            assert status in {Status.RUNNING, Status.WAITING}
            assert found == {HostState.WAITING}
            assert HostState.FAILED not in state.values()
            assert all(one.status in REACHABLE for one in hosts if one.host_id in about)
            assert len({one.wave for one in hosts if one.host_id in about}) == 1
        case Move.TAKE_BACK:
            assert status is Status.REVERTING
            assert not found & {HostState.WAITING, HostState.REVERTED, HostState.STUCK}
        case Move.WATCH:
            assert found == {HostState.WATCHED}
        case Move.FAIL:
            assert found in ({HostState.FAILED}, {HostState.CHANGED})
        case Move.WAIT:
            assert about
        case Move.END:
            assert not about
    if move is not Move.CHECK_RESULTS and status in OPEN:
        assert not under_way & set(state.values())


@given(st.sampled_from(Status), progresses)
def test_what_comes_next_is_decided_by_a_few_hosts(status: Status, hosts: list[HostProgress]) -> None:
    few = [one for one in hosts if one.state in decisive(status)]
    assert next_move(status, few or hosts) == next_move(status, hosts)


def test_one_wave_follows_another() -> None:
    """In the order in which the states of two hosts become others."""
    up = {"host_id": "a", "wave": 0, "status": "up"}, {"host_id": "b", "wave": 1, "status": "up"}
    moves = []
    for states in (
        (HostState.WAITING, HostState.WAITING),
        (HostState.CHANGING, HostState.WAITING),
        (HostState.WATCHED, HostState.WAITING),
        (HostState.CHANGED, HostState.WAITING),
        (HostState.CHANGED, HostState.FAILED),
        (HostState.CHANGED, HostState.CHANGED),
    ):
        progress = [HostProgress(state=state, **facts) for state, facts in zip(states, up, strict=True)]
        moves.append(next_move(Status.RUNNING, progress))
    assert moves == [
        (Move.CHANGE, ("a",)),
        (Move.CHECK_RESULTS, ("a",)),
        (Move.WATCH, ("a",)),
        (Move.CHANGE, ("b",)),
        (Move.FAIL, ("b",)),
        (Move.END, ()),
    ]
    assert next_move(Status.HALTED, progress) == (Move.END, ())
    assert next_move(Status.REVERTING, progress) == (Move.TAKE_BACK, ("b",))
    assert next_move(Status.SUCCEEDED, progress) == (Move.END, ())


def progress(state: HostState, wave: int = 0, status: str = "up", *, canary: bool = False) -> HostProgress:
    return HostProgress(host_id=f"{state}-{wave}-{canary}", wave=wave, state=state, status=status, canary=canary)


def test_no_host_goes_before_the_canaries_of_its_cluster() -> None:
    away = progress(HostState.WAITING, 0, "non_responsive", canary=True)
    other = progress(HostState.WAITING, 1)
    assert next_move(Status.RUNNING, [away, other]) == (Move.WAIT, (away.host_id, other.host_id))
    done = progress(HostState.CHANGED, 0, canary=True)
    assert next_move(Status.RUNNING, [done, other]) == (Move.CHANGE, (other.host_id,))
    assert next_move(Status.RUNNING, [away, done, other]) == (Move.CHANGE, (other.host_id,))


def test_host_that_has_changed_and_is_gone_has_failed_while_others_could_follow_it() -> None:
    gone, other = progress(HostState.CHANGED, 0, "non_responsive"), progress(HostState.WAITING, 1)
    assert next_move(Status.RUNNING, [gone, other]) == (Move.FAIL, (gone.host_id,))
    assert next_move(Status.RUNNING, [gone]) == (Move.WAIT, (gone.host_id,))


def test_what_is_watched_stays_so_while_it_is_halted() -> None:
    """The first hosts are watched for as long as they are to be."""
    assert next_move(Status.HALTED, [progress(HostState.WATCHED)]) == (Move.END, ())


@given(progresses)
def test_success_is_that_every_host_has_changed_and_answers(hosts: list[HostProgress]) -> None:
    move, _ = next_move(Status.RUNNING, hosts)
    done = all(one.state is HostState.CHANGED and one.status in REACHABLE for one in hosts)
    assert (move is Move.END) == done


@given(progresses)
def test_taking_back_ends_with_no_host_that_has_the_change(hosts: list[HostProgress]) -> None:
    state = {one.host_id: one.state for one in hosts}
    waves = []
    while True:
        now = [HostProgress(host_id=h.host_id, wave=h.wave, state=state[h.host_id], status=h.status) for h in hosts]
        move, about = next_move(Status.REVERTING, now)
        if move is Move.END:
            break
        after = dict.fromkeys((HostState.EVACUATING, HostState.CHANGING, HostState.RETURNING), HostState.CHANGED)
        state |= {one: after.get(state[one], HostState.REVERTED) for one in about}
        if move is Move.TAKE_BACK:
            waves += [max(h.wave for h in hosts if h.host_id in about)]
    assert waves == sorted(waves, reverse=True)
    assert set(state.values()) <= {HostState.WAITING, HostState.REVERTED, HostState.STUCK}


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (Health(status="up"), ""),
        (Health(status="maintenance"), ""),
        (Health(status="preparing_for_maintenance"), ""),
        (Health(status="non_operational"), "non_operational"),
        (Health(status="up", drifting=True), "out of sync"),
        (Health(status="up", lost={"eth0": 7, "eth1": 4}), "on eth0"),
        (Health(status="up", lost={"eth1": 3, "eth2": 9}), ""),
    ],
)
def test_new_problem(after: Health, words: str) -> None:
    found = new_problem(Health(status="up", lost={"eth0": 3, "eth1": 4}), after)
    assert words in found
    assert bool(words) == bool(found)


def test_host_that_was_ill_before_is_not_ill_by_the_change() -> None:
    assert not new_problem(
        Health(status="non_operational", drifting=True), Health(status="non_operational", drifting=True)
    )


def test_progress_in_words() -> None:
    assert counted({HostState.WAITING: 6, HostState.CHANGED: 3}) == "3 changed, 6 waiting"
    assert counted({}) == "no hosts"


@pytest.mark.parametrize("status", Status)
def test_rules(status: Status) -> None:
    assert (rules.may_be_halted(status) is None) == (status in {Status.RUNNING, Status.WAITING})
    assert (rules.may_be_resumed(status) is None) == (status is Status.HALTED)
    may = status in {Status.RUNNING, Status.WAITING, Status.HALTED, Status.SUCCEEDED}
    assert (rules.may_be_reverted(status, "") is None) == may
    problem = rules.may_be_reverted(status, "a network was removed.")
    assert problem is not None
    assert ("a network was removed." in problem.text) == may


def test_rule_on_what_was_changed_again() -> None:
    assert rules.is_unchanged_since("network red has changed", []) is None
    problem = rules.is_unchanged_since("network red has changed", ["red"])
    assert problem is not None
    assert "changed again: red" in problem.text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((1, 10, -1, "keep"), ""),
        ((0, 1000, 86400, "revert"), ""),
        ((-1, 10, 0, "keep"), "rolloutCanaries"),
        ((1, 0, 0, "keep"), "rolloutWave"),
        ((1, 10, -2, "keep"), "rolloutSoak"),
        ((1, 10, 0, "panic"), "rolloutOnFailure"),
    ],
)
def test_rule_on_policies(values: tuple[int, int, int, str], words: str) -> None:
    problem = rules.policy_is_valid(*values)
    assert (problem.text if problem else "").find(words) >= 0
    assert bool(problem) == bool(words)


def test_ailment_names_lost_peers() -> None:
    many = tuple(Peer(network="storage", address=f"203.0.113.{number}") for number in range(1, 8))
    for peers, words in (
        (None, ""),
        ((), ""),
        (many[:1], "It cannot reach 203.0.113.1 (storage) any more, which it could before the change."),
        (many, "203.0.113.5 (storage) and 2 more any more"),
    ):
        found = new_problem(Health(status="up"), Health(status="up", lost_peers=peers))
        assert words in found
        assert bool(words) == bool(found)
