"""The state machine, through HTTPS, on a simulated host with every fault that it can have."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier, Thread
from typing import TYPE_CHECKING

import httpx
import pytest

from agent.rig import PATIENCE, Engine, RefusedError, with_network
from hosts import without_link
from netweft.agent.simulated_machine import SimulatedPeer
from netweft.core.guest_protocol import GuestNic, GuestSpec, GuestState
from netweft.core.host import Bond, Chassis, Host, Vlan
from netweft.core.protocol import Phase

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_confirmed_change_stays(engine: Engine) -> None:
    before = engine.host()
    change = engine.put(1, with_network(before))
    assert (change.generation, change.phase) == (1, Phase.CHECKPOINTED)
    waiting = engine.until(Phase.AWAITING)
    assert waiting.steps_done == waiting.steps_total > 0
    assert waiting.seconds_left
    assert engine.confirm(1).phase is Phase.CONFIRMED
    report = engine.report()
    assert report.host.bridges["blue"].addresses == with_network(before).bridges["blue"].addresses
    assert report.generation == 1
    assert report.dirty


def test_a_change_without_deadline_confirms_itself(engine: Engine) -> None:
    engine.put(1, with_network(engine.host()), confirm_within=0, commit=True)
    assert engine.until(Phase.COMMITTED).error == ""
    assert not engine.report().dirty


def test_nobody_confirms(engine: Engine) -> None:
    before = engine.host()
    engine.put(1, with_network(before), confirm_within=0.05)
    change = engine.until(Phase.ROLLED_BACK)
    assert "the engine did not confirm" in change.error
    assert change.difference == ()
    assert engine.host() == before
    assert not engine.report().dirty
    with pytest.raises(RefusedError, match="wrong_phase"):
        engine.confirm(1)


def test_a_refused_step_rolls_everything_back(engine: Engine) -> None:
    before = engine.host()
    engine.simulate(refuse={"SetMaster": 1})
    engine.put(1, with_network(before))
    change = engine.until(Phase.ROLLED_BACK)
    assert "SetMaster" in change.error
    assert change.difference == ()
    assert engine.host() == before
    assert engine.kept(2, with_network(before)).phase is Phase.CONFIRMED


def test_a_later_change_ends_the_probing_of_peers(engine: Engine) -> None:
    engine.kept(1, with_network(engine.host()))
    engine.simulate(peers=(SimulatedPeer(address="10.0.100.9", vlan=100),), ask_seconds=PATIENCE)
    moved = without_link(engine.host(), "eth1.100", "blue")
    assert engine.kept(2, with_network(moved, tag=101)).lost_peers is None
    engine.simulate()
    engine.kept(3, moved)
    change = engine.report().change
    assert change
    assert (change.generation, change.lost_peers) == (3, ())


CHASSIS = Chassis(owner="h", system_id="h", remote="tcp:192.0.2.9:6642", encap_type="geneve", encap_ip="192.0.2.1")


def test_a_chassis_that_ovn_does_not_register(engine: Engine) -> None:
    """Neither unrelated changes nor its removal wait for ovn-controller."""
    before = engine.host()
    engine.simulate(no_chassis="ovn-controller is not connected")
    engine.put(1, replace(before, chassis=CHASSIS))
    change = engine.until(Phase.ROLLED_BACK)
    assert change.error == (
        "the host is no chassis of OVN (southbound database tcp:192.0.2.9:6642) after 0 s:"
        " ovn-controller is not connected"
    )
    assert change.difference == ()
    assert engine.host() == before
    engine.simulate()
    engine.kept(2, replace(before, chassis=CHASSIS))
    engine.simulate(no_chassis="ovn-controller is not connected")
    engine.kept(3, with_network(engine.host()))
    engine.kept(4, replace(before, chassis=Chassis()))
    assert engine.host().chassis == Chassis()


def test_a_chassis_that_is_refused(engine: Engine) -> None:
    before = engine.host()
    engine.simulate(refuse={"SetChassis": 1})
    engine.put(1, replace(before, chassis=CHASSIS))
    assert "SetChassis" in engine.until(Phase.ROLLED_BACK).error
    assert engine.host() == before


def test_an_incomplete_rollback_is_reported(engine: Engine) -> None:
    engine.simulate(refuse={"SetMaster": 1, "DeleteLink": 100})
    engine.put(1, with_network(engine.host()))
    change = engine.until(Phase.ROLLED_BACK)
    assert any("blue" in line for line in change.difference)


def test_rolled_back_on_request(engine: Engine) -> None:
    before = engine.host()
    engine.applied(1, with_network(before))
    engine.roll_back(1)
    assert "requested" in engine.until(Phase.ROLLED_BACK).error
    assert engine.host() == before
    assert engine.roll_back(1).phase is Phase.ROLLED_BACK


def test_rolled_back_on_request_between_steps(engine: Engine) -> None:
    before = engine.host()
    engine.simulate(step_seconds=0.05)
    engine.put(1, with_network(before))
    engine.roll_back(1)
    change = engine.until(Phase.ROLLED_BACK)
    assert change.steps_done < change.steps_total
    assert engine.host() == before


def test_a_confirmed_change_is_not_rolled_back(engine: Engine) -> None:
    engine.kept(1, with_network(engine.host()))
    with pytest.raises(RefusedError, match="wrong_phase"):
        engine.roll_back(1)


def test_an_older_generation_is_refused(engine: Engine) -> None:
    before = engine.host()
    engine.kept(5, with_network(before))
    after = engine.report()
    for generation in (4, 5):
        with pytest.raises(RefusedError, match="stale_generation") as refused:
            engine.put(generation, before)
        assert refused.value.status == 409
    for ask in (engine.confirm, engine.roll_back):
        with pytest.raises(RefusedError, match="stale_generation"):
            ask(4)
    assert engine.report() == after


def test_a_repeated_request_answers_as_the_first_time(engine: Engine) -> None:
    desired = with_network(engine.host())
    engine.simulate(lose_replies=1)
    with pytest.raises(httpx.TransportError):
        engine.put(1, desired)
    assert engine.put(1, desired).generation == 1
    engine.until(Phase.AWAITING)
    assert engine.put(1, desired).phase is Phase.AWAITING
    engine.simulate(lose_replies=1)
    with pytest.raises(httpx.TransportError):
        engine.confirm(1)
    assert engine.confirm(1).phase is Phase.CONFIRMED
    assert engine.put(1, desired).phase is Phase.CONFIRMED


def test_two_requests_at_once(engine: Engine) -> None:
    before = engine.host()
    start = Barrier(2)
    outcomes: dict[int, str] = {}

    def ask(generation: int) -> None:
        other = Engine(engine.url, engine.identity)
        other.report()
        start.wait()
        try:
            outcomes[generation] = other.put(generation, with_network(before, tag=generation)).phase
        except RefusedError as error:
            outcomes[generation] = error.code
        other.client.close()

    threads = [Thread(target=ask, args=(generation,)) for generation in (7, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes.values()) in (["busy", "checkpointed"], ["checkpointed", "stale_generation"])
    winner = next(generation for generation, outcome in outcomes.items() if outcome == "checkpointed")
    engine.until(Phase.AWAITING)
    with pytest.raises(RefusedError, match="busy"):
        engine.put(9, before)
    with pytest.raises(RefusedError, match="busy"):
        engine.commit()
    engine.confirm(winner)
    assert set(engine.host().vlans) == {f"eth1.{winner}"}


def test_an_old_connection_confirms_nothing(engine: Engine) -> None:
    engine.applied(1, with_network(engine.host()))
    with pytest.raises(RefusedError, match="old_connection"):
        engine.confirm(1, engine.client)
    assert engine.confirm(1).phase is Phase.CONFIRMED


def test_one_change_right_after_the_other(engine: Engine) -> None:
    """Timers of a finished change do not affect the next one."""
    before = engine.host()
    for generation in range(1, 60, 3):
        engine.kept(generation, with_network(before, tag=generation))
        engine.put(generation + 1, before, confirm_within=0)
        engine.until(Phase.CONFIRMED)
        engine.put(generation + 2, with_network(before), confirm_within=0.001)
        engine.until(Phase.ROLLED_BACK)
        assert engine.host() == before


def test_nothing_to_confirm(engine: Engine) -> None:
    with pytest.raises(RefusedError, match="wrong_phase"):
        engine.confirm(1)
    engine.simulate(step_seconds=0.05)
    engine.put(1, with_network(engine.host()))
    with pytest.raises(RefusedError, match="wrong_phase"):
        engine.confirm(1)
    engine.until(Phase.AWAITING)
    engine.confirm(1)


def test_a_full_disk_leaves_the_host_unchanged(engine: Engine) -> None:
    before = engine.report()
    desired = with_network(before.host)
    engine.simulate(disk_full=True)
    with pytest.raises(RefusedError, match="No space left") as refused:
        engine.put(1, desired)
    assert (refused.value.status, refused.value.code) == (500, "failed")
    assert engine.report() == before
    engine.simulate()
    assert engine.kept(1, desired).phase is Phase.CONFIRMED


def test_a_disk_that_fills_up_later(engine: Engine) -> None:
    before = engine.host()
    engine.applied(1, with_network(before))
    engine.simulate(disk_full=True)
    with pytest.raises(RefusedError, match="No space left"):
        engine.confirm(1)
    engine.roll_back(1)
    engine.until(Phase.ROLLED_BACK)
    assert engine.host() == before
    with pytest.raises(RefusedError, match="No space left"):
        engine.put(2, with_network(before))
    engine.simulate()
    assert engine.kept(2, with_network(before)).phase is Phase.CONFIRMED


@pytest.mark.parametrize("phases", [("checkpointed", "applying", "awaiting_confirmation"), ("awaiting_confirmation",)])
def test_the_link_is_cut(engine: Engine, phases: tuple[str, ...]) -> None:
    before = engine.host()
    engine.simulate(unreachable=phases, step_seconds=0.02)
    try:
        engine.put(1, with_network(before), confirm_within=0.2)
        cut_before = False
    except httpx.TransportError:
        cut_before = True
    assert cut_before == ("checkpointed" in phases)
    after = 0
    while True:
        try:
            page = engine.events(after, wait=1)
        except httpx.TransportError:
            continue
        if any(event.detail == Phase.ROLLED_BACK for event in page.events):
            break
        after = page.events[-1].id if page.events else after
    assert engine.host() == before


def test_a_change_without_a_plan_is_refused(engine: Engine) -> None:
    before = engine.report()
    nowhere = before.host.with_link(Vlan(name="eth9.5", owner="x", base="eth9", tag=5))
    with pytest.raises(RefusedError, match="eth9") as refused:
        engine.put(1, nowhere)
    assert refused.value.code == "plan"
    assert engine.report() == before


@pytest.mark.parametrize("generation", [0, -1])
def test_generations_begin_at_one(engine: Engine, generation: int) -> None:
    with pytest.raises(RefusedError, match="malformed"):
        engine.put(generation, engine.host())


@pytest.mark.parametrize("seconds", [-1, 1e9])
def test_deadlines_within_reason(engine: Engine, seconds: float) -> None:
    with pytest.raises(RefusedError, match="malformed"):
        engine.put(1, engine.host(), confirm_within=seconds)


def test_commit_is_what_boot_restores(engine: Engine) -> None:
    blue = with_network(engine.host())
    engine.kept(1, blue)
    assert engine.commit().phase is Phase.COMMITTED
    assert engine.commit().phase is Phase.COMMITTED
    assert not engine.report().dirty
    engine.kept(2, with_network(engine.host(), tag=200, name="red"))
    assert engine.report().dirty
    engine.simulate(reboot=True)
    report = engine.report()
    assert set(report.host.bridges) == {"blue"}
    assert not report.dirty
    assert report.change
    assert report.change.phase is Phase.ROLLED_BACK
    assert "before the change was committed" in report.change.error


def test_a_committing_confirmation(engine: Engine) -> None:
    assert engine.kept(1, with_network(engine.host()), commit=True).phase is Phase.COMMITTED
    engine.simulate(reboot=True)
    report = engine.report()
    assert set(report.host.bridges) == {"blue"}
    assert report.change
    assert report.change.phase is Phase.COMMITTED


def test_boot_restores_what_the_hardware_still_allows(engine: Engine) -> None:
    before = engine.host()
    both = with_network(with_network(before), tag=200, name="red", nic="eth2")
    engine.kept(1, both, commit=True)
    fewer = {name: nic for name, nic in before.nics.items() if name != "eth1"}
    engine.simulate(reboot=True, hardware=replace(before, nics=fewer))
    report = engine.report()
    assert set(report.host.bridges) == {"red"}
    assert report.dirty


def test_commit_includes_manual_changes(engine: Engine) -> None:
    engine.kept(1, with_network(engine.host()), commit=True)
    changed = engine.host()
    bridge = replace(changed.bridges["blue"], mtu=1400)
    engine.simulate(host=changed.with_link(bridge))
    assert engine.report().dirty
    engine.commit()
    assert not engine.report().dirty
    engine.simulate(reboot=True)
    assert engine.host().bridges["blue"].mtu == 1400


def test_commit_before_any_change(engine: Engine) -> None:
    assert engine.commit().generation == 0
    assert not engine.report().dirty


def test_commit_on_a_full_disk(engine: Engine) -> None:
    engine.kept(1, with_network(engine.host()))
    engine.simulate(disk_full=True)
    with pytest.raises(RefusedError, match="No space left"):
        engine.commit()
    assert engine.report().dirty


def _bond(host: Host) -> Host:
    nics = {name: replace(host.nics[name], owner="bond", master="bond0") for name in ("eth2", "eth3")}
    return replace(host, nics={**host.nics, **nics}).with_link(Bond(name="bond0", owner="bond"))


@pytest.mark.parametrize("desired", [with_network, _bond])
def test_there_and_back_again(engine: Engine, desired: Callable[[Host], Host]) -> None:
    before = engine.host()
    engine.kept(1, desired(before))
    engine.kept(2, before)
    assert engine.host() == before


def test_events_report_the_phases(engine: Engine) -> None:
    last = engine.events().events[-1].id
    engine.kept(1, with_network(engine.host()))
    page = engine.events(last)
    told = [(event.kind, event.subject, event.detail) for event in page.events]
    phases = (Phase.CHECKPOINTED, Phase.APPLYING, Phase.AWAITING, Phase.CONFIRMED)
    assert told == [("change", "1", phase) for phase in phases]
    assert not page.lost
    assert engine.events(page.events[-1].id, wait=0.01).events == ()
    assert engine.events(page.events[-1].id + 1000).lost


def test_lost_events_are_reported(engine: Engine) -> None:
    for turn in range(300):
        engine.simulate(carrier={"eth3": bool(turn % 2)})
    page = engine.events(1)
    assert page.lost
    rest = engine.events(page.events[-1].id)
    assert not rest.lost


def test_a_poll_wakes_up(engine: Engine) -> None:
    last = engine.events().events[-1].id
    pages = []
    other = Engine(engine.url, engine.identity)
    thread = Thread(target=lambda: pages.append(other.events(last, wait=30)))
    thread.start()
    engine.simulate(carrier={"eth2": False})
    thread.join()
    other.client.close()
    assert [(event.kind, event.subject, event.detail) for event in pages[0].events] == [("link", "eth2", "no carrier")]
    assert not engine.host().nics["eth2"].carrier


def test_guests(engine: Engine) -> None:
    engine.kept(1, with_network(engine.host()))
    nic = GuestNic(id="6c1f7c9e-0000-4000-8000-000000000001", name="nic1", mac="56:6f:00:00:00:01", bridge="blue")
    guest = GuestSpec(id="g1", name="web", driver="simulated", memory=1 << 28, nics=(nic,))
    assert engine.ask(GuestState, "PUT", "/v1/guests/g1", guest).status == "up"
    last = engine.events().events[-1].id
    assert engine.ask(GuestState, "PUT", "/v1/guests/g1", guest).nics == (nic,)
    assert [(event.kind, event.subject) for event in engine.events(last).events] == [("guest", "g1")]
    assert [port.bridge for port in engine.host().guest_ports.values()] == ["blue"]
    assert [state.id for state in engine.report().guests] == ["g1"]
    with pytest.raises(RefusedError, match="no bridge red"):
        engine.ask(GuestState, "PUT", "/v1/guests/g1", replace(guest, nics=(replace(nic, bridge="red"),)))
    with pytest.raises(RefusedError, match="no guest driver 'vmware'"):
        engine.ask(GuestState, "PUT", "/v1/guests/g1", replace(guest, driver="vmware"))
    with pytest.raises(RefusedError, match="malformed"):
        engine.ask(GuestState, "PUT", "/v1/guests/g2", guest)
    last = engine.events().events[-1].id
    engine.simulate(end_guests=("g1", "g0"))
    assert [(event.kind, event.subject) for event in engine.events(last).events] == [("guest", "g1")]
    assert [state.status for state in engine.ask(list[GuestState], "GET", "/v1/guests")] == ["down"]
    assert engine.ask(GuestState, "PUT", "/v1/guests/g1", guest).status == "up"
    for _ in range(2):
        assert engine.client.delete("/v1/guests/g1").status_code == 204
    assert engine.report().guests == ()
    assert engine.host().guest_ports == {}
