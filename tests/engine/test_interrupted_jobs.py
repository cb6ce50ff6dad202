"""The engine dies in the middle of a job on a host: another worker repeats the job, and all ends as it should."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fleet import Fleet, running_fleet
from netweft.engine import queue
from netweft.engine.agents import Agents
from netweft.engine.commands.authorize import SYSTEM
from netweft.engine.commands.hosts import activate_host, deactivate_host
from netweft.engine.db import Database
from netweft.engine.jobs import install_host, look_at_host
from netweft.engine.queue import JobContext, PostponedError

Run = Callable[[Agents, JobContext], Mapping[str, Any]]


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    """A host that has joined, and an engine that has not begun to install it."""
    with running_fleet(db, tmp_path, installs=False) as fleet:
        fleet.agent()  # from now on it can be told what goes wrong
        yield fleet


def die_during(fleet: Fleet, kind: str, run: Run, reached: Callable[[], bool] | None) -> str:
    """Claim a job and do it until something is reached (None: to its end), without storing its end; returns its id."""
    job = queue.claim_next(fleet.db, "a worker that dies", frozenset({kind}))
    assert job is not None
    stop = threading.Event()

    def work() -> None:
        try:
            run(fleet.agents, JobContext(db=fleet.db, job=job, stop=stop))
        except PostponedError:
            return

    dying = threading.Thread(target=work)
    dying.start()
    if reached is not None:
        fleet.until(reached)
        stop.set()
    dying.join()
    return job.id


def another_worker_goes_on(fleet: Fleet, job_id: str) -> None:
    fleet.db.run(queue.take_over, silent_for=0)
    fleet.start_worker()
    fleet.done(job_id)


def phase(fleet: Fleet) -> str:
    change = fleet.report().change
    return change.phase.value if change else ""


@pytest.mark.parametrize("reached", ["asked", "applying", "sent", "ended"])
def test_while_a_host_is_installed(fleet: Fleet, reached: str) -> None:
    if reached == "asked":
        fleet.simulate(unreachable=("always",))
    elif reached == "applying":
        fleet.simulate(step_seconds=0.3)
    until: Mapping[str, Callable[[], bool] | None] = {
        "asked": lambda: True,
        "applying": lambda: phase(fleet) == "applying",
        "sent": lambda: phase(fleet) != "",
        "ended": None,
    }
    job_id = die_during(fleet, "install_host", install_host.run, until[reached])
    fleet.simulate()
    another_worker_goes_on(fleet, job_id)
    assert fleet.status() == "up"
    assert fleet.carried() == {"ovirtmgmt": "eth0"}
    assert fleet.data().differences() == {}
    assert not fleet.report().dirty
    assert set(fleet.change_states()) == {"applied"}


@pytest.mark.parametrize("reached", ["asked", "ended"])
def test_while_a_host_is_activated(fleet: Fleet, reached: str) -> None:
    fleet.start_worker()
    fleet.until(lambda: fleet.status() == "up")
    fleet.stop_worker()
    fleet.db.run(deactivate_host, SYSTEM, fleet.id())
    asked = fleet.db.run(activate_host, SYSTEM, fleet.id())
    if reached == "asked":
        fleet.simulate(unreachable=("always",))
    job_id = die_during(fleet, "activate_host", look_at_host.activate, (lambda: True) if reached == "asked" else None)
    assert job_id == asked
    fleet.simulate()
    another_worker_goes_on(fleet, job_id)
    assert fleet.status() == "up"
    assert 16 in fleet.codes()
