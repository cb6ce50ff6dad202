"""Killed processes and cut links during a change: the host ends in exactly the old or the new configuration, and the
engine knows which.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from e2e.site import HOST, Site, stopped_in_phase, wait
from netweft.client import ApiError

MANY = 60
"""Networks in one change, so that it takes long enough to be interrupted."""
SILENT = 33
"""Seconds without an answer of the agent, more than the engine's timeout (engine.agents.ANSWER_SECONDS)."""
LOST_WITHIN = 45
"""Seconds in which a host that is cut off counts as not responding: ten to detect it, ten for the host to come back,
and a margin.
"""
TRIES = 8
"""Attempts to stop a process in a phase; the shortest phases last a few milliseconds."""


@pytest.fixture(scope="module")
def names(whole: Site) -> list[str]:
    many = [f"many{number}" for number in range(MANY)]
    for number, name in enumerate(many):
        whole.add_network(name, 1000 + number)
    return many


@pytest.fixture(autouse=True)
def as_found(whole: Site, names: list[str]) -> Iterator[None]:
    """Every test starts from, and goes back to, a host without these networks."""
    assert not whole.attached() & set(names)
    yield
    for process in (whole.engine.pid, whole.agent_pid()):
        os.kill(process, signal.SIGCONT)  # a test that failed may have left it stopped
    wait("the host is up", lambda: whole.status() == "up")
    whole.detach(*names)
    assert not whole.on_host() & set(names)


def assert_whole(whole: Site, names: list[str], job: str) -> str:
    """Check that the host has all of the networks or none, and that engine and job agree. Returns the job's status."""
    outcome = whole.outcome(job)
    wait("the host is up", lambda: whole.status() == "up")
    expected = set(names) if outcome["status"] == "finished" else set()
    wait("host and engine agree", lambda: whole.on_host() & set(names) == whole.attached() & set(names) == expected)
    return str(outcome["status"])


@pytest.mark.parametrize("phase", ["checkpointed", "applying", "awaiting_confirmation", "confirmed"])
def test_the_agent_is_killed(whole: Site, names: list[str], phase: str) -> None:
    for _ in range(TRIES):
        with stopped_in_phase(whole, phase, whole.agent_pid()) as caught:
            job = whole.attach(*names)
            caught.wait(timeout=8)
        if caught.is_set():
            break
        whole.outcome(job)
        whole.detach(*names)
    assert caught.is_set(), f"the phase {phase} was over every time before it was seen"
    whole.place.stop_agent(HOST, kill=True)
    whole.place.start_agent(HOST)
    status = assert_whole(whole, names, job)
    assert (status == "finished") == (phase == "confirmed")


def test_the_agent_is_killed_while_it_rolls_back(whole: Site, names: list[str]) -> None:
    with stopped_in_phase(whole, "rolling_back", whole.agent_pid()) as caught:
        with stopped_in_phase(whole, "awaiting_confirmation", whole.engine.pid) as frozen:
            job = whole.attach(*names, connectivity_timeout=2)
            assert frozen.wait(timeout=30)
        assert caught.wait(timeout=30)
    whole.place.stop_agent(HOST, kill=True)
    os.kill(whole.engine.pid, signal.SIGCONT)
    whole.place.start_agent(HOST)
    assert assert_whole(whole, names, job) == "failed"


@pytest.mark.parametrize("phase", ["checkpointed", "applying", "awaiting_confirmation", "confirmed"])
def test_the_engine_is_killed(whole: Site, names: list[str], phase: str) -> None:
    for _ in range(TRIES):
        with stopped_in_phase(whole, phase, whole.engine.pid) as caught:
            job = whole.attach(*names)
            caught.wait(timeout=8)
        if caught.is_set():
            break
        whole.outcome(job)
        whole.detach(*names)
    assert caught.is_set(), f"the phase {phase} was over every time before it was seen"
    whole.engine.kill()
    whole.engine.start()
    assert_whole(whole, names, job)


def test_a_host_that_is_cut_off_is_detected_and_comes_back(whole: Site) -> None:
    """A cut link closes no connection: the kernel must detect it."""
    whole.place.cut(HOST, "eth0")
    try:
        wait("the host is lost", lambda: whole.status() == "non_responsive", LOST_WITHIN)
    finally:
        whole.place.mend(HOST, "eth0")
    wait("the host is back", lambda: whole.status() == "up")


def test_the_link_is_cut_before_the_change(whole: Site, names: list[str]) -> None:
    whole.place.cut(HOST, "eth0")
    try:
        job = whole.attach(*names)
        wait("the engine has sent the host something", lambda: is_unanswered(whole.place.hosts[HOST].address))
    finally:
        whole.place.mend(HOST, "eth0")
    assert_whole(whole, names, job)


