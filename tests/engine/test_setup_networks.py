"""SetupNetworks from the command to the (simulated) host and back, with everything that can go wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from databases import ON_POSTGRESQL
from fleet import Fleet, running_fleet
from netweft.core.errors import BusyError, ValidationError
from netweft.core.host import Host, Loss
from netweft.core.host_request import AttachmentChange, BondChange, Ref, SetupRequest
from netweft.core.intent import IpAssignment
from netweft.engine import claims
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.commands.host_plans import plan_host_networks
from netweft.engine.commands.hosts import refresh_host
from netweft.engine.commands.networks import AddNetwork, add_network
from netweft.engine.commands.setup_networks import (
    commit_network_changes,
    remove_attachment,
    sync_all_networks,
    update_attachment,
)
from netweft.engine.db import Database
from netweft.engine.model.clusters import clusters
from netweft.engine.model.events import events
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.jobs import jobs
from netweft.engine.model.networks import networks
from netweft.engine.operations import host_changes
from netweft.engine.queries.references import Ref as ObjectName
from netweft.engine.reports.adoption import ADOPTED, AHEAD, KEPT


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(db, tmp_path) as fleet:
        add(fleet, "storage", vlan_id=100)
        add(fleet, "tenants", vlan_id=200)
        yield fleet


def add(fleet: Fleet, name: str, **values: object) -> str:
    """A network of the cluster."""
    spec = AddNetwork(name=name, data_center=ObjectName(name="Default"), **values)  # type: ignore[arg-type]  # of the right types
    network_id = fleet.db.run(add_network, SYSTEM, spec).id
    with fleet.db.read() as tx:
        cluster_id = tx.execute(sa.select(clusters.c.id)).scalar_one()
    spec_attach = AttachNetwork(cluster_id=cluster_id, network=ObjectName(id=network_id), required=False)
    fleet.db.run(attach_network, SYSTEM, spec_attach)
    return network_id


def static(address: str, prefix: int = 24, gateway: str = "") -> tuple[IpAssignment, ...]:
    return (IpAssignment(version=4, method="static", address=address, prefix=prefix, gateway=gateway),)


def attachment(network: str, nic: str = "", **values: object) -> AttachmentChange:
    return AttachmentChange(network=Ref(name=network), nic=Ref(name=nic), **values)  # type: ignore[arg-type]  # of the right types


def request(*attachments: AttachmentChange, **values: object) -> SetupRequest:
    return SetupRequest(attachments=attachments, **values)  # type: ignore[arg-type]  # of the right types


def test_networks_come_onto_a_host_move_and_go(fleet: Fleet) -> None:
    fleet.done(
        fleet.setup(
            request(attachment("storage", "eth1", assignments=static("10.0.0.5")), attachment("tenants", "eth1"))
        )
    )
    assert fleet.carried() == {"ovirtmgmt": "eth0", "storage": "eth1", "tenants": "eth1"}
    assert {vlan.tag: vlan.base for vlan in fleet.host().vlans.values()} == {100: "eth1", 200: "eth1"}
    assert [str(one) for one in fleet.host().bridges["storage"].addresses] == ["10.0.0.5/24"]
    assert fleet.data().differences() == {}
    assert {"eth1.100", "eth1.200"} <= set(fleet.data().nics.values())

    fleet.done(fleet.setup(request(attachment("storage", "eth2"))))
    assert fleet.carried()["storage"] == "eth2"
    assert [str(one) for one in fleet.host().bridges["storage"].addresses] == ["10.0.0.5/24"]

    fleet.done(fleet.db.run(remove_attachment, SYSTEM, fleet.id(), fleet.attachment_id("tenants")))
    assert fleet.carried() == {"ovirtmgmt": "eth0", "storage": "eth2"}
    assert set(fleet.host().vlans) == {"eth2.100"}
    assert fleet.codes().count(1102) == 4
    assert fleet.change_states() == ["applied"] * 4


def test_nothing_to_do_is_no_job(fleet: Fleet) -> None:
    fleet.attach("storage", "eth1")
    assert fleet.setup(request(attachment("storage", "eth1"))) is None


def test_a_bond_comes_takes_networks_over_and_goes(fleet: Fleet) -> None:
    fleet.attach("storage", "eth1")
    bond = BondChange(bond=Ref(name="bond0"), slaves=(Ref(name="eth1"), Ref(name="eth2")))
    fleet.done(fleet.setup(request(attachment("storage", "bond0"), bonds=(bond,))))
    assert fleet.host().bonds["bond0"].mode == "802.3ad"
    assert fleet.host().ports_of("bond0") == ["eth1", "eth2"]
    assert fleet.carried()["storage"] == "bond0"
    bond_id = fleet.data().intent.bonds[0].id
    assert fleet.data().nics[bond_id] == "bond0"

    options = {"mode": "1", "miimon": "100"}
    fleet.done(fleet.setup(request(bonds=(BondChange(bond=Ref(id=bond_id), options=options),))))
    assert fleet.host().bonds["bond0"].mode == "active-backup"

    fleet.done(fleet.setup(request(attachment("storage", "eth3"), removed_bonds=(Ref(name="bond0"),))))
    assert fleet.host().bonds == {}
    assert fleet.data().intent.bonds == ()


def without_nic(host: Host, nic: str) -> Host:
    """As when the driver of the NIC lets it go: the VLAN devices over it go with it."""
    nics = {name: one for name, one in host.nics.items() if name != nic}
    return replace(host, nics=nics, vlans={name: one for name, one in host.vlans.items() if one.base != nic})


def test_a_nic_that_died_blocks_only_what_is_on_it(fleet: Fleet) -> None:
    nic = fleet.host().nics["eth1"]
    fleet.attach("storage", "eth1", assignments=static("10.0.0.5"))
    fleet.simulate(host=without_nic(fleet.host(), "eth1"))
    fleet.done(fleet.db.run(refresh_host, SYSTEM, fleet.id()))
    assert set(fleet.data().differences()) == {fleet.attachment_id("storage")}

    with fleet.db.read() as tx:
        steps = plan_host_networks(tx, SYSTEM, fleet.id(), request(attachment("tenants", "eth2"))).steps
    assert all("storage" not in step.text for step in steps)
    fleet.attach("tenants", "eth2")
    assert fleet.carried() == {"ovirtmgmt": "eth0", "storage": "eth1", "tenants": "eth2"}
    assert fleet.host().ports_of("tenants") == ["eth2.200"]
    assert [str(one) for one in fleet.host().bridges["storage"].addresses] == ["10.0.0.5/24"]
    assert set(fleet.data().differences()) == {fleet.attachment_id("storage")}
    fleet.done(fleet.db.run(commit_network_changes, SYSTEM, fleet.id()))

    fleet.simulate(host=fleet.host().with_link(nic))
    fleet.done(fleet.db.run(refresh_host, SYSTEM, fleet.id()))
    fleet.done(fleet.db.run(sync_all_networks, SYSTEM, fleet.id()))
    assert fleet.host().ports_of("storage") == ["eth1.100"]
    assert fleet.data().differences() == {}


def test_what_is_committed_while_a_nic_is_dead_comes_back_with_it_at_boot(fleet: Fleet) -> None:
    fleet.attach("storage", "eth1")
    fleet.simulate(host=without_nic(fleet.host(), "eth1"))
    fleet.done(fleet.db.run(refresh_host, SYSTEM, fleet.id()))
    fleet.attach("tenants", "eth2")
    fleet.done(fleet.db.run(commit_network_changes, SYSTEM, fleet.id()))
    fleet.simulate(reboot=True)
    assert fleet.host().ports_of("storage") == ["eth1.100"]
    assert fleet.host().ports_of("tenants") == ["eth2.200"]


def test_what_was_on_a_nic_that_died_moves_or_goes(fleet: Fleet) -> None:
    fleet.attach("storage", "eth1")
    fleet.attach("tenants", "eth1")
    fleet.simulate(host=without_nic(fleet.host(), "eth1"))
    fleet.done(fleet.db.run(refresh_host, SYSTEM, fleet.id()))
    fleet.done(fleet.setup(request(attachment("storage", "eth2"), synchronized=(fleet.attachment_id("storage"),))))
    assert fleet.host().ports_of("storage") == ["eth2.100"]
    fleet.done(fleet.db.run(remove_attachment, SYSTEM, fleet.id(), fleet.attachment_id("tenants")))
    assert "tenants" not in fleet.host().bridges


def test_what_the_host_refuses_changes_nothing_and_says_why(fleet: Fleet) -> None:
    before = fleet.host()
    fleet.simulate(refuse={"CreateLink": 1})
    ended = fleet.failed(fleet.setup(request(attachment("storage", "eth1"))))
    assert "rolled the change back completely" in ended.error
    assert "refuses" in ended.error
    assert ended.error_code == "SETUP_NETWORKS_ROLLBACK"
    assert fleet.carried() == {"ovirtmgmt": "eth0"}
    assert fleet.host() == before
    assert fleet.change_states() == ["applied", "refused"]
    fleet.simulate()
    fleet.attach("storage", "eth1")


def test_a_host_that_is_cut_off_takes_the_change_back(fleet: Fleet) -> None:
    """The engine cannot reach it after the apply: nobody confirms."""
    before = fleet.host()
    fleet.simulate(unreachable=("awaiting_confirmation",))
    ended = fleet.failed(fleet.setup(request(attachment("storage", "eth1"), connectivity_timeout=1)))
    assert ended.error_code == "SETUP_NETWORKS_ROLLBACK"
    assert fleet.host() == before
    assert fleet.carried() == {"ovirtmgmt": "eth0"}


def test_without_a_connectivity_check_the_host_confirms_by_itself(fleet: Fleet) -> None:
    fleet.simulate(unreachable=("awaiting_confirmation",))
    fleet.done(fleet.setup(request(attachment("storage", "eth1"), check_connectivity=False)))
    assert fleet.carried()["storage"] == "eth1"


@pytest.mark.parametrize("lost", [1, 2])
def test_lost_replies_do_not_matter(fleet: Fleet, lost: int) -> None:
    """The first is that to the request, the second that to the confirmation."""
    fleet.simulate(lose_replies=lost)
    fleet.done(fleet.setup(request(attachment("storage", "eth1"))))
    assert fleet.carried()["storage"] == "eth1"
    assert fleet.change_states() == ["applied", "applied"]


def test_a_dirty_host_is_committed(fleet: Fleet) -> None:
    fleet.attach("storage", "eth1")
    assert fleet.report().dirty
    assert fleet.data().row.dirty
    fleet.done(fleet.db.run(commit_network_changes, SYSTEM, fleet.id()))
    assert not fleet.report().dirty
    assert not fleet.data().row.dirty
    fleet.done(fleet.setup(request(attachment("tenants", "eth1"), commit_on_success=True)))
    assert not fleet.report().dirty


@ON_POSTGRESQL
def test_two_requests_at_once(fleet: Fleet) -> None:
    """The second must build on how the first ends, so it waits for that."""
    fleet.simulate(step_seconds=0.1)
    first = fleet.setup(request(attachment("storage", "eth1")))
    with pytest.raises(BusyError) as busy:
        fleet.setup(request(attachment("tenants", "eth1")))
    assert busy.value.code == host_changes.IN_PROGRESS
    assert "Related operation is currently in progress" in busy.value.text
    fleet.done(first)
    fleet.simulate()
    fleet.done(fleet.setup(request(attachment("tenants", "eth1"))))
    assert fleet.carried() == {"ovirtmgmt": "eth0", "storage": "eth1", "tenants": "eth1"}


@pytest.mark.parametrize("phase", ["sent", "applied", "confirmed"])
def test_an_engine_that_died_in_the_middle_goes_on_where_the_host_is(fleet: Fleet, phase: str) -> None:
    """The job is repeated by another worker, after the first one got as far as ``phase``."""
    fleet.stop_worker()
    job_id = fleet.setup(request(attachment("storage", "eth1"), connectivity_timeout=30))
    died = claims.claim_next(fleet.db, "a worker that dies", frozenset({"apply_host"}))
    assert died is not None
    assert died.id == job_id
    from netweft.core.desired import desired_host  # noqa: PLC0415 - what the dead worker had done
    from netweft.core.protocol import ChangeRequest  # noqa: PLC0415 - the same
    from netweft.engine.queries import host_networks  # noqa: PLC0415 - the same

    with fleet.db.read() as tx:
        row = host_changes.find(tx, fleet.id(), 2)
        assert row is not None
        candidate = row.candidate
        data = host_networks.load_one(tx, fleet.id())
    assert candidate is not None
    intent = host_networks.intent_of("legacy", candidate, data.networks, data.report)
    desired = desired_host(intent, fleet.host())
    fleet.agent().put_host(ChangeRequest(generation=2, desired=desired, confirm_within=30, request=job_id))
    if phase != "sent":
        fleet.until(lambda: fleet.report().change.phase == "awaiting_confirmation")  # type: ignore[union-attr]  # there is one
    if phase == "confirmed":
        fleet.agent().confirm(2)
    fleet.db.run(claims.take_over, silent_for=0)
    fleet.start_worker()
    fleet.done(job_id)
    assert fleet.carried()["storage"] == "eth1"
    assert fleet.host().bridges["storage"].owner


def test_during_a_change_the_host_is_not_asked_for_its_report_repeatedly(fleet: Fleet) -> None:
    fleet.simulate(step_seconds=0.3)
    before = fleet.requests("/v1/host")
    job_id = fleet.setup(request(attachment("storage", "eth1"), attachment("tenants", "eth1")))
    fleet.done(job_id)
    with fleet.db.read() as tx:
        progress = tx.execute(sa.select(jobs.c.progress).where(jobs.c.id == job_id)).scalar_one()
    assert progress["steps_total"] * 0.3 > 2, "the change takes long enough for several requests"
    assert fleet.requests("/v1/host") - before == 1, "one to record the result: the state before the change was stored"


def test_a_job_that_is_repeated_after_its_end_was_stored_says_the_same(fleet: Fleet) -> None:
    """The end of the change, that is: the engine was killed before it stored that of the job."""
    fleet.stop_worker()
    job_id = fleet.setup(request(attachment("storage", "eth1")))
    with fleet.db.read() as tx:
        told = tx.execute(sa.select(jobs.c.payload).where(jobs.c.id == job_id)).scalar_one()
    fleet.start_worker()
    fleet.done(job_id)
    with fleet.db.write() as tx:
        again = {"status": "started", "claimed_by": None, "payload": told}
        tx.execute(sa.update(jobs).where(jobs.c.id == job_id).values(**again))
    fleet.done(job_id)
    assert fleet.change_states() == ["applied", "applied"]


def test_an_engine_with_an_older_database_than_the_host_says_so_and_catches_up(fleet: Fleet) -> None:
    from netweft.core.protocol import ChangeRequest  # noqa: PLC0415 - what another engine sent

    fleet.attach("tenants", "eth2")
    tenants = fleet.host()
    with fleet.db.write() as tx:  # what the restored database does not know
        tx.execute(sa.delete(attachments).where(attachments.c.nic == "eth2"))
    fleet.agent().put_host(ChangeRequest(generation=50, desired=tenants, confirm_within=0, request="another"))
    fleet.until(lambda: fleet.report().change.generation == 50 and fleet.report().change.phase.is_final)  # type: ignore[union-attr]  # there is one
    ended = fleet.failed(fleet.setup(request(attachment("storage", "eth1"))))
    assert ended.error_code == "HOST_HAS_LATER_GENERATION"
    assert fleet.carried() == {"ovirtmgmt": "eth0", "tenants": "eth2"}
    fleet.attach("storage", "eth1")
    assert fleet.report().generation == 51
    assert fleet.carried() == {"ovirtmgmt": "eth0", "tenants": "eth2", "storage": "eth1"}


def test_what_a_host_has_got_since_a_backup_is_taken_over_as_soon_as_it_reports(fleet: Fleet) -> None:
    from netweft.core.protocol import ChangeRequest  # noqa: PLC0415 - what another engine sent

    fleet.attach("storage", "eth1")
    fleet.attach("tenants", "eth2")
    tenants = fleet.host()
    with fleet.db.write() as tx:  # what the restored database does not know: an attachment, and a network
        tx.execute(sa.delete(attachments).where(attachments.c.nic.in_(("eth1", "eth2"))))
        tx.execute(sa.delete(networks).where(networks.c.name == "storage"))
    fleet.agent().put_host(ChangeRequest(generation=50, desired=tenants, confirm_within=0, request="another"))
    fleet.until(lambda: fleet.report().change.generation == 50 and fleet.report().change.phase.is_final)  # type: ignore[union-attr]  # there is one
    before = fleet.host()
    for _ in range(2):
        fleet.monitor.round(fleet.db)
    assert fleet.carried() == {"ovirtmgmt": "eth0", "tenants": "eth2"}
    assert [fleet.codes().count(code) for code in (AHEAD, ADOPTED, KEPT)] == [1, 1, 1]
    with fleet.db.read() as tx:
        told = tx.scalar(sa.select(events.c.description).where(events.c.code == KEPT))
    assert "storage" in str(told)
    assert fleet.host() == before, "nothing is sent for it"
    add(fleet, "next", vlan_id=300)
    fleet.attach("next", "eth3")
    assert fleet.report().generation == 51


def test_a_change_of_the_same_number_from_another_life_of_the_database_is_not_taken_for_ours(fleet: Fleet) -> None:
    from netweft.core.protocol import ChangeRequest  # noqa: PLC0415 - what another engine sent

    later = fleet.report().generation + 1
    fleet.agent().put_host(ChangeRequest(generation=later, desired=fleet.host(), confirm_within=0, request="another"))
    fleet.until(lambda: fleet.report().change.generation == later and fleet.report().change.phase.is_final)  # type: ignore[union-attr]  # there is one
    ended = fleet.failed(fleet.setup(request(attachment("storage", "eth1"))))
    assert ended.error_code == "HOST_HAS_LATER_GENERATION"
    assert fleet.carried() == {"ovirtmgmt": "eth0"}


def test_a_host_that_falls_silent_leaves_the_end_open_until_it_reports(fleet: Fleet) -> None:
    fleet.restart_worker(silence=0.2)
    fleet.simulate(unreachable=("awaiting_confirmation", "rolling_back", "rolled_back"))
    ended = fleet.failed(fleet.setup(request(attachment("storage", "eth1"), connectivity_timeout=1)))
    assert ended.error_code == "VDS_NETWORK_ERROR"
    assert fleet.change_states() == ["applied", "pending"]
    with pytest.raises(BusyError):
        fleet.setup(request(attachment("tenants", "eth1")))
    fleet.simulate()
    fleet.until(lambda: fleet.report().change.phase.is_final)  # type: ignore[union-attr]  # there is one
    fleet.monitor.round(fleet.db)
    assert fleet.change_states() == ["applied", "refused"]
    assert fleet.carried() == {"ovirtmgmt": "eth0"}
    fleet.attach("tenants", "eth1")


def test_drift_is_shown_refused_and_put_right(fleet: Fleet) -> None:
    fleet.attach("storage", "eth1")
    host = fleet.host()
    from dataclasses import replace  # noqa: PLC0415 - used once

    fleet.simulate(host=host.with_link(replace(host.bridges["storage"], mtu=1400)))
    fleet.monitor.round(fleet.db)
    assert "mtu" in str(fleet.data().differences())
    with pytest.raises(ValidationError) as refusal:
        fleet.setup(request(attachment("storage", "eth2")))
    assert refusal.value.code == "NETWORK_NOT_IN_SYNC"
    fleet.done(fleet.db.run(sync_all_networks, SYSTEM, fleet.id()))
    assert fleet.data().differences() == {}
    assert fleet.host().bridges["storage"].mtu == 1500
    assert fleet.db.run(sync_all_networks, SYSTEM, fleet.id()) is None
    changed = AttachmentChange(id=fleet.attachment_id("storage"), nic=Ref(name="eth2"))
    fleet.done(fleet.db.run(update_attachment, SYSTEM, fleet.id(), changed))
    assert fleet.carried()["storage"] == "eth2"


def test_what_is_wanted_is_put_on_the_host_again(fleet: Fleet) -> None:
    fleet.attach("storage", "eth1")
    fleet.done(fleet.db.run(host_changes.request_apply, SYSTEM, fleet.id(), "a test asks"))
    assert 10903 in fleet.codes()
    assert not fleet.report().dirty


def test_a_plan_says_what_would_happen_and_sends_nothing(fleet: Fleet) -> None:
    fleet.attach("storage", "eth1", assignments=static("10.0.0.5"))
    before = fleet.report()
    with fleet.db.read() as tx:
        plan = plan_host_networks(tx, SYSTEM, fleet.id(), request(attachment("storage", "eth2")))
    assert plan.steps
    assert plan.loss is not Loss.NONE
    assert [network.name for network in plan.networks] == ["storage"]
    assert fleet.report() == before
    with fleet.db.read() as tx:
        assert plan_host_networks(tx, SYSTEM, fleet.id(), request(attachment("storage", "eth1"))).steps == ()
