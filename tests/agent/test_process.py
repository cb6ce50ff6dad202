"""The agent as a program: killed at every state, stopped, on a disk that is full, and two hundred hosts in one."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from agent.rig import AgentProcess, Authority, Engine, RefusedError, with_network
from netweft.agent.main import main
from netweft.core.protocol import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netweft.agent.identity import Identity

Start = "Callable[..., tuple[AgentProcess, Engine]]"


@pytest.fixture
def start(authority: Authority, engine_identity: Identity, tmp_path: Path) -> Iterator[Start]:
    """Start agents on the same state, one after another."""
    state = authority.issue(tmp_path / "state", "localhost").folder
    started: list[tuple[AgentProcess, Engine]] = []

    def begin(hosts: int = 1) -> tuple[AgentProcess, Engine]:
        process = AgentProcess(state, "--simulated", str(hosts), "--log-level", "error")
        started.append((process, Engine(f"https://127.0.0.1:{process.port}/sim-1", engine_identity)))
        return started[-1]

    yield begin
    for process, engine in started:
        engine.client.close()
        process.kill()


OLD, NEW = "old", "new"


@pytest.mark.parametrize(
    ("phase", "commit", "outcome"),
    [
        (Phase.CHECKPOINTED, False, OLD),
        (Phase.APPLYING, False, OLD),
        (Phase.AWAITING, False, OLD),
        (Phase.CONFIRMED, False, NEW),
        (Phase.COMMITTED, True, NEW),
        (Phase.ROLLING_BACK, False, OLD),
        (Phase.ROLLED_BACK, False, OLD),
    ],
)
def test_killed_at_every_state(start: Start, phase: Phase, commit: bool, outcome: str) -> None:
    process, engine = start()
    before = engine.host()
    engine.kept(1, with_network(before, tag=7, name="old"), commit=True)
    old = engine.host()
    desired = with_network(before, tag=8, name="new")
    engine.simulate(crash_at=phase, refuse={"SetUp": 1} if phase in {Phase.ROLLING_BACK, Phase.ROLLED_BACK} else {})
    try:
        engine.put(2, desired, commit=commit)
        engine.until(Phase.AWAITING)
        engine.confirm(2)
    except httpx.TransportError:
        pass
    assert process.died() == -signal.SIGKILL
    _, again = start()
    report = again.report()
    assert report.change
    if outcome == OLD:
        assert report.host == old
        assert (report.change.phase, report.change.difference) == (Phase.ROLLED_BACK, ())
        assert not report.dirty
    else:
        assert set(report.host.bridges) == {"new"}
        assert report.change.phase is phase
        assert report.dirty is not commit
    assert again.put(2, desired, commit=commit).phase is report.change.phase
    assert again.kept(3, old).phase is Phase.CONFIRMED
    assert again.host() == old


@pytest.mark.parametrize("steps", range(1, 8))
def test_killed_between_steps(start: Start, steps: int) -> None:
    process, engine = start()
    before = engine.host()
    engine.simulate(crash_after_steps=steps)
    with suppress(httpx.TransportError):  # it may end before it answers
        engine.put(1, with_network(before))
    with pytest.raises(httpx.TransportError):
        engine.until(Phase.AWAITING)
    assert process.died() == -signal.SIGKILL
    _, again = start()
    change = again.report().change
    assert change
    assert (change.phase, change.difference) == (Phase.ROLLED_BACK, ())
    assert again.host() == before


def test_killed_again_during_the_rollback(start: Start) -> None:
    process, engine = start()
    before = engine.host()
    engine.applied(1, with_network(before))
    engine.simulate(crash_after_steps=2)
    engine.roll_back(1)
    assert process.died() == -signal.SIGKILL
    _, again = start()
    assert again.host() == before


def test_a_stop_rolls_back_an_unconfirmed_change(start: Start) -> None:
    process, engine = start()
    before = engine.host()
    engine.applied(1, with_network(before))
    assert process.stop() == 0
    _, again = start()
    report = again.report()
    assert report.host == before
    assert report.change
    assert "stopped" in report.change.error


def test_a_stop_keeps_a_confirmed_change(start: Start) -> None:
    process, engine = start()
    engine.kept(1, with_network(engine.host()))
    report = engine.report()
    assert process.stop() == 0
    _, again = start()
    assert again.report() == report


def test_a_checkpoint_that_cannot_be_written(start: Start) -> None:
    """A real error of the disk (here: of files above a size), not a simulated one."""
    process, engine = start()
    before = engine.report()
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))
    with pytest.raises(RefusedError, match="cannot be written") as refused:
        engine.put(1, with_network(before.host))
    assert refused.value.status == 500
    assert engine.report() == before
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert engine.kept(1, with_network(before.host)).phase is Phase.CONFIRMED


def test_a_damaged_state_is_refused(start: Start, tmp_path: Path) -> None:
    process, engine = start()
    engine.kept(1, with_network(engine.host()))
    process.stop()
    (tmp_path / "state" / "sim-1" / "state.json").write_text('{"generation": 1, "cha')
    with pytest.raises(RuntimeError, match="did not start: 1"):
        start()


def test_one_agent_for_a_state(start: Start) -> None:
    start()
    with pytest.raises(RuntimeError, match="did not start: 1"):
        start()


def test_two_hundred_hosts_in_one_process(start: Start) -> None:
    process, engine = start(200)
    last = Engine(engine.url.replace("sim-1", "sim-200"), engine.identity)
    for each in (engine, last):
        each.kept(1, with_network(each.host()))
    assert last.host().nics["eth0"].addresses != engine.host().nics["eth0"].addresses
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
    assert int(status["Threads"]) < 10
    assert int(status["VmRSS"].split()[0]) < 100 * 1024
    last.client.close()


def test_invalid_options_are_refused(tmp_path: Path) -> None:
    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "netweft.agent", "--state", str(tmp_path / "state"), *options]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert "fingerprint" in run("--help").stdout
    assert "HOST:PORT" in run("--listen", "everywhere").stderr
    assert "HOST:PORT" in run("--listen", "127.0.0.1:70000").stderr
    listen = ("--listen", "127.0.0.1:0")
    assert "join an engine" in run(*listen).stderr
    assert "needs --ca-fingerprint" in run(*listen, "--enroll", "https://127.0.0.1:1").stderr
    fingerprint = ("--ca-fingerprint", "ab" * 32)
    assert "needs a token" in run(*listen, "--enroll", "https://127.0.0.1:1", *fingerprint).stderr
    with_token = (*listen, "--token", "t", *fingerprint)
    assert "clear text" in run(*with_token, "--enroll", "http://192.0.2.1").stderr
    assert "not the URL of an engine" in run(*with_token, "--enroll", "engine").stderr
    assert "cannot be reached" in run(*with_token, "--enroll", "https://127.0.0.1:1").stderr
    assert (
        "no SHA-256 fingerprint"
        in run(*listen, "--token", "t", "--ca-fingerprint", "abc", "--enroll", "https://127.0.0.1:1").stderr
    )


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "soon"])
def test_invalid_waits_at_boot_are_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--boot-wait", text])
    assert ended.value.code == 2
    assert f"invalid seconds value: '{text}'" in capsys.readouterr().err
