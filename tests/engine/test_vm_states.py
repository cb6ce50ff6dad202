"""Virtual machines on (simulated) hosts that are shut down, saved, let go on, and rebooted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from fleet import NO_GUESTS, Fleet, running_fleet
from netweft.core.errors import ValidationError
from netweft.core.guest_protocol import GuestSpec, GuestState
from netweft.engine.actor import SYSTEM, Actor
from netweft.engine.commands.hosts import deactivate_host, remove_host
from netweft.engine.commands.vm_states import reboot_vm, shut_down_vm, suspend_vm
from netweft.engine.commands.vms import AddVm, StartVm, add_vm, remove_vm, start_vm, stop_vm
from netweft.engine.commands.vnics import AddVnic, add_vnic
from netweft.engine.db import Database, Tx
from netweft.engine.model.events import events
from netweft.engine.model.jobs import jobs
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.queries import vms as queries
from netweft.engine.queries.references import Ref
from netweft.engine.reports.host_reports import VM_FOUND, VM_TWICE


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(db, tmp_path, 2) as fleet:
        yield fleet


@pytest.fixture
def vm_id(fleet: Fleet) -> str:
    """A machine with a vNIC that runs on the second host."""
    vm_id = fleet.db.run(add_vm, SYSTEM, AddVm(name="one", cluster=Ref(name="Default")))
    with fleet.db.read() as tx:
        profile_id = tx.execute(sa.select(vnic_profiles.c.id)).scalar_one()
    fleet.db.run(add_vnic, SYSTEM, AddVnic(vm_id=vm_id, name="nic1", profile_id=profile_id))
    start(fleet, vm_id, "sim-2")
    return vm_id


def start(fleet: Fleet, vm_id: str, host: str | None = None) -> None:
    spec = StartVm(id=vm_id, host=Ref(name=host) if host else None)
    fleet.done(fleet.db.run(start_vm, SYSTEM, spec))


def do(fleet: Fleet, command: Callable[[Tx, Actor, str], str], vm_id: str) -> None:
    fleet.done(fleet.db.run(command, SYSTEM, vm_id))


def status(fleet: Fleet, vm_id: str) -> str:
    with fleet.db.read() as tx:
        return str(queries.get(tx, vm_id).status)


def guest(fleet: Fleet, vm_id: str) -> GuestState | None:
    return next((one for one in fleet.agent(2).guests() if one.id == vm_id), None)


def refused(fleet: Fleet, command: Callable[[Tx, Actor, str], str], vm_id: str) -> str:
    with pytest.raises(ValidationError) as refusal:
        fleet.db.run(command, SYSTEM, vm_id)
    return refusal.value.code


def put(fleet: Fleet, vm_id: str, **values: str) -> None:
    with fleet.db.write() as tx:
        tx.execute(sa.update(vms).where(vms.c.id == vm_id).values(values))


def test_a_machine_shuts_down_when_it_is_asked_to(fleet: Fleet, vm_id: str) -> None:
    do(fleet, shut_down_vm, vm_id)
    fleet.until(lambda: status(fleet, vm_id) == "down")
    with fleet.db.read() as tx:
        assert (queries.get(tx, vm_id).host_id, queries.get(tx, vm_id).status_reason) == (
            None,
            "the guest was shut down",
        )
    fleet.until(lambda: guest(fleet, vm_id) is None)
    assert {73, 61} <= set(fleet.codes())
    assert refused(fleet, shut_down_vm, vm_id) == "ACTION_TYPE_FAILED_VM_IS_NOT_RUNNING"
    start(fleet, vm_id, "sim-2")


def test_a_machine_that_does_not_heed_is_up_again(fleet: Fleet, vm_id: str) -> None:
    fleet.restart_worker(shutdown=0.5)
    fleet.simulate(2, deaf_guests=(vm_id,))
    do(fleet, shut_down_vm, vm_id)
    assert status(fleet, vm_id) == "powering_down"
    fleet.until(lambda: status(fleet, vm_id) == "up")
    assert fleet.codes().count(74) == 1
    fleet.restart_worker()
    do(fleet, shut_down_vm, vm_id)
    do(fleet, shut_down_vm, vm_id)  # asks again
    do(fleet, stop_vm, vm_id)  # and whoever loses patience does not wait
    assert (status(fleet, vm_id), guest(fleet, vm_id)) == ("down", None)


def test_a_host_that_cannot_ask_leaves_the_machine_up(fleet: Fleet, vm_id: str) -> None:
    fleet.simulate(2, unreachable=("always",))
    fleet.failed(fleet.db.run(shut_down_vm, SYSTEM, vm_id))
    fleet.failed(fleet.db.run(reboot_vm, SYSTEM, vm_id))
    assert status(fleet, vm_id) == "up"
    assert {74, 158} <= set(fleet.codes())


def test_a_machine_reboots(fleet: Fleet, vm_id: str) -> None:
    do(fleet, reboot_vm, vm_id)
    assert status(fleet, vm_id) == "up"
    assert 157 in fleet.codes()


def test_a_suspended_machine_holds_nothing_and_goes_on_where_it_is_saved(fleet: Fleet, vm_id: str) -> None:
    with fleet.db.read() as tx:
        before = queries.vnics_of(tx, (vm_id,))[vm_id][0].mac
    do(fleet, suspend_vm, vm_id)
    with fleet.db.read() as tx:
        row = queries.get(tx, vm_id)
        assert (row.status, row.host_id, row.saved_host_id) == ("suspended", None, fleet.id(2))
        assert queries.memory_promised(tx, [fleet.id(2)]) == {}
    assert fleet.host(2).guest_ports == {}
    assert {501, 503} <= set(fleet.codes())
    assert refused(fleet, suspend_vm, vm_id) == "ACTION_TYPE_FAILED_VM_IS_NOT_UP"
    fleet.monitor.round(fleet.db)
    assert status(fleet, vm_id) == "suspended"
    with pytest.raises(ValidationError) as refusal:
        start(fleet, vm_id, "sim-1")
    assert refusal.value.code == "ACTION_TYPE_FAILED_VM_IS_SAVED_ON_ANOTHER_HOST"
    start(fleet, vm_id)
    state = guest(fleet, vm_id)
    assert state is not None
    assert (state.status, [nic.mac for nic in state.nics]) == ("up", [before])
    with fleet.db.read() as tx:
        row = queries.get(tx, vm_id)
        assert (row.status, row.host_id, row.saved_host_id) == ("up", fleet.id(2), None)


def test_a_host_keeps_its_suspended_machines(fleet: Fleet, vm_id: str) -> None:
    do(fleet, suspend_vm, vm_id)
    fleet.db.run(deactivate_host, SYSTEM, fleet.id(2))
    with pytest.raises(ValidationError) as refusal:
        fleet.db.run(remove_host, SYSTEM, fleet.id(2))
    assert refusal.value.code == "VDS_CANNOT_REMOVE_VDS_DETECTED_RUNNING_VM"
    with pytest.raises(ValidationError) as refusal:
        start(fleet, vm_id)
    assert refusal.value.code == "SCHEDULING_ALL_HOSTS_FILTERED_OUT"
    assert status(fleet, vm_id) == "suspended"


def test_a_machine_that_cannot_be_saved_runs_on(fleet: Fleet, vm_id: str) -> None:
    fleet.simulate(2, deaf_guests=(vm_id,))
    ended = fleet.failed(fleet.db.run(suspend_vm, SYSTEM, vm_id))
    assert "cannot be suspended" in ended.error
    assert status(fleet, vm_id) == "up"
    assert 502 in fleet.codes()
    fleet.simulate(2, end_guests=(vm_id,))
    fleet.failed(fleet.db.run(suspend_vm, SYSTEM, vm_id))
    fleet.monitor.round(fleet.db)
    assert status(fleet, vm_id) == "down"


def test_a_machine_that_cannot_go_on_stays_suspended(fleet: Fleet, vm_id: str) -> None:
    do(fleet, suspend_vm, vm_id)
    fleet.simulate(2, no_guests=NO_GUESTS)
    assert NO_GUESTS in fleet.failed(fleet.db.run(start_vm, SYSTEM, StartVm(id=vm_id))).error
    with fleet.db.read() as tx:
        row = queries.get(tx, vm_id)
    assert (row.status, row.saved_host_id, row.host_id) == ("suspended", fleet.id(2), None)
    assert NO_GUESTS in row.status_reason


@pytest.mark.parametrize("command", [stop_vm, shut_down_vm])
def test_stopping_a_suspended_machine_forgets_its_memory(
    fleet: Fleet, vm_id: str, command: Callable[[Tx, Actor, str], str]
) -> None:
    do(fleet, suspend_vm, vm_id)
    do(fleet, command, vm_id)
    assert (status(fleet, vm_id), guest(fleet, vm_id)) == ("down", None)
    assert 111 in fleet.codes()
    start(fleet, vm_id, "sim-1")


def test_removing_a_suspended_machine_removes_its_memory(fleet: Fleet, vm_id: str) -> None:
    do(fleet, suspend_vm, vm_id)
    fleet.db.run(remove_vm, SYSTEM, vm_id)
    fleet.until(lambda: guest(fleet, vm_id) is None)


def test_memory_that_is_gone_is_noticed(fleet: Fleet, vm_id: str) -> None:
    do(fleet, suspend_vm, vm_id)
    fleet.agent(2).delete_guest(vm_id)
    fleet.monitor.round(fleet.db)
    with fleet.db.read() as tx:
        row = queries.get(tx, vm_id)
    assert (row.status, row.saved_host_id, row.status_reason) == ("down", None, "its saved memory no longer exists")


def test_what_nobody_knew_the_report_tells(fleet: Fleet, vm_id: str) -> None:
    put(fleet, vm_id, status="unknown")
    fleet.monitor.round(fleet.db)
    assert status(fleet, vm_id) == "up"
    do(fleet, suspend_vm, vm_id)
    put(fleet, vm_id, status="unknown", host_id=fleet.id(2))
    fleet.monitor.round(fleet.db)
    with fleet.db.read() as tx:
        row = queries.get(tx, vm_id)
    assert (row.status, row.saved_host_id, row.host_id) == ("suspended", fleet.id(2), None)


def test_another_engine_takes_over_while_a_machine_is_saved(fleet: Fleet, vm_id: str) -> None:
    fleet.stop_worker()
    job_id = fleet.db.run(suspend_vm, SYSTEM, vm_id)
    fleet.agent(2).suspend_guest(vm_id)  # as an engine did that died then
    fleet.until(lambda: (guest(fleet, vm_id) or GuestState(id="", name="", driver="", status="")).status == "suspended")
    fleet.start_worker()
    fleet.done(job_id)
    assert status(fleet, vm_id) == "suspended"


@pytest.mark.parametrize("command", [stop_vm, shut_down_vm])
def test_what_is_being_saved_or_restored_is_not_stopped(
    fleet: Fleet, vm_id: str, command: Callable[[Tx, Actor, str], str]
) -> None:
    for now in ("saving_state", "restoring_state"):
        put(fleet, vm_id, status=now)
        assert refused(fleet, command, vm_id) == "ACTION_TYPE_FAILED_VM_IS_SAVING_RESTORING"


def test_only_what_is_up_is_rebooted_or_shut_down(fleet: Fleet, vm_id: str) -> None:
    put(fleet, vm_id, status="unknown")
    assert refused(fleet, shut_down_vm, vm_id) == "ACTION_TYPE_FAILED_VM_IS_NOT_UP"
    assert refused(fleet, reboot_vm, vm_id) == "ACTION_TYPE_FAILED_VM_IS_NOT_UP"
    assert refused(fleet, suspend_vm, vm_id) == "ACTION_TYPE_FAILED_VM_STATUS_ILLEGAL"
    with fleet.db.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).where(jobs.c.kind == "suspend_vm")).scalar_one() == 0


def test_a_machine_that_runs_though_it_is_down_here_is_found(fleet: Fleet, vm_id: str) -> None:
    """Its start is younger than the backup that the database was restored from."""
    put(fleet, vm_id, status="down")
    with fleet.db.write() as tx:
        tx.execute(sa.update(vms).values(host_id=None))
    for _ in range(2):
        fleet.monitor.round(fleet.db)
    with fleet.db.read() as tx:
        found = queries.get(tx, vm_id)
    assert (found.status, found.host_id) == ("up", fleet.id(2))
    assert fleet.codes().count(VM_FOUND) == 1


def test_a_machine_that_runs_where_it_does_not_belong_is_told_of_once(fleet: Fleet, vm_id: str) -> None:
    """And left alone: to stop either of the two could be to stop the wrong one."""
    fleet.agent(1).put_guest(GuestSpec(id=vm_id, name="one", driver="simulated", memory=2**20))
    with fleet.db.write() as tx:
        tx.execute(sa.update(vms).values(host_id=fleet.id(1)))
    for carrier in (False, True):
        fleet.simulate(2, carrier={"eth1": carrier})
        fleet.monitor.round(fleet.db)
    with fleet.db.read() as tx:
        assert (queries.get(tx, vm_id).status, queries.get(tx, vm_id).host_id) == ("up", fleet.id(1))
        told = tx.execute(sa.select(events).where(events.c.code == VM_TWICE)).all()
    assert [(event.severity, event.host_id) for event in told] == [("error", fleet.id(2))]
    assert "runs on Host sim-2 as well as on Host sim-1, its host" in told[0].description
