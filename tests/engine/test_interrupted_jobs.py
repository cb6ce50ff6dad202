"""The engine dies in the middle of a job on a host: another worker repeats the job, and all ends as it should."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa

from fleet import Fleet, running_fleet
from netweft.core.host_request import AttachmentChange, SetupRequest
from netweft.core.host_request import Ref as NameRef
from netweft.engine import claims, queue
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.commands.hosts import activate_host, deactivate_host
from netweft.engine.commands.networks import AddNetwork, add_network
from netweft.engine.commands.vms import AddVm, StartVm, add_vm, start_vm, stop_vm
from netweft.engine.db import Database
from netweft.engine.job_context import JobContext, PostponedError
from netweft.engine.jobs.registry import job_functions
from netweft.engine.model.clusters import clusters
from netweft.engine.model.events import events
from netweft.engine.model.jobs import jobs
from netweft.engine.model.vms import vms
from netweft.engine.operations import host_changes
from netweft.engine.operations.host_changes import PERSIST_FAILED, ROLLED_BACK, SETUP, UNKNOWN_END
from netweft.engine.operations.unfinished import GIVEN_UP
from netweft.engine.queries.references import Ref


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    """A host that has joined, and an engine that has not begun to install it."""
    with running_fleet(db, tmp_path, installs=False) as fleet:
        fleet.agent()  # from now on it can be told what goes wrong
        yield fleet


def die_during(fleet: Fleet, kind: str, reached: Callable[[], bool] | None) -> str:
    """Claim a job and do it until something is reached (None: to its end), without storing its end; returns its id."""
    job = claims.claim_next(fleet.db, "a worker that dies", frozenset({kind}))
    assert job is not None
    stop = threading.Event()

    def work() -> None:
        try:
            job_functions(fleet.outside)[kind](JobContext(db=fleet.db, job=job, stop=stop))
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
    fleet.db.run(claims.take_over, silent_for=0)
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
    job_id = die_during(fleet, "install_host", until[reached])
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
    job_id = die_during(fleet, "activate_host", (lambda: True) if reached == "asked" else None)
    assert job_id == asked
    fleet.simulate()
    another_worker_goes_on(fleet, job_id)
    assert fleet.status() == "up"
    assert 16 in fleet.codes()


def wear_out(fleet: Fleet, job_id: str) -> None:
    """Let so many engines die over a job that nothing more is done for it."""
    with fleet.db.write() as tx:
        tx.execute(sa.update(jobs).where(jobs.c.id == job_id).values(attempts=queue.ATTEMPTS_MAX))


def installed(fleet: Fleet) -> None:
    fleet.start_worker()
    fleet.until(lambda: fleet.status() == "up")
    fleet.stop_worker()
    with fleet.db.write() as tx:
        tx.execute(sa.delete(events))


def ask_again(fleet: Fleet) -> str:
    """Ask for what the host has already, of an engine that does nothing yet."""
    asked = fleet.db.run(host_changes.request_apply, SYSTEM, fleet.id(), "a test asks")
    assert asked is not None
    return asked


def set_up(fleet: Fleet) -> str:
    """Ask for a new network on the host, to be confirmed within a second, of an engine that does nothing yet."""
    network = fleet.db.run(add_network, SYSTEM, AddNetwork(name="storage", data_center=Ref(name="Default"))).id
    with fleet.db.read() as tx:
        cluster_id = tx.execute(sa.select(clusters.c.id)).scalar_one()
    spec = AttachNetwork(cluster_id=cluster_id, network=Ref(id=network), required=False)
    fleet.db.run(attach_network, SYSTEM, spec)
    attachment = AttachmentChange(network=NameRef(name="storage"), nic=NameRef(name="eth1"))
    job_id = fleet.setup(SetupRequest(attachments=(attachment,), connectivity_timeout=1))
    assert job_id is not None
    return job_id


def test_how_a_change_ended_is_told_however_many_engines_died_over_it(fleet: Fleet) -> None:
    installed(fleet)
    job_id, before = ask_again(fleet), fleet.report().generation + 1

    def is_done() -> bool:
        return fleet.report().generation == before and phase(fleet) == "committed"

    assert die_during(fleet, "apply_host", is_done) == job_id
    wear_out(fleet, job_id)
    another_worker_goes_on(fleet, job_id)
    assert fleet.report().generation == before
    assert fleet.change_states()[-1] == "applied"
    assert GIVEN_UP not in fleet.codes()


def test_a_change_that_may_only_be_asked_about_is_not_confirmed(fleet: Fleet) -> None:
    installed(fleet)
    job_id = set_up(fleet)
    fleet.simulate(step_seconds=0.3)
    assert die_during(fleet, "apply_host", lambda: phase(fleet) == "applying") == job_id
    wear_out(fleet, job_id)
    fleet.db.run(claims.take_over, silent_for=0)
    fleet.start_worker()
    ended = fleet.failed(job_id)
    assert ended.error_code == ROLLED_BACK
    assert "Gave up" not in ended.error
    assert fleet.carried() == {"ovirtmgmt": "eth0"}
    assert fleet.change_states()[-1] == "refused"


def test_a_change_that_the_host_never_got_is_given_up_with_an_event(fleet: Fleet) -> None:
    installed(fleet)
    job_id = ask_again(fleet)
    wear_out(fleet, job_id)
    before = fleet.report().generation
    fleet.start_worker()
    ended = fleet.failed(job_id)
    assert "Gave up" in ended.error
    assert fleet.report().generation == before, "it was not tried again"
    assert fleet.codes() == [PERSIST_FAILED]
    assert fleet.change_states()[-1] == "refused"
    fleet.done(ask_again(fleet))


def test_an_end_that_nobody_knew_is_told_when_the_host_answers_again(fleet: Fleet) -> None:
    installed(fleet)
    fleet.simulate(unreachable=("confirmed",))
    job_id = set_up(fleet)
    fleet.restart_worker(silence=0.2)
    assert "the outcome is not known yet" in fleet.failed(job_id).error
    assert UNKNOWN_END in fleet.codes()
    assert SETUP not in fleet.codes()
    fleet.simulate()
    fleet.monitor.round(fleet.db)
    assert fleet.codes()[-1] == SETUP
    fleet.done(job_id)
    assert fleet.carried() == {"ovirtmgmt": "eth0", "storage": "eth1"}


def test_a_machine_whose_start_was_given_up_is_what_its_host_says(fleet: Fleet) -> None:
    installed(fleet)
    vm_id = fleet.db.run(add_vm, SYSTEM, AddVm(name="one", cluster=Ref(name="Default")))
    job_id = fleet.db.run(start_vm, SYSTEM, StartVm(id=vm_id))
    assert die_during(fleet, "start_vm", None) == job_id
    with fleet.db.write() as tx:
        tx.execute(sa.update(vms).values(status="wait_for_launch"))
    wear_out(fleet, job_id)
    fleet.db.run(claims.take_over, silent_for=0)
    fleet.start_worker()
    assert "Gave up" in fleet.failed(job_id).error
    assert GIVEN_UP in fleet.codes()
    fleet.monitor.round(fleet.db)
    with fleet.db.read() as tx:
        assert tx.scalar(sa.select(vms.c.status)) == "up"


def test_a_machine_that_was_stopped_is_down_although_its_host_is_away_when_another_engine_goes_on(fleet: Fleet) -> None:
    installed(fleet)
    vm_id = fleet.db.run(add_vm, SYSTEM, AddVm(name="one", cluster=Ref(name="Default")))
    fleet.start_worker()
    fleet.done(fleet.db.run(start_vm, SYSTEM, StartVm(id=vm_id)))
    fleet.stop_worker()
    job_id = fleet.db.run(stop_vm, SYSTEM, vm_id)
    assert die_during(fleet, "stop_vm", None) == job_id
    fleet.simulate(unreachable=("always",))
    another_worker_goes_on(fleet, job_id)
    fleet.done(job_id)
    with fleet.db.read() as tx:
        assert tx.execute(sa.select(vms.c.status, vms.c.host_id)).one() == ("down", None)


def test_a_machine_without_a_host_that_nobody_knows_of_can_be_stopped(fleet: Fleet) -> None:
    """As an engine left it that died while it stopped one."""
    installed(fleet)
    vm_id = fleet.db.run(add_vm, SYSTEM, AddVm(name="one", cluster=Ref(name="Default")))
    with fleet.db.write() as tx:
        tx.execute(sa.update(vms).values(status="unknown"))
    fleet.start_worker()
    fleet.done(fleet.db.run(stop_vm, SYSTEM, vm_id))
    with fleet.db.read() as tx:
        assert tx.scalar(sa.select(vms.c.status)) == "down"