def is_unanswered(address: str) -> bool:
    """Whether a connection to an address has unacknowledged data, or is not yet established (ss(8): Send-Q)."""
    command = ["ss", "--no-header", "--tcp", "--numeric", "dst", address]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return any(int(line.split()[2]) > 0 for line in listed.splitlines())


def test_the_link_is_cut_after_the_apply(whole: Site, names: list[str]) -> None:
    with stopped_in_phase(whole, "applying", whole.agent_pid()) as caught:
        job = whole.attach(*names)
        assert caught.wait(timeout=30)
    whole.place.cut(HOST, "eth0")
    try:
        os.kill(whole.agent_pid(), signal.SIGCONT)
        wait("the host took it back by itself", lambda: whole.phase() == "rolled_back")
        assert not whole.on_host() & set(names)
    finally:
        whole.place.mend(HOST, "eth0")
    assert assert_whole(whole, names, job) == "failed"


def test_the_disk_is_full_when_the_checkpoint_is_written(whole: Site, names: list[str]) -> None:
    state = whole.place.folder / "hosts" / HOST / "state"
    whole.place.stop_agent(HOST)
    kept = state.with_name("state.kept")
    state.rename(kept)
    state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "full", str(state)], check=True)
    try:
        subprocess.run(["cp", "-a", f"{kept}/.", str(state)], check=True)
        whole.place.start_agent(HOST)
        filler = state / "filler"
        fill(filler)
        job = whole.attach(*names)
        assert assert_whole(whole, names, job) == "failed"
        assert "No space left" in whole.outcome(job)["error"]
        filler.unlink()
        whole.place.stop_agent(HOST)
        subprocess.run(["cp", "-a", f"{state}/.", str(kept)], check=True)
    finally:
        whole.place.stop_agent(HOST)
        subprocess.run(["umount", str(state)], check=True)
        state.rmdir()
        kept.rename(state)
        whole.place.start_agent(HOST)


def test_the_reply_is_lost(whole: Site, names: list[str]) -> None:
    """The agent accepts the request and does not answer within the engine's timeout."""
    for _ in range(TRIES):
        with stopped_in_phase(whole, "checkpointed", whole.agent_pid()) as caught:
            job = whole.attach(*names, connectivity_timeout=30)
            caught.wait(timeout=8)
        if caught.is_set():
            break
        whole.outcome(job)
        whole.detach(*names)
    assert caught.is_set(), "the phase was over every time before it was seen"
    time.sleep(SILENT)
    os.kill(whole.agent_pid(), signal.SIGCONT)
    assert_whole(whole, names, job)


def test_a_restored_engine_takes_over_later_changes_of_the_host(whole: Site, names: list[str], tmp_path: Path) -> None:
    half = names[: MANY // 2]
    whole.engine.stop()
    shutil.copytree(whole.engine.data, tmp_path / "kept")
    whole.engine.start()
    assert whole.outcome(whole.attach(*half))["status"] == "finished"
    whole.engine.stop()
    shutil.rmtree(whole.engine.data)
    shutil.copytree(tmp_path / "kept", whole.engine.data)
    whole.engine.start()
    wait("the host is up", lambda: whole.status() == "up")
    rest = names[MANY // 2 :]
    wait("what the host carries is taken over", lambda: whole.attached() & set(names) == set(half))
    assert whole.on_host() & set(names) == whole.attached() & set(names) == set(half)
    assert whole.outcome(whole.attach(*rest))["status"] == "finished"
    assert whole.on_host() & set(names) == whole.attached() & set(names) == set(names)


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


def test_two_requests_for_one_host_at_once(whole: Site, names: list[str]) -> None:
    halves = (names[: MANY // 2], names[MANY // 2 :])
    outcomes: list[int] = []

    def ask(desired: list[str], nic: str) -> None:
        with whole.engine.client() as client:
            body = {
                "modified_network_attachments": [{"network": {"name": n}, "host_nic": {"name": nic}} for n in desired]
            }
            try:
                client.action(f"hosts/{whole.host_id()}/setupnetworks", body)
                outcomes.append(200)
            except ApiError as error:
                outcomes.append(error.status)

    threads = [threading.Thread(target=ask, args=pair) for pair in zip(halves, ("eth1", "eth2"), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) in ([200, 200], [200, 409])
    expected = whole.attached() & set(names)
    assert expected in (set(halves[0]), set(halves[1]), set(names))
    assert whole.on_host() & set(names) == expected
