"""A host that goes into maintenance: its guests are moved to other hosts, and who stays is told with the reason."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from engine.test_vms import profile, row, start, vm, vnic
from fleet import NO_GUESTS, Fleet, running_fleet
from netweft.core.errors import ValidationError
from netweft.core.protocol import HostReport
from netweft.engine import claims
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.commands.hosts import activate_host, deactivate_host
from netweft.engine.commands.networks import AddNetwork, add_network
from netweft.engine.commands.vms import StartVm, start_vm, stop_vm
from netweft.engine.db import Database, Tx
from netweft.engine.job_context import JobContext, PostponedError
from netweft.engine.jobs import evacuate_host
from netweft.engine.model.clusters import clusters
from netweft.engine.model.hosts import host_reports
from netweft.engine.model.vms import vms
from netweft.engine.queries.references import Ref


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    """Two hosts; the first alone has network storage."""
    with running_fleet(db, tmp_path, 2) as fleet:
        spec = AddNetwork(name="storage", data_center=Ref(name="Default"), vlan_id=100)
        network_id = db.run(add_network, SYSTEM, spec).id
        with db.read() as tx:
            cluster_id = tx.execute(sa.select(clusters.c.id)).scalar_one()
        attach = AttachNetwork(cluster_id=cluster_id, network=Ref(id=network_id), required=False)
        db.run(attach_network, SYSTEM, attach)
        fleet.attach("storage", "eth1")
        yield fleet


def running(fleet: Fleet, *names: str) -> list[str]:
    """Machines that run on the first host."""
    ids = [vm(fleet, name) for name in names]
    for vm_id in ids:
        start(fleet, vm_id, "sim-1")
    return ids


def deactivate(fleet: Fleet) -> str | None:
    return fleet.db.run(deactivate_host, SYSTEM, fleet.id())


def code_of(fleet: Fleet, number: int = 1) -> str:
    with pytest.raises(ValidationError) as refusal:
        fleet.db.run(deactivate_host, SYSTEM, fleet.id(number))
    return refusal.value.code


def test_all_guests_are_moved_and_then_the_host_is_in_maintenance(fleet: Fleet) -> None:
    ids = running(fleet, "one", "two", "three", "four", "five")
    job_id = deactivate(fleet)
    assert fleet.status() == "preparing_for_maintenance"
    assert deactivate(fleet) == job_id
    fleet.done(job_id)
    assert fleet.status() == "maintenance"
    assert {row(fleet, vm_id).host_name for vm_id in ids} == {"sim-2"}
    assert {guest.id for guest in fleet.agent(2).guests()} == set(ids)
    assert not fleet.agent(1).guests()
    assert fleet.codes().count(15) == 1


def test_who_cannot_move_is_told_and_the_host_goes_on_preparing(fleet: Fleet) -> None:
    free, bound = running(fleet, "free"), vm(fleet, "bound")
    vnic(fleet, bound)
    start(fleet, bound, "sim-1")
    ended = fleet.failed(deactivate(fleet))
    assert ended.error_code == "VDS_MAINTENANCE_FAILED"
    assert "bound: " in ended.error
    assert "Host sim-2 does not have these networks: storage." in ended.error
    assert row(fleet, free[0]).host_name == "sim-2"
    assert fleet.status() == "preparing_for_maintenance"
    assert [fleet.codes().count(code) for code in (140, 602, 15)] == [1, 1, 0]
    with pytest.raises(ValidationError, match="in status preparing_for_maintenance, not up"):
        fleet.db.run(start_vm, SYSTEM, StartVm(id=vm(fleet, "new"), host=Ref(name="sim-1")))
    fleet.attach("storage", "eth1", number=2)
    fleet.done(deactivate(fleet))
    assert row(fleet, bound).host_name == "sim-2"
    assert fleet.status() == "maintenance"


def test_the_last_guest_may_also_be_stopped_by_hand(fleet: Fleet) -> None:
    bound = vm(fleet, "bound")
    vnic(fleet, bound)
    start(fleet, bound, "sim-1")
    fleet.failed(deactivate(fleet))
    fleet.monitor.round(fleet.db)
    assert fleet.status() == "preparing_for_maintenance"
    fleet.done(fleet.db.run(stop_vm, SYSTEM, bound))
    fleet.until(lambda: fleet.monitor.round(fleet.db) is None and fleet.status() == "maintenance")


def test_a_migration_that_fails_is_reported_with_its_reason(fleet: Fleet) -> None:
    (vm_id,) = running(fleet, "one")
    fleet.simulate(2, no_guests=NO_GUESTS)
    ended = fleet.failed(deactivate(fleet))
    assert NO_GUESTS in ended.error
    assert (row(fleet, vm_id).status, row(fleet, vm_id).host_name) == ("up", "sim-1")


def test_activating_the_host_ends_the_preparation(fleet: Fleet) -> None:
    (vm_id,) = running(fleet, "one")
    fleet.stop_worker()
    job_id = deactivate(fleet)
    activated = fleet.db.run(activate_host, SYSTEM, fleet.id())
    fleet.start_worker()
    fleet.done(job_id)
    fleet.done(activated)
    assert fleet.status() == "up"
    assert row(fleet, vm_id).host_name == "sim-1"


def test_an_engine_that_died_in_the_middle_is_followed_by_another(fleet: Fleet) -> None:
    ids = running(fleet, "one", "two", "three")
    fleet.stop_worker()
    job_id = deactivate(fleet)
    died = claims.claim_next(fleet.db, "died", frozenset({"evacuate_host"}))
    assert died is not None
    with pytest.raises(PostponedError):
        evacuate_host.run(JobContext(db=fleet.db, job=died, stop=threading.Event()))
    assert [row(fleet, vm_id).status for vm_id in ids].count("migrating") == 2
    fleet.db.run(claims.take_over, silent_for=0)
    fleet.start_worker()
    fleet.done(job_id)
    assert fleet.status() == "maintenance"
    assert {row(fleet, vm_id).host_name for vm_id in ids} == {"sim-2"}


def test_guests_that_can_never_move_keep_the_host_from_it(fleet: Fleet) -> None:
    (vm_id,) = running(fleet, "one")

    def as_namespace(tx: Tx) -> None:
        report = msgspec.json.decode(tx.scalar(_report(fleet)), type=HostReport)  # type: ignore[arg-type] # it has reported
        guests = tuple(replace(guest, driver="namespace") for guest in report.guests)
        content = msgspec.json.encode(replace(report, guests=guests))
        tx.execute(sa.update(host_reports).where(host_reports.c.host_id == fleet.id()).values(report=content))

    fleet.db.run(as_namespace)
    assert code_of(fleet) == "VDS_CANNOT_MAINTENANCE_IT_INCLUDES_NON_MIGRATABLE_VM"
    assert fleet.status() == "up"
    fleet.set_status("non_responsive")
    assert code_of(fleet) == "VDS_CANNOT_MAINTENANCE_VDS_IS_NOT_RESPONDING_WITH_VMS"
    assert row(fleet, vm_id).status == "up"
    assert profile(fleet, "storage")


def _report(fleet: Fleet) -> sa.Select[tuple[bytes]]:
    return sa.select(host_reports.c.report).where(host_reports.c.host_id == fleet.id())


def test_a_host_that_falls_silent_goes_on_preparing(fleet: Fleet) -> None:
    fleet.restart_monitor(lost_after=0.0)
    bound = vm(fleet, "bound")
    vnic(fleet, bound)
    start(fleet, bound, "sim-1")
    fleet.failed(deactivate(fleet))
    fleet.simulate(unreachable=("always",))
    for _ in range(3):
        fleet.monitor.round(fleet.db)
    assert (fleet.status(), row(fleet, bound).status) == ("preparing_for_maintenance", "unknown")
    assert fleet.codes().count(12) == 1
    fleet.simulate()
    fleet.until(lambda: fleet.monitor.round(fleet.db) is None and row(fleet, bound).status == "up")
    assert fleet.status() == "preparing_for_maintenance"
    with fleet.db.write() as tx:
        tx.execute(sa.update(vms).values(status="down", host_id=None))
    fleet.monitor.round(fleet.db)
