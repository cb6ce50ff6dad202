"""The report of a host, and conditional requests for it."""

from __future__ import annotations

from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.rig import Engine, RefusedError, with_network
from netweft.core.protocol import EVENT_HEADER, Change, ChangeRequest, HostReport, Phase, Progress

if TYPE_CHECKING:
    import httpx

    from netweft.core.host import Host


def get_report(engine: Engine, tag: str = "") -> httpx.Response:
    return engine.client.get("/v1/host", headers={"If-None-Match": tag} if tag else {})


def test_a_known_report_is_not_sent_again(engine: Engine) -> None:
    first = get_report(engine)
    again = get_report(engine, first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert {again.headers[name] for name in ("ETag", EVENT_HEADER)} == {
        first.headers[name] for name in ("ETag", EVENT_HEADER)
    }
    engine.simulate(carrier={"eth1": False})
    changed = get_report(engine, first.headers["ETag"])
    assert changed.status_code == 200
    assert not msgspec.json.decode(changed.content, type=HostReport).host.nics["eth1"].carrier
    assert changed.headers["ETag"] != first.headers["ETag"]
    assert int(changed.headers[EVENT_HEADER].split()[1]) == int(first.headers[EVENT_HEADER].split()[1]) + 1


def test_counters_are_not_in_the_report(engine: Engine) -> None:
    tag = get_report(engine).headers["ETag"]
    assert engine.counters()["eth1"].tx_rate == 0
    engine.simulate(traffic={"eth1": 1000})
    assert engine.counters()["eth1"].tx_rate == 1000
    assert get_report(engine, tag).status_code == 304


def progress(engine: Engine, generation: int, phase: Phase, wait: float = 20) -> Progress:
    return engine.ask(Progress, "GET", f"/v1/host/change?generation={generation}&phase={phase.value}&wait={wait}")


def test_progress_is_sent_when_the_engine_must_act(engine: Engine) -> None:
    engine.put(1, with_network(engine.host()))
    awaiting = progress(engine, 1, Phase.CHECKPOINTED).change
    assert awaiting is not None
    assert awaiting.phase is Phase.AWAITING
    other = Engine(engine.url, engine.identity)
    told: list[Progress] = []
    thread = Thread(target=lambda: told.append(progress(other, 1, Phase.AWAITING)))
    thread.start()
    engine.confirm(1)
    thread.join()
    other.client.close()
    assert [one.change and one.change.phase for one in told] == [Phase.CONFIRMED]
    assert progress(engine, 7, Phase.APPLYING).generation == 1, "another change than is known is told at once"


def test_progress_of_a_long_change_is_sent_at_intervals(engine: Engine) -> None:
    engine.simulate(step_seconds=0.3)
    change = engine.put(1, with_network(engine.host()))
    asked = 0
    while change.phase is not Phase.AWAITING:
        last, asked = change, asked + 1
        now = progress(engine, 1, change.phase).change
        assert now is not None
        change = now
        assert (change.phase, change.steps_done) != (last.phase, last.steps_done)
    assert 2 < asked <= change.steps_total, "not for each step, and not at the end only"


def test_a_short_poll_is_answered_in_time(engine: Engine) -> None:
    engine.kept(1, with_network(engine.host()))
    asked_at = monotonic()
    assert progress(engine, 1, Phase.CONFIRMED, wait=0.3).generation == 1
    assert monotonic() - asked_at >= 0.3


def test_a_change_computed_for_another_host_is_refused(engine: Engine) -> None:
    report = engine.report()

    def put(desired: Host, seen: str) -> Change:
        request = ChangeRequest(generation=1, desired=desired, confirm_within=0, seen=seen)
        return engine.ask(Change, "PUT", "/v1/host", request)

    engine.simulate(carrier={"eth1": False})
    with pytest.raises(RefusedError) as refusal:
        put(with_network(report.host), report.host_tag)
    assert (refusal.value.status, refusal.value.code) == (409, "changed")
    report = engine.report()
    assert (report.generation, report.change) == (0, None)
    assert put(with_network(report.host), report.host_tag).generation == 1
